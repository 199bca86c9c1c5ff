/* meta/account.c: accounts. */
#include "meta/account.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/account_private.h"
#include "meta/registry.h"
#include "meta/search.h"
#include "meta/statements.h"

enum {
    FIND,
    FIND_NAME,
    FIND_UUID,
    NAME,
    ADD,
    SET_PASSWORD,
    SET_ACTIVE,
    REVOKE,
    UPDATE,
    SET_MAKER,
    COUNT,
    COUNT_ADMINS,
    HOLD,
    LOCK,
    BURY,
    BURY_SERVICES,
    DROP_MEMBER,
    DROP_TEAM_MEMBER,
    DROP_TEAMS,
    DROP_ORG,
    DROP_GRANTS,
    DROP_CREDENTIALS,
    DROP_SESSIONS,
    DROP_KEYS,
    DROP_REFRESH,
    PAGE_SERVICES
};

#define COLUMNS META_ACCOUNT_COLUMNS("")
#define OUT META_ACCOUNT_OUT

/* The account itself and the service accounts that it owns go together. */
#define OF_ACCOUNT \
    "(SELECT id FROM accounts WHERE id = $1 UNION SELECT id FROM accounts WHERE owner_id = $1)"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]             = { .name = "account.find",             .in = "i",               .out = OUT,
                           .sql  = "SELECT " COLUMNS " FROM accounts WHERE id = $1 AND deleted_at IS NULL" },
    [FIND_NAME]        = { .name = "account.find_name",        .in = "t",               .out = OUT,
                           .sql  = "SELECT " COLUMNS " FROM accounts WHERE name = $1 AND deleted_at IS NULL" },
    [FIND_UUID]        = { .name = "account.find_uuid",        .in = "t",               .out = OUT,
                           .sql  = "SELECT " COLUMNS " FROM accounts WHERE uuid = $1 AND deleted_at IS NULL" },
    [NAME]             = { .name = "account.name",             .in = "i",               .out = "t",
                           .sql  = "SELECT name FROM accounts WHERE id = $1" },
    [ADD]              = { .name = "account.add",              .in = "ttttiitiiiiiti", .out = "i",
                           .sql  = "INSERT INTO accounts (uuid, name, kind, full_name, is_admin, is_active, password_hash, created_at,"
                                   " is_imported, create_on_push, owner_id, maker_id, prefix, password_at)"
                                   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id" },
    [SET_PASSWORD]     = { .name = "account.set_password",     .in = "iti",             .out = "",
                           .sql  = "UPDATE accounts SET password_hash = $2, password_at = $3, generation = generation + 1"
                                   " WHERE id = $1 AND deleted_at IS NULL" },
    [SET_ACTIVE]       = { .name = "account.set_active",       .in = "ii",              .out = "",
                           .sql  = "UPDATE accounts SET is_active = $2, generation = generation + 1"
                                   " WHERE id = $1 AND deleted_at IS NULL" },
    [REVOKE]           = { .name = "account.revoke",           .in = "i",               .out = "",
                           .sql  = "UPDATE accounts SET generation = generation + 1 WHERE id = $1 AND deleted_at IS NULL" },
    [UPDATE]           = { .name = "account.update",           .in = "itiit",           .out = "",
                           .sql  = "UPDATE accounts SET full_name = $2, is_admin = $3, create_on_push = $4, content_cache = $5"
                                   " WHERE id = $1 AND deleted_at IS NULL" },
    [SET_MAKER]        = { .name = "account.set_maker",        .in = "ii",              .out = "",
                           .sql  = "UPDATE accounts SET maker_id = $2 WHERE id = $1 AND deleted_at IS NULL" },
    [COUNT]            = { .name = "account.count",            .in = "",                .out = "i",
                           .sql  = "SELECT count(*) FROM accounts" },
    [COUNT_ADMINS]     = { .name = "account.count_admins",     .in = "",                .out = "i",
                           .sql  = "SELECT count(*) FROM accounts WHERE kind = 'user' AND is_admin = 1 AND deleted_at IS NULL"
                                   " AND is_active = 1" },
    [HOLD]             = { .name = "account.hold",             .in = "i",               .out = "i",
                           .sql  = "SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL",
                           .pg   = "SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE" },
    [LOCK]             = { .name = "account.lock",             .in = "i",               .out = "i",
                           .sql  = "SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL",
                           .pg   = "SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR UPDATE" },
    [BURY]             = { .name = "account.bury",             .in = "ii",              .out = "",
                           .sql  = "UPDATE accounts SET deleted_at = $2, name = name || '#' || id, is_active = 0, is_admin = 0,"
                                   " password_hash = NULL, generation = generation + 1 WHERE id = $1 AND deleted_at IS NULL" },
    [BURY_SERVICES]    = { .name = "account.bury_services",    .in = "ii",              .out = "",
                           .sql  = "UPDATE accounts SET deleted_at = $2, name = name || '#' || id, is_active = 0,"
                                   " generation = generation + 1 WHERE owner_id = $1 AND deleted_at IS NULL" },
    [DROP_MEMBER]      = { .name = "account.drop_member",      .in = "i",               .out = "",
                           .sql  = "DELETE FROM org_members WHERE account_id = $1" },
    [DROP_TEAM_MEMBER] = { .name = "account.drop_team_member", .in = "i",               .out = "",
                           .sql  = "DELETE FROM team_members WHERE account_id = $1" },
    [DROP_TEAMS]       = { .name = "account.drop_teams",       .in = "i",               .out = "",
                           .sql  = "DELETE FROM teams WHERE org_id = $1" },
    [DROP_ORG]         = { .name = "account.drop_org",         .in = "i",               .out = "",
                           .sql  = "DELETE FROM org_members WHERE org_id = $1" },
    [DROP_GRANTS]      = { .name = "account.drop_grants",      .in = "i",               .out = "",
                           .sql  = "DELETE FROM grants WHERE account_id IN " OF_ACCOUNT },
    [DROP_CREDENTIALS] = { .name = "account.drop_credentials", .in = "i",               .out = "",
                           .sql  = "DELETE FROM credentials WHERE account_id IN " OF_ACCOUNT },
    [DROP_SESSIONS]    = { .name = "account.drop_sessions",    .in = "i",               .out = "",
                           .sql  = "DELETE FROM sessions WHERE account_id = $1" },
    [DROP_KEYS]        = { .name = "account.drop_keys",        .in = "i",               .out = "",
                           .sql  = "DELETE FROM account_keys WHERE account_id = $1" },
    [DROP_REFRESH]     = { .name = "account.drop_refresh",     .in = "i",               .out = "",
                           .sql  = "DELETE FROM refresh_tokens WHERE account_id IN " OF_ACCOUNT },
    [PAGE_SERVICES]    = { .name = "account.page_services",    .in = "iti",             .out = OUT,
                           .sql  = "SELECT " COLUMNS " FROM accounts WHERE owner_id = $1 AND name > $2 AND deleted_at IS NULL"
                                   " ORDER BY name LIMIT $3" },
};

