/* api/v1_services.c: service accounts for machines: made, listed, changed and deleted by those who may give access at
 * their prefix (the owners of the namespace among them), and their secrets rotated. */
#include "api/call.h"
#include "api/pages.h"
#include "base/mem.h"
#include "codec/secret.h"
#include "work/service.h"

/* -- what is taken and given -------------------------------------------------------------------------- */

struct create_service {
    struct str label;
    struct str prefix;
    struct str role;
    struct str description;
    struct str expires_at;
};

struct create_secret {
    int64_t    slot;
    struct str expires_at;
};

struct secret_view {
    int64_t    slot;
    struct str created_at;
    struct str expires_at;
    struct str last_used;
    struct str secret; /* of a new one only */
};

struct service_view {
    struct str       id;
    struct str       name;
    struct str       label;
    struct str       owner;
    struct str       prefix;
    struct str       maker;
    struct str       description;
    bool             is_active;
    struct str       created_at;
    struct json_list secrets; /* struct secret_view */
    struct str       secret;
};

/* clang-format off */
static const struct json_field create_fields[] = {
    { .name = "label",       .kind = JSON_STRING, .offset = JSON_AT(struct create_service, label, struct str), .flags = JSON_REQUIRED },
    { .name = "prefix",      .kind = JSON_STRING, .offset = JSON_AT(struct create_service, prefix, struct str) },
    { .name = "role",        .kind = JSON_STRING, .offset = JSON_AT(struct create_service, role, struct str) },
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct create_service, description, struct str) },
    { .name = "expiresAt",   .kind = JSON_STRING, .offset = JSON_AT(struct create_service, expires_at, struct str), .max = 64 },
};
static const struct json_table create_table = {
    .name = "CreateService", .size = sizeof(struct create_service), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field change_fields[] = {
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct work_service_change, description, struct str),
      .has_offset = JSON_AT(struct work_service_change, has_description, bool) },
    { .name = "isActive",    .kind = JSON_BOOL,   .offset = JSON_AT(struct work_service_change, is_active, bool),
      .has_offset = JSON_AT(struct work_service_change, has_active, bool) },
    { .name = "adopt",       .kind = JSON_BOOL,   .offset = JSON_AT(struct work_service_change, is_adopted, bool) },
};
static const struct json_table change_table = {
    .name = "UpdateService", .size = sizeof(struct work_service_change), .fields = change_fields, .n_fields = ARRAY_LEN(change_fields),
};

static const struct json_field create_secret_fields[] = {
    { .name = "slot",      .kind = JSON_INTEGER, .offset = JSON_AT(struct create_secret, slot, int64_t) },
    { .name = "expiresAt", .kind = JSON_STRING,  .offset = JSON_AT(struct create_secret, expires_at, struct str), .max = 64 },
};
static const struct json_table create_secret_table = {
    .name = "CreateServiceSecret", .size = sizeof(struct create_secret), .fields = create_secret_fields,
    .n_fields = ARRAY_LEN(create_secret_fields),
};

static const struct json_field secret_fields[] = {
    { .name = "slot",      .kind = JSON_INTEGER, .offset = JSON_AT(struct secret_view, slot, int64_t) },
    { .name = "createdAt", .kind = JSON_STRING,  .offset = JSON_AT(struct secret_view, created_at, struct str) },
    { .name = "expiresAt", .kind = JSON_STRING,  .offset = JSON_AT(struct secret_view, expires_at, struct str) },
    { .name = "lastUsed",  .kind = JSON_STRING,  .offset = JSON_AT(struct secret_view, last_used, struct str) },
    { .name = "secret",    .kind = JSON_STRING,  .offset = JSON_AT(struct secret_view, secret, struct str), .flags = JSON_OMIT },
};
static const struct json_table secret_table = {
    .name = "ServiceSecret", .size = sizeof(struct secret_view), .fields = secret_fields, .n_fields = ARRAY_LEN(secret_fields),
};

static const struct json_field service_fields[] = {
    { .name = "id",          .kind = JSON_STRING, .offset = JSON_AT(struct service_view, id, struct str) },
    { .name = "name",        .kind = JSON_STRING, .offset = JSON_AT(struct service_view, name, struct str) },
    { .name = "label",       .kind = JSON_STRING, .offset = JSON_AT(struct service_view, label, struct str) },
    { .name = "owner",       .kind = JSON_STRING, .offset = JSON_AT(struct service_view, owner, struct str) },
    { .name = "prefix",      .kind = JSON_STRING, .offset = JSON_AT(struct service_view, prefix, struct str) },
    { .name = "maker",       .kind = JSON_STRING, .offset = JSON_AT(struct service_view, maker, struct str) },
    { .name = "description", .kind = JSON_STRING, .offset = JSON_AT(struct service_view, description, struct str) },
    { .name = "isActive",    .kind = JSON_BOOL,   .offset = JSON_AT(struct service_view, is_active, bool) },
    { .name = "createdAt",   .kind = JSON_STRING, .offset = JSON_AT(struct service_view, created_at, struct str) },
    { .name = "secrets",     .kind = JSON_LIST,   .offset = JSON_AT(struct service_view, secrets, struct json_list), .table = &secret_table },
    { .name = "secret",      .kind = JSON_STRING, .offset = JSON_AT(struct service_view, secret, struct str), .flags = JSON_OMIT },
};
static const struct json_table service_table = {
    .name = "ServiceAccount", .size = sizeof(struct service_view), .fields = service_fields, .n_fields = ARRAY_LEN(service_fields),
};
/* clang-format on */

