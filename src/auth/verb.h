/* auth/verb.h: what can be done to a repository. A role is a set of verbs, a token carries a set of verbs, a
 * route needs one; the decision is an intersection. Each verb has a word and a sentence (auth_verb_table): roles
 * and narrowed tokens are kept as words, explanations say them. The actions of the token protocol (pull, push,
 * delete, *) stand for sets of verbs. */
#ifndef AUTH_VERB_H
#define AUTH_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum auth_verb {
    AUTH_NONE       = 0,
    AUTH_PULL       = 1 << 0,
    AUTH_PUSH       = 1 << 1, /* upload blobs, write manifests by digest */
    AUTH_TAG_CREATE = 1 << 2,
    AUTH_TAG_MOVE   = 1 << 3,
    AUTH_TAG_DELETE = 1 << 4,
    AUTH_DELETE     = 1 << 5,  /* manifests and blobs */
    AUTH_CREATE     = 1 << 6,  /* the repository itself, by pushing to it or by hand */
    AUTH_VIEW       = 1 << 7,  /* see that it is there, its tags, settings and findings */
    AUTH_SCAN       = 1 << 8,  /* start a scan */
    AUTH_APPROVE    = 1 << 9,  /* approve a promotion */
    AUTH_POLICIES   = 1 << 10, /* promotion, mirrors, pruning, gates, webhooks */
    AUTH_MANAGE     = 1 << 11, /* description, visibility, settings */
    AUTH_ACCESS     = 1 << 12, /* who may what: grants on it */
    AUTH_REMOVE     = 1 << 13, /* delete the repository */
    AUTH_AUDIT      = 1 << 14, /* what happened: pulls and the audit log */
    AUTH_HOLD       = 1 << 15, /* holds: what may not be deleted */
    AUTH_PURGE      = 1 << 16, /* take away at once, past the undelete window */
    AUTH_ALL        = (1 << 17) - 1
};

#define AUTH_VERBS_PUSH (AUTH_PUSH | AUTH_TAG_CREATE | AUTH_TAG_MOVE | AUTH_CREATE)
#define AUTH_VERBS_DELETE (AUTH_DELETE | AUTH_TAG_DELETE)
#define AUTH_VERBS_REGISTRY (AUTH_PULL | AUTH_VERBS_PUSH | AUTH_VERBS_DELETE)

struct auth_verb_row {
    enum auth_verb verb;
    const char    *word; /* "create-tag" */
    const char    *help;
};

extern const struct auth_verb_row auth_verb_table[];
extern const size_t               auth_n_verbs;

/* A set as words with blanks between, in the order of the table. Parsing takes blanks or commas, "*" for all of
 * them; who may pull may view. ERR_INVALID about the first word that is none. */
struct str auth_verbs_print(struct arena *arena, unsigned verbs);
int        auth_verbs_parse(struct str words, unsigned *out, struct err *err);

/* The verbs of an action of the token protocol; AUTH_NONE for a word that we do not know. */
unsigned auth_verbs_of_action(struct str action);

/* Is the action to be named in a token for these rights? An action is more than its core: "push" moves tags too,
 * but one who may only create them pushes as well, and the verbs are looked at again with each request. */
bool auth_action_is_granted(struct str action, unsigned verbs);

/* What somebody wants to do, in one word: an action of the token protocol, else a verb. `core` is what it takes, any of
 * it; `all` is what it comprises: a push that may not move tags is a push. False for a word that is neither. */
bool auth_wish_parse(struct str word, enum auth_verb *core, unsigned *all);

/* The action that a challenge asks for when the verb is missing: "pull", "push" or "delete". */
const char *auth_action_of_verb(enum auth_verb verb);

/* DTR's three levels: the role that a set of verbs amounts to, "admin", "read-write", "read-only", or null. */
const char *auth_level_of_verbs(unsigned verbs);

#endif
