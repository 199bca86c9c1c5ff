/* meta/token.c: signing keys and refresh tokens. */
#include "meta/token.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    KEY_LIST,
    KEY_ADD,
    KEY_RETIRE,
    KEY_RESEAL,
    KEY_REMOVE_RETIRED,
    REFRESH_FIND,
    REFRESH_ADD,
    REFRESH_REMOVE,
    REFRESH_REMOVE_EXPIRED
};

/* Keys that verify at one time; rotation is by hand and the retired ones go. */
enum { KEYS_MAX = 1000 };

/* clang-format off */
static const struct db_statement sql[] = {
    [KEY_LIST]   = { .name = "token_key.list",   .in = "",       .out = "tttii",
                     .sql  = "SELECT kid, sealed, state, created_at, retired_at FROM token_keys ORDER BY created_at DESC, kid" },
    [KEY_ADD]    = { .name = "token_key.add",    .in = "tti",    .out = "",
                     .sql  = "INSERT INTO token_keys (kid, sealed, state, created_at) VALUES ($1, $2, 'active', $3)" },
    [KEY_RETIRE] = { .name = "token_key.retire", .in = "ti",     .out = "",
                     .sql  = "UPDATE token_keys SET state = 'retired', retired_at = $2 WHERE kid = $1 AND state = 'active'" },
    [KEY_RESEAL] = { .name = "token_key.reseal", .in = "tt",     .out = "",
                     .sql  = "UPDATE token_keys SET sealed = $2 WHERE kid = $1" },
    [KEY_REMOVE_RETIRED] =
                   { .name = "token_key.remove_retired", .in = "i", .out = "",
                     .sql  = "DELETE FROM token_keys WHERE state = 'retired' AND retired_at < $1" },
    [REFRESH_FIND] =
                   { .name = "refresh.find",     .in = "t",      .out = "tiitiiiii",
                     .sql  = "SELECT r.hash, r.account_id, r.generation, r.client_id, r.created_at, r.expires_at,"
                             " r.credential_id, r.credential_generation, c.is_narrowed FROM refresh_tokens AS r"
                             " LEFT JOIN credentials AS c ON c.id = r.credential_id WHERE r.hash = $1" },
    [REFRESH_ADD] =
                   { .name = "refresh.add",      .in = "tiitiiii", .out = "",
                     .sql  = "INSERT INTO refresh_tokens (hash, account_id, generation, client_id, created_at, expires_at,"
                             " credential_id, credential_generation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)" },
    [REFRESH_REMOVE] =
                   { .name = "refresh.remove",   .in = "t",      .out = "",
                     .sql  = "DELETE FROM refresh_tokens WHERE hash = $1" },
    [REFRESH_REMOVE_EXPIRED] =
                   { .name = "refresh.remove_expired", .in = "i", .out = "",
                     .sql  = "DELETE FROM refresh_tokens WHERE expires_at <= $1" },
};

static const struct db_column key_columns[] = {
    DB_COL_TEXT(struct meta_token_key, kid),
    DB_COL_TEXT(struct meta_token_key, sealed),
    DB_COL_TEXT(struct meta_token_key, state),
    DB_COL_INT (struct meta_token_key, created_at),
    DB_COL_INT (struct meta_token_key, retired_at),
};

static const struct db_column refresh_columns[] = {
    DB_COL_TEXT(struct meta_refresh, hash),
    DB_COL_INT (struct meta_refresh, account_id),
    DB_COL_INT (struct meta_refresh, generation),
    DB_COL_TEXT(struct meta_refresh, client_id),
    DB_COL_INT (struct meta_refresh, created_at),
    DB_COL_INT (struct meta_refresh, expires_at),
    DB_COL_INT (struct meta_refresh, credential),
    DB_COL_INT (struct meta_refresh, credential_generation),
    DB_COL_INT (struct meta_refresh, is_narrowed),
};
/* clang-format on */

META_STATEMENTS(token);

int meta_token_key_list(struct db_tx *tx, struct arena *arena, struct meta_token_key **out,
                        size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[KEY_LIST], DB_NO_ARGS, key_columns, sizeof(struct meta_token_key),
                KEYS_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_token_key_add(struct db_tx *tx, struct str kid, struct str sealed, struct err *err)
{
    return db_run(tx, &sql[KEY_ADD], DB_ARGS(db_text(kid), db_text(sealed), db_int(db_now(tx))),
                  NULL, err);
}

int meta_token_key_retire(struct db_tx *tx, struct str kid, struct err *err)
{
    return db_run(tx, &sql[KEY_RETIRE], DB_ARGS(db_text(kid), db_int(db_now(tx))), NULL, err);
}

int meta_token_key_reseal(struct db_tx *tx, struct str kid, struct str sealed, struct err *err)
{
    return db_run(tx, &sql[KEY_RESEAL], DB_ARGS(db_text(kid), db_text(sealed)), NULL, err);
}

int meta_token_key_remove_retired(struct db_tx *tx, int64_t before, struct err *err)
{
    return db_run(tx, &sql[KEY_REMOVE_RETIRED], DB_ARGS(db_int(before)), NULL, err);
}

int meta_refresh_find(struct db_tx *tx, struct arena *arena, struct str hash,
                      struct meta_refresh *out, struct err *err)
{
    return db_find(tx, arena, &sql[REFRESH_FIND], DB_ARGS(db_text(hash)), refresh_columns, out,
                   err);
}

int meta_refresh_add(struct db_tx *tx, const struct meta_refresh *refresh, struct err *err)
{
    struct str client_id = refresh->client_id.p == NULL ? STR("") : refresh->client_id;

    return db_run(tx, &sql[REFRESH_ADD],
                  DB_ARGS(db_text(refresh->hash), db_int(refresh->account_id),
                          db_int(refresh->generation), db_text(client_id),
                          db_int(refresh->created_at), db_int(refresh->expires_at),
                          refresh->credential == 0 ? db_null() : db_int(refresh->credential),
                          db_int(refresh->credential_generation)),
                  NULL, err);
}

int meta_refresh_remove(struct db_tx *tx, struct str hash, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REFRESH_REMOVE], DB_ARGS(db_text(hash)), out_n, err);
}

int meta_refresh_remove_expired(struct db_tx *tx, int64_t now, struct err *err)
{
    return db_run(tx, &sql[REFRESH_REMOVE_EXPIRED], DB_ARGS(db_int(now)), NULL, err);
}
