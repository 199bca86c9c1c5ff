/* meta/grant.c: grants. Lists of paths go to the database as one JSON text, which both engines read. */
#include "meta/grant.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/grant_private.h"
#include "meta/paths_private.h"
#include "meta/statements.h"

enum {
    PAGE_TEAM,
    PAGE_ACCOUNT,
    PAGE_REPO,
    PAGE_PATH,
    LIST_BELOW,
    PAGE_BELOW,
    PAGE_REACHING,
    PAGE_ALL,
    FIND,
    ADD,
    REMOVE,
    REMOVE_OF,
    REACHING,
    PLACES,
    CANDIDATES
};

enum { REACHING_MAX = 10000, PLACES_MAX = 100000 };

#define COLUMNS META_GRANT_COLUMNS
#define FROM_GRANTS META_GRANT_FROM
#define OUT META_GRANT_OUT

/* A prefix, or the repository itself while it lives. */
#define ALIVE(repo) "(g.repo_id IS NULL OR g.repo_id = " repo ")"

/* What was granted on a repository goes with it. */
#define LIVES                                                                                   \
    "(g.repo_id IS NULL OR EXISTS (SELECT 1 FROM repositories AS p WHERE p.id = g.repo_id AND " \
    "p.deleted_at IS NULL))"

#define CANDIDATES_OF(chain)                                                                       \
    "SELECT DISTINCT name FROM ("                                                                  \
    "SELECT a.name FROM accounts AS a WHERE a.kind = 'user' AND a.is_admin = 1 AND a.is_active = " \
    "1"                                                                                            \
    " AND a.deleted_at IS NULL"                                                                    \
    " UNION ALL SELECT a.name FROM accounts AS a WHERE a.id = $1 AND a.kind = 'user' AND "         \
    "a.is_active = 1"                                                                              \
    " UNION ALL SELECT a.name FROM org_members AS m JOIN accounts AS a ON a.id = m.account_id"     \
    " WHERE m.org_id = $1 AND m.is_owner = 1 AND a.is_active = 1"                                  \
    " UNION ALL SELECT a.name FROM grants AS g JOIN accounts AS a ON a.id = g.account_id"          \
    " WHERE g.path IN (" chain                                                                     \
    ") AND " ALIVE("$3") " AND a.is_active = 1"                                                    \
                         " UNION ALL SELECT a.name FROM grants AS g JOIN team_members AS m ON "    \
                         "m.team_id = g.team_id"                                                   \
                         " JOIN accounts AS a ON a.id = m.account_id"                              \
                         " WHERE g.path IN (" chain ") AND " ALIVE(                                \
                             "$3") " AND a.is_active = 1"                                          \
                                   ") AS candidates WHERE name > $4 ORDER BY name LIMIT $5"

#define REACHING_OF(chain)                                                                     \
    "SELECT " COLUMNS FROM_GRANTS " WHERE g.path IN (" chain                                   \
    ") AND " ALIVE("$3") " AND (g.account_id = $1 OR EXISTS (SELECT 1 FROM team_members AS m " \
                         "WHERE m.team_id = "                                                  \
                         "g.team_id AND m.account_id = $1)) ORDER BY g.id"

