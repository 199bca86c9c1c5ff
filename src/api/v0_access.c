/* api/v0_access.c: DTR's team access: what teams may do in a repository or in all of a namespace, in three levels. */
#include "api/v0_repository.h"

#include "api/list.h"
#include "auth/rights.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "work/team_access.h"

struct access_form {
    struct str level;
};

struct namespace_access {
    struct str level;
    struct str namespace;
    struct work_team team;
};

/* clang-format off */
static const struct json_field form_fields[] = {
    { .name = "accessLevel", .kind = JSON_STRING, .offset = JSON_AT(struct access_form, level, struct str), .flags = JSON_REQUIRED },
};
static const struct json_table form_table = {
    .name = "Access", .size = sizeof(struct access_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};

static const struct json_field team_fields[] = {
    { .name = "clientUserIsMember", .kind = JSON_BOOL,   .offset = JSON_AT(struct work_team, is_member, bool) },
    { .name = "id",                 .kind = JSON_STRING, .offset = JSON_AT(struct work_team, id, struct str) },
};
static const struct json_table team_table = {
    .name = "Team", .size = sizeof(struct work_team), .fields = team_fields, .n_fields = ARRAY_LEN(team_fields),
};

static const struct json_field access_fields[] = {
    { .name = "accessLevel", .kind = JSON_STRING, .offset = JSON_AT(struct work_team_access, level, struct str) },
    { .name = "team",        .kind = JSON_OBJECT, .offset = JSON_AT(struct work_team_access, team, struct work_team),
      .table = &team_table },
};
static const struct json_table access_table = {
    .name = "TeamAccess", .size = sizeof(struct work_team_access), .fields = access_fields, .n_fields = ARRAY_LEN(access_fields),
};

static const struct json_field namespace_fields[] = {
    { .name = "accessLevel", .kind = JSON_STRING, .offset = JSON_AT(struct namespace_access, level, struct str) },
    { .name = "namespace",   .kind = JSON_STRING, .offset = JSON_AT(struct namespace_access, namespace, struct str) },
    { .name = "team",        .kind = JSON_OBJECT, .offset = JSON_AT(struct namespace_access, team, struct work_team),
      .table = &team_table },
};
static const struct json_table namespace_table = {
    .name = "NamespaceTeamAccess", .size = sizeof(struct namespace_access), .fields = namespace_fields,
    .n_fields = ARRAY_LEN(namespace_fields),
};

static const struct json_field repo_access_fields[] = {
    { .name = "accessLevel", .kind = JSON_STRING, .offset = JSON_AT(struct work_repo_access, level, struct str) },
    { .name = "repository",  .kind = JSON_OBJECT, .offset = JSON_AT(struct work_repo_access, repo, struct work_repo),
      .table = &api_v0_repo_table },
};
static const struct json_table repo_access_table = {
    .name = "RepoAccess", .size = sizeof(struct work_repo_access), .fields = repo_access_fields,
    .n_fields = ARRAY_LEN(repo_access_fields),
};
/* clang-format on */

static int read_teams(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct work_team_access *rows;

    if (work_team_access_page(call->work, arena, call->caller.account_id, what, after, n_max, &rows,
                              n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str team_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct work_team_access *)row)->team.name;
}

static void write_team(struct api_call *call, struct json_write *w, const void *row)
{
    (void)call;
    json_write_table(w, &access_table, row);
}

static const struct api_pages team_pages = { .read  = read_teams,
                                             .size  = sizeof(struct work_team_access),
                                             .key   = team_key,
                                             .write = write_team };

/* The teams at call->repo, so that more may follow in the wrapping object. */
static int begin_teams(struct api_call *call, const struct api_paging *paging,
                       struct api_v0_list *page, int64_t *out_n, struct err *err)
{
    *out_n = 0;
    if (api_v0_list_begin(call, paging, &team_pages, &call->repo, page, err) < 0)
        return -1;
    return paging->wants_count ? work_team_access_count(call->work, &call->repo, out_n, err) : 0;
}

/* -- on a repository ------------------------------------------------------------------------------------ */

static int reply_repo_teams(struct api_call *call, const struct api_paging *paging, struct err *err)
{
    struct work_repo   repo;
    struct api_v0_list page;
    int64_t            n;

    if (work_repo_get(call->work, call->arena, &call->repo, &repo, err) < 0 ||
        begin_teams(call, paging, &page, &n, err) < 0)
        return -1;

    struct json_write *w = api_list_close(page.list);
    json_write_key(w, "repository");
    json_write_table(w, &api_v0_repo_table, &repo);
    return api_v0_list_reply(call, &page, n, err);
}

static int list_repo_teams(struct api_call *call, struct err *err)
{
    struct api_paging paging;

    if (api_v0_paging_read(call, &paging, err) < 0)
        return -1;
    return reply_repo_teams(call, &paging, err);
}

/* Answers with all teams. */
static int put_repo_team(struct api_call *call, struct err *err)
{
    struct access_form      form   = { 0 };
    struct api_paging       paging = { .size = API_PAGE_MAX };
    struct work_team_access ignored_access; /* all of them are told */

    if (api_body(call, &form, err) < 0 ||
        work_team_access_put(call->work, call->arena, &call->actor, &call->repo,
                             api_hole(call, "team"), form.level, &ignored_access, err) < 0)
        return -1;
    return reply_repo_teams(call, &paging, err);
}

static int delete_repo_team(struct api_call *call, struct err *err)
{
    if (work_team_access_remove(call->work, call->arena, &call->actor, &call->repo,
                                api_hole(call, "team"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- in a namespace ------------------------------------------------------------------------------------- */

/* The namespace as a place to grant on: 1, 0 refused and answered, -1. */
static int open_namespace(struct api_call *call, struct err *err)
{
    enum auth_verdict verdict;

    if (auth_prefix_open(call->auth, call->arena, &call->caller, call->account.name, AUTH_ACCESS,
                         &call->repo, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_YES)
        return 1;

    /* That it is there is known to whoever came this far. */
    api_deny(call, verdict == AUTH_HIDDEN ? AUTH_TOO_FEW : verdict, "access");
    return 0;
}

/* To be read by members of the organisation. 1, 0, -1. */
static int see_namespace(struct api_call *call)
{
    call->repo = (struct auth_repo){ .path = call->account.name, .namespace_id = call->account.id };
    if (call->account.is_member || call->account.is_owner || call->account.is_self)
        return 1;
    api_deny(call, AUTH_TOO_FEW, "be a member of the organization");
    return 0;
}

static int list_namespace_teams(struct api_call *call, struct err *err)
{
    struct api_paging  paging;
    struct api_v0_list page;
    int64_t            n;

    if (see_namespace(call) == 0)
        return 0;
    if (api_v0_paging_read(call, &paging, err) < 0 ||
        begin_teams(call, &paging, &page, &n, err) < 0)
        return -1;
    json_write_str_at(api_list_close(page.list), "namespace", call->account.name);
    return api_v0_list_reply(call, &page, n, err);
}

static int reply_namespace(struct api_call *call, const struct work_team_access *access,
                           struct err *err)
{
    struct namespace_access told = { .level     = access->level,
                                     .namespace = call->account.name,
                                     .team      = access->team };

    return api_reply_value(call, &told, err);
}

/* For members of the team and those who may grant in the namespace. */
static int show_namespace_team(struct api_call *call, struct err *err)
{
    struct str              team = api_hole(call, "team");
    struct work_team_access access;

    if (see_namespace(call) == 0)
        return 0;
    int found = work_team_access_find(call->work, call->arena, call->caller.account_id, &call->repo,
                                      team, &access, err);
    if (found < 0)
        return -1;
    if (!access.team.is_member && open_namespace(call, err) < 1)
        return 0;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_NAMESPACE_TEAM_ACCESS", team,
                            "the team has no access to the namespace as a whole");
    return reply_namespace(call, &access, err);
}

static int put_namespace_team(struct api_call *call, struct err *err)
{
    struct access_form      form = { 0 };
    struct work_team_access access;
    int                     may = open_namespace(call, err);

    if (may < 1)
        return may;
    if (api_body(call, &form, err) < 0 ||
        work_team_access_put(call->work, call->arena, &call->actor, &call->repo,
                             api_hole(call, "team"), form.level, &access, err) < 0)
        return -1;
    return reply_namespace(call, &access, err);
}

static int delete_namespace_team(struct api_call *call, struct err *err)
{
    int may = open_namespace(call, err);

    return may < 1 ? may : delete_repo_team(call, err);
}

/* -- of a team, of a user ------------------------------------------------------------------------------- */

static int read_repos(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct work_repo_access *rows;

    if (work_team_repo_page(call->work, arena, what, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str repo_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct work_repo_access *)row)->repo.path;
}

static void write_repo(struct api_call *call, struct json_write *w, const void *row)
{
    (void)call;
    json_write_table(w, &repo_access_table, row);
}

static const struct api_pages repo_pages = { .read  = read_repos,
                                             .size  = sizeof(struct work_repo_access),
                                             .key   = repo_key,
                                             .write = write_repo };

static int list_team_repos(struct api_call *call, struct err *err)
{
    struct work_team_found team;
    struct api_paging      paging;
    struct api_v0_list     page;
    int64_t                n = 0;

    if (work_team_open(call->work, call->arena, call->caller.account_id, &call->account,
                       api_hole(call, "team"), &team, err) < 0 ||
        api_v0_paging_read(call, &paging, err) < 0 ||
        api_v0_list_begin(call, &paging, &repo_pages, &team, &page, err) < 0 ||
        (paging.wants_count && work_team_repo_count(call->work, &team, &n, err) < 0))
        return -1;

    struct json_write *w = api_list_close(page.list);
    json_write_key(w, "team");
    json_write_table(w, &team_table, &team.team);
    return api_v0_list_reply(call, &page, n, err);
}

/* clang-format off */
const struct api_route api_v0_access_routes[] = {
    { .name = "repository.teams",       .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}/{name...}/teamAccess",
      .may = API_MAY_ACCESS, .family = API_DTR, .says = "The teams that have access to a repository of their own, with it",
      .gives = &access_table, .list = "teamAccessList", .query = api_paging_params,
      .run = list_repo_teams },
    { .name = "repository.team_put",    .method = HTTP_PUT,    .path = "/api/v0/repositories/{namespace}/{name...}/teamAccess/{team}",
      .may = API_MAY_ACCESS, .family = API_DTR, .says = "Sets what a team may do in a repository",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &access_table, .list = "teamAccessList",
      .changes = true, .run = put_repo_team },
    { .name = "repository.team_delete", .method = HTTP_DELETE, .path = "/api/v0/repositories/{namespace}/{name...}/teamAccess/{team}",
      .may = API_MAY_ACCESS, .family = API_DTR, .says = "Takes a team's access to a repository away",
      .changes = true, .run = delete_repo_team },
    { .name = "namespace.teams",        .method = HTTP_GET,    .path = "/api/v0/repositoryNamespaces/{account}/teamAccess",
      .may = API_MAY_SEE_ACCOUNT, .family = API_DTR, .says = "The teams that have access to all repositories of a namespace",
      .gives = &access_table, .list = "teamAccessList", .query = api_paging_params,
      .run = list_namespace_teams },
    { .name = "namespace.team",         .method = HTTP_GET,    .path = "/api/v0/repositoryNamespaces/{account}/teamAccess/{team}",
      .may = API_MAY_SEE_ACCOUNT, .family = API_DTR, .says = "The access of one team to all repositories of a namespace",
      .gives = &namespace_table,
      .run = show_namespace_team },
    { .name = "namespace.team_put",     .method = HTTP_PUT,    .path = "/api/v0/repositoryNamespaces/{account}/teamAccess/{team}",
      .may = API_MAY_SEE_ACCOUNT, .family = API_DTR, .says = "Sets what a team may do in all repositories of a namespace",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &namespace_table,
      .changes = true, .run = put_namespace_team },
    { .name = "namespace.team_delete",  .method = HTTP_DELETE, .path = "/api/v0/repositoryNamespaces/{account}/teamAccess/{team}",
      .may = API_MAY_SEE_ACCOUNT, .family = API_DTR, .says = "Takes a team's access to a namespace away",
      .changes = true, .run = delete_namespace_team },
    { .name = "team.repositories",      .method = HTTP_GET,    .path = "/api/v0/accounts/{account}/teams/{team}/repositoryAccess",
      .may = API_MAY_SEE_ACCOUNT, .family = API_DTR, .says = "The repositories to which a team has access of their own",
      .gives = &repo_access_table, .list = "repositoryAccessList", .query = api_paging_params,
      .run = list_team_repos },
    { 0 },
};
/* clang-format on */
