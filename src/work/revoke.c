/* work/revoke.c: voiding what was given out. */
#include "work/revoke.h"

#include "auth/secret.h"
#include "base/err.h"
#include "base/mem.h"
#include "meta/account.h"
#include "meta/session.h"
#include "meta/token.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { NAME = 12 };

int work_revoke_account(struct work *work, const struct meta_actor *actor,
                        const struct auth_account *account, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    struct meta_event            event = { .type        = "ACCOUNT_REVOKED",
                                           .object_kind = "account",
                                           .object_name = account->name };

    if (db_begin(work->db, DB_WRITE, "revoke account", &tx, err) < 0 ||
        meta_account_revoke(tx, account->id, err) < 0 ||
        meta_session_remove_of(tx, account->id, STR_NULL, err) < 0 ||
        meta_event_add(tx, actor, &event, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_revoke_refresh(struct work *work, const struct meta_actor *actor, struct str refresh,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    char                         hash[AUTH_SECRET_HASH_MAX];
    int64_t                      n;

    auth_secret_hash(refresh, hash);
    struct meta_event event = {
        .type        = "REFRESH_TOKEN_REVOKED",
        .object_kind = "token",
        .object_name = str_sub(str_from(hash), 0, NAME),
    };
    if (db_begin(work->db, DB_WRITE, "revoke refresh token", &tx, err) < 0 ||
        meta_refresh_remove(tx, str_from(hash), &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    if (meta_event_add(tx, actor, &event, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}
