/* meta/webhook.c: subscriptions and the endpoints that they share. */
#include "meta/webhook.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    ENDPOINT_FIND,
    ENDPOINT_ADD,
    ENDPOINT_DROP,
    ADD,
    FIND,
    FIND_ID,
    PAGE,
    PAGE_KEY,
    PAGE_STOPPED,
    COUNT,
    MOVE,
    MOVE_QUEUE,
    STOP,
    FORGET,
    START,
    SET_SECRET,
    RESEAL,
    SET_SHAPE,
    REMOVE,
    REMOVE_OF_REPO,
    REMOVE_OF_NAMESPACE
};

#define COLUMNS                                                                                  \
    "w.id, w.uuid, w.endpoint_id, w.type, w.key, w.namespace_id, w.repo_id, w.shape, "           \
    "w.author_id, w.created_at, w.after_event, w.stopped, w.stopped_at, w.missed_from, "         \
    "w.succeeded_at, w.failed_at, w.failure, w.secret, w.old_secret, w.old_secret_until, e.url," \
    " e.tls_cert, e.skip_tls, e.next_at, e.failures, a.uuid"
#define KINDS              \
    "itittiitiiitiiiittti" \
    "ttiii"                \
    "t"
#define FROM                                                            \
    " FROM webhooks w JOIN webhook_endpoints e ON e.id = w.endpoint_id" \
    " LEFT JOIN accounts a ON a.id = w.author_id"
#define MAX_EVENT "coalesce((SELECT max(id) FROM events), 0)"

