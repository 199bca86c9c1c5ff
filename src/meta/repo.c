/* meta/repo.c: repositories. */
#include "meta/repo.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/paths_private.h"
#include "meta/repo_private.h"
#include "meta/search.h"
#include "meta/statements.h"

enum {
    FIND,
    FIND_ID,
    FIND_EVER,
    PLACE,
    PATH,
    LOCK,
    HOLD,
    LONGEST,
    LAST_DELETED,
    ADD,
    SET_PUBLIC,
    DELETE,
    UPDATE,
    DELETE_IN,
    COUNT_IN,
    README_FIND,
    README_PUT,
    README_REMOVE,
    COUNTS_FIND,
    COUNTS_ADD,
    COUNT_PUSH,
    SET_LIMIT,
    EXTRAS
};

#define COLUMNS META_REPO_COLUMNS("")
#define OUT META_REPO_OUT

#define LIVING_ID "SELECT " COLUMNS " FROM repositories WHERE id = $1 AND deleted_at IS NULL"

/* Always a row, and with the same work whether the repository is there or not: its absence is not to be measured. */
#define PLACE_OF_PATH                                                                \
    "SELECT coalesce(r.id, 0), coalesce(r.created_at, 0), coalesce(r.is_public, 0)," \
    " coalesce(r.namespace_id, a.id, 0),"                                            \
    " CAST(CASE WHEN a.kind = 'organization' THEN 1 ELSE 0 END AS BIGINT),"          \
    " coalesce(a.create_on_push, 0) FROM (SELECT 1) AS one"                          \
    " LEFT JOIN repositories AS r ON r.path = $1 AND r.deleted_at IS NULL"           \
    " LEFT JOIN accounts AS a ON a.name = $2 AND a.deleted_at IS NULL"

/* In the order of paths, as pages are. */
#define EXTRAS_OF(ids)                                                                             \
    "SELECT r.id, a.kind, coalesce(c.pulls, 0), coalesce(c.pushes, 0) FROM repositories AS r JOIN" \
    " accounts AS a ON a.id = r.namespace_id LEFT JOIN repository_counts AS c ON c.repo_id = r.id" \
    " WHERE r.id IN (" ids ") AND r.deleted_at IS NULL ORDER BY r.path"

