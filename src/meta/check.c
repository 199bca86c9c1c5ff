/* meta/check.c: the statements by which everything is compared with everything. */
#include "meta/check.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    BLOBS,
    MANIFESTS,
    NAMED_BLOBS,
    NAMED_CHILDREN,
    DEPTH,
    SET_DERIVED,
    DROP_BLOB,
    DROP_CHILD,
    TAGS,
    KNOWS_OBJECT,
    DOOMED_IN_USE,
    PENDING_IN_USE,
    IMAGES_OF_BLOB,
    IMAGES_OF_MANIFEST
};

#define IS(condition) "CASE WHEN " condition " THEN 1 ELSE 0 END"
#define DERIVED "depth, artifact_type, config_type, total_size, subject, referrer"

/* From the manifests of `start` up through the indexes that name them. */
#define IMAGES(start)                                                                            \
    "WITH RECURSIVE above (repo_id, digest) AS (" start                                          \
    " UNION SELECT c.repo_id, c.parent FROM above AS a"                                          \
    " JOIN manifest_children AS c ON c.repo_id = a.repo_id AND c.child = a.digest)"              \
    " SELECT r.path, a.digest, t.name FROM above AS a"                                           \
    " JOIN manifests AS m ON m.repo_id = a.repo_id AND m.digest = a.digest AND m.deleted_at IS " \
    "NULL"                                                                                       \
    " JOIN repositories AS r ON r.id = a.repo_id AND r.deleted_at IS NULL"                       \
    " LEFT JOIN tags AS t ON t.repo_id = a.repo_id AND t.digest = a.digest LIMIT $3"

/* clang-format off */
static const struct db_statement sql[] = {
    [BLOBS]          = { .name = "check.blobs",          .in = "ti",     .out = "titiii",
                         .sql  = "SELECT b.digest, b.size, b.object_key,"
                                 " " IS("EXISTS (SELECT 1 FROM damage AS d WHERE d.object_key = b.object_key AND d.healed_at IS NULL)") ","
                                 " " IS("EXISTS (SELECT 1 FROM repo_blobs AS l WHERE l.digest = b.digest)"
                                        " OR EXISTS (SELECT 1 FROM manifest_blobs AS n WHERE n.digest = b.digest)") ","
                                 " " IS("EXISTS (SELECT 1 FROM gc_queue AS q WHERE q.kind = 'blob' AND q.id = b.digest)")
                                 " FROM blobs AS b WHERE b.digest > $1 ORDER BY b.digest LIMIT $2" },
    [MANIFESTS]      = { .name = "check.manifests",      .in = "iti",    .out = "ittittittb",
                         .sql  = "SELECT repo_id, digest, media_type, " DERIVED ", bytes FROM manifests"
                                 " WHERE (repo_id, digest) > ($1, $2) ORDER BY repo_id, digest LIMIT $3" },
    [NAMED_BLOBS]    = { .name = "check.named_blobs",    .in = "iti",    .out = "t",
                         .sql  = "SELECT digest FROM manifest_blobs WHERE repo_id = $1 AND manifest = $2 ORDER BY digest LIMIT $3" },
    [NAMED_CHILDREN] = { .name = "check.named_children", .in = "iti",    .out = "t",
                         .sql  = "SELECT child FROM manifest_children WHERE repo_id = $1 AND parent = $2 ORDER BY child LIMIT $3" },
    [DEPTH]          = { .name = "check.depth",          .in = "it",     .out = "i",
                         .sql  = "SELECT COALESCE(MAX(m.depth) + 1, 0) FROM manifest_children AS c"
                                 " JOIN manifests AS m ON m.repo_id = c.repo_id AND m.digest = c.child"
                                 " WHERE c.repo_id = $1 AND c.parent = $2" },
    [SET_DERIVED]    = { .name = "check.set_derived",    .in = "ititttit", .out = "",
                         .sql  = "UPDATE manifests SET depth = $3, artifact_type = $4, config_type = $5, subject = $6,"
                                 " total_size = $7, referrer = $8 WHERE repo_id = $1 AND digest = $2" },
    [DROP_BLOB]      = { .name = "check.drop_blob",      .in = "itt",    .out = "",
                         .sql  = "DELETE FROM manifest_blobs WHERE repo_id = $1 AND manifest = $2 AND digest = $3" },
    [DROP_CHILD]     = { .name = "check.drop_child",     .in = "itt",    .out = "",
                         .sql  = "DELETE FROM manifest_children WHERE repo_id = $1 AND parent = $2 AND child = $3" },
    [TAGS]           = { .name = "check.tags",           .in = "iti",    .out = "ittiit",
                         .sql  = "SELECT t.repo_id, t.name, t.digest, " IS("m.digest IS NOT NULL") ", " IS("m.deleted_at IS NOT NULL") ","
                                 " r.path FROM tags AS t LEFT JOIN manifests AS m ON m.repo_id = t.repo_id AND m.digest = t.digest"
                                 " LEFT JOIN repositories AS r ON r.id = t.repo_id"
                                 " WHERE (t.repo_id, t.name) > ($1, $2) ORDER BY t.repo_id, t.name LIMIT $3" },
    [KNOWS_OBJECT]   = { .name = "check.knows_object",   .in = "t",      .out = "i",
                         .sql  = "SELECT 1 WHERE EXISTS (SELECT 1 FROM blobs WHERE object_key = $1)"
                                 " OR EXISTS (SELECT 1 FROM pending_objects WHERE object_key = $1)"
                                 " OR EXISTS (SELECT 1 FROM doomed_objects WHERE object_key = $1)" },
    [DOOMED_IN_USE]  = { .name = "check.doomed_in_use",  .in = "i",      .out = "t",
                         .sql  = "SELECT d.object_key FROM doomed_objects AS d CROSS JOIN blobs AS b"
                                 " WHERE b.object_key = d.object_key LIMIT $1" },
    [PENDING_IN_USE] = { .name = "check.pending_in_use", .in = "i",      .out = "t",
                         .sql  = "SELECT p.object_key FROM pending_objects AS p CROSS JOIN blobs AS b"
                                 " WHERE b.object_key = p.object_key LIMIT $1" },
    [IMAGES_OF_BLOB] = { .name = "check.images_of_blob", .in = "iti",    .out = "ttt",
                         .sql  = IMAGES("SELECT n.repo_id, n.manifest FROM manifest_blobs AS n WHERE n.digest = $2 AND $1 = 0") },
    [IMAGES_OF_MANIFEST] =
                       { .name = "check.images_of_manifest", .in = "iti", .out = "ttt",
                         .sql  = IMAGES("SELECT s.repo_id, s.digest FROM manifests AS s WHERE s.repo_id = $1 AND s.digest = $2") },
};

