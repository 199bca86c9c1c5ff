/* net/resolve.c: a lookup is shared by the one who asked and the thread that waits; the last one to leave ends it. */
#include "net/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"

enum { HOST_ROOM = 256 };

struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t  done;
    int             n_users;
    bool            is_done;
    char            host[HOST_ROOM];
    int             status; /* of getaddrinfo */
    size_t          n;
    bool            is_too_many;
    struct address  list[NET_ADDRESSES_MAX];
};

static atomic_int n_threads;

static struct lookup *new_lookup(struct str host)
{
    struct lookup *lookup = mem_new(struct lookup);

    pthread_mutex_init(&lookup->lock, NULL);
    clock_cond_init(&lookup->done);
    lookup->n_users = 2;
    memcpy(lookup->host, host.p, host.n);
    return lookup;
}

static void leave(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    bool is_last = --lookup->n_users == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!is_last)
        return;
    pthread_cond_destroy(&lookup->done);
    pthread_mutex_destroy(&lookup->lock);
    mem_free(lookup);
}

static void keep(struct lookup *lookup, const struct addrinfo *found)
{
    for (; found != NULL; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        if (lookup->n == NET_ADDRESSES_MAX) {
            lookup->is_too_many = true;
            return;
        }
        address_from_socket(found->ai_addr, &lookup->list[lookup->n++]);
    }
}

static void *look_up(void *context)
{
    struct lookup   *lookup = context;
    struct addrinfo  hints  = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found  = NULL;
    int              status = getaddrinfo(lookup->host, NULL, &hints, &found);

    pthread_mutex_lock(&lookup->lock);
    lookup->status = status;
    if (status == 0)
        keep(lookup, found);
    lookup->is_done = true;
    pthread_cond_signal(&lookup->done);
    pthread_mutex_unlock(&lookup->lock);
    if (found != NULL)
        freeaddrinfo(found);
    leave(lookup);
    atomic_fetch_sub(&n_threads, 1);
    return NULL;
}

static bool start(struct lookup *lookup)
{
    pthread_attr_t attributes;
    pthread_t      thread;

    if (atomic_fetch_add(&n_threads, 1) >= NET_RESOLVE_THREADS) {
        atomic_fetch_sub(&n_threads, 1);
        return false;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool is_started = pthread_create(&thread, &attributes, look_up, lookup) == 0;
    pthread_attr_destroy(&attributes);
    if (!is_started)
        atomic_fetch_sub(&n_threads, 1);
    return is_started;
}

/* With the lock held. */
static int tell(struct lookup *lookup, struct arena *arena, struct net_addresses *out,
                struct err *err)
{
    bool is_absent = lookup->status == EAI_NONAME || lookup->status == EAI_NODATA;

    if (!lookup->is_done || (lookup->status != 0 && !is_absent))
        return err_set(err, ERR_UNAVAILABLE, "%s: its address is not known in time", lookup->host);
    if (lookup->is_too_many)
        return err_set(err, ERR_TOO_LARGE, "%s has more than %d addresses", lookup->host,
                       NET_ADDRESSES_MAX);
    out->n    = lookup->n;
    out->list = mem_many(arena, lookup->n + 1, struct address);
    memcpy(out->list, lookup->list, lookup->n * sizeof(lookup->list[0]));
    return 0;
}

int net_resolve(struct arena *arena, struct str host, int64_t timeout_us, struct net_addresses *out,
                struct err *err)
{
    int64_t        end = clock_monotonic_us() + timeout_us;
    struct lookup *lookup;

    if (host.n == 0 || host.n >= HOST_ROOM)
        return err_set(err, ERR_INVALID, "a host name has 1 to %d bytes", HOST_ROOM - 1);
    lookup = new_lookup(host);
    if (!start(lookup)) {
        lookup->n_users = 1;
        leave(lookup);
        return err_set(err, ERR_UNAVAILABLE, "too many names are being looked up");
    }
    pthread_mutex_lock(&lookup->lock);
    for (int64_t now = clock_monotonic_us(); !lookup->is_done && now < end;
         now         = clock_monotonic_us())
        clock_cond_wait(&lookup->done, &lookup->lock, end - now);
    int told = tell(lookup, arena, out, err);
    pthread_mutex_unlock(&lookup->lock);
    leave(lookup);
    return told;
}
