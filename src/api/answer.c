/* api/answer.c: the forms of answers, and the translation of verdicts and errors into them. */
#include <stdio.h>
#include <string.h>

#include "api/api_private.h"
#include "api/cookie.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "work/work.h"

enum { ERROR_MAX = 16 * 1024, VALUE_MAX = 4 * 1024 * 1024, RETRY_AFTER_S = 5 };

/* What a registry code is about, as the key of its detail. */
/* clang-format off */
static const struct { const char *code, *key; } detail_keys[] = {
    { "NAME_INVALID",          "name" },
    { "NAME_UNKNOWN",          "name" },
    { "TAG_INVALID",           "tag" },
    { "MANIFEST_UNKNOWN",      "reference" },
    { "MANIFEST_INVALID",      "digest" },
    { "MANIFEST_BLOB_UNKNOWN", "digest" },
    { "BLOB_UNKNOWN",          "digest" },
    { "DIGEST_INVALID",        "digest" },
    { "SIZE_INVALID",          "digest" },
    { "BLOB_UPLOAD_UNKNOWN",   "upload" },
    { "QUOTA_EXCEEDED",        NULL }, /* it is the detail itself, an object */
};
/* clang-format on */

static const char *detail_key(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(detail_keys); i++) {
        if (strcmp(code, detail_keys[i].code) == 0)
            return detail_keys[i].key;
    }
    return "about";
}

/* Where a path belongs that no row knows. */
static enum api_family family_of(const struct api_call *call)
{
    static const struct {
        const char     *begin;
        enum api_family family;
    } bases[] = {
        { "/v2", API_V2 },
        { "/api/v0", API_DTR },
        { "/enzi/v0", API_DTR },
        { "/api/v1", API_OURS },
    };

    if (call->route != NULL)
        return call->route->family;
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        if (str_starts(http_path(call->req), str_from(bases[i].begin)))
            return bases[i].family;
    }
    return API_MANAGEMENT;
}

/* The management APIs have words of their own for what the distribution API calls otherwise. */
static const char *managed_code(const char *code)
{
    /* clang-format off */
    static const struct { const char *from, *to; } words[] = {
        { "UNAUTHORIZED",    "NOT_AUTHENTICATED" },
        { "DENIED",          "NOT_AUTHORIZED" },
        { "UNSUPPORTED",     "NOT_ALLOWED" },
        { "INVALID",         "INVALID_PARAMETERS" },
        { "NAME_INVALID",    "INVALID_PARAMETERS" },
        { "NAME_UNKNOWN",    "NO_SUCH_REPOSITORY" },
        { "SIZE_INVALID",    "REQUEST_TOO_LARGE" },
        { "TOOMANYREQUESTS", "TOO_MANY_REQUESTS" },
        { "UNKNOWN",         "INTERNAL_ERROR" },
    };
    /* clang-format on */

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(code, words[i].from) == 0)
            return words[i].to;
    }
    return code;
}

/* Begun ones count. */
static int64_t seconds_of(int64_t time_us)
{
    return (time_us + 999999) / 1000000;
}

/* The nearest of the limits that hold for the request, so that a client can slow down before it must. */
static void tell_limit(struct api_call *call)
{
    const struct auth_rate *rate = &call->rate;

    if (rate->limit == 0)
        return;
    http_reply_headerf(call->req, "RateLimit-Limit", "%lld", (long long)rate->limit);
    http_reply_headerf(call->req, "RateLimit-Remaining", "%lld", (long long)rate->remaining);
    http_reply_headerf(call->req, "RateLimit-Reset", "%lld", (long long)seconds_of(rate->reset_us));
    http_reply_headerf(call->req, "RateLimit-Policy", "%lld;w=60;comment=\"%s\"",
                       (long long)rate->limit, rate->what);
}

