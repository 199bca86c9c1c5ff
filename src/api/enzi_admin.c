/* api/enzi_admin.c: what system admins ask of DTR's accounts service as a whole: accounts brought from elsewhere,
 * and how many there are. */
#include "api/call.h"
#include "base/mem.h"
#include "work/account.h"
#include "work/account_import.h"

enum { IMPORT_BODY_MAX = 1024 * 1024 };

struct import {
    struct work_import account;
    bool               has_active;
};

struct import_accounts {
    struct json_list accounts; /* of struct import */
};

struct accounts_config {
    struct json_list system_accounts; /* of struct str */
    int64_t          n_users;
    int64_t          n_orgs;
};

/* clang-format off */
#define TEXT(key, member) { .name = key, .kind = JSON_STRING, .offset = JSON_AT(struct import, account.member, struct str) }
#define FLAG(key, member) { .name = key, .kind = JSON_BOOL,   .offset = JSON_AT(struct import, account.member, bool) }

static const struct json_field import_fields[] = {
    TEXT("name",         name),
    TEXT("fullName",     full_name),
    TEXT("passwordHash", password_hash),
    FLAG("isOrg",        is_org),
    FLAG("isAdmin",      is_admin),
    { .name = "isActive", .kind = JSON_BOOL, .offset = JSON_AT(struct import, account.is_active, bool),
      .has_offset = JSON_AT(struct import, has_active, bool) },
};

static const struct json_table import_table = {
    .name = "ImportAccount", .size = sizeof(struct import), .fields = import_fields, .n_fields = ARRAY_LEN(import_fields),
};

static const struct json_field imports_fields[] = {
    { .name = "accounts", .kind = JSON_LIST, .offset = JSON_AT(struct import_accounts, accounts, struct json_list), .table = &import_table },
};

static const struct json_table imports_table = {
    .name = "ImportAccounts", .size = sizeof(struct import_accounts), .fields = imports_fields, .n_fields = ARRAY_LEN(imports_fields),
};

static const struct json_field config_fields[] = {
    { .name = "systemAccounts", .kind = JSON_LIST,    .offset = JSON_AT(struct accounts_config, system_accounts, struct json_list) },
    { .name = "usersCount",     .kind = JSON_INTEGER, .offset = JSON_AT(struct accounts_config, n_users, int64_t) },
    { .name = "orgsCount",      .kind = JSON_INTEGER, .offset = JSON_AT(struct accounts_config, n_orgs, int64_t) },
};

static const struct json_table config_table = {
    .name = "AccountsConfig", .size = sizeof(struct accounts_config), .fields = config_fields, .n_fields = ARRAY_LEN(config_fields),
};
/* clang-format on */

static int import_accounts(struct api_call *call, struct err *err)
{
    struct import_accounts body = { 0 };

    if (api_body(call, &body, err) < 0)
        return -1;

    const struct import *items    = body.accounts.items;
    struct work_import  *accounts = mem_many(call->arena, body.accounts.n, struct work_import);
    for (size_t i = 0; i < body.accounts.n; i++) {
        accounts[i] = items[i].account;
        accounts[i].is_active |= !items[i].has_active;
    }
    if (work_accounts_import(call->work, &call->actor, accounts, body.accounts.n, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int get_config(struct api_call *call, struct err *err)
{
    struct work_account_counts counts;

    if (work_account_count(call->work, 0, META_ACCOUNTS_ALL, &counts, err) < 0)
        return -1;
    struct accounts_config config = { .n_users = counts.n_users, .n_orgs = counts.n_orgs };
    return api_reply_value(call, &config, err);
}

/* There are no accounts of the system's own, and none that could be made so. */
static int put_config(struct api_call *call, struct err *err)
{
    struct accounts_config body = { 0 };

    if (api_body(call, &body, err) < 0)
        return -1;
    if (body.system_accounts.n > 0)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("systemAccounts"),
                            "systemAccounts: is always empty; make a user a system admin with "
                            "PATCH /enzi/v0/accounts/NAME");
    return get_config(call, err);
}

/* clang-format off */
const struct api_route api_enzi_admin_routes[] = {
    { .name = "accounts.import",     .method = HTTP_POST, .path = "/enzi/v0/admin/importAccounts",
      .may  = API_MAY_INSTANCE,      .family = API_DTR,   .run = import_accounts, .changes = true,
      .says = "Make accounts with hashes of passwords, at most 1,000, all or none",
      .body = HTTP_BODY_WHOLE,       .limit = IMPORT_BODY_MAX, .takes = &imports_table, .status = 201 },
    { .name = "accounts.config",     .method = HTTP_GET,  .path = "/enzi/v0/config/accounts",
      .may  = API_MAY_INSTANCE,      .family = API_DTR,   .run = get_config, .says = "How many accounts there are",
      .gives = &config_table },
    { .name = "accounts.config.put", .method = HTTP_PUT,  .path = "/enzi/v0/config/accounts",
      .may  = API_MAY_INSTANCE,      .family = API_DTR,   .run = put_config, .says = "Takes what is so: no system accounts",
      .body = HTTP_BODY_WHOLE,       .limit = API_BODY_MAX, .takes = &config_table, .gives = &config_table, .changes = true },
    { 0 },
};
/* clang-format on */
