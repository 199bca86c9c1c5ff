/* meta/role.h: roles: names for sets of verbs, which are kept as words (auth/verb.h knows them). Built-in ones come
 * with the schema and stay as they are. */
#ifndef META_ROLE_H
#define META_ROLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_role {
    int64_t    id;
    struct str uuid;
    struct str name;
    struct str verbs; /* words with blanks between */
    struct str description;
    int64_t    is_built_in;
    int64_t    created_at;
};

int meta_role_find(struct db_tx *tx, struct arena *arena, struct str name, struct meta_role *out,
                   struct err *err);
/* And nobody else changes it until the transaction ends. */
int meta_role_lock(struct db_tx *tx, struct arena *arena, struct str name, struct meta_role *out,
                   struct err *err);

/* How many grants name it. */
int meta_role_n_grants(struct db_tx *tx, int64_t id, int64_t *out, struct err *err);

int meta_role_list(struct db_tx *tx, struct arena *arena, struct meta_role **out, size_t *n_out,
                   struct err *err); /* by name; at most META_ROLES_MAX */

enum { META_ROLES_MAX = 1000 };

/* ERR_EXISTS when the name is taken. Update and remove: built-in roles and absent ones change nothing, *out_n 0;
 * removing one that a grant names is ERR_CONFLICT. */
int meta_role_add(struct db_tx *tx, struct str name, struct str verbs, struct str description,
                  int64_t *out_id, struct err *err);
int meta_role_update(struct db_tx *tx, int64_t id, struct str verbs, struct str description,
                     int64_t *out_n, struct err *err);
int meta_role_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err);

#endif
