/* api/v2_manifest.c: manifests by tag and by digest (OCI distribution spec, end-3, end-7, end-9). */
#include "api/call.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "work/delete.h"
#include "work/pull.h"
#include "work/pulls.h"
#include "work/push.h"
#include "work/work.h"

static int send_manifest(struct api_call *call, bool may_write, struct err *err)
{
    struct oci_reference reference;
    struct meta_manifest manifest;

    if (oci_reference_parse(api_hole(call, "reference"), &reference, err) < 0 ||
        work_pull_manifest(call->work, call->arena, &call->repo, &reference, may_write, &manifest,
                           err) < 0)
        return -1;

    work_pull_note(call->work, &call->actor, &call->repo, &reference, manifest.digest,
                   http_method(call->req) == HTTP_HEAD);

    bool is_known = api_client_has(call, manifest.digest);
    api_reply_start(call, is_known ? 304 : 200);
    http_reply_header(call->req, "Docker-Content-Digest", manifest.digest);
    http_reply_headerf(call->req, "ETag", "\"" STR_FMT "\"", STR_ARGS(manifest.digest));
    if (is_known)
        return 0;
    http_reply_header(call->req, "Content-Type", manifest.media_type);
    http_reply_bytes(call->req, manifest.bytes);
    return 0;
}

static int get_manifest(struct api_call *call, struct err *err)
{
    return send_manifest(call, true, err);
}

static int get_manifest_fast(struct api_call *call, struct err *err)
{
    return send_manifest(call, false, err) < 0 ? -1 : 1;
}

static int read_tags(struct api_call *call, struct work_push *push, struct err *err)
{
    struct str *tags = mem_many(call->arena, WORK_TAGS_A_PUSH, struct str);

    push->tags = tags;
    if (api_query_all(call, "tag", WORK_TAGS_A_PUSH, tags, &push->n_tags, err) < 0)
        return -1;
    for (size_t i = 0; i < push->n_tags; i++) {
        if (oci_tag_check(tags[i], err) < 0)
            return -1;
    }
    return 0;
}

static int put_manifest(struct api_call *call, struct err *err)
{
    struct work_push   push = { .bytes      = http_body(call->req),
                                .media_type = http_header(call->req, "Content-Type") };
    struct work_pushed pushed;

    if (oci_reference_parse(api_hole(call, "reference"), &push.reference, err) < 0 ||
        read_tags(call, &push, err) < 0 ||
        work_push_manifest(call->work, call->arena, &call->actor, &call->repo, &push, &pushed,
                           err) < 0)
        return -1;

    api_reply_start(call, 201);
    http_reply_headerf(call->req, "Location", "/v2/" STR_FMT "/manifests/%s",
                       STR_ARGS(call->repo.path), pushed.digest.text);
    http_reply_header(call->req, "Docker-Content-Digest", oci_digest_str(&pushed.digest));
    if (pushed.subject.p != NULL)
        http_reply_header(call->req, "OCI-Subject", pushed.subject);
    for (size_t i = 0; i < push.n_tags; i++)
        http_reply_header(call->req, "OCI-Tag", push.tags[i]);
    return 0;
}

/* A reference that can never be is refused before 4 MiB are read for it. */
static int check_reference(struct api_call *call, struct err *err)
{
    struct oci_reference ignored_reference; /* only whether it parses */

    return oci_reference_parse(api_hole(call, "reference"), &ignored_reference, err);
}

static int delete_manifest(struct api_call *call, struct err *err)
{
    struct oci_reference reference;

    if (oci_reference_parse(api_hole(call, "reference"), &reference, err) < 0 ||
        work_delete_manifest(call->work, call->arena, &call->actor, &call->repo, &reference, err) <
            0)
        return -1;
    api_reply_start(call, 202);
    return 0;
}

static const int known[] = { 304, 0 };

/* clang-format off */
static const struct api_param put_params[] = {
    { "tag", "string", "a tag to set as well, when the reference is a digest; may be repeated" },
    { 0 },
};

const struct api_route api_v2_manifest_routes[] = {
    { .name = "manifest.get",    .method = HTTP_GET,    .path = "/v2/{name...}/manifests/{reference}",
      .may = API_MAY_PULL, .family = API_V2, .recalls = true,
      .says = "A manifest, its bytes as they were pushed", .sends = "*/*", .also = known,
      .fast = get_manifest_fast, .run = get_manifest },
    { .name = "manifest.put",    .method = HTTP_PUT,    .path = "/v2/{name...}/manifests/{reference}",
      .may = API_MAY_PUSH, .family = API_V2, .body = HTTP_BODY_WHOLE, .limit = OCI_MANIFEST_MAX, .changes = true,
      .says = "Push a manifest, and set the tag that it is put under", .accepts = "*/*", .status = 201, .query = put_params,
      .open = check_reference, .run = put_manifest },
    { .name = "manifest.delete", .method = HTTP_DELETE, .path = "/v2/{name...}/manifests/{reference}",
      .may = API_MAY_DELETE, .family = API_V2, .changes = true,
      .says = "Delete a tag, or a manifest with all its tags", .status = 202,
      .run = delete_manifest },
    { 0 },
};
/* clang-format on */
