/* api/enzi_member.c: members of organisations and of their teams, on the routes of DTR's accounts service. */
#include "api/account.h"
#include "api/call.h"
#include "api/pages.h"
#include "base/mem.h"
#include "work/org.h"
#include "work/team.h"

/* -- shapes ------------------------------------------------------------------------------------------ */

struct member {
    struct api_account account;
    bool               is_admin;
};

/* clang-format off */
static const struct json_field member_fields[] = {
    { .name = "member",  .kind = JSON_OBJECT, .offset = JSON_AT(struct member, account, struct api_account), .table = &api_account_table },
    { .name = "isAdmin", .kind = JSON_BOOL,   .offset = JSON_AT(struct member, is_admin, bool) },
};

static const struct json_table member_table = {
    .name = "Member", .size = sizeof(struct member), .fields = member_fields, .n_fields = ARRAY_LEN(member_fields),
};

static const struct json_field org_fields[] = {
    { .name = "org",     .kind = JSON_OBJECT, .offset = JSON_AT(struct member, account, struct api_account), .table = &api_account_table },
    { .name = "isAdmin", .kind = JSON_BOOL,   .offset = JSON_AT(struct member, is_admin, bool) },
};

static const struct json_table org_table = {
    .name = "MemberOrg", .size = sizeof(struct member), .fields = org_fields, .n_fields = ARRAY_LEN(org_fields),
};

static const struct json_field set_fields[] = {
    { .name = "isAdmin", .kind = JSON_BOOL, .offset = JSON_AT(struct work_membership, is_admin, bool),
      .has_offset = JSON_AT(struct work_membership, has_admin, bool) },
};

static const struct json_table set_table = {
    .name = "SetMembership", .size = sizeof(struct work_membership), .fields = set_fields, .n_fields = ARRAY_LEN(set_fields),
};
/* clang-format on */

static struct member member_of(const struct meta_member *row)
{
    return (struct member){ .account = api_account_of(&row->account), .is_admin = row->is_admin };
}

static int reply_member(struct api_call *call, const struct meta_member *row, struct err *err)
{
    struct member member = member_of(row);

    return api_reply_value(call, &member, err);
}

/* -- lists ------------------------------------------------------------------------------------------- */

struct member_list {
    int64_t                 team_id; /* 0: of the organisation */
    enum meta_member_filter filter;
};

static int read_members(struct api_call *call, const void *what, struct arena *arena,
                        struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const struct member_list *list = what;
    struct meta_member       *rows;
    int                       done;

    if (list->team_id == 0)
        done = work_member_page(call->work, arena, &call->account, list->filter, after, n_max,
                                &rows, n_out, err);
    else
        done = work_team_member_page(call->work, arena, list->team_id, list->filter, after, n_max,
                                     &rows, n_out, err);
    if (done == 0)
        *out = rows;
    return done;
}

static int read_orgs(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_member *rows;

    (void)what;
    if (work_org_page_of(call->work, arena, call->account.id, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str member_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_member *)row)->account.name;
}

static void write_member(struct api_call *call, struct json_write *w, const void *row)
{
    struct member member = member_of(row);

    (void)call;
    json_write_table(w, &member_table, &member);
}

static void write_org(struct api_call *call, struct json_write *w, const void *row)
{
    struct member org = member_of(row);

    (void)call;
    json_write_table(w, &org_table, &org);
}

static const struct api_pages member_pages = { .read  = read_members,
                                               .size  = sizeof(struct meta_member),
                                               .key   = member_key,
                                               .write = write_member };

static const struct api_pages org_pages = {
    .read = read_orgs, .size = sizeof(struct meta_member), .key = member_key, .write = write_org
};

static int read_filter(struct api_call *call, enum meta_member_filter *out, struct err *err)
{
    static const char *const words[] = { "all", "admins", "non-admins" };
    struct str               word;

    *out = META_MEMBERS_ALL;
    if (api_query(call, "filter", "INVALID_PARAMETERS", &word, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word.n == 0 || str_is(word, words[i])) {
            *out = (enum meta_member_filter)i;
            return 0;
        }
    }
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", word,
                        "filter: is all, admins or non-admins");
}

static int count_members(struct api_call *call, const struct member_list *what, int64_t *out,
                         struct err *err)
{
    if (what->team_id == 0)
        return work_member_count(call->work, &call->account, what->filter, out, err);
    return work_team_member_count(call->work, what->team_id, what->filter, out, err);
}

static int reply_members(struct api_call *call, int64_t team_id, struct err *err)
{
    struct member_list what = { .team_id = team_id };
    int64_t            n;

    if (read_filter(call, &what.filter, err) < 0 || count_members(call, &what, &n, err) < 0)
        return -1;
    return api_pages_list(call, &member_pages, &what, "members", n, err);
}

static int list_members(struct api_call *call, struct err *err)
{
    return reply_members(call, 0, err);
}

static int list_team_members(struct api_call *call, struct err *err)
{
    struct meta_team team;

    if (work_team_get(call->work, call->arena, &call->account, api_hole(call, "team"), &team, err) <
        0)
        return -1;
    return reply_members(call, team.id, err);
}

static int list_orgs(struct api_call *call, struct err *err)
{
    int64_t n;

    if (work_org_count_of(call->work, call->account.id, &n, err) < 0)
        return -1;
    return api_pages_list(call, &org_pages, NULL, "memberOrgs", n, err);
}

/* -- members of an organisation ---------------------------------------------------------------------- */

