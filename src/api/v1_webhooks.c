/* api/v1_webhooks.c: what webhooks can do beyond DTR's routes: shapes, secrets, the log of calls, replay, and their
 * state. */
#include "api/webhook.h"

#include "api/api_private.h"
#include "base/buf.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/secret.h"
#include "work/job.h"

enum { FORM_MAX = 160 * 1024, CERT_MAX = 64 * 1024, CHUNK = 500 };

struct change_form {
    struct work_hook_change change;
};

struct secret_form {
    struct str secret;
    struct str overlap;
};

struct replay_form {
    int64_t from;
};

struct enable_form {
    bool replay;
};

struct view {
    struct str id;
    struct str type;
    struct str key;
    struct str endpoint;
    struct str tls_cert;
    bool       skip_tls;
    struct str shape;
    struct str state; /* "active", or why it is stopped */
    struct str stopped_at;
    int64_t    missed_from;
    bool       has_missed;
    bool       has_secret;
    struct str old_secret_until;
    int64_t    failures;
    struct str failure;
    struct str next_at;
    struct str author_id;
    struct str created_at;
    struct str succeeded_at;
    struct str failed_at;
    struct str secret; /* of a new one only */
};

struct delivery_view {
    struct str id;
    struct str message;
    int64_t    event;
    struct str type;
    struct str repository;
    struct str object;
    int64_t    attempt;
    struct str at;
    int64_t    duration_ms;
    int64_t    status;
    bool       is_done;
    struct str failure;
};

struct secret_view {
    struct str secret;
    struct str old_until;
};

struct replay_view {
    struct str job;
};

/* clang-format off */
#define TARGET_FIELDS \
    { .name = "type",                .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, type, struct str), .flags = JSON_REQUIRED, .max = 64 }, \
    { .name = "endpoint",            .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, endpoint, struct str), .flags = JSON_REQUIRED, .max = WORK_HOOK_URL_MAX }, \
    { .name = "tlsCert",             .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, tls_cert, struct str), .max = CERT_MAX }, \
    { .name = "skipTLSVerification", .kind = JSON_BOOL,   .offset = JSON_AT(struct work_hook_form, skip_tls, bool) }, \
    { .name = "shape",               .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, shape, struct str), .max = 32 }, \
    { .name = "secret",              .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, secret, struct str), .flags = JSON_SECRET, .max = 128 }

