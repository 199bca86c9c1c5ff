/* meta/blob.c: blobs and their links. */
#include "meta/blob.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/repo_private.h"
#include "meta/statements.h"

enum {
    FIND,
    LOCK,
    LOCK_ALONE,
    FIND_VISIBLE,
    PULL,
    PUT,
    REPLACE,
    TOUCH,
    LINK,
    RELINK,
    PIN,
    FIND_PIN,
    IS_USED,
    UNLINK,
    FIND_SOURCE
};

#define COLUMNS                                                                   \
    "digest, size, object_key, created_at, touched_at,"                           \
    " CASE WHEN EXISTS (SELECT 1 FROM damage WHERE object_key = blobs.object_key" \
    " AND healed_at IS NULL) THEN 1 ELSE 0 END"

/* A living manifest of repository $1 names blob $2. */
#define USED                                                                    \
    "SELECT 1 FROM manifest_blobs AS mb"                                        \
    " JOIN manifests AS m ON m.repo_id = mb.repo_id AND m.digest = mb.manifest" \
    " WHERE mb.digest = $2 AND mb.repo_id = $1 AND m.deleted_at IS NULL"

#define VISIBLE                                                                             \
    "digest = $2 AND (EXISTS (SELECT 1 FROM repo_blobs WHERE repo_id = $1 AND digest = $2)" \
    " OR EXISTS (" USED "))"

/* Repositories that may be a source, of the rows of `links`. */
#define SOURCES(links)                                                      \
    "SELECT r.id FROM " links " JOIN repositories AS r ON r.id = l.repo_id" \
    " WHERE l.digest = $1 AND r.deleted_at IS NULL"                         \
    " AND ($2 = 1 OR r.is_public = 1 OR r.namespace_id = $3)"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]         = { .name = "blob.find",         .in = "t",     .out = "titiii",
                       .sql  = "SELECT " COLUMNS " FROM blobs WHERE digest = $1" },
    [LOCK]         = { .name = "blob.lock",         .in = "t",     .out = "titiii",
                       .sql  = "SELECT " COLUMNS " FROM blobs WHERE digest = $1",
                       .pg   = "SELECT " COLUMNS " FROM blobs WHERE digest = $1 FOR KEY SHARE" },
    [LOCK_ALONE]   = { .name = "blob.lock_alone",   .in = "t",     .out = "i",
                       .sql  = "SELECT size FROM blobs WHERE digest = $1",
                       .pg   = "SELECT size FROM blobs WHERE digest = $1 FOR UPDATE" },
    [FIND_VISIBLE] = { .name = "blob.find_visible", .in = "it",    .out = "titiii",
                       .sql  = "SELECT " COLUMNS " FROM blobs WHERE " VISIBLE },
    [PULL]         = { .name = "blob.pull",         .in = "iti",   .out = "titiii",
                       .sql  = "SELECT " COLUMNS " FROM blobs WHERE EXISTS (SELECT 1 FROM repositories AS r"
                               " WHERE r.id = $1 AND " META_REPO_STANDS("r", "$3") ") AND " VISIBLE },
    [PUT]          = { .name = "blob.put",          .in = "titi",  .out = "t",
                       .sql  = "INSERT INTO blobs (digest, size, object_key, created_at, touched_at) VALUES ($1, $2, $3, $4, $4)"
                               " ON CONFLICT (digest) DO UPDATE SET touched_at = excluded.touched_at RETURNING object_key" },
    [REPLACE]      = { .name = "blob.replace",      .in = "tttii", .out = "",
                       .sql  = "UPDATE blobs SET object_key = $3, size = $4, touched_at = $5 WHERE digest = $1 AND object_key = $2" },
    [TOUCH]        = { .name = "blob.touch",        .in = "ti",    .out = "",
                       .sql  = "UPDATE blobs SET touched_at = $2 WHERE digest = $1" },
    [LINK]         = { .name = "blob.link",         .in = "iti",   .out = "",
                       .sql  = "INSERT INTO repo_blobs (repo_id, digest, pinned_until) VALUES ($1, $2, $3)"
                               " ON CONFLICT (repo_id, digest) DO NOTHING" },
    [RELINK]       = { .name = "blob.relink",       .in = "iti",   .out = "t",
                       .sql  = "INSERT INTO repo_blobs (repo_id, digest, pinned_until) SELECT repo_id, digest, $3"
                               " FROM manifest_blobs WHERE repo_id = $1 AND manifest = $2"
                               " ON CONFLICT (repo_id, digest) DO NOTHING RETURNING digest" },
    [PIN]          = { .name = "blob.pin",          .in = "itii",  .out = "",
                       .sql  = "INSERT INTO repo_blobs (repo_id, digest, pinned_until) VALUES ($1, $2, $3)"
                               " ON CONFLICT (repo_id, digest) DO UPDATE SET pinned_until = excluded.pinned_until"
                               " WHERE repo_blobs.pinned_until <= $4 AND repo_blobs.pinned_until < excluded.pinned_until" },
    [FIND_PIN]     = { .name = "blob.find_pin",     .in = "it",    .out = "i",
                       .sql  = "SELECT pinned_until FROM repo_blobs WHERE repo_id = $1 AND digest = $2" },
    [IS_USED]      = { .name = "blob.is_used",      .in = "it",    .out = "i",
                       .sql  = USED " LIMIT 1" },
    [UNLINK]       = { .name = "blob.unlink",       .in = "it",    .out = "",
                       .sql  = "DELETE FROM repo_blobs WHERE repo_id = $1 AND digest = $2" },
    [FIND_SOURCE]  = { .name = "blob.find_source",  .in = "tii",   .out = "i",
                       .sql  = "SELECT id FROM (" SOURCES("repo_blobs AS l") " UNION ALL "
                               SOURCES("manifest_blobs AS l JOIN manifests AS m ON m.repo_id = l.repo_id"
                                       " AND m.digest = l.manifest AND m.deleted_at IS NULL") ") AS sources LIMIT 1" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_blob, digest),
    DB_COL_INT (struct meta_blob, size),
    DB_COL_TEXT(struct meta_blob, object_key),
    DB_COL_INT (struct meta_blob, created_at),
    DB_COL_INT (struct meta_blob, touched_at),
    DB_COL_INT (struct meta_blob, is_damaged),
};
/* clang-format on */

