/* api/v1_roles.c: roles. Everyone with an account may read what they say; system admins make and change their own. */
#include "api/call.h"
#include "api/list.h"
#include "api/verbs.h"
#include "auth/verb.h"
#include "base/mem.h"
#include "work/role.h"

struct role {
    struct str       id;
    struct str       name;
    struct str       description;
    struct json_list verbs;
    bool             built_in;
    struct str       created_at;
};

struct role_form {
    struct str       name;
    bool             has_description;
    struct str       description;
    bool             has_verbs;
    struct json_list verbs;
};

/* clang-format off */
static const struct json_field role_fields[] = {
    { .name = "id",          .kind = JSON_STRING, .offset = JSON_AT(struct role, id, struct str) },
    { .name = "name",        .kind = JSON_STRING, .offset = JSON_AT(struct role, name, struct str) },
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct role, description, struct str) },
    { .name = "verbs",       .kind = JSON_LIST,   .offset = JSON_AT(struct role, verbs, struct json_list) },
    { .name = "builtIn",     .kind = JSON_BOOL,   .offset = JSON_AT(struct role, built_in, bool) },
    { .name = "createdAt",   .kind = JSON_STRING, .offset = JSON_AT(struct role, created_at, struct str) },
};
static const struct json_table role_table = {
    .name = "Role", .size = sizeof(struct role), .fields = role_fields, .n_fields = ARRAY_LEN(role_fields),
};

static const struct json_field create_fields[] = {
    { .name = "name",        .kind = JSON_STRING, .offset = JSON_AT(struct role_form, name, struct str),
      .flags = JSON_REQUIRED, .max = WORK_ROLE_NAME_MAX },
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct role_form, description, struct str),
      .has_offset = JSON_AT(struct role_form, has_description, bool), .max = WORK_ROLE_TEXT_MAX },
    { .name = "verbs",       .kind = JSON_LIST,   .offset = JSON_AT(struct role_form, verbs, struct json_list),
      .has_offset = JSON_AT(struct role_form, has_verbs, bool), .flags = JSON_REQUIRED, .max = 64 },
};
static const struct json_table create_table = {
    .name = "CreateRole", .size = sizeof(struct role_form), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field update_fields[] = {
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct role_form, description, struct str),
      .has_offset = JSON_AT(struct role_form, has_description, bool), .max = WORK_ROLE_TEXT_MAX },
    { .name = "verbs",       .kind = JSON_LIST,   .offset = JSON_AT(struct role_form, verbs, struct json_list),
      .has_offset = JSON_AT(struct role_form, has_verbs, bool), .max = 64 },
};
static const struct json_table update_table = {
    .name = "UpdateRole", .size = sizeof(struct role_form), .fields = update_fields, .n_fields = ARRAY_LEN(update_fields),
};
/* clang-format on */

static int role_of(struct api_call *call, const struct meta_role *row, struct role *out,
                   struct err *err)
{
    unsigned verbs;

    if (auth_verbs_parse(row->verbs, &verbs, err) < 0)
        return err_set_corrupt(err, "role " STR_FMT ": %s", STR_ARGS(row->name), err->text);
    *out = (struct role){
        .id          = row->uuid,
        .name        = row->name,
        .description = row->description,
        .verbs       = api_verbs_print(call->arena, verbs),
        .built_in    = row->is_built_in != 0,
        .created_at  = api_time(call->arena, row->created_at),
    };
    return 0;
}

static int reply_role(struct api_call *call, const struct meta_role *row, struct err *err)
{
    struct role role;

    if (role_of(call, row, &role, err) < 0)
        return -1;
    return api_reply_value(call, &role, err);
}

static int list_roles(struct api_call *call, struct err *err)
{
    struct api_paging paging;
    struct meta_role *rows;
    size_t            n, i = 0, n_written = 0;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0 ||
        work_role_list(call->work, call->arena, &rows, &n, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, "roles");
    while (i < n && paging.start.p != NULL && str_cmp(rows[i].name, paging.start) < 0)
        i++;
    for (; i < n && n_written < paging.size; i++, n_written++) {
        struct json_write *w = api_list_item(list, err);
        struct role        role;

        if (w == NULL || role_of(call, &rows[i], &role, err) < 0)
            return -1;
        json_write_table(w, &role_table, &role);
    }
    if (api_list_reply(list, err) < 0)
        return -1;
    if (i < n)
        api_reply_next_start(call, rows[i].name);
    if (paging.wants_count)
        api_reply_count(call, (int64_t)n);
    return 0;
}

static int read_form(struct api_call *call, struct work_role_form *out, struct err *err)
{
    struct role_form body  = { 0 };
    unsigned         verbs = AUTH_NONE;

    if (api_body(call, &body, err) < 0 || api_verbs_parse(&body.verbs, &verbs, err) < 0)
        return -1;
    *out = (struct work_role_form){
        .name            = body.name,
        .has_verbs       = body.has_verbs,
        .verbs           = verbs,
        .has_description = body.has_description,
        .description     = body.description,
    };
    return 0;
}

static int create_role(struct api_call *call, struct err *err)
{
    struct work_role_form form;
    struct meta_role      role;

    if (read_form(call, &form, err) < 0 ||
        work_role_add(call->work, call->arena, &call->actor, &form, &role, err) < 0)
        return -1;
    return reply_role(call, &role, err);
}

static int get_role(struct api_call *call, struct err *err)
{
    struct meta_role role;

    if (work_role_get(call->work, call->arena, api_hole(call, "role"), &role, err) < 0)
        return -1;
    return reply_role(call, &role, err);
}

static int update_role(struct api_call *call, struct err *err)
{
    struct work_role_form form;
    struct meta_role      role;

    if (read_form(call, &form, err) < 0 ||
        work_role_change(call->work, call->arena, &call->actor, api_hole(call, "role"), &form,
                         &role, err) < 0)
        return -1;
    return reply_role(call, &role, err);
}

static int delete_role(struct api_call *call, struct err *err)
{
    if (work_role_remove(call->work, call->arena, &call->actor, api_hole(call, "role"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
const struct api_route api_v1_roles_routes[] = {
    { .name = "role.list",   .method = HTTP_GET,    .path = "/api/v1/roles",
      .may = API_MAY_USER,     .family = API_OURS, .says = "Roles, and which verbs they stand for",
      .gives = &role_table, .list = "roles", .query = api_paging_params,
      .run = list_roles },
    { .name = "role.create", .method = HTTP_POST,   .path = "/api/v1/roles",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Make a role", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &create_table, .gives = &role_table, .status = 201,
      .run = create_role },
    { .name = "role.get",    .method = HTTP_GET,    .path = "/api/v1/roles/{role}",
      .may = API_MAY_USER,     .family = API_OURS, .says = "A role",
      .gives = &role_table,
      .run = get_role },
    { .name = "role.update", .method = HTTP_PATCH,  .path = "/api/v1/roles/{role}",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Change what a role of one's own stands for", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &update_table, .gives = &role_table,
      .run = update_role },
    { .name = "role.delete", .method = HTTP_DELETE, .path = "/api/v1/roles/{role}",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Delete a role that no grant names", .changes = true,
      .run = delete_role },
    { 0 },
};
/* clang-format on */
