/* auth/auth.h: who are you, what may you do.
 *
 * One struct auth a process. Credentials become a struct auth_caller (auth_login, auth_token_accept); a
 * caller becomes a handle to a repository through auth_repo_open, the one decision function, and no other
 * code makes handles: whoever holds one may do with that repository what its verbs say and nothing else.
 *
 * Ages: a right password is remembered for 5 minutes under an HMAC that covers the account's generation,
 * a wrong one never; a verified token until its end; an account's state (active, admin, generation), its rights
 * and, for pulls, what was seen of a repository 5 s. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/caller.h"
#include "auth/rate.h"
#include "auth/scope.h"
#include "auth/session.h"
#include "auth/verb.h"
#include "base/str.h"
#include "meta/repo.h"

struct arena;
struct auth;
struct auth_view;
struct db;
struct err;
struct meta_actor;
struct seal_ring;

struct auth_settings {
    struct db              *db;
    const struct seal_ring *ring;
    struct str              audience; /* of our tokens: this instance */
    size_t                  password_threads;
    size_t                  password_queue; /* log-ins that wait for their hash; more are refused */
    void (*waits)(bool begins); /* told by who begins to wait there, and has waited; or null */
    int64_t token_life_us;
    int64_t refresh_life_us;
};

/* Loads the signing keys, and makes the first one when there is none. */
int  auth_new(const struct auth_settings *settings, struct auth **out, struct err *err);
void auth_free(struct auth **auth);

/* -- credentials to caller ----------------------------------------------------------------------- */

/* Name and password by whatever method (auth/login.c has the table): a password, an access token or a service
 * secret in its place. address: of the peer. 1 and the caller; 0 wrong, and nothing tells an unknown name, a wrong
 * password, a disabled account and one that is locked out apart, time included; -1 could not be checked. may_block
 * false (event threads): only what is remembered or takes a point read is looked at, and 0 then means "not known
 * here". */
int auth_login(struct auth *auth, struct str name, struct str password, struct str address,
               bool may_block, struct auth_caller *out, struct err *err);

/* The value of an Authorization header after "Basic ", as the two views of a decoded copy. */
int auth_basic_parse(struct arena *arena, struct str encoded, struct str *name,
                     struct str *password, struct err *err);

/* An access token or service secret without the name of its account, as a bearer. Returns as auth_login does. */
int auth_secret_accept(struct auth *auth, struct str secret, bool may_block,
                       struct auth_caller *out, struct err *err);

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

/* A refresh token is wanted as well, which is kept, and on record. */
struct auth_refresh_wish {
    struct str               client_id; /* of the program that asks */
    const struct meta_actor *actor;
};

/* A token for what of `scopes` the caller may do; for no scope at all an identity token. `caller` is
 * AUTH_NOBODY or an account by password or refresh token. refresh: null when none is wanted. */
int auth_token_issue(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     const struct auth_scopes *scopes, const struct auth_refresh_wish *refresh,
                     struct auth_granted *out, struct err *err);

/* A refresh token's account: 1, 0, -1. */
int auth_refresh_accept(struct auth *auth, struct arena *arena, struct str refresh,
                        struct auth_caller *out, struct err *err);

/* A new key signs from now on; the old ones verify until the last token that they signed has ended. */
int auth_key_rotate(struct auth *auth, const struct meta_actor *actor, struct str *out_kid,
                    struct arena *arena, struct err *err);

/* Reads keys again (another node rotated); called when a token names a key that is not known, and by a
 * timer. */
int auth_keys_load(struct auth *auth, struct err *err);

/* Seals what older keys sealed with the first key of `ring`, which must hold the old ones too. One event a key. */
int auth_keys_reseal(struct auth *auth, const struct seal_ring *ring,
                     const struct meta_actor *actor, int *out_n, struct err *err);

/* What operators may change while the registry runs. */
struct auth_policy {
    bool may_anonymous; /* pull what is public without credentials */
    bool
            may_create_on_push; /* a push makes what does not exist: in the own namespace, and in organisations whose
                                   owner allows it */
    int64_t credential_life_us; /* access tokens live at most so long; 0: as long as they say */
    int64_t password_min;       /* characters */
    int64_t password_classes;   /* of lower case, upper case, digits, others: at least so many */
    int64_t login_failures;     /* for one name and network before the log-in is locked; 0: never */
    int64_t login_lock_us;      /* the longest that a lock grows to */

    struct auth_session_policy sessions;
    struct auth_rates          rates;
    struct str                 banner; /* shown before people log in; copied */
};

void auth_set_policy(struct auth *auth, const struct auth_policy *policy);

/* The text to show before people log in, or the empty view. Lives as long as the auth. */
struct str auth_banner(const struct auth *auth);

/* Is it allowed that nobody in particular calls? */
bool auth_may_anonymous(const struct auth *auth);

/* The longest life of an access token in µs, 0: any. */
int64_t auth_credential_life(const struct auth *auth);

/* Is the password good enough for the policy? ERR_INVALID naming the field and the rule. */
int auth_password_allow(struct auth *auth, const char *field, struct str password, struct err *err);

