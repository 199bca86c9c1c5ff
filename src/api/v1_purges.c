/* api/v1_purges.c: a purge: a digest with a leaked secret goes, every copy at once. For those who have the verb `purge` at
 * the prefix, which is the whole registry unless the body says less. */
#include "api/call.h"
#include "api/place.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "work/purge.h"

struct purge_form {
    struct str digest;
    struct str reason;
    struct str prefix;
    bool       is_dry;
};

struct copy {
    struct str       repository;
    struct str       digest;
    struct json_list tags;
    bool             is_index;
    bool             is_deleted;
};

struct blob {
    struct str digest;
    int64_t    size;
    bool       goes;
    struct str kept_by;
};

struct purged {
    struct str       digest;
    bool             is_dry;
    int64_t          n_manifests;
    int64_t          n_tags;
    int64_t          bytes;
    struct json_list copies;
    struct json_list repositories;
    struct json_list blobs;
};

/* clang-format off */
static const struct json_field form_fields[] = {
    { .name = "digest", .kind = JSON_STRING, .offset = JSON_AT(struct purge_form, digest, struct str), .flags = JSON_REQUIRED },
    { .name = "reason", .kind = JSON_STRING, .offset = JSON_AT(struct purge_form, reason, struct str), .flags = JSON_REQUIRED },
    { .name = "prefix", .kind = JSON_STRING, .offset = JSON_AT(struct purge_form, prefix, struct str) },
    { .name = "dryRun", .kind = JSON_BOOL,   .offset = JSON_AT(struct purge_form, is_dry, bool) },
};
static const struct json_table form_table = {
    .name = "CreatePurge", .size = sizeof(struct purge_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};

static const struct json_field copy_fields[] = {
    { .name = "repository", .kind = JSON_STRING, .offset = JSON_AT(struct copy, repository, struct str) },
    { .name = "digest",     .kind = JSON_STRING, .offset = JSON_AT(struct copy, digest, struct str) },
    { .name = "tags",       .kind = JSON_LIST,   .offset = JSON_AT(struct copy, tags, struct json_list) },
    { .name = "isIndex",    .kind = JSON_BOOL,   .offset = JSON_AT(struct copy, is_index, bool) },
    { .name = "isDeleted",  .kind = JSON_BOOL,   .offset = JSON_AT(struct copy, is_deleted, bool) },
};
static const struct json_table copy_table = {
    .name = "PurgedManifest", .size = sizeof(struct copy), .fields = copy_fields, .n_fields = ARRAY_LEN(copy_fields),
};

static const struct json_field blob_fields[] = {
    { .name = "digest", .kind = JSON_STRING,  .offset = JSON_AT(struct blob, digest, struct str) },
    { .name = "size",   .kind = JSON_INTEGER, .offset = JSON_AT(struct blob, size, int64_t) },
    { .name = "goes",   .kind = JSON_BOOL,    .offset = JSON_AT(struct blob, goes, bool) },
    { .name = "keptBy", .kind = JSON_STRING,  .offset = JSON_AT(struct blob, kept_by, struct str), .flags = JSON_OMIT },
};
static const struct json_table blob_table = {
    .name = "PurgedBlob", .size = sizeof(struct blob), .fields = blob_fields, .n_fields = ARRAY_LEN(blob_fields),
};

static const struct json_field purged_fields[] = {
    { .name = "digest",       .kind = JSON_STRING,  .offset = JSON_AT(struct purged, digest, struct str) },
    { .name = "dryRun",       .kind = JSON_BOOL,    .offset = JSON_AT(struct purged, is_dry, bool) },
    { .name = "manifests",    .kind = JSON_INTEGER, .offset = JSON_AT(struct purged, n_manifests, int64_t) },
    { .name = "tags",         .kind = JSON_INTEGER, .offset = JSON_AT(struct purged, n_tags, int64_t) },
    { .name = "bytes",        .kind = JSON_INTEGER, .offset = JSON_AT(struct purged, bytes, int64_t) },
    { .name = "copies",       .kind = JSON_LIST,    .offset = JSON_AT(struct purged, copies, struct json_list), .table = &copy_table },
    { .name = "repositories", .kind = JSON_LIST,    .offset = JSON_AT(struct purged, repositories, struct json_list) },
    { .name = "blobs",        .kind = JSON_LIST,    .offset = JSON_AT(struct purged, blobs, struct json_list), .table = &blob_table },
};
static const struct json_table purged_table = {
    .name = "Purge", .size = sizeof(struct purged), .fields = purged_fields, .n_fields = ARRAY_LEN(purged_fields),
};
/* clang-format on */

static struct json_list copies_of(struct arena *arena, const struct work_purged *from)
{
    struct copy *copies = mem_many(arena, from->n_copies + 1, struct copy);

    for (size_t i = 0; i < from->n_copies; i++)
        copies[i] =
            (struct copy){ .repository = from->copies[i].repository,
                           .digest     = from->copies[i].digest,
                           .tags = { .items = from->copies[i].tags, .n = from->copies[i].n_tags },
                           .is_index   = from->copies[i].is_index,
                           .is_deleted = from->copies[i].is_deleted };
    return (struct json_list){ .items = copies, .n = from->n_copies };
}

static struct json_list blobs_of(struct arena *arena, const struct work_purged *from)
{
    struct blob *blobs = mem_many(arena, from->n_blobs + 1, struct blob);

    for (size_t i = 0; i < from->n_blobs; i++)
        blobs[i] = (struct blob){ .digest  = from->blobs[i].digest,
                                  .size    = from->blobs[i].size,
                                  .goes    = from->blobs[i].kept_by == NULL,
                                  .kept_by = str_from(from->blobs[i].kept_by) };
    return (struct json_list){ .items = blobs, .n = from->n_blobs };
}

static int read_form(struct api_call *call, struct purge_form *out, struct err *err)
{
    struct oci_digest ignored_digest; /* that it is one is enough */

    if (api_body(call, out, err) < 0)
        return -1;
    if (oci_digest_parse(out->digest, &ignored_digest, err) == 0)
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", out->digest,
                        "digest: is not a digest such as sha256:…");
}

static int create_purge(struct api_call *call, struct err *err)
{
    struct purge_form  form = { 0 };
    struct auth_repo   place;
    struct work_purged done;

    if (read_form(call, &form, err) < 0)
        return -1;
    int may = api_place_open(call, form.prefix.p == NULL ? STR("") : form.prefix, AUTH_PURGE,
                             "purge", &place, err);
    if (may < 1)
        return may;
    struct work_purge purge = { .digest = form.digest,
                                .reason = form.reason,
                                .is_dry = form.is_dry };
    if (work_purge(call->work, call->arena, &call->actor, &place, &purge, &done, err) < 0)
        return -1;
    struct purged told = { .digest       = form.digest,
                           .is_dry       = form.is_dry,
                           .n_manifests  = (int64_t)done.n_copies,
                           .n_tags       = done.n_tags,
                           .bytes        = done.bytes,
                           .copies       = copies_of(call->arena, &done),
                           .repositories = { .items = done.links, .n = done.n_links },
                           .blobs        = blobs_of(call->arena, &done) };
    return api_reply_value(call, &told, err);
}

/* clang-format off */
const struct api_route api_v1_purges_routes[] = {
    { .name = "purge.create", .method = HTTP_POST, .path = "/api/v1/purges",
      .may = API_MAY_USER, .family = API_OURS, .changes = true,
      .says = "Take a digest away at once with every manifest, index and tag that has it, past the undelete window; with dryRun only say what would go",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &purged_table, .status = 200,
      .run = create_purge },
    { 0 },
};
/* clang-format on */
