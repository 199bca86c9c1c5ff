/* work/session.h: log-ins that last: sessions are begun and ended. Each change is one transaction with its event and
 * audit record. Who logged in has been found out before (auth_login). */
#ifndef WORK_SESSION_H
#define WORK_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "auth/session.h"
#include "base/str.h"

struct arena;
struct auth_caller;
struct err;
struct meta_actor;
struct meta_session;
struct work;

struct work_login {
    const struct auth_caller *caller;
    struct str                user_agent;
    struct str replaces; /* hash of a session that ends with this log-in; null view: none */
};

/* A new session for the caller: its id, which nobody can ask for again, and what it says. The least recently used ones
 * beyond the limit of an account give way. */
int work_session_begin(struct work *work, const struct meta_actor *actor,
                       const struct work_login *login, char out_id[AUTH_SECRET_MAX],
                       struct auth_session *out, struct err *err);

/* The log-out; a session that is gone already is no error. */
int work_session_end(struct work *work, const struct meta_actor *actor, struct str hash,
                     struct err *err);

/* Those of an account, the last used first. At most WORK_SESSIONS_LISTED. */
int work_session_list(struct work *work, struct arena *arena, int64_t account_id,
                      struct meta_session **out, size_t *n_out, struct err *err);

enum { WORK_SESSIONS_LISTED = 1000 };

/* Ends one of the account's sessions by the first digits of its hash, or all but `keep` (null view: none kept) when
 * name is the null view. ERR_NOT_FOUND. */
int work_session_revoke(struct work *work, const struct meta_actor *actor, int64_t account_id,
                        struct str name, struct str keep, struct err *err);

/* How a session is called: enough of its hash to tell it from others, too little to be of use. */
enum { WORK_SESSION_NAME = 12 };

/* Forgets sessions that have expired and failed log-ins older than a day; *out_n of both. */
int work_session_sweep(struct work *work, int64_t *out_n, struct err *err);

#endif
