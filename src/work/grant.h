/* work/grant.h: grants: a role for a team or an account, on one repository or on a prefix and all below it.
 *
 * `place` is where: the handle of a repository (auth_repo_manage) or of a prefix (auth_prefix_open), obtained for
 * AUTH_ACCESS. Nobody gives or takes more than they have there: a role with a verb that place->verbs lacks is
 * ERR_DENIED. Each change is one event and one audit record with what was granted before or after, and holds on this
 * node at once, on others within 5 s. */
#ifndef WORK_GRANT_H
#define WORK_GRANT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/grant.h"

struct arena;
struct auth_repo;
struct db_tx;
struct err;
struct meta_actor;
struct meta_role;
struct work;

/* To whom: a team of an organisation, or with a null view in `team` an account. Names or uuids. */
struct work_grantee {
    struct str org;
    struct str team;
    struct str account;
};

/* ERR_NOT_FOUND with NO_SUCH_ROLE, NO_SUCH_TEAM or NO_SUCH_ACCOUNT; ERR_EXISTS, GRANT_EXISTS, when the same was
 * granted there before. */
int work_grant_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   const struct auth_repo *place, struct str role, const struct work_grantee *to,
                   struct meta_grant *out, struct err *err);

/* -1, ERR_NOT_FOUND, NO_SUCH_GRANT: what those are told of a grant who may not know of it. */
int work_grant_absent(struct str uuid, struct err *err);

/* The grant of that id, which says its place: with that one obtains the right to take it away. ERR_NOT_FOUND,
 * NO_SUCH_GRANT. */
int work_grant_find(struct work *work, struct arena *arena, struct str uuid, struct meta_grant *out,
                    struct err *err);
int work_grant_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *place, struct str uuid, struct err *err);

/* The grants of the filter in the order of their making, after the one with that id (0: from the first), at most
 * n_max. */
int work_grant_page(struct work *work, struct arena *arena, const struct meta_grant_filter *filter,
                    int64_t after, size_t n_max, struct meta_grant **out, size_t *n_out,
                    struct err *err);

/* -- for verbs that change grants as a part of what they do, within their transaction --------------- */

/* ERR_DENIED when the role says more than place->verbs. `words`: its verbs. */
int work_grant_bound(const struct auth_repo *place, struct str role, struct str words,
                     struct err *err);

/* Fills in the role of that name, bounded so. ERR_NOT_FOUND, NO_SUCH_ROLE. */
int work_grant_role(struct db_tx *tx, struct arena *arena, struct str name,
                    const struct auth_repo *place, struct meta_grant *grant, struct err *err);

/* Adds and removes with the event; `grant` has its names. */
int work_grant_put(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                   struct meta_grant *grant, struct err *err);
int work_grant_drop(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                    const struct meta_grant *grant, struct err *err);

/* All that were given on prefixes at and below that one: a namespace ends, and the next of its name begins anew. */
int work_grant_drop_below(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                          struct str prefix, struct err *err);

#endif