static const struct db_column columns[] = { META_ACCOUNT_FIELDS(struct meta_account, ) };
/* clang-format on */

META_STATEMENTS(account);

int meta_account_find(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_int(id)), columns, out, err);
}

int meta_account_find_name(struct db_tx *tx, struct arena *arena, struct str name,
                           struct meta_account *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND_NAME], DB_ARGS(db_text(name)), columns, out, err);
}

/* A name could look like a uuid; then the name wins. */
int meta_account_find_any(struct db_tx *tx, struct arena *arena, struct str name_or_uuid,
                          struct meta_account *out, struct err *err)
{
    int found = meta_account_find_name(tx, arena, name_or_uuid, out, err);

    if (found != 0 || name_or_uuid.n != RANDOM_UUID_MAX - 1)
        return found;
    return db_find(tx, arena, &sql[FIND_UUID], DB_ARGS(db_text(name_or_uuid)), columns, out, err);
}

int meta_account_name(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                      struct err *err)
{
    struct str name;
    int        found = db_find_text(tx, arena, &sql[NAME], DB_ARGS(db_int(id)), &name, err);

    if (found < 1)
        return found;
    ptrdiff_t mark = str_find(name, '#');
    *out           = mark < 0 ? name : str_sub(name, 0, (size_t)mark);
    return 1;
}

static struct db_value id_or_null(int64_t id)
{
    return id == 0 ? db_null() : db_int(id);
}

int meta_account_add(struct db_tx *tx, const struct meta_account *account, int64_t *out_id,
                     struct err *err)
{
    char       made[RANDOM_UUID_MAX];
    struct str uuid      = account->uuid;
    struct str full_name = account->full_name.p == NULL ? STR("") : account->full_name;
    int64_t    now       = db_now(tx);

