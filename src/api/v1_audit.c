/* api/v1_audit.c: the audit log. System admins read all of it; whoever holds the `audit` verb at a path, as the owners
 * of a namespace do, reads what happened there and below, and with a namespace what was done to its accounts; without
 * a path everyone reads what they did themselves. */
#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/audit.h"

struct record {
    int64_t    id;
    struct str at;
    struct str action;
    struct str outcome;
    struct str reason;
    struct str actor_kind;
    struct str account;
    struct str credential;
    struct str address;
    struct str request;
    struct str path;
    struct str object_kind;
    struct str object;
    struct str digest;
    struct str old_digest;
    struct str target;
    struct str before;
    struct str after;
};

/* clang-format off */
static const struct json_field record_fields[] = {
    { .name = "id",         .kind = JSON_INTEGER, .offset = JSON_AT(struct record, id, int64_t) },
    { .name = "at",         .kind = JSON_STRING,  .offset = JSON_AT(struct record, at, struct str) },
    { .name = "action",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, action, struct str) },
    { .name = "outcome",    .kind = JSON_STRING,  .offset = JSON_AT(struct record, outcome, struct str) },
    { .name = "reason",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, reason, struct str),      .flags = JSON_OMIT },
    { .name = "actorKind",  .kind = JSON_STRING,  .offset = JSON_AT(struct record, actor_kind, struct str) },
    { .name = "account",    .kind = JSON_STRING,  .offset = JSON_AT(struct record, account, struct str),     .flags = JSON_OMIT },
    { .name = "credential", .kind = JSON_STRING,  .offset = JSON_AT(struct record, credential, struct str),  .flags = JSON_OMIT },
    { .name = "address",    .kind = JSON_STRING,  .offset = JSON_AT(struct record, address, struct str),     .flags = JSON_OMIT },
    { .name = "request",    .kind = JSON_STRING,  .offset = JSON_AT(struct record, request, struct str),     .flags = JSON_OMIT },
    { .name = "path",       .kind = JSON_STRING,  .offset = JSON_AT(struct record, path, struct str),        .flags = JSON_OMIT },
    { .name = "objectKind", .kind = JSON_STRING,  .offset = JSON_AT(struct record, object_kind, struct str) },
    { .name = "object",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, object, struct str),      .flags = JSON_OMIT },
    { .name = "digest",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, digest, struct str),      .flags = JSON_OMIT },
    { .name = "oldDigest",  .kind = JSON_STRING,  .offset = JSON_AT(struct record, old_digest, struct str),  .flags = JSON_OMIT },
    { .name = "target",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, target, struct str),      .flags = JSON_OMIT },
    { .name = "before",     .kind = JSON_STRING,  .offset = JSON_AT(struct record, before, struct str),      .flags = JSON_OMIT },
    { .name = "after",      .kind = JSON_STRING,  .offset = JSON_AT(struct record, after, struct str),       .flags = JSON_OMIT },
};
static const struct json_table record_table = {
    .name = "AuditRecord", .size = sizeof(struct record), .fields = record_fields, .n_fields = ARRAY_LEN(record_fields),
};
/* clang-format on */

/* -- the question ------------------------------------------------------------------------------------- */

static int bad(const char *field, struct str value, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", value, "%s %s", field, rule);
}

static int read_time(struct api_call *call, const char *name, int64_t otherwise, int64_t *out,
                     struct err *err)
{
    struct str value;

    *out = otherwise;
    if (api_query_word(call, name, &value, err) < 0)
        return -1;
    if (value.p != NULL && text_time_parse(value, out, err) < 0)
        return bad(name, value, "is no time as in 2026-08-21T10:00:00Z", err);
    return 0;
}

static int read_filter(struct api_call *call, struct meta_audit_filter *out, struct err *err)
{
    struct meta_audit_filter filter = { 0 };

    if (api_query_word(call, "account", &filter.account, err) < 0 ||
        api_query_word(call, "action", &filter.action, err) < 0 ||
        api_query_word(call, "outcome", &filter.outcome, err) < 0 ||
        api_query_word(call, "path", &filter.path, err) < 0 ||
        api_query_word(call, "request", &filter.request, err) < 0 ||
        api_query_word(call, "address", &filter.address, err) < 0 ||
        read_time(call, "from", 0, &filter.from, err) < 0 ||
        read_time(call, "to", INT64_MAX, &filter.to, err) < 0)
        return -1;
    if (filter.outcome.p != NULL && !str_is(filter.outcome, "done") &&
        !str_is(filter.outcome, "refused"))
        return bad("outcome", filter.outcome, "is neither done nor refused", err);
    if (filter.path.p != NULL && oci_prefix_check(filter.path, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "path");
    }
    *out = filter;
    return 0;
}

