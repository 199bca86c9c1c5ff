/* api/v2_upload.c: uploads (OCI distribution spec, end-4 to end-6, end-11, end-13, end-14). The state of an
 * upload is in its path and nowhere else. */
#include "api/call.h"
#include "base/mem.h"
#include "oci/range.h"
#include "work/mount.h"
#include "work/upload.h"
#include "work/work.h"

static struct str location_of(struct api_call *call, struct str id)
{
    return str_from(mem_printf(call->arena, "/v2/" STR_FMT "/blobs/uploads/" STR_FMT,
                               STR_ARGS(call->repo.path), STR_ARGS(id)));
}

/* The bytes that are here, inclusive; "0-0" also when there are none, as clients know it. */
static void reply_session(struct api_call *call, int status, struct str id, int64_t offset)
{
    api_reply_start(call, status);
    http_reply_header(call->req, "Location", location_of(call, id));
    http_reply_headerf(call->req, "Range", "0-%lld", (long long)(offset > 0 ? offset - 1 : 0));
    http_reply_header(call->req, "Docker-Upload-UUID", id);
}

static void reply_created(struct api_call *call, const struct oci_digest *digest)
{
    api_reply_start(call, 201);
    http_reply_headerf(call->req, "Location", "/v2/" STR_FMT "/blobs/%s", STR_ARGS(call->repo.path),
                       digest->text);
    http_reply_header(call->req, "Docker-Content-Digest", oci_digest_str(digest));
}

/* -- POST --------------------------------------------------------------------------------------------- */

/* Reading from the source is decided like any pull; a source that may not be read is as good as none. */
static int mount(struct api_call *call, const struct oci_digest *digest, struct err *err)
{
    struct auth_repo  from;
    struct auth_view  view = { 0 };
    enum auth_verdict verdict;
    struct str        name;

    if (api_query(call, "from", "NAME_INVALID", &name, err) < 0)
        return -1;
    if (name.p == NULL) {
        view = (struct auth_view){ .is_all = call->caller.kind == AUTH_ACCOUNT &&
                                             call->caller.is_admin && !call->caller.is_narrowed,
                                   .namespace_id =
                                       call->caller.is_narrowed ? 0 : call->caller.account_id };
        return work_mount(call->work, call->arena, &call->actor, &call->repo, NULL, &view, digest,
                          err);
    }
    if (oci_name_check(name, err) < 0)
        return -1;
    if (auth_repo_open(call->auth, call->arena, &call->caller, name, AUTH_PULL, &from, &verdict,
                       err) < 0)
        return -1;
    if (verdict != AUTH_YES)
        return 0;
    return work_mount(call->work, call->arena, &call->actor, &call->repo, &from, &view, digest,
                      err);
}

static int try_mount(struct api_call *call, struct err *err)
{
    struct oci_digest digest;
    struct str        text;

    if (api_query(call, "mount", "DIGEST_INVALID", &text, err) < 0)
        return -1;
    if (text.p == NULL)
        return 0;
    if (oci_digest_parse(text, &digest, err) < 0)
        return -1;

    int mounted = mount(call, &digest, err);
    if (mounted == 1)
        reply_created(call, &digest);
    return mounted;
}

static int begin_session(struct api_call *call, struct err *err)
{
    char          *id     = mem_alloc(call->arena, WORK_UPLOAD_ID_MAX);
    enum hash_kind second = HASH_SHA256;
    struct str     algorithm;

    if (api_query(call, "digest-algorithm", "DIGEST_INVALID", &algorithm, err) < 0)
        return -1;
    if (str_is(algorithm, "sha512"))
        second = HASH_SHA512;
    else if (algorithm.p != NULL && !str_is(algorithm, "sha256"))
        return err_set_code(err, ERR_INVALID, "DIGEST_INVALID", algorithm,
                            "only sha256 and sha512 are known");
    if (work_upload_begin(call->work, &call->actor, &call->repo, second, id, err) < 0)
        return -1;
    reply_session(call, 202, str_from(id), 0);
    return 0;
}

