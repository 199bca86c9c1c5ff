/* api/v0_tags.c: the tags of a repository as DTR's clients read and delete them. */
#include "api/api_private.h"
#include "api/v0_repository.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/name.h"
#include "work/delete.h"
#include "work/list.h"

struct manifest {
    struct str digest;
    struct str author;
    struct str config_type;
    struct str created_at;
    struct str media_type;
    int64_t    size;
};

struct tag {
    struct str      author;
    struct str      created_at;
    struct str      digest;
    bool            no; /* what tags here never are */
    struct manifest manifest;
    struct str      name;
    struct str      updated_at;
};

/* clang-format off */
static const struct json_field manifest_fields[] = {
    { .name = "author",          .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, author, struct str) },
    { .name = "configMediaType", .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, config_type, struct str), .flags = JSON_OMIT },
    { .name = "createdAt",       .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, created_at, struct str) },
    { .name = "digest",          .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, digest, struct str) },
    { .name = "mediaType",       .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, media_type, struct str) },
    { .name = "size",            .kind = JSON_INTEGER, .offset = JSON_AT(struct manifest, size, int64_t) },
};
static const struct json_table manifest_table = {
    .name = "Manifest", .size = sizeof(struct manifest), .fields = manifest_fields, .n_fields = ARRAY_LEN(manifest_fields),
};

static const struct json_field tag_fields[] = {
    { .name = "author",       .kind = JSON_STRING, .offset = JSON_AT(struct tag, author, struct str) },
    { .name = "createdAt",    .kind = JSON_STRING, .offset = JSON_AT(struct tag, created_at, struct str) },
    { .name = "digest",       .kind = JSON_STRING, .offset = JSON_AT(struct tag, digest, struct str) },
    { .name = "hashMismatch", .kind = JSON_BOOL,   .offset = JSON_AT(struct tag, no, bool) },
    { .name = "inNotary",     .kind = JSON_BOOL,   .offset = JSON_AT(struct tag, no, bool) },
    { .name = "manifest",     .kind = JSON_OBJECT, .offset = JSON_AT(struct tag, manifest, struct manifest), .table = &manifest_table },
    { .name = "name",         .kind = JSON_STRING, .offset = JSON_AT(struct tag, name, struct str) },
    { .name = "updatedAt",    .kind = JSON_STRING, .offset = JSON_AT(struct tag, updated_at, struct str) },
};
static const struct json_table tag_table = {
    .name = "Tag", .size = sizeof(struct tag), .fields = tag_fields, .n_fields = ARRAY_LEN(tag_fields),
};
/* clang-format on */

static void write_tag(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_tag_row *from = row;
    char                       created[TEXT_TIME_MAX], updated[TEXT_TIME_MAX];

    (void)call;
    text_time_print(from->pushed_at, created);
    text_time_print(from->moved_at, updated);
    struct tag tag = {
        .author     = from->moved_by,
        .created_at = str_from(created),
        .digest     = from->digest,
        .name       = from->name,
        .updated_at = str_from(updated),
        .manifest   = { .digest      = from->digest,
                        .author      = from->moved_by,
                        .config_type = from->config_type,
                        .created_at  = str_from(created),
                        .media_type  = from->media_type,
                        .size        = from->total_size },
    };

    json_write_table(w, &tag_table, &tag);
}

static int read_tags(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_tag_row *rows;

    if (work_list_tag_rows(call->work, arena, what, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str tag_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_tag_row *)row)->name;
}

static const struct api_pages tag_pages = {
    .read = read_tags, .size = sizeof(struct meta_tag_row), .key = tag_key, .write = write_tag
};

static int list_tags(struct api_call *call, struct err *err)
{
    struct api_paging  paging;
    struct api_v0_list page;
    int64_t            n = 0;

    if (api_v0_paging_read(call, &paging, err) < 0 ||
        api_v0_list_begin(call, &paging, &tag_pages, &call->repo, &page, err) < 0 ||
        (paging.wants_count && work_count_tags(call->work, &call->repo, &n, err) < 0))
        return -1;
    return api_v0_list_reply(call, &page, n, err);
}

static int show_tag(struct api_call *call, struct err *err)
{
    struct oci_reference reference;
    struct meta_tag_row *rows;
    size_t               n;

    if (oci_reference_parse(api_hole(call, "reference"), &reference, err) < 0 ||
        work_find_tag_rows(call->work, call->arena, &call->repo, &reference, &rows, &n, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, NULL);
    for (size_t i = 0; i < n; i++) {
        struct json_write *w = api_list_item(list, err);

        if (w == NULL)
            return -1;
        write_tag(call, w, &rows[i]);
    }
    return api_list_reply(list, err);
}

static int delete_tag(struct api_call *call, struct err *err)
{
    struct oci_reference reference = { .tag = api_hole(call, "reference") };

    if (oci_tag_check(reference.tag, err) < 0)
        return -1;
    if (work_delete_manifest(call->work, call->arena, &call->actor, &call->repo, &reference, err) <
        0) {
        if (err->kind == ERR_NOT_FOUND)
            err->code = "NO_SUCH_TAG";
        return -1;
    }
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "includeManifests", "boolean", "not looked at: what is known of manifests is always told" },
    { "domain",           "string",  "of a signing service beside the registry; not looked at" },
    { "pageStart",        "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",         "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",            "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};
static const struct api_param domain_params[] = {
    { "domain", "string", "of a signing service beside the registry; not looked at" },
    { 0 },
};

const struct api_route api_v0_tags_routes[] = {
    { .name = "repository.tags",       .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}/{name...}/tags",
      .may  = API_MAY_VIEW,   .family = API_DTR, .run = list_tags,
      .says = "The tags of a repository, by name", .gives = &tag_table, .list = "", .query = list_params },
    { .name = "repository.tag",        .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}/{name...}/tags/{reference}",
      .may  = API_MAY_VIEW,   .family = API_DTR, .run = show_tag,
      .says = "The tag of that name, or those of the manifest with that digest", .gives = &tag_table, .list = "",
      .query = domain_params },
    { .name = "repository.tag_delete", .method = HTTP_DELETE, .path = "/api/v0/repositories/{namespace}/{name...}/tags/{reference}",
      .may  = API_MAY_DELETE, .family = API_DTR, .run = delete_tag, .changes = true,
      .says = "Deletes a tag", .query = domain_params },
    { 0 },
};
/* clang-format on */