#define LONGEST_OF(paths)                                                                   \
    "SELECT " COLUMNS " FROM repositories WHERE path IN (" paths ") AND deleted_at IS NULL" \
    " ORDER BY path DESC LIMIT 1"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]          = { .name = "repo.find",          .in = "t",      .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM repositories WHERE path = $1 AND deleted_at IS NULL" },
    [FIND_ID]       = { .name = "repo.find_id",       .in = "i",      .out = OUT,
                        .sql  = LIVING_ID },
    [FIND_EVER]     = { .name = "repo.find_ever",     .in = "i",      .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM repositories WHERE id = $1" },
    [PLACE]         = { .name = "repo.place",         .in = "tt",     .out = "iiiiii",
                        .sql  = PLACE_OF_PATH },
    [PATH]          = { .name = "repo.path",          .in = "i",      .out = "t",
                        .sql  = "SELECT path FROM repositories WHERE id = $1" },
    [LOCK]          = { .name = "repo.lock",          .in = "i",      .out = OUT,
                        .sqlite = LIVING_ID, .pg = LIVING_ID " FOR NO KEY UPDATE" },
    [HOLD]          = { .name = "repo.hold",          .in = "i",      .out = OUT,
                        .sqlite = LIVING_ID, .pg = LIVING_ID " FOR SHARE" },
    [LONGEST]       = { .name = "repo.find_longest",  .in = "t",      .out = OUT,
                        .sqlite = LONGEST_OF(META_PATHS_SQLITE("$1")), .pg = LONGEST_OF(META_PATHS_PG("$1")) },
    [LAST_DELETED]  = { .name = "repo.last_deleted",  .in = "t",      .out = "i",
                        .sql  = "SELECT deleted_at FROM repositories WHERE path = $1 AND deleted_at IS NOT NULL"
                                " ORDER BY deleted_at DESC LIMIT 1" },
    [ADD]           = { .name = "repo.add",           .in = "ttiiii", .out = "i",
                        .sql  = "INSERT INTO repositories (uuid, path, namespace_id, is_public, created_at, created_by)"
                                " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id" },
    [SET_PUBLIC]    = { .name = "repo.set_public",    .in = "ii",     .out = "",
                        .sql  = "UPDATE repositories SET is_public = $2 WHERE id = $1 AND deleted_at IS NULL" },
    [DELETE]        = { .name = "repo.delete",        .in = "ii",     .out = "",
                        .sql  = "UPDATE repositories SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL" },
    [UPDATE]        = { .name = "repo.update",        .in = "iitiiii", .out = "",
                        .sql  = "UPDATE repositories SET is_public = $2, short_description = $3, immutable_tags = $4,"
                                " scan_on_push = $5, enable_manifest_lists = $6, tag_limit = $7"
                                " WHERE id = $1 AND deleted_at IS NULL" },
    [DELETE_IN]     = { .name = "repo.delete_in",     .in = "ii",     .out = "",
                        .sql  = "UPDATE repositories SET deleted_at = $2 WHERE namespace_id = $1 AND deleted_at IS NULL" },
    [COUNT_IN]      = { .name = "repo.count_in",      .in = "i",      .out = "i",
                        .sql  = "SELECT count(*) FROM repositories WHERE namespace_id = $1 AND deleted_at IS NULL" },
    [README_FIND]   = { .name = "repo.readme_find",   .in = "i",      .out = "t",
                        .sql  = "SELECT markdown FROM repository_readmes WHERE repo_id = $1" },
    [README_PUT]    = { .name = "repo.readme_put",    .in = "it",     .out = "",
                        .sql  = "INSERT INTO repository_readmes (repo_id, markdown) VALUES ($1, $2)"
                                " ON CONFLICT (repo_id) DO UPDATE SET markdown = excluded.markdown" },
    [README_REMOVE] = { .name = "repo.readme_remove", .in = "i",      .out = "",
                        .sql  = "DELETE FROM repository_readmes WHERE repo_id = $1" },
    [COUNTS_FIND]   = { .name = "repo.counts_find",   .in = "i",      .out = "ii",
                        .sql  = "SELECT pulls, pushes FROM repository_counts WHERE repo_id = $1" },
    [COUNTS_ADD]    = { .name = "repo.counts_add",    .in = "iii",    .out = "",
                        .sql  = "INSERT INTO repository_counts (repo_id, pulls, pushes) VALUES ($1, $2, $3)"
                                " ON CONFLICT (repo_id) DO UPDATE SET pulls = repository_counts.pulls + excluded.pulls,"
                                " pushes = repository_counts.pushes + excluded.pushes" },
    [COUNT_PUSH]    = { .name = "repo.count_push",    .in = "i",      .out = "i",
                        .sql  = "INSERT INTO repository_counts (repo_id, pushes) VALUES ($1, 1) ON CONFLICT (repo_id) DO UPDATE"
                                " SET pushes = repository_counts.pushes + 1"
                                " RETURNING (SELECT tag_limit FROM repositories WHERE id = repo_id)" },
    [SET_LIMIT]     = { .name = "repo.set_limit",     .in = "iit",    .out = "",
                        .sql  = "UPDATE repositories SET tag_limit = $2, tag_limit_keep = $3 WHERE id = $1 AND deleted_at IS NULL" },
    [EXTRAS]        = { .name = "repo.extras",        .in = "t",      .out = "itii",
                        .sqlite = EXTRAS_OF("SELECT value FROM json_each($1)"),
                        .pg     = EXTRAS_OF("SELECT jsonb_array_elements_text(($1)::text::jsonb)::bigint") },
};

static const struct db_column columns[] = { META_REPO_FIELDS };
static const struct db_column extra_columns[] = {
    DB_COL_INT (struct meta_repo_extra, id),
    DB_COL_TEXT(struct meta_repo_extra, namespace_kind),
    DB_COL_INT (struct meta_repo_extra, pulls),
    DB_COL_INT (struct meta_repo_extra, pushes),
};
static const struct db_column place_columns[] = {
    DB_COL_INT(struct meta_place, repo_id),
    DB_COL_INT(struct meta_place, created_at),
    DB_COL_INT(struct meta_place, is_public),
    DB_COL_INT(struct meta_place, namespace_id),
    DB_COL_INT(struct meta_place, is_organization),
    DB_COL_INT(struct meta_place, create_on_push),
};
static const struct db_column counts_columns[] = {
    DB_COL_INT(struct meta_repo_counts, pulls),
    DB_COL_INT(struct meta_repo_counts, pushes),
};
/* clang-format on */

META_STATEMENTS(repo);

int meta_repo_find(struct db_tx *tx, struct arena *arena, struct str path, struct meta_repo *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(path)), columns, out, err);
}

