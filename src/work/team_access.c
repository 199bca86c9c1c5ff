/* work/team_access.c: DTR's levels of access as grants. */
#include "work/team_access.h"

#include "base/err.h"
#include "base/mem.h"
#include "meta/account.h"
#include "meta/level.h"
#include "meta/role.h"
#include "meta/team.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/grant.h"
#include "work/work_private.h"

static int no_team(struct str name, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_TEAM", name, "no team " STR_FMT,
                        STR_ARGS(name));
}

static int find_team(struct db_tx *tx, struct arena *arena, int64_t org_id, struct str name,
                     struct meta_team *out, struct err *err)
{
    int found = meta_team_find(tx, arena, org_id, name, out, err);

    if (found < 1)
        return found < 0 ? -1 : no_team(name, err);
    return 0;
}

static struct meta_level_place place_of(const struct auth_repo *place)
{
    return (struct meta_level_place){ .path    = place->path,
                                      .repo_id = place->id,
                                      .org_id  = place->namespace_id };
}

static int is_member(struct db_tx *tx, int64_t team_id, int64_t account_id, bool *out,
                     struct err *err)
{
    int64_t ignored_admin; /* a member is a member */
    int     found = meta_team_member_find(tx, team_id, account_id, &ignored_admin, err);

    if (found < 0)
        return -1;
    *out = found == 1;
    return 0;
}

/* -- giving and taking ---------------------------------------------------------------------------------- */

/* A team at a place, locked, with the grants that are its level now. */
struct held {
    struct meta_team   team;
    struct meta_grant *grants;
    size_t             n;
};

static int hold(struct db_tx *tx, struct arena *arena, const struct auth_repo *place,
                struct str name, struct held *out, struct err *err)
{
    struct meta_level_place at = place_of(place);

    if (find_team(tx, arena, place->namespace_id, name, &out->team, err) < 0)
        return -1;
    if (meta_team_lock(tx, out->team.id, err) < 0)
        return err->kind == ERR_NOT_FOUND ? no_team(name, err) : -1;
    return meta_level_grants(tx, arena, out->team.id, &at, &out->grants, &out->n, err);
}

/* Takes away what is not of the role to stay. *out_has: that one is there. */
static int drop_others(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *place, const struct held *held, struct str role,
                       bool *out_has, struct err *err)
{
    *out_has = false;
    for (size_t i = 0; i < held->n; i++) {
        const struct meta_grant *grant = &held->grants[i];

        if (str_eq(grant->role, role)) {
            *out_has = true;
            continue;
        }
        if (work_grant_bound(place, grant->role, grant->verbs, err) < 0 ||
            work_grant_drop(tx, arena, actor, grant, err) < 0)
            return -1;
    }
    return 0;
}

static int give_role(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *place, const struct meta_team *team,
                     const struct meta_role *role, struct err *err)
{
    struct meta_grant grant = {
        .role_id   = role->id,
        .role      = role->name,
        .verbs     = role->verbs,
        .team_id   = team->id,
        .team      = team->name,
        .team_uuid = team->uuid,
        .org       = oci_name_namespace(place->path),
        .path      = place->path,
        .repo_id   = place->id,
    };

    return work_grant_put(tx, arena, actor, &grant, err);
}

static int find_level(struct db_tx *tx, struct arena *arena, struct str level,
                      struct meta_role *out, struct err *err)
{
    if (meta_level_parse(level) == 0)
        return work_bad_field("accessLevel", "is read-only, read-write or admin", err);

    int found = meta_role_find(tx, arena, level, out, err);
    if (found == 0)
        return err_set_corrupt(err, "the built-in role " STR_FMT " is not there", STR_ARGS(level));
    return found < 0 ? -1 : 0;
}

int work_team_access_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *place, struct str team, struct str level,
                         struct work_team_access *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_role             role;
    struct held                  held;
    bool                         has, member;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "set team access", &tx, err) < 0 ||
        find_level(tx, arena, level, &role, err) < 0 ||
        work_grant_bound(place, role.name, role.verbs, err) < 0 ||
        hold(tx, arena, place, team, &held, err) < 0 ||
        drop_others(tx, arena, actor, place, &held, role.name, &has, err) < 0 ||
        (!has && give_role(tx, arena, actor, place, &held.team, &role, err) < 0) ||
        is_member(tx, held.team.id, actor->account_id, &member, err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = (struct work_team_access){ .level = role.name,
                                      .team  = { .id = held.team.uuid, .is_member = member } };
    return 0;
}

