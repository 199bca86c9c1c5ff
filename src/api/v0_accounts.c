/* api/v0_accounts.c: what DTR keeps of accounts beside the accounts service: what a user may do in a repository, a
 * user's settings, the repositories of a namespace as a whole; and our own switch of organisations. */
#include "api/account.h"
#include "api/api_private.h"
#include "api/v0_repository.h"
#include "auth/rights.h"
#include "base/mem.h"
#include "work/account.h"
#include "work/many.h"
#include "work/preference.h"
#include "work/repository.h"

struct language {
    struct str language;
};

struct user_settings {
    struct str cache;
    bool       has_cache;
};

struct account_settings {
    bool create_on_push;
    bool has_create_on_push;
};

struct user_access {
    struct str         level;
    struct work_repo   repo;
    struct api_account user;
};

struct scan_form {
    bool scan_on_push;
};

/* clang-format off */
static const struct json_field language_fields[] = {
    { .name = "language", .kind = JSON_STRING, .offset = JSON_AT(struct language, language, struct str) },
};
static const struct json_table language_table = {
    .name = "Language", .size = sizeof(struct language), .fields = language_fields, .n_fields = ARRAY_LEN(language_fields),
};

/* It is written and read by names that differ in their first letter. */
static const struct json_field settings_fields[] = {
    { .name = "ContentCacheUUID", .kind = JSON_STRING, .offset = JSON_AT(struct user_settings, cache, struct str) },
};
static const struct json_table settings_table = {
    .name = "UserSettings", .size = sizeof(struct user_settings), .fields = settings_fields, .n_fields = ARRAY_LEN(settings_fields),
};
static const struct json_field settings_form_fields[] = {
    { .name = "contentCacheUUID", .kind = JSON_STRING, .offset = JSON_AT(struct user_settings, cache, struct str),
      .has_offset = JSON_AT(struct user_settings, has_cache, bool) },
};
static const struct json_table settings_form_table = {
    .name = "UserSettingsForm", .size = sizeof(struct user_settings), .fields = settings_form_fields,
    .n_fields = ARRAY_LEN(settings_form_fields),
};

static const struct json_field account_settings_fields[] = {
    { .name = "createRepositoryOnPush", .kind = JSON_BOOL, .offset = JSON_AT(struct account_settings, create_on_push, bool),
      .has_offset = JSON_AT(struct account_settings, has_create_on_push, bool) },
};
static const struct json_table account_settings_table = {
    .name = "AccountSettings", .size = sizeof(struct account_settings), .fields = account_settings_fields,
    .n_fields = ARRAY_LEN(account_settings_fields),
};

static const struct json_field user_access_fields[] = {
    { .name = "accessLevel", .kind = JSON_STRING, .offset = JSON_AT(struct user_access, level, struct str) },
    { .name = "repository",  .kind = JSON_OBJECT, .offset = JSON_AT(struct user_access, repo, struct work_repo),
      .table = &api_v0_repo_table },
    { .name = "user",        .kind = JSON_OBJECT, .offset = JSON_AT(struct user_access, user, struct api_account),
      .table = &api_account_table },
};
static const struct json_table user_access_table = {
    .name = "RepoUserAccess", .size = sizeof(struct user_access), .fields = user_access_fields, .n_fields = ARRAY_LEN(user_access_fields),
};

static const struct json_field scan_fields[] = {
    { .name = "scanOnPush", .kind = JSON_BOOL, .offset = JSON_AT(struct scan_form, scan_on_push, bool), .flags = JSON_REQUIRED },
};
static const struct json_table scan_table = {
    .name = "ToggleScanOnPush", .size = sizeof(struct scan_form), .fields = scan_fields, .n_fields = ARRAY_LEN(scan_fields),
};
/* clang-format on */

/* The only one that this registry speaks. */
static int get_language(struct api_call *call, struct err *err)
{
    struct language language = { .language = STR("en") };

    return api_reply_value(call, &language, err);
}

/* -- what a user may ------------------------------------------------------------------------------------ */

static int get_user_access(struct api_call *call, struct err *err)
{
    struct auth_explanation why;
    struct meta_account_row row;
    struct user_access      access;

    if (auth_explain(call->auth, call->arena, call->account.name, call->path, AUTH_VIEW, &why,
                     err) < 0 ||
        work_account_get(call->work, call->arena, call->account.id, &row, err) < 0)
        return -1;

    const char *level = auth_level_of_verbs(why.verbs);
    if (!why.exists || level == NULL)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_REPOSITORY", call->path,
                            "there is no such repository, or the user has no access to it");
    access = (struct user_access){ .level = str_from(level), .user = api_account_of(&row.account) };
    if (work_repo_get_path(call->work, call->arena, call->path, &access.repo, err) < 0)
        return -1;
    return api_reply_value(call, &access, err);
}

/* -- settings of accounts ------------------------------------------------------------------------------- */