static const struct json_field create_fields[] = {
    TARGET_FIELDS,
    { .name = "key",                 .kind = JSON_STRING, .offset = JSON_AT(struct work_hook_form, key, struct str), .max = 255 },
};
static const struct json_table create_table = {
    .name = "CreateSubscription", .size = sizeof(struct work_hook_form), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field test_fields[] = { TARGET_FIELDS };
static const struct json_table test_table = {
    .name = "TestSubscription", .size = sizeof(struct work_hook_form), .fields = test_fields, .n_fields = ARRAY_LEN(test_fields),
};

static const struct json_field change_fields[] = {
    { .name = "endpoint",            .kind = JSON_STRING, .offset = JSON_AT(struct change_form, change.endpoint, struct str), .max = WORK_HOOK_URL_MAX },
    { .name = "tlsCert",             .kind = JSON_STRING, .offset = JSON_AT(struct change_form, change.tls_cert, struct str), .max = CERT_MAX },
    { .name = "skipTLSVerification", .kind = JSON_BOOL,   .offset = JSON_AT(struct change_form, change.skip_tls, bool),
      .has_offset = JSON_AT(struct change_form, change.has_skip_tls, bool) },
    { .name = "shape",               .kind = JSON_STRING, .offset = JSON_AT(struct change_form, change.shape, struct str), .max = 32 },
    { .name = "inactive",            .kind = JSON_BOOL,   .offset = JSON_AT(struct change_form, change.inactive, bool),
      .has_offset = JSON_AT(struct change_form, change.has_inactive, bool) },
};
static const struct json_table change_table = {
    .name = "UpdateSubscription", .size = sizeof(struct change_form), .fields = change_fields, .n_fields = ARRAY_LEN(change_fields),
};

static const struct json_field secret_form_fields[] = {
    { .name = "secret",  .kind = JSON_STRING, .offset = JSON_AT(struct secret_form, secret, struct str), .flags = JSON_SECRET, .max = 128 },
    { .name = "overlap", .kind = JSON_STRING, .offset = JSON_AT(struct secret_form, overlap, struct str), .max = 32 },
};
static const struct json_table secret_form_table = {
    .name = "RotateWebhookSecret", .size = sizeof(struct secret_form), .fields = secret_form_fields, .n_fields = ARRAY_LEN(secret_form_fields),
};

static const struct json_field secret_fields[] = {
    { .name = "secret",         .kind = JSON_STRING, .offset = JSON_AT(struct secret_view, secret, struct str) },
    { .name = "oldSecretUntil", .kind = JSON_STRING, .offset = JSON_AT(struct secret_view, old_until, struct str), .flags = JSON_OMIT },
};
static const struct json_table secret_table = {
    .name = "WebhookSecret", .size = sizeof(struct secret_view), .fields = secret_fields, .n_fields = ARRAY_LEN(secret_fields),
};

static const struct json_field replay_form_fields[] = {
    { .name = "from", .kind = JSON_INTEGER, .offset = JSON_AT(struct replay_form, from, int64_t), .flags = JSON_REQUIRED },
};
static const struct json_table replay_form_table = {
    .name = "ReplayWebhook", .size = sizeof(struct replay_form), .fields = replay_form_fields, .n_fields = ARRAY_LEN(replay_form_fields),
};

static const struct json_field replay_fields[] = {
    { .name = "job", .kind = JSON_STRING, .offset = JSON_AT(struct replay_view, job, struct str) },
};
static const struct json_table replay_table = {
    .name = "WebhookReplay", .size = sizeof(struct replay_view), .fields = replay_fields, .n_fields = ARRAY_LEN(replay_fields),
};

static const struct json_field enable_fields[] = {
    { .name = "replay", .kind = JSON_BOOL, .offset = JSON_AT(struct enable_form, replay, bool) },
};
static const struct json_table enable_table = {
    .name = "EnableWebhook", .size = sizeof(struct enable_form), .fields = enable_fields, .n_fields = ARRAY_LEN(enable_fields),
};

static const struct json_field view_fields[] = {
    { .name = "id",                  .kind = JSON_STRING,  .offset = JSON_AT(struct view, id, struct str) },
    { .name = "type",                .kind = JSON_STRING,  .offset = JSON_AT(struct view, type, struct str) },
    { .name = "key",                 .kind = JSON_STRING,  .offset = JSON_AT(struct view, key, struct str) },
    { .name = "endpoint",            .kind = JSON_STRING,  .offset = JSON_AT(struct view, endpoint, struct str) },
    { .name = "tlsCert",             .kind = JSON_STRING,  .offset = JSON_AT(struct view, tls_cert, struct str) },
    { .name = "skipTLSVerification", .kind = JSON_BOOL,    .offset = JSON_AT(struct view, skip_tls, bool) },
    { .name = "shape",               .kind = JSON_STRING,  .offset = JSON_AT(struct view, shape, struct str) },
    { .name = "state",               .kind = JSON_STRING,  .offset = JSON_AT(struct view, state, struct str) },
    { .name = "stoppedAt",           .kind = JSON_STRING,  .offset = JSON_AT(struct view, stopped_at, struct str), .flags = JSON_OMIT },
    { .name = "missedFrom",          .kind = JSON_INTEGER, .offset = JSON_AT(struct view, missed_from, int64_t), .flags = JSON_OMIT },
    { .name = "hasSecret",           .kind = JSON_BOOL,    .offset = JSON_AT(struct view, has_secret, bool) },
    { .name = "oldSecretUntil",      .kind = JSON_STRING,  .offset = JSON_AT(struct view, old_secret_until, struct str), .flags = JSON_OMIT },
    { .name = "failures",            .kind = JSON_INTEGER, .offset = JSON_AT(struct view, failures, int64_t) },
    { .name = "lastFailure",         .kind = JSON_STRING,  .offset = JSON_AT(struct view, failure, struct str), .flags = JSON_OMIT },
    { .name = "nextAttemptAt",       .kind = JSON_STRING,  .offset = JSON_AT(struct view, next_at, struct str), .flags = JSON_OMIT },
    { .name = "authorID",            .kind = JSON_STRING,  .offset = JSON_AT(struct view, author_id, struct str) },
    { .name = "createdAt",           .kind = JSON_STRING,  .offset = JSON_AT(struct view, created_at, struct str) },
    { .name = "lastSuccessfulAt",    .kind = JSON_STRING,  .offset = JSON_AT(struct view, succeeded_at, struct str), .flags = JSON_OMIT },
    { .name = "lastFailedAt",        .kind = JSON_STRING,  .offset = JSON_AT(struct view, failed_at, struct str), .flags = JSON_OMIT },
    { .name = "secret",              .kind = JSON_STRING,  .offset = JSON_AT(struct view, secret, struct str), .flags = JSON_OMIT },
};
static const struct json_table view_table = {
    .name = "Subscription", .size = sizeof(struct view), .fields = view_fields, .n_fields = ARRAY_LEN(view_fields),
};

static const struct json_field delivery_fields[] = {
    { .name = "id",         .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, id, struct str) },
    { .name = "messageId",  .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, message, struct str) },
    { .name = "event",      .kind = JSON_INTEGER, .offset = JSON_AT(struct delivery_view, event, int64_t) },
    { .name = "type",       .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, type, struct str) },
    { .name = "repository", .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, repository, struct str) },
    { .name = "object",     .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, object, struct str) },
    { .name = "attempt",    .kind = JSON_INTEGER, .offset = JSON_AT(struct delivery_view, attempt, int64_t) },
    { .name = "at",         .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, at, struct str) },
    { .name = "durationMs", .kind = JSON_INTEGER, .offset = JSON_AT(struct delivery_view, duration_ms, int64_t) },
    { .name = "status",     .kind = JSON_INTEGER, .offset = JSON_AT(struct delivery_view, status, int64_t) },
    { .name = "delivered",  .kind = JSON_BOOL,    .offset = JSON_AT(struct delivery_view, is_done, bool) },
    { .name = "failure",    .kind = JSON_STRING,  .offset = JSON_AT(struct delivery_view, failure, struct str), .flags = JSON_OMIT },
};
static const struct json_table delivery_table = {
    .name = "WebhookDelivery", .size = sizeof(struct delivery_view), .fields = delivery_fields, .n_fields = ARRAY_LEN(delivery_fields),
};
/* clang-format on */

