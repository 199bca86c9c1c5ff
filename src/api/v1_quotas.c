/* api/v1_quotas.c: quotas of bytes and tags at a prefix and below: set by system admins, seen by whoever manages the
 * place. A refused push says what this shows. */
#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/quota.h"

enum { CHUNK = 200 };

struct quota {
    struct str path;
    bool       has_bytes;
    int64_t    bytes;
    bool       has_tags;
    int64_t    tags;
    int64_t    warn_percent;
    int64_t    used_bytes;
    int64_t    used_tags;
    bool       is_counted;
    bool       is_near;
    bool       is_refusing;
    struct str created_at;
    struct str changed_at;
};

struct bound {
    bool       is_bound;
    struct str quota;
    int64_t    limit;
    int64_t    used;
    int64_t    left;
};

struct effective {
    struct str       path;
    struct bound     bytes;
    struct bound     tags;
    struct json_list quotas;
};

struct usage {
    struct str path;
    int64_t    bytes;
    int64_t    tags;
};

struct form {
    struct str path;
    bool       has_bytes;
    int64_t    bytes;
    bool       has_tags;
    int64_t    tags;
    bool       has_percent;
    int64_t    warn_percent;
};

/* clang-format off */
static const struct json_field quota_fields[] = {
    { .name = "path",        .kind = JSON_STRING,  .offset = JSON_AT(struct quota, path, struct str) },
    { .name = "bytes",       .kind = JSON_INTEGER, .offset = JSON_AT(struct quota, bytes, int64_t),
      .has_offset = JSON_AT(struct quota, has_bytes, bool) },
    { .name = "tags",        .kind = JSON_INTEGER, .offset = JSON_AT(struct quota, tags, int64_t),
      .has_offset = JSON_AT(struct quota, has_tags, bool) },
    { .name = "warnPercent", .kind = JSON_INTEGER, .offset = JSON_AT(struct quota, warn_percent, int64_t) },
    { .name = "usedBytes",   .kind = JSON_INTEGER, .offset = JSON_AT(struct quota, used_bytes, int64_t) },
    { .name = "usedTags",    .kind = JSON_INTEGER, .offset = JSON_AT(struct quota, used_tags, int64_t) },
    { .name = "isCounted",   .kind = JSON_BOOL,    .offset = JSON_AT(struct quota, is_counted, bool) },
    { .name = "isNear",      .kind = JSON_BOOL,    .offset = JSON_AT(struct quota, is_near, bool) },
    { .name = "isRefusing",  .kind = JSON_BOOL,    .offset = JSON_AT(struct quota, is_refusing, bool) },
    { .name = "createdAt",   .kind = JSON_STRING,  .offset = JSON_AT(struct quota, created_at, struct str) },
    { .name = "changedAt",   .kind = JSON_STRING,  .offset = JSON_AT(struct quota, changed_at, struct str) },
};
static const struct json_table quota_table = {
    .name = "Quota", .size = sizeof(struct quota), .fields = quota_fields, .n_fields = ARRAY_LEN(quota_fields),
};

static const struct json_field bound_fields[] = {
    { .name = "quota", .kind = JSON_STRING,  .offset = JSON_AT(struct bound, quota, struct str) },
    { .name = "limit", .kind = JSON_INTEGER, .offset = JSON_AT(struct bound, limit, int64_t) },
    { .name = "used",  .kind = JSON_INTEGER, .offset = JSON_AT(struct bound, used, int64_t) },
    { .name = "left",  .kind = JSON_INTEGER, .offset = JSON_AT(struct bound, left, int64_t) },
};
static const struct json_table bound_table = {
    .name = "QuotaBound", .size = sizeof(struct bound), .fields = bound_fields, .n_fields = ARRAY_LEN(bound_fields),
};

static const struct json_field effective_fields[] = {
    { .name = "path",   .kind = JSON_STRING, .offset = JSON_AT(struct effective, path, struct str) },
    { .name = "bytes",  .kind = JSON_OBJECT, .offset = JSON_AT(struct effective, bytes, struct bound), .table = &bound_table,
      .has_offset = JSON_AT(struct effective, bytes.is_bound, bool) },
    { .name = "tags",   .kind = JSON_OBJECT, .offset = JSON_AT(struct effective, tags, struct bound), .table = &bound_table,
      .has_offset = JSON_AT(struct effective, tags.is_bound, bool) },
    { .name = "quotas", .kind = JSON_LIST,   .offset = JSON_AT(struct effective, quotas, struct json_list), .table = &quota_table },
};
static const struct json_table effective_table = {
    .name = "EffectiveQuota", .size = sizeof(struct effective), .fields = effective_fields, .n_fields = ARRAY_LEN(effective_fields),
};

