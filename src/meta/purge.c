/* meta/purge.c: the SQL of purges. */
#include "meta/purge.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { PLACES, COPIES, LOCK_BLOB, UNLINK, IS_LINKED, DOOMED };

/* clang-format off */
#define IS(condition) "CASE WHEN " condition " THEN 1 ELSE 0 END"

/* A repository with an index of it has what the index names. */
#define HAVE_IT \
    "SELECT m.repo_id FROM manifests AS m WHERE m.digest = $1" \
    " UNION SELECT n.repo_id FROM manifest_blobs AS n WHERE n.digest = $1" \
    " UNION SELECT l.repo_id FROM repo_blobs AS l WHERE l.digest = $1"

#define LIMITED "WITH RECURSIVE hit (digest) AS (" \
    "SELECT m.digest FROM manifests AS m WHERE m.repo_id = $2 AND m.digest = $1" \
    " UNION SELECT n.manifest FROM manifest_blobs AS n WHERE n.digest = $1 AND n.repo_id = $2" \
    " UNION SELECT c.parent FROM hit JOIN manifest_children AS c ON c.repo_id = $2 AND c.child = hit.digest)"

#define BLOB "SELECT size, object_key FROM blobs WHERE digest = $1"

static const struct db_statement sql[] = {
    [PLACES]        = { .name = "purge.places",        .in = "ttii", .out = "itii",
                        .sql  = "SELECT r.id, r.path, " IS("r.deleted_at IS NOT NULL") ", " IS("EXISTS (SELECT 1 FROM repo_blobs AS b"
                                " WHERE b.repo_id = r.id AND b.digest = $1)") " FROM (" HAVE_IT ") AS h JOIN repositories AS r ON"
                                " r.id = h.repo_id WHERE ($2 = '' OR r.path = $2 OR (r.path >= $2 || '/' AND r.path < $2 || '0'))"
                                " AND r.id > $3 ORDER BY r.id LIMIT $4" },
    [COPIES]        = { .name = "purge.copies",        .in = "tii",  .out = "tii",
                        .sql  = LIMITED " SELECT m.digest, " IS("m.depth > 0") ", " IS("m.deleted_at IS NOT NULL")
                                " FROM hit JOIN manifests AS m ON m.repo_id = $2 AND m.digest = hit.digest"
                                " ORDER BY m.depth DESC, m.digest LIMIT $3" },
    [LOCK_BLOB]     = { .name   = "purge.lock_blob",   .in = "t",    .out = "it",
                        .sqlite = BLOB, .pg = BLOB " FOR UPDATE" },
    [UNLINK]        = { .name = "purge.unlink",        .in = "it",   .out = "",
                        .sql  = "DELETE FROM repo_blobs WHERE repo_id = $1 AND digest = $2 AND NOT EXISTS"
                                " (SELECT 1 FROM manifest_blobs AS n WHERE n.digest = $2 AND n.repo_id = $1)" },
    [DOOMED]        = { .name = "purge.doomed",        .in = "tti",  .out = "t",
                        .sql  = "SELECT object_key FROM doomed_objects WHERE object_key >= $1 AND object_key < $2"
                                " ORDER BY object_key LIMIT $3" },
    [IS_LINKED]     = { .name = "purge.is_linked",     .in = "t",    .out = "i",
                        .sql  = "SELECT repo_id FROM repo_blobs WHERE digest = $1 LIMIT 1" },
};

static const struct db_column place_columns[] = {
    DB_COL_INT (struct meta_purge_place, repo_id),
    DB_COL_TEXT(struct meta_purge_place, path),
    DB_COL_INT (struct meta_purge_place, is_deleted),
    DB_COL_INT (struct meta_purge_place, is_linked),
};

static const struct db_column copy_columns[] = {
    DB_COL_TEXT(struct meta_purge_copy, digest),
    DB_COL_INT (struct meta_purge_copy, is_index),
    DB_COL_INT (struct meta_purge_copy, is_deleted),
};

static const struct db_column blob_columns[] = {
    DB_COL_INT (struct meta_purge_blob, size),
    DB_COL_TEXT(struct meta_purge_blob, object_key),
};
/* clang-format on */

META_STATEMENTS(purge);

int meta_purge_places(struct db_tx *tx, struct arena *arena, struct str digest, struct str prefix,
                      int64_t after, size_t n_max, struct meta_purge_place **out, size_t *n_out,
                      struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[PLACES],
                DB_ARGS(db_text(digest), db_text(prefix), db_int(after), db_int((int64_t)n_max)),
                place_columns, sizeof(struct meta_purge_place), n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_purge_copies(struct db_tx *tx, struct arena *arena, struct str digest, int64_t repo_id,
                      size_t n_max, struct meta_purge_copy **out, size_t *n_out, struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[COPIES],
                DB_ARGS(db_text(digest), db_int(repo_id), db_int((int64_t)n_max)), copy_columns,
                sizeof(struct meta_purge_copy), n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_purge_lock_blob(struct db_tx *tx, struct arena *arena, struct str digest,
                         struct meta_purge_blob *out, struct err *err)
{
    return db_find(tx, arena, &sql[LOCK_BLOB], DB_ARGS(db_text(digest)), blob_columns, out, err);
}

int meta_purge_unlink(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    int64_t n = 0;

    if (db_run(tx, &sql[UNLINK], DB_ARGS(db_int(repo_id), db_text(digest)), &n, err) < 0)
        return -1;
    return n > 0;
}

int meta_purge_is_linked(struct db_tx *tx, struct str digest, struct err *err)
{
    int64_t repo_id;

    return db_find_int(tx, &sql[IS_LINKED], DB_ARGS(db_text(digest)), &repo_id, err);
}

int meta_purge_doomed(struct db_tx *tx, struct arena *arena, struct str low, struct str high,
                      size_t n_max, struct str **out, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[DOOMED],
                        DB_ARGS(db_text(low), db_text(high), db_int((int64_t)n_max)), n_max, out,
                        n_out, err);
}
