/* auth/auth_private.h: the body of struct auth, for the files of this folder only. */
#ifndef AUTH_AUTH_PRIVATE_H
#define AUTH_AUTH_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/auth.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/cache.h"
#include "codec/jwt.h"

enum {
    AUTH_TOKENS_CACHED   = 4096,
    AUTH_LOGINS_CACHED   = 1024,
    AUTH_WRONG_CACHED    = 4096,
    AUTH_ACCOUNTS_CACHED = 4096,
    AUTH_SESSIONS_CACHED = 16384,
    AUTH_RIGHTS_CACHED   = 65536,
    AUTH_SEEN_CACHED     = 16384,
    AUTH_KEYS_MAX        = 16
};

#define AUTH_SECOND_US INT64_C(1000000)
#define AUTH_LOGIN_REMEMBERED_US (300 * AUTH_SECOND_US)
#define AUTH_WRONG_REMEMBERED_US (86400 * AUTH_SECOND_US)
#define AUTH_USE_NOTED_US (60 * AUTH_SECOND_US)

/* What access tokens and service secrets begin with: told apart from passwords, and found by secret scanners. */
#define AUTH_SECRET_HEAD "assay_"
#define AUTH_ACCOUNT_AGE_US (5 * AUTH_SECOND_US)

struct auth_key {
    struct jwt_key *key;
    bool            is_active;
    int64_t         retired_at; /* µs; 0 while active */
};

/* Keys are few and rarely change: the list is replaced as a whole, and old lists stay until the end so that
 * a verification under way keeps its key. */
struct auth_keys {
    struct auth_keys *older;
    size_t            n;
    struct auth_key   list[AUTH_KEYS_MAX]; /* newest first */
};

/* Banners are few, and old ones stay: an answer may be printing one. */
struct auth_banner {
    struct auth_banner *older;
    struct str          text;
};

struct auth {
    struct auth_settings settings;
    char                 audience[128];
    unsigned char        process_key[32]; /* for remembered passwords; dies with the process */
    struct auth_password_pool    *passwords;
    struct cache                 *tokens;
    struct cache                 *logins;
    struct cache                 *wrong; /* passwords that failed and were counted */
    struct cache                 *accounts;
    struct cache                 *credentials;
    struct cache                 *sessions;       /* when each was last used here, by hash */
    struct cache                 *rights;         /* sums of verbs by account and path */
    struct cache                 *seen;           /* facts about repositories, for pulls */
    _Atomic(int64_t)              rights_version; /* part of the keys of the four above */
    atomic_bool                   may_anonymous;
    _Atomic(int64_t)              credential_life_us; /* 0: no limit */
    _Atomic(int64_t)              password_min;
    _Atomic(int64_t)              password_classes;
    _Atomic(int64_t)              login_failures;
    _Atomic(int64_t)              login_lock_us;
    _Atomic(int64_t)              session_life_us;
    _Atomic(int64_t)              session_renewal_us;
    _Atomic(int64_t)              session_most_us;
    _Atomic(int64_t)              session_limit;
    atomic_bool                   session_is_kept;
    atomic_bool                   is_rated; /* any of the three that follow */
    _Atomic(int64_t)              rate_account;
    _Atomic(int64_t)              rate_token;
    _Atomic(int64_t)              rate_network;
    struct auth_meter            *meter;
    _Atomic(struct auth_banner *) banner;
    _Atomic(struct auth_keys *)   keys;
    pthread_mutex_t               keys_lock; /* one loader at a time */
    _Atomic(int64_t)              keys_loaded_at;
    atomic_bool                   may_create_on_push;
};

/* What rights hang on, at most AUTH_ACCOUNT_AGE_US old. */
struct auth_state {
    int64_t generation;
    bool    is_admin;
    bool    is_active; /* and, of a service account, its maker too */
    bool    is_service;
    char    name[AUTH_ACCOUNT_NAME_MAX];
};

/* 1, 0 (no such account), -1. */
int auth_account_state(struct auth *auth, struct arena *arena, int64_t account_id,
                       struct auth_state *out, struct err *err);

/* The credential that a caller comes from, which bounds it: 0 for a password. */
struct auth_bound {
    int64_t credential;
    int64_t generation;
    bool    is_narrowed;
};

/* The caller that an account in that state is, by that credential. A narrowed one makes no admin. */
void auth_caller_make(int64_t account_id, const struct auth_state *state,
                      const struct auth_bound *bound, struct auth_caller *out);

/* What a credential is worth now, at most AUTH_ACCOUNT_AGE_US old: 1 good, 0 gone, off, expired or moved on, -1. */
int auth_credential_state(struct auth *auth, struct arena *arena, int64_t id, int64_t generation,
                          struct err *err);

extern const struct auth_policy auth_policy_standard;
void                            auth_free_banners(struct auth *auth);

/* The key that signs now. */
const struct jwt_key *auth_keys_signing(struct auth *auth);

#endif
