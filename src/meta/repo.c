/* meta/repo.c: repositories. */
#include "meta/repo.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/statements.h"

enum { FIND, FIND_ID, LAST_DELETED, ADD, SET_PUBLIC, DELETE, PAGE_ALL, PAGE_VISIBLE };

#define COLUMNS "id, uuid, path, namespace_id, is_public, created_at, created_by"

/* One of the two ranges of a page; each is bounded, so that neither is read to its end. */
#define RANGE(condition)                                                                      \
    "SELECT path FROM (SELECT path FROM repositories WHERE deleted_at IS NULL AND " condition \
    " AND path > $1 ORDER BY path LIMIT $3) AS "

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]         = { .name = "repo.find",         .in = "t",     .out = "ittiiii",
                       .sql  = "SELECT " COLUMNS " FROM repositories WHERE path = $1 AND deleted_at IS NULL" },
    [FIND_ID]      = { .name = "repo.find_id",      .in = "i",     .out = "ittiiii",
                       .sql  = "SELECT " COLUMNS " FROM repositories WHERE id = $1 AND deleted_at IS NULL" },
    [LAST_DELETED] = { .name = "repo.last_deleted", .in = "t",     .out = "i",
                       .sql  = "SELECT deleted_at FROM repositories WHERE path = $1 AND deleted_at IS NOT NULL"
                               " ORDER BY deleted_at DESC LIMIT 1" },
    [ADD]          = { .name = "repo.add",          .in = "ttiiii", .out = "i",
                       .sql  = "INSERT INTO repositories (uuid, path, namespace_id, is_public, created_at, created_by)"
                               " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id" },
    [SET_PUBLIC]   = { .name = "repo.set_public",   .in = "ii",    .out = "",
                       .sql  = "UPDATE repositories SET is_public = $2 WHERE id = $1 AND deleted_at IS NULL" },
    [DELETE]       = { .name = "repo.delete",       .in = "ii",    .out = "",
                       .sql  = "UPDATE repositories SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL" },
    [PAGE_ALL]     = { .name = "repo.page_all",     .in = "ti",    .out = "t",
                       .sql  = "SELECT path FROM repositories WHERE deleted_at IS NULL AND path > $1 ORDER BY path LIMIT $2" },
    [PAGE_VISIBLE] = { .name = "repo.page_visible", .in = "tii",   .out = "t",
                       .sql  = RANGE("is_public = 1") "open_to_all UNION " RANGE("namespace_id = $2") "own"
                               " ORDER BY path LIMIT $3" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_repo, id),
    DB_COL_TEXT(struct meta_repo, uuid),
    DB_COL_TEXT(struct meta_repo, path),
    DB_COL_INT (struct meta_repo, namespace_id),
    DB_COL_INT (struct meta_repo, is_public),
    DB_COL_INT (struct meta_repo, created_at),
    DB_COL_INT (struct meta_repo, created_by),
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

int meta_repo_last_deleted(struct db_tx *tx, struct str path, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[LAST_DELETED], DB_ARGS(db_text(path)), out, err);
}

int meta_repo_add(struct db_tx *tx, struct str path, int64_t namespace_id, int64_t is_public,
                  int64_t created_by, int64_t *out_id, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(str_from(uuid)), db_text(path), db_int(namespace_id),
                               db_int(is_public), db_int(db_now(tx)), db_int(created_by)),
                       out_id, err) < 0
               ? -1
               : 0;
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

int meta_repo_page(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                   struct str after, size_t n_max, struct str **out_paths, size_t *n_out,
                   struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;

    if (filter->is_all)
        return db_list_text(tx, arena, &sql[PAGE_ALL],
                            DB_ARGS(db_text(from), db_int((int64_t)n_max)), n_max, out_paths, n_out,
                            err);
    return db_list_text(tx, arena, &sql[PAGE_VISIBLE],
                        DB_ARGS(db_text(from), db_int(filter->namespace_id),
                                db_int((int64_t)n_max)),
                        n_max, out_paths, n_out, err);
}
