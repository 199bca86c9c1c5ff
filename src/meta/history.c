/* meta/history.c: the audit log by tag, and tombstones taken away again. */
#include "meta/history.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { PAGE, DELETED, DELETED_MANIFESTS, LOCK_MANIFEST, MANIFEST, CHILDREN, LOCK_REPO, REPO };

enum { CHILDREN_MAX = 1000 };

#define MOVE(a)                                                                                   \
    "SELECT " a ".id, " a ".at, " a ".action, " a ".object_name, coalesce(" a ".actor_name, '')," \
    " " a ".digest, " a ".old_digest FROM audit AS " a " WHERE " a ".repo_id = $1"
#define IS_MOVE(a) a ".object_kind = 'tag' AND " a ".outcome = 'done'"
#define FATE "SELECT coalesce(deleted_at, 0) FROM manifests WHERE repo_id = $1 AND digest = $2"
#define GONE                                                                                    \
    "SELECT id, namespace_id, is_public, deleted_at, coalesce(reaping_at, 0) FROM repositories" \
    " WHERE path = $1 AND deleted_at IS NOT NULL ORDER BY deleted_at DESC LIMIT 1"

/* clang-format off */
static const struct db_statement sql[] = {
    [PAGE]          = { .name = "history.page",          .in = "itii",  .out = "iittttt",
                        .sql  = MOVE("a") " AND " IS_MOVE("a") " AND a.object_name = $2 AND a.id < $3 ORDER BY a.id DESC LIMIT $4" },
    [DELETED]       = { .name = "history.deleted",       .in = "iiii",  .out = "iittttt",
                        .sql  = MOVE("a") " AND a.action = 'TAG_DELETE' AND " IS_MOVE("a") " AND a.at > $2 AND a.id < $3"
                                " AND NOT EXISTS (SELECT 1 FROM tags AS t WHERE t.repo_id = a.repo_id AND t.name = a.object_name)"
                                " AND NOT EXISTS (SELECT 1 FROM audit AS b WHERE b.repo_id = a.repo_id AND b.object_name = a.object_name"
                                " AND " IS_MOVE("b") " AND b.id > a.id)"
                                " AND EXISTS (SELECT 1 FROM manifests AS m WHERE m.repo_id = a.repo_id AND m.digest = a.digest)"
                                " ORDER BY a.id DESC LIMIT $4" },
    [DELETED_MANIFESTS] =
                      { .name = "history.deleted_manifests", .in = "iiti", .out = "iittttt",
                        .sql  = "SELECT m.deleted_at, m.deleted_at, '', '', coalesce(a.name, ''), m.digest, NULL FROM manifests AS m"
                                " LEFT JOIN accounts AS a ON a.id = m.pushed_by"
                                " WHERE m.repo_id = $1 AND m.deleted_at > $2 AND m.digest > $3 ORDER BY m.digest LIMIT $4" },
    [LOCK_MANIFEST] = { .name = "undelete.lock_manifest", .in = "it",   .out = "i",
                        .sqlite = FATE, .pg = FATE " FOR UPDATE" },
    [MANIFEST]      = { .name = "undelete.manifest",      .in = "iti",  .out = "",
                        .sql  = "UPDATE manifests SET deleted_at = NULL, touched_at = $3 WHERE repo_id = $1 AND digest = $2" },
    [CHILDREN]      = { .name = "undelete.children",      .in = "iti",  .out = "t",
                        .sql  = "SELECT c.child FROM manifest_children AS c JOIN manifests AS m ON m.repo_id = c.repo_id"
                                " AND m.digest = c.child WHERE c.repo_id = $1 AND c.parent = $2 AND m.deleted_at IS NOT NULL"
                                " ORDER BY c.child LIMIT $3" },
    [LOCK_REPO]     = { .name = "undelete.lock_repo",     .in = "t",    .out = "iiiii",
                        .sqlite = GONE, .pg = GONE " FOR UPDATE" },
    [REPO]          = { .name = "undelete.repo",          .in = "i",    .out = "",
                        .sql  = "UPDATE repositories SET deleted_at = NULL WHERE id = $1" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_move, id),
    DB_COL_INT (struct meta_move, at),
    DB_COL_TEXT(struct meta_move, type),
    DB_COL_TEXT(struct meta_move, tag),
    DB_COL_TEXT(struct meta_move, account),
    DB_COL_TEXT(struct meta_move, digest),
    DB_COL_TEXT(struct meta_move, old_digest),
};
static const struct db_column repo_columns[] = {
    DB_COL_INT(struct meta_deleted_repo, id),
    DB_COL_INT(struct meta_deleted_repo, namespace_id),
    DB_COL_INT(struct meta_deleted_repo, is_public),
    DB_COL_INT(struct meta_deleted_repo, deleted_at),
    DB_COL_INT(struct meta_deleted_repo, reaping_at),
};
/* clang-format on */

META_STATEMENTS(history);

static int list(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, size_t n_max, struct meta_move **out, size_t *n_out, struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[statement], args, n_args, columns, sizeof(struct meta_move), n_max,
                &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_history_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str tag,
                      int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                      struct err *err)
{
    return list(tx, arena, PAGE,
                DB_ARGS(db_int(repo_id), db_text(tag), db_int(under), db_int((int64_t)n_max)),
                n_max, out, n_out, err);
}

int meta_history_last(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str tag,
                      struct meta_move *out, struct err *err)
{
    return db_find(tx, arena, &sql[PAGE],
                   DB_ARGS(db_int(repo_id), db_text(tag), db_int(INT64_MAX), db_int(1)), columns,
                   out, err);
}

int meta_history_deleted(struct db_tx *tx, struct arena *arena, int64_t repo_id, int64_t after,
                         int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                         struct err *err)
{
    return list(tx, arena, DELETED,
                DB_ARGS(db_int(repo_id), db_int(after), db_int(under), db_int((int64_t)n_max)),
                n_max, out, n_out, err);
}

int meta_history_deleted_manifests(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                                   int64_t after, struct str from, size_t n_max,
                                   struct meta_move **out, size_t *n_out, struct err *err)
{
    return list(tx, arena, DELETED_MANIFESTS,
                DB_ARGS(db_int(repo_id), db_int(after), db_text(from.p == NULL ? STR("") : from),
                        db_int((int64_t)n_max)),
                n_max, out, n_out, err);
}

int meta_undelete_lock_manifest(struct db_tx *tx, int64_t repo_id, struct str digest,
                                int64_t *out_deleted_at, struct err *err)
{
    return db_find_int(tx, &sql[LOCK_MANIFEST], DB_ARGS(db_int(repo_id), db_text(digest)),
                       out_deleted_at, err);
}

int meta_undelete_manifest(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    return db_run(tx, &sql[MANIFEST], DB_ARGS(db_int(repo_id), db_text(digest), db_int(db_now(tx))),
                  NULL, err);
}

int meta_undelete_children(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, struct str **out, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[CHILDREN],
                        DB_ARGS(db_int(repo_id), db_text(digest), db_int(CHILDREN_MAX)),
                        CHILDREN_MAX, out, n_out, err);
}

int meta_undelete_lock_repo(struct db_tx *tx, struct arena *arena, struct str path,
                            struct meta_deleted_repo *out, struct err *err)
{
    return db_find(tx, arena, &sql[LOCK_REPO], DB_ARGS(db_text(path)), repo_columns, out, err);
}

int meta_undelete_repo(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[REPO], DB_ARGS(db_int(id)), NULL, err);
}
