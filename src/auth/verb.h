/* auth/verb.h: what can be done to a repository. A role is a set of verbs, a token carries a set of
 * verbs, a route needs one; the decision is an intersection. The words of the token protocol (pull, push,
 * delete, *) stand for sets of them. */
#ifndef AUTH_VERB_H
#define AUTH_VERB_H

#include "base/str.h"

enum auth_verb {
    AUTH_NONE       = 0,
    AUTH_PULL       = 1 << 0,
    AUTH_PUSH       = 1 << 1, /* upload blobs, write manifests by digest */
    AUTH_TAG_CREATE = 1 << 2,
    AUTH_TAG_MOVE   = 1 << 3,
    AUTH_TAG_DELETE = 1 << 4,
    AUTH_DELETE     = 1 << 5, /* manifests and blobs */
    AUTH_CREATE     = 1 << 6, /* the repository itself, by pushing to it */
    AUTH_ALL        = (1 << 7) - 1
};

#define AUTH_VERBS_PUSH (AUTH_PUSH | AUTH_TAG_CREATE | AUTH_TAG_MOVE | AUTH_CREATE)
#define AUTH_VERBS_DELETE (AUTH_DELETE | AUTH_TAG_DELETE)

/* The verbs of an action word; AUTH_NONE for a word that we do not know. */
unsigned auth_verbs_of_action(struct str action);

/* The word that a challenge asks for when the verb is missing: "pull", "push" or "delete". */
const char *auth_action_of_verb(enum auth_verb verb);

#endif
