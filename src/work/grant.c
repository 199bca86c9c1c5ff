/* work/grant.c: grants given and taken away. */
#include "work/grant.h"

#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "meta/account.h"
#include "meta/role.h"
#include "meta/team.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { TOLD_MAX = 4096, BATCH = 500 };

/* To whom, in words: "team org/devs", "account alice". */
static struct str grantee(struct arena *arena, const struct meta_grant *grant)
{
    if (grant->team_id != 0)
        return str_from(mem_printf(arena, "team " STR_FMT "/" STR_FMT, STR_ARGS(grant->org),
                                   STR_ARGS(grant->team)));
    return str_from(mem_printf(arena, "account " STR_FMT, STR_ARGS(grant->account)));
}

static struct str print(struct arena *arena, const struct meta_grant *grant)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "role", grant->role);
    json_write_str_at(&w, "to", grantee(arena, grant));
    json_write_str_at(&w, "path", grant->path);
    json_write_bool_at(&w, "isPrefix", grant->repo_id == 0);
    json_write_end(&w);
    return buf_view(&text);
}

static struct meta_event event_of(struct arena *arena, const char *type,
                                  const struct meta_grant *grant)
{
    return (struct meta_event){
        .type        = type,
        .repo_id     = grant->repo_id,
        .path        = grant->path,
        .object_kind = "grant",
        .object_name = grant->uuid,
        .target      = grantee(arena, grant),
    };
}

int work_grant_bound(const struct auth_repo *place, struct str role, struct str words,
                     struct err *err)
{
    unsigned verbs;

    if (auth_verbs_parse(words, &verbs, err) < 0)
        return err_set_corrupt(err, "role " STR_FMT ": %s", STR_ARGS(role), err->text);
    if ((verbs & ~place->verbs) != 0)
        return err_set_code(err, ERR_DENIED, "DENIED", role,
                            "the role " STR_FMT " says more than you may here", STR_ARGS(role));
    return 0;
}

int work_grant_put(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                   struct meta_grant *grant, struct err *err)
{
    if (meta_grant_add(tx, arena, grant, actor->account_id, &grant->uuid, err) < 0)
        return -1;

    struct meta_event event = event_of(arena, "GRANT_CREATED", grant);
    event.after             = print(arena, grant);
    return meta_event_add(tx, actor, &event, err);
}

int work_grant_drop(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                    const struct meta_grant *grant, struct err *err)
{
    struct meta_event event = event_of(arena, "GRANT_DELETED", grant);
    int64_t           n     = 0;

    event.before = print(arena, grant);
    if (meta_grant_remove(tx, grant->id, &n, err) < 0)
        return -1;
    return n == 0 ? 0 : meta_event_add(tx, actor, &event, err);
}

int work_grant_drop_below(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                          struct str prefix, struct err *err)
{
    struct meta_grant *grants;
    size_t             n;

    do {
        if (meta_grant_list_below(tx, arena, prefix, BATCH, &grants, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (work_grant_drop(tx, arena, actor, &grants[i], err) < 0)
                return -1;
        }
    } while (n == BATCH);
    return 0;
}

static int not_found(const char *code, struct str about, const char *what, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, code, about, "no %s " STR_FMT, what, STR_ARGS(about));
}

static int find_team(struct db_tx *tx, struct arena *arena, const struct work_grantee *to,
                     struct meta_grant *grant, struct err *err)
{
    struct meta_account org;
    struct meta_team    team;
    int                 found = meta_account_find_any(tx, arena, to->org, &org, err);

    if (found == 0)
        return not_found("NO_SUCH_ACCOUNT", to->org, "account", err);
    if (found == 1)
        found = meta_team_find(tx, arena, org.id, to->team, &team, err);
    if (found == 0)
        return not_found("NO_SUCH_TEAM", to->team, "team", err);
    if (found < 0)
        return -1;
    grant->team_id   = team.id;
    grant->team      = team.name;
    grant->team_uuid = team.uuid;
    grant->org       = org.name;
    return 0;
}

static int find_account(struct db_tx *tx, struct arena *arena, const struct work_grantee *to,
                        struct meta_grant *grant, struct err *err)
{
    struct meta_account account;
    int                 found = meta_account_find_any(tx, arena, to->account, &account, err);

    if (found < 0)
        return -1;
    if (found == 0 || str_is(account.kind, "organization"))
        return not_found("NO_SUCH_ACCOUNT", to->account, "user or service account", err);
    grant->account_id = account.id;
    grant->account    = account.name;
    return 0;
}

int work_grant_role(struct db_tx *tx, struct arena *arena, struct str name,
                    const struct auth_repo *place, struct meta_grant *grant, struct err *err)
{
    struct meta_role role;
    int              found = meta_role_find(tx, arena, name, &role, err);

    if (found == 0)
        return not_found("NO_SUCH_ROLE", name, "role", err);
    if (found < 0)
        return -1;
    grant->role_id = role.id;
    grant->role    = role.name;
    grant->verbs   = role.verbs;
    return work_grant_bound(place, role.name, role.verbs, err);
}

int work_grant_absent(struct str uuid, struct err *err)
{
    return not_found("NO_SUCH_GRANT", uuid, "grant", err);
}

static int get(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_grant *out,
               struct err *err)
{
    int found = meta_grant_find(tx, arena, uuid, out, err);

    if (found == 0)
        return work_grant_absent(uuid, err);
    return found < 0 ? -1 : 0;
}

int work_grant_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   const struct auth_repo *place, struct str role, const struct work_grantee *to,
                   struct meta_grant *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    struct meta_grant            grant = { .path = place->path, .repo_id = place->id };

    if (work_may_write(work, err) < 0 || db_begin(work->db, DB_WRITE, "grant", &tx, err) < 0 ||
        work_grant_role(tx, arena, role, place, &grant, err) < 0 ||
        (to->team.p != NULL ? find_team : find_account)(tx, arena, to, &grant, err) < 0)
        return -1;
    if (work_grant_put(tx, arena, actor, &grant, err) < 0) {
        if (err->kind == ERR_EXISTS)
            err_set_code(err, ERR_EXISTS, "GRANT_EXISTS", role,
                         "the same is granted there already");
        return -1;
    }
    if (get(tx, arena, grant.uuid, &grant, err) < 0 || work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = grant;
    return 0;
}

int work_grant_find(struct work *work, struct arena *arena, struct str uuid, struct meta_grant *out,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find grant", &tx, err) < 0)
        return -1;
    return get(tx, arena, uuid, out, err);
}

int work_grant_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *place, struct str uuid, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_grant            grant;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "revoke grant", &tx, err) < 0 ||
        get(tx, arena, uuid, &grant, err) < 0)
        return -1;
    if (grant.repo_id != place->id || !str_eq(grant.path, place->path))
        return work_grant_absent(uuid, err);
    if (work_grant_bound(place, grant.role, grant.verbs, err) < 0 ||
        work_grant_drop(tx, arena, actor, &grant, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_grant_page(struct work *work, struct arena *arena, const struct meta_grant_filter *filter,
                    int64_t after, size_t n_max, struct meta_grant **out, size_t *n_out,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list grants", &tx, err) < 0)
        return -1;
    return meta_grant_page(tx, arena, filter, after, n_max, out, n_out, err);
}
