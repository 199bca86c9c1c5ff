/* meta/manifest.c: manifests and what they name. */
#include "meta/manifest.h"

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/damage.h"
#include "meta/repo_private.h"
#include "meta/statements.h"

enum {
    FIND,
    PULL,
    PULL_TAG,
    LOCK,
    ADD,
    REVIVE,
    TOUCH,
    SIZE,
    MEND,
    ADD_BLOB,
    ADD_CHILD,
    FIND_PARENT,
    DELETE,
    REFERRERS,
    REFERRERS_OF_TYPE
};

/* max(old, new), which the engines call differently. */
#define LATER_PIN "pinned_until = CASE WHEN pinned_until > $4 THEN pinned_until ELSE $4 END"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]        = { .name = "manifest.find",        .in = "it",   .out = "ttb",
                      .sql  = "SELECT digest, media_type, bytes FROM manifests"
                              " WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NULL" },
    [PULL]        = { .name = "manifest.pull",        .in = "iti",  .out = "ttb",
                      .sql  = "SELECT m.digest, m.media_type, m.bytes FROM repositories AS r"
                              " JOIN manifests AS m ON m.repo_id = r.id"
                              " WHERE r.id = $1 AND m.digest = $2 AND m.deleted_at IS NULL AND " META_REPO_STANDS("r", "$3") },
    [PULL_TAG]    = { .name = "manifest.pull_tag",    .in = "iti",  .out = "ttb",
                      .sql  = "SELECT m.digest, m.media_type, m.bytes FROM repositories AS r"
                              " JOIN tags AS t ON t.repo_id = r.id"
                              " JOIN manifests AS m ON m.repo_id = r.id AND m.digest = t.digest"
                              " WHERE r.id = $1 AND t.name = $2 AND m.deleted_at IS NULL AND " META_REPO_STANDS("r", "$3") },
    [LOCK]        = { .name = "manifest.lock",        .in = "it",   .out = "i",
                      .sql  = "SELECT depth FROM manifests WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NULL",
                      .pg   = "SELECT depth FROM manifests WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NULL"
                              " FOR KEY SHARE" },
    [ADD]         = { .name = "manifest.add",         .in = "itttttiitiiib", .out = "",
                      .sql  = "INSERT INTO manifests (repo_id, digest, media_type, artifact_type, config_type, subject,"
                              " total_size, depth, referrer, pushed_at, touched_at, pushed_by, pinned_until, bytes)"
                              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13)"
                              " ON CONFLICT (repo_id, digest) DO NOTHING" },
    [REVIVE]      = { .name = "manifest.revive",      .in = "itiii", .out = "",
                      .sql  = "UPDATE manifests SET deleted_at = NULL, touched_at = $3, pushed_at = $3, pushed_by = $5, " LATER_PIN
                              " WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NOT NULL" },
    [TOUCH]       = { .name = "manifest.touch",       .in = "itii", .out = "",
                      .sql  = "UPDATE manifests SET touched_at = $3, " LATER_PIN
                              " WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NULL" },
    [SIZE]        = { .name = "manifest.size",        .in = "it",   .out = "i",
                      .sql  = "SELECT length(bytes) FROM manifests WHERE repo_id = $1 AND digest = $2",
                      .pg   = "SELECT octet_length(bytes) FROM manifests WHERE repo_id = $1 AND digest = $2 FOR UPDATE" },
    [MEND]        = { .name = "manifest.mend",        .in = "itttttiitb", .out = "",
                      .sql  = "UPDATE manifests SET media_type = $3, artifact_type = $4, config_type = $5, subject = $6,"
                              " total_size = $7, depth = $8, referrer = $9, bytes = $10"
                              " WHERE repo_id = $1 AND digest = $2 AND bytes <> $10" },
    [ADD_BLOB]    = { .name = "manifest.add_blob",    .in = "itt",  .out = "",
                      .sql  = "INSERT INTO manifest_blobs (repo_id, manifest, digest) VALUES ($1, $2, $3)"
                              " ON CONFLICT (repo_id, manifest, digest) DO NOTHING" },
    [ADD_CHILD]   = { .name = "manifest.add_child",   .in = "itt",  .out = "",
                      .sql  = "INSERT INTO manifest_children (repo_id, parent, child) VALUES ($1, $2, $3)"
                              " ON CONFLICT (repo_id, parent, child) DO NOTHING" },
    [FIND_PARENT] = { .name = "manifest.find_parent", .in = "it",   .out = "t",
                      .sql  = "SELECT c.parent FROM manifest_children AS c"
                              " JOIN manifests AS m ON m.repo_id = c.repo_id AND m.digest = c.parent"
                              " WHERE c.repo_id = $1 AND c.child = $2 AND m.deleted_at IS NULL LIMIT 1" },
    [DELETE]      = { .name = "manifest.delete",      .in = "iti",  .out = "",
                      .sql  = "UPDATE manifests SET deleted_at = $3 WHERE repo_id = $1 AND digest = $2 AND deleted_at IS NULL" },
    [REFERRERS]   = { .name = "referrer.page",        .in = "itti", .out = "tt",
                      .sql  = "SELECT digest, referrer FROM manifests"
                              " WHERE repo_id = $1 AND subject = $2 AND digest > $3 AND deleted_at IS NULL"
                              " ORDER BY digest LIMIT $4" },
    [REFERRERS_OF_TYPE] =
                    { .name = "referrer.page_of_type", .in = "ittit", .out = "tt",
                      .sql  = "SELECT digest, referrer FROM manifests"
                              " WHERE repo_id = $1 AND subject = $2 AND artifact_type = $5 AND digest > $3"
                              " AND deleted_at IS NULL ORDER BY digest LIMIT $4" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_manifest, digest),
    DB_COL_TEXT(struct meta_manifest, media_type),
    DB_COL_BLOB(struct meta_manifest, bytes),
};

