/* meta/team.c: teams and their members. */
#include "meta/team.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/account_private.h"
#include "meta/member_private.h"
#include "meta/statements.h"

enum {
    FIND_NAME,
    FIND_UUID,
    FIND_ID,
    LOCK,
    ADD,
    UPDATE,
    REMOVE,
    PAGE,
    COUNT,
    MEMBER_FIND,
    MEMBER_PUT,
    MEMBER_REMOVE,
    MEMBER_PAGE,
    MEMBER_COUNT,
    PAGE_OF,
    COUNT_OF
};

#define COLUMNS                                                    \
    "t.id, t.uuid, t.org_id, t.name, t.description, t.created_at," \
    " (SELECT count(*) FROM team_members AS c WHERE c.team_id = t.id)"
#define MEMBERS \
    " FROM team_members AS m JOIN accounts AS a ON a.id = m.account_id WHERE m.team_id = $1"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND_NAME]     = { .name = "team.find_name",     .in = "it",     .out = "itittii",
                        .sql  = "SELECT " COLUMNS " FROM teams AS t WHERE t.org_id = $1 AND t.name = $2" },
    [FIND_UUID]     = { .name = "team.find_uuid",     .in = "it",     .out = "itittii",
                        .sql  = "SELECT " COLUMNS " FROM teams AS t WHERE t.org_id = $1 AND t.uuid = $2" },
    [FIND_ID]       = { .name = "team.find_id",       .in = "i",      .out = "itittii",
                        .sql  = "SELECT " COLUMNS " FROM teams AS t WHERE t.id = $1" },
    [LOCK]          = { .name = "team.lock",          .in = "i",      .out = "i",
                        .sqlite = "SELECT id FROM teams WHERE id = $1",
                        .pg     = "SELECT id FROM teams WHERE id = $1 FOR NO KEY UPDATE" },
    [ADD]           = { .name = "team.add",           .in = "titti",  .out = "i",
                        .sql  = "INSERT INTO teams (uuid, org_id, name, description, created_at)"
                                " VALUES ($1, $2, $3, $4, $5) RETURNING id" },
    [UPDATE]        = { .name = "team.update",        .in = "itt",    .out = "",
                        .sql  = "UPDATE teams SET name = $2, description = $3 WHERE id = $1" },
    [REMOVE]        = { .name = "team.remove",        .in = "i",      .out = "",
                        .sql  = "DELETE FROM teams WHERE id = $1" },
    [PAGE]          = { .name = "team.page",          .in = "iti",    .out = "itittii",
                        .sql  = "SELECT " COLUMNS " FROM teams AS t WHERE t.org_id = $1 AND t.name > $2"
                                " ORDER BY t.name LIMIT $3" },
    [COUNT]         = { .name = "team.count",         .in = "i",      .out = "i",
                        .sql  = "SELECT count(*) FROM teams WHERE org_id = $1" },
    [MEMBER_FIND]   = { .name = "team_member.find",   .in = "ii",     .out = "i",
                        .sql  = "SELECT is_admin FROM team_members WHERE team_id = $1 AND account_id = $2" },
    [MEMBER_PUT]    = { .name = "team_member.put",    .in = "iiii",   .out = "",
                        .sql  = "INSERT INTO team_members (team_id, account_id, is_admin, added_at) VALUES ($1, $2, $3, $4)"
                                " ON CONFLICT (team_id, account_id) DO UPDATE SET is_admin = excluded.is_admin" },
    [MEMBER_REMOVE] = { .name = "team_member.remove", .in = "ii",     .out = "",
                        .sql  = "DELETE FROM team_members WHERE team_id = $1 AND account_id = $2" },
    [MEMBER_PAGE]   = { .name = "team_member.page",   .in = "iiti",   .out = META_ACCOUNT_OUT "i",
                        .sql  = "SELECT " META_ACCOUNT_COLUMNS("a.") ", m.is_admin" MEMBERS
                                " AND ($2 < 0 OR m.is_admin = $2) AND a.name > $3 ORDER BY a.name LIMIT $4" },
    [MEMBER_COUNT]  = { .name = "team_member.count",  .in = "ii",     .out = "i",
                        .sql  = "SELECT count(*)" MEMBERS " AND ($2 < 0 OR m.is_admin = $2)" },
    [PAGE_OF]       = { .name = "team.page_of",       .in = "iiti",   .out = "itittiii",
                        .sql  = "SELECT " COLUMNS ", m.is_admin FROM team_members AS m JOIN teams AS t ON t.id = m.team_id"
                                " WHERE t.org_id = $1 AND m.account_id = $2 AND t.name > $3 ORDER BY t.name LIMIT $4" },
    [COUNT_OF]      = { .name = "team.count_of",      .in = "ii",     .out = "i",
                        .sql  = "SELECT count(*) FROM team_members AS m JOIN teams AS t ON t.id = m.team_id"
                                " WHERE t.org_id = $1 AND m.account_id = $2" },
};