struct streaming {
    struct work_upload *upload;
    struct oci_digest   digest; /* of POST and PUT */
    struct str          id;     /* null view: a single POST */
};

static struct streaming *set_streaming(struct api_call *call)
{
    struct streaming *streaming = mem_one(call->arena, struct streaming);

    call->state = streaming;
    return streaming;
}

/* Where the request says how much comes, what does not fit is refused before it does. */
static int announce(struct api_call *call, const struct oci_digest *digest, struct err *err)
{
    struct streaming *streaming = call->state;
    int64_t           size      = http_content_length(call->req);

    return work_upload_announce(streaming->upload, digest, size > 0 ? size : 0, err);
}

static int post_open(struct api_call *call, struct err *err)
{
    struct oci_digest digest;
    struct str        text;

    int mounted = try_mount(call, err);
    if (mounted != 0)
        return mounted < 0 ? -1 : 0;

    if (api_query(call, "digest", "DIGEST_INVALID", &text, err) < 0)
        return -1;
    if (text.p == NULL)
        return begin_session(call, err);

    if (oci_digest_parse(text, &digest, err) < 0)
        return -1;
    struct streaming *streaming = set_streaming(call);
    streaming->digest           = digest;
    if (work_upload_begin_single(call->work, &call->actor, &call->repo, &digest, &streaming->upload,
                                 err) < 0)
        return -1;
    return announce(call, &digest, err);
}

/* -- PATCH and PUT ------------------------------------------------------------------------------------ */

/* A chunk that names its place must begin where the upload is. */
static int check_place(struct api_call *call, struct err *err)
{
    struct streaming *streaming = call->state;
    struct str        header    = http_header(call->req, "Content-Range");
    int64_t           offset    = work_upload_offset(streaming->upload);
    struct oci_range  range;

    if (header.p == NULL)
        return 0;

    int done = oci_content_range_parse(header, &range, err);
    if (done == 0 && range.from != offset)
        done = err_set(err, ERR_RANGE, "the chunk begins at %lld, the upload is at %lld",
                       (long long)range.from, (long long)offset);
    if (done == 0 && http_content_length(call->req) >= 0 &&
        http_content_length(call->req) != range.size)
        done = err_set(err, ERR_RANGE, "the chunk has %lld bytes, its range %lld",
                       (long long)http_content_length(call->req), (long long)range.size);
    if (done == 0)
        return 0;

    err->code = "BLOB_UPLOAD_INVALID";
    api_reply_error(call, err);
    http_reply_header(call->req, "Location", location_of(call, streaming->id));
    http_reply_headerf(call->req, "Range", "0-%lld", (long long)(offset > 0 ? offset - 1 : 0));
    return 0;
}

static int open_session(struct api_call *call, struct streaming *streaming,
                        const struct oci_digest *digest, struct err *err)
{
    streaming->id = api_hole(call, "id");
    if (work_upload_open(call->work, &call->actor, &call->repo, streaming->id, &streaming->upload,
                         err) < 0 ||
        announce(call, digest, err) < 0)
        return -1;
    return check_place(call, err);
}

static int patch_open(struct api_call *call, struct err *err)
{
    return open_session(call, set_streaming(call), NULL, err);
}

static int put_open(struct api_call *call, struct err *err)
{
    struct streaming *streaming = set_streaming(call);
    struct str        text;

    if (api_query(call, "digest", "DIGEST_INVALID", &text, err) < 0)
        return -1;
    if (text.p == NULL)
        return err_set_code(err, ERR_INVALID, "DIGEST_INVALID", STR_NULL,
                            "the digest of the blob is missing");
    if (oci_digest_parse(text, &streaming->digest, err) < 0)
        return -1;
    return open_session(call, streaming, &streaming->digest, err);
}

static int write_piece(struct api_call *call, struct str bytes, struct err *err)
{
    struct streaming *streaming = call->state;

    return work_upload_write(streaming->upload, bytes, err);
}

static int patch(struct api_call *call, struct err *err)
{
    struct streaming *streaming = call->state;

    if (work_upload_flush(streaming->upload, err) < 0)
        return -1;
    reply_session(call, 202, streaming->id, work_upload_offset(streaming->upload));
    work_upload_close(&streaming->upload);
    return 0;
}