static int set_member(struct api_call *call, bool must_exist, struct err *err)
{
    struct work_membership membership = { 0 };
    struct meta_member     row;

    if (api_body(call, &membership, err) < 0)
        return -1;
    membership.must_exist = must_exist;
    if (work_member_put(call->work, call->arena, &call->actor, &call->account,
                        api_hole(call, "member"), &membership, &row, err) < 0)
        return -1;
    return reply_member(call, &row, err);
}

static int put_member(struct api_call *call, struct err *err)
{
    return set_member(call, false, err);
}

static int patch_member(struct api_call *call, struct err *err)
{
    return set_member(call, true, err);
}

static int get_member(struct api_call *call, struct err *err)
{
    struct meta_member row;

    if (work_member_get(call->work, call->arena, &call->account, api_hole(call, "member"), &row,
                        err) < 0)
        return -1;
    return reply_member(call, &row, err);
}

static int delete_member(struct api_call *call, struct err *err)
{
    if (work_member_remove(call->work, &call->actor, &call->account, api_hole(call, "member"),
                           err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- members of a team ------------------------------------------------------------------------------- */

static struct work_team_seat seat_of(struct api_call *call)
{
    return (struct work_team_seat){
        .org  = &call->account,
        .team = api_hole(call, "team"),
        .user = api_hole(call, "member"),
    };
}

/* Managers of the organisation change them, and admins of the team, but nobody with a narrowed credential. */
static int take_seat(struct api_call *call, struct work_team_seat *out, struct err *err)
{
    enum auth_verdict   verdict;
    struct auth_account same;

    if (auth_account_open(call->auth, call->arena, &call->caller, call->account.name,
                          AUTH_ACCOUNT_MANAGE, &same, &verdict, err) < 0)
        return -1;
    *out                 = seat_of(call);
    out->hand.is_manager = verdict == AUTH_YES;
    out->hand.account_id = call->caller.is_narrowed ? 0 : call->caller.account_id;
    return 0;
}

static int set_team_member(struct api_call *call, bool must_exist, struct err *err)
{
    struct work_membership membership = { 0 };
    struct work_team_seat  seat;
    struct meta_member     row;

    if (api_body(call, &membership, err) < 0 || take_seat(call, &seat, err) < 0)
        return -1;
    membership.must_exist = must_exist;
    if (work_team_member_put(call->work, call->arena, &call->actor, &seat, &membership, &row, err) <
        0)
        return -1;
    return reply_member(call, &row, err);
}

static int put_team_member(struct api_call *call, struct err *err)
{
    return set_team_member(call, false, err);
}

static int patch_team_member(struct api_call *call, struct err *err)
{
    return set_team_member(call, true, err);
}

static int get_team_member(struct api_call *call, struct err *err)
{
    struct work_team_seat seat = seat_of(call);
    struct meta_member    row;

    if (work_team_member_get(call->work, call->arena, &seat, &row, err) < 0)
        return -1;
    return reply_member(call, &row, err);
}

static int delete_team_member(struct api_call *call, struct err *err)
{
    struct work_team_seat seat;

    if (take_seat(call, &seat, err) < 0 ||
        work_team_member_remove(call->work, &call->actor, &seat, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param member_params[] = {
    { "filter", "string",  "all, admins or non-admins" },
    { "start",  "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "limit",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",  "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};

#define ORG     "/enzi/v0/accounts/{account}"
#define SET     .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &set_table, .gives = &member_table, .changes = true

const struct api_route api_enzi_member_routes[] = {
    { .name = "members.list",        .method = HTTP_GET,    .path = ORG "/members",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = list_members, .says = "The members of an organisation",
      .gives = &member_table,        .list = "members",     .query = member_params },
    { .name = "members.put",         .method = HTTP_PUT,    .path = ORG "/members/{member}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,    .run = put_member, SET,
      .says = "Make a user a member of an organisation, or change whether it is an owner" },
    { .name = "members.change",      .method = HTTP_PATCH,  .path = ORG "/members/{member}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,    .run = patch_member, SET,
      .says = "Change whether a member is an owner" },
    { .name = "members.get",         .method = HTTP_GET,    .path = ORG "/members/{member}",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = get_member, .says = "A member of an organisation",
      .gives = &member_table },
    { .name = "members.delete",      .method = HTTP_DELETE, .path = ORG "/members/{member}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,    .run = delete_member, .changes = true,
      .says = "Take a member out of an organisation and its teams" },
    { .name = "members.orgs",        .method = HTTP_GET,    .path = ORG "/organizations",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,    .run = list_orgs, .says = "The organisations of a user",
      .gives = &org_table,           .list = "memberOrgs",  .query = api_limit_params },
    { .name = "team_members.list",   .method = HTTP_GET,    .path = ORG "/teams/{team}/members",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = list_team_members, .says = "The members of a team",
      .gives = &member_table,        .list = "members",     .query = member_params },
    { .name = "team_members.put",    .method = HTTP_PUT,    .path = ORG "/teams/{team}/members/{member}",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = put_team_member, SET,
      .says = "Put a user into a team, or change whether it is an admin of it; owners, and admins of the team" },
    { .name = "team_members.change", .method = HTTP_PATCH,  .path = ORG "/teams/{team}/members/{member}",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = patch_team_member, SET,
      .says = "Change whether a member of a team is an admin of it; owners" },
    { .name = "team_members.get",    .method = HTTP_GET,    .path = ORG "/teams/{team}/members/{member}",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = get_team_member, .says = "A member of a team",
      .gives = &member_table },
    { .name = "team_members.delete", .method = HTTP_DELETE, .path = ORG "/teams/{team}/members/{member}",
      .may  = API_MAY_SEE_ACCOUNT,   .family = API_DTR,     .run = delete_team_member, .changes = true,
      .says = "Take a member out of a team; owners, and admins of the team" },
    { 0 },
};
/* clang-format on */
