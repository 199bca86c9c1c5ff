/* work/role.h: roles: names for sets of verbs (auth/verb.h). Built-in ones come with the schema and are ERR_CONFLICT,
 * code ROLE_IS_BUILT_IN, to whoever would change them. Changes are one event and one audit record with the role before
 * and after; who holds the role may more or less on this node at once, on others within 5 s. */
#ifndef WORK_ROLE_H
#define WORK_ROLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "meta/role.h"

struct arena;
struct err;
struct meta_actor;
struct work;

enum { WORK_ROLE_NAME_MAX = 64, WORK_ROLE_TEXT_MAX = 1024 };

/* What a role is to be. In a change what has no has-flag stays. ERR_INVALID, code INVALID_PARAMETERS, about the field:
 * names are a-z, 0-9 and hyphens inside, and a role has at least one verb. */
struct work_role_form {
    struct str name; /* of a new one */
    bool       has_verbs;
    unsigned   verbs;
    bool       has_description;
    struct str description;
};

/* All of them, by name. */
int work_role_list(struct work *work, struct arena *arena, struct meta_role **out, size_t *n_out,
                   struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_ROLE. */
int work_role_get(struct work *work, struct arena *arena, struct str name, struct meta_role *out,
                  struct err *err);

/* ERR_EXISTS, code ROLE_EXISTS. */
int work_role_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct work_role_form *form, struct meta_role *out, struct err *err);
int work_role_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     struct str name, const struct work_role_form *form, struct meta_role *out,
                     struct err *err);

/* ERR_CONFLICT, code ROLE_IN_USE, says how many grants name it. */
int work_role_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     struct str name, struct err *err);

#endif