/* RFC 7234 5.5: 299, a warning that is there to stay. Names of a stranger's making are escaped and cut. */
static void warn_of_ignored(struct api_call *call)
{
    struct buf text;

    if (call->ignored.n == 0)
        return;
    buf_init(&text, call->arena, 8192);
    buf_text(&text, "299 assay \"ignored in the body: ");
    for (size_t i = 0; i < call->ignored.n && i < JSON_IGNORED_MAX; i++) {
        if (i > 0)
            buf_text(&text, ", ");
        text_quoted_escape(&text, call->ignored.paths[i]);
    }
    if (call->ignored.n > JSON_IGNORED_MAX)
        buf_text(&text, ", and others");
    buf_char(&text, '"');
    http_reply_header(call->req, "Warning", buf_view(&text));
}

void api_reply_start(struct api_call *call, int status)
{
    api_reply_start_kept(call, status, "private, no-store");
}

void api_reply_start_kept(struct api_call *call, int status, const char *cache)
{
    http_reply(call->req, status);
    http_reply_header(call->req, "X-Request-Id", http_id(call->req));
    http_reply_header(call->req, "X-Content-Type-Options", STR("nosniff"));
    if (family_of(call) == API_V2)
        http_reply_header(call->req, "Docker-Distribution-Api-Version", STR("registry/2.0"));
    http_reply_header(call->req, "Cache-Control", str_from(cache));
    http_reply_header(call->req, "Vary", STR("Authorization, Accept"));
    warn_of_ignored(call);
    tell_limit(call);
    if (call->session.is_renewed && call->caller.is_session)
        api_cookie_set(call, call->session_id);
}

struct str api_time(struct arena *arena, int64_t time_us)
{
    char text[TEXT_TIME_MAX];

    if (time_us == 0)
        return STR("0001-01-01T00:00:00Z");
    text_time_print(time_us, text);
    return str_from(mem_strdup(arena, text));
}

int api_time_read(const char *field, struct str text, int64_t *out_us, struct err *err)
{
    enum { DAY = 10 }; /* "2026-08-21" */
    char whole[TEXT_TIME_MAX];

    if (text.n == 0 || str_is(text, "0001-01-01T00:00:00Z")) {
        *out_us = 0;
        return 0;
    }
    if (text.n == DAY) {
        snprintf(whole, sizeof(whole), STR_FMT "T00:00:00Z", STR_ARGS(text));
        text = str_from(whole);
    }
    if (text_time_parse(text, out_us, err) == 0)
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                        "%s: is not a time such as 2026-08-21T10:00:00Z", field);
}

void api_reply_json(struct api_call *call, int status, struct str json)
{
    api_reply_start(call, status);
    http_reply_header(call->req, "Content-Type", STR("application/json"));
    http_reply_bytes(call->req, json);
}

int api_success_of(const struct api_route *row)
{
    if (row->status != 0)
        return row->status;
    return row->gives == NULL && row->sends == NULL ? 204 : 200;
}

int api_reply_value(struct api_call *call, const void *value, struct err *err)
{
    struct json_write w;
    struct buf        body;
    struct str        text;

    buf_init(&body, call->arena, VALUE_MAX);
    json_write_init(&w, &body);
    json_write_table(&w, call->route->gives, value);
    if (buf_finish(&body, &text, err) < 0)
        return -1;
    api_reply_json(call, api_success_of(call->route), text);
    return 0;
}

void api_reply_done(struct api_call *call)
{
    api_reply_start(call, api_success_of(call->route));
}

