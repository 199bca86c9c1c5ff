/* net/pool.c: a list, the last that was given back in front. */
#include "net/pool.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "io/clock.h"
#include "net/hop_private.h"

#define IDLE_MAX_US INT64_C(60000000)

struct net_pool {
    pthread_mutex_t    lock;
    struct net_handle *idle;
    size_t             n;
    size_t             n_max;
};

struct net_pool *net_pool_new(size_t n_max)
{
    struct net_pool *pool = mem_new(struct net_pool);

    pthread_mutex_init(&pool->lock, NULL);
    pool->n_max = n_max;
    return pool;
}

void net_handle_free(struct net_handle **handle)
{
    if (*handle == NULL)
        return;
    curl_easy_cleanup((*handle)->easy);
    curl_slist_free_all((*handle)->addresses);
    mem_free(*handle);
    *handle = NULL;
}

static void free_all(struct net_handle *list)
{
    while (list != NULL) {
        struct net_handle *next = list->next;

        net_handle_free(&list);
        list = next;
    }
}

void net_pool_free(struct net_pool **pool)
{
    if (*pool == NULL)
        return;
    free_all((*pool)->idle);
    pthread_mutex_destroy(&(*pool)->lock);
    mem_free(*pool);
    *pool = NULL;
}

static struct net_handle *new_handle(const unsigned char key[NET_KEY_SIZE])
{
    struct net_handle *handle = mem_new(struct net_handle);

    memcpy(handle->key, key, NET_KEY_SIZE);
    handle->easy = net_hop_handle();
    if (handle->easy == NULL)
        net_handle_free(&handle);
    return handle;
}

struct net_handle *net_pool_take(struct net_pool *pool, const unsigned char key[NET_KEY_SIZE])
{
    struct net_handle *found = NULL;

    pthread_mutex_lock(&pool->lock);
    for (struct net_handle **at = &pool->idle; *at != NULL; at = &(*at)->next) {
        if (memcmp((*at)->key, key, NET_KEY_SIZE) != 0)
            continue;
        found = *at;
        *at   = found->next;
        pool->n--;
        break;
    }
    pthread_mutex_unlock(&pool->lock);
    return found != NULL ? found : new_handle(key);
}

/* What waits too long, and what is too many, stands at the end: the list is in order of time. With the lock held. */
static struct net_handle *cut_end(struct net_pool *pool, int64_t now)
{
    struct net_handle **at = &pool->idle;
    size_t              n  = 0;

    while (*at != NULL && n < pool->n_max && (*at)->idle_since > now - IDLE_MAX_US) {
        at = &(*at)->next;
        n++;
    }
    struct net_handle *rest = *at;
    *at                     = NULL;
    pool->n                 = n;
    return rest;
}

void net_pool_give(struct net_pool *pool, struct net_handle **handle)
{
    int64_t now = clock_monotonic_us();

    pthread_mutex_lock(&pool->lock);
    (*handle)->idle_since   = now;
    (*handle)->next         = pool->idle;
    pool->idle              = *handle;
    struct net_handle *rest = cut_end(pool, now);
    pthread_mutex_unlock(&pool->lock);
    *handle = NULL;
    free_all(rest);
}