#define FIELDS(type, in)             \
    DB_COL_INT (type, in id),        \
    DB_COL_TEXT(type, in uuid),      \
    DB_COL_INT (type, in org_id),    \
    DB_COL_TEXT(type, in name),      \
    DB_COL_TEXT(type, in description), \
    DB_COL_INT (type, in created_at), \
    DB_COL_INT (type, in n_members)

static const struct db_column columns[] = { FIELDS(struct meta_team, ) };
static const struct db_column columns_of[] = {
    FIELDS(struct meta_member_team, team.),
    DB_COL_INT(struct meta_member_team, is_admin),
};
/* clang-format on */

META_STATEMENTS(team);

int meta_team_find(struct db_tx *tx, struct arena *arena, int64_t org_id, struct str name_or_uuid,
                   struct meta_team *out, struct err *err)
{
    int found = db_find(tx, arena, &sql[FIND_NAME], DB_ARGS(db_int(org_id), db_text(name_or_uuid)),
                        columns, out, err);

    if (found != 0 || name_or_uuid.n != RANDOM_UUID_MAX - 1)
        return found;
    return db_find(tx, arena, &sql[FIND_UUID], DB_ARGS(db_int(org_id), db_text(name_or_uuid)),
                   columns, out, err);
}

int meta_team_find_id(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_team *out,
                      struct err *err)
{
    return db_find(tx, arena, &sql[FIND_ID], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_team_lock(struct db_tx *tx, int64_t id, struct err *err)
{
    int64_t ignored_id; /* it is the lock that matters */
    int     found = db_find_int(tx, &sql[LOCK], DB_ARGS(db_int(id)), &ignored_id, err);

    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no team %lld", (long long)id);
    return found < 0 ? -1 : 0;
}

int meta_team_add(struct db_tx *tx, const struct meta_team *team, int64_t *out_id, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(str_from(uuid)), db_int(team->org_id), db_text(team->name),
                               db_text(team->description.p == NULL ? STR("") : team->description),
                               db_int(db_now(tx))),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_team_update(struct db_tx *tx, int64_t id, struct str name, struct str description,
                     struct err *err)
{
    return db_run(tx, &sql[UPDATE], DB_ARGS(db_int(id), db_text(name), db_text(description)), NULL,
                  err);
}

int meta_team_remove(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), NULL, err);
}

int meta_team_page(struct db_tx *tx, struct arena *arena, int64_t org_id, struct str after,
                   size_t n_max, struct meta_team **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_int(org_id), db_text(after.p == NULL ? STR("") : after),
                        db_int((int64_t)n_max)),
                columns, sizeof(struct meta_team), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_team_count(struct db_tx *tx, int64_t org_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(org_id)), out, err) < 0 ? -1 : 0;
}

int meta_team_member_find(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t *out_admin,
                          struct err *err)
{
    return db_find_int(tx, &sql[MEMBER_FIND], DB_ARGS(db_int(team_id), db_int(account_id)),
                       out_admin, err);
}

int meta_team_member_put(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t is_admin,
                         struct err *err)
{
    return db_run(tx, &sql[MEMBER_PUT],
                  DB_ARGS(db_int(team_id), db_int(account_id), db_int(is_admin),
                          db_int(db_now(tx))),
                  NULL, err);
}

int meta_team_member_remove(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t *out_n,
                            struct err *err)
{
    return db_run(tx, &sql[MEMBER_REMOVE], DB_ARGS(db_int(team_id), db_int(account_id)), out_n,
                  err);
}

int meta_team_member_page(struct db_tx *tx, struct arena *arena, int64_t team_id,
                          enum meta_member_filter filter, struct str after, size_t n_max,
                          struct meta_member **out, size_t *n_out, struct err *err)
{
    return meta_member_list(tx, arena, &sql[MEMBER_PAGE],
                            DB_ARGS(db_int(team_id), db_int(meta_member_wanted(filter)),
                                    db_text(after.p == NULL ? STR("") : after),
                                    db_int((int64_t)n_max)),
                            n_max, out, n_out, err);
}

int meta_team_member_count(struct db_tx *tx, int64_t team_id, enum meta_member_filter filter,
                           int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[MEMBER_COUNT],
                       DB_ARGS(db_int(team_id), db_int(meta_member_wanted(filter))), out, err) < 0
               ? -1
               : 0;
}

int meta_team_page_of(struct db_tx *tx, struct arena *arena, int64_t org_id, int64_t account_id,
                      struct str after, size_t n_max, struct meta_member_team **out, size_t *n_out,
                      struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE_OF],
                DB_ARGS(db_int(org_id), db_int(account_id),
                        db_text(after.p == NULL ? STR("") : after), db_int((int64_t)n_max)),
                columns_of, sizeof(struct meta_member_team), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_team_count_of(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out,
                       struct err *err)
{
    return db_find_int(tx, &sql[COUNT_OF], DB_ARGS(db_int(org_id), db_int(account_id)), out, err) <
                   0
               ? -1
               : 0;
}
