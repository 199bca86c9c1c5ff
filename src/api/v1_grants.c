/* api/v1_grants.c: grants of roles to teams and accounts, on one repository or on a prefix and all below it. Whoever
 * holds the `access` verb at the place gives and takes them there, and no more than what they may do themselves. */
#include "api/call.h"
#include "api/list.h"
#include "api/verbs.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/grant.h"
#include "work/team.h"

enum { CHUNK = 500 };

struct grant {
    struct str       id;
    struct str       role;
    struct json_list verbs;
    struct str       team;
    struct str       user;
    bool             is_repository;
    struct str       repository;
    bool             is_prefix;
    struct str       prefix;
    struct str       created_at;
};

struct grant_form {
    struct str role;
    struct str team;
    struct str user;
    bool       is_repository;
    struct str repository;
    bool       is_prefix;
    struct str prefix;
};

/* clang-format off */
static const struct json_field grant_fields[] = {
    { .name = "id",         .kind = JSON_STRING, .offset = JSON_AT(struct grant, id, struct str) },
    { .name = "role",       .kind = JSON_STRING, .offset = JSON_AT(struct grant, role, struct str) },
    { .name = "verbs",      .kind = JSON_LIST,   .offset = JSON_AT(struct grant, verbs, struct json_list) },
    { .name = "team",       .kind = JSON_STRING, .offset = JSON_AT(struct grant, team, struct str), .flags = JSON_OMIT },
    { .name = "user",       .kind = JSON_STRING, .offset = JSON_AT(struct grant, user, struct str), .flags = JSON_OMIT },
    { .name = "repository", .kind = JSON_STRING, .offset = JSON_AT(struct grant, repository, struct str),
      .has_offset = JSON_AT(struct grant, is_repository, bool) },
    { .name = "prefix",     .kind = JSON_STRING, .offset = JSON_AT(struct grant, prefix, struct str),
      .has_offset = JSON_AT(struct grant, is_prefix, bool) },
    { .name = "createdAt",  .kind = JSON_STRING, .offset = JSON_AT(struct grant, created_at, struct str) },
};
static const struct json_table grant_table = {
    .name = "Grant", .size = sizeof(struct grant), .fields = grant_fields, .n_fields = ARRAY_LEN(grant_fields),
};

static const struct json_field form_fields[] = {
    { .name = "role",       .kind = JSON_STRING, .offset = JSON_AT(struct grant_form, role, struct str), .flags = JSON_REQUIRED },
    { .name = "team",       .kind = JSON_STRING, .offset = JSON_AT(struct grant_form, team, struct str) },
    { .name = "user",       .kind = JSON_STRING, .offset = JSON_AT(struct grant_form, user, struct str) },
    { .name = "repository", .kind = JSON_STRING, .offset = JSON_AT(struct grant_form, repository, struct str),
      .has_offset = JSON_AT(struct grant_form, is_repository, bool) },
    { .name = "prefix",     .kind = JSON_STRING, .offset = JSON_AT(struct grant_form, prefix, struct str),
      .has_offset = JSON_AT(struct grant_form, is_prefix, bool) },
};
static const struct json_table form_table = {
    .name = "CreateGrant", .size = sizeof(struct grant_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};
/* clang-format on */

static int grant_of(struct arena *arena, const struct meta_grant *row, struct grant *out,
                    struct err *err)
{
    unsigned verbs;
    char    *at = mem_alloc(arena, TEXT_TIME_MAX);

    if (auth_verbs_parse(row->verbs, &verbs, err) < 0)
        return err_set_corrupt(err, "role " STR_FMT ": %s", STR_ARGS(row->role), err->text);
    text_time_print(row->created_at, at);
    *out = (struct grant){
        .id            = row->uuid,
        .role          = row->role,
        .verbs         = api_verbs_print(arena, verbs),
        .user          = row->team_id == 0 ? row->account : STR_NULL,
        .is_repository = row->repo_id != 0,
        .repository    = row->path,
        .is_prefix     = row->repo_id == 0,
        .prefix        = row->path,
        .created_at    = str_from(at),
    };
    if (row->team_id != 0)
        out->team = str_from(
            mem_printf(arena, STR_FMT "/" STR_FMT, STR_ARGS(row->org), STR_ARGS(row->team)));
    return 0;
}

static int bad(const char *field, struct str value, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", value, "%s %s", field, rule);
}

/* -- who may ------------------------------------------------------------------------------------------ */

/* The handle of a place, for one who may say there who may what. */
static int decide_place(struct api_call *call, struct str path, bool is_prefix,
                        struct auth_repo *out, enum auth_verdict *verdict, struct err *err)
{
    int done;

    if (is_prefix)
        done = auth_prefix_open(call->auth, call->arena, &call->caller, path, AUTH_ACCESS, out,
                                verdict, err);
    else
        done = oci_name_check(path, err);
    if (done < 0 && err->kind == ERR_INVALID) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "%s", is_prefix ? "prefix" : "repository");
    }
    if (done == 0 && !is_prefix)
        done = auth_repo_manage(call->auth, call->arena, &call->caller, path, AUTH_ACCESS, out,
                                verdict, err);
    return done;
}

