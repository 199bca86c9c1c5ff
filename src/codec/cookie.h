/* codec/cookie.h: the Cookie header of a request (RFC 6265, 4.2), and the values that we put into one. Pure
 * functions; any thread. */
#ifndef CODEC_COOKIE_H
#define CODEC_COOKIE_H

#include "base/str.h"

/* The value of the cookie of that name, as a view of the header: 1, or 0 when there is none. Names are taken by
 * their case. When several have the name, as when a neighbour's site has planted one of its own, none of them is
 * believed: 0, unless all have the same value. What is no pair is passed over. */
int cookie_find(struct str header, const char *name, struct str *out);

#endif
