/* api/v1_history.c: what happened to a tag, what was deleted, and how it comes back. */
#include "api/api_private.h"
#include "api/list.h"
#include "api/pages.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/name.h"
#include "work/undelete.h"

struct move {
    struct str at;
    struct str type;
    struct str account;
    struct str digest;
    struct str old_digest;
};

struct deleted {
    struct str kind;
    struct str name;
    struct str digest;
    struct str at;
    struct str until;
    struct str account;
};

struct undeleted {
    struct str kind;
    struct str name;
    struct str digest;
};

/* clang-format off */
static const struct json_field move_fields[] = {
    { .name = "at",        .kind = JSON_STRING, .offset = JSON_AT(struct move, at, struct str) },
    { .name = "type",      .kind = JSON_STRING, .offset = JSON_AT(struct move, type, struct str) },
    { .name = "account",   .kind = JSON_STRING, .offset = JSON_AT(struct move, account, struct str) },
    { .name = "digest",    .kind = JSON_STRING, .offset = JSON_AT(struct move, digest, struct str),     .flags = JSON_OMIT },
    { .name = "oldDigest", .kind = JSON_STRING, .offset = JSON_AT(struct move, old_digest, struct str), .flags = JSON_OMIT },
};
static const struct json_table move_table = {
    .name = "TagMove", .size = sizeof(struct move), .fields = move_fields, .n_fields = ARRAY_LEN(move_fields),
};

static const struct json_field deleted_fields[] = {
    { .name = "kind",    .kind = JSON_STRING, .offset = JSON_AT(struct deleted, kind, struct str) },
    { .name = "name",    .kind = JSON_STRING, .offset = JSON_AT(struct deleted, name, struct str) },
    { .name = "digest",  .kind = JSON_STRING, .offset = JSON_AT(struct deleted, digest, struct str) },
    { .name = "at",      .kind = JSON_STRING, .offset = JSON_AT(struct deleted, at, struct str) },
    { .name = "until",   .kind = JSON_STRING, .offset = JSON_AT(struct deleted, until, struct str) },
    { .name = "account", .kind = JSON_STRING, .offset = JSON_AT(struct deleted, account, struct str), .flags = JSON_OMIT },
};
static const struct json_table deleted_table = {
    .name = "Deleted", .size = sizeof(struct deleted), .fields = deleted_fields, .n_fields = ARRAY_LEN(deleted_fields),
};

static const struct json_field undeleted_fields[] = {
    { .name = "kind",   .kind = JSON_STRING, .offset = JSON_AT(struct undeleted, kind, struct str) },
    { .name = "name",   .kind = JSON_STRING, .offset = JSON_AT(struct undeleted, name, struct str) },
    { .name = "digest", .kind = JSON_STRING, .offset = JSON_AT(struct undeleted, digest, struct str), .flags = JSON_OMIT },
};
static const struct json_table undeleted_table = {
    .name = "Undeleted", .size = sizeof(struct undeleted), .fields = undeleted_fields, .n_fields = ARRAY_LEN(undeleted_fields),
};
/* clang-format on */

/* -- lists -------------------------------------------------------------------------------------------- */

/* The id of the last record of the page before, or the newest. */
static int read_under(struct str after, int64_t *out, struct err *err)
{
    *out = INT64_MAX;
    if (after.p == NULL || (str_to_int(after, out) && *out > 0))
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", after,
                        "pageStart: it is not the start of a page of this list");
}

static struct str id_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct meta_move *)row)->id));
}

static struct str digest_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct meta_move *)row)->digest;
}

