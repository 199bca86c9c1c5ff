/* auth/session.h: sessions: what proves that a request comes from a browser (by cookie) or a script (by bearer) that
 * logged in a while ago.
 *
 *     made by a log-in ── used ──▶ renewed while less than the threshold is left ──▶ expired
 *            └── log-out, eviction, the account's or the access token's generation moving on ──▶ void at once
 *
 * The database holds the hash of the id. The CSRF token follows from the id by a keyed hash, so it is the session's
 * for life, and nobody who reads the database can make one. */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/secret.h"
#include "base/str.h"

struct arena;
struct auth;
struct auth_caller;
struct err;

enum { AUTH_CSRF_MAX = 65, AUTH_SESSION_METHOD_MAX = 16 };

struct auth_session {
    char    hash[AUTH_SECRET_HASH_MAX];
    char    csrf[AUTH_CSRF_MAX];
    char    method[AUTH_SESSION_METHOD_MAX]; /* of the log-in */
    int64_t created_at;
    int64_t used_at; /* now */
    int64_t expires_at;
    bool    is_renewed; /* by this use: a cookie must be given its new age */
};

/* Times in µs. */
struct auth_session_policy {
    int64_t life_us;
    int64_t renewal_us; /* renewed by use when less is left; 0: never */
    int64_t most_us;    /* from the log-in on, however often renewed; 0: no end */
    int64_t limit;      /* sessions of one account; 0: any number */
    bool    is_kept;    /* by browsers that are closed and opened again */
};

struct auth_session_policy auth_session_policy(const struct auth *auth);

/* When a session of that age, used now, ends at the latest. */
int64_t auth_session_end(const struct auth_session_policy *policy, int64_t created_at, int64_t now);

/* What is known of a session by its id alone: hash and csrf. */
void auth_session_name(struct str id, struct auth_session *out);

/* Is it good now? Renews it, and notes its use once a minute. Worker threads. 1 with both; 0 unknown, expired, ended, or
 * void because the account or the access token changed; -1. */
int auth_session_accept(struct auth *auth, struct arena *arena, struct str id,
                        struct auth_caller *out, struct auth_session *out_session, struct err *err);

/* When the session was last used as far as this node knows: µs, 0 for unknown. */
int64_t auth_session_used_at(struct auth *auth, struct str hash);

#endif