static struct str text_of(struct str text)
{
    return text.p == NULL ? STR("") : text;
}

static struct str time_or_none(struct arena *arena, int64_t at)
{
    return at == 0 ? STR_NULL : api_time(arena, at);
}

static struct view view_of(struct arena *arena, const struct meta_webhook *hook)
{
    bool has_old = hook->old_secret.p != NULL;

    return (struct view){
        .id               = hook->uuid,
        .type             = hook->type,
        .key              = hook->key,
        .endpoint         = hook->url,
        .tls_cert         = hook->tls_cert,
        .skip_tls         = hook->skip_tls != 0,
        .shape            = hook->shape,
        .state            = hook->stopped.n > 0 ? hook->stopped : STR("active"),
        .stopped_at       = time_or_none(arena, hook->stopped_at),
        .missed_from      = hook->missed_from,
        .has_secret       = hook->secret.p != NULL,
        .old_secret_until = has_old ? api_time(arena, hook->old_secret_until) : STR_NULL,
        .failures         = hook->failures,
        .failure          = hook->failure,
        .next_at          = time_or_none(arena, hook->next_at),
        .author_id        = text_of(hook->author),
        .created_at       = api_time(arena, hook->created_at),
        .succeeded_at     = time_or_none(arena, hook->succeeded_at),
        .failed_at        = time_or_none(arena, hook->failed_at),
    };
}

