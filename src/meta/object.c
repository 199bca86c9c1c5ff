/* meta/object.c: keys whose fate is open, and the queue of collection. */
#include "meta/object.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    PENDING_ADD,
    PENDING_MOVE,
    PENDING_REMOVE,
    PENDING_DUE,
    DOOMED_ADD,
    DOOMED_DUE,
    DOOMED_PUT_OFF,
    DOOMED_IS_USED,
    DOOMED_REMOVE,
    QUEUE_PUT
};

/* clang-format off */
static const struct db_statement sql[] = {
    [PENDING_ADD]    = { .name = "pending.add",    .in = "ti",   .out = "",
                         .sql  = "INSERT INTO pending_objects (object_key, expires_at) VALUES ($1, $2)" },
    [PENDING_MOVE]   = { .name = "pending.move",   .in = "ti",   .out = "",
                         .sql  = "INSERT INTO pending_objects (object_key, expires_at) VALUES ($1, $2)"
                                 " ON CONFLICT (object_key) DO UPDATE SET expires_at = excluded.expires_at" },
    [PENDING_REMOVE] = { .name = "pending.remove", .in = "t",    .out = "",
                         .sql  = "DELETE FROM pending_objects WHERE object_key = $1" },
    [PENDING_DUE]    = { .name = "pending.due",    .in = "ii",   .out = "t",
                         .sql  = "SELECT object_key FROM pending_objects WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2" },
    [DOOMED_ADD]     = { .name = "doomed.add",     .in = "tii",  .out = "",
                         .sql  = "INSERT INTO doomed_objects (object_key, size, not_before) VALUES ($1, $2, $3)"
                                 " ON CONFLICT (object_key) DO NOTHING" },
    [DOOMED_DUE]     = { .name = "doomed.due",     .in = "ii",   .out = "ti",
                         .sql  = "SELECT object_key, size FROM doomed_objects WHERE not_before <= $1 ORDER BY not_before LIMIT $2" },
    [DOOMED_PUT_OFF] = { .name = "doomed.put_off", .in = "ti",   .out = "",
                         .sql  = "UPDATE doomed_objects SET not_before = $2 WHERE object_key = $1" },
    [DOOMED_IS_USED] = { .name = "doomed.is_used", .in = "t",    .out = "i",
                         .sql  = "SELECT size FROM blobs WHERE object_key = $1" },
    [DOOMED_REMOVE]  = { .name = "doomed.remove",  .in = "t",    .out = "",
                         .sql  = "DELETE FROM doomed_objects WHERE object_key = $1" },
    [QUEUE_PUT]      = { .name = "gc_queue.put",   .in = "ttit", .out = "",
                         .sql  = "INSERT INTO gc_queue (kind, id, review_after, event) VALUES ($1, $2, $3, $4)"
                                 " ON CONFLICT (kind, id) DO UPDATE SET event = excluded.event, review_after ="
                                 " CASE WHEN excluded.review_after > gc_queue.review_after"
                                 " THEN excluded.review_after ELSE gc_queue.review_after END" },
};

static const struct db_column doomed_columns[] = {
    DB_COL_TEXT(struct meta_doomed, key),
    DB_COL_INT (struct meta_doomed, size),
};
/* clang-format on */

META_STATEMENTS(object);

static int remove_key(struct db_tx *tx, const struct db_statement *statement, struct str object_key,
                      struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, statement, DB_ARGS(db_text(object_key)), &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_pending_add(struct db_tx *tx, struct str object_key, int64_t expires_at, struct err *err)
{
    return db_send(tx, &sql[PENDING_ADD], DB_ARGS(db_text(object_key), db_int(expires_at)), err);
}

int meta_pending_move(struct db_tx *tx, struct str object_key, int64_t expires_at, struct err *err)
{
    return db_send(tx, &sql[PENDING_MOVE], DB_ARGS(db_text(object_key), db_int(expires_at)), err);
}

int meta_pending_remove(struct db_tx *tx, struct str object_key, struct err *err)
{
    return remove_key(tx, &sql[PENDING_REMOVE], object_key, err);
}

int meta_pending_forget(struct db_tx *tx, struct str object_key, struct err *err)
{
    return db_send(tx, &sql[PENDING_REMOVE], DB_ARGS(db_text(object_key)), err);
}

int meta_pending_due(struct db_tx *tx, struct arena *arena, int64_t now, size_t n_max,
                     struct str **out_keys, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[PENDING_DUE], DB_ARGS(db_int(now), db_int((int64_t)n_max)),
                        n_max, out_keys, n_out, err);
}

int meta_doomed_add(struct db_tx *tx, struct str object_key, int64_t size, int64_t not_before,
                    struct err *err)
{
    return db_send(tx, &sql[DOOMED_ADD],
                   DB_ARGS(db_text(object_key), db_int(size), db_int(not_before)), err);
}

int meta_doomed_due(struct db_tx *tx, struct arena *arena, int64_t now, size_t n_max,
                    struct meta_doomed **out, size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[DOOMED_DUE], DB_ARGS(db_int(now), db_int((int64_t)n_max)),
                         doomed_columns, sizeof(**out), n_max, &list, n_out, err);

    *out = list;
    return done;
}

int meta_doomed_put_off(struct db_tx *tx, struct str object_key, int64_t not_before,
                        struct err *err)
{
    return db_run(tx, &sql[DOOMED_PUT_OFF], DB_ARGS(db_text(object_key), db_int(not_before)), NULL,
                  err);
}

int meta_doomed_is_used(struct db_tx *tx, struct str object_key, struct err *err)
{
    int64_t size;

    return db_find_int(tx, &sql[DOOMED_IS_USED], DB_ARGS(db_text(object_key)), &size, err);
}

int meta_doomed_remove(struct db_tx *tx, struct str object_key, struct err *err)
{
    return remove_key(tx, &sql[DOOMED_REMOVE], object_key, err);
}

int meta_gc_queue_put(struct db_tx *tx, const char *kind, struct str id, int64_t review_after,
                      const char *event, struct err *err)
{
    return db_send(tx, &sql[QUEUE_PUT],
                   DB_ARGS(db_text(str_from(kind)), db_text(id), db_int(review_after),
                           db_text(str_from(event))),
                   err);
}
