/* work/hook_queue.c: events on their way into the queues of webhooks: as they happen, and once more. */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "meta/event.h"
#include "oci/name.h"
#include "work/hook_private.h"

enum { PIECE = 200, SWEEP_BATCH = 1000 };

#define LOG_KEPT_US (30 * INT64_C(86400000000))

/* -- as they happen ------------------------------------------------------------------------------------ */

struct reached {
    int64_t *ids;
    size_t   n, room;
};

static void remember(struct arena *arena, struct reached *reached, const int64_t *ids, size_t n)
{
    if (reached->n + n > reached->room) {
        reached->room = 2 * (reached->n + n);
        reached->ids  = mem_resize(arena, reached->ids, reached->room * sizeof(int64_t));
    }
    for (size_t i = 0; i < n; i++)
        reached->ids[reached->n++] = ids[i];
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* A queue that grows beyond all bounds is an endpoint that is not there: its subscriptions are stopped, and their alert
 * says from which event on they have heard nothing. */
static int bound(struct db_tx *tx, struct arena *arena, int64_t endpoint_id, struct err *err)
{
    int64_t             depth, *ids;
    size_t              n;
    struct meta_webhook hook;

    if (meta_hook_depth(tx, endpoint_id, WORK_HOOK_QUEUE_MAX + 1, &depth, err) < 0)
        return -1;
    if (depth <= WORK_HOOK_QUEUE_MAX)
        return 0;
    if (meta_hook_webhooks(tx, arena, endpoint_id, 10000, &ids, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (meta_webhook_find_id(tx, arena, ids[i], &hook, err) < 0 ||
            meta_webhook_stop(tx, ids[i], "full", err) < 0 ||
            hook_tell(tx, &hook_registry, "WEBHOOK_DISABLED", &hook, STR_NULL, STR_NULL, err) < 0)
            return -1;
    }
    return 0;
}

/* Endpoints in ascending order, each once: who holds several holds them in that order. */
static int wake(struct db_tx *tx, struct arena *arena, struct reached *reached, struct err *err)
{
    if (reached->n > 0)
        qsort(reached->ids, reached->n, sizeof(int64_t), by_value);
    for (size_t i = 0; i < reached->n; i++) {
        if (i > 0 && reached->ids[i] == reached->ids[i - 1])
            continue;
        if (meta_hook_wake(tx, reached->ids[i], err) < 0 ||
            bound(tx, arena, reached->ids[i], err) < 0)
            return -1;
    }
    return 0;
}

int work_hook_read(struct work *work, struct db_tx *tx, struct arena *arena,
                   const struct meta_event_row *events, size_t n, struct err *err)
{
    struct reached reached = { .ids = mem_many(arena, 16, int64_t), .room = 16 };

    (void)work;
    for (size_t i = 0; i < n; i++) {
        const struct hook_type *type = hook_type_of_event(events[i].type);
        int64_t                *ids;
        size_t                  n_ids;

        if (type == NULL)
            continue;
        if (meta_hook_fan_out(tx, arena, str_from(type->name), oci_name_namespace(events[i].path),
                              &events[i], &ids, &n_ids, err) < 0)
            return -1;
        remember(arena, &reached, ids, n_ids);
    }
    return wake(tx, arena, &reached, err);
}

/* -- once more ----------------------------------------------------------------------------------------- */

static bool is_asked(const struct meta_webhook *hook, const struct meta_event_row *event)
{
    const struct hook_type *type = hook_type_of_event(event->type);

    if (type == NULL || (!str_is(hook->type, HOOK_ANY) && !str_is(hook->type, type->name)))
        return false;
    if (hook->key.n == 0)
        return true;
    if (hook->repo_id != 0 && event->repo_id == 0)
        return str_eq(hook->key, event->path);
    return hook->repo_id != 0 ? hook->repo_id == event->repo_id
                              : str_eq(hook->key, oci_name_namespace(event->path));
}

static int replay_piece(struct work *work, struct str uuid, const struct work_hook_replay *replay,
                        int64_t *from, size_t *n_read, int64_t *n_queued, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_webhook            hook;
    struct meta_event_row         *events;
    int64_t                        depth;

    if (db_begin(work->db, DB_WRITE, "replay to webhook", &tx, err) < 0 ||
        (replay->guard != NULL && replay->guard(replay->context, tx, err) < 0))
        return -1;
    int found = meta_webhook_find(tx, arena, uuid, &hook, err);
    if (found < 1)
        return found < 0 ? -1 : work_hook_absent(uuid, err);
    if (meta_hook_depth(tx, hook.endpoint_id, WORK_HOOK_QUEUE_MAX, &depth, err) < 0)
        return -1;
    if (depth > WORK_HOOK_QUEUE_MAX - PIECE)
        return err_set(err, ERR_UNAVAILABLE, "%lld calls wait for the endpoint already",
                       (long long)depth);
    if (hook.stopped.n > 0)
        return err_set_code(err, ERR_CONFLICT, "WEBHOOK_INACTIVE", uuid,
                            "a webhook that is inactive is told of nothing");
    if (meta_hook_wake(tx, hook.endpoint_id, err) < 0 ||
        meta_hook_past(tx, arena, *from, PIECE, &events, n_read, err) < 0)
        return -1;
    for (size_t i = 0; i < *n_read; i++) {
        *from = events[i].id + 1;
        if (!is_asked(&hook, &events[i]))
            continue;
        if (meta_hook_queue(tx, hook.id, hook.endpoint_id, &events[i], err) < 0)
            return -1;
        (*n_queued)++;
    }
    return db_commit(&tx, err);
}

int work_hook_replay(struct work *work, struct str uuid, const struct work_hook_replay *replay,
                     int64_t *out_n, struct err *err)
{
    int64_t from = replay->from, n = 0;
    size_t  n_read;

    do {
        if (replay_piece(work, uuid, replay, &from, &n_read, &n, err) < 0)
            return -1;
    } while (n_read == PIECE &&
             (replay->should_stop == NULL || !replay->should_stop(replay->context)));
    *out_n = n;
    return 0;
}

/* -- the log ------------------------------------------------------------------------------------------- */

int work_hook_sweep(struct work *work, int64_t *out_n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "sweep webhook log", &tx, err) < 0 ||
        meta_hook_log_expire(tx, db_now(tx) - LOG_KEPT_US, SWEEP_BATCH, out_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}
