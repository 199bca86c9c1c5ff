/* http/exchange.h: the life of a request between the library's calls and the application's five functions.
 * The calls of libmicrohttpd end here; the drawing stands in http/server.h and request_private.h. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>

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

#endif