int work_team_access_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                            const struct auth_repo *place, struct str team, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct held                  held;
    bool                         ignored_has; /* there is no role to stay */

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "remove team access", &tx, err) < 0 ||
        hold(tx, arena, place, team, &held, err) < 0 ||
        drop_others(tx, arena, actor, place, &held, STR_NULL, &ignored_has, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- showing -------------------------------------------------------------------------------------------- */

int work_team_access_find(struct work *work, struct arena *arena, int64_t asking_account,
                          const struct auth_repo *place, struct str team,
                          struct work_team_access *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_level_place      at = place_of(place);
    struct meta_team             row;
    struct meta_grant           *grants;
    size_t                       n;
    int64_t                      level = 0;
    bool                         member;

    if (db_begin(work->db, DB_READ, "show team access", &tx, err) < 0 ||
        find_team(tx, arena, place->namespace_id, team, &row, err) < 0 ||
        meta_level_grants(tx, arena, row.id, &at, &grants, &n, err) < 0 ||
        is_member(tx, row.id, asking_account, &member, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (meta_level_parse(grants[i].role) > level)
            level = meta_level_parse(grants[i].role);
    }
    *out = (struct work_team_access){ .level = str_from(meta_level_name(level)),
                                      .team  = {
                                           .id = row.uuid, .name = row.name, .is_member = member } };
    return level > 0;
}

int work_team_access_page(struct work *work, struct arena *arena, int64_t asking_account,
                          const struct auth_repo *place, struct str after, size_t n_max,
                          struct work_team_access **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_level_place      at = place_of(place);
    struct meta_team_level      *rows;

    if (db_begin(work->db, DB_READ, "list team access", &tx, err) < 0 ||
        meta_level_page(tx, arena, &at, asking_account, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = mem_many(arena, *n_out + 1, struct work_team_access);
    for (size_t i = 0; i < *n_out; i++)
        (*out)[i] = (struct work_team_access){
            .level = str_from(meta_level_name(rows[i].level)),
            .team  = { .id        = rows[i].uuid,
                       .name      = rows[i].name,
                       .is_member = rows[i].is_member != 0 },
        };
    return 0;
}

int work_team_access_count(struct work *work, const struct auth_repo *place, int64_t *out,
                           struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_level_place      at = place_of(place);

    if (db_begin(work->db, DB_READ, "count team access", &tx, err) < 0)
        return -1;
    return meta_level_count(tx, &at, out, err);
}

int work_team_open(struct work *work, struct arena *arena, int64_t asking_account,
                   const struct auth_account *org, struct str team, struct work_team_found *out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_team             row;
    bool                         member;

    if (db_begin(work->db, DB_READ, "open team", &tx, err) < 0 ||
        find_team(tx, arena, org->id, team, &row, err) < 0 ||
        is_member(tx, row.id, asking_account, &member, err) < 0)
        return -1;
    if (!member && !org->is_owner)
        return err_set_code(err, ERR_DENIED, "DENIED", team,
                            "this is for members of the team and owners of the organization");
    *out = (struct work_team_found){
        .id = row.id, .team = { .id = row.uuid, .name = row.name, .is_member = member }
    };
    return 0;
}

int work_team_repo_page(struct work *work, struct arena *arena, const struct work_team_found *team,
                        struct str after, size_t n_max, struct work_repo_access **out,
                        size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo_level      *rows;
    struct work_repo            *told;
    size_t                       n;

    if (db_begin(work->db, DB_READ, "list repositories of team", &tx, err) < 0 ||
        meta_level_page_of(tx, arena, team->id, after, n_max, &rows, &n, err) < 0)
        return -1;
    struct meta_repo *repos = mem_many(arena, n + 1, struct meta_repo);
    for (size_t i = 0; i < n; i++)
        repos[i] = rows[i].repo;
    if (work_repos_tell(tx, arena, repos, n, &told, err) < 0)
        return -1;
    *n_out = n;
    *out   = mem_many(arena, n + 1, struct work_repo_access);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (struct work_repo_access){ .level = str_from(meta_level_name(rows[i].level)),
                                               .repo  = told[i] };
    return 0;
}

int work_team_repo_count(struct work *work, const struct work_team_found *team, int64_t *out,
                         struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count repositories of team", &tx, err) < 0)
        return -1;
    return meta_level_count_of(tx, team->id, out, err);
}
