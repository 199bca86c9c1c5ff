/* net/limit.c: a list of the origins that are in use or in trouble. It is as long as these are many: some tens. */
#include "net/limit.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"

#define SECOND_US INT64_C(1000000)
#define REST_MAX_US (10 * SECOND_US)
#define FORGET_US (60 * SECOND_US)

enum { FAILURES_BEFORE_REST = 3, DOUBLINGS_MAX = 4 };

struct origin {
    struct origin *next;
    struct arena  *arena;
    struct str     name;
    int64_t        n;
    int            failures; /* in a row */
    int64_t        rests_until;
};

struct net_limit {
    pthread_mutex_t lock;
    pthread_cond_t  freed;
    int64_t         n_all_max;
    int64_t         n_origin_max;
    int64_t         n_all;
    struct origin  *origins;
};

struct net_limit *net_limit_new(int64_t n_all, int64_t n_origin)
{
    struct net_limit *limit = mem_new(struct net_limit);

    pthread_mutex_init(&limit->lock, NULL);
    clock_cond_init(&limit->freed);
    limit->n_all_max    = n_all;
    limit->n_origin_max = n_origin;
    return limit;
}

static void free_origin(struct origin **at)
{
    struct origin *origin = *at;
    struct arena  *arena  = origin->arena;

    *at = origin->next;
    arena_free(&arena);
}

void net_limit_free(struct net_limit **limit)
{
    if (*limit == NULL)
        return;
    while ((*limit)->origins != NULL)
        free_origin(&(*limit)->origins);
    pthread_cond_destroy(&(*limit)->freed);
    pthread_mutex_destroy(&(*limit)->lock);
    mem_free(*limit);
    *limit = NULL;
}

static struct origin *add_origin(struct net_limit *limit, struct str name)
{
    struct arena  *arena  = arena_new();
    struct origin *origin = mem_one(arena, struct origin);

    origin->arena  = arena;
    origin->name   = str_copy(arena, name);
    origin->next   = limit->origins;
    limit->origins = origin;
    return origin;
}

/* The origin, made when it is new; those of which nothing is left to remember go on the way. */
static struct origin *find_origin(struct net_limit *limit, struct str name, int64_t now)
{
    struct origin **at = &limit->origins;

    while (*at != NULL) {
        struct origin *origin = *at;

        if (str_eq(origin->name, name))
            return origin;
        if (origin->n == 0 && (origin->failures == 0 || origin->rests_until + FORGET_US < now))
            free_origin(at);
        else
            at = &origin->next;
    }
    return add_origin(limit, name);
}

enum place { PLACE_FREE, PLACE_NONE, PLACE_RESTS };

static enum place look_for_place(const struct net_limit *limit, const struct origin *origin,
                                 int64_t now)
{
    bool is_on_trial = origin->failures >= FAILURES_BEFORE_REST;

    if (origin->rests_until > now)
        return PLACE_RESTS;
    if (limit->n_all < limit->n_all_max && origin->n < (is_on_trial ? 1 : limit->n_origin_max))
        return PLACE_FREE;
    return PLACE_NONE;
}

int net_limit_enter(struct net_limit *limit, struct str name, int64_t wait_us, struct err *err)
{
    int64_t        now = clock_monotonic_us();
    int64_t        end = now + wait_us;
    struct origin *origin;
    enum place     place;

    pthread_mutex_lock(&limit->lock);
    for (;; now = clock_monotonic_us()) {
        origin = find_origin(limit, name, now);
        place  = look_for_place(limit, origin, now);
        if (place != PLACE_NONE || now >= end)
            break;
        clock_cond_wait(&limit->freed, &limit->lock, end - now);
    }
    if (place == PLACE_FREE) {
        origin->n++;
        limit->n_all++;
    }
    pthread_mutex_unlock(&limit->lock);
    if (place == PLACE_RESTS)
        return err_set(err, ERR_UNAVAILABLE, "no answer from " STR_FMT, STR_ARGS(name));
    if (place == PLACE_NONE)
        return err_set(err, ERR_TOO_MANY, "too many requests to " STR_FMT " are under way",
                       STR_ARGS(name));
    return 0;
}

static void note_failure(struct origin *origin, int64_t now)
{
    origin->failures++;
    if (origin->failures < FAILURES_BEFORE_REST)
        return;
    int     doublings = origin->failures - FAILURES_BEFORE_REST;
    int64_t rest      = SECOND_US << (doublings > DOUBLINGS_MAX ? DOUBLINGS_MAX : doublings);

    origin->rests_until = now + (rest > REST_MAX_US ? REST_MAX_US : rest);
}

void net_limit_leave(struct net_limit *limit, struct str name, enum net_limit_end how)
{
    int64_t now = clock_monotonic_us();

    pthread_mutex_lock(&limit->lock);
    struct origin *origin = find_origin(limit, name, now);
    ASSERT(origin->n > 0 && limit->n_all > 0);
    origin->n--;
    limit->n_all--;
    if (how == NET_LIMIT_ANSWERED)
        origin->failures = 0;
    else if (how == NET_LIMIT_FAILED)
        note_failure(origin, now);
    pthread_cond_broadcast(&limit->freed);
    pthread_mutex_unlock(&limit->lock);
}