static const struct json_field usage_fields[] = {
    { .name = "path",  .kind = JSON_STRING,  .offset = JSON_AT(struct usage, path, struct str) },
    { .name = "bytes", .kind = JSON_INTEGER, .offset = JSON_AT(struct usage, bytes, int64_t) },
    { .name = "tags",  .kind = JSON_INTEGER, .offset = JSON_AT(struct usage, tags, int64_t) },
};
static const struct json_table usage_table = {
    .name = "QuotaUsage", .size = sizeof(struct usage), .fields = usage_fields, .n_fields = ARRAY_LEN(usage_fields),
};

static const struct json_field form_fields[] = {
    { .name = "path",        .kind = JSON_STRING,  .offset = JSON_AT(struct form, path, struct str), .flags = JSON_REQUIRED },
    { .name = "bytes",       .kind = JSON_INTEGER, .offset = JSON_AT(struct form, bytes, int64_t),
      .has_offset = JSON_AT(struct form, has_bytes, bool) },
    { .name = "tags",        .kind = JSON_INTEGER, .offset = JSON_AT(struct form, tags, int64_t),
      .has_offset = JSON_AT(struct form, has_tags, bool) },
    { .name = "warnPercent", .kind = JSON_INTEGER, .offset = JSON_AT(struct form, warn_percent, int64_t),
      .has_offset = JSON_AT(struct form, has_percent, bool) },
};
static const struct json_table form_table = {
    .name = "PutQuota", .size = sizeof(struct form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};
/* clang-format on */

static struct quota quota_of(struct arena *arena, const struct meta_quota *row)
{
    return (struct quota){
        .path         = row->path,
        .has_bytes    = row->limit.bytes != META_QUOTA_NONE,
        .bytes        = row->limit.bytes,
        .has_tags     = row->limit.tags != META_QUOTA_NONE,
        .tags         = row->limit.tags,
        .warn_percent = row->warn_percent,
        .used_bytes   = row->used.bytes,
        .used_tags    = row->used.tags,
        .is_counted   = row->is_counted != 0,
        .is_near      = row->is_counted != 0 && work_quota_is_near(row),
        .is_refusing  = row->refused.bytes != META_QUOTA_NONE,
        .created_at   = api_time(arena, row->created_at),
        .changed_at   = api_time(arena, row->changed_at),
    };
}

/* -- who may ------------------------------------------------------------------------------------------ */

static int check_path(const char *field, struct str path, struct err *err)
{
    if (oci_prefix_check(path, err) == 0)
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                        "%s: is a namespace, a prefix below one, or empty for the registry", field);
}

/* A quota may be seen by who manages its place. 1, 0 it is answered, -1. */
static int may_see(struct api_call *call, struct str path, struct err *err)
{
    struct auth_repo  ignored_place; /* seeing changes nothing there */
    enum auth_verdict verdict;

    call->path = path;
    if (auth_prefix_open(call->auth, call->arena, &call->caller, path, AUTH_MANAGE, &ignored_place,
                         &verdict, err) < 0) {
        if (err->kind == ERR_INVALID)
            err->code = "INVALID_PARAMETERS";
        return -1;
    }
    if (verdict != AUTH_YES)
        api_deny(call, verdict, "manage");
    return verdict == AUTH_YES;
}

/* The path of the query; 1, 0 it is answered, -1. */
static int open_path(struct api_call *call, struct str *out, struct err *err)
{
    if (api_query(call, "path", "INVALID_PARAMETERS", out, err) < 0)
        return -1;
    if (out->p == NULL)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("path"),
                            "the query must say path");
    return may_see(call, *out, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int put_quota(struct api_call *call, struct err *err)
{
    struct form       form = { 0 };
    struct meta_quota row;
    bool              ignored_is_new; /* a PUT is answered alike */

    if (api_body(call, &form, err) < 0 || check_path("path", form.path, err) < 0)
        return -1;
    struct meta_quota wanted = {
        .path  = form.path,
        .limit = { form.has_bytes ? form.bytes : META_QUOTA_NONE,
                   form.has_tags ? form.tags : META_QUOTA_NONE },
        .warn_percent = form.has_percent ? form.warn_percent : WORK_QUOTA_WARN,
    };
    if ((form.has_bytes && form.bytes < 0) || (form.has_tags && form.tags < 0))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS",
                            form.has_bytes && form.bytes < 0 ? STR("bytes") : STR("tags"),
                            "a limit is not negative");
    if (work_quota_put(call->work, call->arena, &call->actor, &wanted, &row, &ignored_is_new, err) <
        0)
        return -1;
    struct quota quota = quota_of(call->arena, &row);
    return api_reply_value(call, &quota, err);
}

