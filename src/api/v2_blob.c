/* api/v2_blob.c: blobs by digest (OCI distribution spec, end-2, end-10): whole, in ranges, or their
 * absence. Bytes go out as a file that the kernel sends. */
#include "api/call.h"
#include "base/mem.h"
#include "io/file.h"
#include "oci/range.h"
#include "work/delete.h"
#include "work/pull.h"
#include "work/work.h"

static void reply_blob_headers(struct api_call *call, int status, const struct oci_digest *digest)
{
    api_reply_start(call, status);
    http_reply_header(call->req, "Docker-Content-Digest", oci_digest_str(digest));
    http_reply_headerf(call->req, "ETag", "\"%s\"", digest->text);
    http_reply_header(call->req, "Accept-Ranges", STR("bytes"));
}

/* A blob is foreign bytes: no browser shall take it for a page of ours. */
static void reply_content_headers(struct api_call *call)
{
    http_reply_header(call->req, "Content-Type", STR("application/octet-stream"));
    http_reply_header(call->req, "Content-Disposition", STR("attachment"));
    http_reply_header(call->req, "Content-Security-Policy", STR("sandbox"));
}

static int send_blob(struct api_call *call, const struct oci_digest *digest,
                     const struct work_blob *blob, bool may_write, struct err *err)
{
    struct oci_range     range   = { .from = 0, .size = blob->size };
    AUTO(file_close) int fd      = -1;
    bool                 is_head = http_method(call->req) == HTTP_HEAD;
    int                  partial = 0;

    if (api_client_has(call, oci_digest_str(digest))) {
        reply_blob_headers(call, 304, digest);
        return 0;
    }
    if (!is_head)
        partial = oci_range_parse(http_header(call->req, "Range"), blob->size, &range, err);
    if (partial < 0) {
        api_reply_error(call, err);
        http_reply_headerf(call->req, "Content-Range", "bytes */%lld", (long long)blob->size);
        return 0;
    }
    if (partial == 0)
        range = (struct oci_range){ .from = 0, .size = blob->size };
    if (work_open_blob(call->work, &call->repo, digest, blob, may_write, &fd, err) < 0)
        return -1;

    reply_blob_headers(call, partial == 1 ? 206 : 200, digest);
    reply_content_headers(call);
    if (partial == 1)
        http_reply_headerf(call->req, "Content-Range", "bytes %lld-%lld/%lld",
                           (long long)range.from, (long long)(range.from + range.size - 1),
                           (long long)blob->size);
    if (is_head)
        http_reply_size_only(call->req, blob->size);
    else
        http_reply_file(call->req, fd, range.from, range.size);
    if (!is_head)
        fd = -1; /* the answer has it */
    return 0;
}

static int find(struct api_call *call, bool may_write, struct oci_digest *digest,
                struct work_blob *blob, bool *must_write, struct err *err)
{
    if (oci_digest_parse(api_hole(call, "digest"), digest, err) < 0)
        return -1;
    return work_find_blob(call->work, call->arena, &call->repo, digest, may_write, blob, must_write,
                          err);
}

static int get_blob(struct api_call *call, struct err *err)
{
    struct oci_digest digest;
    struct work_blob  blob;
    bool              ignored_must_write; /* it was written */

    if (find(call, true, &digest, &blob, &ignored_must_write, err) < 0)
        return -1;
    return send_blob(call, &digest, &blob, true, err);
}

static int get_blob_fast(struct api_call *call, struct err *err)
{
    struct oci_digest digest;
    struct work_blob  blob;
    bool              must_write = false;

    if (find(call, false, &digest, &blob, &must_write, err) < 0)
        return -1;
    if (must_write || work_verifies(call->work))
        return 0;
    return send_blob(call, &digest, &blob, false, err) < 0 ? -1 : 1;
}

static int delete_blob(struct api_call *call, struct err *err)
{
    struct oci_digest digest;

    if (oci_digest_parse(api_hole(call, "digest"), &digest, err) < 0 ||
        work_delete_blob(call->work, call->arena, &call->actor, &call->repo, &digest, err) < 0)
        return -1;
    api_reply_start(call, 202);
    http_reply_header(call->req, "Docker-Content-Digest", oci_digest_str(&digest));
    return 0;
}

static const int parts[] = { 206, 304, 416, 0 };

/* clang-format off */
const struct api_route api_v2_blob_routes[] = {
    { .name = "blob.get",    .method = HTTP_GET,    .path = "/v2/{name...}/blobs/{digest}",
      .may = API_MAY_PULL, .family = API_V2, .recalls = true,
      .says = "A blob, or a part of it", .sends = "application/octet-stream", .also = parts,
      .fast = get_blob_fast, .run = get_blob },
    { .name = "blob.delete", .method = HTTP_DELETE, .path = "/v2/{name...}/blobs/{digest}",
      .may = API_MAY_DELETE, .family = API_V2, .changes = true,
      .says = "Take a blob out of the repository", .status = 202,
      .run = delete_blob },
    { 0 },
};
/* clang-format on */
