/* work/hook.c: subscriptions: made, shown, changed, ended. */
#include "work/hook.h"

#include <stdio.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/seal.h"
#include "codec/secret.h"
#include "io/random.h"
#include "meta/event.h"
#include "net/outbound.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/hook_private.h"

enum { RESEAL_BATCH = 100 };

#define OVERLAP_MAX_US (30 * INT64_C(86400000000))
#define TEST_US INT64_C(4000000)

const struct meta_actor hook_registry = { .kind       = "system",
                                          .name       = { .p = "registry", .n = 8 },
                                          .request_id = { .p = "", .n = 0 } };

void work_set_hooks(struct work *work, const struct work_hook_settings *settings)
{
    struct work_hooks *hooks = mem_new(struct work_hooks);

    hooks->settings = *settings;
    atomic_store(&hooks->ring, settings->ring);
    atomic_store(&work->hooks, hooks);
}

void work_hooks_free(struct work *work)
{
    struct work_hooks     *hooks = atomic_load(&work->hooks);
    struct hook_ring_kept *kept  = hooks == NULL ? NULL : hooks->kept;

    while (kept != NULL) {
        struct hook_ring_kept *older = kept->older;

        seal_ring_free(&kept->ring);
        mem_free(kept);
        kept = older;
    }
    mem_free(hooks);
    atomic_store(&work->hooks, NULL);
}

static int need_hooks(struct work *work, struct err *err)
{
    return atomic_load(&work->hooks) != NULL
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "the server is about to start");
}

/* -- records ------------------------------------------------------------------------------------------- */