static struct str text_of(struct str text)
{
    return text.p == NULL ? STR("") : text;
}

static struct secret_view secret_of(struct arena *arena, const struct meta_credential *row)
{
    return (struct secret_view){
        .slot       = row->slot,
        .created_at = api_time(arena, row->created_at),
        .expires_at = api_time(arena, row->expires_at),
        .last_used  = api_time(arena, row->used_at),
    };
}

static struct service_view view_of(struct arena *arena, const struct work_service *service)
{
    const struct meta_account *account = &service->account;
    struct secret_view        *secrets = mem_many(arena, WORK_SERVICE_SECRETS, struct secret_view);

    for (size_t i = 0; i < service->n_secrets; i++)
        secrets[i] = secret_of(arena, &service->secrets[i]);
    return (struct service_view){
        .id          = account->uuid,
        .name        = account->name,
        .label       = service->label,
        .owner       = service->owner,
        .prefix      = text_of(account->prefix),
        .maker       = text_of(service->maker),
        .description = text_of(account->full_name),
        .is_active   = account->is_active != 0,
        .created_at  = api_time(arena, account->created_at),
        .secrets     = { .items = secrets, .n = service->n_secrets },
    };
}

/* -- whether ------------------------------------------------------------------------------------------ */

/* The prefix in the caller's hands, when it may give access there. 1; 0 it is answered; -1. */
static int open_prefix(struct api_call *call, struct str prefix, struct auth_repo *out,
                       struct err *err)
{
    enum auth_verdict verdict;

    if (auth_prefix_open(call->auth, call->arena, &call->caller, prefix, AUTH_ACCESS, out, &verdict,
                         err) < 0)
        return -1;
    if (verdict == AUTH_YES && !call->caller.is_narrowed)
        return 1;
    api_deny(call, verdict == AUTH_YES ? AUTH_TOO_FEW : verdict, "access at the prefix");
    return 0;
}

/* The service account in the path, when the caller may manage it; else it is not there. 1; 0 it is answered; -1. */
static int open_service(struct api_call *call, struct work_service *out, struct err *err)
{
    struct auth_repo  ignored; /* that there is a handle is all that counts */
    enum auth_verdict verdict;

    if (call->caller.is_narrowed) {
        api_deny(call, AUTH_TOO_FEW, "access at the prefix");
        return 0;
    }
    if (work_service_get(call->work, call->arena, &call->account, api_hole(call, "service"), out,
                         err) < 0 ||
        auth_prefix_open(call->auth, call->arena, &call->caller, text_of(out->account.prefix),
                         AUTH_ACCESS, &ignored, &verdict, err) < 0)
        return -1;
    return verdict == AUTH_YES ? 1 : work_service_absent(err);
}

/* -- lists -------------------------------------------------------------------------------------------- */

static int read_services(struct api_call *call, const void *what, struct arena *arena,
                         struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct work_service *services;

    if (work_service_page(call->work, arena, &call->account, *(const struct str *)what, after,
                          n_max, &services, n_out, err) < 0)
        return -1;
    *out = services;
    return 0;
}

static struct str service_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct work_service *)row)->account.name;
}

static void write_service(struct api_call *call, struct json_write *w, const void *row)
{
    struct service_view view = view_of(call->arena, row);

    json_write_table(w, &service_table, &view);
}

static const struct api_pages service_pages = { .read  = read_services,
                                                .size  = sizeof(struct work_service),
                                                .key   = service_key,
                                                .write = write_service };

