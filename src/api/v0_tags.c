/* api/v0_tags.c: the tags and manifests of a repository as DTR's clients read and delete them. */
#include "api/api_private.h"
#include "api/v0_repository.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/config.h"
#include "oci/name.h"
#include "work/delete.h"
#include "work/image.h"
#include "work/list.h"

enum { ROWS_WITH_LINES = 64 }; /* of some hundred KiB each at worst */

struct manifest {
    struct str author;
    struct str config_type;
    struct str created_at;
    struct str dockerfile;
    struct str architecture;
    struct str config_digest;
    struct str digest;
    struct str media_type;
    struct str os;
    struct str os_version;
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
    { .name = "architecture",    .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, architecture, struct str), .flags = JSON_OMIT },
    { .name = "author",          .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, author, struct str) },
    { .name = "configDigest",    .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, config_digest, struct str), .flags = JSON_OMIT },
    { .name = "configMediaType", .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, config_type, struct str), .flags = JSON_OMIT },
    { .name = "createdAt",       .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, created_at, struct str) },
    { .name = "digest",          .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, digest, struct str) },
    { .name = "dockerfile",      .kind = JSON_RAW,     .offset = JSON_AT(struct manifest, dockerfile, struct str), .flags = JSON_OMIT,
      .table = &oci_line_table },
    { .name = "mediaType",       .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, media_type, struct str) },
    { .name = "os",              .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, os, struct str), .flags = JSON_OMIT },
    { .name = "osVersion",       .kind = JSON_STRING,  .offset = JSON_AT(struct manifest, os_version, struct str), .flags = JSON_OMIT },
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

/* -- as DTR shows them -------------------------------------------------------------------------------- */

static struct str print_time(int64_t at, char out[TEXT_TIME_MAX])
{
    text_time_print(at, out);
    return str_from(out);
}

static struct manifest manifest_of(const struct meta_image *image, char created[TEXT_TIME_MAX])
{
    return (struct manifest){
        .digest        = image->digest,
        .author        = image->pushed_by,
        .architecture  = image->facts.architecture,
        .config_digest = image->facts.config_digest,
        .config_type   = image->config_type,
        .created_at    = print_time(image->pushed_at, created),
        .dockerfile    = image->facts.dockerfile,
        .media_type    = image->media_type,
        .os            = image->facts.os,
        .os_version    = image->facts.os_version,
        .size          = image->total_size,
    };
}

/* image: what the tag names, or one of the platforms of the index that it names. */
static void write_tag_of(struct json_write *w, const struct meta_tag_row *row,
                         const struct meta_image *image)
{
    char       created[TEXT_TIME_MAX], updated[TEXT_TIME_MAX], pushed[TEXT_TIME_MAX];
    struct tag tag = {
        .author     = row->moved_by,
        .created_at = print_time(row->created_at, created),
        .digest     = row->image.digest,
        .name       = row->name,
        .updated_at = print_time(row->moved_at, updated),
        .manifest   = manifest_of(image, pushed),
    };

    json_write_table(w, &tag_table, &tag);
}

static void write_tag(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_tag_row *tag = row;

    (void)call;
    write_tag_of(w, tag, &tag->image);
}

static void write_manifest(struct api_call *call, struct json_write *w, const void *row)
{
    char            created[TEXT_TIME_MAX];
    struct manifest manifest = manifest_of(row, created);

    (void)call;
    json_write_table(w, &manifest_table, &manifest);
}

/* -- lists -------------------------------------------------------------------------------------------- */

struct listing {
    const struct auth_repo *repo;
    bool                    with_lines;
};

static int read_tags(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const struct listing *listing = what;
    struct meta_tag_row  *rows;

    if (work_list_tag_rows(call->work, arena, listing->repo, after, n_max, listing->with_lines,
                           &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static int read_manifests(struct api_call *call, const void *what, struct arena *arena,
                          struct str after, size_t n_max, void **out, size_t *n_out,
                          struct err *err)
{
    const struct listing *listing = what;
    struct meta_image    *rows;

    if (work_image_page(call->work, arena, listing->repo, after, n_max, listing->with_lines, &rows,
                        n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str tag_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_tag_row *)row)->name;
}

static struct str manifest_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_image *)row)->digest;
}

static int list_tags(struct api_call *call, struct err *err)
{
    struct listing     what = { .repo = &call->repo };
    struct api_paging  paging;
    struct api_v0_list page;
    int64_t            n = 0;

    if (api_v0_paging_read(call, &paging, err) < 0 ||
        api_query_flag(call, "includeManifests", false, &what.with_lines, err) < 0)
        return -1;

    const struct api_pages pages = { .read    = read_tags,
                                     .n_batch = what.with_lines ? ROWS_WITH_LINES : 0,
                                     .size    = sizeof(struct meta_tag_row),
                                     .key     = tag_key,
                                     .write   = write_tag };
    if (api_v0_list_begin(call, &paging, &pages, &what, &page, err) < 0 ||
        (paging.wants_count && work_count_tags(call->work, &call->repo, &n, err) < 0))
        return -1;
    return api_v0_list_reply(call, &page, n, err);
}