    if (uuid.n == 0) {
        random_uuid(made);
        uuid = str_from(made);
    }
    if (db_find_int(tx, &sql[ADD],
                    DB_ARGS(db_text(uuid), db_text(account->name), db_text(account->kind),
                            db_text(full_name), db_int(account->is_admin),
                            db_int(account->is_active), db_text(account->password_hash),
                            db_int(now), db_int(account->is_imported),
                            db_int(account->create_on_push), id_or_null(account->owner_id),
                            id_or_null(account->maker_id), db_text(account->prefix),
                            db_int(account->password_hash.p == NULL ? 0 : now)),
                    out_id, err) < 0)
        return -1;
    return str_is(account->kind, "service")
               ? 0
               : meta_search_add(tx, "account", *out_id, account->name, err);
}

/* A change of one account; that there is none of that id is the caller's mistake. */
static int change(struct db_tx *tx, const struct db_statement *statement,
                  const struct db_value *args, size_t n_args, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, statement, args, n_args, &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no account %lld", (long long)args[0].number);
    return 0;
}

int meta_account_set_password(struct db_tx *tx, int64_t id, struct str hash, struct err *err)
{
    return change(tx, &sql[SET_PASSWORD], DB_ARGS(db_int(id), db_text(hash), db_int(db_now(tx))),
                  err);
}

int meta_account_set_active(struct db_tx *tx, int64_t id, int64_t is_active, struct err *err)
{
    return change(tx, &sql[SET_ACTIVE], DB_ARGS(db_int(id), db_int(is_active)), err);
}

int meta_account_revoke(struct db_tx *tx, int64_t id, struct err *err)
{
    return change(tx, &sql[REVOKE], DB_ARGS(db_int(id)), err);
}

int meta_account_update(struct db_tx *tx, const struct meta_account *account, struct err *err)
{
    return change(tx, &sql[UPDATE],
                  DB_ARGS(db_int(account->id), db_text(account->full_name),
                          db_int(account->is_admin), db_int(account->create_on_push),
                          db_text(account->content_cache)),
                  err);
}

int meta_account_set_maker(struct db_tx *tx, int64_t id, int64_t maker_id, struct err *err)
{
    return change(tx, &sql[SET_MAKER], DB_ARGS(db_int(id), db_int(maker_id)), err);
}

int meta_account_remove(struct db_tx *tx, int64_t id, struct err *err)
{
    static const int rows[] = { DROP_MEMBER,      DROP_TEAM_MEMBER, DROP_TEAMS,
                                DROP_ORG,         DROP_GRANTS,      DROP_REFRESH,
                                DROP_CREDENTIALS, DROP_SESSIONS,    DROP_KEYS };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (db_run(tx, &sql[rows[i]], DB_ARGS(db_int(id)), NULL, err) < 0)
            return -1;
    }
    if (meta_search_drop_account(tx, id, err) < 0 ||
        db_run(tx, &sql[BURY_SERVICES], DB_ARGS(db_int(id), db_int(db_now(tx))), NULL, err) < 0)
        return -1;
    return change(tx, &sql[BURY], DB_ARGS(db_int(id), db_int(db_now(tx))), err);
}

int meta_account_count(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_account_count_admins(struct db_tx *tx, int64_t *out, struct err *err)
{
    if (meta_registry_lock(tx, err) < 0)
        return -1;
    return db_find_int(tx, &sql[COUNT_ADMINS], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_account_hold(struct db_tx *tx, int64_t id, struct err *err)
{
    int64_t same;

    return db_find_int(tx, &sql[HOLD], DB_ARGS(db_int(id)), &same, err);
}

int meta_account_lock(struct db_tx *tx, int64_t id, struct err *err)
{
    int64_t same;

    return db_find_int(tx, &sql[LOCK], DB_ARGS(db_int(id)), &same, err);
}

int meta_account_page_services(struct db_tx *tx, struct arena *arena, int64_t owner_id,
                               struct str after, size_t n_max, struct meta_account **out,
                               size_t *n_out, struct err *err)
{
    void      *list;
    struct str from = after.p == NULL ? STR("") : after;

    if (db_list(tx, arena, &sql[PAGE_SERVICES],
                DB_ARGS(db_int(owner_id), db_text(from), db_int((int64_t)n_max)), columns,
                sizeof(struct meta_account), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}
