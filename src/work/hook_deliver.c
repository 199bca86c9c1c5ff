/* work/hook_deliver.c: one turn at an endpoint: take it, tell it of the head of its queue, write down what came of it.
 *
 *     taken ──read──▶ calls ──send, one after the other──▶ results ──record──▶ released
 *
 * Calls go out between two transactions. A node that dies in between has told and not written it down: then they are
 * told again. The turn ends at the first failure, after BATCH calls, or after TURN_US; the lease lasts longer than the last
 * call that it began can take. */
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"
#include "meta/account.h"
#include "meta/event.h"
#include "work/hook_private.h"

enum { BATCH = 32, GONE = 410, HOOKS_MAX = 10000 };

#define TURN_US INT64_C(20000000) /* no call begins later */
#define SLOW_US INT64_C(1000000)
#define LOCAL_RETRY_US INT64_C(500000)

/* A subscription, as the turn saw it. */
struct listener {
    struct meta_webhook row;
    bool                is_there;
    bool                may; /* its author still has the right */
    enum hook_shape     shape;
    struct str          secrets[2];
};

struct call {
    struct meta_hook_call   row;
    const struct listener  *listener;
    struct str              id;
    struct str              body; /* the null view: nothing to tell in this shape */
    struct meta_hook_result result;
    bool                    is_made;
};

struct turn {
    struct work                 *work;
    struct arena                *arena;
    const struct work_hook_turn *settings;
    struct meta_hook_taken       taken;
    struct listener             *listeners;
    size_t                       n_listeners;
    struct call                 *calls;
    size_t                       n_calls;
    size_t                       n_over; /* calls from the first on that need not stay */
    struct hook_sent             last;
    bool                         has_told; /* at least one call was answered well */
    bool                         has_failed;
    bool                         was_slow;
};

/* -- taking ------------------------------------------------------------------------------------------- */

static int take(struct turn *t, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(t->work->db, DB_WRITE, "take webhook endpoint", &tx, err) < 0)
        return -1;
    int64_t lease_us = TURN_US + 2 * work_policy(t->work)->hook_timeout;
    int     found    = meta_hook_take(tx, t->arena, t->settings->worker_id, lease_us,
                               t->settings->with_slow ? 1 : 0, &t->taken, err);
    if (found < 1)
        return found;
    return db_commit(&tx, err) < 0 ? -1 : 1;
}

/* -- what there is to tell ------------------------------------------------------------------------------ */

static int open_secrets(struct turn *t, struct listener *l, int64_t now, struct err *err)
{
    const struct meta_webhook *row = &l->row;

    if (hook_secret_open(t->work, t->arena, row->uuid, row->secret, &l->secrets[0], err) < 0)
        return -1;
    if (row->old_secret.p == NULL || row->old_secret_until <= now)
        return 0;
    return hook_secret_open(t->work, t->arena, row->uuid, row->old_secret, &l->secrets[1], err);
}

/* The author, as a caller with a password would be. */
static int meet_author(struct db_tx *tx, struct arena *arena, const struct meta_webhook *row,
                       struct auth_caller *out, struct err *err)
{
    struct meta_account account;
    int                 found = meta_account_find(tx, arena, row->author_id, &account, err);

    if (found < 1 || account.is_active == 0)
        return found < 0 ? -1 : 0;
    *out = (struct auth_caller){ .kind       = AUTH_ACCOUNT,
                                 .account_id = account.id,
                                 .generation = account.generation,
                                 .is_admin   = account.is_admin != 0 };
    return 1;
}

static int open_listener(struct turn *t, struct db_tx *tx, int64_t id, struct listener *l,
                         struct err *err)
{
    int found = meta_webhook_find_id(tx, t->arena, id, &l->row, err);

    l->row.id = id;
    if (found < 1)
        return found;
    l->is_there = hook_shape_parse(l->row.shape, &l->shape);
    return open_secrets(t, l, db_now(tx), err);
}

static int find_listener(struct turn *t, struct db_tx *tx, int64_t id, struct listener **out,
                         struct err *err)
{
    for (size_t i = 0; i < t->n_listeners; i++) {
        if (t->listeners[i].row.id == id) {
            *out = &t->listeners[i];
            return 0;
        }
    }
    *out = &t->listeners[t->n_listeners++];
    return open_listener(t, tx, id, *out, err);
}

static int read_call(struct turn *t, struct db_tx *tx, const struct meta_hook_call *row,
                     struct call *out, struct err *err)
{
    const struct hook_type *type = hook_type_of_event(row->type);
    struct listener        *listener;
    struct hook_facts       facts;

    if (find_listener(t, tx, row->webhook_id, &listener, err) < 0)
        return -1;
    *out = (struct call){ .row = *row, .listener = listener };
    if (!listener->is_there || type == NULL || !hook_type_fits(type, listener->shape))
        return 0;
    if (hook_facts_read(t->work, tx, t->arena, listener->shape, &listener->row, row, &facts, err) <
        0)
        return -1;
    out->id   = facts.id;
    out->body = hook_body(t->arena, listener->shape, &facts);
    return 0;
}

