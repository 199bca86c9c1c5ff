/* auth/caller.h: who is calling, as proved by the credentials of one request. A value without secrets.
 *
 * A token is an upper bound: what its access list does not name, it does not give; what it names is given
 * only as far as the account's live rights go (at most 5 s old). Basic credentials have no such bound, unless
 * the secret is an access token that was narrowed: then `credential` names the row whose scopes bound it, in
 * whatever it was exchanged for as well. */
#ifndef AUTH_CALLER_H
#define AUTH_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "oci/name.h"

enum auth_caller_kind {
    AUTH_NOBODY,    /* no credentials at all */
    AUTH_ANONYMOUS, /* a token that was bought without credentials */
    AUTH_ACCOUNT
};

/* Names of users and organisations have at most 100 bytes; a service account's is its owner's, a plus and a
 * label. */
enum { AUTH_ACCOUNT_NAME_MAX = 160, AUTH_ACCESS_MAX = 4, AUTH_CREDENTIAL_MAX = 40 };

/* One entry of a token's access list. */
struct auth_access {
    char     path[OCI_NAME_MAX + 1];
    int64_t  repo_id; /* 0: the repository did not exist when the token was made */
    unsigned verbs;
};

struct auth_caller {
    enum auth_caller_kind kind;
    int64_t               account_id; /* 0 for nobody and anonymous */
    int64_t               generation;
    bool                  is_admin;
    char                  name[AUTH_ACCOUNT_NAME_MAX];
    char credential_id[AUTH_CREDENTIAL_MAX]; /* for records: jti, "token-12", "session" or empty */

    int64_t
        credential; /* row of the access token or service secret that this comes from; 0: none */
    int64_t credential_generation;
    bool    is_narrowed; /* by the scopes of that row */
    bool    is_session;  /* of a browser: changes need the CSRF token too */

    bool               has_token;   /* bounded by what follows */
    bool               is_identity; /* good for the management APIs only */
    bool               may_catalog;
    int64_t            issued_at; /* µs */
    int64_t            expires_at;
    size_t             n_access;
    struct auth_access access[AUTH_ACCESS_MAX];
};

#endif
