/* net/limit.h: how much goes out at once, in all and to each origin (scheme, host, port), and origins that do not answer
 * left alone for a while.
 *
 * Three connections in a row that come to nothing let an origin rest for 1 s, then 2, 4, 8 and at most 10; while it
 * rests whoever asks is refused at once, so that one dead endpoint keeps no worker waiting. After the rest one is
 * let through to try. Any answer, whatever its status, ends the row. Any thread. */
#ifndef NET_LIMIT_H
#define NET_LIMIT_H

#include <stdint.h>

#include "base/str.h"

struct err;
struct net_limit;

struct net_limit *net_limit_new(int64_t n_all, int64_t n_origin);
void              net_limit_free(struct net_limit **limit);

/* Waits at most so long for a place. ERR_TOO_MANY: there is none; ERR_UNAVAILABLE: the origin rests. */
int net_limit_enter(struct net_limit *limit, struct str origin, int64_t wait_us, struct err *err);

/* After each enter that succeeded. */
enum net_limit_end { NET_LIMIT_ANSWERED, NET_LIMIT_FAILED, NET_LIMIT_UNKNOWN };
void net_limit_leave(struct net_limit *limit, struct str origin, enum net_limit_end how);

#endif
