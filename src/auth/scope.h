/* auth/scope.h: the scopes of the token protocol.
 *
 *     scopes := scope *( SP scope )
 *     scope  := type [ "(" class ")" ] ":" name ":" action *( "," action )
 *
 * The name may hold a colon ("localhost:5000/a/b"), so a scope is split at its first and last one; a first
 * component with a colon is a host and not part of the repository's path. The class is obsolete and
 * ignored. Types: `repository` and `registry` (only registry:catalog:*). What does not parse or names
 * another type is dropped, for the protocol has no error for it: the token just does not carry it. */
#ifndef AUTH_SCOPE_H
#define AUTH_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;

enum { AUTH_SCOPES_MAX = 64 };

struct auth_scope {
    bool       is_catalog;
    struct str name;    /* as asked, host included */
    struct str path;    /* of the repository, a valid name */
    struct str actions; /* as asked, comma separated */
    unsigned   verbs;   /* enum auth_verb */
};

struct auth_scopes {
    struct auth_scope *list;
    size_t             n;
    bool               has_unknown; /* something was asked for that is nothing here */
};

/* Adds the scopes of one field to those already there; more than AUTH_SCOPES_MAX are dropped. */
void auth_scopes_add(struct arena *arena, struct str text, struct auth_scopes *scopes);

#endif