static const struct db_column blob_columns[] = {
    DB_COL_TEXT(struct meta_check_blob, digest),
    DB_COL_INT (struct meta_check_blob, size),
    DB_COL_TEXT(struct meta_check_blob, object_key),
    DB_COL_INT (struct meta_check_blob, is_damaged),
    DB_COL_INT (struct meta_check_blob, is_linked),
    DB_COL_INT (struct meta_check_blob, is_queued),
};

static const struct db_column manifest_columns[] = {
    DB_COL_INT (struct meta_check_manifest, repo_id),
    DB_COL_TEXT(struct meta_check_manifest, digest),
    DB_COL_TEXT(struct meta_check_manifest, media_type),
    DB_COL_INT (struct meta_check_manifest, depth),
    DB_COL_TEXT(struct meta_check_manifest, artifact_type),
    DB_COL_TEXT(struct meta_check_manifest, config_type),
    DB_COL_INT (struct meta_check_manifest, total_size),
    DB_COL_TEXT(struct meta_check_manifest, subject),
    DB_COL_TEXT(struct meta_check_manifest, referrer),
    DB_COL_BLOB(struct meta_check_manifest, bytes),
};

static const struct db_column tag_columns[] = {
    DB_COL_INT (struct meta_check_tag, repo_id),
    DB_COL_TEXT(struct meta_check_tag, name),
    DB_COL_TEXT(struct meta_check_tag, digest),
    DB_COL_INT (struct meta_check_tag, is_there),
    DB_COL_INT (struct meta_check_tag, is_deleted),
    DB_COL_TEXT(struct meta_check_tag, path),
};

static const struct db_column image_columns[] = {
    DB_COL_TEXT(struct meta_check_image, path),
    DB_COL_TEXT(struct meta_check_image, digest),
    DB_COL_TEXT(struct meta_check_image, tag),
};
/* clang-format on */

META_STATEMENTS(check);

