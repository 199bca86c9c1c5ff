/* http/stream.h: an answer whose body is made while it is sent, by a thread of whoever answers. Its length is not known:
 * it goes out in chunks, and the connection rests while there is nothing to send.
 *
 *     in the handler:  http_reply(…), http_reply_header(…), stream = http_reply_stream(req)
 *     in the thread:   (http_stream_write)* http_stream_end
 *
 * The request belongs to the server from the handler's end on; the thread touches the stream alone. The stream is counted:
 * the request, the library and the thread hold it. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>

#include "base/str.h"

struct http_request;
struct http_stream;

enum { HTTP_STREAM_WAITING = 64 * 1024 }; /* bytes that wait to be sent; more: the thread waits */

/* The body of the answer that is being made; the caller's share is given back by http_stream_end. Not on HEAD. */
struct http_stream *http_reply_stream(struct http_request *req);

/* False: nobody listens any more, for the connection is lost or the server drains; then end it. May wait for a client that
 * reads slowly; the server ends one that does not read. */
bool http_stream_write(struct http_stream *stream, struct str bytes);

/* Does anybody still listen? */
bool http_stream_is_wanted(struct http_stream *stream);

void http_stream_end(struct http_stream **stream);

#endif
