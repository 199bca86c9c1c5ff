/* base/cache.h: a bounded map from short keys to small values with an age.
 *
 * Keys and values are copied. Entries die at their own deadline, and when the cache is full the one
 * unused for longest goes. The hash is keyed (SipHash), so that no client can choose collisions.
 * Every function may be called from any thread. Nothing here may be used to answer whether a blob
 * exists for a push, nor a permission for longer than 5 s (design, section 5). */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cache;

/* At most n_max entries, each value exactly value_size bytes. */
struct cache *cache_new(size_t n_max, size_t value_size);
void          cache_free(struct cache **cache);

/* Copies the value out when there is an entry whose deadline lies after now_us. */
bool cache_get(struct cache *cache, struct str key, int64_t now_us, void *value_out);
void cache_put(struct cache *cache, struct str key, int64_t deadline_us, const void *value);
void cache_drop(struct cache *cache, struct str key);
void cache_clear(struct cache *cache);

#endif
