/* net/resolve.h: names to addresses, with an end. getaddrinfo waits as long as the system's resolver likes; here a
 * thread of its own waits for it, and whoever asked goes on at the deadline. At most NET_RESOLVE_THREADS wait at once,
 * whoever asks beyond that is refused. Any thread. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "codec/address.h"

struct arena;
struct err;

enum { NET_RESOLVE_THREADS = 64, NET_ADDRESSES_MAX = 1024 };

struct net_addresses {
    struct address *list;
    size_t          n;
};

/* All addresses of a name, in the order in which they are to be tried; more than NET_ADDRESSES_MAX are
 * ERR_TOO_LARGE. 0 when it has none (no such name); ERR_UNAVAILABLE: not known in time. */
int net_resolve(struct arena *arena, struct str host, int64_t timeout_us, struct net_addresses *out,
                struct err *err);

#endif