static int reply(struct api_call *call, const struct meta_webhook *hook, struct err *err)
{
    struct view view = view_of(call->arena, hook);

    return api_reply_value(call, &view, err);
}

/* The subscription in the path: 0, -1. */
static int open_hole(struct api_call *call, struct meta_webhook *out, struct err *err)
{
    return api_webhook_open(call, api_hole(call, "webhook"), out, err);
}

/* -- all of them ---------------------------------------------------------------------------------------- */

static void write(struct api_call *call, struct json_write *w, const void *row)
{
    struct view view = view_of(call->arena, row);

    json_write_table(w, &view_table, &view);
}

static const struct api_pages pages = { .read  = api_webhook_read,
                                        .size  = sizeof(struct meta_webhook),
                                        .key   = api_webhook_key,
                                        .write = write };

static int list(struct api_call *call, struct err *err)
{
    struct api_webhook_list what = { 0 };
    struct api_paging       paging;
    struct str              next;

    if (api_webhook_type(call, "type", &what.filter.type, err) < 0 ||
        api_query(call, "key", "INVALID_PARAMETERS", &what.filter.key, err) < 0 ||
        api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, "webhooks");
    if (api_pages_write(call, &pages, &what, &paging, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

static int create(struct api_call *call, struct err *err)
{
    struct work_hook_form form = { 0 };
    struct auth_repo      place;
    struct meta_webhook   hook;
    struct str            secret;

    if (api_body(call, &form, err) < 0)
        return -1;
    form.is_ours = true;
    int may      = api_webhook_place(call, form.key, &place, err);
    if (may < 1)
        return may;
    if (work_hook_create(call->work, call->arena, &call->actor, &place, &form, &secret, &hook,
                         err) < 0)
        return -1;

    struct view view = view_of(call->arena, &hook);
    view.secret      = secret;
    return api_reply_value(call, &view, err);
}

static int test(struct api_call *call, struct err *err)
{
    struct work_hook_form form = { 0 };

    if (api_body(call, &form, err) < 0)
        return -1;
    form.is_ours = true;
    if (work_hook_test(call->work, call->arena, &form, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- one ------------------------------------------------------------------------------------------------ */

static int show(struct api_call *call, struct err *err)
{
    struct meta_webhook hook;

    if (open_hole(call, &hook, err) < 0)
        return -1;
    return reply(call, &hook, err);
}

static int change(struct api_call *call, struct err *err)
{
    struct change_form  form = { 0 };
    struct meta_webhook hook;

    if (api_body(call, &form, err) < 0 || open_hole(call, &hook, err) < 0 ||
        work_hook_change(call->work, call->arena, &call->actor, &hook, &form.change, &hook, err) <
            0)
        return -1;
    return reply(call, &hook, err);
}

static int delete (struct api_call *call, struct err *err)
{
    struct meta_webhook hook;

    if (open_hole(call, &hook, err) < 0 ||
        work_hook_delete(call->work, &call->actor, &hook, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int rotate(struct api_call *call, struct err *err)
{
    struct secret_form  form    = { 0 };
    int64_t             overlap = 24 * 3600 * INT64_C(1000000);
    struct meta_webhook hook;
    struct secret_view  view;

    if (api_body(call, &form, err) < 0 || open_hole(call, &hook, err) < 0)
        return -1;
    if (form.overlap.p != NULL && text_duration_parse(form.overlap, &overlap, err) < 0)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("overlap"),
                            "overlap: is a time such as 24h");
    if (work_hook_rotate(call->work, call->arena, &call->actor, &hook, form.secret, overlap,
                         &view.secret, err) < 0 ||
        work_hook_get(call->work, call->arena, hook.uuid, &hook, err) < 0)
        return -1;
    view.old_until =
        hook.old_secret.p == NULL ? STR_NULL : api_time(call->arena, hook.old_secret_until);
    return api_reply_value(call, &view, err);
}

/* -- its log -------------------------------------------------------------------------------------------- */

struct log_list {
    const struct meta_webhook *hook;
};

static int read_log(struct api_call *call, const void *what, struct arena *arena, struct str after,
                    size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const struct log_list *list   = what;
    int64_t                before = 0;
    struct meta_hook_line *lines;

    if (after.p != NULL && (!str_to_int(after, &before) || before < 1))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("pageStart"),
                            "pageStart: is not the start of a page of this list");
    if (work_hook_log(call->work, arena, list->hook, before, n_max, &lines, n_out, err) < 0)
        return -1;
    *out = lines;
    return 0;
}

static struct str line_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct meta_hook_line *)row)->id));
}

static void write_line(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_hook_line *line = row;
    struct delivery_view         view = {
                .id = line_key(call->arena, row),
                .message =
                    str_from(mem_printf(call->arena, "msg_" STR_FMT "_%lld",
                                        STR_ARGS(api_hole(call, "webhook")), (long long)line->event_id)),
                .event       = line->event_id,
                .type        = line->type,
                .repository  = text_of(line->path),
                .object      = text_of(line->object_name),
                .attempt     = line->attempt,
                .at          = api_time(call->arena, line->at),
                .duration_ms = line->duration_us / 1000,
                .status      = line->status,
                .is_done     = line->is_done != 0,
                .failure     = line->failure,
    };

    json_write_table(w, &delivery_table, &view);
}

static const struct api_pages log_pages = {
    .read = read_log, .size = sizeof(struct meta_hook_line), .key = line_key, .write = write_line
};

static int list_deliveries(struct api_call *call, struct err *err)
{
    struct meta_webhook hook;
    struct log_list     what = { .hook = &hook };
    struct api_paging   paging;
    struct str          next;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0 ||
        open_hole(call, &hook, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, "deliveries");
    if (api_pages_write(call, &log_pages, &what, &paging, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

/* -- once more ------------------------------------------------------------------------------------------ */

/* Long replays take their time: they are a job. */
static int add_replay(struct api_call *call, const struct meta_webhook *hook, int64_t from,
                      struct str *out_job, struct err *err)
{
    const char     *parameters = mem_printf(call->arena, "{\"webhook\":\"%s\",\"from\":\"%lld\"}",
                                            str_dup(call->arena, hook->uuid), (long long)from);
    struct meta_job form       = { .action = STR("webhook"), .parameters = str_from(parameters) };
    struct meta_job job;

    if (work_job_add(call->work, call->arena, &call->actor, call->api->settings.kinds, &form, &job,
                     err) < 0)
        return -1;
    *out_job = job.uuid;
    return 0;
}

static int replay(struct api_call *call, struct err *err)
{
    struct replay_form  form = { 0 };
    struct replay_view  view;
    struct meta_webhook hook;

    if (api_body(call, &form, err) < 0 || open_hole(call, &hook, err) < 0)
        return -1;
    if (form.from < 1)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("from"),
                            "from: is the id of an event");
    if (hook.stopped.n > 0)
        return err_set_code(err, ERR_CONFLICT, "WEBHOOK_INACTIVE", hook.uuid,
                            "a webhook that is inactive is told of nothing: enable it first");
    if (add_replay(call, &hook, form.from, &view.job, err) < 0)
        return -1;
    return api_reply_value(call, &view, err);
}

/* Told again from now on, and of what it missed where that is asked for. */
static int enable(struct api_call *call, struct err *err)
{
    struct enable_form      form   = { 0 };
    struct work_hook_change change = { .has_inactive = true, .inactive = false };
    struct meta_webhook     hook;
    struct str              job; /* its log says how it went */

    if (api_body(call, &form, err) < 0 || open_hole(call, &hook, err) < 0)
        return -1;
    int64_t missed = hook.missed_from;
    if (work_hook_change(call->work, call->arena, &call->actor, &hook, &change, &hook, err) < 0 ||
        (form.replay && missed > 0 && add_replay(call, &hook, missed, &job, err) < 0))
        return -1;
    return reply(call, &hook, err);
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "key",       "string",  "of that repository or namespace alone" },
    { "type",      "string",  "of that type alone" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};
static const struct api_param log_params[] = {
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};
static const int not_found[] = { 404, 0 };
static const int conflict[]  = { 404, 409, 0 };

const struct api_route api_v1_webhooks_routes[] = {
    { .name = "subscription.list",   .method = HTTP_GET,    .path = "/api/v1/webhooks",
      .may = API_MAY_USER, .family = API_OURS, .says = "The webhooks that the caller may manage, with their state",
      .gives = &view_table, .list = "webhooks", .query = list_params,
      .run = list },
    { .name = "subscription.create", .method = HTTP_POST,   .path = "/api/v1/webhooks",
      .may = API_MAY_USER, .family = API_OURS, .says = "Makes a webhook of a shape, with a secret that is told this once",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &create_table, .gives = &view_table, .status = 201, .also = conflict,
      .changes = true, .run = create },
    { .name = "subscription.test",   .method = HTTP_POST,   .path = "/api/v1/webhooks/test",
      .may = API_MAY_USER, .family = API_OURS, .says = "Calls the endpoint once with a sample of that type and shape, signed when a secret is given",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &test_table, .status = 204,
      .run = test },
    { .name = "subscription.show",   .method = HTTP_GET,    .path = "/api/v1/webhooks/{webhook}",
      .may = API_MAY_USER, .family = API_OURS, .says = "One webhook", .gives = &view_table, .also = not_found,
      .run = show },
    { .name = "subscription.change", .method = HTTP_PATCH,  .path = "/api/v1/webhooks/{webhook}",
      .may = API_MAY_USER, .family = API_OURS, .says = "Changes what the body names",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &change_table, .gives = &view_table, .also = not_found,
      .changes = true, .run = change },
    { .name = "subscription.delete", .method = HTTP_DELETE, .path = "/api/v1/webhooks/{webhook}",
      .may = API_MAY_USER, .family = API_OURS, .says = "Deletes a webhook, with what waits for it", .also = not_found,
      .changes = true, .run = delete },
    { .name = "subscription.secret", .method = HTTP_POST,   .path = "/api/v1/webhooks/{webhook}/secret",
      .may = API_MAY_USER, .family = API_OURS, .says = "Gives a webhook a new secret; the one before signs too for the overlap (24h)",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &secret_form_table, .gives = &secret_table, .status = 200, .also = not_found,
      .changes = true, .run = rotate },
    { .name = "subscription.log",    .method = HTTP_GET,    .path = "/api/v1/webhooks/{webhook}/deliveries",
      .may = API_MAY_USER, .family = API_OURS, .says = "The calls that were made for a webhook, newest first, of the last 30 days",
      .gives = &delivery_table, .list = "deliveries", .query = log_params, .also = not_found,
      .run = list_deliveries },
    { .name = "subscription.replay", .method = HTTP_POST,   .path = "/api/v1/webhooks/{webhook}/replay",
      .may = API_MAY_USER, .family = API_OURS, .says = "Tells a webhook once more of what happened from an event on, as a job",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &replay_form_table, .gives = &replay_table, .status = 202, .also = conflict,
      .changes = true, .run = replay },
    { .name = "subscription.enable", .method = HTTP_POST,   .path = "/api/v1/webhooks/{webhook}/enable",
      .may = API_MAY_USER, .family = API_OURS, .says = "Switches a stopped webhook on again and, when asked, tells it of what it missed",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &enable_table, .gives = &view_table, .status = 200, .also = not_found,
      .changes = true, .run = enable },
    { 0 },
};
/* clang-format on */