static const struct db_column referrer_columns[] = {
    DB_COL_TEXT(struct meta_referrer, digest),
    DB_COL_TEXT(struct meta_referrer, descriptor),
};
/* clang-format on */

META_STATEMENTS(manifest);

int meta_manifest_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                       struct meta_manifest *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_int(repo_id), db_text(digest)), columns, out,
                   err);
}

static int pull(struct db_tx *tx, struct arena *arena, int statement,
                const struct meta_repo_seen *repo, struct str name, struct meta_manifest *out,
                struct err *err)
{
    return db_find(tx, arena, &sql[statement],
                   DB_ARGS(db_int(repo->id), db_text(name), db_int(repo->is_public)), columns, out,
                   err);
}

int meta_manifest_pull(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                       struct str digest, struct meta_manifest *out, struct err *err)
{
    return pull(tx, arena, PULL, repo, digest, out, err);
}

int meta_manifest_pull_tag(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                           struct str tag, struct meta_manifest *out, struct err *err)
{
    return pull(tx, arena, PULL_TAG, repo, tag, out, err);
}

int meta_manifest_lock(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out_depth,
                       struct err *err)
{
    return db_find_int(tx, &sql[LOCK], DB_ARGS(db_int(repo_id), db_text(digest)), out_depth, err);
}