static struct str word_error(struct api_call *call, const char *code, const char *message,
                             const char *key, struct str about)
{
    struct json_write w;
    struct buf        body;

    buf_init(&body, call->arena, ERROR_MAX);
    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_key(&w, "errors");
    json_write_list(&w);
    json_write_object(&w);
    json_write_text_at(&w, "code", code);
    json_write_text_at(&w, "message", message);
    if (about.n > 0 && key == NULL) {
        json_write_key(&w, "detail");
        json_write_raw(&w, about);
    } else if (about.n > 0) {
        json_write_key(&w, "detail");
        json_write_object(&w);
        json_write_str_at(&w, key, about);
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    json_write_end(&w);
    return buf_view(&body);
}

static void reply_detail(struct api_call *call, int status, const char *code, const char *message,
                         const char *key, struct str about)
{
    enum api_family family = family_of(call);

    if (family == API_DTR || family == API_OURS)
        code = managed_code(code);
    struct str body = word_error(call, code, message, key, about);

    api_reply_json(call, status, body);
    if (status == 429 || status == 503 || status == 507)
        http_reply_headerf(call->req, "Retry-After", "%lld",
                           call->rate.retry_us > 0 ? (long long)seconds_of(call->rate.retry_us)
                                                   : RETRY_AFTER_S);
}

static void reply_words(struct api_call *call, int status, const char *code, const char *message,
                        struct str about)
{
    reply_detail(call, status, code, message, detail_key(code), about);
}

void api_reply_refusal(struct api_call *call, int status, const char *code, const char *sentence)
{
    /* The distribution API has a closed list of codes; this is its word for what it does not take. */
    if (family_of(call) == API_V2 && strcmp(code, "INVALID") == 0)
        code = "UNSUPPORTED";
    reply_words(call, status, code, sentence, STR_NULL);
}

int api_gone(struct api_call *call, struct err *err)
{
    (void)err;
    api_reply_refusal(call, 404, "GONE", call->route->gone);
    return 0;
}

/* -- challenges --------------------------------------------------------------------------------------- */

static void print_scope(const struct api_call *call, struct buf *out)
{
    struct str  name = call->path;
    const char *word;

    if (call->route->may == API_MAY_CATALOG) {
        buf_text(out, ",scope=\"registry:catalog:*\"");
        return;
    }
    if (name.p == NULL)
        return;
    switch (call->route->may) {
    case API_MAY_PUSH:
        word = "pull,push";
        break;
    case API_MAY_DELETE:
        word = "delete";
        break;
    default:
        word = "pull";
        break;
    }
    buf_text(out, ",scope=\"repository:");
    text_quoted_escape(out, name);
    buf_printf(out, ":%s\"", word);
}

/* A page's own requests: told to use Basic, a browser would ask for a password in a window of its own. */
static bool is_script_of_page(const struct api_call *call)
{
    struct str mode = http_header(call->req, "Sec-Fetch-Mode");

    return mode.p != NULL && !str_is(mode, "navigate");
}

static void reply_challenge(struct api_call *call, const char *error, const char *message)
{
    struct str service;
    struct str url = api_realm_url(call->api->realms, call->arena, call->req, &service);
    struct buf challenge;

    reply_words(call, 401, "UNAUTHORIZED", message, STR_NULL);

    /* Machines of the management side send passwords straight away; the token dance is /v2's. */
    if (family_of(call) != API_V2) {
        http_reply_header(call->req, "WWW-Authenticate",
                          is_script_of_page(call)
                              ? STR("Session realm=\"assay\"")
                              : STR("Basic realm=\"assay\", charset=\"UTF-8\""));
        return;
    }
    buf_init(&challenge, call->arena, 4096);
    buf_text(&challenge, "Bearer realm=\"");
    text_quoted_escape(&challenge, url);
    buf_text(&challenge, "/auth/token\",service=\"");
    text_quoted_escape(&challenge, service);
    buf_char(&challenge, '"');
    print_scope(call, &challenge);
    if (error != NULL)
        buf_printf(&challenge, ",error=\"%s\"", error);
    http_reply_header(call->req, "WWW-Authenticate", buf_view(&challenge));
}

/* Whether it is not there or not theirs to know of is not told apart. */
static void reply_hidden(struct api_call *call)
{
    if (call->path.p != NULL)
        reply_words(call, 404, "NO_SUCH_REPOSITORY", "no such repository", call->path);
    else if (api_hole(call, "account").p != NULL)
        reply_words(call, 404, "NO_SUCH_ACCOUNT", "no such account", api_hole(call, "account"));
    else
        reply_words(call, 404, "NOT_FOUND", "no such thing", STR_NULL);
}

static void reply_too_few(struct api_call *call)
{
    const char *message =
        mem_printf(call->arena, "the credentials do not give the right to do this: %s",
                   call->needs != NULL ? call->needs : api_may_name(call->route->may));

    reply_words(call, 403, "DENIED", message, call->path);
}

void api_reply_verdict(struct api_call *call, enum auth_verdict verdict)
{
    struct str name = call->path;

    switch (verdict) {
    case AUTH_YES:
        break;
    case AUTH_NO_CREDENTIALS:
        reply_challenge(call, call->has_bad_credentials && call->had_token ? "invalid_token" : NULL,
                        call->has_bad_credentials ? "the credentials are not valid"
                                                  : "authentication is required");
        break;
    case AUTH_VOID:
        reply_challenge(call, "invalid_token", "the token is not valid here, get a new one");
        break;
    case AUTH_HIDDEN:
        reply_hidden(call);
        break;
    case AUTH_TOO_FEW:
        if (family_of(call) == API_V2)
            reply_challenge(call, "insufficient_scope",
                            "the credentials do not give the right to do this");
        else
            reply_too_few(call);
        break;
    case AUTH_NO_REPO:
        reply_words(call, 404, "NAME_UNKNOWN", "no such repository", name);
        break;
    case AUTH_NO_NAMESPACE:
        reply_words(call, 404, family_of(call) == API_V2 ? "NAME_UNKNOWN" : "NO_SUCH_ACCOUNT",
                    "no account has the name of this namespace", name);
        break;
    }
}

/* -- errors ------------------------------------------------------------------------------------------- */

/* What a rule of the registry forbids: on /v2 a denial that names the rule, in words that clients show. */
static bool is_rule(const char *code)
{
    static const char *const codes[] = { "TAG_IMMUTABLE", "HELD", "QUOTA_EXCEEDED" };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (strcmp(code, codes[i]) == 0)
            return true;
    }
    return false;
}