static int list_manifests(struct api_call *call, struct err *err)
{
    static const struct api_pages pages = { .read    = read_manifests,
                                            .n_batch = ROWS_WITH_LINES,
                                            .size    = sizeof(struct meta_image),
                                            .key     = manifest_key,
                                            .write   = write_manifest };
    struct listing                what  = { .repo = &call->repo, .with_lines = true };
    struct api_paging             paging;
    struct api_v0_list            page;
    int64_t                       n = 0;

    if (api_v0_paging_read(call, &paging, err) < 0 ||
        api_v0_list_begin(call, &paging, &pages, &what, &page, err) < 0 ||
        (paging.wants_count && work_image_count(call->work, &call->repo, &n, err) < 0))
        return -1;
    return api_v0_list_reply(call, &page, n, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

struct shown {
    struct api_list           *list;
    const struct meta_tag_row *tags; /* all of one manifest */
    size_t                     n_tags;
};

static int show_image(void *context, const struct meta_image *image, struct err *err)
{
    struct shown *shown = context;

    for (size_t i = 0; i < shown->n_tags; i++) {
        struct json_write *w = api_list_item(shown->list, err);

        if (w == NULL)
            return -1;
        write_tag_of(w, &shown->tags[i], image);
    }
    return 0;
}

static int show_tag(struct api_call *call, struct err *err)
{
    struct shown         shown;
    struct oci_reference reference;
    struct work_platform wanted;
    struct meta_tag_row *tags;

    if (oci_reference_parse(api_hole(call, "reference"), &reference, err) < 0 ||
        api_query(call, "os", "INVALID_PARAMETERS", &wanted.os, err) < 0 ||
        api_query(call, "arch", "INVALID_PARAMETERS", &wanted.architecture, err) < 0 ||
        work_find_tag_rows(call->work, call->arena, &call->repo, &reference, &tags, &shown.n_tags,
                           err) < 0)
        return -1;

    shown.list = api_list_begin(call, NULL);
    shown.tags = tags;
    if (work_image_each(call->work, &call->repo, tags[0].image.digest, &wanted, show_image, &shown,
                        err) < 0)
        return -1;
    return api_list_reply(shown.list, err);
}

/* -- deleting ----------------------------------------------------------------------------------------- */

static int delete_reference(struct api_call *call, const struct oci_reference *reference,
                            const char *absent, struct err *err)
{
    if (work_delete_manifest(call->work, call->arena, &call->actor, &call->repo, reference, err) <
        0) {
        if (err->kind == ERR_NOT_FOUND)
            err->code = absent;
        return -1;
    }
    api_reply_done(call);
    return 0;
}

static int delete_tag(struct api_call *call, struct err *err)
{
    struct oci_reference reference = { .tag = api_hole(call, "reference") };

    if (oci_tag_check(reference.tag, err) < 0)
        return -1;
    return delete_reference(call, &reference, "NO_SUCH_TAG", err);
}

static int delete_manifest(struct api_call *call, struct err *err)
{
    struct oci_reference reference = { .is_digest = true };

    if (oci_digest_parse(api_hole(call, "reference"), &reference.digest, err) < 0) {
        err->code = "INVALID_DIGEST";
        return -1;
    }
    return delete_reference(call, &reference, "NO_SUCH_REF", err);
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "includeManifests", "boolean", "whether each manifest is told with the lines that made it" },
    { "domain",           "string",  "of a signing service beside the registry; not looked at" },
    { "pageStart",        "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",         "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",            "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};
static const struct api_param show_params[] = {
    { "os",     "string", "only platforms of that operating system" },
    { "arch",   "string", "only platforms of that architecture" },
    { "domain", "string", "of a signing service beside the registry; not looked at" },
    { 0 },
};
static const struct api_param domain_params[] = {
    { "domain", "string", "of a signing service beside the registry; not looked at" },
    { 0 },
};

#define REPO "/api/v0/repositories/{namespace}/{name...}"

const struct api_route api_v0_tags_routes[] = {
    { .name = "repository.tags",            .method = HTTP_GET,    .path = REPO "/tags",
      .may  = API_MAY_VIEW,   .family = API_DTR, .run = list_tags,
      .says = "The tags of a repository, by name", .gives = &tag_table, .list = "", .query = list_params },
    { .name = "repository.tag",             .method = HTTP_GET,    .path = REPO "/tags/{reference}",
      .may  = API_MAY_VIEW,   .family = API_DTR, .run = show_tag,
      .says = "The tag of that name, or those of the manifest with that digest; of an index once for each of its platforms",
      .gives = &tag_table, .list = "", .query = show_params },
    { .name = "repository.tag_delete",      .method = HTTP_DELETE, .path = REPO "/tags/{reference}",
      .may  = API_MAY_DELETE, .family = API_DTR, .run = delete_tag, .changes = true,
      .says = "Deletes a tag", .query = domain_params },
    { .name = "repository.manifests",       .method = HTTP_GET,    .path = REPO "/manifests",
      .may  = API_MAY_VIEW,   .family = API_DTR, .run = list_manifests,
      .says = "The manifests of a repository, tagged or not, by digest", .gives = &manifest_table, .list = "",
      .query = api_paging_params },
    { .name = "repository.manifest_delete", .method = HTTP_DELETE, .path = REPO "/manifests/{reference}",
      .may  = API_MAY_DELETE, .family = API_DTR, .run = delete_manifest, .changes = true,
      .says = "Deletes a manifest with its tags" },
    { 0 },
};
/* clang-format on */
