/* work/team.h: the verbs about teams of organisations and their members. Whoever is put into a team becomes a
 * member of the organisation. Owners manage teams and their members; admins of a team add and remove ordinary
 * members of it, among the members of the organisation.
 *
 * org is the handle that the decision gave; team is a name or an id in it: ERR_NOT_FOUND, code NO_SUCH_TEAM. */
#ifndef WORK_TEAM_H
#define WORK_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/team.h"
#include "work/org.h"

enum { WORK_TEAM_NAME_MAX = 100, WORK_TEAM_TEXT_MAX = 1024 };

/* Letters, digits, dots, underscores, hyphens and blanks, a letter or digit at both ends; at most 100, no uuid. */
int work_team_name_check(struct str name, struct err *err);

/* A null view leaves as it is, or, of a new one, is empty. An empty name leaves the name as it is too. */
struct work_team_change {
    struct str name;
    struct str description;
};

/* ERR_EXISTS, code TEAM_EXISTS. */
int work_team_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_account *org, const struct work_team_change *new,
                     struct meta_team *out, struct err *err);
int work_team_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_account *org, struct str team,
                     const struct work_team_change *change, struct meta_team *out, struct err *err);

/* With its memberships and grants. */
int work_team_delete(struct work *work, const struct meta_actor *actor,
                     const struct auth_account *org, struct str team, struct err *err);
int work_team_get(struct work *work, struct arena *arena, const struct auth_account *org,
                  struct str team, struct meta_team *out, struct err *err);
int work_team_page(struct work *work, struct arena *arena, const struct auth_account *org,
                   struct str after, size_t n_max, struct meta_team **out, size_t *n_out,
                   struct err *err);
int work_team_count(struct work *work, const struct auth_account *org, int64_t *out,
                    struct err *err);

/* By what right members are changed: as manager of the organisation, else as an admin of the team, if that
 * account is one (0: nobody is). */
struct work_team_hand {
    bool    is_manager;
    int64_t account_id;
};

/* Which membership, and in whose hand its change is (not looked at by work_team_member_get). */
struct work_team_seat {
    const struct auth_account *org;
    struct str                 team; /* name or id, like user */
    struct str                 user;
    struct work_team_hand      hand;
};

/* ERR_DENIED when the hand may not. */
int work_team_member_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct work_team_seat  *seat,
                         const struct work_membership *membership, struct meta_member *out,
                         struct err *err);
int work_team_member_remove(struct work *work, const struct meta_actor *actor,
                            const struct work_team_seat *seat, struct err *err);
int work_team_member_get(struct work *work, struct arena *arena, const struct work_team_seat *seat,
                         struct meta_member *out, struct err *err);

/* team_id: of work_team_get. */
int work_team_member_page(struct work *work, struct arena *arena, int64_t team_id,
                          enum meta_member_filter filter, struct str after, size_t n_max,
                          struct meta_member **out, size_t *n_out, struct err *err);
int work_team_member_count(struct work *work, int64_t team_id, enum meta_member_filter filter,
                           int64_t *out, struct err *err);

/* The teams of one member. */
int work_team_page_of(struct work *work, struct arena *arena, int64_t org_id, int64_t account_id,
                      struct str after, size_t n_max, struct meta_member_team **out, size_t *n_out,
                      struct err *err);
int work_team_count_of(struct work *work, int64_t org_id, int64_t account_id, int64_t *out,
                       struct err *err);

#endif
