/* work/hook.h: the verbs about webhooks: who is told of what, and the telling.
 *
 * A subscription is one type of events (work/hook_type.h) at one key: a repository, a namespace, or everything. Whoever
 * may manage policies at the key may manage its subscriptions (everything: system admins), and a subscription has its
 * author's rights: when these end, it is stopped at the next call.
 *
 *     outbox ──work_hook_read──▶ queue of each endpoint ──work_hook_turn──▶ receiver
 *
 * Told at least once and in order per endpoint. A call that is not answered with 2xx is tried again after hook_retry,
 * twice that, and so on up to hook_retry_max; after hook_failures in a row, or at a 410, the endpoint's subscriptions
 * are stopped, which is an alert. Nothing is lost by that: `missed_from` says from which event to replay.
 *
 * Messages are signed as Standard Webhooks say: headers webhook-id, webhook-timestamp, webhook-signature, by each living
 * secret of the subscription. A secret is "whsec_" and base64, given when it is made and never again. */
#ifndef WORK_HOOK_H
#define WORK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/str.h"
#include "meta/webhook.h"
#include "meta/webhook_queue.h"

struct arena;
struct db_tx;
struct err;
struct json_table;
struct meta_actor;
struct meta_event_row;
struct net_outbound;
struct seal_ring;
struct work;

enum {
    WORK_HOOKS_A_KEY    = 100,
    WORK_HOOK_URL_MAX   = 2048,
    WORK_HOOK_QUEUE_MAX = 100000 /* calls that wait at one endpoint */
};

struct work_hook_settings {
    struct net_outbound     *outbound;
    const struct seal_ring  *ring;
    struct str               origin; /* of this registry: "https://registry.example.com" */
    struct str               node;
    const struct json_table *repo_table; /* of struct work_repo, as the API shows it */
};

/* Once, when it is known where the server listens; the texts are kept as they are. Until then, and beside a server, what
 * needs them is ERR_UNAVAILABLE. */
void work_set_hooks(struct work *work, const struct work_hook_settings *settings);

/* -- who may ------------------------------------------------------------------------------------------ */

/* The place of a key in the caller's hands, as auth_repo_manage and auth_prefix_open give it. Narrowed credentials may
 * not. ERR_INVALID about `key` when it can be none. */
int work_hook_open(struct work *work, struct arena *arena, const struct auth_caller *caller,
                   struct str key, struct auth_repo *out, enum auth_verdict *verdict,
                   struct err *err);

/* -- subscriptions ------------------------------------------------------------------------------------ */

/* What clients give; null views: not given. */
struct work_hook_form {
    struct str type;
    struct str key;
    struct str endpoint;
    struct str tls_cert;
    struct str shape;
    struct str secret;
    bool       skip_tls;
    bool       has_skip_tls;
    bool is_ours; /* by our own API: its types too, and a secret is made where none is given */
};

/* ERR_INVALID, code INVALID_PARAMETERS, about the field; ERR_CONFLICT, TOO_MANY_WEBHOOKS. out_secret: null view when it
 * has none. */
int work_hook_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *place, const struct work_hook_form *form,
                     struct str *out_secret, struct meta_webhook *out, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_WEBHOOK. */
int work_hook_get(struct work *work, struct arena *arena, struct str uuid, struct meta_webhook *out,
                  struct err *err);
int work_hook_absent(struct str uuid, struct err *err); /* that error */

int work_hook_page(struct work *work, struct arena *arena, const struct meta_webhook_filter *filter,
                   int64_t after, size_t n_max, struct meta_webhook **out, size_t *n_out,
                   struct err *err);

struct work_hook_change {
    struct str tls_cert; /* null views, and has_ false: as it is */
    struct str shape;
    bool       skip_tls, has_skip_tls;
    bool       inactive, has_inactive;
    struct str endpoint;
};

int work_hook_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_webhook *hook, const struct work_hook_change *change,
                     struct meta_webhook *out, struct err *err);

int work_hook_delete(struct work *work, const struct meta_actor *actor,
                     const struct meta_webhook *hook, struct err *err);

/* A new secret: `secret`, or made when that is the null view. The one before signs too for `overlap_us`. */
int work_hook_rotate(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_webhook *hook, struct str secret, int64_t overlap_us,
                     struct str *out_secret, struct err *err);

/* One sample, at once, to a receiver that need not be subscribed. ERR_INVALID about the field; ERR_UNAVAILABLE, code
 * WEBHOOK_TEST_FAILED, when it was not answered with 2xx. */
int work_hook_test(struct work *work, struct arena *arena, const struct work_hook_form *form,
                   struct err *err);

int work_hook_log(struct work *work, struct arena *arena, const struct meta_webhook *hook,
                  int64_t before, size_t n_max, struct meta_hook_line **out, size_t *n_out,
                  struct err *err);

/* Those that stopped by themselves, for alerts: by id after `after`. */
int work_hook_stopped(struct work *work, struct arena *arena, int64_t after, size_t n_max,
                      struct meta_webhook **out, size_t *n_out, struct err *err);

/* Everything sealed anew with the first key of `ring`, which is used from then on and, in a server, taken over. */
int work_hook_reseal(struct work *work, struct seal_ring **ring, int *out_n, struct err *err);

void work_hooks_free(struct work *work); /* what work_set_hooks made */

/* -- telling ------------------------------------------------------------------------------------------ */

/* n events of the outbox into the queues, in the transaction that moves the reader. context: struct work. */
int work_hook_read(struct work *work, struct db_tx *tx, struct arena *arena,
                   const struct meta_event_row *events, size_t n, struct err *err);

/* Queues again what happened on the subscription's key from event `from` on, in pieces. guard: first in each
 * transaction, as job_guard; may be null. *out_n: how many. */
struct work_hook_replay {
    int64_t from;
    int (*guard)(void *context, struct db_tx *tx, struct err *err);
    bool (*should_stop)(void *context);
    void *context;
};

int work_hook_replay(struct work *work, struct str uuid, const struct work_hook_replay *replay,
                     int64_t *out_n, struct err *err);

/* Before the first turn of a node: it gives up what it had taken in an earlier life. */
int work_hook_begin(struct work *work, struct str worker_id, struct err *err);

/* How long until an endpoint is due: 0 when one is, INT64_MAX when nothing waits. */
int work_hook_next_due(struct work *work, int64_t *out_wait_us, struct err *err);

/* Takes the endpoint that is due for longest and tells it of the head of its queue: 1, 0 none is due, -1. with_slow:
 * may it be one that failed or was slow? *out_slow: it was. */
struct work_hook_turn {
    struct str worker_id;
    bool       with_slow;
    bool (*should_stop)(void *context); /* between two calls, and during one */
    void *context;
};

int work_hook_turn(struct work *work, const struct work_hook_turn *turn, struct err *err);

/* Forgets old lines of the log: how many, until 0. */
int work_hook_sweep(struct work *work, int64_t *out_n, struct err *err);

#endif
