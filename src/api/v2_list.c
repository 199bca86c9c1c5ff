/* api/v2_list.c: the lists of the distribution API: tags, catalog, referrers (OCI distribution spec, end-8,
 * end-12). Pages by name, with a Link to the next. */
#include "api/call.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/media.h"
#include "work/list.h"
#include "work/work.h"

enum { LIST_MAX = 1024 * 1024, REFERRERS_MAX = 9 * 1024 * 1024 };

static void write_names(struct json_write *w, const char *key, const struct work_names *names)
{
    json_write_key(w, key);
    json_write_list(w);
    for (size_t i = 0; i < names->n; i++)
        json_write_str(w, names->names[i]);
    json_write_end(w);
}

static int reply_names(struct api_call *call, struct str name, const char *key, size_t n,
                       const struct work_names *names, struct err *err)
{
    struct json_write w;
    struct buf        body;
    struct str        text;

    buf_init(&body, call->arena, LIST_MAX);
    json_write_init(&w, &body);
    json_write_object(&w);
    if (name.p != NULL)
        json_write_str_at(&w, "name", name);
    write_names(&w, key, names);
    json_write_end(&w);
    if (buf_finish(&body, &text, err) < 0)
        return -1;

    api_reply_json(call, 200, text);
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
    return reply_names(call, call->repo.path, "tags", n, &tags, err);
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
    return reply_names(call, STR_NULL, "repositories", n, &repos, err);
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
const struct api_route api_v2_list_routes[] = {
    { .name = "tag.list",           .method = HTTP_GET, .path = "/v2/{name...}/tags/list",
      .may = API_MAY_PULL, .family = API_V2,
      .run = get_tags },
    { .name = "repository.catalog", .method = HTTP_GET, .path = "/v2/_catalog",
      .may = API_MAY_CATALOG, .family = API_V2,
      .run = get_catalog },
    { .name = "referrer.list",      .method = HTTP_GET, .path = "/v2/{name...}/referrers/{digest}",
      .may = API_MAY_PULL, .family = API_V2, .knows_absence = true,
      .run = get_referrers },
    { 0 },
};
/* clang-format on */
