/* api/enzi_team.c: teams of organisations, on the routes of DTR's accounts service. */
#include "api/call.h"
#include "api/pages.h"
#include "base/mem.h"
#include "work/team.h"

struct team {
    struct str id;
    struct str org_id;
    struct str name;
    struct str description;
    int64_t    n_members;
};

struct member_team {
    struct team team;
    bool        is_admin;
};

/* clang-format off */
static const struct json_field team_fields[] = {
    { .name = "id",           .kind = JSON_STRING,  .offset = JSON_AT(struct team, id, struct str) },
    { .name = "orgID",        .kind = JSON_STRING,  .offset = JSON_AT(struct team, org_id, struct str) },
    { .name = "name",         .kind = JSON_STRING,  .offset = JSON_AT(struct team, name, struct str) },
    { .name = "description",  .kind = JSON_STRING,  .offset = JSON_AT(struct team, description, struct str) },
    { .name = "membersCount", .kind = JSON_INTEGER, .offset = JSON_AT(struct team, n_members, int64_t) },
};

static const struct json_table team_table = {
    .name = "Team", .size = sizeof(struct team), .fields = team_fields, .n_fields = ARRAY_LEN(team_fields),
};

static const struct json_field member_team_fields[] = {
    { .name = "team",    .kind = JSON_OBJECT, .offset = JSON_AT(struct member_team, team, struct team), .table = &team_table },
    { .name = "isAdmin", .kind = JSON_BOOL,   .offset = JSON_AT(struct member_team, is_admin, bool) },
};

static const struct json_table member_team_table = {
    .name = "MemberTeam", .size = sizeof(struct member_team), .fields = member_team_fields, .n_fields = ARRAY_LEN(member_team_fields),
};

static const struct json_field change_fields[] = {
    { .name = "name",        .kind = JSON_STRING, .offset = JSON_AT(struct work_team_change, name, struct str) },
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct work_team_change, description, struct str) },
};

static const struct json_table change_table = {
    .name = "UpdateTeam", .size = sizeof(struct work_team_change), .fields = change_fields, .n_fields = ARRAY_LEN(change_fields),
};
/* clang-format on */

static struct team team_of(const struct meta_team *row, struct str org_id)
{
    return (struct team){ .id          = row->uuid,
                          .org_id      = org_id,
                          .name        = row->name,
                          .description = row->description,
                          .n_members   = row->n_members };
}

static int reply_team(struct api_call *call, const struct meta_team *row, struct err *err)
{
    struct team team = team_of(row, call->account.uuid);

    return api_reply_value(call, &team, err);
}

/* -- lists ------------------------------------------------------------------------------------------- */

static int read_teams(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_team *rows;

    (void)what;
    if (work_team_page(call->work, arena, &call->account, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str team_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_team *)row)->name;
}

static void write_team(struct api_call *call, struct json_write *w, const void *row)
{
    struct team team = team_of(row, call->account.uuid);

    json_write_table(w, &team_table, &team);
}

static const struct api_pages team_pages = {
    .read = read_teams, .size = sizeof(struct meta_team), .key = team_key, .write = write_team
};

static int list_teams(struct api_call *call, struct err *err)
{
    int64_t n;

    if (work_team_count(call->work, &call->account, &n, err) < 0)
        return -1;
    return api_pages_list(call, &team_pages, NULL, "teams", n, err);
}

static int read_teams_of(struct api_call *call, const void *what, struct arena *arena,
                         struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const int64_t           *member = what;
    struct meta_member_team *rows;

    if (work_team_page_of(call->work, arena, call->account.id, *member, after, n_max, &rows, n_out,
                          err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str team_of_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_member_team *)row)->team.name;
}

static void write_team_of(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_member_team *member = row;
    struct member_team             team   = { .team     = team_of(&member->team, call->account.uuid),
                                              .is_admin = member->is_admin != 0 };

    json_write_table(w, &member_team_table, &team);
}

static const struct api_pages team_of_pages = {
    .read  = read_teams_of,
    .size  = sizeof(struct meta_member_team),
    .key   = team_of_key,
    .write = write_team_of,
};

static int list_teams_of(struct api_call *call, struct err *err)
{
    struct meta_member member;
    int64_t            n;

    if (work_member_get(call->work, call->arena, &call->account, api_hole(call, "member"), &member,
                        err) < 0 ||
        work_team_count_of(call->work, call->account.id, member.account.id, &n, err) < 0)
        return -1;
    return api_pages_list(call, &team_of_pages, &member.account.id, "memberTeams", n, err);
}

/* -- one --------------------------------------------------------------------------------------------- */

static int create_team(struct api_call *call, struct err *err)
{
    struct work_team_change body = { 0 };
    struct meta_team        row;

    if (api_body(call, &body, err) < 0 || work_team_create(call->work, call->arena, &call->actor,
                                                           &call->account, &body, &row, err) < 0)
        return -1;
    return reply_team(call, &row, err);
}

static int get_team(struct api_call *call, struct err *err)
{
    struct meta_team row;

    if (work_team_get(call->work, call->arena, &call->account, api_hole(call, "team"), &row, err) <
        0)
        return -1;
    return reply_team(call, &row, err);
}

static int change_team(struct api_call *call, struct err *err)
{
    struct work_team_change body = { 0 };
    struct meta_team        row;

    if (api_body(call, &body, err) < 0 ||
        work_team_change(call->work, call->arena, &call->actor, &call->account,
                         api_hole(call, "team"), &body, &row, err) < 0)
        return -1;
    return reply_team(call, &row, err);
}

static int delete_team(struct api_call *call, struct err *err)
{
    if (work_team_delete(call->work, &call->actor, &call->account, api_hole(call, "team"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
#define ORG "/enzi/v0/accounts/{account}"

const struct api_route api_enzi_team_routes[] = {
    { .name = "teams.list",   .method = HTTP_GET,    .path = ORG "/teams",
      .may  = API_MAY_SEE_ACCOUNT,    .family = API_DTR, .run = list_teams, .says = "The teams of an organisation",
      .gives = &team_table,   .list = "teams",       .query = api_limit_params },
    { .name = "teams.create", .method = HTTP_POST,   .path = ORG "/teams",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = create_team, .says = "Make a team", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &change_table, .gives = &team_table, .status = 201 },
    { .name = "teams.get",    .method = HTTP_GET,    .path = ORG "/teams/{team}",
      .may  = API_MAY_SEE_ACCOUNT,    .family = API_DTR, .run = get_team, .says = "A team, by name or id", .gives = &team_table },
    { .name = "teams.change", .method = HTTP_PATCH,  .path = ORG "/teams/{team}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = change_team, .says = "Change a team's name and description", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &change_table, .gives = &team_table },
    { .name = "teams.delete", .method = HTTP_DELETE, .path = ORG "/teams/{team}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = delete_team, .says = "Delete a team with its memberships and grants", .changes = true },
    { .name = "teams.of",     .method = HTTP_GET,    .path = ORG "/members/{member}/teams",
      .may  = API_MAY_SEE_ACCOUNT,    .family = API_DTR, .run = list_teams_of, .says = "The teams of a member",
      .gives = &member_team_table, .list = "memberTeams", .query = api_limit_params },
    { 0 },
};
/* clang-format on */