static int list_services(struct api_call *call, struct err *err)
{
    struct api_paging paging;
    struct auth_repo  place;
    struct str        prefix, next;

    if (api_query(call, "prefix", "INVALID_PARAMETERS", &prefix, err) < 0 ||
        api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    if (prefix.p == NULL)
        prefix = call->account.name;
    int found = open_prefix(call, prefix, &place, err);
    if (found < 1)
        return found;

    struct api_list *list = api_list_begin(call, NULL);
    if (api_pages_write(call, &service_pages, &prefix, &paging, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int create_service(struct api_call *call, struct err *err)
{
    struct create_service body  = { 0 };
    struct work_service_new new = { .user_agent = http_header(call->req, "User-Agent") };
    struct work_service service;
    struct auth_repo    place;
    char               *secret = secret_alloc(call->arena, AUTH_SECRET_MAX);

    if (api_body(call, &body, err) < 0 ||
        api_time_read("expiresAt", body.expires_at, &new.expires_at, err) < 0)
        return -1;
    int found =
        open_prefix(call, body.prefix.p == NULL ? call->account.name : body.prefix, &place, err);
    if (found < 1)
        return found;

    new.label       = body.label;
    new.description = text_of(body.description);
    new.role        = body.role;
    if (work_service_create(call->work, call->arena, &call->actor, &call->caller, &call->account,
                            &place, &new, secret, &service, err) < 0)
        return -1;

    struct service_view view = view_of(call->arena, &service);
    view.secret              = str_from(secret);
    return api_reply_value(call, &view, err);
}

static int get_service(struct api_call *call, struct err *err)
{
    struct work_service service;
    int                 found = open_service(call, &service, err);

    if (found < 1)
        return found;
    struct service_view view = view_of(call->arena, &service);
    return api_reply_value(call, &view, err);
}

static int change_service(struct api_call *call, struct err *err)
{
    struct work_service_change change = { 0 };
    struct work_service        service;
    int                        found = open_service(call, &service, err);

    if (found < 1)
        return found;
    if (api_body(call, &change, err) < 0 ||
        work_service_change(call->work, call->arena, &call->actor, &call->caller, &service, &change,
                            &service, err) < 0)
        return -1;
    struct service_view view = view_of(call->arena, &service);
    return api_reply_value(call, &view, err);
}

static int delete_service(struct api_call *call, struct err *err)
{
    struct work_service service;
    int                 found = open_service(call, &service, err);

    if (found < 1)
        return found;
    if (work_service_delete(call->work, &call->actor, &service, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- secrets ------------------------------------------------------------------------------------------ */

static int add_secret(struct api_call *call, struct err *err)
{
    struct create_secret body  = { 0 };
    struct work_secret_new new = { .user_agent = http_header(call->req, "User-Agent") };
    struct work_service    service;
    struct meta_credential row;
    char                  *secret = secret_alloc(call->arena, AUTH_SECRET_MAX);
    int                    found  = open_service(call, &service, err);

    if (found < 1)
        return found;
    if (api_body(call, &body, err) < 0 ||
        api_time_read("expiresAt", body.expires_at, &new.expires_at, err) < 0)
        return -1;
    new.slot = body.slot;
    if (work_service_rotate(call->work, call->arena, &call->actor, &call->caller, &service, &new,
                            secret, &row, err) < 0)
        return -1;

    struct secret_view view = secret_of(call->arena, &row);
    view.secret             = str_from(secret);
    return api_reply_value(call, &view, err);
}

static int delete_secret(struct api_call *call, struct err *err)
{
    struct work_service service;
    int64_t             slot;
    int                 found = open_service(call, &service, err);

    if (found < 1)
        return found;
    if (!str_to_int(api_hole(call, "slot"), &slot))
        slot = 0; /* what is no number is no slot either */
    if (work_service_drop_secret(call->work, &call->actor, &service, slot, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "prefix",    "string",  "those that act at and below it; the account's namespace when absent" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

static const int denied[]   = { 403, 404, 0 };
static const int conflict[] = { 403, 404, 409, 0 };

#define SERVICES "/api/v1/accounts/{account}/services"
#define SERVICE SERVICES "/{service}"

const struct api_route api_v1_service_routes[] = {
    { .name = "services.list",   .method = HTTP_GET,    .path = SERVICES,
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = list_services,
      .says = "The service accounts of a user or an organisation", .gives = &service_table, .list = "", .query = list_params,
      .also = denied },
    { .name = "services.create", .method = HTTP_POST,   .path = SERVICES,
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = create_service, .changes = true,
      .says = "Make a service account; its first secret is in this answer and never again",
      .body = HTTP_BODY_WHOLE,   .limit = API_BODY_MAX, .takes = &create_table, .gives = &service_table, .status = 201,
      .also = conflict },
    { .name = "services.get",    .method = HTTP_GET,    .path = SERVICE,
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = get_service,
      .says = "A service account, by its label or name", .gives = &service_table, .also = denied },
    { .name = "services.change", .method = HTTP_PATCH,  .path = SERVICE,
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = change_service, .changes = true,
      .says = "Describe a service account, switch it off and on, or adopt it: its rights are bounded by the caller's from then on",
      .body = HTTP_BODY_WHOLE,   .limit = API_BODY_MAX, .takes = &change_table, .gives = &service_table, .also = denied },
    { .name = "services.delete", .method = HTTP_DELETE, .path = SERVICE,
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = delete_service, .changes = true,
      .says = "Delete a service account with its secrets and grants", .also = denied },
    { .name = "services.rotate", .method = HTTP_POST,   .path = SERVICE "/secrets",
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = add_secret, .changes = true,
      .says = "A new secret, in the free slot, in the slot named, or in place of the older of two; it is in this answer and never again",
      .body = HTTP_BODY_WHOLE,   .limit = API_BODY_MAX, .takes = &create_secret_table, .gives = &secret_table, .status = 201,
      .also = denied },
    { .name = "services.secret_delete", .method = HTTP_DELETE, .path = SERVICE "/secrets/{slot}",
      .may  = API_MAY_SEE_ACCOUNT, .family = API_OURS,  .run = delete_secret, .changes = true,
      .says = "Delete a secret; what was bought with it is void", .also = denied },
    { 0 },
};
/* clang-format on */
