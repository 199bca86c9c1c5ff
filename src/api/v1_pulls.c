/* api/v1_pulls.c: who pulled what, and where pulls are counted at all. Rules about the latter stand at prefixes, in the
 * hands of those who manage what lies there; who pulled is for those who may audit a repository. */
#include <string.h>

#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "meta/pull.h"
#include "oci/digest.h"
#include "work/pulls.h"

#define DAY_US (INT64_C(86400) * 1000000)

enum { CHUNK = 500 };

struct rule {
    struct str prefix;
    bool       is_counted;
};

struct pull {
    struct str account;
    struct str network;
    struct str day;
    int64_t    n;
    struct str last_at;
};

/* clang-format off */
static const struct json_field rule_fields[] = {
    { .name = "counted", .kind = JSON_BOOL,   .offset = JSON_AT(struct rule, is_counted, bool), .flags = JSON_REQUIRED },
    { .name = "prefix",  .kind = JSON_STRING, .offset = JSON_AT(struct rule, prefix, struct str), .flags = JSON_REQUIRED },
};
static const struct json_table rule_table = {
    .name = "PullRule", .size = sizeof(struct rule), .fields = rule_fields, .n_fields = ARRAY_LEN(rule_fields),
};

static const struct json_field pull_fields[] = {
    { .name = "account", .kind = JSON_STRING,  .offset = JSON_AT(struct pull, account, struct str), .flags = JSON_OMIT },
    { .name = "count",   .kind = JSON_INTEGER, .offset = JSON_AT(struct pull, n, int64_t) },
    { .name = "day",     .kind = JSON_STRING,  .offset = JSON_AT(struct pull, day, struct str) },
    { .name = "lastAt",  .kind = JSON_STRING,  .offset = JSON_AT(struct pull, last_at, struct str) },
    { .name = "network", .kind = JSON_STRING,  .offset = JSON_AT(struct pull, network, struct str) },
};
static const struct json_table pull_table = {
    .name = "Pull", .size = sizeof(struct pull), .fields = pull_fields, .n_fields = ARRAY_LEN(pull_fields),
};
/* clang-format on */

/* -- rules -------------------------------------------------------------------------------------------- */

/* 1, 0 it is answered, -1. */
static int open_prefix(struct api_call *call, struct str prefix, struct err *err)
{
    enum auth_verdict verdict;
    struct auth_repo  ignored_place; /* that it is the caller's to manage is all that it takes */

    if (auth_prefix_open(call->auth, call->arena, &call->caller, prefix, AUTH_MANAGE,
                         &ignored_place, &verdict, err) < 0) {
        if (err->kind == ERR_INVALID) {
            err->code = "INVALID_PARAMETERS";
            return err_wrap(err, "prefix");
        }
        return -1;
    }
    call->path = prefix;
    if (verdict != AUTH_YES)
        api_deny(call, verdict, "manage");
    return verdict == AUTH_YES;
}

static int read_prefix(struct api_call *call, struct str *out, struct err *err)
{
    if (api_query(call, "prefix", "INVALID_PARAMETERS", out, err) < 0)
        return -1;
    if (out->p == NULL)
        *out = STR("");
    return open_prefix(call, *out, err);
}