void api_reply_error(struct api_call *call, const struct err *err)
{
    const struct err_kind_info *kind = err_kind_info(err->kind);
    const char *message = kind->is_public ? err->text : "the registry cannot do this now";

    if (kind->is_fault) {
        log_event(LOG_ERROR, NULL, "request.failed",
                  LOG_FIELDS(LOG_S("request", http_id(call->req)), LOG_T("kind", kind->name),
                             LOG_T("route", call->route == NULL ? "none" : call->route->name)),
                  "%s", err->text);
    }
    if (family_of(call) == API_V2 && is_rule(err_code(err)))
        reply_detail(call, 403, "DENIED", message, detail_key(err_code(err)), str_from(err->about));
    else
        reply_words(call, kind->status, err_code(err), message, str_from(err->about));
}

/* -- values of a call --------------------------------------------------------------------------------- */

struct str api_hole(const struct api_call *call, const char *name)
{
    return http_match_hole(&call->match, name);
}

static bool knows_param(const struct api_route *row, struct str name)
{
    for (const struct api_param *param = row->query; param != NULL && param->name != NULL;
         param++) {
        if (str_is(name, param->name))
            return true;
    }
    return false;
}

/* In our own API a filter that is misspelt must not widen what is asked for. */
/* Fields that would choose, cut or sort what a list holds. Where a list does not offer one, passing over it would
 * give its client another list than it asked for. */
static bool is_choice(struct str name)
{
    static const char *const words[] = { "q",       "query",   "filter",  "filters",
                                         "search",  "where",   "sort",    "sortBy",
                                         "sort_by", "order",   "orderBy", "order_by",
                                         "fields",  "include", "expand",  "embed" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(name, words[i]))
            return true;
    }
    return false;
}

/* In our own API a filter that is misspelt must not widen what is asked for. DTR's routes pass over
 * other fields, as they always did, unless those choose among the rows of a list. */