/* Where the page begins: the id of the last record of the one before. */
static int read_under(const struct api_paging *paging, int64_t *out, struct err *err)
{
    *out = 0;
    if (paging->start.p != NULL && (!str_to_int(paging->start, out) || *out < 1))
        return bad("pageStart", paging->start, "is not the start of a page of this list", err);
    return 0;
}

/* -- who may read what -------------------------------------------------------------------------------- */

/* A right on one repository is none on those below its path. */
static int open_path(struct api_call *call, struct work_audit_query *query,
                     enum auth_verdict *verdict, struct err *err)
{
    struct str       path  = query->filter.path;
    struct auth_repo place = { 0 };

    if (auth_prefix_open(call->auth, call->arena, &call->caller, path, AUTH_AUDIT, &place, verdict,
                         err) < 0)
        return -1;
    if (*verdict != AUTH_YES && str_find(path, '/') >= 0 && oci_name_check(path, err) == 0) {
        if (auth_repo_manage(call->auth, call->arena, &call->caller, path, AUTH_AUDIT, &place,
                             verdict, err) < 0)
            return -1;
        query->filter.is_exact = 1;
    }
    query->owner = place.namespace_id;
    return 0;
}

/* 1 go on, 0 it is answered, -1. */
static int admit(struct api_call *call, struct work_audit_query *query, struct err *err)
{
    enum auth_verdict verdict;

    call->path = query->filter.path;
    if (auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_YES)
        return 1;
    if (query->filter.path.p != NULL) {
        if (open_path(call, query, &verdict, err) < 0)
            return -1;
    } else if (!call->caller.is_narrowed) {
        verdict                = AUTH_YES;
        query->filter.actor_id = call->caller.account_id;
        query->filter.account  = str_from(call->caller.name);
    }
    if (verdict != AUTH_YES)
        api_deny(call, verdict, "audit");
    return verdict == AUTH_YES;
}

/* -- the answer --------------------------------------------------------------------------------------- */

static int write_record(void *context, const struct meta_audit_row *row, struct err *err)
{
    struct json_write *w = api_list_item(context, err);
    char               at[TEXT_TIME_MAX];

    if (w == NULL)
        return -1;
    text_time_print(row->at, at);
    struct record record = {
        .id          = row->id,
        .at          = str_from(at),
        .action      = row->action,
        .outcome     = row->outcome,
        .reason      = row->reason,
        .actor_kind  = row->actor_kind,
        .account     = row->actor_name,
        .credential  = row->credential_id,
        .address     = row->address,
        .request     = row->request_id,
        .path        = row->path,
        .object_kind = row->object_kind,
        .object      = row->object_name,
        .digest      = row->digest,
        .old_digest  = row->old_digest,
        .target      = row->target,
        .before      = row->before,
        .after       = row->after,
    };
    json_write_table(w, &record_table, &record);
    return 0;
}

static int list_audit(struct api_call *call, struct err *err)
{
    struct work_audit_query query = { 0 };
    struct api_paging       paging;
    int64_t                 next;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0 ||
        read_under(&paging, &query.under, err) < 0 || read_filter(call, &query.filter, err) < 0)
        return -1;
    int may = admit(call, &query, err);
    if (may < 1)
        return may;

    if (query.filter.path.p != NULL)
        query.filter.namespace = oci_name_namespace(query.filter.path);
    if (query.filter.path.n == query.filter.namespace.n)
        query.filter.path = STR_NULL;

    struct api_list *list = api_list_begin(call, "records");
    if (work_audit_search(call->work, &query, paging.size, write_record, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next > 0)
        api_reply_next_start(call, str_from(mem_printf(call->arena, "%lld", (long long)next)));
    return 0;
}

/* clang-format off */
static const struct api_param audit_params[] = {
    { "account",   "string",  "who did it, or, of a log-in that failed, was to be" },
    { "action",    "string",  "what was done, as in TAG_PUSH; of a refusal the name of the route" },
    { "path",      "string",  "a repository or a prefix of repositories: there and below" },
    { "outcome",   "string",  "done or refused" },
    { "from",      "string",  "a time, RFC 3339: no older records" },
    { "to",        "string",  "a time, RFC 3339: only older records" },
    { "request",   "string",  "the X-Request-Id of an answer" },
    { "address",   "string",  "of the network peer" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

const struct api_route api_v1_audit_routes[] = {
    { .name = "audit.list", .method = HTTP_GET, .path = "/api/v1/audit",
      .may = API_MAY_USER, .family = API_OURS, .says = "The audit log, the newest record first",
      .gives = &record_table, .list = "records", .query = audit_params,
      .run = list_audit },
    { 0 },
};
/* clang-format on */
