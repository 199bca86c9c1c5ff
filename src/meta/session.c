/* meta/session.c: browser sessions. */
#include "meta/session.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { FIND, ADD, TOUCH, REMOVE, REMOVE_OF, EVICT, REMOVE_EXPIRED, LIST };

#define COLUMNS                                                                               \
    "s.hash, s.account_id, s.generation, s.credential_id, s.credential_generation, s.method," \
    " s.address, s.user_agent, s.created_at, s.used_at, s.expires_at, c.is_narrowed"          \
    " FROM sessions AS s LEFT JOIN credentials AS c ON c.id = s.credential_id"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]           = { .name = "session.find",           .in = "t",          .out = "tiiiitttiiii",
                         .sql  = "SELECT " COLUMNS " WHERE s.hash = $1" },
    [ADD]            = { .name = "session.add",            .in = "tiiiitttiii", .out = "",
                         .sql  = "INSERT INTO sessions (hash, account_id, generation, credential_id, credential_generation, method,"
                                 " address, user_agent, created_at, used_at, expires_at)"
                                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
    [TOUCH]          = { .name = "session.touch",          .in = "tii",        .out = "",
                         .sql  = "UPDATE sessions SET used_at = $2, expires_at = $3 WHERE hash = $1" },
    [REMOVE]         = { .name = "session.remove",         .in = "t",          .out = "",
                         .sql  = "DELETE FROM sessions WHERE hash = $1" },
    [REMOVE_OF]      = { .name = "session.remove_of",      .in = "it",         .out = "",
                         .sql  = "DELETE FROM sessions WHERE account_id = $1 AND hash <> $2" },
    [EVICT]          = { .name = "session.evict",          .in = "ii",         .out = "",
                         .sql  = "DELETE FROM sessions WHERE account_id = $1 AND hash NOT IN (SELECT hash FROM sessions"
                                 " WHERE account_id = $1 ORDER BY used_at DESC LIMIT $2)" },
    [REMOVE_EXPIRED] = { .name = "session.remove_expired", .in = "i",          .out = "",
                         .sql  = "DELETE FROM sessions WHERE expires_at < $1" },
    [LIST]           = { .name = "session.list",           .in = "ii",         .out = "tiiiitttiiii",
                         .sql  = "SELECT " COLUMNS " WHERE s.account_id = $1 ORDER BY s.used_at DESC LIMIT $2" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_session, hash),
    DB_COL_INT (struct meta_session, account_id),
    DB_COL_INT (struct meta_session, generation),
    DB_COL_INT (struct meta_session, credential),
    DB_COL_INT (struct meta_session, credential_generation),
    DB_COL_TEXT(struct meta_session, method),
    DB_COL_TEXT(struct meta_session, address),
    DB_COL_TEXT(struct meta_session, user_agent),
    DB_COL_INT (struct meta_session, created_at),
    DB_COL_INT (struct meta_session, used_at),
    DB_COL_INT (struct meta_session, expires_at),
    DB_COL_INT (struct meta_session, is_narrowed),
};
/* clang-format on */

META_STATEMENTS(session);

int meta_session_find(struct db_tx *tx, struct arena *arena, struct str hash,
                      struct meta_session *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(hash)), columns, out, err);
}

int meta_session_add(struct db_tx *tx, const struct meta_session *session, struct err *err)
{
    const struct meta_session *s = session;

    return db_run(tx, &sql[ADD],
                  DB_ARGS(db_text(s->hash), db_int(s->account_id), db_int(s->generation),
                          s->credential == 0 ? db_null() : db_int(s->credential),
                          db_int(s->credential_generation), db_text(s->method), db_text(s->address),
                          db_text(s->user_agent), db_int(s->created_at), db_int(s->used_at),
                          db_int(s->expires_at)),
                  NULL, err);
}

int meta_session_touch(struct db_tx *tx, struct str hash, int64_t used_at, int64_t expires_at,
                       struct err *err)
{
    return db_run(tx, &sql[TOUCH], DB_ARGS(db_text(hash), db_int(used_at), db_int(expires_at)),
                  NULL, err);
}

int meta_session_remove(struct db_tx *tx, struct str hash, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_text(hash)), out_n, err);
}

int meta_session_remove_of(struct db_tx *tx, int64_t account_id, struct str keep, struct err *err)
{
    return db_run(tx, &sql[REMOVE_OF],
                  DB_ARGS(db_int(account_id), db_text(keep.p == NULL ? STR("") : keep)), NULL, err);
}

int meta_session_evict(struct db_tx *tx, int64_t account_id, int64_t n_keep, struct err *err)
{
    return db_run(tx, &sql[EVICT], DB_ARGS(db_int(account_id), db_int(n_keep)), NULL, err);
}

int meta_session_remove_expired(struct db_tx *tx, int64_t now, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE_EXPIRED], DB_ARGS(db_int(now)), out_n, err);
}

int meta_session_list(struct db_tx *tx, struct arena *arena, int64_t account_id, size_t n_max,
                      struct meta_session **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[LIST], DB_ARGS(db_int(account_id), db_int((int64_t)n_max)), columns,
                sizeof(struct meta_session), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}
