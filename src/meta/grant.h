/* meta/grant.h: grants: a role for a team or for one account, on one repository (repo_id, and for as long as that
 * repository lives) or on a prefix and everything below it ("" is the whole registry). Grants add up. */
#ifndef META_GRANT_H
#define META_GRANT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_grant {
    int64_t    id;
    struct str uuid;
    int64_t    role_id;
    struct str role;    /* its name */
    struct str verbs;   /* and words */
    int64_t    team_id; /* 0: to an account */
    struct str team;    /* name, null view for an account */
    struct str team_uuid;
    struct str org;        /* the team's */
    int64_t    account_id; /* 0: to a team */
    struct str account;
    struct str path;    /* of the repository, or the prefix */
    int64_t    repo_id; /* 0: a prefix */
    int64_t    created_at;
};

/* Whose: the first that is given: of a team, to an account, on a repository, what reaches an account itself or through
 * its teams, on exactly that prefix, or with is_below on that prefix and whatever is below it, repositories too;
 * nothing given: all there are. */
struct meta_grant_filter {
    int64_t    team_id;
    int64_t    account_id;
    int64_t    repo_id;
    int64_t    reaching; /* account id */
    struct str prefix;
    int64_t    is_below;
};

/* In the order of their making, after that id (0: from the start). */
int meta_grant_page(struct db_tx *tx, struct arena *arena, const struct meta_grant_filter *filter,
                    int64_t after, size_t n_max, struct meta_grant **out, size_t *n_out,
                    struct err *err);
int meta_grant_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_grant *out,
                    struct err *err);

/* ERR_EXISTS when the same is granted already. Names, verbs, uuid and created_at are not looked at. */
int meta_grant_add(struct db_tx *tx, struct arena *arena, const struct meta_grant *grant,
                   int64_t created_by, struct str *out_uuid, struct err *err);
int meta_grant_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err);

/* On prefixes at or below that one, not empty: the first n_max. */
int meta_grant_list_below(struct db_tx *tx, struct arena *arena, struct str prefix, size_t n_max,
                          struct meta_grant **out, size_t *n_out, struct err *err);

/* Everything granted to an account, and to its teams: for deleting it. */
int meta_grant_remove_of(struct db_tx *tx, int64_t account_id, struct err *err);

/* -- what the decision asks for ------------------------------------------------------------------- */

/* Grants that reach one account, itself or through its teams, on any of the n paths (a repository's path and the
 * prefixes above it); a grant bound to another repository than repo_id is left out. */
int meta_grant_reaching(struct db_tx *tx, struct arena *arena, int64_t account_id,
                        const struct str *paths, size_t n_paths, int64_t repo_id,
                        struct meta_grant **out, size_t *n_out, struct err *err);

/* Where an account was granted anything at all: paths with the verbs, for listings. */
struct meta_grant_place {
    struct str path;
    int64_t    is_repo;
    struct str verbs;
};

int meta_grant_places(struct db_tx *tx, struct arena *arena, int64_t account_id,
                      struct meta_grant_place **out, size_t *n_out, struct err *err);

/* Names of accounts that may have rights at those paths: system admins, owners of the namespace, grantees and
 * members of teams that are; active ones, by name after `after`. Whether they do the decision says. */
int meta_grant_candidates(struct db_tx *tx, struct arena *arena, int64_t namespace_id,
                          const struct str *paths, size_t n_paths, int64_t repo_id,
                          struct str after, size_t n_max, struct str **out, size_t *n_out,
                          struct err *err);

#endif
