/* api/enzi_account.c: accounts, on the routes of DTR's accounts service: users and organisations are listed, made,
 * changed and deleted, passwords set. */
#include "api/account.h"
#include "api/call.h"
#include "api/pages.h"
#include "base/mem.h"
#include "work/account.h"

/* -- what is taken ----------------------------------------------------------------------------------- */

struct create_account {
    struct str name;
    struct str full_name;
    struct str password;
    bool       is_org;
    bool       is_admin;
    bool       is_active;
    bool       has_active;
    bool       search_ldap;
};

struct change_password {
    struct str old_password;
    struct str new_password;
};

/* clang-format off */
static const struct json_field create_fields[] = {
    { .name = "name",       .kind = JSON_STRING, .offset = JSON_AT(struct create_account, name, struct str), .flags = JSON_REQUIRED },
    { .name = "fullName",   .kind = JSON_STRING, .offset = JSON_AT(struct create_account, full_name, struct str) },
    { .name = "password",   .kind = JSON_STRING, .offset = JSON_AT(struct create_account, password, struct str), .flags = JSON_SECRET },
    { .name = "isOrg",      .kind = JSON_BOOL,   .offset = JSON_AT(struct create_account, is_org, bool) },
    { .name = "isAdmin",    .kind = JSON_BOOL,   .offset = JSON_AT(struct create_account, is_admin, bool) },
    { .name = "isActive",   .kind = JSON_BOOL,   .offset = JSON_AT(struct create_account, is_active, bool),
      .has_offset = JSON_AT(struct create_account, has_active, bool) },
    { .name = "searchLDAP", .kind = JSON_BOOL,   .offset = JSON_AT(struct create_account, search_ldap, bool) },
};

static const struct json_table create_table = {
    .name = "CreateAccount", .size = sizeof(struct create_account), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field change_fields[] = {
    { .name = "fullName", .kind = JSON_STRING, .offset = JSON_AT(struct work_account_change, full_name, struct str),
      .has_offset = JSON_AT(struct work_account_change, has_full_name, bool) },
    { .name = "isAdmin",  .kind = JSON_BOOL,   .offset = JSON_AT(struct work_account_change, is_admin, bool),
      .has_offset = JSON_AT(struct work_account_change, has_admin, bool) },
    { .name = "isActive", .kind = JSON_BOOL,   .offset = JSON_AT(struct work_account_change, is_active, bool),
      .has_offset = JSON_AT(struct work_account_change, has_active, bool) },
};

static const struct json_table change_table = {
    .name = "UpdateAccount", .size = sizeof(struct work_account_change), .fields = change_fields, .n_fields = ARRAY_LEN(change_fields),
};

static const struct json_field password_fields[] = {
    { .name = "oldPassword", .kind = JSON_STRING, .offset = JSON_AT(struct change_password, old_password, struct str), .flags = JSON_SECRET },
    { .name = "newPassword", .kind = JSON_STRING, .offset = JSON_AT(struct change_password, new_password, struct str), .flags = JSON_SECRET },
};

static const struct json_table password_table = {
    .name = "ChangePassword", .size = sizeof(struct change_password), .fields = password_fields, .n_fields = ARRAY_LEN(password_fields),
};
/* clang-format on */

static int reply_account(struct api_call *call, const struct meta_account_row *row, struct err *err)
{
    struct api_account account = api_account_of_row(row);

    return api_reply_value(call, &account, err);
}

/* -- lists ------------------------------------------------------------------------------------------- */

struct account_list {
    enum meta_account_filter filter;
    int64_t                  seen_by; /* 0: all */
};

static int read_accounts(struct api_call *call, const void *what, struct arena *arena,
                         struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const struct account_list *list = what;
    struct meta_account_row   *rows;

    if (work_account_page(call->work, arena, list->seen_by, list->filter, after, n_max, &rows,
                          n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str account_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_account_row *)row)->account.name;
}

static void write_account(struct api_call *call, struct json_write *w, const void *row)
{
    struct api_account account = api_account_of_row(row);

    (void)call;
    json_write_table(w, &api_account_table, &account);
}

static const struct api_pages account_pages = { .read  = read_accounts,
                                                .size  = sizeof(struct meta_account_row),
                                                .key   = account_key,
                                                .write = write_account };

static int read_filter(struct api_call *call, enum meta_account_filter *out, struct err *err)
{
    struct str word;

    *out = META_ACCOUNTS_ALL;
    if (api_query(call, "filter", "INVALID_PARAMETERS", &word, err) < 0)
        return -1;
    if (word.n == 0 || meta_account_filter_parse(word, out) == 1)
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", word,
                        "filter: is all, users, orgs, admins, non-admins, active-users or "
                        "inactive-users");
}

