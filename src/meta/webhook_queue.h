/* meta/webhook_queue.h: what subscriptions are to be told, endpoint by endpoint, and what was.
 *
 *     outbox ──fan out──▶ queue ──take──▶ lease of an endpoint ──done──▶ log
 *                           ▲                     └─failed──▶ log, next_at
 *                           └──────── lease over, release ───────┘
 *
 * A worker takes an endpoint, not a call: so the calls of one endpoint are made one after the other. A taking moves
 * `fence` on, and whoever does not hold it any more can commit nothing (meta_hook_guard). `next_at` is null exactly
 * when the queue is empty; whoever adds to a queue or finds it empty holds the endpoint's row first. */
#ifndef META_WEBHOOK_QUEUE_H
#define META_WEBHOOK_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_event_row;

/* Adds the event to the queues of the subscriptions of that type, or of all, on its path, its namespace, or
 * everything: those that are active and older than the event. *out: the endpoints, ascending, some twice. */
int meta_hook_fan_out(struct db_tx *tx, struct arena *arena, struct str type, struct str namespace,
                      const struct meta_event_row *event, int64_t **out, size_t *n_out,
                      struct err *err);

/* The same for one subscription, whatever its state or age: a replay. */
int meta_hook_queue(struct db_tx *tx, int64_t webhook_id, int64_t endpoint_id,
                    const struct meta_event_row *event, struct err *err);

/* Something waits there. In ascending order of ids, for others may hold several at once too. */
int meta_hook_wake(struct db_tx *tx, int64_t endpoint_id, struct err *err);

/* How many wait there, at most n_max; and the first subscription of those. */
int meta_hook_depth(struct db_tx *tx, int64_t endpoint_id, int64_t n_max, int64_t *out,
                    struct err *err);

/* -- taking ------------------------------------------------------------------------------------------- */

struct meta_hook_taken {
    int64_t    endpoint_id;
    int64_t    fence;
    struct str url;
    struct str tls_cert;
    int64_t    skip_tls;
    int64_t    failures;
    int64_t    is_slow;
    int64_t    namespace_id;
};

/* The endpoint that is due for longest, and whose lease is free or over: 1, 0, -1. with_slow: 0 leaves those out
 * whose last call failed or took long. */
int meta_hook_take(struct db_tx *tx, struct arena *arena, struct str worker_id, int64_t lease_us,
                   int64_t with_slow, struct meta_hook_taken *out, struct err *err);

/* Ends the leases of a worker that begins a new life: what it had taken in the last one it will not tell of. */
int meta_hook_give_up(struct db_tx *tx, struct str worker_id, struct err *err);

/* When the first that nobody has is due: 1, 0 nothing waits, -1. */
int meta_hook_next_due(struct db_tx *tx, int64_t *out, struct err *err);

/* ERR_CONFLICT, code HOOK_LOST, when the fence has moved on. Holds the endpoint's row. */
int meta_hook_guard(struct db_tx *tx, int64_t endpoint_id, int64_t fence, struct err *err);

/* One call to make. */
struct meta_hook_call {
    int64_t    id;
    int64_t    webhook_id;
    int64_t    attempts;
    int64_t    event_id;
    int64_t    at;
    struct str type;
    struct str actor_kind;
    int64_t    actor_id;
    int64_t    repo_id;
    struct str path;
    struct str object_kind;
    struct str object_name;
    struct str digest;
    struct str old_digest;
    struct str target;
    struct str request_id;
};

/* The head of the endpoint's queue. */
int meta_hook_page(struct db_tx *tx, struct arena *arena, int64_t endpoint_id, size_t n_max,
                   struct meta_hook_call **out, size_t *n_out, struct err *err);

/* Subscriptions of the endpoint that are active. */
int meta_hook_webhooks(struct db_tx *tx, struct arena *arena, int64_t endpoint_id, size_t n_max,
                       int64_t **out, size_t *n_out, struct err *err);

/* -- what came of it, after meta_hook_guard ------------------------------------------------------------ */

struct meta_hook_result {
    int64_t    attempt; /* from 1 */
    int64_t    at;
    int64_t    duration_us;
    int64_t    status; /* 0: no answer */
    int64_t    is_done;
    struct str failure;
};

/* Writes the log and the subscription's last success or failure; takes the call out of the queue when it is done, else
 * counts the attempt. */
int meta_hook_record(struct db_tx *tx, const struct meta_hook_call *call,
                     const struct meta_hook_result *result, struct err *err);

/* Takes it out without a call: its subscription went. */
int meta_hook_drop(struct db_tx *tx, int64_t id, struct err *err);

/* Ends the lease. next_at: when to try again, if anything waits. */
int meta_hook_release(struct db_tx *tx, int64_t endpoint_id, int64_t fence, int64_t next_at,
                      int64_t failures, int64_t is_slow, struct err *err);

/* -- the log ------------------------------------------------------------------------------------------ */

struct meta_hook_line {
    int64_t    id;
    int64_t    event_id;
    struct str type;
    struct str path;
    struct str object_name;
    int64_t    attempt;
    int64_t    at;
    int64_t    duration_us;
    int64_t    status;
    int64_t    is_done;
    struct str failure;
};

/* Newest first, those before `before` (0: from the newest). */
int meta_hook_log_page(struct db_tx *tx, struct arena *arena, int64_t webhook_id, int64_t before,
                       size_t n_max, struct meta_hook_line **out, size_t *n_out, struct err *err);

/* Forgets lines older than that, at most n_max. */
int meta_hook_log_expire(struct db_tx *tx, int64_t before, int64_t n_max, int64_t *out_n,
                         struct err *err);

/* -- what an event is about, be it deleted or not ------------------------------------------------------- */

struct meta_hook_manifest {
    struct str media_type;
    int64_t    size;
    struct str os; /* null view: nobody looked, or it says none */
    struct str architecture;
};

/* 1, 0, -1; so all three. */
int meta_hook_manifest(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                       struct meta_hook_manifest *out, struct err *err);
int meta_hook_manifest_bytes(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                             struct str digest, struct str *out, struct err *err);
int meta_hook_blob_size(struct db_tx *tx, struct str digest, int64_t *out, struct err *err);

/* -- replay ------------------------------------------------------------------------------------------- */

/* Events that are in the outbox still, of whatever kind, by id from `from` on. */
int meta_hook_past(struct db_tx *tx, struct arena *arena, int64_t from, size_t n_max,
                   struct meta_event_row **out, size_t *n_out, struct err *err);

#endif
