/* work/team_access.h: what teams may do, in the three levels of DTR ("read-only", "read-write", "admin"): each is a
 * grant of the built-in role of that name, on a repository or on the whole of a namespace. A team has one level at a
 * place, which takes the place of the one before; grants of other roles there stay, and are not seen here.
 *
 * `place` as in work/grant.h. Teams are those of the organisation that the namespace is, by name or uuid:
 * ERR_NOT_FOUND, NO_SUCH_TEAM. */
#ifndef WORK_TEAM_ACCESS_H
#define WORK_TEAM_ACCESS_H

#include <stdbool.h>

#include "base/str.h"
#include "work/repository.h"
#include "work/walk.h"

struct arena;
struct auth_account;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

/* A team as DTR's routes show it; names come from the accounts API. */
struct work_team {
    struct str id;
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

/* Of all teams at the place, by name of the team. What `each` is given lives until it returns. */
typedef int work_team_access_each(void *context, const struct work_team_access *access,
                                  struct err *err);

int work_team_access_list(struct work *work, struct arena *arena, int64_t asking_account,
                          const struct auth_repo *place, struct work_page *page,
                          work_team_access_each *each, void *context, struct err *err);

/* The repositories on which a team of `org` has a level of its own, by path. For members of the team and owners of
 * the organisation; ERR_DENIED for others. */
struct work_repo_access {
    struct str       level;
    struct work_repo repo;
};

typedef int work_repo_access_each(void *context, const struct work_repo_access *access,
                                  struct err *err);

int work_team_access_repos(struct work *work, struct arena *arena, int64_t asking_account,
                           const struct auth_account *org, struct str team, struct work_page *page,
                           work_repo_access_each *each, void *context, struct work_team *out_team,
                           struct err *err);

#endif