int hook_tell(struct db_tx *tx, const struct meta_actor *actor, const char *type,
              const struct meta_webhook *hook, struct str before, struct str after, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .repo_id     = hook->repo_id,
        .path        = hook->key.n > 0 ? hook->key : STR_NULL,
        .object_kind = "webhook",
        .object_name = hook->uuid,
        .target      = hook->type,
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

/* The path and query of an address may be what opens it: they go into no record. */
static struct str print_state(struct arena *arena, const struct meta_webhook *hook)
{
    ptrdiff_t  slash = str_find(str_from_index(hook->url, sizeof("https://") - 1), '/');
    struct str origin =
        slash < 0 ? hook->url : str_sub(hook->url, 0, (size_t)slash + sizeof("https://") - 1);

    return str_from(mem_printf(arena,
                               "{\"origin\":\"" STR_FMT "\",\"skipTLSVerification\":%s,"
                               "\"shape\":\"" STR_FMT "\",\"stopped\":\"" STR_FMT "\"}",
                               STR_ARGS(origin), hook->skip_tls != 0 ? "true" : "false",
                               STR_ARGS(hook->shape), STR_ARGS(hook->stopped)));
}

static int commit(struct db_tx **tx, struct err *err)
{
    if (failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

/* -- who may ------------------------------------------------------------------------------------------- */

static unsigned scope_of(struct str key)
{
    if (key.n == 0)
        return HOOK_REGISTRY;
    return str_find(key, '/') < 0 ? HOOK_NAMESPACE : HOOK_REPO;
}

static int check_key(struct str key, struct err *err)
{
    if (scope_of(key) == HOOK_REPO ? oci_name_check(key, err) < 0 : oci_prefix_check(key, err) < 0)
        return work_bad_field("key", "is namespace/repository, a namespace, or empty", err);
    return 0;
}

int work_hook_open(struct work *work, struct arena *arena, const struct auth_caller *caller,
                   struct str key, struct auth_repo *out, enum auth_verdict *verdict,
                   struct err *err)
{
    int done;

    if (check_key(key, err) < 0)
        return -1;
    if (scope_of(key) == HOOK_REPO)
        done = auth_repo_manage(work->auth, arena, caller, key, AUTH_POLICIES, out, verdict, err);
    else
        done = auth_prefix_open(work->auth, arena, caller, key, AUTH_POLICIES, out, verdict, err);
    if (done == 0 && *verdict == AUTH_YES && key.n == 0)
        done = auth_instance_open(work->auth, caller, verdict, err);
    if (done == 0 && *verdict == AUTH_YES && caller->is_narrowed)
        *verdict = AUTH_TOO_FEW;
    return done;
}

/* -- what clients give --------------------------------------------------------------------------------- */

static int check_type(const struct work_hook_form *form, struct err *err)
{
    const struct hook_type *type = hook_type_find(form->type);

    if (form->is_ours && str_is(form->type, HOOK_ANY))
        return 0;
    if (type == NULL || (type->is_ours && !form->is_ours))
        return work_bad_field("type", "is none of the types of webhooks", err);
    if ((type->scopes & scope_of(form->key)) == 0)
        return work_bad_field("key",
                              type->scopes == HOOK_REGISTRY
                                  ? "is empty: this type is of the whole registry"
                                  : "is a namespace: this type is of repositories as such",
                              err);
    return 0;
}

static int check_shape(struct str type, struct str shape, struct err *err)
{
    const struct hook_type *row = hook_type_find(type);
    enum hook_shape         parsed;

    if (!hook_shape_parse(shape, &parsed))
        return work_bad_field("shape", "is dtr, harbor, distribution or cloudevents", err);
    if (row != NULL && !hook_type_fits(row, parsed))
        return work_bad_field("shape", "has no word for this type", err);
    return 0;
}

/* Says about which field the outside's rules are. */
static int about_field(const char *field, struct err *err)
{
    if (err->kind != ERR_INVALID)
        return -1;
    char text[ERR_TEXT_MAX];

    snprintf(text, sizeof(text), "%s", err->text);
    return work_bad_field(field, text, err);
}

static int check_target(struct work *work, struct str url, struct str tls_cert, bool skip_tls,
                        struct err *err)
{
    struct net_outbound *outbound = work->hooks->settings.outbound;

    if (url.n > WORK_HOOK_URL_MAX)
        return work_bad_field("endpoint", "has at most 2,048 bytes", err);
    if (str_starts(url, STR("http://")) && !skip_tls)
        return work_bad_field("skipTLSVerification", "must be true for an http:// endpoint", err);
    if (net_outbound_check(outbound, url, skip_tls, err) < 0)
        return about_field("endpoint", err);
    if (tls_cert.n > 0 && net_outbound_check_ca(tls_cert, err) < 0)
        return about_field("tlsCert", err);
    return 0;
}

static int check_form(struct work *work, const struct work_hook_form *form, struct str shape,
                      struct err *err)
{
    if (form->endpoint.n == 0)
        return work_bad_field("endpoint", "is needed", err);
    if (check_type(form, err) < 0 || check_shape(form->type, shape, err) < 0)
        return -1;
    return check_target(work, form->endpoint, form->tls_cert, form->skip_tls, err);
}

/* -- making -------------------------------------------------------------------------------------------- */

/* The secret that it begins with; the null view: none. */
static int first_secret(struct arena *arena, const struct work_hook_form *form, struct str *out,
                        struct err *err)
{
    struct str key; /* that it is one */

    *out = STR_NULL;
    if (!form->is_ours)
        return 0;
    *out = form->secret.p == NULL ? hook_secret_make(arena) : secret_copy(arena, form->secret);
    return hook_secret_parse(arena, *out, &key, err);
}

static int add(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
               struct meta_webhook *row, struct meta_webhook *out, struct err *err)
{
    struct meta_endpoint endpoint = { .namespace_id = row->namespace_id,
                                      .url          = row->url,
                                      .tls_cert     = row->tls_cert,
                                      .skip_tls     = row->skip_tls };
    int64_t              n, id;

    if (meta_webhook_count(tx, row->key, &n, err) < 0)
        return -1;
    if (n >= WORK_HOOKS_A_KEY)
        return err_set_code(err, ERR_CONFLICT, "TOO_MANY_WEBHOOKS", row->key,
                            "a repository or namespace has at most %d webhooks", WORK_HOOKS_A_KEY);
    if (meta_endpoint_ensure(tx, &endpoint, &row->endpoint_id, err) < 0 ||
        meta_webhook_add(tx, row, &id, err) < 0 ||
        meta_webhook_find_id(tx, arena, id, out, err) < 0)
        return -1;
    return hook_tell(tx, actor, "WEBHOOK_CREATED", out, STR_NULL, print_state(arena, out), err);
}

int work_hook_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *place, const struct work_hook_form *form,
                     struct str *out_secret, struct meta_webhook *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    char                         uuid[RANDOM_UUID_MAX];
    struct str                   secret;
    struct meta_webhook          row = {
                 .type         = form->type,
                 .key          = form->key.p == NULL ? STR("") : form->key,
                 .namespace_id = place->namespace_id,
                 .repo_id      = place->id,
                 .shape        = form->shape.p == NULL ? STR("dtr") : form->shape,
                 .author_id    = actor->account_id,
                 .url          = form->endpoint,
                 .tls_cert     = form->tls_cert.p == NULL ? STR("") : form->tls_cert,
                 .skip_tls     = form->skip_tls,
    };

    if (need_hooks(work, err) < 0 || work_may_write(work, err) < 0 ||
        check_form(work, form, row.shape, err) < 0 || first_secret(arena, form, &secret, err) < 0)
        return -1;
    random_uuid(uuid);
    row.uuid = str_copy(arena, str_from(uuid));
    if (secret.p != NULL)
        row.secret = hook_secret_seal(work, arena, row.uuid, secret);
    if (db_begin(work->db, DB_WRITE, "make webhook", &tx, err) < 0 ||
        add(tx, arena, actor, &row, out, err) < 0 || commit(&tx, err) < 0)
        return -1;
    *out_secret = secret;
    return 0;
}

/* -- what there is ------------------------------------------------------------------------------------- */

int work_hook_absent(struct str uuid, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_WEBHOOK", uuid, "no such webhook");
}

static int find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_webhook *out,
                struct err *err)
{
    int found = meta_webhook_find(tx, arena, uuid, out, err);

    if (found < 0)
        return -1;
    return found == 1 ? 0 : work_hook_absent(uuid, err);
}

int work_hook_get(struct work *work, struct arena *arena, struct str uuid, struct meta_webhook *out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (!work_is_uuid(uuid))
        return work_hook_absent(uuid, err);
    if (db_begin(work->db, DB_LOOK, "get webhook", &tx, err) < 0)
        return -1;
    return find(tx, arena, uuid, out, err);
}

int work_hook_page(struct work *work, struct arena *arena, const struct meta_webhook_filter *filter,
                   int64_t after, size_t n_max, struct meta_webhook **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "list webhooks", &tx, err) < 0)
        return -1;
    return meta_webhook_page(tx, arena, filter, after, n_max, out, n_out, err);
}

