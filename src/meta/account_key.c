/* meta/account_key.c: public keys of accounts. */
#include "meta/account_key.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/statements.h"

enum { ADD, FIND, HAS, UPDATE, REMOVE, PAGE, COUNT };

#define COLUMNS "id, uuid, account_id, fingerprint, public_key, label, certificates, created_at"

/* clang-format off */
static const struct db_statement sql[] = {
    [ADD]    = { .name = "account_key.add",    .in = "titttti", .out = "",
                 .sql  = "INSERT INTO account_keys (uuid, account_id, fingerprint, public_key, label, certificates, created_at)"
                         " VALUES ($1, $2, $3, $4, $5, $6, $7)" },
    [FIND]   = { .name = "account_key.find",   .in = "it",      .out = "ititttti",
                 .sql  = "SELECT " COLUMNS " FROM account_keys WHERE account_id = $1 AND uuid = $2" },
    [HAS]    = { .name = "account_key.has",    .in = "it",      .out = "i",
                 .sql  = "SELECT id FROM account_keys WHERE account_id = $1 AND fingerprint = $2" },
    [UPDATE] = { .name = "account_key.update", .in = "itt",     .out = "",
                 .sql  = "UPDATE account_keys SET label = $2, certificates = $3 WHERE id = $1" },
    [REMOVE] = { .name = "account_key.remove", .in = "i",       .out = "",
                 .sql  = "DELETE FROM account_keys WHERE id = $1" },
    [PAGE]   = { .name = "account_key.page",   .in = "iii",     .out = "ititttti",
                 .sql  = "SELECT " COLUMNS " FROM account_keys WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3" },
    [COUNT]  = { .name = "account_key.count",  .in = "i",       .out = "i",
                 .sql  = "SELECT count(*) FROM account_keys WHERE account_id = $1" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_account_key, id),
    DB_COL_TEXT(struct meta_account_key, uuid),
    DB_COL_INT (struct meta_account_key, account_id),
    DB_COL_TEXT(struct meta_account_key, fingerprint),
    DB_COL_TEXT(struct meta_account_key, public_key),
    DB_COL_TEXT(struct meta_account_key, label),
    DB_COL_TEXT(struct meta_account_key, certificates),
    DB_COL_INT (struct meta_account_key, created_at),
};
/* clang-format on */

META_STATEMENTS(account_key);

int meta_account_key_add(struct db_tx *tx, struct arena *arena, const struct meta_account_key *key,
                         struct str *out_uuid, struct err *err)
{
    char *uuid = mem_alloc(arena, RANDOM_UUID_MAX);

    random_uuid(uuid);
    if (db_run(tx, &sql[ADD],
               DB_ARGS(db_text(str_from(uuid)), db_int(key->account_id), db_text(key->fingerprint),
                       db_text(key->public_key),
                       db_text(key->label.p == NULL ? STR("") : key->label),
                       db_text(key->certificates.p == NULL ? STR("[]") : key->certificates),
                       db_int(db_now(tx))),
               NULL, err) < 0)
        return -1;
    *out_uuid = str_from(uuid);
    return 0;
}

int meta_account_key_find(struct db_tx *tx, struct arena *arena, int64_t account_id,
                          struct str uuid, struct meta_account_key *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_int(account_id), db_text(uuid)), columns, out,
                   err);
}

int meta_account_key_update(struct db_tx *tx, int64_t id, struct str label, struct str certificates,
                            struct err *err)
{
    return db_run(tx, &sql[UPDATE], DB_ARGS(db_int(id), db_text(label), db_text(certificates)),
                  NULL, err);
}

int meta_account_key_remove(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), NULL, err);
}

int meta_account_key_page(struct db_tx *tx, struct arena *arena, int64_t account_id, int64_t after,
                          size_t n_max, struct meta_account_key **out, size_t *n_out,
                          struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_int(account_id), db_int(after), db_int((int64_t)n_max)), columns,
                sizeof(struct meta_account_key), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_account_key_has(struct db_tx *tx, int64_t account_id, struct str fingerprint,
                         struct err *err)
{
    int64_t ignored_id; /* whether, not which */

    return db_find_int(tx, &sql[HAS], DB_ARGS(db_int(account_id), db_text(fingerprint)),
                       &ignored_id, err);
}

int meta_account_key_count(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(account_id)), out, err) < 0 ? -1 : 0;
}