/* clang-format off */
static const struct db_statement sql[] = {
    [ENDPOINT_FIND] = { .name   = "webhook_endpoint.find", .in = "t",       .out = "i",
                        .sqlite = "SELECT id FROM webhook_endpoints WHERE identity = $1",
                        .pg     = "SELECT id FROM webhook_endpoints WHERE identity = $1 FOR UPDATE" },
    [ENDPOINT_ADD]  = { .name   = "webhook_endpoint.add",  .in = "titti",   .out = "i",
                        .sql    = "INSERT INTO webhook_endpoints (identity, namespace_id, url, tls_cert, skip_tls)"
                                  " VALUES ($1, $2, $3, $4, $5) RETURNING id" },
    [ENDPOINT_DROP] = { .name   = "webhook_endpoint.drop", .in = "i",       .out = "",
                        .sql    = "DELETE FROM webhook_endpoints WHERE id = $1"
                                  " AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.endpoint_id = $1)" },
    [ADD]           = { .name   = "webhook.add",           .in = "tittiitiit", .out = "i",
                        .sql    = "INSERT INTO webhooks (uuid, endpoint_id, type, key, namespace_id, repo_id, shape, author_id,"
                                  " created_at, secret, after_event)"
                                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, " MAX_EVENT ") RETURNING id" },
    [FIND]          = { .name   = "webhook.find",          .in = "t",       .out = KINDS,
                        .sql    = "SELECT " COLUMNS FROM " WHERE w.uuid = $1" },
    [FIND_ID]       = { .name   = "webhook.find_id",       .in = "i",       .out = KINDS,
                        .sql    = "SELECT " COLUMNS FROM " WHERE w.id = $1" },
    [PAGE]          = { .name   = "webhook.page",          .in = "iit",     .out = KINDS,
                        .sql    = "SELECT " COLUMNS FROM " WHERE w.id > $1 AND ($3 = '' OR w.type = $3) ORDER BY w.id LIMIT $2" },
    [PAGE_KEY]      = { .name   = "webhook.page_key",      .in = "iitt",    .out = KINDS,
                        .sql    = "SELECT " COLUMNS FROM " WHERE w.key = $4 AND w.id > $1 AND ($3 = '' OR w.type = $3)"
                                  " ORDER BY w.id LIMIT $2" },
    [PAGE_STOPPED]  = { .name   = "webhook.page_stopped",  .in = "ii",      .out = KINDS,
                        .sql    = "SELECT " COLUMNS FROM " WHERE w.stopped IN ('failures', 'full', 'rights') AND w.id > $1"
                                  " ORDER BY w.id LIMIT $2" },
    [COUNT]         = { .name   = "webhook.count",         .in = "t",       .out = "i",
                        .sql    = "SELECT count(*) FROM webhooks WHERE key = $1" },
    [MOVE]          = { .name   = "webhook.move",          .in = "ii",      .out = "",
                        .sql    = "UPDATE webhooks SET endpoint_id = $2 WHERE id = $1" },
    [MOVE_QUEUE]    = { .name   = "webhook.move_queue",    .in = "ii",      .out = "",
                        .sql    = "UPDATE webhook_queue SET endpoint_id = $2 WHERE webhook_id = $1" },
    [STOP]          = { .name   = "webhook.stop",          .in = "iti",     .out = "",
                        .sql    = "UPDATE webhooks SET stopped = $2, stopped_at = $3, missed_from = coalesce("
                                  "(SELECT min(event_id) FROM webhook_queue WHERE webhook_id = $1), " MAX_EVENT " + 1)"
                                  " WHERE id = $1 AND stopped = ''" },
    [FORGET]        = { .name   = "webhook.forget",        .in = "i",       .out = "",
                        .sql    = "DELETE FROM webhook_queue WHERE webhook_id = $1" },
    [START]         = { .name   = "webhook.start",         .in = "i",       .out = "",
                        .sql    = "UPDATE webhooks SET stopped = '', stopped_at = NULL, missed_from = 0,"
                                  " after_event = " MAX_EVENT " WHERE id = $1 AND stopped <> ''" },
    [SET_SECRET]    = { .name   = "webhook.set_secret",    .in = "iti",     .out = "",
                        .sql    = "UPDATE webhooks SET old_secret = CASE WHEN $3 = 0 THEN NULL ELSE secret END,"
                                  " old_secret_until = CASE WHEN $3 = 0 THEN NULL ELSE $3 END, secret = $2 WHERE id = $1" },
    [RESEAL]        = { .name   = "webhook.reseal",        .in = "itt",     .out = "",
                        .sql    = "UPDATE webhooks SET secret = $2, old_secret = $3 WHERE id = $1" },
    [SET_SHAPE]     = { .name   = "webhook.set_shape",     .in = "it",      .out = "",
                        .sql    = "UPDATE webhooks SET shape = $2 WHERE id = $1" },
    [REMOVE]        = { .name   = "webhook.remove",        .in = "i",       .out = "",
                        .sql    = "DELETE FROM webhooks WHERE id = $1" },
    [REMOVE_OF_REPO] = { .name  = "webhook.remove_of_repo", .in = "i",      .out = "",
                        .sql    = "DELETE FROM webhooks WHERE repo_id = $1" },
    [REMOVE_OF_NAMESPACE] = { .name = "webhook.remove_of_namespace", .in = "i", .out = "",
                        .sql    = "DELETE FROM webhooks WHERE namespace_id = $1" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_webhook, id),
    DB_COL_TEXT(struct meta_webhook, uuid),
    DB_COL_INT (struct meta_webhook, endpoint_id),
    DB_COL_TEXT(struct meta_webhook, type),
    DB_COL_TEXT(struct meta_webhook, key),
    DB_COL_INT (struct meta_webhook, namespace_id),
    DB_COL_INT (struct meta_webhook, repo_id),
    DB_COL_TEXT(struct meta_webhook, shape),
    DB_COL_INT (struct meta_webhook, author_id),
    DB_COL_INT (struct meta_webhook, created_at),
    DB_COL_INT (struct meta_webhook, after_event),
    DB_COL_TEXT(struct meta_webhook, stopped),
    DB_COL_INT (struct meta_webhook, stopped_at),
    DB_COL_INT (struct meta_webhook, missed_from),
    DB_COL_INT (struct meta_webhook, succeeded_at),
    DB_COL_INT (struct meta_webhook, failed_at),
    DB_COL_TEXT(struct meta_webhook, failure),
    DB_COL_TEXT(struct meta_webhook, secret),
    DB_COL_TEXT(struct meta_webhook, old_secret),
    DB_COL_INT (struct meta_webhook, old_secret_until),
    DB_COL_TEXT(struct meta_webhook, url),
    DB_COL_TEXT(struct meta_webhook, tls_cert),
    DB_COL_INT (struct meta_webhook, skip_tls),
    DB_COL_INT (struct meta_webhook, next_at),
    DB_COL_INT (struct meta_webhook, failures),
    DB_COL_TEXT(struct meta_webhook, author),
};
/* clang-format on */

META_STATEMENTS(webhook);

/* -- endpoints ---------------------------------------------------------------------------------------- */

static void print_identity(const struct meta_endpoint *endpoint, char out[HASH_HEX_MAX])
{
    struct hash hash;
    char        head[64];
    int         n = snprintf(head, sizeof(head), "%lld %d %zu ", (long long)endpoint->namespace_id,
                             endpoint->skip_tls != 0, endpoint->url.n);

    hash_init(&hash, HASH_SHA256);
    hash_add(&hash, head, (size_t)n);
    hash_add(&hash, endpoint->url.p, endpoint->url.n);
    hash_add(&hash, endpoint->tls_cert.p, endpoint->tls_cert.n);
    hash_finish_hex(&hash, out);
}

int meta_endpoint_ensure(struct db_tx *tx, const struct meta_endpoint *endpoint, int64_t *out_id,
                         struct err *err)
{
    char identity[HASH_HEX_MAX];

