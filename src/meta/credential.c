/* meta/credential.c: access tokens and service secrets. */
#include "meta/credential.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    FIND,
    FIND_ID,
    ADD,
    UPDATE,
    REMOVE,
    REMOVE_UNUSED,
    REMOVE_EXPIRED,
    PAGE,
    PAGE_ALL,
    COUNT,
    COUNT_ALL,
    TOUCH,
    SCOPE_ADD,
    SCOPE_LIST
};

#define COLUMNS                                                                                   \
    "id, hash, account_id, kind, slot, label, is_active, is_narrowed, generation, generated_by, " \
    "creator_ua, created_at, created_by, expires_at, used_at"
#define OUT       \
    "itititiiitt" \
    "iiii"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]          = { .name = "credential.find",          .in = "t",           .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM credentials WHERE hash = $1" },
    [FIND_ID]       = { .name = "credential.find_id",       .in = "i",           .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM credentials WHERE id = $1" },
    [ADD]           = { .name = "credential.add",           .in = "tititiittiii", .out = "i",
                        .sql  = "INSERT INTO credentials (hash, account_id, kind, slot, label, is_active, is_narrowed, generated_by,"
                                " creator_ua, created_at, created_by, expires_at)"
                                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id" },
    [UPDATE]        = { .name = "credential.update",        .in = "iti",         .out = "",
                        .sql  = "UPDATE credentials SET label = coalesce($2, label), is_active = $3,"
                                " generation = generation + CASE WHEN $3 = 0 THEN 1 ELSE 0 END WHERE id = $1" },
    [REMOVE]        = { .name = "credential.remove",        .in = "i",           .out = "",
                        .sql  = "DELETE FROM credentials WHERE id = $1" },
    [REMOVE_UNUSED] = { .name = "credential.remove_unused", .in = "iit",         .out = "",
                        .sql  = "DELETE FROM credentials WHERE account_id = $1 AND kind = 'personal'"
                                " AND coalesce(used_at, created_at) < $2 AND generated_by = coalesce($3, generated_by)" },
    [REMOVE_EXPIRED] = { .name = "credential.remove_expired", .in = "i",         .out = "",
                        .sql  = "DELETE FROM credentials WHERE expires_at < $1" },
    [PAGE]          = { .name = "credential.page",          .in = "iii",         .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM credentials WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3" },
    [PAGE_ALL]      = { .name = "credential.page_all",      .in = "ii",          .out = OUT,
                        .sql  = "SELECT " COLUMNS " FROM credentials WHERE id > $1 ORDER BY id LIMIT $2" },
    [COUNT]         = { .name = "credential.count",         .in = "i",           .out = "i",
                        .sql  = "SELECT count(*) FROM credentials WHERE account_id = $1" },
    [COUNT_ALL]     = { .name = "credential.count_all",     .in = "",            .out = "i",
                        .sql  = "SELECT count(*) FROM credentials" },
    [TOUCH]         = { .name = "credential.touch",         .in = "ii",          .out = "",
                        .sql  = "UPDATE credentials SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)" },
    [SCOPE_ADD]     = { .name = "credential_scope.add",     .in = "itt",         .out = "",
                        .sql  = "INSERT INTO credential_scopes (credential_id, path, verbs) VALUES ($1, $2, $3)" },
    [SCOPE_LIST]    = { .name = "credential_scope.list",    .in = "i",           .out = "tt",
                        .sql  = "SELECT path, verbs FROM credential_scopes WHERE credential_id = $1 ORDER BY path" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_credential, id),
    DB_COL_TEXT(struct meta_credential, hash),
    DB_COL_INT (struct meta_credential, account_id),
    DB_COL_TEXT(struct meta_credential, kind),
    DB_COL_INT (struct meta_credential, slot),
    DB_COL_TEXT(struct meta_credential, label),
    DB_COL_INT (struct meta_credential, is_active),
    DB_COL_INT (struct meta_credential, is_narrowed),
    DB_COL_INT (struct meta_credential, generation),
    DB_COL_TEXT(struct meta_credential, generated_by),
    DB_COL_TEXT(struct meta_credential, creator_ua),
    DB_COL_INT (struct meta_credential, created_at),
    DB_COL_INT (struct meta_credential, created_by),
    DB_COL_INT (struct meta_credential, expires_at),
    DB_COL_INT (struct meta_credential, used_at),
};
static const struct db_column scope_columns[] = {
    DB_COL_TEXT(struct meta_scope, path),
    DB_COL_TEXT(struct meta_scope, verbs),
};
/* clang-format on */

META_STATEMENTS(credential);

int meta_credential_find(struct db_tx *tx, struct arena *arena, struct str hash,
                         struct meta_credential *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(hash)), columns, out, err);
}

int meta_credential_find_id(struct db_tx *tx, struct arena *arena, int64_t id,
                            struct meta_credential *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND_ID], DB_ARGS(db_int(id)), columns, out, err);
}

