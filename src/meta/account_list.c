/* meta/account_list.c: pages of accounts by filter. Each filter is a range of an index, or a few of them side by
 * side, so that the first page costs the same among ten accounts and among a million. */
#include "base/err.h"
#include "base/mem.h"
#include "meta/account.h"
#include "meta/account_private.h"
#include "meta/statements.h"

/* What members and teams an organisation has is asked for organisations only. */
#define ROW                                                                                  \
    META_ACCOUNT_COLUMNS("a.")                                                               \
    ", CASE WHEN a.kind = 'organization' THEN (SELECT count(*) FROM org_members AS m WHERE " \
    "m.org_id = a.id) ELSE 0 END"                                                            \
    ", CASE WHEN a.kind = 'organization' THEN (SELECT count(*) FROM teams AS t WHERE "       \
    "t.org_id = a.id) ELSE 0 END"

/* One part, bounded by itself. */
#define PART(condition)                                                                   \
    "SELECT id FROM (SELECT id FROM accounts WHERE " condition " AND deleted_at IS NULL " \
    "AND name > $1 ORDER BY name LIMIT $2) AS "

#define PAGE_OF(parts) \
    "SELECT " ROW " FROM accounts AS a WHERE a.id IN (" parts ") ORDER BY a.name LIMIT $2"

#define USERS PART("kind = 'user'") "users"
#define ORGS PART("kind = 'organization'") "orgs"

/* What an account sees ($1) of a kind ($2, empty: either), rank ($3) and state ($4; negative: either). */
#define SEEN                                                                               \
    " FROM accounts AS a WHERE a.id IN (SELECT id FROM accounts WHERE id = $1"             \
    " UNION SELECT org_id FROM org_members WHERE account_id = $1"                          \
    " UNION SELECT o.account_id FROM org_members AS m JOIN org_members AS o ON o.org_id =" \
    " m.org_id WHERE m.account_id = $1) AND a.deleted_at IS NULL"                          \
    " AND (a.kind = $2 OR ($2 = '' AND a.kind IN ('user', 'organization')))"               \
    " AND ($3 < 0 OR a.is_admin = $3) AND ($4 < 0 OR a.is_active = $4)"

enum { PAGE_SEEN = 2 * META_ACCOUNTS_N_FILTERS, COUNT_SEEN };

/* clang-format off */
static const struct db_statement sql[] = {
    [META_ACCOUNTS_ALL]        = { .name = "account.page_all",        .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(USERS " UNION ALL " ORGS) },
    [META_ACCOUNTS_USERS]      = { .name = "account.page_users",      .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(USERS) },
    [META_ACCOUNTS_ORGS]       = { .name = "account.page_orgs",       .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(ORGS) },
    [META_ACCOUNTS_ADMINS]     = { .name = "account.page_admins",     .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(PART("kind = 'user' AND is_admin = 1") "admins") },
    [META_ACCOUNTS_NON_ADMINS] = { .name = "account.page_non_admins", .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(PART("kind = 'user' AND is_admin = 0") "others") },
    [META_ACCOUNTS_ACTIVE]     = { .name = "account.page_active",     .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(PART("kind = 'user' AND is_active = 1") "active") },
    [META_ACCOUNTS_INACTIVE]   = { .name = "account.page_inactive",   .in = "ti", .out = META_ACCOUNT_OUT "ii",
                                   .sql  = PAGE_OF(PART("kind = 'user' AND is_active = 0") "inactive") },

    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_ALL]        = { .name = "account.count_all",        .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind IN ('user', 'organization') AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_USERS]      = { .name = "account.count_users",      .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'user' AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_ORGS]       = { .name = "account.count_orgs",       .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'organization' AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_ADMINS]     = { .name = "account.count_rank",       .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'user' AND is_admin = 1 AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_NON_ADMINS] = { .name = "account.count_non_admins", .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'user' AND is_admin = 0 AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_ACTIVE]     = { .name = "account.count_active",     .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'user' AND is_active = 1 AND deleted_at IS NULL" },
    [META_ACCOUNTS_N_FILTERS + META_ACCOUNTS_INACTIVE]   = { .name = "account.count_inactive",   .in = "", .out = "i",
        .sql = "SELECT count(*) FROM accounts WHERE kind = 'user' AND is_active = 0 AND deleted_at IS NULL" },

    [PAGE_SEEN]  = { .name = "account.page_seen",  .in = "itiiti", .out = META_ACCOUNT_OUT "ii",
                     .sql  = "SELECT " ROW SEEN " AND a.name > $5 ORDER BY a.name LIMIT $6" },
    [COUNT_SEEN] = { .name = "account.count_seen", .in = "itii",   .out = "i",
                     .sql  = "SELECT count(*)" SEEN },
};

