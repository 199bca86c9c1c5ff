/* meta/level.c: DTR's levels of access, read from grants. */
#include "meta/level.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/grant_private.h"
#include "meta/repo_private.h"
#include "meta/statements.h"

enum { PAGE, COUNT, GRANTS, PAGE_OF, COUNT_OF };
enum { ROLES = 3 };

#define BUILT_IN "r.name IN ('read-only', 'read-write', 'admin')"
#define LEVEL "max(CASE r.name WHEN 'admin' THEN 3 WHEN 'read-write' THEN 2 ELSE 1 END)"
#define AT_PLACE "g.path = $1 AND coalesce(g.repo_id, 0) = $2"

/* Only one living repository has a path: SQLite reads its columns beside the maximum and needs no sorting. */
#define PAGE_OF_BY(group)                                                                       \
    "SELECT " META_REPO_COLUMNS("p.") ", " LEVEL " FROM grants AS g JOIN roles AS r ON r.id = " \
                                      "g.role_id JOIN repositories AS p ON p.id = "             \
                                      "g.repo_id WHERE g.team_id = $1 AND g.path > $2 AND "     \
                                      "p.deleted_at IS NULL AND " BUILT_IN " GROUP BY " group   \
                                      " ORDER BY g.path LIMIT $3"

/* clang-format off */
static const struct db_statement sql[] = {
    [PAGE]     = { .name = "level.page",     .in = "tiitii", .out = "ittii",
                   .sql  = "SELECT t.id, t.uuid, t.name, " LEVEL ", CASE WHEN EXISTS (SELECT 1 FROM team_members AS m"
                           " WHERE m.team_id = t.id AND m.account_id = $5) THEN 1 ELSE 0 END"
                           " FROM grants AS g JOIN roles AS r ON r.id = g.role_id JOIN teams AS t ON t.id = g.team_id"
                           " WHERE " AT_PLACE " AND t.org_id = $3 AND " BUILT_IN " AND t.name > $4"
                           " GROUP BY t.id, t.uuid, t.name ORDER BY t.name LIMIT $6" },
    [COUNT]    = { .name = "level.count",    .in = "tii",    .out = "i",
                   .sql  = "SELECT count(DISTINCT g.team_id) FROM grants AS g JOIN roles AS r ON r.id = g.role_id"
                           " JOIN teams AS t ON t.id = g.team_id WHERE " AT_PLACE " AND t.org_id = $3 AND " BUILT_IN },
    [GRANTS]   = { .name = "level.grants",   .in = "tii",    .out = META_GRANT_OUT,
                   .sql  = "SELECT " META_GRANT_COLUMNS META_GRANT_FROM " WHERE " AT_PLACE " AND g.team_id = $3 AND " BUILT_IN },
    [PAGE_OF]  = { .name = "level.page_of",  .in = "iti",    .out = META_REPO_OUT "i",
                   .sqlite = PAGE_OF_BY("g.path"), .pg = PAGE_OF_BY("g.path, p.id") },
    [COUNT_OF] = { .name = "level.count_of", .in = "i",      .out = "i",
                   .sql  = "SELECT count(DISTINCT g.repo_id) FROM grants AS g JOIN roles AS r ON r.id = g.role_id"
                           " JOIN repositories AS p ON p.id = g.repo_id WHERE g.team_id = $1 AND p.deleted_at IS NULL"
                           " AND " BUILT_IN },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_team_level, team_id),
    DB_COL_TEXT(struct meta_team_level, uuid),
    DB_COL_TEXT(struct meta_team_level, name),
    DB_COL_INT (struct meta_team_level, level),
    DB_COL_INT (struct meta_team_level, is_member),
};
static const struct db_column grant_columns[] = { META_GRANT_FIELDS };
static const struct db_column columns_of[] = {
    META_REPO_FIELDS_IN(struct meta_repo_level, repo.),
    DB_COL_INT(struct meta_repo_level, level),
};

static const char *const names[] = { "none", "read-only", "read-write", "admin" };
/* clang-format on */

META_STATEMENTS(level);

int64_t meta_level_parse(struct str word)
{
    for (size_t i = 1; i < ARRAY_LEN(names); i++) {
        if (str_is(word, names[i]))
            return (int64_t)i;
    }
    return 0;
}

const char *meta_level_name(int64_t level)
{
    return names[level];
}

int meta_level_page(struct db_tx *tx, struct arena *arena, const struct meta_level_place *place,
                    int64_t asking_account, struct str after, size_t n_max,
                    struct meta_team_level **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_text(place->path), db_int(place->repo_id), db_int(place->org_id),
                        db_text(after.p == NULL ? STR("") : after), db_int(asking_account),
                        db_int((int64_t)n_max)),
                columns, sizeof(struct meta_team_level), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_level_count(struct db_tx *tx, const struct meta_level_place *place, int64_t *out,
                     struct err *err)
{
    return db_find_int(tx, &sql[COUNT],
                       DB_ARGS(db_text(place->path), db_int(place->repo_id), db_int(place->org_id)),
                       out, err) < 0
               ? -1
               : 0;
}

int meta_level_grants(struct db_tx *tx, struct arena *arena, int64_t team_id,
                      const struct meta_level_place *place, struct meta_grant **out, size_t *n_out,
                      struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[GRANTS],
                DB_ARGS(db_text(place->path), db_int(place->repo_id), db_int(team_id)),
                grant_columns, sizeof(struct meta_grant), ROLES, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_level_page_of(struct db_tx *tx, struct arena *arena, int64_t team_id, struct str after,
                       size_t n_max, struct meta_repo_level **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE_OF],
                DB_ARGS(db_int(team_id), db_text(after.p == NULL ? STR("") : after),
                        db_int((int64_t)n_max)),
                columns_of, sizeof(struct meta_repo_level), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_level_count_of(struct db_tx *tx, int64_t team_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT_OF], DB_ARGS(db_int(team_id)), out, err) < 0 ? -1 : 0;
}
