/* meta/upload.c: uploads in progress. */
#include "meta/upload.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { FIND, ADD, ADVANCE, REMOVE, COUNT, FIND_IDLE, FIND_IDLE_OF };

#define COLUMNS                                                                                   \
    "id, path, account_id, upload_key, received, hash_state, hash_state_2, version, created_at, " \
    "used_at"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]         = { .name = "upload.find",         .in = "t",        .out = "ttitibbiii",
                       .sql  = "SELECT " COLUMNS " FROM uploads WHERE id = $1" },
    [ADD]          = { .name = "upload.add",          .in = "ttitibbi", .out = "",
                       .sql  = "INSERT INTO uploads (id, path, account_id, upload_key, received, hash_state, hash_state_2,"
                               " version, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)" },
    [ADVANCE]      = { .name = "upload.advance",      .in = "tiibbi",   .out = "",
                       .sql  = "UPDATE uploads SET received = $3, hash_state = $4, hash_state_2 = $5, version = version + 1,"
                               " used_at = $6 WHERE id = $1 AND version = $2" },
    [REMOVE]       = { .name = "upload.remove",       .in = "ti",       .out = "",
                       .sql  = "DELETE FROM uploads WHERE id = $1 AND ($2 = 0 OR version = $2)" },
    [COUNT]        = { .name = "upload.count",        .in = "i",        .out = "i",
                       .sql  = "SELECT count(*) FROM uploads WHERE account_id = $1" },
    [FIND_IDLE]    = { .name = "upload.find_idle",    .in = "i",        .out = "ttitibbiii",
                       .sql  = "SELECT " COLUMNS " FROM uploads WHERE used_at < $1 ORDER BY used_at LIMIT 1" },
    [FIND_IDLE_OF] = { .name = "upload.find_idle_of", .in = "ii",       .out = "ttitibbiii",
                       .sql  = "SELECT " COLUMNS " FROM uploads WHERE account_id = $2 AND used_at < $1"
                               " ORDER BY used_at LIMIT 1" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_upload, id),
    DB_COL_TEXT(struct meta_upload, path),
    DB_COL_INT (struct meta_upload, account_id),
    DB_COL_TEXT(struct meta_upload, upload_key),
    DB_COL_INT (struct meta_upload, offset),
    DB_COL_BLOB(struct meta_upload, hash_state),
    DB_COL_BLOB(struct meta_upload, hash_state_2),
    DB_COL_INT (struct meta_upload, version),
    DB_COL_INT (struct meta_upload, created_at),
    DB_COL_INT (struct meta_upload, used_at),
};
/* clang-format on */

META_STATEMENTS(upload);

int meta_upload_find(struct db_tx *tx, struct arena *arena, struct str id, struct meta_upload *out,
                     struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(id)), columns, out, err);
}

int meta_upload_add(struct db_tx *tx, const struct meta_upload *upload, struct err *err)
{
    return db_send(tx, &sql[ADD],
                   DB_ARGS(db_text(upload->id), db_text(upload->path), db_int(upload->account_id),
                           db_text(upload->upload_key), db_int(upload->offset),
                           db_blob(upload->hash_state), db_blob(upload->hash_state_2),
                           db_int(db_now(tx))),
                   err);
}

int meta_upload_advance(struct db_tx *tx, struct str id, int64_t version, int64_t offset,
                        struct str hash_state, struct str hash_state_2, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[ADVANCE],
               DB_ARGS(db_text(id), db_int(version), db_int(offset), db_blob(hash_state),
                       db_blob(hash_state_2), db_int(db_now(tx))),
               &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return err_set(err, ERR_CONFLICT, "upload " STR_FMT " went on elsewhere", STR_ARGS(id));
    return 0;
}

int meta_upload_remove(struct db_tx *tx, struct str id, int64_t version, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[REMOVE], DB_ARGS(db_text(id), db_int(version)), &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_upload_count(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(account_id)), out, err) < 0 ? -1 : 0;
}

int meta_upload_find_idle(struct db_tx *tx, struct arena *arena, int64_t account_id, int64_t before,
                          struct meta_upload *out, struct err *err)
{
    if (account_id == 0)
        return db_find(tx, arena, &sql[FIND_IDLE], DB_ARGS(db_int(before)), columns, out, err);
    return db_find(tx, arena, &sql[FIND_IDLE_OF], DB_ARGS(db_int(before), db_int(account_id)),
                   columns, out, err);
}
