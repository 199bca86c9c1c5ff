/* auth/rights.h: what an account may do at a place, and why. The one gathering of rights that the decision
 * (auth/decide.c), explanations and listings share, so that they cannot disagree.
 *
 * Rights add up: a system admin may everything everywhere; a user in the own namespace and an owner in the
 * organisation's; grants to the account and to its teams, on the repository and on every prefix above it; what is
 * public may be seen and pulled. A service account has its grants only, at and below its prefix, and no more than
 * its maker has at the moment. A narrowed credential takes away what its scopes do not name. */
#ifndef AUTH_RIGHTS_H
#define AUTH_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/verb.h"
#include "base/str.h"

struct arena;
struct auth;
struct err;

enum auth_source {
    AUTH_FROM_ADMIN,     /* a system admin */
    AUTH_FROM_NAMESPACE, /* the namespace is the account's own */
    AUTH_FROM_OWNER,     /* owner of the organisation */
    AUTH_FROM_GRANT,
    AUTH_FROM_PUBLIC
};

const char *auth_source_name(enum auth_source source); /* "system admin", "grant" … */

struct auth_reason {
    enum auth_source source;
    unsigned         verbs;
    struct str       grant; /* uuid; the rest is of grants too */
    struct str       role;
    struct str       team; /* "org/devs"; null view: to the account itself */
    struct str       path; /* where it was granted */
    bool             is_prefix;
};

struct auth_explanation {
    bool                is_yes;
    bool                exists;  /* the repository */
    unsigned            verbs;   /* all that the account may do there */
    struct auth_reason *reasons; /* all, whether or not they give the verb */
    size_t              n;
    struct str          missing; /* when no: a sentence */
};

/* Why the account of that name (the null view: anyone without credentials) may or may not do the verb on that
 * path, read from the database now; without credentials' narrowing. ERR_NOT_FOUND, code NO_SUCH_ACCOUNT. */
int auth_explain(struct auth *auth, struct arena *arena, struct str account, struct str path,
                 enum auth_verb verb, struct auth_explanation *out, struct err *err);

/* Who can: accounts by name after `after`, each with its explanation. At most n_max candidates are looked at;
 * *out_next is the name to go on after, or the null view at the end. What everyone may by its being public is not
 * listed account by account: *out_public. */
struct auth_who {
    struct str              account;
    struct auth_explanation why;
};

int auth_who(struct auth *auth, struct arena *arena, struct str path, enum auth_verb verb,
             struct str after, size_t n_max, struct auth_who **out, size_t *n_out,
             struct str *out_next, bool *out_public, struct err *err);

/* Something that rights hang on was changed and committed: from now on this node looks again. Other nodes do so
 * within 5 s. */
void auth_changed(struct auth *auth);

/* Is the path the prefix, or below it? Everything is below the empty one. */
bool auth_is_at_or_below(struct str path, struct str prefix);

#endif