int meta_repo_find_id(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                      struct err *err)
{
    return db_find(tx, arena, &sql[FIND_ID], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_repo_find_ever(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                        struct err *err)
{
    return db_find(tx, arena, &sql[FIND_EVER], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_repo_place(struct db_tx *tx, struct arena *arena, struct str path, struct str namespace,
                    struct meta_place *out, struct err *err)
{
    *out = (struct meta_place){ 0 };
    return db_find(tx, arena, &sql[PLACE], DB_ARGS(db_text(path), db_text(namespace)),
                   place_columns, out, err) < 0
               ? -1
               : 0;
}

int meta_repo_path(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                   struct err *err)
{
    return db_find_text(tx, arena, &sql[PATH], DB_ARGS(db_int(id)), out, err);
}

int meta_repo_lock(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[LOCK], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_repo_hold(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[HOLD], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_repo_last_deleted(struct db_tx *tx, struct str path, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[LAST_DELETED], DB_ARGS(db_text(path)), out, err);
}

int meta_repo_add(struct db_tx *tx, struct str path, int64_t namespace_id, int64_t is_public,
                  int64_t created_by, int64_t *out_id, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    if (db_find_int(tx, &sql[ADD],
                    DB_ARGS(db_text(str_from(uuid)), db_text(path), db_int(namespace_id),
                            db_int(is_public), db_int(db_now(tx)), db_int(created_by)),
                    out_id, err) < 0)
        return -1;
    return meta_search_add(tx, "repository", *out_id, path, err);
}

/* A change of one living repository. */
static int change(struct db_tx *tx, const struct db_statement *statement, int64_t id, int64_t value,
                  struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, statement, DB_ARGS(db_int(id), db_int(value)), &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no living repository %lld", (long long)id);
    return 0;
}

int meta_repo_set_public(struct db_tx *tx, int64_t id, int64_t is_public, struct err *err)
{
    return change(tx, &sql[SET_PUBLIC], id, is_public, err);
}

int meta_repo_delete(struct db_tx *tx, int64_t id, struct err *err)
{
    return change(tx, &sql[DELETE], id, db_now(tx), err);
}

int meta_repo_find_longest(struct db_tx *tx, struct arena *arena, const struct str *paths,
                           size_t n_paths, struct meta_repo *out, struct err *err)
{
    return db_find(tx, arena, &sql[LONGEST],
                   DB_ARGS(db_text(meta_paths_print(arena, paths, n_paths))), columns, out, err);
}

int meta_repo_update(struct db_tx *tx, const struct meta_repo *repo, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[UPDATE],
               DB_ARGS(db_int(repo->id), db_int(repo->is_public), db_text(repo->short_description),
                       db_int(repo->immutable_tags), db_int(repo->scan_on_push),
                       db_int(repo->enable_manifest_lists), db_int(repo->tag_limit)),
               &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no living repository %lld",
                       (long long)repo->id);
    return 0;
}

int meta_repo_delete_in(struct db_tx *tx, int64_t namespace_id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[DELETE_IN], DB_ARGS(db_int(namespace_id), db_int(db_now(tx))), out_n,
                  err);
}

int meta_repo_count_in(struct db_tx *tx, int64_t namespace_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT_IN], DB_ARGS(db_int(namespace_id)), out, err) < 0 ? -1 : 0;
}

int meta_repo_readme_find(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                          struct err *err)
{
    return db_find_text(tx, arena, &sql[README_FIND], DB_ARGS(db_int(id)), out, err);
}

int meta_repo_readme_put(struct db_tx *tx, int64_t id, struct str markdown, struct err *err)
{
    if (markdown.n == 0)
        return db_run(tx, &sql[README_REMOVE], DB_ARGS(db_int(id)), NULL, err);
    return db_run(tx, &sql[README_PUT], DB_ARGS(db_int(id), db_text(markdown)), NULL, err);
}

int meta_repo_counts_find(struct db_tx *tx, int64_t id, struct meta_repo_counts *out,
                          struct err *err)
{
    struct meta_repo_counts counts = { 0 };

    if (db_find(tx, NULL, &sql[COUNTS_FIND], DB_ARGS(db_int(id)), counts_columns, &counts, err) < 0)
        return -1;
    *out = counts;
    return 0;
}

int meta_repo_counts_add(struct db_tx *tx, int64_t id, const struct meta_repo_counts *more,
                         struct err *err)
{
    return db_run(tx, &sql[COUNTS_ADD],
                  DB_ARGS(db_int(id), db_int(more->pulls), db_int(more->pushes)), NULL, err);
}

int meta_repo_count_push(struct db_tx *tx, int64_t id, int64_t *out_limit, struct err *err)
{
    return db_find_int(tx, &sql[COUNT_PUSH], DB_ARGS(db_int(id)), out_limit, err) < 0 ? -1 : 0;
}

int meta_repo_set_limit(struct db_tx *tx, int64_t id, int64_t limit, struct str keep,
                        struct err *err)
{
    return db_run(tx, &sql[SET_LIMIT], DB_ARGS(db_int(id), db_int(limit), db_text(keep)), NULL,
                  err);
}

int meta_repo_extras(struct db_tx *tx, struct arena *arena, const struct meta_repo *repos, size_t n,
                     struct meta_repo_extra **out, struct err *err)
{
    enum { DIGITS = 21 };
    struct buf ids;
    void      *list;
    size_t     n_found;

    buf_init(&ids, arena, 8 + n * DIGITS);
    buf_text(&ids, "[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&ids, "%s%lld", i > 0 ? "," : "", (long long)repos[i].id);
    buf_text(&ids, "]");
    if (db_list(tx, arena, &sql[EXTRAS], DB_ARGS(db_text(buf_view(&ids))), extra_columns,
                sizeof(struct meta_repo_extra), n, &list, &n_found, err) < 0)
        return -1;
    if (n_found != n) {
        err_set(err, ERR_UNAVAILABLE, "a repository was deleted meanwhile");
        err->may_repeat = true;
        return -1;
    }
    *out = list;
    return 0;
}
