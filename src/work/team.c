/* work/team.c: the verbs about teams. */
#include "work/team.h"

#include "base/err.h"
#include "base/mem.h"
#include "work/access_private.h"
#include "work/work_private.h"

static bool is_edge(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_inner(char c)
{
    return is_edge(c) || c == '.' || c == '_' || c == '-' || c == ' ';
}

int work_team_name_check(struct str name, struct err *err)
{
    if (name.n == 0)
        return work_bad_field("name", "is required", err);
    if (name.n > WORK_TEAM_NAME_MAX)
        return work_bad_field("name", "has at most 100 characters", err);

    bool is_good = is_edge(name.p[0]) && is_edge(name.p[name.n - 1]);
    for (size_t i = 0; i < name.n; i++)
        is_good &= is_inner(name.p[i]);
    if (!is_good)
        return work_bad_field("name",
                              "has letters and digits, inside of which dots, underscores, hyphens "
                              "and blanks may stand",
                              err);
    if (work_is_uuid(name))
        return work_bad_field("name", "could be taken for the id of a team", err);
    return 0;
}

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type,
                const struct auth_account *org, struct str name, struct str before,
                struct str after, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .path        = org->name,
        .object_kind = "team",
        .object_name = name,
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

int work_find_team(struct db_tx *tx, struct arena *arena, const struct auth_account *org,
                   struct str team, struct meta_team *out, struct err *err)
{
    int found = meta_team_find(tx, arena, org->id, team, out, err);

    if (found < 0)
        return -1;
    return found == 1
               ? 0
               : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_TEAM", team,
                              STR_FMT " has no team " STR_FMT, STR_ARGS(org->name), STR_ARGS(team));
}

/* Is the name still free for the team of that id (0: a new one)? */
static int check_free(struct db_tx *tx, struct arena *arena, const struct auth_account *org,
                      struct str name, int64_t id, struct err *err)
{
    struct meta_team other;
    int              found = meta_team_find(tx, arena, org->id, name, &other, err);

    if (found < 0)
        return -1;
    return found == 0 || other.id == id ? 0
                                        : err_set_code(err, ERR_EXISTS, "TEAM_EXISTS", STR("name"),
                                                       "name: " STR_FMT " has a team " STR_FMT,
                                                       STR_ARGS(org->name), STR_ARGS(name));
}

static int check_text(struct str description, struct err *err)
{
    return work_text_check("description", description, WORK_TEAM_TEXT_MAX, err);
}

int work_team_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_account *org, const struct work_team_change *new,
                     struct meta_team *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct meta_team             team = { .org_id      = org->id,
                                          .name        = new->name,
                                          .description = new->description };
    int64_t                      id;

    if (work_team_name_check(new->name, err) < 0 || check_text(new->description, err) < 0 ||
        db_begin(work->db, DB_WRITE, "create team", &tx, err) < 0 ||
        work_hold_org(tx, org, err) < 0 || check_free(tx, arena, org, new->name, 0, err) < 0 ||
        meta_team_add(tx, &team, &id, err) < 0 ||
        tell(tx, actor, "TEAM_CREATED", org, new->name, STR_NULL, STR_NULL, err) < 0 ||
        work_find_team(tx, arena, org, new->name, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_team_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_account *org, struct str team,
                     const struct work_team_change *change, struct meta_team *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_team             now;

    if ((change->name.n > 0 && work_team_name_check(change->name, err) < 0) ||
        check_text(change->description, err) < 0 ||
        db_begin(work->db, DB_WRITE, "change team", &tx, err) < 0 ||
        work_hold_org(tx, org, err) < 0 || work_find_team(tx, arena, org, team, &now, err) < 0)
        return -1;

    struct str name        = change->name.n > 0 ? change->name : now.name;
    struct str description = change->description.p != NULL ? change->description : now.description;
    if (check_free(tx, arena, org, name, now.id, err) < 0 ||
        meta_team_update(tx, now.id, name, description, err) < 0 ||
        tell(tx, actor, "TEAM_CHANGED", org, name, now.name, name, err) < 0 ||
        work_find_team(tx, arena, org, name, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_team_delete(struct work *work, const struct meta_actor *actor,
                     const struct auth_account *org, struct str team, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_team               now;

    if (db_begin(work->db, DB_WRITE, "delete team", &tx, err) < 0 ||
        work_hold_org(tx, org, err) < 0 || work_find_team(tx, arena, org, team, &now, err) < 0 ||
        meta_team_remove(tx, now.id, err) < 0)
        return -1;

    const char *before = mem_printf(arena, "{\"membersCount\":%lld}", (long long)now.n_members);
    if (tell(tx, actor, "TEAM_DELETED", org, now.name, str_from(before), STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_team_get(struct work *work, struct arena *arena, const struct auth_account *org,
                  struct str team, struct meta_team *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "get team", &tx, err) < 0)
        return -1;
    return work_find_team(tx, arena, org, team, out, err);
}

int work_team_page(struct work *work, struct arena *arena, const struct auth_account *org,
                   struct str after, size_t n_max, struct meta_team **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "list teams", &tx, err) < 0)
        return -1;
    return meta_team_page(tx, arena, org->id, after, n_max, out, n_out, err);
}

int work_team_count(struct work *work, const struct auth_account *org, int64_t *out,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "count teams", &tx, err) < 0)
        return -1;
    return meta_team_count(tx, org->id, out, err);
}

int work_team_page_of(struct work *work, struct arena *arena, int64_t org_id, int64_t account_id,
                      struct str after, size_t n_max, struct meta_member_team **out, size_t *n_out,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list teams of member", &tx, err) < 0)
        return -1;
    return meta_team_page_of(tx, arena, org_id, account_id, after, n_max, out, n_out, err);
}

int work_team_count_of(struct work *work, int64_t org_id, int64_t account_id, int64_t *out,
                       struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count teams of member", &tx, err) < 0)
        return -1;
    return meta_team_count_of(tx, org_id, account_id, out, err);
}