/* Is it the hash of a password that could be checked here, and not at a ruinous price? ERR_INVALID naming the
 * field. argon2id in libsodium's form, $argon2id$v=19$m=…,t=…,p=…$salt$hash, with m of at most 65,536 KiB, t of at
 * most 8 and p of at most 4. */
int auth_password_hash_check(const char *field, struct str hash, struct err *err);

/* Is it the password of that account, and not one of its tokens? 1, 0, -1; counts as a log-in from that address
 * does. */
int auth_password_prove(struct auth *auth, struct str name, struct str password, struct str address,
                        struct err *err);

/* The public keys, a JWK set (RFC 7517). */
struct str auth_keys_print(struct auth *auth, struct arena *arena);

int auth_password_make(struct auth *auth, struct arena *arena, struct str password,
                       struct str *out_hash, struct err *err);

/* -- the decision --------------------------------------------------------------------------------- */

enum auth_verdict {
    AUTH_YES,
    AUTH_NO_CREDENTIALS, /* 401 without error */
    AUTH_TOO_FEW,        /* good credentials, too few rights */
    AUTH_HIDDEN,         /* of the management APIs: not even the right to know that it is there */
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
    bool       is_recalled; /* by auth_repo_recall */
};

/* Decides whether the caller may do `verb` on the repository of that (checked) path; rights are read from
 * the database now. 0 with *verdict, and *out set when it is AUTH_YES; -1 when it could not be decided. */
int auth_repo_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct str path, enum auth_verb verb, struct auth_repo *out,
                   enum auth_verdict *verdict, struct err *err);

/* A pull that may rest on what was seen of the repository at most 5 s ago: true, and *out as auth_repo_open would have
 * made it then. Whoever reads through such a handle must see in the same statement that the repository lives and is
 * as public as the handle says; when not, or when nothing is found, auth_repo_open decides anew. False: nothing is
 * remembered, or the answer would not be AUTH_YES. */
bool auth_repo_recall(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct str path, struct auth_repo *out);

/* The same for the management APIs: callers with Basic credentials, a session or an identity token; never with a
 * token of the registry protocol, which was bought for other things. AUTH_CREATE on a path that is free is AUTH_YES
 * with id 0. Without the right to view it is AUTH_HIDDEN, there or not. */
int auth_repo_manage(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct str path, enum auth_verb verb, struct auth_repo *out,
                     enum auth_verdict *verdict, struct err *err);

/* A prefix in the caller's hands (management APIs), for what is kept for all repositories at and below it: a
 * namespace, a part of one, or "" for the whole registry. *out has id 0 and the verbs that the caller has at the
 * prefix itself. AUTH_HIDDEN: none at all. ERR_INVALID for what cannot be a prefix. */
int auth_prefix_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct str prefix, enum auth_verb verb, struct auth_repo *out,
                     enum auth_verdict *verdict, struct err *err);

/* An account in the caller's hands (management APIs). */
enum auth_account_right {
    AUTH_ACCOUNT_SEE, /* itself, an organisation of one's own, fellow members, and admins see all */
    AUTH_ACCOUNT_MANAGE /* itself, an organisation that one owns; admins all. Never with a narrowed credential */
};

struct auth_account {
    int64_t    id;
    struct str uuid;
    struct str name;
    struct str kind;
    bool       is_self;
    bool       by_admin; /* the caller is a system admin */
    bool       is_owner; /* of the organisation, or its admin */
    bool       is_member;
};

/* name_or_uuid as in routes. AUTH_HIDDEN: not there, or not theirs to know of. AUTH_TOO_FEW: seen, not managed. */
int auth_account_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct str name_or_uuid, enum auth_account_right right,
                      struct auth_account *out, enum auth_verdict *verdict, struct err *err);

/* The same listing for the management APIs, as auth_repo_manage is to auth_repo_open. */
int auth_view_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct auth_view *out, enum auth_verdict *verdict, struct err *err);

/* What a listing of repositories may show to this caller. The ranges of `repos` live in the arena. */
struct auth_view {
    struct meta_repo_filter repos;
    bool                    is_all;
    int64_t                 namespace_id; /* the caller's own; 0: none */
};

/* Those among them of which the caller may see who pulled (AUTH_AUDIT). */
int auth_view_audited(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      const struct auth_view *view, struct meta_repo_filter *out, struct err *err);

int auth_catalog_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct auth_view *out, enum auth_verdict *verdict, struct err *err);

/* What a search may show: as much as any of the two listings above to whoever has a right to one, and what is public to
 * those without credentials, unless that is switched off. */
int auth_search_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct auth_view *out, enum auth_verdict *verdict, struct err *err);

/* The instance itself (metrics, settings): only system admins, with Basic or an identity token. */
int auth_instance_open(struct auth *auth, const struct auth_caller *caller,
                       enum auth_verdict *verdict, struct err *err);

/* An account for what is its own (management APIs): with Basic, a session or an identity token; narrowed ones too. */
int auth_user_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   enum auth_verdict *verdict, struct err *err);

/* The bare ping of /v2/: any valid credentials of an account that is still good, identity tokens too (docker login asks
 * with one). */
int auth_ping_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   enum auth_verdict *verdict, struct err *err);

#endif