/* The filters as conditions of SEEN. */
static const struct {
    struct str kind;
    int64_t    is_admin;
    int64_t    is_active;
} conditions[META_ACCOUNTS_N_FILTERS] = {
    [META_ACCOUNTS_ALL]        = { STR(""),             -1, -1 },
    [META_ACCOUNTS_USERS]      = { STR("user"),         -1, -1 },
    [META_ACCOUNTS_ORGS]       = { STR("organization"), -1, -1 },
    [META_ACCOUNTS_ADMINS]     = { STR("user"),          1, -1 },
    [META_ACCOUNTS_NON_ADMINS] = { STR("user"),          0, -1 },
    [META_ACCOUNTS_ACTIVE]     = { STR("user"),         -1,  1 },
    [META_ACCOUNTS_INACTIVE]   = { STR("user"),         -1,  0 },
};

static const struct db_column columns[] = {
    META_ACCOUNT_FIELDS(struct meta_account_row, account.),
    DB_COL_INT(struct meta_account_row, n_members),
    DB_COL_INT(struct meta_account_row, n_teams),
};

static const char *const words[META_ACCOUNTS_N_FILTERS] = {
    [META_ACCOUNTS_ALL] = "all",         [META_ACCOUNTS_USERS] = "users",
    [META_ACCOUNTS_ORGS] = "orgs",       [META_ACCOUNTS_ADMINS] = "admins",
    [META_ACCOUNTS_NON_ADMINS] = "non-admins", [META_ACCOUNTS_ACTIVE] = "active-users",
    [META_ACCOUNTS_INACTIVE] = "inactive-users",
};
/* clang-format on */

META_STATEMENTS(account_list);

int meta_account_filter_parse(struct str word, enum meta_account_filter *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(word, words[i])) {
            *out = (enum meta_account_filter)i;
            return 1;
        }
    }
    return 0;
}

static int list_rows(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, size_t n_max,
                     struct meta_account_row **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, statement, args, n_args, columns, sizeof(struct meta_account_row), n_max,
                &list, n_out, err) < 0)
        return -1;
    *out = list;
    for (size_t i = 0; i < *n_out; i++)
        (*out)[i].account.password_hash = STR_NULL;
    return 0;
}

int meta_account_page(struct db_tx *tx, struct arena *arena, enum meta_account_filter filter,
                      struct str after, size_t n_max, struct meta_account_row **out, size_t *n_out,
                      struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;

    return list_rows(tx, arena, &sql[filter], DB_ARGS(db_text(from), db_int((int64_t)n_max)), n_max,
                     out, n_out, err);
}

int meta_account_page_seen(struct db_tx *tx, struct arena *arena, int64_t seen_by,
                           enum meta_account_filter filter, struct str after, size_t n_max,
                           struct meta_account_row **out, size_t *n_out, struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;

    return list_rows(tx, arena, &sql[PAGE_SEEN],
                     DB_ARGS(db_int(seen_by), db_text(conditions[filter].kind),
                             db_int(conditions[filter].is_admin),
                             db_int(conditions[filter].is_active), db_text(from),
                             db_int((int64_t)n_max)),
                     n_max, out, n_out, err);
}

int meta_account_count_seen(struct db_tx *tx, int64_t seen_by, enum meta_account_filter filter,
                            int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT_SEEN],
                       DB_ARGS(db_int(seen_by), db_text(conditions[filter].kind),
                               db_int(conditions[filter].is_admin),
                               db_int(conditions[filter].is_active)),
                       out, err) < 0
               ? -1
               : 0;
}

int meta_account_count_of(struct db_tx *tx, enum meta_account_filter filter, int64_t *out,
                          struct err *err)
{
    return db_find_int(tx, &sql[META_ACCOUNTS_N_FILTERS + filter], DB_NO_ARGS, out, err) < 0 ? -1
                                                                                             : 0;
}
