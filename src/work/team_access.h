/* work/team_access.h: what teams may do, in the three levels of DTR ("read-only", "read-write", "admin"): each is a
 * grant of the built-in role of that name, on a repository or on the whole of a namespace. A team has one level at a
 * place, which takes the place of the one before; grants of other roles there stay, and are not seen here.
 *
 * `place` as in work/grant.h. Teams are those of the organisation that the namespace is, by name or uuid:
 * ERR_NOT_FOUND, NO_SUCH_TEAM. */
#ifndef WORK_TEAM_ACCESS_H
#define WORK_TEAM_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "work/repository.h"

struct arena;
struct auth_account;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

/* A team as DTR's routes show it; names come from the accounts API. */
struct work_team {
    struct str id;
    struct str name;
    bool       is_member; /* the account that asks */
};

struct work_team_access {
    struct str       level;
    struct work_team team;
};

/* ERR_INVALID, INVALID_PARAMETERS, for a level that is none. */
int work_team_access_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *place, struct str team, struct str level,
                         struct work_team_access *out, struct err *err);

/* Nothing to take away is as good as done. */
int work_team_access_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                            const struct auth_repo *place, struct str team, struct err *err);

/* The level of one team: 1, 0 none. The team must exist. */
int work_team_access_find(struct work *work, struct arena *arena, int64_t asking_account,
                          const struct auth_repo *place, struct str team,
                          struct work_team_access *out, struct err *err);

/* Of all teams at the place, by name of the team after `after` (exclusive; null view: from the start), at most n_max. */
int work_team_access_page(struct work *work, struct arena *arena, int64_t asking_account,
                          const struct auth_repo *place, struct str after, size_t n_max,
                          struct work_team_access **out, size_t *n_out, struct err *err);
int work_team_access_count(struct work *work, const struct auth_repo *place, int64_t *out,
                           struct err *err);

/* The repositories on which a team of `org` has a level of its own, by path. For members of the team and owners of
 * the organisation: ERR_DENIED for others, told by work_team_open, which comes first. */
struct work_repo_access {
    struct str       level;
    struct work_repo repo;
};

struct work_team_found {
    int64_t          id;
    struct work_team team;
};

int work_team_open(struct work *work, struct arena *arena, int64_t asking_account,
                   const struct auth_account *org, struct str team, struct work_team_found *out,
                   struct err *err);
int work_team_repo_page(struct work *work, struct arena *arena, const struct work_team_found *team,
                        struct str after, size_t n_max, struct work_repo_access **out,
                        size_t *n_out, struct err *err);
int work_team_repo_count(struct work *work, const struct work_team_found *team, int64_t *out,
                         struct err *err);

#endif
