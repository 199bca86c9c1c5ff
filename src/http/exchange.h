/* http/exchange.h: the life of a request between the library's calls and the application's five functions.
 * The calls of libmicrohttpd end here; the drawing stands in http/server.h and request_private.h. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>

struct http_request;
struct http_server;

/* MHD_OPTION_URI_LOG_CALLBACK: the request line is known. */
void *http_exchange_begin(void *context, const char *target, struct MHD_Connection *handle);

/* The access handler. */
enum MHD_Result http_exchange_advance(void *context, struct MHD_Connection *handle, const char *url,
                                      const char *method, const char *version, const char *bytes,
                                      size_t *size, void **slot);

/* MHD_OPTION_NOTIFY_COMPLETED: the answer is out, or the connection lost. */
void http_exchange_end(void *context, struct MHD_Connection *handle, void **slot,
                       enum MHD_RequestTerminationCode code);

/* For a body that is made while it is sent (http/stream.c), under the request's lock: the connection rests, in the event
 * thread; false when the server stops. And goes on, from any thread. */
bool http_exchange_suspend(struct http_request *req);
void http_exchange_wake(struct http_request *req);

#endif
