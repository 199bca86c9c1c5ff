/* api/v1_sizes.c: how large a repository is, or all at and below a prefix; what of it is its own, and what comes free. */
#include "api/api_private.h"
#include "base/mem.h"
#include "work/size.h"

/* clang-format off */
#define SIZE_AT(member) JSON_AT(struct work_size, member, int64_t)
static const struct json_field size_fields[] = {
    { .name = "blobs",            .kind = JSON_INTEGER, .offset = SIZE_AT(n_blobs) },
    { .name = "manifests",        .kind = JSON_INTEGER, .offset = SIZE_AT(n_manifests) },
    { .name = "own",              .kind = JSON_INTEGER, .offset = SIZE_AT(own) },
    { .name = "reclaimable",      .kind = JSON_INTEGER, .offset = SIZE_AT(now) },
    { .name = "reclaimableLater", .kind = JSON_INTEGER, .offset = SIZE_AT(later) },
    { .name = "repositories",     .kind = JSON_INTEGER, .offset = SIZE_AT(n_repositories) },
    { .name = "shared",           .kind = JSON_INTEGER, .offset = SIZE_AT(shared) },
    { .name = "size",             .kind = JSON_INTEGER, .offset = SIZE_AT(size) },
    { .name = "tags",             .kind = JSON_INTEGER, .offset = SIZE_AT(n_tags) },
};
static const struct json_table size_table = {
    .name = "Sizes", .size = sizeof(struct work_size), .fields = size_fields, .n_fields = ARRAY_LEN(size_fields),
};
/* clang-format on */

static int of_repo(struct api_call *call, struct err *err)
{
    struct work_size size;

    if (work_size_of_repo(call->work, &call->repo, &size, err) < 0)
        return -1;
    return api_reply_value(call, &size, err);
}

/* For who sees all that is there. */
static int of_prefix(struct api_call *call, struct err *err)
{
    struct auth_repo  place;
    struct work_size  size;
    struct str        prefix;
    enum auth_verdict verdict;

    if (api_query(call, "prefix", "INVALID_PARAMETERS", &prefix, err) < 0)
        return -1;
    prefix = prefix.p == NULL ? STR("") : prefix;
    if (auth_prefix_open(call->auth, call->arena, &call->caller, prefix, AUTH_VIEW, &place,
                         &verdict, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err->kind == ERR_INVALID ? err_wrap(err, "prefix") : -1;
    }
    if (verdict != AUTH_YES) {
        call->path = prefix.n == 0 ? STR_NULL : prefix;
        api_deny(call, prefix.n == 0 && verdict == AUTH_HIDDEN ? AUTH_TOO_FEW : verdict,
                 "see all repositories there");
        return 0;
    }
    if (work_size_below(call->work, prefix, &size, err) < 0)
        return -1;
    return api_reply_value(call, &size, err);
}

/* clang-format off */
static const struct api_param prefix_params[] = {
    { "prefix", "string", "a namespace, or a part of one; absent: the registry, for system admins" },
    { 0 },
};
static const int too_large[] = { 413, 0 };

const struct api_route api_v1_sizes_routes[] = {
    { .name = "repository.sizes", .method = HTTP_GET, .path = "/api/v1/repositories/{namespace}/{name...}/sizes",
      .may  = API_MAY_VIEW, .family = API_OURS, .run = of_repo, .also = too_large,
      .says = "How large a repository is in bytes, what of it no other has, and what comes free now and later",
      .gives = &size_table },
    { .name = "sizes",            .method = HTTP_GET, .path = "/api/v1/sizes",
      .may  = API_MAY_USER, .family = API_OURS, .run = of_prefix, .also = too_large,
      .says = "The same of all repositories at a prefix and below", .gives = &size_table, .query = prefix_params },
    { 0 },
};
/* clang-format on */