int meta_check_blobs(struct db_tx *tx, struct arena *arena, struct str after, size_t n_max,
                     struct meta_check_blob **out, size_t *n_out, struct err *err)
{
    return db_list(tx, arena, &sql[BLOBS], DB_ARGS(db_text(after), db_int((int64_t)n_max)),
                   blob_columns, sizeof(**out), n_max, (void **)out, n_out, err);
}

int meta_check_manifests(struct db_tx *tx, struct arena *arena, int64_t after_repo,
                         struct str after, size_t n_max, struct meta_check_manifest **out,
                         size_t *n_out, struct err *err)
{
    return db_list(tx, arena, &sql[MANIFESTS],
                   DB_ARGS(db_int(after_repo), db_text(after), db_int((int64_t)n_max)),
                   manifest_columns, sizeof(**out), n_max, (void **)out, n_out, err);
}

int meta_check_named_blobs(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, size_t n_max, struct str **out, size_t *n_out,
                           struct err *err)
{
    return db_list_text(tx, arena, &sql[NAMED_BLOBS],
                        DB_ARGS(db_int(repo_id), db_text(digest), db_int((int64_t)n_max)), n_max,
                        out, n_out, err);
}

int meta_check_named_children(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                              struct str digest, size_t n_max, struct str **out, size_t *n_out,
                              struct err *err)
{
    return db_list_text(tx, arena, &sql[NAMED_CHILDREN],
                        DB_ARGS(db_int(repo_id), db_text(digest), db_int((int64_t)n_max)), n_max,
                        out, n_out, err);
}

int meta_check_depth(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out,
                     struct err *err)
{
    return db_find_int(tx, &sql[DEPTH], DB_ARGS(db_int(repo_id), db_text(digest)), out, err) < 0
               ? -1
               : 0;
}

int meta_check_set_derived(struct db_tx *tx, const struct meta_check_manifest *manifest,
                           struct err *err)
{
    return db_run(tx, &sql[SET_DERIVED],
                  DB_ARGS(db_int(manifest->repo_id), db_text(manifest->digest),
                          db_int(manifest->depth), db_text(manifest->artifact_type),
                          db_text(manifest->config_type), db_text(manifest->subject),
                          db_int(manifest->total_size), db_text(manifest->referrer)),
                  NULL, err);
}

int meta_check_drop_blob(struct db_tx *tx, int64_t repo_id, struct str manifest, struct str digest,
                         struct err *err)
{
    return db_run(tx, &sql[DROP_BLOB], DB_ARGS(db_int(repo_id), db_text(manifest), db_text(digest)),
                  NULL, err);
}

int meta_check_drop_child(struct db_tx *tx, int64_t repo_id, struct str parent, struct str child,
                          struct err *err)
{
    return db_run(tx, &sql[DROP_CHILD], DB_ARGS(db_int(repo_id), db_text(parent), db_text(child)),
                  NULL, err);
}

int meta_check_tags(struct db_tx *tx, struct arena *arena, int64_t after_repo, struct str after,
                    size_t n_max, struct meta_check_tag **out, size_t *n_out, struct err *err)
{
    return db_list(tx, arena, &sql[TAGS],
                   DB_ARGS(db_int(after_repo), db_text(after), db_int((int64_t)n_max)), tag_columns,
                   sizeof(**out), n_max, (void **)out, n_out, err);
}

int meta_check_knows_object(struct db_tx *tx, struct str object_key, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[KNOWS_OBJECT], DB_ARGS(db_text(object_key)), &one, err);
}

int meta_check_doomed_in_use(struct db_tx *tx, struct arena *arena, size_t n_max, struct str **out,
                             size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[DOOMED_IN_USE], DB_ARGS(db_int((int64_t)n_max)), n_max, out,
                        n_out, err);
}

int meta_check_pending_in_use(struct db_tx *tx, struct arena *arena, size_t n_max, struct str **out,
                              size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[PENDING_IN_USE], DB_ARGS(db_int((int64_t)n_max)), n_max,
                        out, n_out, err);
}

int meta_check_images(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                      size_t n_max, struct meta_check_image **out, size_t *n_out, struct err *err)
{
    return db_list(tx, arena, &sql[repo_id == 0 ? IMAGES_OF_BLOB : IMAGES_OF_MANIFEST],
                   DB_ARGS(db_int(repo_id), db_text(digest), db_int((int64_t)n_max)), image_columns,
                   sizeof(**out), n_max, (void **)out, n_out, err);
}