static int read_calls(struct turn *t, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_hook_call       *rows;
    size_t                       n;

    if (db_begin(t->work->db, DB_READ, "read webhook calls", &tx, err) < 0 ||
        meta_hook_page(tx, t->arena, t->taken.endpoint_id, BATCH, &rows, &n, err) < 0)
        return -1;
    t->listeners = mem_many(t->arena, n + 1, struct listener);
    t->calls     = mem_many(t->arena, n + 1, struct call);
    for (; t->n_calls < n; t->n_calls++) {
        if (read_call(t, tx, &rows[t->n_calls], &t->calls[t->n_calls], err) < 0)
            return -1;
    }
    return 0;
}

static int judge_listener(struct turn *t, struct listener *l, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct auth_caller           author;
    struct auth_repo             place;
    enum auth_verdict            verdict;

    if (db_begin(t->work->db, DB_LOOK, "meet webhook author", &tx, err) < 0)
        return -1;
    int found = meet_author(tx, t->arena, &l->row, &author, err);
    db_abort(&tx);
    if (found < 1)
        return found;
    if (work_hook_open(t->work, t->arena, &author, l->row.key, &place, &verdict, err) < 0)
        return -1;
    l->may = verdict == AUTH_YES;
    return 0;
}

static int judge_listeners(struct turn *t, struct err *err)
{
    for (size_t i = 0; i < t->n_listeners; i++) {
        if (t->listeners[i].is_there && judge_listener(t, &t->listeners[i], err) < 0)
            return -1;
    }
    return 0;
}

/* -- telling ------------------------------------------------------------------------------------------- */

static void make_call(struct turn *t, struct call *call)
{
    const struct listener *l       = call->listener;
    struct hook_message    message = {
           .url         = t->taken.url,
           .tls_cert    = t->taken.tls_cert,
           .skip_tls    = t->taken.skip_tls != 0,
           .media_type  = hook_shape_media_type(l->shape),
           .id          = call->id,
           .body        = call->body,
           .secrets     = { l->secrets[0], l->secrets[1] },
           .timeout_us  = work_policy(t->work)->hook_timeout,
           .should_stop = t->settings->should_stop,
           .context     = t->settings->context,
    };
    int64_t at = clock_utc_us();

    t->last = hook_send(t->work, t->arena, &message);
    if (t->last.is_local)
        return;
    call->is_made = true;
    call->result =
        (struct meta_hook_result){ .attempt     = call->row.attempts + 1,
                                   .at          = at,
                                   .duration_us = t->last.duration_us,
                                   .status      = t->last.status,
                                   .is_done     = t->last.is_done,
                                   .failure     = t->last.is_done ? STR("") : t->last.failure };
    t->has_told |= t->last.is_done;
    t->was_slow |= t->last.duration_us > SLOW_US;
}

static bool should_stop(const struct turn *t)
{
    return t->settings->should_stop != NULL && t->settings->should_stop(t->settings->context);
}

static void make_calls(struct turn *t)
{
    int64_t until = clock_monotonic_us() + TURN_US;

    for (size_t i = 0; i < t->n_calls; i++) {
        struct call *call = &t->calls[i];

        if (should_stop(t) || clock_monotonic_us() > until)
            return;
        if (call->body.p != NULL && call->listener->may) {
            make_call(t, call);
            if (t->last.is_local || (!t->last.is_done && should_stop(t)))
                return;
            t->has_failed = !t->last.is_done;
        }
        if (t->has_failed)
            return;
        t->n_over++;
    }
}

/* -- what came of it ------------------------------------------------------------------------------------ */

static int tell_result(struct db_tx *tx, const struct call *call, struct err *err)
{
    struct meta_event event = {
        .type        = call->result.is_done != 0 ? "WEBHOOK_SENT" : "WEBHOOK_FAILED",
        .repo_id     = call->row.repo_id,
        .path        = call->row.path,
        .object_kind = "webhook",
        .object_name = call->listener->row.uuid,
        .target      = call->row.type,
    };

    return meta_event_tell(tx, &hook_registry, &event, err);
}

static int record_calls(struct turn *t, struct db_tx *tx, struct err *err)
{
    for (size_t i = 0; i < t->n_calls; i++) {
        const struct call *call = &t->calls[i];

        if (call->is_made && (meta_hook_record(tx, &call->row, &call->result, err) < 0 ||
                              tell_result(tx, call, err) < 0))
            return -1;
        if (!call->is_made && i < t->n_over && meta_hook_drop(tx, call->row.id, err) < 0)
            return -1;
    }
    return 0;
}