static int list_rules(struct api_call *call, struct err *err)
{
    struct meta_pull_rule *rules;
    struct str             prefix;
    size_t                 n;
    int                    may = read_prefix(call, &prefix, err);

    if (may < 1)
        return may;
    if (work_pull_rule_list(call->work, call->arena, prefix, &rules, &n, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, "rules");
    for (size_t i = 0; i < n; i++) {
        struct json_write *w    = api_list_item(list, err);
        struct rule        rule = { rules[i].path, rules[i].is_counted != 0 };

        if (w == NULL)
            return -1;
        json_write_table(w, &rule_table, &rule);
    }
    return api_list_reply(list, err);
}

static int put_rule(struct api_call *call, struct err *err)
{
    struct rule rule = { 0 };

    if (api_body(call, &rule, err) < 0)
        return -1;
    int may = open_prefix(call, rule.prefix, err);
    if (may < 1)
        return may;
    if (work_pull_rule_put(call->work, &call->actor, rule.prefix, rule.is_counted, err) < 0)
        return -1;
    return api_reply_value(call, &rule, err);
}

static int delete_rule(struct api_call *call, struct err *err)
{
    struct str prefix;
    int        may = read_prefix(call, &prefix, err);

    if (may < 1)
        return may;
    if (work_pull_rule_remove(call->work, &call->actor, prefix, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- who pulled --------------------------------------------------------------------------------------- */

static int write_day(struct api_list *list, const struct meta_pull_day *row, struct err *err)
{
    struct json_write *w = api_list_item(list, err);
    char               last[TEXT_TIME_MAX], day[TEXT_TIME_MAX];

    if (w == NULL)
        return -1;
    text_time_print(row->last_at, last);
    text_time_print(row->day * DAY_US, day);
    struct pull pull = { .account = row->account,
                         .network = row->network,
                         .day     = str_sub(str_from(day), 0, strlen("2026-01-01")),
                         .n       = row->n,
                         .last_at = str_from(last) };
    json_write_table(w, &pull_table, &pull);
    return 0;
}

/* "day.account.network" of the last row of the page before. */
static int read_after(struct str start, struct meta_pull_day *out, struct err *err)
{
    struct str rest = start, day, account;

    if (!str_next(&rest, '.', &day) || !str_next(&rest, '.', &account) ||
        !str_to_int(day, &out->day) || !str_to_int(account, &out->account_id))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", start,
                            "pageStart is not the start of a page of this list");
    out->network = rest;
    return 0;
}

static struct str print_after(struct arena *arena, const struct meta_pull_day *row)
{
    return str_from(mem_printf(arena, "%lld.%lld." STR_FMT, (long long)row->day,
                               (long long)row->account_id, STR_ARGS(row->network)));
}

static int read_digest(struct api_call *call, struct oci_digest *out, struct err *err)
{
    struct str text;

    if (api_query_needed(call, "digest", &text, err) < 0)
        return -1;
    if (oci_digest_parse(text, out, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "digest");
    }
    return 0;
}

static int list_pulls(struct api_call *call, struct err *err)
{
    struct api_paging     paging;
    struct oci_digest     digest;
    struct meta_pull_day  after = { 0 }, *rows;
    struct meta_pull_day *from  = NULL;
    struct api_list      *list;
    size_t                n = CHUNK, shown = 0;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0 ||
        read_digest(call, &digest, err) < 0)
        return -1;
    if (paging.start.p != NULL) {
        if (read_after(paging.start, &after, err) < 0)
            return -1;
        from = &after;
    }
    list = api_list_begin(call, "pulls");
    while (n == CHUNK && shown <= paging.size) {
        if (work_pull_days(call->work, call->arena, call->repo.id, oci_digest_str(&digest), from,
                           CHUNK, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n && shown <= paging.size; i++) {
            if (shown++ == paging.size)
                continue;
            if (write_day(list, &rows[i], err) < 0)
                return -1;
            after = rows[i];
            from  = &after;
        }
    }
    if (api_list_reply(list, err) < 0)
        return -1;
    if (shown > paging.size)
        api_reply_next_start(call, print_after(call->arena, &after));
    return 0;
}

/* clang-format off */
static const struct api_param prefix_params[] = {
    { "prefix", "string", "a namespace or what lies below it; absent or empty is the whole registry" },
    { 0 },
};
static const struct api_param pulls_params[] = {
    { "digest",    "string",  "of a manifest", true },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

const struct api_route api_v1_pulls_routes[] = {
    { .name = "pull_rule.list",   .method = HTTP_GET,    .path = "/api/v1/pull-rules",
      .may = API_MAY_USER, .family = API_OURS, .says = "Where pulls are counted and where not: rules at, above and below a prefix",
      .gives = &rule_table, .list = "rules", .query = prefix_params,
      .run = list_rules },
    { .name = "pull_rule.put",    .method = HTTP_PUT,    .path = "/api/v1/pull-rules",
      .may = API_MAY_USER, .family = API_OURS, .says = "Count pulls at a prefix and below it, or do not", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &rule_table, .gives = &rule_table,
      .run = put_rule },
    { .name = "pull_rule.delete", .method = HTTP_DELETE, .path = "/api/v1/pull-rules",
      .may = API_MAY_USER, .family = API_OURS, .says = "Remove the rule at a prefix: what stands above it decides", .changes = true,
      .query = prefix_params,
      .run = delete_rule },
    { .name = "repository.pulls", .method = HTTP_GET,    .path = "/api/v1/repositories/{namespace}/{name...}/pulls",
      .may = API_MAY_AUDIT, .family = API_OURS, .says = "Who pulled a manifest from which network, day by day, the last day first",
      .gives = &pull_table, .list = "pulls", .query = pulls_params,
      .run = list_pulls },
    { 0 },
};
/* clang-format on */
