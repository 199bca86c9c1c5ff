/* api/v0_webhooks.c: webhooks on DTR's routes. */
#include "api/webhook.h"

#include "api/api_private.h"
#include "api/v0_repository.h"
#include "base/mem.h"

/* A certificate chain of 64 KiB, escaped. */
enum { FORM_MAX = 160 * 1024, CERT_MAX = 64 * 1024 };

struct update_form {
    struct str              id;
    struct work_hook_change change;
};

struct view {
    struct str author_id;
    struct str created_at;
    struct str endpoint;
    struct str id;
    bool       inactive;
    struct str key;
    bool       skip_tls;
    struct str tls_cert;
    struct str type;
    struct str succeeded_at; /* null view: never */
};

/* clang-format off */
#define TARGET_FIELDS \
    { .name = "endpoint",            .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, endpoint, struct str), .flags = JSON_REQUIRED, .max = WORK_HOOK_URL_MAX }, \
    { .name = "skipTLSVerification", .kind = JSON_BOOL,   .offset = JSON_AT(struct work_hook_form, skip_tls, bool) }, \
    { .name = "tlsCert",             .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, tls_cert, struct str), .max = CERT_MAX }, \
    { .name = "type",                .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, type, struct str), .flags = JSON_REQUIRED, .max = 64 }

