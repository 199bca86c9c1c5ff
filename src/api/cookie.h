/* api/cookie.h: the session of a browser, in and out: the cookie, the CSRF token, and where a request comes from.
 *
 * Over HTTPS the cookie is `__Host-assay` (Secure, so no neighbour on a parent domain and no plain connection can plant
 * one); over plain HTTP, which is for loopback, browsers take no such name, and it is `assay`. Each is looked at on its
 * own kind of connection only. */
#ifndef API_COOKIE_H
#define API_COOKIE_H

#include <stdbool.h>

#include "base/str.h"

struct api_call;

/* The id in the cookie: 1, or 0 when there is none. */
int api_cookie_read(const struct api_call *call, struct str *out);

/* Gives the browser the cookie of call->session, or takes it away. */
void api_cookie_set(struct api_call *call, struct str id);
void api_cookie_clear(struct api_call *call);

/* False when a browser says that a page of another origin made it send this. Other clients say nothing. */
bool api_origin_is_ours(const struct api_call *call);

/* May this request change something by its session alone? It may when it carries the session's CSRF token, or is a form
 * of its own kind (log-in, log-out), and comes from no other origin. */
bool api_csrf_is_right(const struct api_call *call);

#endif