static int refuse_unknown(const struct api_call *call, struct err *err)
{
    const struct api_route *row = call->route;

    for (size_t i = 0; api_is_managed(row) && i < call->query.n; i++) {
        struct str name = call->query.fields[i].name;

        if (knows_param(row, name))
            continue;
        if (row->family == API_OURS || (row->list != NULL && is_choice(name)))
            return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", name,
                                "the query has no field " STR_FMT, STR_ARGS(name));
    }
    return 0;
}

static int read_query(struct api_call *call, struct err *err)
{
    if (call->has_query)
        return 0;
    if (text_fields_parse(call->arena, http_query(call->req), &call->query, err) < 0 ||
        refuse_unknown(call, err) < 0)
        return -1;
    call->has_query = true;
    return 0;
}

int api_query(struct api_call *call, const char *name, const char *code, struct str *out,
              struct err *err)
{
    if (read_query(call, err) == 0 && text_fields_one(&call->query, name, out, err) == 0)
        return 0;
    err->code = code;
    return -1;
}

int api_query_needed(struct api_call *call, const char *name, struct str *out, struct err *err)
{
    if (api_query(call, name, "INVALID_PARAMETERS", out, err) < 0)
        return -1;
    if (out->n == 0)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(name),
                            "the query must say %s", name);
    return 0;
}

int api_query_all(struct api_call *call, const char *name, size_t n_max, struct str *out,
                  size_t *n_out, struct err *err)
{
    size_t n = 0;

    if (read_query(call, err) < 0)
        return -1;
    for (size_t i = 0; i < call->query.n; i++) {
        if (!str_is(call->query.fields[i].name, name))
            continue;
        if (n == n_max)
            return err_set(err, ERR_INVALID, "more than %zu fields `%s`", n_max, name);
        out[n++] = call->query.fields[i].value;
    }
    *n_out = n;
    return 0;
}

int api_page(struct api_call *call, size_t *out_n, struct str *out_last, struct err *err)
{
    static const char code[] = "PAGINATION_NUMBER_INVALID";
    struct str        text;
    int64_t           n;

    if (api_query(call, "n", code, &text, err) < 0 ||
        api_query(call, "last", code, out_last, err) < 0)
        return -1;
    if (text.p == NULL) {
        *out_n = WORK_PAGE_MAX;
        return 0;
    }
    if (text.n > 19)
        return err_set_code(err, ERR_INVALID, code, text, "n has more than 19 digits");

    /* Nineteen nines do not fit 63 bits, and are simply a lot. */
    bool is_number = text.n > 0;
    for (size_t i = 0; i < text.n; i++)
        is_number &= text.p[i] >= '0' && text.p[i] <= '9';
    if (!is_number)
        return err_set_code(err, ERR_INVALID, code, text, "n is not a number");
    if (!str_to_int(text, &n) || n > WORK_PAGE_MAX)
        n = WORK_PAGE_MAX;
    *out_n = (size_t)n;
    return 0;
}

void api_reply_next(struct api_call *call, size_t n, struct str last, const char *field,
                    struct str value)
{
    struct buf link;

    buf_init(&link, call->arena, 8192);
    buf_char(&link, '<');
    buf_str(&link, http_path(call->req));
    buf_printf(&link, "?n=%zu&last=", n);
    text_url_encode(&link, last);
    if (field != NULL && value.p != NULL) {
        buf_printf(&link, "&%s=", field);
        text_url_encode(&link, value);
    }
    buf_text(&link, ">; rel=\"next\"");
    http_reply_header(call->req, "Link", buf_view(&link));
}

bool api_client_has(const struct api_call *call, struct str digest)
{
    struct str header = http_header(call->req, "If-None-Match");
    struct str candidate;

    while (str_next(&header, ',', &candidate)) {
        candidate = str_trim(candidate);
        if (str_starts(candidate, STR("W/")))
            candidate = str_from_index(candidate, 2);
        if (str_is(candidate, "*"))
            return true;
        if (candidate.n >= 2 && candidate.p[0] == '"' && candidate.p[candidate.n - 1] == '"')
            candidate = str_sub(candidate, 1, candidate.n - 2);
        if (str_eq(candidate, digest))
            return true;
    }
    return false;
}