/* clang-format off */
static const struct db_statement sql[] = {
    [PAGE_TEAM]    = { .name = "grant.page_team",    .in = "iii",    .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.team_id = $1 AND g.id > $2 ORDER BY g.id LIMIT $3" },
    [PAGE_ACCOUNT] = { .name = "grant.page_account", .in = "iii",    .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.account_id = $1 AND g.id > $2 ORDER BY g.id LIMIT $3" },
    [PAGE_REPO]    = { .name = "grant.page_repo",    .in = "iii",    .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.repo_id = $1 AND g.id > $2 ORDER BY g.id LIMIT $3" },
    [PAGE_PATH]    = { .name = "grant.page_path",    .in = "tii",    .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.path = $1 AND g.repo_id IS NULL AND g.id > $2"
                               " ORDER BY g.id LIMIT $3" },
    [LIST_BELOW]   = { .name = "grant.list_below",   .in = "ti",     .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.repo_id IS NULL AND (g.path = $1 OR (g.path >= $1 || '/'"
                               " AND g.path < $1 || '0')) LIMIT $2" },
    [PAGE_BELOW]   = { .name = "grant.page_below",   .in = "tttii",  .out = OUT, /* + 0: by the path, not by the id */
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.path >= $1 AND g.path < $3 AND (g.path = $1 OR g.path >= $2)"
                               " AND " LIVES " AND g.id + 0 > $4 ORDER BY g.id + 0 LIMIT $5" },
    [PAGE_REACHING] = { .name = "grant.page_reaching", .in = "iii",  .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE (g.account_id = $1 OR g.team_id IN"
                               " (SELECT m.team_id FROM team_members AS m WHERE m.account_id = $1)) AND " LIVES
                               " AND g.id > $2 ORDER BY g.id LIMIT $3" },
    [PAGE_ALL]     = { .name = "grant.page_all",     .in = "ii",     .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.id > $1 AND " LIVES " ORDER BY g.id LIMIT $2" },
    [FIND]         = { .name = "grant.find",         .in = "t",      .out = OUT,
                       .sql  = "SELECT " COLUMNS FROM_GRANTS " WHERE g.uuid = $1" },
    [ADD]          = { .name = "grant.add",          .in = "tiiitiii", .out = "",
                       .sql  = "INSERT INTO grants (uuid, role_id, team_id, account_id, path, repo_id, created_at, created_by)"
                               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)" },
    [REMOVE]       = { .name = "grant.remove",       .in = "i",      .out = "",
                       .sql  = "DELETE FROM grants WHERE id = $1" },
    [REMOVE_OF]    = { .name = "grant.remove_of",    .in = "i",      .out = "",
                       .sql  = "DELETE FROM grants WHERE account_id = $1" },
    [REACHING]     = { .name = "grant.reaching",     .in = "iti",    .out = OUT,
                       .sqlite = REACHING_OF(META_PATHS_SQLITE("$2")), .pg = REACHING_OF(META_PATHS_PG("$2")) },
    [PLACES]       = { .name = "grant.places",       .in = "i",      .out = "tit",
                       .sql  = "SELECT g.path, CASE WHEN g.repo_id IS NULL THEN 0 ELSE 1 END, r.verbs FROM grants AS g"
                               " JOIN roles AS r ON r.id = g.role_id LEFT JOIN repositories AS p ON p.id = g.repo_id"
                               " WHERE g.account_id = $1 AND p.deleted_at IS NULL"
                               " UNION SELECT g.path, CASE WHEN g.repo_id IS NULL THEN 0 ELSE 1 END, r.verbs"
                               " FROM team_members AS m JOIN grants AS g ON g.team_id = m.team_id"
                               " JOIN roles AS r ON r.id = g.role_id"
                               " LEFT JOIN repositories AS p ON p.id = g.repo_id WHERE m.account_id = $1"
                               " AND p.deleted_at IS NULL" },
    [CANDIDATES]   = { .name = "grant.candidates",   .in = "ititi",  .out = "t",
                       .sqlite = CANDIDATES_OF(META_PATHS_SQLITE("$2")), .pg = CANDIDATES_OF(META_PATHS_PG("$2")) },
};

static const struct db_column columns[] = { META_GRANT_FIELDS };
static const struct db_column place_columns[] = {
    DB_COL_TEXT(struct meta_grant_place, path),
    DB_COL_INT (struct meta_grant_place, is_repo),
    DB_COL_TEXT(struct meta_grant_place, verbs),
};
/* clang-format on */

META_STATEMENTS(grant);

static int list(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, size_t n_max, struct meta_grant **out, size_t *n_out,
                struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[statement], args, n_args, columns, sizeof(struct meta_grant), n_max,
                &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

/* '0' follows the slash. */
static int page_below(struct db_tx *tx, struct arena *arena, struct str prefix, int64_t after,
                      size_t n_max, struct meta_grant **out, size_t *n_out, struct err *err)
{
    struct str from = str_from(mem_printf(arena, STR_FMT "/", STR_ARGS(prefix)));
    struct str to   = str_from(mem_printf(arena, STR_FMT "0", STR_ARGS(prefix)));

    return list(tx, arena, PAGE_BELOW,
                DB_ARGS(db_text(prefix), db_text(from), db_text(to), db_int(after),
                        db_int((int64_t)n_max)),
                n_max, out, n_out, err);
}

int meta_grant_page(struct db_tx *tx, struct arena *arena, const struct meta_grant_filter *filter,
                    int64_t after, size_t n_max, struct meta_grant **out, size_t *n_out,
                    struct err *err)
{
    int64_t limit = (int64_t)n_max;

    if (filter->team_id != 0)
        return list(tx, arena, PAGE_TEAM,
                    DB_ARGS(db_int(filter->team_id), db_int(after), db_int(limit)), n_max, out,
                    n_out, err);
    if (filter->account_id != 0)
        return list(tx, arena, PAGE_ACCOUNT,
                    DB_ARGS(db_int(filter->account_id), db_int(after), db_int(limit)), n_max, out,
                    n_out, err);
    if (filter->repo_id != 0)
        return list(tx, arena, PAGE_REPO,
                    DB_ARGS(db_int(filter->repo_id), db_int(after), db_int(limit)), n_max, out,
                    n_out, err);
    if (filter->reaching != 0)
        return list(tx, arena, PAGE_REACHING,
                    DB_ARGS(db_int(filter->reaching), db_int(after), db_int(limit)), n_max, out,
                    n_out, err);
    if (filter->prefix.p == NULL || (filter->is_below && filter->prefix.n == 0))
        return list(tx, arena, PAGE_ALL, DB_ARGS(db_int(after), db_int(limit)), n_max, out, n_out,
                    err);
    if (filter->is_below)
        return page_below(tx, arena, filter->prefix, after, n_max, out, n_out, err);
    return list(tx, arena, PAGE_PATH,
                DB_ARGS(db_text(filter->prefix), db_int(after), db_int(limit)), n_max, out, n_out,
                err);
}

int meta_grant_list_below(struct db_tx *tx, struct arena *arena, struct str prefix, size_t n_max,
                          struct meta_grant **out, size_t *n_out, struct err *err)
{
    return list(tx, arena, LIST_BELOW, DB_ARGS(db_text(prefix), db_int((int64_t)n_max)), n_max, out,
                n_out, err);
}

int meta_grant_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_grant *out,
                    struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(uuid)), columns, out, err);
}

static struct db_value id_or_null(int64_t id)
{
    return id == 0 ? db_null() : db_int(id);
}

int meta_grant_add(struct db_tx *tx, struct arena *arena, const struct meta_grant *grant,
                   int64_t created_by, struct str *out_uuid, struct err *err)
{
    char *uuid = mem_alloc(arena, RANDOM_UUID_MAX);

    random_uuid(uuid);
    if (db_run(tx, &sql[ADD],
               DB_ARGS(db_text(str_from(uuid)), db_int(grant->role_id), id_or_null(grant->team_id),
                       id_or_null(grant->account_id), db_text(grant->path),
                       id_or_null(grant->repo_id), db_int(db_now(tx)), db_int(created_by)),
               NULL, err) < 0)
        return -1;
    *out_uuid = str_from(uuid);
    return 0;
}

int meta_grant_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), out_n, err);
}

int meta_grant_remove_of(struct db_tx *tx, int64_t account_id, struct err *err)
{
    return db_run(tx, &sql[REMOVE_OF], DB_ARGS(db_int(account_id)), NULL, err);
}

int meta_grant_reaching(struct db_tx *tx, struct arena *arena, int64_t account_id,
                        const struct str *paths, size_t n_paths, int64_t repo_id,
                        struct meta_grant **out, size_t *n_out, struct err *err)
{
    struct str chain = meta_paths_print(arena, paths, n_paths);

    return list(tx, arena, REACHING, DB_ARGS(db_int(account_id), db_text(chain), db_int(repo_id)),
                REACHING_MAX, out, n_out, err);
}

int meta_grant_places(struct db_tx *tx, struct arena *arena, int64_t account_id,
                      struct meta_grant_place **out, size_t *n_out, struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[PLACES], DB_ARGS(db_int(account_id)), place_columns,
                sizeof(struct meta_grant_place), PLACES_MAX, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_grant_candidates(struct db_tx *tx, struct arena *arena, int64_t namespace_id,
                          const struct str *paths, size_t n_paths, int64_t repo_id,
                          struct str after, size_t n_max, struct str **out, size_t *n_out,
                          struct err *err)
{
    struct str chain = meta_paths_print(arena, paths, n_paths);

    return db_list_text(tx, arena, &sql[CANDIDATES],
                        DB_ARGS(db_int(namespace_id), db_text(chain), db_int(repo_id),
                                db_text(after.p == NULL ? STR("") : after), db_int((int64_t)n_max)),
                        n_max, out, n_out, err);
}