static int delete_quota(struct api_call *call, struct err *err)
{
    struct str path;

    if (api_query(call, "path", "INVALID_PARAMETERS", &path, err) < 0)
        return -1;
    if (path.p == NULL || check_path("path", path, err) < 0)
        return path.p != NULL ? -1
                              : err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("path"),
                                             "the query must say path");
    if (work_quota_remove(call->work, &call->actor, path, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* The one of several that leaves least. */
static void tighten(struct bound *bound, struct str path, int64_t limit, int64_t used)
{
    int64_t left = limit - (used > 0 ? used : 0);

    if (limit == META_QUOTA_NONE || (bound->is_bound && bound->left <= left))
        return;
    *bound = (struct bound){
        .is_bound = true, .quota = path, .limit = limit, .used = used, .left = left
    };
}

static int get_effective(struct api_call *call, struct err *err)
{
    struct effective   effective = { 0 };
    struct meta_quota *rows;
    size_t             n;
    int                may = open_path(call, &effective.path, err);

    if (may < 1)
        return may;
    if (work_quota_over(call->work, call->arena, effective.path, &rows, &n, err) < 0)
        return -1;
    struct quota *quotas = mem_array(call->arena, n + 1, sizeof(*quotas));
    for (size_t i = 0; i < n; i++) {
        quotas[i] = quota_of(call->arena, &rows[i]);
        tighten(&effective.bytes, rows[i].path, rows[i].limit.bytes, rows[i].used.bytes);
        tighten(&effective.tags, rows[i].path, rows[i].limit.tags, rows[i].used.tags);
    }
    effective.quotas = (struct json_list){ .items = quotas, .n = n };
    return api_reply_value(call, &effective, err);
}

static int get_usage(struct api_call *call, struct err *err)
{
    struct usage          usage = { 0 };
    struct meta_quota_sum sum;
    int                   may = open_path(call, &usage.path, err);

    if (may < 1)
        return may;
    if (work_quota_usage(call->work, usage.path, &sum, err) < 0)
        return -1;
    usage.bytes = sum.bytes;
    usage.tags  = sum.tags;
    return api_reply_value(call, &usage, err);
}

/* -- the list ----------------------------------------------------------------------------------------- */

/* Unasked, system admins get all there are and others those of their own namespace. */
static int read_prefix(struct api_call *call, struct str *out, struct err *err)
{
    enum auth_verdict verdict;

    if (api_query(call, "prefix", "INVALID_PARAMETERS", out, err) < 0)
        return -1;
    if (out->p == NULL) {
        if (auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
            return -1;
        *out = verdict == AUTH_YES ? STR("") : call->actor.name;
    }
    return may_see(call, *out, err);
}

/* Chunk by chunk; *out_next: the path after which the next page begins, the null view for none. */
static int write_quotas(struct api_call *call, struct str prefix, struct str after, size_t size,
                        struct api_list *list, struct str *out_next, struct err *err)
{
    size_t n, wanted;

    *out_next = STR_NULL;
    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_quota             *rows;

        wanted = size < CHUNK ? size + 1 : CHUNK;
        if (work_quota_page(call->work, arena, prefix, after, wanted, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++, size--) {
            struct json_write *w = api_list_item(list, err);
            struct quota       quota;

            if (size == 0) {
                *out_next = after;
                return 0;
            }
            if (w == NULL)
                return -1;
            quota = quota_of(arena, &rows[i]);
            json_write_table(w, &quota_table, &quota);
            after = str_copy(call->arena, rows[i].path);
        }
    } while (n == wanted);
    return 0;
}

static int list_quotas(struct api_call *call, struct err *err)
{
    struct api_paging paging;
    struct str        prefix, next;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    int may = read_prefix(call, &prefix, err);
    if (may < 1)
        return may;

    struct api_list *list = api_list_begin(call, "quotas");
    if (write_quotas(call, prefix, paging.start, paging.size, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "prefix",    "string",  "at that prefix and below; empty for the whole registry" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

static const struct api_param path_params[] = {
    { "path", "string", "a namespace, a prefix below one or a repository; empty for the whole registry", .is_required = true },
    { 0 },
};

static const int conflicts[] = { 404, 0 };

const struct api_route api_v1_quota_routes[] = {
    { .name = "quota.list",      .method = HTTP_GET,    .path = "/api/v1/quotas",
      .may = API_MAY_USER, .family = API_OURS, .says = "Quotas at a prefix and below; without one all of them, or those of the caller's namespace",
      .gives = &quota_table, .list = "quotas", .query = list_params,
      .run = list_quotas },
    { .name = "quota.put",       .method = HTTP_PUT,    .path = "/api/v1/quotas",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Set the limits of a path and all below it; what is kept there already counts", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &quota_table,
      .run = put_quota },
    { .name = "quota.effective", .method = HTTP_GET,    .path = "/api/v1/quotas/effective",
      .may = API_MAY_USER, .family = API_OURS, .says = "What holds at a path: every quota over it from the registry down, and which leaves least",
      .gives = &effective_table, .query = path_params,
      .run = get_effective },
    { .name = "quota.usage",     .method = HTTP_GET,    .path = "/api/v1/quotas/usage",
      .may = API_MAY_USER, .family = API_OURS, .says = "What a quota of that path would count, added up now",
      .gives = &usage_table, .query = path_params,
      .run = get_usage },
    { .name = "quota.delete",    .method = HTTP_DELETE, .path = "/api/v1/quotas",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Take the quota of a path away", .changes = true, .also = conflicts,
      .query = path_params,
      .run = delete_quota },
    { 0 },
};
/* clang-format on */