static int read_moves(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_move *rows;
    int64_t           under;

    (void)what;
    if (read_under(after, &under, err) < 0 ||
        work_tag_history(call->work, arena, &call->repo, api_hole(call, "tag"), under, n_max, &rows,
                         n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static int read_tags(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_move *rows;
    int64_t           under;

    (void)what;
    if (read_under(after, &under, err) < 0 ||
        work_deleted_tags(call->work, arena, &call->repo, under, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static int read_manifests(struct api_call *call, const void *what, struct arena *arena,
                          struct str after, size_t n_max, void **out, size_t *n_out,
                          struct err *err)
{
    struct meta_move *rows;

    (void)what;
    if (work_deleted_manifests(call->work, arena, &call->repo, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static void write_move(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_move *from = row;
    char                    at[TEXT_TIME_MAX];
    bool                    is_gone = str_is(from->type, "TAG_DELETE");

    (void)call;
    text_time_print(from->at, at);
    struct move move = { .at         = str_from(at),
                         .type       = from->type,
                         .account    = from->account,
                         .digest     = is_gone ? STR_NULL : from->digest,
                         .old_digest = from->old_digest };
    json_write_table(w, &move_table, &move);
}

static void write_deleted(struct api_call *call, struct json_write *w, const void *row)
{
    const struct meta_move *from = row;
    char                    at[TEXT_TIME_MAX], until[TEXT_TIME_MAX];
    bool                    is_tag = from->tag.n > 0;

    text_time_print(from->at, at);
    text_time_print(work_undelete_until(call->work, from->at), until);
    struct deleted deleted = { .kind    = is_tag ? STR("tag") : STR("manifest"),
                               .name    = is_tag ? from->tag : from->digest,
                               .digest  = from->digest,
                               .at      = str_from(at),
                               .until   = str_from(until),
                               .account = is_tag ? from->account : STR_NULL };
    json_write_table(w, &deleted_table, &deleted);
}

static int list(struct api_call *call, const struct api_pages *pages, struct err *err)
{
    struct api_paging paging;
    struct api_list  *list;
    struct str        next;

    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    list = api_list_begin(call, call->route->list);
    if (api_pages_write(call, pages, NULL, &paging, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

static int list_history(struct api_call *call, struct err *err)
{
    static const struct api_pages pages = {
        .read = read_moves, .size = sizeof(struct meta_move), .key = id_key, .write = write_move
    };

    if (oci_tag_check(api_hole(call, "tag"), err) < 0)
        return -1;
    return list(call, &pages, err);
}

static int list_deleted_tags(struct api_call *call, struct err *err)
{
    static const struct api_pages pages = {
        .read = read_tags, .size = sizeof(struct meta_move), .key = id_key, .write = write_deleted
    };

    return list(call, &pages, err);
}

static int list_deleted_manifests(struct api_call *call, struct err *err)
{
    static const struct api_pages pages = { .read  = read_manifests,
                                            .size  = sizeof(struct meta_move),
                                            .key   = digest_key,
                                            .write = write_deleted };

    return list(call, &pages, err);
}

/* -- bringing back ------------------------------------------------------------------------------------ */

static int undelete_tag(struct api_call *call, struct err *err)
{
    struct undeleted done = { .kind = STR("tag"), .name = api_hole(call, "tag") };

    if (oci_tag_check(done.name, err) < 0 ||
        work_undelete_tag(call->work, call->arena, &call->actor, &call->repo, done.name,
                          &done.digest, err) < 0)
        return -1;
    return api_reply_value(call, &done, err);
}

static int undelete_manifest(struct api_call *call, struct err *err)
{
    struct undeleted  done = { .kind = STR("manifest"), .name = api_hole(call, "digest") };
    struct oci_digest digest;

    if (oci_digest_parse(done.name, &digest, err) < 0 ||
        work_undelete_manifest(call->work, call->arena, &call->actor, &call->repo, &digest, err) <
            0)
        return -1;
    done.digest = done.name;
    return api_reply_value(call, &done, err);
}

/* Whoever may delete a repository there may bring it back. */
static int undelete_repo(struct api_call *call, struct err *err)
{
    struct str path =
        str_from(mem_printf(call->arena, STR_FMT "/" STR_FMT, STR_ARGS(api_hole(call, "namespace")),
                            STR_ARGS(api_hole(call, "name"))));
    struct undeleted  done = { .kind = STR("repository"), .name = path };
    struct auth_repo  place;
    enum auth_verdict verdict;

    if (oci_name_check(path, err) < 0)
        return -1;
    call->path = path;
    if (auth_prefix_open(call->auth, call->arena, &call->caller, path, AUTH_REMOVE, &place,
                         &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES) {
        api_deny(call, verdict == AUTH_NO_NAMESPACE ? AUTH_HIDDEN : verdict,
                 "delete repositories there");
        return 0;
    }
    if (work_undelete_repo(call->work, call->arena, &call->actor, &place, err) < 0)
        return -1;
    return api_reply_value(call, &done, err);
}

/* clang-format off */
static const struct api_param page_params[] = {
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};
static const int conflicts[] = { 405, 409, 503, 507, 0 };

#define REPO "/api/v1/repositories/{namespace}/{name...}"

const struct api_route api_v1_history_routes[] = {
    { .name = "tag.history",          .method = HTTP_GET,  .path = REPO "/tags/{tag}/history",
      .may  = API_MAY_VIEW, .family = API_OURS, .run = list_history,
      .says = "What happened to a tag, the newest first: who moved it when, from which digest to which",
      .gives = &move_table, .list = "history", .query = page_params },
    { .name = "tag.deleted",          .method = HTTP_GET,  .path = REPO "/deleted/tags",
      .may  = API_MAY_VIEW, .family = API_OURS, .run = list_deleted_tags,
      .says = "Tags that were deleted and can be brought back, the last first",
      .gives = &deleted_table, .list = "deleted", .query = page_params },
    { .name = "manifest.deleted",     .method = HTTP_GET,  .path = REPO "/deleted/manifests",
      .may  = API_MAY_VIEW, .family = API_OURS, .run = list_deleted_manifests,
      .says = "Manifests that were deleted and can be brought back, by digest",
      .gives = &deleted_table, .list = "deleted", .query = page_params },
    { .name = "tag.undelete",         .method = HTTP_POST, .path = REPO "/tags/{tag}/undelete",
      .may  = API_MAY_PUSH, .family = API_OURS, .run = undelete_tag, .changes = true, .also = conflicts, .status = 200,
      .says = "Brings a tag back that was deleted, with the manifest that it named", .gives = &undeleted_table },
    { .name = "manifest.undelete",    .method = HTTP_POST, .path = REPO "/manifests/{digest}/undelete",
      .may  = API_MAY_PUSH, .family = API_OURS, .run = undelete_manifest, .changes = true, .also = conflicts, .status = 200,
      .says = "Brings a manifest back that was deleted, and what it names as an index; without its tags",
      .gives = &undeleted_table },
    { .name = "repository.undelete",  .method = HTTP_POST, .path = REPO "/undelete",
      .may  = API_MAY_USER, .family = API_OURS, .run = undelete_repo, .changes = true, .also = conflicts, .status = 200,
      .says = "Brings a repository back that was deleted, with all that was in it", .gives = &undeleted_table },
    { 0 },
};
/* clang-format on */