static struct db_value int_or_null(int64_t number)
{
    return number == 0 ? db_null() : db_int(number);
}

static struct db_value text_or_empty(struct str text)
{
    return db_text(text.p == NULL ? STR("") : text);
}

int meta_credential_add(struct db_tx *tx, const struct meta_credential *credential, int64_t *out_id,
                        struct err *err)
{
    const struct meta_credential *c = credential;

    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(c->hash), db_int(c->account_id), db_text(c->kind),
                               int_or_null(c->slot), text_or_empty(c->label), db_int(c->is_active),
                               db_int(c->is_narrowed),
                               db_text(c->generated_by.p == NULL ? STR("manual") : c->generated_by),
                               text_or_empty(c->creator_ua), db_int(db_now(tx)),
                               db_int(c->created_by), int_or_null(c->expires_at)),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_credential_update(struct db_tx *tx, int64_t id, struct str label, int64_t is_active,
                           struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[UPDATE], DB_ARGS(db_int(id), db_text(label), db_int(is_active)), &n_changed,
               err) < 0)
        return -1;
    if (n_changed == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no credential %lld", (long long)id);
    return 0;
}

int meta_credential_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), out_n, err);
}

int meta_credential_remove_unused(struct db_tx *tx, int64_t account_id, int64_t used_before,
                                  struct str generated_by, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE_UNUSED],
                  DB_ARGS(db_int(account_id), db_int(used_before), db_text(generated_by)), out_n,
                  err);
}

int meta_credential_remove_expired(struct db_tx *tx, int64_t before, int64_t *out_n,
                                   struct err *err)
{
    return db_run(tx, &sql[REMOVE_EXPIRED], DB_ARGS(db_int(before)), out_n, err);
}

int meta_credential_page(struct db_tx *tx, struct arena *arena, int64_t account_id, int64_t after,
                         size_t n_max, struct meta_credential **out, size_t *n_out, struct err *err)
{
    void   *list;
    int64_t limit = (int64_t)n_max;
    int     done  = account_id == 0
                        ? db_list(tx, arena, &sql[PAGE_ALL], DB_ARGS(db_int(after), db_int(limit)),
                                  columns, sizeof(struct meta_credential), n_max, &list, n_out, err)
                        : db_list(tx, arena, &sql[PAGE],
                                  DB_ARGS(db_int(account_id), db_int(after), db_int(limit)), columns,
                                  sizeof(struct meta_credential), n_max, &list, n_out, err);

    if (done == 0)
        *out = list;
    return done;
}

int meta_credential_count(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err)
{
    int found = account_id == 0
                    ? db_find_int(tx, &sql[COUNT_ALL], DB_NO_ARGS, out, err)
                    : db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(account_id)), out, err);

    return found < 0 ? -1 : 0;
}

int meta_credential_touch(struct db_tx *tx, int64_t id, int64_t used_at, struct err *err)
{
    return db_run(tx, &sql[TOUCH], DB_ARGS(db_int(id), db_int(used_at)), NULL, err);
}

int meta_scope_add(struct db_tx *tx, int64_t credential_id, const struct meta_scope *scope,
                   struct err *err)
{
    return db_run(tx, &sql[SCOPE_ADD],
                  DB_ARGS(db_int(credential_id), db_text(scope->path), db_text(scope->verbs)), NULL,
                  err);
}

int meta_scope_list(struct db_tx *tx, struct arena *arena, int64_t credential_id,
                    struct meta_scope **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[SCOPE_LIST], DB_ARGS(db_int(credential_id)), scope_columns,
                sizeof(struct meta_scope), META_SCOPES_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}