/* Who is no system admin sees some. */
static int read_view(struct api_call *call, int64_t *out_seen_by, struct err *err)
{
    enum auth_verdict verdict;

    if (auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
        return -1;
    *out_seen_by = verdict == AUTH_YES ? 0 : call->caller.account_id;
    return 0;
}

static int list_accounts(struct api_call *call, struct err *err)
{
    struct account_list        what;
    struct work_account_counts counts;
    struct api_paging          paging;
    struct str                 next;

    if (read_filter(call, &what.filter, err) < 0 || read_view(call, &what.seen_by, err) < 0 ||
        api_paging_read(call, "start", "limit", &paging, err) < 0 ||
        work_account_count(call->work, what.seen_by, what.filter, &counts, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, "accounts");
    if (api_pages_write(call, &account_pages, &what, &paging, list, &next, err) < 0)
        return -1;
    struct json_write *w = api_list_close(list);
    json_write_int_at(w, "usersCount", counts.n_users);
    json_write_int_at(w, "orgsCount", counts.n_orgs);
    return api_pages_reply(call, list, w, &paging, counts.n_listed, next, err);
}

/* -- one --------------------------------------------------------------------------------------------- */

static int create_account(struct api_call *call, struct err *err)
{
    struct create_account   body = { 0 };
    struct meta_account_row row;

    if (api_body(call, &body, err) < 0)
        return -1;
    if (body.search_ldap)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("searchLDAP"),
                            "searchLDAP: there is no directory to search, give a password");
    struct work_account_new new = {
        .name      = body.name,
        .full_name = body.full_name,
        .password  = body.password,
        .is_org    = body.is_org,
        .is_admin  = body.is_admin,
        .is_active = body.is_active || !body.has_active,
    };
    if (work_account_create(call->work, call->arena, &call->actor, &new, &row, err) < 0)
        return -1;
    return reply_account(call, &row, err);
}

static int get_account(struct api_call *call, struct err *err)
{
    struct meta_account_row row;

    if (work_account_get(call->work, call->arena, call->account.id, &row, err) < 0)
        return -1;
    return reply_account(call, &row, err);
}

static int change_account(struct api_call *call, struct err *err)
{
    struct work_account_change change = { 0 };
    struct meta_account_row    row;

    if (api_body(call, &change, err) < 0 ||
        work_account_change(call->work, call->arena, &call->actor, &call->account, &change, &row,
                            err) < 0)
        return -1;
    return reply_account(call, &row, err);
}

static int delete_account(struct api_call *call, struct err *err)
{
    if (work_account_delete(call->work, &call->actor, api_hole(call, "account"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int change_password(struct api_call *call, struct err *err)
{
    struct change_password  body = { 0 };
    struct meta_account_row row;

    if (api_body(call, &body, err) < 0 ||
        work_account_change_password(call->work, call->arena, &call->actor, &call->account,
                                     body.old_password, body.new_password, &row, err) < 0)
        return -1;
    return reply_account(call, &row, err);
}

/* clang-format off */
static const struct api_param filter_params[] = {
    { "filter", "string",  "all, users, orgs, admins, non-admins, active-users or inactive-users" },
    { "start",  "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "limit",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",  "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};

const struct api_route api_enzi_account_routes[] = {
    { .name = "accounts.list",     .method = HTTP_GET,    .path = "/enzi/v0/accounts",
      .may  = API_MAY_USER,        .family = API_DTR,     .run = list_accounts,
      .says = "The accounts that the caller sees: all for system admins, else itself, its organisations and their members",
      .gives = &api_account_table, .list = "accounts",    .query = filter_params },
    { .name = "accounts.create",   .method = HTTP_POST,   .path = "/enzi/v0/accounts",
      .may  = API_MAY_INSTANCE,    .family = API_DTR,     .run = create_account, .changes = true,
      .says = "Make a user or an organisation",
      .body = HTTP_BODY_WHOLE,     .limit = API_BODY_MAX, .takes = &create_table, .gives = &api_account_table, .status = 201 },
    { .name = "accounts.get",      .method = HTTP_GET,    .path = "/enzi/v0/accounts/{account}",
      .may  = API_MAY_SEE_ACCOUNT, .family = API_DTR,     .run = get_account,
      .says = "An account, by name or id",                .gives = &api_account_table },
    { .name = "accounts.change",   .method = HTTP_PATCH,  .path = "/enzi/v0/accounts/{account}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,  .run = change_account, .changes = true,
      .says = "Change the full name and, as a system admin, rank and state of an account",
      .body = HTTP_BODY_WHOLE,     .limit = API_BODY_MAX, .takes = &change_table, .gives = &api_account_table },
    { .name = "accounts.delete",   .method = HTTP_DELETE, .path = "/enzi/v0/accounts/{account}",
      .may  = API_MAY_INSTANCE,    .family = API_DTR,     .run = delete_account, .changes = true,
      .says = "Delete a user or an organisation that has no repositories" },
    { .name = "accounts.password", .method = HTTP_POST,   .path = "/enzi/v0/accounts/{account}/changePassword",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR,  .run = change_password, .changes = true,
      .says = "Set a user's password; one's own with the old one. Sessions and tokens end",
      .body = HTTP_BODY_WHOLE,     .limit = API_BODY_MAX, .takes = &password_table, .gives = &api_account_table },
    { 0 },
};
/* clang-format on */