int work_hook_stopped(struct work *work, struct arena *arena, int64_t after, size_t n_max,
                      struct meta_webhook **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "list stopped webhooks", &tx, err) < 0)
        return -1;
    return meta_webhook_page_stopped(tx, arena, after, n_max, out, n_out, err);
}

int work_hook_log(struct work *work, struct arena *arena, const struct meta_webhook *hook,
                  int64_t before, size_t n_max, struct meta_hook_line **out, size_t *n_out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "read webhook log", &tx, err) < 0)
        return -1;
    return meta_hook_log_page(tx, arena, hook->id, before, n_max, out, n_out, err);
}

/* -- changing ------------------------------------------------------------------------------------------ */

/* What the change asks for, over what is there. */
static struct meta_webhook apply(const struct meta_webhook     *hook,
                                 const struct work_hook_change *change)
{
    struct meta_webhook new = *hook;

    if (change->tls_cert.p != NULL)
        new.tls_cert = change->tls_cert;
    if (change->has_skip_tls)
        new.skip_tls = change->skip_tls;
    if (change->endpoint.p != NULL)
        new.url = change->endpoint;
    if (change->shape.p != NULL)
        new.shape = change->shape;
    return new;
}

static bool is_elsewhere(const struct meta_webhook *a, const struct meta_webhook *b)
{
    return !str_eq(a->url, b->url) || !str_eq(a->tls_cert, b->tls_cert) ||
           (a->skip_tls != 0) != (b->skip_tls != 0);
}

/* To where it shall go from now on, with what waits: a new address is tried at once. */
static int move(struct db_tx *tx, const struct meta_webhook *old, const struct meta_webhook *new,
                struct err *err)
{
    struct meta_endpoint endpoint = { .namespace_id = new->namespace_id,
                                      .url          = new->url,
                                      .tls_cert     = new->tls_cert,
                                      .skip_tls     = new->skip_tls };
    int64_t              id;

