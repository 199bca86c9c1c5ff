/* net/head.h: the head of an answer, line by line, as libcurl hands it over. Pure; any thread. */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct net_answer;

enum { NET_HEADERS_MAX = 100 }; /* further lines are not kept */

/* Status and headers of the last head in there: what stands before it was 100 Continue or the proxy's. ERR_UNAVAILABLE:
 * it broke off, or is none. Views into the text; the list lives in the arena. */
int net_head_parse(struct arena *arena, struct str text, struct net_answer *out, struct err *err);

/* May it go out: a token as its name, no control bytes in its value? */
bool net_head_is_header(struct str name, struct str value);

/* Does it say who asks? */
bool net_head_is_credential(struct str name);

/* Retry-After in µs from now (µs UTC), at most a day; 0: there is none, or it makes no sense. */
int64_t net_head_retry_after(const struct net_answer *answer, int64_t now);

#endif
