/* meta/level.h: DTR's three levels of access of teams: what of the grants its clients can see. A level is a grant of
 * the built-in role of that name; a team with several of them at one place has the highest. */
#ifndef META_LEVEL_H
#define META_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/grant.h"
#include "meta/repo.h"

struct arena;
struct db_tx;
struct err;

/* "read-only", "read-write", "admin": 1 to 3; 0 for another word. */
int64_t     meta_level_parse(struct str word);
const char *meta_level_name(int64_t level);

/* A team at a place. */
struct meta_team_level {
    int64_t    team_id;
    struct str uuid;
    struct str name;
    int64_t    level;
    int64_t    is_member; /* the account that asks */
};

/* Where: the repository, or with repo_id 0 exactly that prefix. Teams of org_id only. */
struct meta_level_place {
    struct str path;
    int64_t    repo_id;
    int64_t    org_id;
};

/* In byte order of the team's name after `after` (exclusive; null view: from the start), at most n_max. */
int meta_level_page(struct db_tx *tx, struct arena *arena, const struct meta_level_place *place,
                    int64_t asking_account, struct str after, size_t n_max,
                    struct meta_team_level **out, size_t *n_out, struct err *err);
int meta_level_count(struct db_tx *tx, const struct meta_level_place *place, int64_t *out,
                     struct err *err);

/* The grants behind the level of one team at a place; at most one a role. */
int meta_level_grants(struct db_tx *tx, struct arena *arena, int64_t team_id,
                      const struct meta_level_place *place, struct meta_grant **out, size_t *n_out,
                      struct err *err);

/* The repositories on which a team has a level of its own, by path after `after`. */
struct meta_repo_level {
    struct meta_repo repo;
    int64_t          level;
};

int meta_level_page_of(struct db_tx *tx, struct arena *arena, int64_t team_id, struct str after,
                       size_t n_max, struct meta_repo_level **out, size_t *n_out, struct err *err);
int meta_level_count_of(struct db_tx *tx, int64_t team_id, int64_t *out, struct err *err);

#endif
