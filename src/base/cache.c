/* base/cache.c: uthash over SipHash; the order of uthash's own list is the order of last use. */
#include "base/cache.h"

#include <pthread.h>
#include <string.h>

#include <sodium.h>

#include "base/assert.h"

static unsigned char  hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    ASSERT(sodium_init() >= 0);
    randombytes_buf(hash_key, sizeof(hash_key));
}

static unsigned keyed_hash(const void *bytes, size_t size)
{
    unsigned char hash[crypto_shorthash_BYTES];
    unsigned      value;

    crypto_shorthash(hash, bytes, size, hash_key);
    memcpy(&value, hash, sizeof(value));
    return value;
}

#define HASH_FUNCTION(key, size, value) ((value) = keyed_hash((key), (size)))
#include <uthash.h>

#include "base/mem.h"

struct entry {
    UT_hash_handle hh;
    int64_t        deadline_us;
    size_t         key_size;
    char           bytes[]; /* the value, then the key */
};

struct cache {
    pthread_mutex_t lock;
    struct entry   *entries;
    size_t          n_max;
    size_t          value_size;
};

struct cache *cache_new(size_t n_max, size_t value_size)
{
    struct cache *cache = mem_new(struct cache);

    ASSERT(n_max > 0);
    pthread_once(&hash_key_once, make_hash_key);
    pthread_mutex_init(&cache->lock, NULL);
    cache->n_max      = n_max;
    cache->value_size = value_size;
    return cache;
}

static void drop(struct cache *cache, struct entry *entry)
{
    HASH_DEL(cache->entries, entry);
    mem_wipe(entry->bytes, cache->value_size);
    mem_free(entry);
}

void cache_clear(struct cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    while (cache->entries != NULL)
        drop(cache, cache->entries);
    pthread_mutex_unlock(&cache->lock);
}

void cache_free(struct cache **cache)
{
    if (*cache == NULL)
        return;

    cache_clear(*cache);
    pthread_mutex_destroy(&(*cache)->lock);
    mem_free(*cache);
    *cache = NULL;
}

static struct entry *find(struct cache *cache, struct str key)
{
    struct entry *entry;

    HASH_FIND(hh, cache->entries, key.p, key.n, entry);
    return entry;
}

bool cache_get(struct cache *cache, struct str key, int64_t now_us, void *value_out)
{
    bool is_found = false;

    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, key);
    if (entry != NULL && entry->deadline_us <= now_us) {
        drop(cache, entry);
    } else if (entry != NULL) {
        memcpy(value_out, entry->bytes, cache->value_size);
        is_found = true;

        /* To the young end of the list. */
        HASH_DEL(cache->entries, entry);
        HASH_ADD_KEYPTR(hh, cache->entries, entry->bytes + cache->value_size, entry->key_size,
                        entry);
    }
    pthread_mutex_unlock(&cache->lock);
    return is_found;
}

void cache_put(struct cache *cache, struct str key, int64_t deadline_us, const void *value)
{
    struct entry *entry = mem_new_bytes(sizeof(*entry) + cache->value_size + key.n);

    entry->deadline_us = deadline_us;
    entry->key_size    = key.n;
    memcpy(entry->bytes, value, cache->value_size);
    memcpy(entry->bytes + cache->value_size, key.p, key.n);

    pthread_mutex_lock(&cache->lock);
    struct entry *old = find(cache, key);
    if (old != NULL)
        drop(cache, old);
    else if (HASH_COUNT(cache->entries) >= cache->n_max)
        drop(cache, cache->entries);
    HASH_ADD_KEYPTR(hh, cache->entries, entry->bytes + cache->value_size, entry->key_size, entry);
    pthread_mutex_unlock(&cache->lock);
}

void cache_drop(struct cache *cache, struct str key)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, key);
    if (entry != NULL)
        drop(cache, entry);
    pthread_mutex_unlock(&cache->lock);
}