    print_identity(endpoint, identity);
    int found =
        db_find_int(tx, &sql[ENDPOINT_FIND], DB_ARGS(db_text(str_from(identity))), out_id, err);
    if (found != 0)
        return found < 0 ? -1 : 0;
    return db_find_int(tx, &sql[ENDPOINT_ADD],
                       DB_ARGS(db_text(str_from(identity)), db_int(endpoint->namespace_id),
                               db_text(endpoint->url), db_text(endpoint->tls_cert),
                               db_int(endpoint->skip_tls)),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_endpoint_drop(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[ENDPOINT_DROP], DB_ARGS(db_int(id)), NULL, err);
}

/* -- subscriptions ------------------------------------------------------------------------------------ */

int meta_webhook_add(struct db_tx *tx, const struct meta_webhook *webhook, int64_t *out_id,
                     struct err *err)
{
    const struct meta_webhook *w = webhook;

    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(w->uuid), db_int(w->endpoint_id), db_text(w->type),
                               db_text(w->key), db_int(w->namespace_id), db_int(w->repo_id),
                               db_text(w->shape), db_int(w->author_id), db_int(db_now(tx)),
                               db_text(w->secret)),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_webhook_find(struct db_tx *tx, struct arena *arena, struct str uuid,
                      struct meta_webhook *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(uuid)), columns, out, err);
}

int meta_webhook_find_id(struct db_tx *tx, struct arena *arena, int64_t id,
                         struct meta_webhook *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND_ID], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_webhook_page(struct db_tx *tx, struct arena *arena,
                      const struct meta_webhook_filter *filter, int64_t after, size_t n_max,
                      struct meta_webhook **out, size_t *n_out, struct err *err)
{
    struct db_value type  = db_text(filter->type.p == NULL ? STR("") : filter->type);
    struct db_value limit = db_int((int64_t)n_max);
    void           *list;
    int             done = filter->key.p == NULL
                               ? db_list(tx, arena, &sql[PAGE], DB_ARGS(db_int(after), limit, type), columns,
                                         sizeof(struct meta_webhook), n_max, &list, n_out, err)
                               : db_list(tx, arena, &sql[PAGE_KEY],
                                         DB_ARGS(db_int(after), limit, type, db_text(filter->key)), columns,
                                         sizeof(struct meta_webhook), n_max, &list, n_out, err);

    if (done == 0)
        *out = list;
    return done;
}

int meta_webhook_page_stopped(struct db_tx *tx, struct arena *arena, int64_t after, size_t n_max,
                              struct meta_webhook **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE_STOPPED], DB_ARGS(db_int(after), db_int((int64_t)n_max)),
                columns, sizeof(struct meta_webhook), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_webhook_count(struct db_tx *tx, struct str key, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_text(key)), out, err) < 0 ? -1 : 0;
}

/* -- changing ----------------------------------------------------------------------------------------- */

int meta_webhook_move(struct db_tx *tx, int64_t id, int64_t endpoint_id, struct err *err)
{
    if (db_run(tx, &sql[MOVE], DB_ARGS(db_int(id), db_int(endpoint_id)), NULL, err) < 0)
        return -1;
    return db_run(tx, &sql[MOVE_QUEUE], DB_ARGS(db_int(id), db_int(endpoint_id)), NULL, err);
}

int meta_webhook_stop(struct db_tx *tx, int64_t id, const char *why, struct err *err)
{
    if (db_run(tx, &sql[STOP], DB_ARGS(db_int(id), db_text(str_from(why)), db_int(db_now(tx))),
               NULL, err) < 0)
        return -1;
    return db_run(tx, &sql[FORGET], DB_ARGS(db_int(id)), NULL, err);
}

int meta_webhook_start(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[START], DB_ARGS(db_int(id)), NULL, err);
}

int meta_webhook_set_secret(struct db_tx *tx, int64_t id, struct str secret, int64_t old_until,
                            struct err *err)
{
    return db_run(tx, &sql[SET_SECRET], DB_ARGS(db_int(id), db_text(secret), db_int(old_until)),
                  NULL, err);
}

int meta_webhook_reseal(struct db_tx *tx, int64_t id, struct str secret, struct str old_secret,
                        struct err *err)
{
    return db_run(tx, &sql[RESEAL], DB_ARGS(db_int(id), db_text(secret), db_text(old_secret)), NULL,
                  err);
}

int meta_webhook_set_shape(struct db_tx *tx, int64_t id, struct str shape, struct err *err)
{
    return db_run(tx, &sql[SET_SHAPE], DB_ARGS(db_int(id), db_text(shape)), NULL, err);
}

int meta_webhook_remove(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), NULL, err);
}

int meta_webhook_remove_of_repo(struct db_tx *tx, int64_t repo_id, struct err *err)
{
    return db_run(tx, &sql[REMOVE_OF_REPO], DB_ARGS(db_int(repo_id)), NULL, err);
}

int meta_webhook_remove_of_namespace(struct db_tx *tx, int64_t namespace_id, struct err *err)
{
    return db_run(tx, &sql[REMOVE_OF_NAMESPACE], DB_ARGS(db_int(namespace_id)), NULL, err);
}
