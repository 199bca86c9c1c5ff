/* meta/account.c: accounts. */
#include "meta/account.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/statements.h"

enum { FIND, FIND_NAME, ADD, SET_PASSWORD, SET_ACTIVE, COUNT };

#define COLUMNS \
    "id, uuid, name, kind, full_name, is_admin, is_active, password_hash, generation, created_at"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]         = { .name = "account.find",         .in = "i",         .out = "ittttiitii",
                       .sql  = "SELECT " COLUMNS " FROM accounts WHERE id = $1" },
    [FIND_NAME]    = { .name = "account.find_name",    .in = "t",         .out = "ittttiitii",
                       .sql  = "SELECT " COLUMNS " FROM accounts WHERE name = $1" },
    [ADD]          = { .name = "account.add",          .in = "ttttiiti",  .out = "i",
                       .sql  = "INSERT INTO accounts (uuid, name, kind, full_name, is_admin, is_active, password_hash, created_at)"
                               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id" },
    [SET_PASSWORD] = { .name = "account.set_password", .in = "it",        .out = "",
                       .sql  = "UPDATE accounts SET password_hash = $2, generation = generation + 1 WHERE id = $1" },
    [SET_ACTIVE]   = { .name = "account.set_active",   .in = "ii",        .out = "",
                       .sql  = "UPDATE accounts SET is_active = $2, generation = generation + 1 WHERE id = $1" },
    [COUNT]        = { .name = "account.count",        .in = "",          .out = "i",
                       .sql  = "SELECT count(*) FROM accounts" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_account, id),
    DB_COL_TEXT(struct meta_account, uuid),
    DB_COL_TEXT(struct meta_account, name),
    DB_COL_TEXT(struct meta_account, kind),
    DB_COL_TEXT(struct meta_account, full_name),
    DB_COL_INT (struct meta_account, is_admin),
    DB_COL_INT (struct meta_account, is_active),
    DB_COL_TEXT(struct meta_account, password_hash),
    DB_COL_INT (struct meta_account, generation),
    DB_COL_INT (struct meta_account, created_at),
};
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

int meta_account_add(struct db_tx *tx, const struct meta_account *account, int64_t *out_id,
                     struct err *err)
{
    char       made[RANDOM_UUID_MAX];
    struct str uuid      = account->uuid;
    struct str full_name = account->full_name.p == NULL ? STR("") : account->full_name;

    if (uuid.n == 0) {
        random_uuid(made);
        uuid = str_from(made);
    }
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(uuid), db_text(account->name), db_text(account->kind),
                               db_text(full_name), db_int(account->is_admin),
                               db_int(account->is_active), db_text(account->password_hash),
                               db_int(db_now(tx))),
                       out_id, err) < 0
               ? -1
               : 0;
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
    return change(tx, &sql[SET_PASSWORD], DB_ARGS(db_int(id), db_text(hash)), err);
}

int meta_account_set_active(struct db_tx *tx, int64_t id, int64_t is_active, struct err *err)
{
    return change(tx, &sql[SET_ACTIVE], DB_ARGS(db_int(id), db_int(is_active)), err);
}

int meta_account_count(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}