static int admit_to(struct api_call *call, struct str path, enum auth_verdict verdict)
{
    call->path = path;
    if (verdict != AUTH_YES)
        api_deny(call, verdict, "access");
    return verdict == AUTH_YES;
}

/* 1, 0 it is answered, -1. */
static int open_place(struct api_call *call, struct str path, bool is_prefix, struct auth_repo *out,
                      struct err *err)
{
    enum auth_verdict verdict;

    if (decide_place(call, path, is_prefix, out, &verdict, err) < 0)
        return -1;
    return admit_to(call, path, verdict);
}

/* The same for the place of a grant that is asked for by its id. Where the place is hidden the grant is not there
 * either, in the same words: the id tells nobody where it stands. */
static int open_place_of(struct api_call *call, const struct meta_grant *row, struct auth_repo *out,
                         struct err *err)
{
    enum auth_verdict verdict;

    if (decide_place(call, row->path, row->repo_id == 0, out, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_HIDDEN)
        return work_grant_absent(row->uuid, err);
    return admit_to(call, row->path, verdict);
}

/* "org/team" in its two parts, of an organisation that the caller sees: otherwise ERR_NOT_FOUND. */
static int open_team(struct api_call *call, struct str name, struct str *org, struct str *team,
                     struct auth_account *out, struct err *err)
{
    ptrdiff_t         slash = str_find(name, '/');
    enum auth_verdict verdict;

