/* api/v2_list.c: the lists of the distribution API: tags, catalog, referrers (OCI distribution spec, end-8,
 * end-12). Pages by name, with a Link to the next. */
#include "api/call.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/media.h"
#include "work/list.h"
#include "work/work.h"

enum { REFERRERS_MAX = 9 * 1024 * 1024 };

/* Both lists of names: those of a repository's tags say whose they are. */
struct names {
    struct str       name;
    struct json_list names;
};

/* clang-format off */
static const struct json_field tags_fields[] = {
    { .name = "name", .kind = JSON_STRING, .offset = JSON_AT(struct names, name, struct str) },
    { .name = "tags", .kind = JSON_LIST,   .offset = JSON_AT(struct names, names, struct json_list) },
};

static const struct json_table tags_table = {
    .name = "tag list", .size = sizeof(struct names), .fields = tags_fields, .n_fields = ARRAY_LEN(tags_fields),
};

static const struct json_field catalog_fields[] = {
    { .name = "repositories", .kind = JSON_LIST, .offset = JSON_AT(struct names, names, struct json_list) },
};

static const struct json_table catalog_table = {
    .name = "catalog", .size = sizeof(struct names), .fields = catalog_fields, .n_fields = ARRAY_LEN(catalog_fields),
};
/* clang-format on */

static int reply_names(struct api_call *call, struct str name, size_t n,
                       const struct work_names *names, struct err *err)
{
    struct names answer = { .name = name, .names = { .items = names->names, .n = names->n } };

    if (api_reply_value(call, &answer, err) < 0)
        return -1;
    if (names->has_more && names->n > 0)
        api_reply_next(call, n, names->names[names->n - 1], NULL, STR_NULL);
    return 0;
}

static int get_tags(struct api_call *call, struct err *err)
{
    struct work_names tags = { 0 };
    struct str        last;
    size_t            n;

    if (api_page(call, &n, &last, err) < 0)
        return -1;
    if (n > 0 && work_list_tags(call->work, call->arena, &call->repo, last, n, &tags, err) < 0)
        return -1;
    return reply_names(call, call->repo.path, n, &tags, err);
}

static int get_catalog(struct api_call *call, struct err *err)
{
    struct work_names repos = { 0 };
    struct str        last;
    size_t            n;

    if (api_page(call, &n, &last, err) < 0)
        return -1;
    if (n > 0 && work_list_repos(call->work, call->arena, &call->view, last, n, &repos, err) < 0)
        return -1;
    return reply_names(call, STR_NULL, n, &repos, err);
}

static int get_referrers(struct api_call *call, struct err *err)
{
    struct oci_digest     subject;
    struct work_referrers referrers = { 0 };
    struct str            last, type, text;
    struct json_write     w;
    struct buf            body;
    size_t                n;

    if (oci_digest_parse(api_hole(call, "digest"), &subject, err) < 0 ||
        api_page(call, &n, &last, err) < 0 ||
        api_query(call, "artifactType", "UNSUPPORTED", &type, err) < 0)
        return -1;
    if (n > 0 && work_list_referrers(call->work, call->arena, &call->repo, &subject, type, last, n,
                                     &referrers, err) < 0)
        return -1;

    buf_init(&body, call->arena, REFERRERS_MAX);
    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_int_at(&w, "schemaVersion", 2);
    json_write_text_at(&w, "mediaType", OCI_TYPE_INDEX);
    json_write_key(&w, "manifests");
    json_write_list(&w);
    for (size_t i = 0; i < referrers.n; i++)
        json_write_raw(&w, referrers.list[i].descriptor);
    json_write_end(&w);
    json_write_end(&w);
    if (buf_finish(&body, &text, err) < 0)
        return -1;

    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR(OCI_TYPE_INDEX));
    if (type.p != NULL)
        http_reply_header(call->req, "OCI-Filters-Applied", STR("artifactType"));
    if (referrers.has_more && referrers.n > 0)
        api_reply_next(call, n, referrers.list[referrers.n - 1].digest, "artifactType", type);
    http_reply_bytes(call->req, text);
    return 0;
}

/* clang-format off */
static const struct api_param page_params[] = {
    { "n",    "integer", "rows; 1,000 when absent or more" },
    { "last", "string",  "the last row of the page before" },
    { 0 },
};

static const struct api_param referrers_params[] = {
    { "n",            "integer", "rows; 1,000 when absent or more" },
    { "last",         "string",  "the last row of the page before" },
    { "artifactType", "string",  "of the referrers that are wanted" },
    { 0 },
};

const struct api_route api_v2_list_routes[] = {
    { .name = "tag.list",           .method = HTTP_GET, .path = "/v2/{name...}/tags/list",
      .may = API_MAY_PULL, .family = API_V2,
      .says = "The tags of a repository", .gives = &tags_table, .query = page_params,
      .run = get_tags },
    { .name = "repository.catalog", .method = HTTP_GET, .path = "/v2/_catalog",
      .may = API_MAY_CATALOG, .family = API_V2,
      .says = "The repositories that the caller may pull from", .gives = &catalog_table, .query = page_params,
      .run = get_catalog },
    { .name = "referrer.list",      .method = HTTP_GET, .path = "/v2/{name...}/referrers/{digest}",
      .may = API_MAY_PULL, .family = API_V2, .knows_absence = true,
      .says = "What refers to a manifest: signatures, attestations and their like", .sends = OCI_TYPE_INDEX, .query = referrers_params,
      .run = get_referrers },
    { 0 },
};
/* clang-format on */