META_STATEMENTS(blob);

int meta_blob_find(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_blob *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(digest)), columns, out, err);
}

int meta_blob_lock(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_blob *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[LOCK], DB_ARGS(db_text(digest)), columns, out, err);
}

int meta_blob_find_visible(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, struct meta_blob *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND_VISIBLE], DB_ARGS(db_int(repo_id), db_text(digest)),
                   columns, out, err);
}

int meta_blob_pull(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                   struct str digest, struct meta_blob *out, struct err *err)
{
    return db_find(tx, arena, &sql[PULL],
                   DB_ARGS(db_int(repo->id), db_text(digest), db_int(repo->is_public)), columns,
                   out, err);
}

int meta_blob_put(struct db_tx *tx, struct arena *arena, struct str digest, int64_t size,
                  struct str object_key, struct str *out_key, struct err *err)
{
    int found = db_find_text(tx, arena, &sql[PUT],
                             DB_ARGS(db_text(digest), db_int(size), db_text(object_key),
                                     db_int(db_now(tx))),
                             out_key, err);

    if (found == 0)
        return err_set(err, ERR_INTERNAL, "blob " STR_FMT " was put and is not there",
                       STR_ARGS(digest));
    return found < 0 ? -1 : 0;
}

int meta_blob_replace(struct db_tx *tx, struct str digest, struct str old_key, struct str new_key,
                      int64_t size, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[REPLACE],
               DB_ARGS(db_text(digest), db_text(old_key), db_text(new_key), db_int(size),
                       db_int(db_now(tx))),
               &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_blob_lock_alone(struct db_tx *tx, struct str digest, struct err *err)
{
    int64_t ignored_size; /* it may even be gone */

    return db_find_int(tx, &sql[LOCK_ALONE], DB_ARGS(db_text(digest)), &ignored_size, err);
}

int meta_blob_link(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t until,
                   struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[LINK], DB_ARGS(db_int(repo_id), db_text(digest), db_int(until)), &n_changed,
               err) < 0)
        return -1;
    if (n_changed > 0 &&
        db_send(tx, &sql[TOUCH], DB_ARGS(db_text(digest), db_int(db_now(tx))), err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_blob_relink(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str manifest,
                     int64_t until, int64_t *out_bytes, struct err *err)
{
    enum { NAMED_MAX = 100000 }; /* one manifest names fewer: it has at most 4 MiB */
    struct str      *digests;
    size_t           n;
    struct meta_blob row;
    int64_t          bytes = 0;

    if (db_list_text(tx, arena, &sql[RELINK],
                     DB_ARGS(db_int(repo_id), db_text(manifest), db_int(until)), NAMED_MAX,
                     &digests, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int found = meta_blob_find(tx, arena, digests[i], &row, err);

        if (found < 0)
            return -1;
        bytes += found == 1 ? row.size : 0;
    }
    *out_bytes = bytes;
    return 0;
}

int meta_blob_pin(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t until,
                  int64_t enough, int64_t *out_written, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[PIN],
               DB_ARGS(db_int(repo_id), db_text(digest), db_int(until), db_int(enough)), &n_changed,
               err) < 0)
        return -1;
    if (n_changed > 0 &&
        db_send(tx, &sql[TOUCH], DB_ARGS(db_text(digest), db_int(db_now(tx))), err) < 0)
        return -1;

    *out_written = n_changed > 0;
    return 0;
}

int meta_blob_find_pin(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out_until,
                       struct err *err)
{
    return db_find_int(tx, &sql[FIND_PIN], DB_ARGS(db_int(repo_id), db_text(digest)), out_until,
                       err);
}

int meta_blob_is_used(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[IS_USED], DB_ARGS(db_int(repo_id), db_text(digest)), &one, err);
}

int meta_blob_unlink(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[UNLINK], DB_ARGS(db_int(repo_id), db_text(digest)), &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_blob_find_source(struct db_tx *tx, struct str digest, int is_all, int64_t namespace_id,
                          int64_t *out_repo_id, struct err *err)
{
    return db_find_int(tx, &sql[FIND_SOURCE],
                       DB_ARGS(db_text(digest), db_int(is_all != 0), db_int(namespace_id)),
                       out_repo_id, err);
}
