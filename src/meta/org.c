/* meta/org.c: members of organisations. */
#include "meta/org.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/account_private.h"
#include "meta/member_private.h"
#include "meta/statements.h"

enum { FIND, LOCK, PUT, REMOVE, LEAVE_TEAMS, PAGE, COUNT, PAGE_OF, COUNT_OF, SHARED, OWNERS };

#define MEMBERS \
    " FROM org_members AS m JOIN accounts AS a ON a.id = m.account_id WHERE m.org_id = $1"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]        = { .name = "org_member.find",        .in = "ii",   .out = "i",
                      .sql  = "SELECT is_owner FROM org_members WHERE org_id = $1 AND account_id = $2" },
    [LOCK]        = { .name = "org_member.lock",        .in = "ii",   .out = "i",
                      .sql  = "SELECT is_owner FROM org_members WHERE org_id = $1 AND account_id = $2",
                      .pg   = "SELECT is_owner FROM org_members WHERE org_id = $1 AND account_id = $2 FOR UPDATE" },
    [PUT]         = { .name = "org_member.put",         .in = "iiii", .out = "",
                      .sql  = "INSERT INTO org_members (org_id, account_id, is_owner, added_at) VALUES ($1, $2, $3, $4)"
                              " ON CONFLICT (org_id, account_id) DO UPDATE SET is_owner = excluded.is_owner" },
    [REMOVE]      = { .name = "org_member.remove",      .in = "ii",   .out = "",
                      .sql  = "DELETE FROM org_members WHERE org_id = $1 AND account_id = $2" },
    [LEAVE_TEAMS] = { .name = "org_member.leave_teams", .in = "ii",   .out = "",
                      .sql  = "DELETE FROM team_members WHERE account_id = $2"
                              " AND team_id IN (SELECT id FROM teams WHERE org_id = $1)" },
    [PAGE]        = { .name = "org_member.page",        .in = "iiti", .out = META_ACCOUNT_OUT "i",
                      .sql  = "SELECT " META_ACCOUNT_COLUMNS("a.") ", m.is_owner" MEMBERS
                              " AND ($2 < 0 OR m.is_owner = $2) AND a.name > $3 ORDER BY a.name LIMIT $4" },
    [COUNT]       = { .name = "org_member.count",       .in = "ii",   .out = "i",
                      .sql  = "SELECT count(*)" MEMBERS " AND ($2 < 0 OR m.is_owner = $2)" },
    [PAGE_OF]     = { .name = "org.page_of",            .in = "iti",  .out = META_ACCOUNT_OUT "i",
                      .sql  = "SELECT " META_ACCOUNT_COLUMNS("a.") ", m.is_owner FROM org_members AS m"
                              " JOIN accounts AS a ON a.id = m.org_id WHERE m.account_id = $1 AND a.name > $2"
                              " ORDER BY a.name LIMIT $3" },
    [COUNT_OF]    = { .name = "org.count_of",           .in = "i",    .out = "i",
                      .sql  = "SELECT count(*) FROM org_members WHERE account_id = $1" },
    [SHARED]      = { .name = "org.shared",             .in = "ii",   .out = "i",
                      .sql  = "SELECT m.org_id FROM org_members AS m JOIN org_members AS o ON o.org_id = m.org_id"
                              " WHERE m.account_id = $1 AND o.account_id = $2 LIMIT 1" },
    [OWNERS]      = { .name = "org.owners",             .in = "i",    .out = "i",
                      .sql  = "SELECT count(*)" MEMBERS " AND m.is_owner = 1 AND a.is_active = 1" },
};

static const struct db_column columns[] = {
    META_ACCOUNT_FIELDS(struct meta_member, account.),
    DB_COL_INT(struct meta_member, is_admin),
};
/* clang-format on */

META_STATEMENTS(org);

int meta_member_list(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, size_t n_max,
                     struct meta_member **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, statement, args, n_args, columns, sizeof(struct meta_member), n_max,
                &list, n_out, err) < 0)
        return -1;
    *out = list;
    for (size_t i = 0; i < *n_out; i++)
        (*out)[i].account.password_hash = STR_NULL;
    return 0;
}

int64_t meta_member_wanted(enum meta_member_filter filter)
{
    return filter == META_MEMBERS_ALL ? -1 : filter == META_MEMBERS_ADMINS;
}

int meta_org_member_find(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_owner,
                         struct err *err)
{
    return db_find_int(tx, &sql[FIND], DB_ARGS(db_int(org_id), db_int(account_id)), out_owner, err);
}

int meta_org_member_lock(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_owner,
                         struct err *err)
{
    return db_find_int(tx, &sql[LOCK], DB_ARGS(db_int(org_id), db_int(account_id)), out_owner, err);
}

int meta_org_member_put(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t is_owner,
                        struct err *err)
{
    return db_run(tx, &sql[PUT],
                  DB_ARGS(db_int(org_id), db_int(account_id), db_int(is_owner), db_int(db_now(tx))),
                  NULL, err);
}

int meta_org_member_remove(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_n,
                           struct err *err)
{
    int64_t n;

    /* Whoever puts it into a team holds its membership: what they did is seen once that is gone. */
    if (db_run(tx, &sql[REMOVE], DB_ARGS(db_int(org_id), db_int(account_id)), &n, err) < 0 ||
        db_run(tx, &sql[LEAVE_TEAMS], DB_ARGS(db_int(org_id), db_int(account_id)), NULL, err) < 0)
        return -1;
    *out_n = n;
    return 0;
}

int meta_org_member_page(struct db_tx *tx, struct arena *arena, int64_t org_id,
                         enum meta_member_filter filter, struct str after, size_t n_max,
                         struct meta_member **out, size_t *n_out, struct err *err)
{
    return meta_member_list(tx, arena, &sql[PAGE],
                            DB_ARGS(db_int(org_id), db_int(meta_member_wanted(filter)),
                                    db_text(after.p == NULL ? STR("") : after),
                                    db_int((int64_t)n_max)),
                            n_max, out, n_out, err);
}

int meta_org_member_count(struct db_tx *tx, int64_t org_id, enum meta_member_filter filter,
                          int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(org_id), db_int(meta_member_wanted(filter))),
                       out, err) < 0
               ? -1
               : 0;
}

int meta_org_page_of(struct db_tx *tx, struct arena *arena, int64_t account_id, struct str after,
                     size_t n_max, struct meta_member **out, size_t *n_out, struct err *err)
{
    return meta_member_list(tx, arena, &sql[PAGE_OF],
                            DB_ARGS(db_int(account_id), db_text(after.p == NULL ? STR("") : after),
                                    db_int((int64_t)n_max)),
                            n_max, out, n_out, err);
}

int meta_org_count_of(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT_OF], DB_ARGS(db_int(account_id)), out, err) < 0 ? -1 : 0;
}

int meta_org_shared(struct db_tx *tx, int64_t account_id, int64_t other_id, struct err *err)
{
    int64_t ignored_org; /* whether, not which */

    return db_find_int(tx, &sql[SHARED], DB_ARGS(db_int(account_id), db_int(other_id)),
                       &ignored_org, err);
}

int meta_org_owner_count(struct db_tx *tx, int64_t org_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[OWNERS], DB_ARGS(db_int(org_id)), out, err) < 0 ? -1 : 0;
}
