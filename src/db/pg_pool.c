/* db/pg_pool.c: connections that are idle, a line of those who want one, and patience with a server that is
 * away. `lock` guards everything but the connections, which belong to who took them. */
#include "db/pg_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/driver.h"
#include "db/pg_link.h"
#include "io/clock.h"
#include "io/random.h"

enum {
    SIZE_MIN       = 2, /* one may be needed while another is held */
    SIZE_MAX_AUTO  = 32,
    WAITERS_A_CONN = 4,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 10000,
    CONNECTING_MAX = 4 /* at once, while the server answers */
};

struct waiter {
    struct waiter *next;
    pthread_cond_t called;
};

struct pg_pool {
    struct pg_target target;
    size_t           size;
    pthread_mutex_t  lock;
    struct pg_link **idle; /* a stack, so that few connections are warm and the others rest */
    size_t           n_idle;
    size_t           n_open; /* idle, taken, and being made */
    size_t           n_connecting;
    struct waiter   *first;
    struct waiter  **last;
    size_t           n_waiting;
    size_t           n_missing;  /* were lost and are not made anew yet */
    unsigned         n_failures; /* in a row */
    int64_t          retry_at;   /* monotonic */
    struct err       failure;    /* the last one */
    uint64_t         n_timed_out;
    uint64_t         n_reconnects;
    uint64_t         n_connect_failures;
};

/* -- the line ----------------------------------------------------------------------------------------- */

static void enqueue(struct pg_pool *pool, struct waiter *waiter)
{
    db_cond_init(&waiter->called);
    *pool->last = waiter;
    pool->last  = &waiter->next;
    pool->n_waiting++;
}

static void dequeue(struct pg_pool *pool, struct waiter *waiter)
{
    struct waiter **at = &pool->first;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (pool->last == &waiter->next)
        pool->last = at;
    pool->n_waiting--;
    pthread_cond_destroy(&waiter->called);
}

static void call_first(struct pg_pool *pool)
{
    if (pool->first != NULL)
        pthread_cond_signal(&pool->first->called);
}

static bool is_away(const struct pg_pool *pool)
{
    return pool->n_failures > 0 && clock_monotonic_us() < pool->retry_at;
}

static bool may_connect(const struct pg_pool *pool)
{
    size_t n_max = pool->n_failures > 0 ? 1 : CONNECTING_MAX;

    return pool->n_open < pool->size && pool->n_connecting < n_max && !is_away(pool);
}

static bool has_something(const struct pg_pool *pool)
{
    return pool->n_idle > 0 || may_connect(pool);
}

/* In line until there is something for its head. Without hope of a connection nobody waits. */
static int wait_in_line(struct pg_pool *pool, int timeout_s, struct err *err)
{
    struct waiter   waiter   = { 0 };
    struct timespec deadline = db_deadline(timeout_s);
    int             waited   = 0;
    int             result   = 0;

    if (pool->n_waiting >= pool->size * WAITERS_A_CONN) {
        pool->n_timed_out++;
        return err_set(err, ERR_UNAVAILABLE, "%zu wait for one of %zu connections to the database",
                       pool->n_waiting, pool->size);
    }

    enqueue(pool, &waiter);
    while (pool->first != &waiter || !has_something(pool)) {
        if (pool->n_failures > 0 && pool->n_open == 0) {
            *err   = pool->failure;
            result = -1;
            break;
        }
        if (waited == ETIMEDOUT) {
            pool->n_timed_out++;
            result = err_set(err, ERR_UNAVAILABLE,
                             "none of %zu connections to the database came free within %d s",
                             pool->size, timeout_s);
            break;
        }
        waited = pthread_cond_timedwait(&waiter.called, &pool->lock, &deadline);
    }
    dequeue(pool, &waiter);
    call_first(pool);
    return result;
}

/* -- connecting --------------------------------------------------------------------------------------- */

static int64_t jitter_us(unsigned n_failures)
{
    int64_t  bound = BACKOFF_MIN_MS;
    uint32_t dice;

    while (n_failures-- > 0 && bound < BACKOFF_MAX_MS)
        bound *= 2;
    bound = bound > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : bound;
    random_bytes(&dice, sizeof(dice));
    return (BACKOFF_MIN_MS + (int64_t)dice % (bound - BACKOFF_MIN_MS + 1)) * 1000;
}

static void note_failure(struct pg_pool *pool, const struct err *failure)
{
    pool->n_open--;
    pool->n_connect_failures++;
    pool->failure = *failure;
    pool->failure.kind =
        ERR_UNAVAILABLE; /* whatever was wrong at a start, a request can only wait */
    pool->retry_at = clock_monotonic_us() + jitter_us(++pool->n_failures);
    for (struct waiter *waiter = pool->first; waiter != NULL; waiter = waiter->next)
        pthread_cond_signal(&waiter->called);
}

/* Under the lock, which is let go meanwhile. */
static int connect_one(struct pg_pool *pool, struct pg_link **out, struct err *err)
{
    pool->n_open++;
    pool->n_connecting++;
    pthread_mutex_unlock(&pool->lock);
    int done = pg_link_open(&pool->target, out, err);
    pthread_mutex_lock(&pool->lock);
    pool->n_connecting--;
    if (done < 0) {
        note_failure(pool, err);
        return -1;
    }
    pool->n_failures = 0;
    if (pool->n_missing > 0) {
        pool->n_missing--;
        pool->n_reconnects++;
    }
    call_first(pool);
    return 0;
}