static struct str or_empty(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

static int add(struct db_tx *tx, const struct meta_manifest_new *manifest, int64_t now,
               int64_t *n_changed, struct err *err)
{
    return db_run(tx, &sql[ADD],
                  DB_ARGS(db_int(manifest->repo_id), db_text(manifest->digest),
                          db_text(manifest->media_type), db_text(or_empty(manifest->artifact_type)),
                          db_text(or_empty(manifest->config_type)), db_text(manifest->subject),
                          db_int(manifest->total_size), db_int(manifest->depth),
                          db_text(manifest->referrer), db_int(now), db_int(manifest->pushed_by),
                          db_int(manifest->pinned_until), db_blob(or_empty(manifest->bytes))),
                  n_changed, err);
}

static int revive(struct db_tx *tx, const struct meta_manifest_new *manifest, int64_t now,
                  int64_t *n_changed, struct err *err)
{
    return db_run(tx, &sql[REVIVE],
                  DB_ARGS(db_int(manifest->repo_id), db_text(manifest->digest), db_int(now),
                          db_int(manifest->pinned_until), db_int(manifest->pushed_by)),
                  n_changed, err);
}

static int touch(struct db_tx *tx, const struct meta_manifest_new *manifest, int64_t now,
                 int64_t *n_changed, struct err *err)
{
    return db_run(tx, &sql[TOUCH],
                  DB_ARGS(db_int(manifest->repo_id), db_text(manifest->digest), db_int(now),
                          db_int(manifest->pinned_until)),
                  n_changed, err);
}

int meta_manifest_size(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out,
                       struct err *err)
{
    return db_find_int(tx, &sql[SIZE], DB_ARGS(db_int(repo_id), db_text(digest)), out, err);
}

/* The bytes that the digest was checked for take the place of others, which can only be damaged. */
static int mend(struct db_tx *tx, const struct meta_manifest_new *manifest, int64_t *out_grown,
                struct err *err)
{
    int64_t                        size      = (int64_t)manifest->bytes.n;
    int64_t                        size_was  = size;
    AUTO(arena_free) struct arena *arena     = arena_new();
    int64_t                        n_changed = 0;
    struct str key = meta_damage_manifest_key(arena, manifest->repo_id, manifest->digest);

    if (manifest->is_measured &&
        meta_manifest_size(tx, manifest->repo_id, manifest->digest, &size_was, err) < 0)
        return -1;
    if (db_run(tx, &sql[MEND],
               DB_ARGS(db_int(manifest->repo_id), db_text(manifest->digest),
                       db_text(manifest->media_type), db_text(or_empty(manifest->artifact_type)),
                       db_text(or_empty(manifest->config_type)), db_text(manifest->subject),
                       db_int(manifest->total_size), db_int(manifest->depth),
                       db_text(manifest->referrer), db_blob(or_empty(manifest->bytes))),
               &n_changed, err) < 0)
        return -1;
    *out_grown = n_changed > 0 ? size - size_was : 0;
    return n_changed > 0 ? meta_damage_heal(tx, key, err) : 0;
}

/* The insert comes first: where two writers bring the same digest at once it waits for the other, and what
 * it then leaves to the two updates is committed. */
int meta_manifest_put(struct db_tx *tx, const struct meta_manifest_new *manifest,
                      struct meta_manifest_put *out, struct err *err)
{
    int64_t now = db_now(tx), n_new = 0, n_changed = 0, n_bytes = 0;

    /* A row that is there when it is added may be gone when it is touched: collection has just taken it away. */
    while (n_new + n_changed == 0) {
        n_bytes = (int64_t)manifest->bytes.n;
        if (add(tx, manifest, now, &n_new, err) < 0 ||
            (n_new == 0 && (mend(tx, manifest, &n_bytes, err) < 0 ||
                            revive(tx, manifest, now, &n_new, err) < 0)) ||
            (n_new == 0 && touch(tx, manifest, now, &n_changed, err) < 0))
            return -1;
    }
    *out = (struct meta_manifest_put){ .is_new = n_new > 0, .n_bytes = n_bytes };
    return 0;
}

int meta_manifest_add_blob(struct db_tx *tx, int64_t repo_id, struct str manifest,
                           struct str digest, struct err *err)
{
    return db_send(tx, &sql[ADD_BLOB], DB_ARGS(db_int(repo_id), db_text(manifest), db_text(digest)),
                   err);
}

int meta_manifest_add_child(struct db_tx *tx, int64_t repo_id, struct str parent, struct str child,
                            struct err *err)
{
    return db_send(tx, &sql[ADD_CHILD], DB_ARGS(db_int(repo_id), db_text(parent), db_text(child)),
                   err);
}

int meta_manifest_find_parent(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                              struct str digest, struct str *out_parent, struct err *err)
{
    return db_find_text(tx, arena, &sql[FIND_PARENT], DB_ARGS(db_int(repo_id), db_text(digest)),
                        out_parent, err);
}

int meta_manifest_delete(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[DELETE], DB_ARGS(db_int(repo_id), db_text(digest), db_int(db_now(tx))),
               &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_referrer_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str subject,
                       struct str artifact_type, struct str after, size_t n_max,
                       struct meta_referrer **out, size_t *n_out, struct err *err)
{
    const struct db_value args[] = { db_int(repo_id), db_text(subject), db_text(or_empty(after)),
                                     db_int((int64_t)n_max), db_text(artifact_type) };
    bool                  is_all = artifact_type.p == NULL;
    void                 *list;

    if (db_list(tx, arena, &sql[is_all ? REFERRERS : REFERRERS_OF_TYPE], args, is_all ? 4 : 5,
                referrer_columns, sizeof(struct meta_referrer), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}
