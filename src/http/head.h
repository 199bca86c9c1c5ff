/* http/head.h: the head of a request as libmicrohttpd parsed it, copied out of the library's memory so
 * that it outlives the connection, with the proof that nothing was smoothed over in parsing. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/gate.h"

struct MHD_Connection;
struct arena;

/* method, url and version are the pointers of the access handler, target the text that the library's log
 * callback saw. In the library's first call for the request only, in its thread. */
void http_head_read(struct arena *arena, struct MHD_Connection *connection, const char *method,
                    const char *url, const char *version, struct str target, struct http_head *out);

#endif