    if (meta_endpoint_ensure(tx, &endpoint, &id, err) < 0 ||
        meta_webhook_move(tx, old->id, id, err) < 0 || meta_hook_wake(tx, id, err) < 0)
        return -1;
    return meta_endpoint_drop(tx, old->endpoint_id, err);
}

static int change_row(struct db_tx *tx, const struct meta_webhook                   *old,
                      const struct meta_webhook *new, const struct work_hook_change *change,
                      struct err *err)
{
    bool was_stopped = old->stopped.n > 0;

    if (is_elsewhere(old, new) && move(tx, old, new, err) < 0)
        return -1;
    if (!str_eq(old->shape, new->shape) && meta_webhook_set_shape(tx, old->id, new->shape, err) < 0)
        return -1;
    if (change->has_inactive && change->inactive && !was_stopped)
        return meta_webhook_stop(tx, old->id, "hand", err);
    if (change->has_inactive && !change->inactive && was_stopped)
        return meta_webhook_start(tx, old->id, err);
    return 0;
}

int work_hook_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_webhook *hook, const struct work_hook_change *change,
                     struct meta_webhook *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_webhook new         = apply(hook, change);
    struct meta_webhook old;

    if (need_hooks(work, err) < 0 || work_may_write(work, err) < 0 ||
        check_shape(new.type, new.shape, err) < 0 ||
        (is_elsewhere(hook, &new) &&
         check_target(work, new.url, new.tls_cert, new.skip_tls != 0, err) < 0) ||
        db_begin(work->db, DB_WRITE, "change webhook", &tx, err) < 0 ||
        find(tx, arena, hook->uuid, &old, err) < 0)
        return -1;
    new = apply(&old, change);
    if (change_row(tx, &old, &new, change, err) < 0 || find(tx, arena, hook->uuid, out, err) < 0 ||
        hook_tell(tx, actor, "WEBHOOK_UPDATED", out, print_state(arena, &old),
                  print_state(arena, out), err) < 0)
        return -1;
    return commit(&tx, err);
}

int work_hook_delete(struct work *work, const struct meta_actor *actor,
                     const struct meta_webhook *hook, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_webhook            row;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "delete webhook", &tx, err) < 0 ||
        find(tx, arena, hook->uuid, &row, err) < 0 || meta_webhook_remove(tx, row.id, err) < 0 ||
        meta_endpoint_drop(tx, row.endpoint_id, err) < 0 ||
        hook_tell(tx, actor, "WEBHOOK_DELETED", &row, print_state(arena, &row), STR_NULL, err) < 0)
        return -1;
    return commit(&tx, err);
}

int work_hook_rotate(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_webhook *hook, struct str secret, int64_t overlap_us,
                     struct str *out_secret, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_hook_form        form = { .secret = secret, .is_ours = true };
    struct meta_webhook          row;
    struct str new;

    if (overlap_us < 0 || overlap_us > OVERLAP_MAX_US)
        return work_bad_field("overlap", "is at most 30d", err);
    if (need_hooks(work, err) < 0 || work_may_write(work, err) < 0 ||
        first_secret(arena, &form, &new, err) < 0 ||
        db_begin(work->db, DB_WRITE, "rotate webhook secret", &tx, err) < 0 ||
        find(tx, arena, hook->uuid, &row, err) < 0)
        return -1;

    struct str sealed = hook_secret_seal(work, arena, row.uuid, new);
    int64_t    until  = overlap_us == 0 || row.secret.p == NULL ? 0 : db_now(tx) + overlap_us;
    if (meta_webhook_set_secret(tx, row.id, sealed, until, err) < 0 ||
        hook_tell(tx, actor, "WEBHOOK_SECRET_ROTATED", &row, STR_NULL, STR_NULL, err) < 0 ||
        commit(&tx, err) < 0)
        return -1;
    *out_secret = new;
    return 0;
}

/* -- a test call --------------------------------------------------------------------------------------- */

