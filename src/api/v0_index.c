/* api/v0_index.c: searching: DTR's index, and the search of the first registry protocol, which is how `docker search` still
 * asks: GET /v1/_ping first, to learn whether the registry stands alone (then credentials go along over TLS), and
 * GET /v1/search. Everybody finds what they may see; without an account that is what is public. */
#include "api/account.h"
#include "api/api_private.h"
#include "api/v0_repository.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/search.h"

enum { FOUND = 25 }; /* unless the question says how many */

struct autocomplete {
    struct json_list accounts;
    struct json_list repos;
    bool             has_accounts;
    bool             has_repos;
};

struct docker_repo {
    struct str description;
    bool       no; /* what repositories here never are */
    struct str name;
    int64_t    star_count;
};

struct docker_search {
    int64_t          n_results;
    int64_t          n_pages;
    int64_t          page;
    int64_t          page_size;
    struct str       query;
    struct json_list results;
};

struct v1_ping {
    bool is_standalone;
};

/* clang-format off */
static const struct json_field autocomplete_fields[] = {
    { .name = "accountResults",    .kind = JSON_LIST, .offset = JSON_AT(struct autocomplete, accounts, struct json_list),
      .has_offset = JSON_AT(struct autocomplete, has_accounts, bool), .table = &api_account_table },
    { .name = "repositoryResults", .kind = JSON_LIST, .offset = JSON_AT(struct autocomplete, repos, struct json_list),
      .has_offset = JSON_AT(struct autocomplete, has_repos, bool), .table = &api_v0_repo_table },
};
static const struct json_table autocomplete_table = {
    .name = "Autocomplete", .size = sizeof(struct autocomplete), .fields = autocomplete_fields, .n_fields = ARRAY_LEN(autocomplete_fields),
};

#define DOCKER_REPO \
    { .name = "description",  .kind = JSON_STRING,  .offset = JSON_AT(struct docker_repo, description, struct str) }, \
    { .name = "is_official",  .kind = JSON_BOOL,    .offset = JSON_AT(struct docker_repo, no, bool) }, \
    { .name = "is_trusted",   .kind = JSON_BOOL,    .offset = JSON_AT(struct docker_repo, no, bool) }, \
    { .name = "name",         .kind = JSON_STRING,  .offset = JSON_AT(struct docker_repo, name, struct str) }, \
    { .name = "star_count",   .kind = JSON_INTEGER, .offset = JSON_AT(struct docker_repo, star_count, int64_t) }

static const struct json_field docker_repo_fields[] = { DOCKER_REPO };
static const struct json_table docker_repo_table = {
    .name = "DockerRepository", .size = sizeof(struct docker_repo), .fields = docker_repo_fields, .n_fields = ARRAY_LEN(docker_repo_fields),
};

static const struct json_field v1_repo_fields[] = {
    DOCKER_REPO,
    { .name = "is_automated", .kind = JSON_BOOL, .offset = JSON_AT(struct docker_repo, no, bool) },
};
static const struct json_table v1_repo_table = {
    .name = "V1Repository", .size = sizeof(struct docker_repo), .fields = v1_repo_fields, .n_fields = ARRAY_LEN(v1_repo_fields),
};

#define DOCKER_SEARCH(repo_table) \
    { .name = "num_results", .kind = JSON_INTEGER, .offset = JSON_AT(struct docker_search, n_results, int64_t) }, \
    { .name = "query",       .kind = JSON_STRING,  .offset = JSON_AT(struct docker_search, query, struct str) }, \
    { .name = "results",     .kind = JSON_LIST,    .offset = JSON_AT(struct docker_search, results, struct json_list), .table = &(repo_table) }

static const struct json_field docker_search_fields[] = { DOCKER_SEARCH(docker_repo_table) };
static const struct json_table docker_search_table = {
    .name = "DockerSearch", .size = sizeof(struct docker_search), .fields = docker_search_fields, .n_fields = ARRAY_LEN(docker_search_fields),
};

