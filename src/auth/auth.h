/* auth/auth.h: who are you, what may you do.
 *
 * One struct auth a process. Credentials become a struct auth_caller (auth_login, auth_token_accept); a
 * caller becomes a handle to a repository through auth_repo_open, the one decision function, and no other
 * code makes handles: whoever holds one may do with that repository what its verbs say and nothing else.
 *
 * Ages: a right password is remembered for 5 minutes under an HMAC that covers the account's generation,
 * a wrong one never; a verified token until its end; an account's state (active, admin, generation) 5 s. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/caller.h"
#include "auth/scope.h"
#include "auth/verb.h"
#include "base/str.h"

struct arena;
struct auth;
struct db;
struct err;
struct seal_ring;

struct auth_settings {
    struct db              *db;
    const struct seal_ring *ring;
    struct str              audience; /* of our tokens: this instance */
    size_t                  password_threads;
    size_t                  password_queue;
    int64_t                 token_life_us;
    int64_t                 refresh_life_us;
};

/* Loads the signing keys, and makes the first one when there is none. */
int  auth_new(const struct auth_settings *settings, struct auth **out, struct err *err);
void auth_free(struct auth **auth);

/* -- credentials to caller ----------------------------------------------------------------------- */

/* 1 and the caller; 0 wrong; -1 could not be checked. may_block false (event threads): only what is
 * remembered is looked at, and 0 then means "not remembered". */
int auth_login(struct auth *auth, struct str name, struct str password, bool may_block,
               struct auth_caller *out, struct err *err);

/* The value of an Authorization header after "Basic ", as the two views of a decoded copy. */
int auth_basic_parse(struct arena *arena, struct str encoded, struct str *name,
                     struct str *password, struct err *err);

/* A bearer token. 1; 0 not ours, expired, or void because the account changed; -1. The reason of a 0 is
 * not told to the client. */
int auth_token_accept(struct auth *auth, struct arena *arena, struct str token,
                      struct auth_caller *out, struct err *err);

/* -- the token service ---------------------------------------------------------------------------- */

struct auth_granted {
    struct str token;
    struct str scope;     /* what was granted, in the grammar of scopes, names as asked */
    struct str refresh;   /* null view unless asked for */
    int64_t    issued_at; /* µs */
    int64_t    life_us;
};

/* A token for what of `scopes` the caller may do; for no scope at all an identity token. `caller` is
 * AUTH_NOBODY or an account by password or refresh token. */
int auth_token_issue(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     const struct auth_scopes *scopes, bool wants_refresh, struct str client_id,
                     struct auth_granted *out, struct err *err);

/* A refresh token's account: 1, 0, -1. */
int auth_refresh_accept(struct auth *auth, struct arena *arena, struct str refresh,
                        struct auth_caller *out, struct err *err);

/* A new key signs from now on; the old ones verify until the last token that they signed has ended. */
int auth_key_rotate(struct auth *auth, struct str *out_kid, struct arena *arena, struct err *err);

/* Reads keys again (another node rotated); called when a token names a key that is not known, and by a
 * timer. */
int auth_keys_load(struct auth *auth, struct err *err);

/* Seals what older keys sealed with the first key of `ring`, which must hold the old ones too. */
int auth_keys_reseal(struct auth *auth, const struct seal_ring *ring, int *out_n, struct err *err);

/* May a push make a repository that does not exist (in a namespace where the pusher may create)? */
void auth_set_create_on_push(struct auth *auth, bool may);

/* The public keys, a JWK set (RFC 7517). */
struct str auth_keys_print(struct auth *auth, struct arena *arena);

int auth_password_make(struct auth *auth, struct arena *arena, struct str password,
                       struct str *out_hash, struct err *err);

/* -- the decision --------------------------------------------------------------------------------- */

enum auth_verdict {
    AUTH_YES,
    AUTH_NO_CREDENTIALS, /* 401 without error */
    AUTH_TOO_FEW,        /* good credentials, too few rights */
    AUTH_VOID,           /* a token of an earlier repository of that name, or an identity token */
    AUTH_NO_REPO,        /* may see that it is not there */
    AUTH_NO_NAMESPACE    /* may create, but the namespace is nobody's */
};

/* A repository in the caller's hands. id is 0 when it does not exist yet but may be created by what the
 * caller is about to push: work_ verbs make it in the transaction of the first committed blob or manifest. */
struct auth_repo {
    int64_t    id;
    struct str path; /* in the arena */
    int64_t    namespace_id;
    bool       is_public;
    unsigned   verbs; /* all that this caller may do here */
    int64_t    created_at;
};

/* Decides whether the caller may do `verb` on the repository of that (checked) path; rights are read from
 * the database now. 0 with *verdict, and *out set when it is AUTH_YES; -1 when it could not be decided. */
int auth_repo_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct str path, enum auth_verb verb, struct auth_repo *out,
                   enum auth_verdict *verdict, struct err *err);

/* What a listing of repositories may show to this caller. */
struct auth_view {
    bool    is_all;
    int64_t namespace_id; /* public ones and this namespace; 0: public ones only */
};

int auth_catalog_open(struct auth *auth, const struct auth_caller *caller, struct auth_view *out,
                      enum auth_verdict *verdict, struct err *err);

/* The instance itself (metrics, settings): only system admins, with Basic or an identity token. */
int auth_instance_open(struct auth *auth, const struct auth_caller *caller,
                       enum auth_verdict *verdict, struct err *err);

/* The bare ping of /v2/: any valid credentials, identity tokens too (docker login asks with one). */
enum auth_verdict auth_ping_open(const struct auth_caller *caller);

#endif
