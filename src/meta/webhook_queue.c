/* meta/webhook_queue.c: the queues of endpoints, their leases, and the log of calls. */
#include "meta/webhook_queue.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/event.h"
#include "meta/statements.h"

enum {
    FAN_OUT,
    QUEUE,
    WAKE,
    DEPTH,
    TAKE,
    GIVE_UP,
    NEXT_DUE,
    GUARD,
    PAGE,
    WEBHOOKS,
    DONE,
    FAILED,
    COUNT_ATTEMPT,
    DROP,
    RELEASE,
    LOG,
    LOG_PAGE,
    LOG_EXPIRE,
    PAST,
    MANIFEST,
    BYTES,
    BLOB_SIZE
};

enum { FAN_OUT_MAX = 10000 }; /* subscriptions that one event reaches */

#define EVENT                                                                             \
    "event_id, at, type, actor_kind, actor_id, repo_id, path, object_kind, object_name, " \
    "digest, old_digest, target, request_id"
#define EVENT_KINDS \
    "iittiitttttt"  \
    "t"

#define TAKEABLE                                                                                  \
    "SELECT id FROM webhook_endpoints WHERE next_at <= $3 AND lease_until < $3 AND is_slow <= $4" \
    " ORDER BY next_at LIMIT 1"
#define TAKEN "UPDATE webhook_endpoints SET worker_id = $1, lease_until = $2, fence = fence + 1"
#define TAKEN_OUT "id, fence, url, tls_cert, skip_tls, failures, is_slow, namespace_id"