static const struct json_field v1_search_fields[] = {
    DOCKER_SEARCH(v1_repo_table),
    { .name = "num_pages", .kind = JSON_INTEGER, .offset = JSON_AT(struct docker_search, n_pages, int64_t) },
    { .name = "page",      .kind = JSON_INTEGER, .offset = JSON_AT(struct docker_search, page, int64_t) },
    { .name = "page_size", .kind = JSON_INTEGER, .offset = JSON_AT(struct docker_search, page_size, int64_t) },
};
static const struct json_table v1_search_table = {
    .name = "V1Search", .size = sizeof(struct docker_search), .fields = v1_search_fields, .n_fields = ARRAY_LEN(v1_search_fields),
};

static const struct json_field v1_ping_fields[] = {
    { .name = "standalone", .kind = JSON_BOOL, .offset = JSON_AT(struct v1_ping, is_standalone, bool) },
};
static const struct json_table v1_ping_table = {
    .name = "V1Ping", .size = sizeof(struct v1_ping), .fields = v1_ping_fields, .n_fields = ARRAY_LEN(v1_ping_fields),
};
/* clang-format on */

/* -- the question ------------------------------------------------------------------------------------- */

static int read_limit(struct api_call *call, const char *name, size_t *out, struct err *err)
{
    struct str text;
    int64_t    n = FOUND;

    if (api_query(call, name, "INVALID_PARAMETERS", &text, err) < 0)
        return -1;
    if (text.n > 0 && (!str_to_int(text, &n) || n < 1))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", text,
                            "%s: a number from 1 to %d is wanted", name, WORK_SEARCH_MAX);
    *out = n > WORK_SEARCH_MAX ? WORK_SEARCH_MAX : (size_t)n;
    return 0;
}

static int read_text(struct api_call *call, const char *name, struct str *out, struct err *err)
{
    if (api_query_needed(call, name, out, err) < 0)
        return -1;
    if (!text_is_utf8(*out))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR_NULL, "%s: it is no text",
                            name);
    return 0;
}

/* -- autocomplete ------------------------------------------------------------------------------------- */

static int find_repos(struct api_call *call, struct str namespace, struct str text, size_t n_max,
                      struct json_list *out, struct err *err)
{
    struct work_repo_list what = { .view   = &call->view,
                                   .within = namespace.n == 0 ? STR_NULL : namespace };
    struct work_repo     *repos;

    if (what.within.p != NULL && oci_prefix_check(what.within, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "namespace");
    }
    if (work_search_repos(call->work, call->arena, &what, text, n_max, &repos, &out->n, err) < 0)
        return -1;
    out->items = repos;
    return 0;
}

/* Who has no account is shown none. */
static int find_accounts(struct api_call *call, struct str text, size_t n_max,
                         struct json_list *out, struct err *err)
{
    struct meta_account *rows;
    struct api_account  *accounts;
    int64_t              seen_by = call->view.is_all ? 0 : call->caller.account_id;

    *out = (struct json_list){ 0 };
    if (call->caller.kind != AUTH_ACCOUNT)
        return 0;
    if (work_search_accounts(call->work, call->arena, seen_by, text, n_max, &rows, &out->n, err) <
        0)
        return -1;
    accounts = mem_many(call->arena, out->n, struct api_account);
    for (size_t i = 0; i < out->n; i++)
        accounts[i] = api_account_of(&rows[i]);
    out->items = accounts;
    return 0;
}

static int autocomplete(struct api_call *call, struct err *err)
{
    struct autocomplete found = { 0 };
    struct str          text, namespace;
    size_t              limit;

    if (read_text(call, "query", &text, err) < 0 || read_limit(call, "limit", &limit, err) < 0 ||
        api_query(call, "namespace", "INVALID_PARAMETERS", &namespace, err) < 0 ||
        api_query_flag(call, "includeRepositories", true, &found.has_repos, err) < 0 ||
        api_query_flag(call, "includeAccounts", true, &found.has_accounts, err) < 0 ||
        (found.has_repos && find_repos(call, namespace, text, limit, &found.repos, err) < 0) ||
        (found.has_accounts && find_accounts(call, text, limit, &found.accounts, err) < 0))
        return -1;
    return api_reply_value(call, &found, err);
}

