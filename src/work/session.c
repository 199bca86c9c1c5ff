/* work/session.c: beginning and ending sessions. */
#include "work/session.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "meta/attempt.h"
#include "meta/session.h"
#include "work/access_private.h"
#include "work/credential.h"
#include "work/work_private.h"

#define DAY_US INT64_C(86400000000)

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type, struct str hash,
                struct str how, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .object_kind = "session",
        .object_name = str_sub(hash, 0, WORK_SESSION_NAME),
        .target      = how,
    };

    return meta_event_add(tx, actor, &event, err);
}

/* Uses are written once a minute; what this node knows better is written now, so that the right one goes. */
static int evict(struct work *work, struct db_tx *tx, struct arena *arena, int64_t account_id,
                 int64_t n_keep, struct err *err)
{
    struct meta_session *rows;
    size_t               n;

    if (meta_session_list(tx, arena, account_id, WORK_SESSIONS_LISTED, &rows, &n, err) < 0)
        return -1;
    if ((int64_t)n <= n_keep)
        return 0;
    for (size_t i = 0; i < n; i++) {
        int64_t used_at = auth_session_used_at(work->auth, rows[i].hash);

        if (used_at > rows[i].used_at &&
            meta_session_touch(tx, rows[i].hash, used_at, rows[i].expires_at, err) < 0)
            return -1;
    }
    return meta_session_evict(tx, account_id, n_keep, err);
}

int work_session_begin(struct work *work, const struct meta_actor *actor,
                       const struct work_login *login, char out_id[AUTH_SECRET_MAX],
                       struct auth_session *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    AUTO(db_abort) struct db_tx   *tx     = NULL;
    const struct auth_caller      *caller = login->caller;
    struct auth_session_policy     policy = auth_session_policy(work->auth);
    struct auth_session            session;
    char                           id[AUTH_SECRET_MAX];

    auth_secret_make(AUTH_SECRET_SESSION, id);
    auth_session_name(str_from(id), &session);
    if (db_begin(work->db, DB_WRITE, "begin session", &tx, err) < 0)
        return -1;

    int64_t             now = db_now(tx);
    struct meta_session row = {
        .hash                  = str_from(session.hash),
        .account_id            = caller->account_id,
        .generation            = caller->generation,
        .credential            = caller->credential,
        .credential_generation = caller->credential_generation,
        .method                = caller->credential == 0 ? STR("password") : STR("token"),
        .address               = actor->address.p == NULL ? STR("") : actor->address,
        .user_agent            = work_client_name(login->user_agent),
        .created_at            = now,
        .used_at               = now,
        .expires_at            = auth_session_end(&policy, now, now),
    };
    if (login->replaces.p != NULL && meta_session_remove(tx, login->replaces, NULL, err) < 0)
        return -1;
    if (meta_session_add(tx, &row, err) < 0 ||
        (policy.limit != 0 && evict(work, tx, arena, row.account_id, policy.limit, err) < 0) ||
        tell(tx, actor, "LOGIN", row.hash, row.method, err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;

    session.created_at = now;
    session.used_at    = now;
    session.expires_at = row.expires_at;
    memcpy(session.method, row.method.p, row.method.n);
    memcpy(out_id, id, sizeof(id));
    *out = session;
    mem_wipe(id, sizeof(id));
    return 0;
}

int work_session_end(struct work *work, const struct meta_actor *actor, struct str hash,
                     struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      n;

    if (db_begin(work->db, DB_WRITE, "end session", &tx, err) < 0 ||
        meta_session_remove(tx, hash, &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    if (tell(tx, actor, "LOGOUT", hash, STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_session_list(struct work *work, struct arena *arena, int64_t account_id,
                      struct meta_session **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "list sessions", &tx, err) < 0)
        return -1;
    return meta_session_list(tx, arena, account_id, WORK_SESSIONS_LISTED, out, n_out, err);
}

/* The hash of the account's session that is called so; the null view when there is none. */
static int find_named(struct db_tx *tx, struct arena *arena, int64_t account_id, struct str name,
                      struct str *out, struct err *err)
{
    struct meta_session *rows;
    size_t               n;

    *out = STR_NULL;
    if (meta_session_list(tx, arena, account_id, WORK_SESSIONS_LISTED, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(str_sub(rows[i].hash, 0, WORK_SESSION_NAME), name))
            *out = rows[i].hash;
    }
    return 0;
}

int work_session_revoke(struct work *work, const struct meta_actor *actor, int64_t account_id,
                        struct str name, struct str keep, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                     hash  = STR("all");
    int                            done;

    if (db_begin(work->db, DB_WRITE, "revoke session", &tx, err) < 0)
        return -1;
    if (name.p == NULL) {
        done = meta_session_remove_of(tx, account_id, keep, err);
    } else {
        if (find_named(tx, arena, account_id, name, &hash, err) < 0)
            return -1;
        if (hash.p == NULL)
            return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_SESSION", name, "no such session");
        done = meta_session_remove(tx, hash, NULL, err);
    }
    if (done < 0 || tell(tx, actor, "SESSION_REVOKED", hash, STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_session_sweep(struct work *work, int64_t *out_n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      n_sessions, n_attempts;

    if (db_begin(work->db, DB_WRITE, "sweep sessions", &tx, err) < 0 ||
        meta_session_remove_expired(tx, db_now(tx), &n_sessions, err) < 0 ||
        meta_attempt_remove_old(tx, db_now(tx) - DAY_US, &n_attempts, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    *out_n = n_sessions + n_attempts;
    return 0;
}