static void note_loss(struct pg_pool *pool)
{
    pool->n_open--;
    pool->n_missing++;
}

/* One attempt: 1 taken, 0 try again, -1. */
static int take_one(struct pg_pool *pool, int timeout_s, struct pg_link **out, struct err *err)
{
    bool is_first = pool->first == NULL;

    if (is_first && pool->n_open == 0 && is_away(pool)) {
        *err = pool->failure;
        return -1;
    }
    if ((!is_first || !has_something(pool)) && wait_in_line(pool, timeout_s, err) < 0)
        return -1;
    if (pool->n_idle > 0) {
        *out = pool->idle[--pool->n_idle];
        if (pg_link_is_good(*out))
            return 1;
        note_loss(pool);
        pg_link_close(out);
        return 0;
    }
    if (!may_connect(pool))
        return 0;
    if (connect_one(pool, out, err) == 0)
        return 1;
    err->kind = ERR_UNAVAILABLE;
    return -1;
}

int pg_pool_take(struct pg_pool *pool, int timeout_s, struct pg_link **out, struct err *err)
{
    int taken;

    pthread_mutex_lock(&pool->lock);
    do
        taken = take_one(pool, timeout_s, out, err);
    while (taken == 0);
    pthread_mutex_unlock(&pool->lock);
    return taken < 0 ? -1 : 0;
}

void pg_pool_give(struct pg_pool *pool, struct pg_link **conn)
{
    bool is_good = pg_link_is_good(*conn);

    if (!is_good)
        pg_link_close(conn);
    pthread_mutex_lock(&pool->lock);
    if (is_good)
        pool->idle[pool->n_idle++] = TAKE(*conn);
    else
        note_loss(pool);
    call_first(pool);
    pthread_mutex_unlock(&pool->lock);
}

void pg_pool_counts(struct pg_pool *pool, struct db_counts *out)
{
    pthread_mutex_lock(&pool->lock);
    out->pool_size          = pool->size;
    out->n_connections      = pool->n_open;
    out->n_in_use           = pool->n_open - pool->n_idle;
    out->n_waiting          = pool->n_waiting;
    out->n_timed_out        = pool->n_timed_out;
    out->n_reconnects       = pool->n_reconnects;
    out->n_connect_failures = pool->n_connect_failures;
    pthread_mutex_unlock(&pool->lock);
}

/* -- the pool ----------------------------------------------------------------------------------------- */

/* The library would quote an url that it does not understand, password and all, so it is asked here first. */
static int read_url(struct pg_pool *pool, struct str url, struct err *err)
{
    char *copy  = mem_new_bytes(url.n + 1);
    char *cause = NULL;

    memcpy(copy, url.p, url.n);
    pool->target.url          = copy;
    PQconninfoOption *options = PQconninfoParse(copy, &cause);
    PQfreemem(cause);
    if (options == NULL)
        return err_set(err, ERR_INVALID,
                       "the database url is no postgresql://USER:PASSWORD@HOST:PORT/NAME");

    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "password") != 0 || option->val == NULL)
            continue;
        size_t size = strlen(option->val);
        char  *word = mem_new_bytes(size + 1);

        memcpy(word, option->val, size);
        pool->target.password = word;
    }
    PQconninfoFree(options);
    return 0;
}

/* Four fifths of what the server has, for four nodes. */
static size_t fair_size(const struct pg_link *conn)
{
    int64_t share = pg_link_server_max(conn) * 8 / 10 / 4;

    return share < SIZE_MIN ? SIZE_MIN : share > SIZE_MAX_AUTO ? SIZE_MAX_AUTO : (size_t)share;
}

int pg_pool_open(const struct db_settings *settings, struct pg_pool **out, struct err *err)
{
    AUTO(pg_pool_close) struct pg_pool *pool = mem_new(struct pg_pool);
    struct pg_link                     *conn;

    pthread_mutex_init(&pool->lock, NULL);
    pool->last                = &pool->first;
    pool->target.allow_unsafe = settings->allow_unsafe;
    if (read_url(pool, settings->url, err) < 0 || pg_link_open(&pool->target, &conn, err) < 0)
        return -1;

    pool->size               = settings->pool_size == 0         ? fair_size(conn)
                               : settings->pool_size < SIZE_MIN ? SIZE_MIN
                                                                : settings->pool_size;
    pool->idle               = mem_new_bytes(pool->size * sizeof(struct pg_link *));
    pool->idle[pool->n_idle] = conn;
    pool->n_idle = pool->n_open = 1;
    *out                        = TAKE(pool);
    return 0;
}

static void forget(const char *text)
{
    if (text == NULL)
        return;
    mem_wipe((void *)(uintptr_t)text, strlen(text));
    mem_free((void *)(uintptr_t)text);
}

void pg_pool_close(struct pg_pool **pool)
{
    struct pg_pool *p = *pool;

    if (p == NULL)
        return;
    ASSERT(p->n_open == p->n_idle && p->n_waiting == 0);
    while (p->n_idle > 0)
        pg_link_close(&p->idle[--p->n_idle]);
    if (p->idle != NULL)
        mem_free(p->idle);
    forget(p->target.url);
    forget(p->target.password);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    *pool = NULL;
}
