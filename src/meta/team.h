/* meta/team.h: teams of organisations and their members. Whoever is in a team is a member of its
 * organisation. Lists are pages in byte order of the name after
 * `after` (exclusive; the null view: from the start), at most n_max. */
#ifndef META_TEAM_H
#define META_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/org.h"

struct arena;
struct db_tx;
struct err;

struct meta_team {
    int64_t    id;
    struct str uuid;
    int64_t    org_id;
    struct str name;
    struct str description;
    int64_t    created_at;
    int64_t    n_members;
};

/* By name, or by uuid when the text is one. */
int meta_team_find(struct db_tx *tx, struct arena *arena, int64_t org_id, struct str name_or_uuid,
                   struct meta_team *out, struct err *err);
int meta_team_find_id(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_team *out,
                      struct err *err);

/* Its row is nobody else's to lock until the transaction ends. ERR_NOT_FOUND when the team is gone. */
int meta_team_lock(struct db_tx *tx, int64_t id, struct err *err);

/* ERR_EXISTS when the organisation has one of that name. uuid and created_at are made. */
int meta_team_add(struct db_tx *tx, const struct meta_team *team, int64_t *out_id, struct err *err);
int meta_team_update(struct db_tx *tx, int64_t id, struct str name, struct str description,
                     struct err *err);

/* With its members and its grants. */
int meta_team_remove(struct db_tx *tx, int64_t id, struct err *err);

int meta_team_page(struct db_tx *tx, struct arena *arena, int64_t org_id, struct str after,
                   size_t n_max, struct meta_team **out, size_t *n_out, struct err *err);
int meta_team_count(struct db_tx *tx, int64_t org_id, int64_t *out, struct err *err);

int meta_team_member_find(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t *out_admin,
                          struct err *err);
int meta_team_member_put(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t is_admin,
                         struct err *err);
int meta_team_member_remove(struct db_tx *tx, int64_t team_id, int64_t account_id, int64_t *out_n,
                            struct err *err);
int meta_team_member_page(struct db_tx *tx, struct arena *arena, int64_t team_id,
                          enum meta_member_filter filter, struct str after, size_t n_max,
                          struct meta_member **out, size_t *n_out, struct err *err);
int meta_team_member_count(struct db_tx *tx, int64_t team_id, enum meta_member_filter filter,
                           int64_t *out, struct err *err);

/* The teams of one account within an organisation. */
struct meta_member_team {
    struct meta_team team;
    int64_t          is_admin;
};

int meta_team_page_of(struct db_tx *tx, struct arena *arena, int64_t org_id, int64_t account_id,
                      struct str after, size_t n_max, struct meta_member_team **out, size_t *n_out,
                      struct err *err);

int meta_team_count_of(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out,
                       struct err *err);

#endif