static const struct json_field create_fields[] = {
    TARGET_FIELDS,
    { .name = "key",                 .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, key, struct str), .max = 255 },
};
static const struct json_table create_table = {
    .name = "CreateWebhook", .size = sizeof(struct work_hook_form), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field test_fields[] = { TARGET_FIELDS };
static const struct json_table test_table = {
    .name = "WebhookTestPayload", .size = sizeof(struct work_hook_form), .fields = test_fields, .n_fields = ARRAY_LEN(test_fields),
};

static const struct json_field update_fields[] = {
    { .name = "id",                  .kind = JSON_STRING, .offset = JSON_AT(struct update_form, id, struct str), .flags = JSON_REQUIRED, .max = 64 },
    { .name = "inactive",            .kind = JSON_BOOL,   .offset = JSON_AT(struct update_form, change.inactive, bool),
      .has_offset = JSON_AT(struct update_form, change.has_inactive, bool) },
    { .name = "skipTLSVerification", .kind = JSON_BOOL,   .offset = JSON_AT(struct update_form, change.skip_tls, bool),
      .has_offset = JSON_AT(struct update_form, change.has_skip_tls, bool) },
    { .name = "tlsCert",             .kind = JSON_STRING, .offset = JSON_AT(struct update_form, change.tls_cert, struct str), .max = CERT_MAX },
};
static const struct json_table update_table = {
    .name = "WebhookUpdate", .size = sizeof(struct update_form), .fields = update_fields, .n_fields = ARRAY_LEN(update_fields),
};

static const struct json_field view_fields[] = {
    { .name = "authorID",            .kind = JSON_STRING, .offset = JSON_AT(struct view, author_id, struct str) },
    { .name = "createdAt",           .kind = JSON_STRING, .offset = JSON_AT(struct view, created_at, struct str) },
    { .name = "endpoint",            .kind = JSON_STRING, .offset = JSON_AT(struct view, endpoint, struct str) },
    { .name = "id",                  .kind = JSON_STRING, .offset = JSON_AT(struct view, id, struct str) },
    { .name = "inactive",            .kind = JSON_BOOL,   .offset = JSON_AT(struct view, inactive, bool) },
    { .name = "key",                 .kind = JSON_STRING, .offset = JSON_AT(struct view, key, struct str) },
    { .name = "skipTLSVerification", .kind = JSON_BOOL,   .offset = JSON_AT(struct view, skip_tls, bool) },
    { .name = "tlsCert",             .kind = JSON_STRING, .offset = JSON_AT(struct view, tls_cert, struct str) },
    { .name = "type",                .kind = JSON_STRING, .offset = JSON_AT(struct view, type, struct str) },
    { .name = "lastSuccessfulAt",    .kind = JSON_STRING, .offset = JSON_AT(struct view, succeeded_at, struct str), .flags = JSON_OMIT },
};
static const struct json_table view_table = {
    .name = "Webhook", .size = sizeof(struct view), .fields = view_fields, .n_fields = ARRAY_LEN(view_fields),
};
/* clang-format on */

static struct view view_of(struct arena *arena, const struct meta_webhook *hook)
{
    return (struct view){
        .author_id    = hook->author.p == NULL ? STR("") : hook->author,
        .created_at   = api_time(arena, hook->created_at),
        .endpoint     = hook->url,
        .id           = hook->uuid,
        .inactive     = hook->stopped.n > 0,
        .key          = hook->key,
        .skip_tls     = hook->skip_tls != 0,
        .tls_cert     = hook->tls_cert,
        .type         = hook->type,
        .succeeded_at = hook->succeeded_at == 0 ? STR_NULL : api_time(arena, hook->succeeded_at),
    };
}

/* -- lists ---------------------------------------------------------------------------------------------- */

static void write(struct api_call *call, struct json_write *w, const void *row)
{
    struct view view = view_of(call->arena, row);

    json_write_table(w, &view_table, &view);
}

static const struct api_pages pages = { .read  = api_webhook_read,
                                        .size  = sizeof(struct meta_webhook),
                                        .key   = api_webhook_key,
                                        .write = write };

/* DTR's have no pages: all there are. */
static int list(struct api_call *call, const struct api_webhook_list *what, struct err *err)
{
    struct api_list  *list   = api_list_begin(call, NULL);
    struct api_paging paging = { .start = STR_NULL, .size = API_PAGE_MAX };
    struct str        next;

    if (api_pages_write(call, &pages, what, &paging, list, &next, err) < 0)
        return -1;
    return api_list_reply(list, err);
}

static int list_all(struct api_call *call, struct err *err)
{
    struct api_webhook_list what = { 0 };

    if (api_webhook_type(call, "webhookType", &what.filter.type, err) < 0)
        return -1;
    return list(call, &what, err);
}

static int list_namespace(struct api_call *call, struct err *err)
{
    struct api_webhook_list what = { .filter = { .key = call->account.name }, .is_open = true };

    return list(call, &what, err);
}

static int list_repository(struct api_call *call, struct err *err)
{
    struct api_webhook_list what = { .filter = { .key = call->repo.path }, .is_open = true };

    return list(call, &what, err);
}

/* -- one ------------------------------------------------------------------------------------------------ */

static int create(struct api_call *call, struct err *err)
{
    struct work_hook_form form = { 0 };
    struct auth_repo      place;
    struct meta_webhook   hook;
    struct str            secret; /* of DTR's clients none asks for one */

    if (api_body(call, &form, err) < 0)
        return -1;
    int may = api_webhook_place(call, form.key, &place, err);
    if (may < 1)
        return may;
    if (work_hook_create(call->work, call->arena, &call->actor, &place, &form, &secret, &hook,
                         err) < 0)
        return -1;

    struct view view = view_of(call->arena, &hook);
    return api_reply_value(call, &view, err);
}

static int test(struct api_call *call, struct err *err)
{
    struct work_hook_form form = { 0 };

    if (api_body(call, &form, err) < 0 || work_hook_test(call->work, call->arena, &form, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int update(struct api_call *call, struct err *err)
{
    struct update_form  form = { 0 };
    struct meta_webhook hook;

    if (api_body(call, &form, err) < 0 || api_webhook_open(call, form.id, &hook, err) < 0 ||
        work_hook_change(call->work, call->arena, &call->actor, &hook, &form.change, &hook, err) <
            0)
        return -1;

    struct api_list   *list = api_list_begin(call, NULL);
    struct json_write *w    = api_list_item(list, err);
    if (w == NULL)
        return -1;
    write(call, w, &hook);
    return api_list_reply(list, err);
}

static int delete (struct api_call *call, struct err *err)
{
    struct meta_webhook hook;

    if (api_webhook_open(call, api_hole(call, "webhook"), &hook, err) < 0 ||
        work_hook_delete(call->work, &call->actor, &hook, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "webhookType", "string", "of that type alone; any for all of them" },
    { 0 },
};
static const int not_found[]     = { 404, 0 };
static const int create_status[] = { 404, 409, 0 };

const struct api_route api_v0_webhooks_routes[] = {
    { .name = "webhook.list",         .method = HTTP_GET,    .path = "/api/v0/webhooks",
      .may = API_MAY_USER,           .family = API_DTR, .says = "The webhooks that the caller may manage",
      .gives = &view_table, .list = "", .query = list_params,
      .run = list_all },
    { .name = "webhook.create",       .method = HTTP_POST,   .path = "/api/v0/webhooks",
      .may = API_MAY_USER,           .family = API_DTR, .says = "Makes a webhook: calls of the endpoint for events of a type in a repository, a namespace or everywhere",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &create_table, .gives = &view_table, .status = 201, .also = create_status,
      .changes = true, .run = create },
    { .name = "webhook.test",         .method = HTTP_POST,   .path = "/api/v0/webhooks/test",
      .may = API_MAY_USER,           .family = API_DTR, .says = "Calls the endpoint once with a sample of that type",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &test_table, .status = 200,
      .run = test },
    { .name = "webhook.update",       .method = HTTP_POST,   .path = "/api/v0/webhooks/update",
      .may = API_MAY_USER,           .family = API_DTR, .says = "Switches a webhook on or off, or changes whom it trusts",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &update_table, .gives = &view_table, .list = "", .status = 200, .also = not_found,
      .changes = true, .run = update },
    { .name = "webhook.delete",       .method = HTTP_DELETE, .path = "/api/v0/webhooks/{webhook}",
      .may = API_MAY_USER,           .family = API_DTR, .says = "Deletes a webhook", .also = not_found,
      .changes = true, .run = delete },
    { .name = "namespace.webhooks",   .method = HTTP_GET,    .path = "/api/v0/accounts/{account}/webhooks",
      .may = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .says = "The webhooks of a namespace as a whole",
      .gives = &view_table, .list = "",
      .run = list_namespace },
    { .name = "repository.webhooks",  .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}/{name...}/webhooks",
      .may = API_MAY_POLICIES,       .family = API_DTR, .says = "The webhooks of a repository",
      .gives = &view_table, .list = "",
      .run = list_repository },
    { 0 },
};
/* clang-format on */