int work_hook_test(struct work *work, struct arena *arena, const struct work_hook_form *form,
                   struct err *err)
{
    struct str              shape_name = form->shape.p == NULL ? STR("dtr") : form->shape;
    const struct hook_type *type       = hook_type_find(form->type);
    enum hook_shape         shape      = HOOK_DTR;
    struct str              key; /* that the secret is one */

    if (need_hooks(work, err) < 0)
        return -1;
    if (form->endpoint.n == 0)
        return work_bad_field("endpoint", "is needed", err);
    if (type == NULL || (type->is_ours && !form->is_ours))
        return work_bad_field("type", "is none of the types of webhooks", err);
    if (check_shape(form->type, shape_name, err) < 0 ||
        check_target(work, form->endpoint, form->tls_cert, form->skip_tls, err) < 0 ||
        (form->secret.p != NULL && hook_secret_parse(arena, form->secret, &key, err) < 0))
        return -1;
    (void)hook_shape_parse(shape_name, &shape);

    struct hook_facts   facts   = hook_facts_sample(work, arena, type);
    struct hook_message message = {
        .url        = form->endpoint,
        .tls_cert   = form->tls_cert,
        .skip_tls   = form->skip_tls,
        .media_type = hook_shape_media_type(shape),
        .id         = facts.id,
        .body       = hook_body(arena, shape, &facts),
        .secrets    = { form->secret },
        .timeout_us = TEST_US,
        .pad_us     = TEST_US,
    };
    struct hook_sent sent = hook_send(work, arena, &message);
    if (!sent.is_done)
        return err_set_code(err, ERR_INVALID, "WEBHOOK_TEST_FAILED", STR("endpoint"),
                            "endpoint: " STR_FMT, STR_ARGS(sent.failure));
    return 0;
}

/* -- another key file ---------------------------------------------------------------------------------- */

static int reseal_one(struct arena *arena, const struct seal_ring *ring, struct str uuid,
                      struct str *sealed, struct err *err)
{
    struct str purpose = str_from(mem_printf(arena, "webhook:" STR_FMT, STR_ARGS(uuid)));
    struct str secret;

    if (sealed->p == NULL || !seal_is_old(ring, *sealed))
        return 0;
    if (seal_open(arena, ring, purpose, *sealed, &secret, err) < 0)
        return -1;
    *sealed = seal_close(arena, ring, purpose, secret);
    return 0;
}

static int reseal_page(struct work *work, const struct seal_ring *ring, int64_t *after, int *n,
                       size_t *n_rows, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_webhook_filter     all   = { 0 };
    struct meta_webhook           *rows;

    if (db_begin(work->db, DB_WRITE, "reseal webhook secrets", &tx, err) < 0 ||
        meta_webhook_page(tx, arena, &all, *after, RESEAL_BATCH, &rows, n_rows, err) < 0)
        return -1;
    for (size_t i = 0; i < *n_rows; i++) {
        struct str secret = rows[i].secret, old = rows[i].old_secret;

        *after = rows[i].id;
        if (reseal_one(arena, ring, rows[i].uuid, &secret, err) < 0 ||
            reseal_one(arena, ring, rows[i].uuid, &old, err) < 0)
            return -1;
        if (secret.p == rows[i].secret.p && old.p == rows[i].old_secret.p)
            continue;
        if (meta_webhook_reseal(tx, rows[i].id, secret, old, err) < 0)
            return -1;
        (*n)++;
    }
    return db_commit(&tx, err);
}

static void take_ring(struct work_hooks *hooks, struct seal_ring **ring)
{
    struct hook_ring_kept *kept = mem_new(struct hook_ring_kept);

    *kept       = (struct hook_ring_kept){ .ring = TAKE(*ring), .older = hooks->kept };
    hooks->kept = kept;
    atomic_store(&hooks->ring, kept->ring);
}

int work_hook_reseal(struct work *work, struct seal_ring **ring, int *out_n, struct err *err)
{
    int64_t after = 0;
    size_t  n_rows;
    int     n = 0;

    do {
        if (reseal_page(work, *ring, &after, &n, &n_rows, err) < 0)
            return -1;
    } while (n_rows == RESEAL_BATCH);
    if (atomic_load(&work->hooks) != NULL)
        take_ring(atomic_load(&work->hooks), ring);
    *out_n = n;
    return 0;
}