/* clang-format off */
static const struct db_statement sql[] = {
    [FAN_OUT]    = { .name   = "webhook_queue.fan_out",  .in = EVENT_KINDS "tt", .out = "i",
                     .sql    = "INSERT INTO webhook_queue (endpoint_id, webhook_id, " EVENT ")"
                               " SELECT endpoint_id, id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM webhooks"
                               " WHERE key IN ($7, $15, '') AND type IN ($14, 'ANY') AND stopped = '' AND after_event < $1"
                               " RETURNING endpoint_id" },
    [QUEUE]      = { .name   = "webhook_queue.add",      .in = EVENT_KINDS "ii", .out = "",
                     .sql    = "INSERT INTO webhook_queue (endpoint_id, webhook_id, " EVENT ")"
                               " VALUES ($14, $15, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)" },
    [WAKE]       = { .name   = "webhook_endpoint.wake",  .in = "ii",   .out = "",
                     .sql    = "UPDATE webhook_endpoints SET next_at = coalesce(next_at, $2) WHERE id = $1" },
    [DEPTH]      = { .name   = "webhook_queue.depth",    .in = "ii",   .out = "i",
                     .sql    = "SELECT count(*) FROM (SELECT 1 FROM webhook_queue WHERE endpoint_id = $1 LIMIT $2) AS waiting" },
    [TAKE]       = { .name   = "webhook_endpoint.take",  .in = "tiii", .out = "iittiiii",
                     .sqlite = TAKEN " WHERE id = (" TAKEABLE ") RETURNING " TAKEN_OUT,
                     .pg     = TAKEN " WHERE id = (" TAKEABLE " FOR UPDATE SKIP LOCKED) RETURNING " TAKEN_OUT },
    [GIVE_UP]    = { .name   = "webhook_endpoint.give_up", .in = "t",  .out = "",
                     .sql    = "UPDATE webhook_endpoints SET lease_until = 0, fence = fence + 1"
                               " WHERE worker_id = $1 AND lease_until > 0" },
    [NEXT_DUE]   = { .name   = "webhook_endpoint.next_due", .in = "i", .out = "i",
                     .sql    = "SELECT next_at FROM webhook_endpoints WHERE next_at IS NOT NULL AND lease_until < $1"
                               " ORDER BY next_at LIMIT 1" },
    [GUARD]      = { .name   = "webhook_endpoint.guard", .in = "ii",   .out = "i",
                     .sqlite = "SELECT id FROM webhook_endpoints WHERE id = $1 AND fence = $2",
                     .pg     = "SELECT id FROM webhook_endpoints WHERE id = $1 AND fence = $2 FOR UPDATE" },
    [PAGE]       = { .name   = "webhook_queue.page",     .in = "ii",   .out = "iii" EVENT_KINDS,
                     .sql    = "SELECT id, webhook_id, attempts, " EVENT " FROM webhook_queue WHERE endpoint_id = $1"
                               " ORDER BY id LIMIT $2" },
    [WEBHOOKS]   = { .name   = "webhook_endpoint.active", .in = "i",   .out = "i",
                     .sql    = "SELECT id FROM webhooks WHERE endpoint_id = $1 AND stopped = ''" },
    [DONE]       = { .name   = "webhook.succeeded",      .in = "ii",   .out = "",
                     .sql    = "UPDATE webhooks SET succeeded_at = $2, failure = '' WHERE id = $1" },
    [FAILED]     = { .name   = "webhook.failed",         .in = "iit",  .out = "",
                     .sql    = "UPDATE webhooks SET failed_at = $2, failure = $3 WHERE id = $1" },
    [COUNT_ATTEMPT] = { .name = "webhook_queue.count",   .in = "i",    .out = "",
                     .sql    = "UPDATE webhook_queue SET attempts = attempts + 1 WHERE id = $1" },
    [DROP]       = { .name   = "webhook_queue.drop",     .in = "i",    .out = "",
                     .sql    = "DELETE FROM webhook_queue WHERE id = $1" },
    [RELEASE]    = { .name   = "webhook_endpoint.release", .in = "iiiii", .out = "",
                     .sql    = "UPDATE webhook_endpoints SET lease_until = 0, failures = $4, is_slow = $5, next_at = CASE"
                               " WHEN EXISTS (SELECT 1 FROM webhook_queue WHERE endpoint_id = $1) THEN $3 ELSE NULL END"
                               " WHERE id = $1 AND fence = $2" },
    [LOG]        = { .name   = "webhook_log.add",        .in = "iitttiiiiit", .out = "",
                     .sql    = "INSERT INTO webhook_log (webhook_id, event_id, type, path, object_name, attempt, at,"
                               " duration_us, status, is_done, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
    [LOG_PAGE]   = { .name   = "webhook_log.page",       .in = "iii",  .out = "iitttiiiiit",
                     .sql    = "SELECT id, event_id, type, path, object_name, attempt, at, duration_us, status, is_done, failure"
                               " FROM webhook_log WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3" },
    [LOG_EXPIRE] = { .name   = "webhook_log.expire",     .in = "ii",   .out = "",
                     .sql    = "DELETE FROM webhook_log WHERE id IN"
                               " (SELECT id FROM webhook_log WHERE at < $1 ORDER BY at LIMIT $2)" },
    [PAST]       = { .name   = "webhook.past",           .in = "ii",   .out = "iittiittttttt",
                     .sql    = "SELECT id, at, type, actor_kind, actor_id, repo_id, path, object_kind, object_name, digest,"
                               " old_digest, target, request_id FROM events WHERE id >= $1 ORDER BY id LIMIT $2" },
    [MANIFEST]   = { .name   = "webhook.manifest",       .in = "it",   .out = "titt",
                     .sql    = "SELECT m.media_type, length(m.bytes), f.os, f.architecture FROM manifests m"
                               " LEFT JOIN image_facts f ON f.repo_id = m.repo_id AND f.manifest = m.digest"
                               " WHERE m.repo_id = $1 AND m.digest = $2" },
    [BYTES]      = { .name   = "webhook.manifest_bytes", .in = "it",   .out = "b",
                     .sql    = "SELECT bytes FROM manifests WHERE repo_id = $1 AND digest = $2" },
    [BLOB_SIZE]  = { .name   = "webhook.blob_size",      .in = "t",    .out = "i",
                     .sql    = "SELECT size FROM blobs WHERE digest = $1" },
};

static const struct db_column taken_columns[] = {
    DB_COL_INT (struct meta_hook_taken, endpoint_id),
    DB_COL_INT (struct meta_hook_taken, fence),
    DB_COL_TEXT(struct meta_hook_taken, url),
    DB_COL_TEXT(struct meta_hook_taken, tls_cert),
    DB_COL_INT (struct meta_hook_taken, skip_tls),
    DB_COL_INT (struct meta_hook_taken, failures),
    DB_COL_INT (struct meta_hook_taken, is_slow),
    DB_COL_INT (struct meta_hook_taken, namespace_id),
};

static const struct db_column call_columns[] = {
    DB_COL_INT (struct meta_hook_call, id),
    DB_COL_INT (struct meta_hook_call, webhook_id),
    DB_COL_INT (struct meta_hook_call, attempts),
    DB_COL_INT (struct meta_hook_call, event_id),
    DB_COL_INT (struct meta_hook_call, at),
    DB_COL_TEXT(struct meta_hook_call, type),
    DB_COL_TEXT(struct meta_hook_call, actor_kind),
    DB_COL_INT (struct meta_hook_call, actor_id),
    DB_COL_INT (struct meta_hook_call, repo_id),
    DB_COL_TEXT(struct meta_hook_call, path),
    DB_COL_TEXT(struct meta_hook_call, object_kind),
    DB_COL_TEXT(struct meta_hook_call, object_name),
    DB_COL_TEXT(struct meta_hook_call, digest),
    DB_COL_TEXT(struct meta_hook_call, old_digest),
    DB_COL_TEXT(struct meta_hook_call, target),
    DB_COL_TEXT(struct meta_hook_call, request_id),
};

static const struct db_column line_columns[] = {
    DB_COL_INT (struct meta_hook_line, id),
    DB_COL_INT (struct meta_hook_line, event_id),
    DB_COL_TEXT(struct meta_hook_line, type),
    DB_COL_TEXT(struct meta_hook_line, path),
    DB_COL_TEXT(struct meta_hook_line, object_name),
    DB_COL_INT (struct meta_hook_line, attempt),
    DB_COL_INT (struct meta_hook_line, at),
    DB_COL_INT (struct meta_hook_line, duration_us),
    DB_COL_INT (struct meta_hook_line, status),
    DB_COL_INT (struct meta_hook_line, is_done),
    DB_COL_TEXT(struct meta_hook_line, failure),
};

static const struct db_column manifest_columns[] = {
    DB_COL_TEXT(struct meta_hook_manifest, media_type),
    DB_COL_INT (struct meta_hook_manifest, size),
    DB_COL_TEXT(struct meta_hook_manifest, os),
    DB_COL_TEXT(struct meta_hook_manifest, architecture),
};

struct bytes_row {
    struct str bytes;
};
static const struct db_column bytes_columns[] = { DB_COL_BLOB(struct bytes_row, bytes) };

static const struct db_column past_columns[] = {
    DB_COL_INT (struct meta_event_row, id),
    DB_COL_INT (struct meta_event_row, at),
    DB_COL_TEXT(struct meta_event_row, type),
    DB_COL_TEXT(struct meta_event_row, actor_kind),
    DB_COL_INT (struct meta_event_row, actor_id),
    DB_COL_INT (struct meta_event_row, repo_id),
    DB_COL_TEXT(struct meta_event_row, path),
    DB_COL_TEXT(struct meta_event_row, object_kind),
    DB_COL_TEXT(struct meta_event_row, object_name),
    DB_COL_TEXT(struct meta_event_row, digest),
    DB_COL_TEXT(struct meta_event_row, old_digest),
    DB_COL_TEXT(struct meta_event_row, target),
    DB_COL_TEXT(struct meta_event_row, request_id),
};
/* clang-format on */

META_STATEMENTS(webhook_queue);

/* -- adding ------------------------------------------------------------------------------------------- */

#define EVENT_ARGS(e)                                                               \
    db_int((e)->id), db_int((e)->at), db_text((e)->type), db_text((e)->actor_kind), \
        db_int((e)->actor_id), db_int((e)->repo_id), db_text((e)->path),            \
        db_text((e)->object_kind), db_text((e)->object_name), db_text((e)->digest), \
        db_text((e)->old_digest), db_text((e)->target), db_text((e)->request_id)

struct endpoint_row {
    int64_t id;
};

static const struct db_column endpoint_columns[] = { DB_COL_INT(struct endpoint_row, id) };

static int list_ids(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                    const struct db_value *args, size_t n_args, size_t n_max, int64_t **out,
                    size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, statement, args, n_args, endpoint_columns, sizeof(struct endpoint_row),
                n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_hook_fan_out(struct db_tx *tx, struct arena *arena, struct str type, struct str namespace,
                      const struct meta_event_row *event, int64_t **out, size_t *n_out,
                      struct err *err)
{
    return list_ids(tx, arena, &sql[FAN_OUT],
                    DB_ARGS(EVENT_ARGS(event), db_text(type), db_text(namespace)), FAN_OUT_MAX, out,
                    n_out, err);
}

int meta_hook_queue(struct db_tx *tx, int64_t webhook_id, int64_t endpoint_id,
                    const struct meta_event_row *event, struct err *err)
{
    return db_run(tx, &sql[QUEUE],
                  DB_ARGS(EVENT_ARGS(event), db_int(endpoint_id), db_int(webhook_id)), NULL, err);
}

int meta_hook_wake(struct db_tx *tx, int64_t endpoint_id, struct err *err)
{
    return db_run(tx, &sql[WAKE], DB_ARGS(db_int(endpoint_id), db_int(db_now(tx))), NULL, err);
}

int meta_hook_depth(struct db_tx *tx, int64_t endpoint_id, int64_t n_max, int64_t *out,
                    struct err *err)
{
    return db_find_int(tx, &sql[DEPTH], DB_ARGS(db_int(endpoint_id), db_int(n_max)), out, err) < 0
               ? -1
               : 0;
}

/* -- taking ------------------------------------------------------------------------------------------- */

int meta_hook_take(struct db_tx *tx, struct arena *arena, struct str worker_id, int64_t lease_us,
                   int64_t with_slow, struct meta_hook_taken *out, struct err *err)
{
    int64_t now = db_now(tx);

    return db_find(tx, arena, &sql[TAKE],
                   DB_ARGS(db_text(worker_id), db_int(now + lease_us), db_int(now),
                           db_int(with_slow)),
                   taken_columns, out, err);
}

int meta_hook_give_up(struct db_tx *tx, struct str worker_id, struct err *err)
{
    return db_run(tx, &sql[GIVE_UP], DB_ARGS(db_text(worker_id)), NULL, err);
}

int meta_hook_next_due(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[NEXT_DUE], DB_ARGS(db_int(db_now(tx))), out, err);
}

int meta_hook_guard(struct db_tx *tx, int64_t endpoint_id, int64_t fence, struct err *err)
{
    int64_t id; /* that it is still so */
    int found = db_find_int(tx, &sql[GUARD], DB_ARGS(db_int(endpoint_id), db_int(fence)), &id, err);

    if (found == 0)
        return err_set_code(err, ERR_CONFLICT, "HOOK_LOST", STR_NULL,
                            "another worker has the endpoint by now");
    return found < 0 ? -1 : 0;
}

int meta_hook_page(struct db_tx *tx, struct arena *arena, int64_t endpoint_id, size_t n_max,
                   struct meta_hook_call **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE], DB_ARGS(db_int(endpoint_id), db_int((int64_t)n_max)),
                call_columns, sizeof(struct meta_hook_call), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_hook_webhooks(struct db_tx *tx, struct arena *arena, int64_t endpoint_id, size_t n_max,
                       int64_t **out, size_t *n_out, struct err *err)
{
    return list_ids(tx, arena, &sql[WEBHOOKS], DB_ARGS(db_int(endpoint_id)), n_max, out, n_out,
                    err);
}

/* -- what came of it ---------------------------------------------------------------------------------- */

static int write_line(struct db_tx *tx, const struct meta_hook_call *call,
                      const struct meta_hook_result *result, struct err *err)
{
    return db_send(tx, &sql[LOG],
                   DB_ARGS(db_int(call->webhook_id), db_int(call->event_id), db_text(call->type),
                           db_text(call->path), db_text(call->object_name), db_int(result->attempt),
                           db_int(result->at), db_int(result->duration_us), db_int(result->status),
                           db_int(result->is_done), db_text(result->failure)),
                   err);
}

int meta_hook_record(struct db_tx *tx, const struct meta_hook_call *call,
                     const struct meta_hook_result *result, struct err *err)
{
    if (write_line(tx, call, result, err) < 0)
        return -1;
    if (result->is_done == 0) {
        if (db_send(tx, &sql[COUNT_ATTEMPT], DB_ARGS(db_int(call->id)), err) < 0)
            return -1;
        return db_send(tx, &sql[FAILED],
                       DB_ARGS(db_int(call->webhook_id), db_int(result->at),
                               db_text(result->failure)),
                       err);
    }
    if (meta_hook_drop(tx, call->id, err) < 0)
        return -1;
    return db_send(tx, &sql[DONE], DB_ARGS(db_int(call->webhook_id), db_int(result->at)), err);
}

int meta_hook_drop(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_send(tx, &sql[DROP], DB_ARGS(db_int(id)), err);
}

int meta_hook_release(struct db_tx *tx, int64_t endpoint_id, int64_t fence, int64_t next_at,
                      int64_t failures, int64_t is_slow, struct err *err)
{
    return db_run(tx, &sql[RELEASE],
                  DB_ARGS(db_int(endpoint_id), db_int(fence), db_int(next_at), db_int(failures),
                          db_int(is_slow)),
                  NULL, err);
}

/* -- the log, and what was ---------------------------------------------------------------------------- */

int meta_hook_log_page(struct db_tx *tx, struct arena *arena, int64_t webhook_id, int64_t before,
                       size_t n_max, struct meta_hook_line **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[LOG_PAGE],
                DB_ARGS(db_int(webhook_id), db_int(before == 0 ? INT64_MAX : before),
                        db_int((int64_t)n_max)),
                line_columns, sizeof(struct meta_hook_line), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_hook_log_expire(struct db_tx *tx, int64_t before, int64_t n_max, int64_t *out_n,
                         struct err *err)
{
    return db_run(tx, &sql[LOG_EXPIRE], DB_ARGS(db_int(before), db_int(n_max)), out_n, err);
}

int meta_hook_past(struct db_tx *tx, struct arena *arena, int64_t from, size_t n_max,
                   struct meta_event_row **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAST], DB_ARGS(db_int(from), db_int((int64_t)n_max)), past_columns,
                sizeof(struct meta_event_row), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

/* -- what it is about ---------------------------------------------------------------------------------- */

int meta_hook_manifest(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                       struct meta_hook_manifest *out, struct err *err)
{
    return db_find(tx, arena, &sql[MANIFEST], DB_ARGS(db_int(repo_id), db_text(digest)),
                   manifest_columns, out, err);
}

int meta_hook_manifest_bytes(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                             struct str digest, struct str *out, struct err *err)
{
    struct bytes_row row;
    int found = db_find(tx, arena, &sql[BYTES], DB_ARGS(db_int(repo_id), db_text(digest)),
                        bytes_columns, &row, err);

    if (found == 1)
        *out = row.bytes;
    return found;
}

int meta_hook_blob_size(struct db_tx *tx, struct str digest, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[BLOB_SIZE], DB_ARGS(db_text(digest)), out, err);
}