static int stop_listener(struct db_tx *tx, const struct meta_webhook *hook, const char *why,
                         struct err *err)
{
    if (meta_webhook_stop(tx, hook->id, why, err) < 0)
        return -1;
    log_event(LOG_WARNING, NULL, "webhook.stopped",
              LOG_FIELDS(LOG_S("webhook", hook->uuid), LOG_T("why", why)),
              "a webhook of " STR_FMT " is told of nothing any more",
              STR_ARGS(hook->key.n > 0 ? hook->key : STR("the registry")));
    return hook_tell(tx, &hook_registry, "WEBHOOK_DISABLED", hook, STR_NULL, STR_NULL, err);
}

/* Every active one of the endpoint, whether or not something waits for it. */
static int stop_all(struct turn *t, struct db_tx *tx, struct err *err)
{
    struct meta_webhook hook;
    int64_t            *ids;
    size_t              n;

    if (meta_hook_webhooks(tx, t->arena, t->taken.endpoint_id, HOOKS_MAX, &ids, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int found = meta_webhook_find_id(tx, t->arena, ids[i], &hook, err);

        if (found < 0 || (found == 1 && stop_listener(tx, &hook, "failures", err) < 0))
            return -1;
    }
    return 0;
}

static int stop_without_right(struct turn *t, struct db_tx *tx, struct err *err)
{
    for (size_t i = 0; i < t->n_listeners; i++) {
        const struct listener *l = &t->listeners[i];

        if (l->is_there && !l->may && stop_listener(tx, &l->row, "rights", err) < 0)
            return -1;
    }
    return 0;
}

/* Twice as long each time, a little more or less so that endpoints that failed together do not come back together; and
 * no sooner than the receiver asked. */
static int64_t wait_after(const struct turn *t, int64_t failures)
{
    const struct work_policy *policy = work_policy(t->work);
    int64_t                   wait   = policy->hook_retry;
    unsigned char             luck;

    for (int64_t i = 1; i < failures && wait < policy->hook_retry_max; i++)
        wait *= 2;
    random_bytes(&luck, sizeof(luck));
    wait += wait / 10 * luck / 255;
    if (wait < t->last.retry_after_us)
        wait = t->last.retry_after_us;
    return wait < policy->hook_retry_max ? wait : policy->hook_retry_max;
}

static int release(struct turn *t, struct db_tx *tx, struct err *err)
{
    int64_t before   = t->has_told ? 0 : t->taken.failures;
    int64_t failures = t->has_failed ? before + 1 : before;
    int64_t next_at  = db_now(tx);

    if (t->has_failed) {
        next_at += wait_after(t, failures);
        if (failures >= work_policy(t->work)->hook_failures || t->last.status == GONE) {
            if (stop_all(t, tx, err) < 0)
                return -1;
            failures = 0;
        }
    } else if (t->last.is_local) {
        next_at += LOCAL_RETRY_US;
    }
    return meta_hook_release(tx, t->taken.endpoint_id, t->taken.fence, next_at, failures,
                             t->has_failed || t->was_slow, err);
}

static int record(struct turn *t, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(t->work->db, DB_WRITE, "record webhook calls", &tx, err) < 0 ||
        meta_hook_guard(tx, t->taken.endpoint_id, t->taken.fence, err) < 0 ||
        record_calls(t, tx, err) < 0 || stop_without_right(t, tx, err) < 0 ||
        release(t, tx, err) < 0 || failpoint(FP_HOOK_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_HOOK_RECORDED, err);
}

/* Something went wrong on our side: the endpoint is given back, and nothing is known of what was told. */
static void give_back(struct turn *t)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct err                   ignored; /* then the lease ends by itself */

    if (db_begin(t->work->db, DB_WRITE, "give webhook endpoint back", &tx, &ignored) == 0 &&
        meta_hook_release(tx, t->taken.endpoint_id, t->taken.fence, db_now(tx) + LOCAL_RETRY_US,
                          t->taken.failures, t->taken.is_slow, &ignored) == 0)
        (void)db_commit(&tx, &ignored);
}

int work_hook_begin(struct work *work, struct str worker_id, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "begin webhooks", &tx, err) < 0 ||
        meta_hook_give_up(tx, worker_id, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int work_hook_next_due(struct work *work, int64_t *out_wait_us, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      at;

    if (db_begin(work->db, DB_LOOK, "when is a webhook due", &tx, err) < 0)
        return -1;
    int     found = meta_hook_next_due(tx, &at, err);
    int64_t now   = db_now(tx);
    if (found < 0)
        return -1;
    *out_wait_us = found == 0 ? INT64_MAX : at <= now ? 0 : at - now;
    return 0;
}

int work_hook_turn(struct work *work, const struct work_hook_turn *turn, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct turn                    t     = { .work = work, .arena = arena, .settings = turn };
    int                            found = take(&t, err);

    if (found < 1)
        return found;
    if (failpoint(FP_HOOK_TAKEN, err) < 0 || read_calls(&t, err) < 0 ||
        judge_listeners(&t, err) < 0) {
        give_back(&t);
        return -1;
    }
    make_calls(&t);
    if (failpoint(FP_HOOK_TOLD, err) < 0 || record(&t, err) < 0) {
        give_back(&t);
        return -1;
    }
    return 1;
}