    if (slash < 1 || (size_t)slash + 1 == name.n)
        return bad("team", name, "is written organization/team", err);
    *org  = str_sub(name, 0, (size_t)slash);
    *team = str_from_index(name, (size_t)slash + 1);
    if (auth_account_open(call->auth, call->arena, &call->caller, *org, AUTH_ACCOUNT_SEE, out,
                          &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_TEAM", name, "no such team");
    return 0;
}

/* -- create, get, delete ------------------------------------------------------------------------------ */

static int read_form(struct api_call *call, struct grant_form *out, struct err *err)
{
    if (api_body(call, out, err) < 0)
        return -1;
    if ((out->team.p != NULL) == (out->user.p != NULL))
        return bad("team, user:", STR_NULL, "one of the two, and only one, says to whom", err);
    if (out->is_repository == out->is_prefix)
        return bad("repository, prefix:", STR_NULL, "one of the two, and only one, says where",
                   err);
    return 0;
}

static int create_grant(struct api_call *call, struct err *err)
{
    struct grant_form   form = { 0 };
    struct work_grantee to   = { 0 };
    struct auth_account ignored_org; /* seen, which is all that it takes */
    struct auth_repo    place;
    struct meta_grant   row;
    struct grant        grant;

    if (read_form(call, &form, err) < 0)
        return -1;
    int may = open_place(call, form.is_prefix ? form.prefix : form.repository, form.is_prefix,
                         &place, err);
    if (may < 1)
        return may;
    if (form.team.p != NULL && open_team(call, form.team, &to.org, &to.team, &ignored_org, err) < 0)
        return -1;
    to.account = form.user;
    if (work_grant_add(call->work, call->arena, &call->actor, &place, form.role, &to, &row, err) <
            0 ||
        grant_of(call->arena, &row, &grant, err) < 0)
        return -1;
    return api_reply_value(call, &grant, err);
}

/* Does it reach the caller, itself or through a team? 1, 0, -1. */
static int reaches(struct api_call *call, const struct meta_grant *row, struct err *err)
{
    struct meta_grant_filter filter = { .reaching = call->caller.account_id };
    struct meta_grant       *found;
    size_t                   n;

    if (call->caller.is_narrowed)
        return 0;
    if (work_grant_page(call->work, call->arena, &filter, row->id - 1, 1, &found, &n, err) < 0)
        return -1;
    return n == 1 && str_eq(found[0].uuid, row->uuid);
}

static int get_grant(struct api_call *call, struct err *err)
{
    struct meta_grant row;
    struct auth_repo  ignored_place; /* only whether it may be had */
    struct grant      grant;

    if (work_grant_find(call->work, call->arena, api_hole(call, "grant"), &row, err) < 0)
        return -1;
    int may = reaches(call, &row, err);
    if (may == 0)
        may = open_place_of(call, &row, &ignored_place, err);
    if (may < 1)
        return may;
    if (grant_of(call->arena, &row, &grant, err) < 0)
        return -1;
    return api_reply_value(call, &grant, err);
}

static int delete_grant(struct api_call *call, struct err *err)
{
    struct meta_grant row;
    struct auth_repo  place;

    if (work_grant_find(call->work, call->arena, api_hole(call, "grant"), &row, err) < 0)
        return -1;
    int may = open_place_of(call, &row, &place, err);
    if (may < 1)
        return may;
    if (work_grant_remove(call->work, call->arena, &call->actor, &place, row.uuid, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- the list ----------------------------------------------------------------------------------------- */

/* Each way of asking, and the right that it takes: 1 with the filter, 0 it is answered, -1. */
static int by_team(struct api_call *call, struct str value, struct meta_grant_filter *out,
                   struct err *err)
{
    struct str          org, team;
    struct auth_account seen;
    struct meta_team    row;

    if (open_team(call, value, &org, &team, &seen, err) < 0)
        return -1;
    if (!seen.is_owner) {
        api_deny(call, AUTH_TOO_FEW, "owner of the organization");
        return 0;
    }
    if (work_team_get(call->work, call->arena, &seen, team, &row, err) < 0)
        return -1;
    out->team_id = row.id;
    return 1;
}

static int by_user(struct api_call *call, struct str value, struct meta_grant_filter *out,
                   struct err *err)
{
    struct auth_account account;
    enum auth_verdict   verdict;

    if (auth_account_open(call->auth, call->arena, &call->caller, value, AUTH_ACCOUNT_MANAGE,
                          &account, &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES) {
        api_deny(call, verdict, "manage account");
        return 0;
    }
    out->account_id = account.id;
    return 1;
}

static int by_repository(struct api_call *call, struct str value, struct meta_grant_filter *out,
                         struct err *err)
{
    struct auth_repo place;
    int              may = open_place(call, value, false, &place, err);

    out->repo_id = may == 1 ? place.id : 0;
    return may;
}

static int by_prefix(struct api_call *call, struct str value, struct meta_grant_filter *out,
                     struct err *err)
{
    struct auth_repo place;
    int              may = open_place(call, value, true, &place, err);

    out->prefix   = value;
    out->is_below = 1;
    return may;
}

static const struct {
    const char *field;
    int (*open)(struct api_call *call, struct str value, struct meta_grant_filter *out,
                struct err *err);
} ways[] = {
    { "team", by_team },
    { "user", by_user },
    { "repository", by_repository },
    { "prefix", by_prefix },
};

/* Unasked, system admins get all there are, and others what reaches themselves. */
static int by_nothing(struct api_call *call, struct meta_grant_filter *out, struct err *err)
{
    enum auth_verdict verdict;

    if (auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_YES)
        return 1;
    if (call->caller.is_narrowed) {
        api_deny(call, AUTH_TOO_FEW, "access");
        return 0;
    }
    out->reaching = call->caller.account_id;
    return 1;
}

static int read_filter(struct api_call *call, struct meta_grant_filter *out, struct err *err)
{
    const char *chosen = NULL;
    int         may    = 1;

    for (size_t i = 0; i < ARRAY_LEN(ways) && may == 1; i++) {
        struct str value;

        if (api_query(call, ways[i].field, "INVALID_PARAMETERS", &value, err) < 0)
            return -1;
        if (value.p == NULL)
            continue;
        if (chosen != NULL)
            return bad(ways[i].field, value, "does not go together with another filter", err);
        chosen = ways[i].field;
        may    = ways[i].open(call, value, out, err);
    }
    return chosen != NULL || may < 1 ? may : by_nothing(call, out, err);
}

/* Chunk by chunk, each in memory of its own; *out_next: the id after which the next page begins, 0 for none. */
static int write_grants(struct api_call *call, const struct meta_grant_filter *filter,
                        int64_t after, size_t size, struct api_list *list, int64_t *out_next,
                        struct err *err)
{
    size_t n, wanted;

    *out_next = 0;
    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_grant             *rows;

        wanted = size < CHUNK ? size + 1 : CHUNK;
        if (work_grant_page(call->work, arena, filter, after, wanted, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++, size--) {
            struct json_write *w = api_list_item(list, err);
            struct grant       grant;

            if (size == 0) {
                *out_next = after;
                return 0;
            }
            if (w == NULL || grant_of(arena, &rows[i], &grant, err) < 0)
                return -1;
            json_write_table(w, &grant_table, &grant);
            after = rows[i].id;
        }
    } while (n == wanted);
    return 0;
}

static int list_grants(struct api_call *call, struct err *err)
{
    struct meta_grant_filter filter = { 0 };
    struct api_paging        paging;
    int64_t                  after = 0, next;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    if (paging.start.p != NULL && (!str_to_int(paging.start, &after) || after < 1))
        return bad("pageStart", paging.start, "is not the start of a page of this list", err);
    int may = read_filter(call, &filter, err);
    if (may < 1)
        return may;

    struct api_list *list = api_list_begin(call, "grants");
    if (write_grants(call, &filter, after, paging.size, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next > 0)
        api_reply_next_start(call, str_from(mem_printf(call->arena, "%lld", (long long)next)));
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "team",       "string",  "to that team, written organization/team" },
    { "user",       "string",  "to that user or service account itself" },
    { "repository", "string",  "on that repository alone" },
    { "prefix",     "string",  "on that prefix and whatever is below it; empty for the whole registry" },
    { "pageStart",  "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",   "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

const struct api_route api_v1_grants_routes[] = {
    { .name = "grant.list",   .method = HTTP_GET,    .path = "/api/v1/grants",
      .may = API_MAY_USER, .family = API_OURS, .says = "Grants by one of the filters; without one all of them, or those that reach the caller",
      .gives = &grant_table, .list = "grants", .query = list_params,
      .run = list_grants },
    { .name = "grant.create", .method = HTTP_POST,   .path = "/api/v1/grants",
      .may = API_MAY_USER, .family = API_OURS, .says = "Grant a role to a team or an account, on a repository or at a prefix and below", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &grant_table, .status = 201,
      .run = create_grant },
    { .name = "grant.get",    .method = HTTP_GET,    .path = "/api/v1/grants/{grant}",
      .may = API_MAY_USER, .family = API_OURS, .says = "A grant",
      .gives = &grant_table,
      .run = get_grant },
    { .name = "grant.delete", .method = HTTP_DELETE, .path = "/api/v1/grants/{grant}",
      .may = API_MAY_USER, .family = API_OURS, .says = "Take a grant away", .changes = true,
      .run = delete_grant },
    { 0 },
};
/* clang-format on */