static int get_user_settings(struct api_call *call, struct err *err)
{
    struct user_settings settings;

    if (work_content_cache_get(call->work, call->arena, &call->account, &settings.cache, err) < 0)
        return -1;
    return api_reply_value(call, &settings, err);
}

static int change_user_settings(struct api_call *call, struct err *err)
{
    struct user_settings form = { 0 };

    if (api_body(call, &form, err) < 0 ||
        (form.has_cache && work_content_cache_put(call->work, call->arena, &call->actor,
                                                  &call->account, form.cache, err) < 0))
        return -1;
    return get_user_settings(call, err);
}

static int get_account_settings(struct api_call *call, struct err *err)
{
    struct account_settings settings = { .has_create_on_push = true };

    if (work_create_on_push_get(call->work, call->arena, &call->account, &settings.create_on_push,
                                err) < 0)
        return -1;
    return api_reply_value(call, &settings, err);
}

static int change_account_settings(struct api_call *call, struct err *err)
{
    struct account_settings form = { 0 };

    if (api_body(call, &form, err) < 0 ||
        (form.has_create_on_push &&
         work_create_on_push_put(call->work, call->arena, &call->actor, &call->account,
                                 form.create_on_push, err) < 0))
        return -1;
    return get_account_settings(call, err);
}

/* -- many repositories ---------------------------------------------------------------------------------- */

static int delete_repositories(struct api_call *call, struct err *err)
{
    if (work_many_delete(call->work, &call->actor, &call->account, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int clear_namespace(struct api_call *call, struct err *err)
{
    enum auth_verdict verdict;

    if (auth_account_open(call->auth, call->arena, &call->caller, api_hole(call, "account"),
                          AUTH_ACCOUNT_MANAGE, &call->account, &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES) {
        api_deny(call, verdict, api_may_name(API_MAY_MANAGE_ACCOUNT));
        return 0;
    }
    if (work_many_clear(call->work, &call->actor, &call->account, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int toggle_scans(struct api_call *call, struct err *err)
{
    struct scan_form form = { 0 };

    if (api_body(call, &form, err) < 0 ||
        work_many_scan_on_push(call->work, &call->actor, &call->caller, &call->view,
                               form.scan_on_push, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
const struct api_route api_v0_accounts_routes[] = {
    { .name = "account.language",      .method = HTTP_GET,    .path = "/api/v0/accounts/language",
      .may  = API_MAY_PING,            .family = API_DTR,     .run = get_language,
      .says = "The language that the registry speaks",        .gives = &language_table },
    { .name = "account.access",        .method = HTTP_GET,    .path = "/api/v0/accounts/{account}/repositoryAccess/{namespace}/{name...}",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_DTR,     .run = get_user_access,
      .says = "The level of access that a user has to a repository, by whatever way",
      .gives = &user_access_table },
    { .name = "account.settings",      .method = HTTP_GET,    .path = "/api/v0/accounts/{account}/settings",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_DTR,     .run = get_user_settings,
      .says = "The settings of a user",                       .gives = &settings_table },
    { .name = "account.settings_put",  .method = HTTP_PATCH,  .path = "/api/v0/accounts/{account}/settings",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_DTR,     .run = change_user_settings, .changes = true,
      .says = "Changes settings of a user",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &settings_form_table, .gives = &settings_table },
    { .name = "account.clear",         .method = HTTP_DELETE, .path = "/api/v0/accounts/{account}",
      .may  = API_MAY_INSTANCE,        .family = API_DTR,     .run = clear_namespace, .changes = true,
      .says = "Deletes what belongs to a namespace: its repositories and the grants on it as a whole; the account stays" },
    { .name = "account.repositories_delete", .method = HTTP_DELETE, .path = "/api/v0/accounts/{account}/repositories",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_DTR,     .run = delete_repositories, .changes = true,
      .says = "Deletes all repositories of a namespace" },
    { .name = "repository.scan_toggle", .method = HTTP_POST,  .path = "/api/v0/repositories/scan/toggle",
      .may  = API_MAY_REPOS,           .family = API_DTR,     .run = toggle_scans, .changes = true, .status = 200,
      .says = "Switches scanning on push on or off in all repositories that the caller manages",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &scan_table },
    { .name = "organization.settings", .method = HTTP_GET,    .path = "/api/v1/accounts/{account}/settings",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_OURS,    .run = get_account_settings,
      .says = "What the owners of an organization have decided for it", .gives = &account_settings_table },
    { .name = "organization.settings_put", .method = HTTP_PATCH, .path = "/api/v1/accounts/{account}/settings",
      .may  = API_MAY_MANAGE_ACCOUNT,  .family = API_OURS,    .run = change_account_settings, .changes = true,
      .says = "Switches on or off that pushes make repositories that are not there yet, private, in an organization",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &account_settings_table, .gives = &account_settings_table },
    { 0 },
};
/* clang-format on */
