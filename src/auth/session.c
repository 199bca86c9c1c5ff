/* auth/session.c: whether a session is good. Its row is read anew with each request, so that a log-out counts at once on
 * every node; what it hangs on (account, access token) is at most 5 s old. Uses are kept in memory and written once a
 * minute: reading a page must not cost a write. */
#include "auth/session.h"

#include <stdio.h>
#include <string.h>

#include "auth/auth_private.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/session.h"

#define RENEWED_BY_US (60 * AUTH_SECOND_US) /* at least; less is not worth a write */

int64_t auth_session_end(const struct auth_session_policy *policy, int64_t created_at, int64_t now)
{
    int64_t end = now + policy->life_us;

    if (policy->most_us != 0 && created_at + policy->most_us < end)
        end = created_at + policy->most_us;
    return end;
}

void auth_session_name(struct str id, struct auth_session *out)
{
    unsigned char mac[32];

    *out = (struct auth_session){ 0 };
    auth_secret_hash(id, out->hash);
    hash_hmac_sha256(id, STR("assay csrf 1"), mac);
    text_hex_print(mac, sizeof(mac), out->csrf);
}

/* 1 its account is as it was at the log-in, and so is the access token that it was begun with; 0; -1. */
static int is_founded(struct auth *auth, struct arena *arena, const struct meta_session *row,
                      struct auth_state *out, struct err *err)
{
    int found = auth_account_state(auth, arena, row->account_id, out, err);

    if (found < 1)
        return found;
    if (!out->is_active || out->generation != row->generation)
        return 0;
    if (row->credential == 0)
        return 1;
    return auth_credential_state(auth, arena, row->credential, row->credential_generation, err);
}

static void to_caller(const struct meta_session *row, const struct auth_state *state,
                      struct auth_caller *out)
{
    struct auth_bound bound = { .credential  = row->credential,
                                .generation  = row->credential_generation,
                                .is_narrowed = row->is_narrowed != 0 };

    auth_caller_make(row->account_id, state, &bound, out);
    snprintf(out->credential_id, sizeof(out->credential_id), "session-%.12s", row->hash.p);
}

/* What cannot be written is no reason to refuse: the session then ends a little earlier. */
static void note_use(struct auth *auth, const struct meta_session *row, int64_t now,
                     struct auth_session *out)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct auth_session_policy   policy = auth_session_policy(auth);
    int64_t                      end    = auth_session_end(&policy, row->created_at, now);
    bool                         is_due =
        row->expires_at - now < policy.renewal_us && end > row->expires_at + RENEWED_BY_US;
    struct err ignored;

    cache_put(auth->sessions, row->hash, clock_monotonic_us() + 2 * AUTH_USE_NOTED_US, &now);
    if (!is_due && row->used_at + AUTH_USE_NOTED_US > now)
        return;
    end = is_due ? end : row->expires_at;
    if (db_begin(auth->settings.db, DB_WRITE, "renew session", &tx, &ignored) < 0 ||
        meta_session_touch(tx, row->hash, now, end, &ignored) < 0 || db_commit(&tx, &ignored) < 0)
        return;
    out->expires_at = end;
    out->is_renewed = is_due;
}

int auth_session_accept(struct auth *auth, struct arena *arena, struct str id,
                        struct auth_caller *out, struct auth_session *out_session, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_session          row;
    struct auth_session          session;
    struct auth_state            state;

    if (!auth_secret_is(id, AUTH_SECRET_SESSION))
        return 0;
    auth_session_name(id, &session);
    if (db_begin(auth->settings.db, DB_LOOK, "find session", &tx, err) < 0)
        return -1;
    int found = meta_session_find(tx, arena, str_from(session.hash), &row, err);
    if (found < 1)
        return found;
    int64_t now = db_now(tx);
    db_abort(&tx);

    if (row.expires_at <= now || row.method.n >= sizeof(session.method))
        return 0;
    found = is_founded(auth, arena, &row, &state, err);
    if (found < 1)
        return found;

    session.created_at = row.created_at;
    session.used_at    = now;
    session.expires_at = row.expires_at;
    memcpy(session.method, row.method.p, row.method.n);
    note_use(auth, &row, now, &session);
    to_caller(&row, &state, out);
    *out_session = session;
    return 1;
}

int64_t auth_session_used_at(struct auth *auth, struct str hash)
{
    int64_t used_at = 0;

    (void)cache_get(auth->sessions, hash, clock_monotonic_us(), &used_at);
    return used_at;
}