/* -- as Docker asks ----------------------------------------------------------------------------------- */

static int reply_found(struct api_call *call, struct str text, size_t limit, struct err *err)
{
    struct json_list list;

    if (find_repos(call, STR_NULL, text, limit, &list, err) < 0)
        return -1;

    const struct work_repo *repos   = list.items;
    struct docker_repo     *results = mem_many(call->arena, list.n, struct docker_repo);
    for (size_t i = 0; i < list.n; i++)
        results[i] = (struct docker_repo){ .name        = repos[i].path,
                                           .description = repos[i].short_description };
    struct docker_search found = { .n_results = (int64_t)list.n,
                                   .n_pages   = 1,
                                   .page      = 1,
                                   .page_size = (int64_t)limit,
                                   .query     = text,
                                   .results   = { .items = results, .n = list.n } };
    return api_reply_value(call, &found, err);
}

static int docker_search(struct api_call *call, struct err *err)
{
    struct str text;

    if (read_text(call, "q", &text, err) < 0)
        return -1;
    return reply_found(call, text, WORK_SEARCH_MAX, err);
}

static int v1_search(struct api_call *call, struct err *err)
{
    struct str text;
    size_t     limit;

    if (read_text(call, "q", &text, err) < 0 || read_limit(call, "n", &limit, err) < 0)
        return -1;
    return reply_found(call, text, limit, err);
}

static int v1_ping(struct api_call *call, struct err *err)
{
    struct v1_ping ping = { .is_standalone = true };

    if (api_reply_value(call, &ping, err) < 0)
        return -1;
    http_reply_header(call->req, "X-Docker-Registry-Standalone", STR("true"));
    return 0;
}

/* clang-format off */
static const struct api_param autocomplete_params[] = {
    { "query",               "string",  "part of a name; case does not matter", true },
    { "includeRepositories", "boolean", "whether repositories are looked for; yes when absent" },
    { "includeAccounts",     "boolean", "whether accounts are looked for; yes when absent" },
    { "namespace",           "string",  "only repositories of this account" },
    { "limit",               "integer", "of each at most so many, 25 when absent, never more than 100" },
    { 0 },
};
static const struct api_param docker_params[] = {
    { "q", "string", "part of a name; case does not matter", true },
    { 0 },
};
static const struct api_param v1_params[] = {
    { "q", "string",  "part of a name; case does not matter", true },
    { "n", "integer", "at most so many, 25 when absent, never more than 100" },
    { 0 },
};

const struct api_route api_v0_index_routes[] = {
    { .name = "index.autocomplete", .method = HTTP_GET, .path = "/api/v0/index/autocomplete",
      .may  = API_MAY_SEARCH, .family = API_DTR, .run = autocomplete,
      .says = "Repositories and accounts whose names hold a text", .gives = &autocomplete_table, .query = autocomplete_params },
    { .name = "index.search",       .method = HTTP_GET, .path = "/api/v0/index/dockersearch",
      .may  = API_MAY_SEARCH, .family = API_DTR, .run = docker_search,
      .says = "Repositories whose names hold a text, as Docker shows them", .gives = &docker_search_table, .query = docker_params },
    { .name = "v1.ping",            .method = HTTP_GET, .path = "/v1/_ping",
      .may  = API_MAY_ANYONE, .family = API_MANAGEMENT, .run = v1_ping,
      .says = "That this registry stands alone, for `docker search`", .gives = &v1_ping_table },
    { .name = "v1.search",          .method = HTTP_GET, .path = "/v1/search",
      .may  = API_MAY_SEARCH, .family = API_MANAGEMENT, .takes_session = true, .run = v1_search,
      .says = "Repositories whose names hold a text, for `docker search`", .gives = &v1_search_table, .query = v1_params },
    { 0 },
};
/* clang-format on */