static int finish_upload(struct api_call *call, struct err *err)
{
    struct streaming *streaming = call->state;

    if (work_upload_finish(streaming->upload, &call->actor, &call->repo, &streaming->digest, err) <
        0)
        return -1;
    work_upload_close(&streaming->upload);
    reply_created(call, &streaming->digest);
    return 0;
}

/* The connection went, or the request was refused on its way: what has come so far can be resumed. */
static void drop(struct api_call *call)
{
    struct streaming *streaming = call->state;
    struct err        ignored; /* what could not be kept is sent again by the client */

    if (streaming == NULL || streaming->upload == NULL)
        return;
    (void)work_upload_flush(streaming->upload, &ignored);
    work_upload_close(&streaming->upload);
}

/* -- GET and DELETE ----------------------------------------------------------------------------------- */

static int get_status(struct api_call *call, struct err *err)
{
    struct str id = api_hole(call, "id");
    int64_t    offset;

    if (work_upload_status(call->work, &call->actor, &call->repo, id, &offset, err) < 0)
        return -1;
    reply_session(call, 204, id, offset);
    return 0;
}

static int cancel(struct api_call *call, struct err *err)
{
    if (work_upload_cancel(call->work, &call->actor, &call->repo, api_hole(call, "id"), err) < 0)
        return -1;
    api_reply_start(call, 204);
    return 0;
}

static const int begun[]   = { 202, 0 };
static const int outside[] = { 416, 0 };

/* clang-format off */
static const struct api_param post_params[] = {
    { "digest",           "string", "the body is the whole blob, and this its digest" },
    { "mount",            "string", "digest of a blob that the caller may read elsewhere" },
    { "from",             "string", "the repository that it is mounted from" },
    { "digest-algorithm", "string", "sha256 or sha512: what the blob will be known by" },
    { 0 },
};

static const struct api_param put_params[] = {
    { "digest", "string", "of the whole blob", .is_required = true },
    { 0 },
};

const struct api_route api_v2_upload_routes[] = {
    { .name = "upload.post",   .method = HTTP_POST,   .path = "/v2/{name...}/blobs/uploads",
      .flags = HTTP_ROUTE_TRAILING, .may = API_MAY_PUSH, .family = API_V2, .body = HTTP_BODY_STREAM, .changes = true,
      .says = "Begin an upload, mount a blob (201), or push a whole one (201)", .accepts = "application/octet-stream",
      .status = 201, .also = begun, .query = post_params,
      .open = post_open, .piece = write_piece, .run = finish_upload, .drop = drop },
    { .name = "upload.patch",  .method = HTTP_PATCH,  .path = "/v2/{name...}/blobs/uploads/{id}",
      .may = API_MAY_PUSH, .family = API_V2, .body = HTTP_BODY_STREAM, .changes = true,
      .says = "Upload the next piece", .accepts = "application/octet-stream", .status = 202, .also = outside,
      .open = patch_open, .piece = write_piece, .run = patch, .drop = drop },
    { .name = "upload.put",    .method = HTTP_PUT,    .path = "/v2/{name...}/blobs/uploads/{id}",
      .may = API_MAY_PUSH, .family = API_V2, .body = HTTP_BODY_STREAM, .changes = true,
      .says = "Upload the last piece, and finish", .accepts = "application/octet-stream", .status = 201, .also = outside,
      .query = put_params,
      .open = put_open, .piece = write_piece, .run = finish_upload, .drop = drop },
    { .name = "upload.status", .method = HTTP_GET,    .path = "/v2/{name...}/blobs/uploads/{id}",
      .may = API_MAY_PUSH, .family = API_V2,
      .says = "How far an upload is", .status = 204,
      .run = get_status },
    { .name = "upload.cancel", .method = HTTP_DELETE, .path = "/v2/{name...}/blobs/uploads/{id}",
      .may = API_MAY_PUSH, .family = API_V2, .changes = true,
      .says = "Give an upload up", .status = 204,
      .run = cancel },
    { 0 },
};
/* clang-format on */
