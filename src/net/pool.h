/* net/pool.h: libcurl's handles that wait for the next request of their kind, each with its connection and where its host's
 * name led. Any thread; a handle that was taken is its taker's alone. */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct net_pool;

enum { NET_KEY_SIZE = 32 };

struct net_handle {
    struct net_handle *next;
    unsigned char      key[NET_KEY_SIZE];
    CURL              *easy;
    struct curl_slist *addresses; /* CURLOPT_RESOLVE; null: none yet */
    int64_t            resolved_at;
    int64_t            idle_since;
};

/* At most n_max wait, and none for longer than a minute. */
struct net_pool *net_pool_new(size_t n_max);
void             net_pool_free(struct net_pool **pool);

/* One that waits under that key, else a new one; null: libcurl does not start. */
struct net_handle *net_pool_take(struct net_pool *pool, const unsigned char key[NET_KEY_SIZE]);

/* Back; one that shall not be used again is ended. */
void net_pool_give(struct net_pool *pool, struct net_handle **handle);
void net_handle_free(struct net_handle **handle);

#endif
