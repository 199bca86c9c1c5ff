/* http/answer.h: puts a finished answer on the wire: through libmicrohttpd where it takes one, past it
 * where it does not. Event thread only. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>

struct http_request;

/* Hands the answer to the library. False: it did not take it, the connection is to be closed. */
bool http_answer_queue(struct http_request *req);

/* Writes the answer to the socket at once, in the middle of a body that the library still waits for. Small
 * answers from memory only. True: the kernel took all of it. The connection must be closed after it. */
bool http_answer_write(struct http_request *req);

#endif
