/* api/v1_holds.c: holds: what may not be deleted, moved, collected or purged, for a reason. Made by those who have the verb
 * `hold` at the place; a digest wherever it is, by those who have it at the whole registry. Lifted by their owner, or
 * from above. */
#include "api/call.h"
#include "api/list.h"
#include "api/pages.h"
#include "api/place.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/hold.h"

struct hold {
    struct str id;
    struct str kind;
    struct str path;
    struct str tag;
    struct str digest;
    int64_t    days;
    struct str reason;
    struct str owner;
    struct str until;
    struct str created_at;
};

struct hold_form {
    struct str prefix;
    bool       is_prefix;
    struct str repository;
    struct str tag;
    struct str digest;
    int64_t    days;
    struct str reason;
    struct str until;
};

/* clang-format off */
static const struct json_field hold_fields[] = {
    { .name = "id",        .kind = JSON_STRING,  .offset = JSON_AT(struct hold, id, struct str) },
    { .name = "kind",      .kind = JSON_STRING,  .offset = JSON_AT(struct hold, kind, struct str) },
    { .name = "path",      .kind = JSON_STRING,  .offset = JSON_AT(struct hold, path, struct str) },
    { .name = "tag",       .kind = JSON_STRING,  .offset = JSON_AT(struct hold, tag, struct str),    .flags = JSON_OMIT },
    { .name = "digest",    .kind = JSON_STRING,  .offset = JSON_AT(struct hold, digest, struct str), .flags = JSON_OMIT },
    { .name = "keepDays",  .kind = JSON_INTEGER, .offset = JSON_AT(struct hold, days, int64_t),      .flags = JSON_OMIT },
    { .name = "reason",    .kind = JSON_STRING,  .offset = JSON_AT(struct hold, reason, struct str) },
    { .name = "owner",     .kind = JSON_STRING,  .offset = JSON_AT(struct hold, owner, struct str) },
    { .name = "until",     .kind = JSON_STRING,  .offset = JSON_AT(struct hold, until, struct str) },
    { .name = "createdAt", .kind = JSON_STRING,  .offset = JSON_AT(struct hold, created_at, struct str) },
};
static const struct json_table hold_table = {
    .name = "Hold", .size = sizeof(struct hold), .fields = hold_fields, .n_fields = ARRAY_LEN(hold_fields),
};

static const struct json_field form_fields[] = {
    { .name = "prefix",     .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, prefix, struct str),
      .has_offset = JSON_AT(struct hold_form, is_prefix, bool) },
    { .name = "repository", .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, repository, struct str) },
    { .name = "tag",        .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, tag, struct str) },
    { .name = "digest",     .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, digest, struct str) },
    { .name = "keepDays",   .kind = JSON_INTEGER, .offset = JSON_AT(struct hold_form, days, int64_t) },
    { .name = "reason",     .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, reason, struct str), .flags = JSON_REQUIRED },
    { .name = "until",      .kind = JSON_STRING,  .offset = JSON_AT(struct hold_form, until, struct str), .max = 64 },
};
static const struct json_table form_table = {
    .name = "CreateHold", .size = sizeof(struct hold_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};
/* clang-format on */

static struct hold hold_of(struct arena *arena, const struct meta_hold *row)
{
    return (struct hold){ .id         = row->uuid,
                          .kind       = row->kind,
                          .path       = row->path,
                          .tag        = row->tag,
                          .digest     = row->digest,
                          .days       = row->days,
                          .reason     = row->reason,
                          .owner      = row->owner,
                          .until      = api_time(arena, row->until),
                          .created_at = api_time(arena, row->created_at) };
}

/* -- making ------------------------------------------------------------------------------------------- */

static int bad(const char *field, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field), "%s: %s", field,
                        rule);
}

/* A prefix; or a repository with one of tag and digest; or a digest alone. */
static int check_form(const struct hold_form *form, struct err *err)
{
    struct oci_digest ignored_digest; /* that it is one is enough */

    if (form->is_prefix && (form->repository.n > 0 || form->tag.n > 0 || form->digest.n > 0))
        return bad("prefix", "goes together with neither repository, tag nor digest", err);
    if (form->tag.n > 0 && (form->digest.n > 0 || form->repository.n == 0))
        return bad("tag", "goes together with a repository, and not with a digest", err);
    if (!form->is_prefix && form->tag.n == 0 && form->digest.n == 0)
        return bad("prefix, tag, digest", "one of them says what is held", err);
    if (form->tag.n > 0 && oci_tag_check(form->tag, err) < 0)
        return bad("tag", "is not a tag", err);
    if (form->digest.n > 0 && oci_digest_parse(form->digest, &ignored_digest, err) < 0)
        return bad("digest", "is not a digest such as sha256:…", err);
    return 0;
}

static int create_hold(struct api_call *call, struct err *err)
{
    struct hold_form form = { 0 };
    struct meta_hold row  = { 0 };
    struct auth_repo place;

    if (api_body(call, &form, err) < 0 || check_form(&form, err) < 0 ||
        api_time_read("until", form.until, &row.until, err) < 0)
        return -1;
    int may = form.repository.n > 0
                  ? api_place_open_repo(call, form.repository, AUTH_HOLD, "hold", &place, err)
                  : api_place_open(call, form.is_prefix ? form.prefix : STR(""), AUTH_HOLD, "hold",
                                   &place, err);
    if (may < 1)
        return may;
    row.tag    = form.tag;
    row.digest = form.digest;
    row.days   = form.days;
    row.reason = form.reason;
    if (work_hold_add(call->work, call->arena, &call->actor, &place, &row, &row, err) < 0)
        return -1;
    struct hold hold = hold_of(call->arena, &row);
    return api_reply_value(call, &hold, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

/* The hold in the path, when the caller has the verb at its place: 1, 0 it is answered, -1. */
static int open_hold(struct api_call *call, enum auth_verb verb, const char *needs,
                     struct meta_hold *out, struct err *err)
{
    struct auth_repo  ignored_place; /* only whether it may be had */
    enum auth_verdict verdict;

    if (work_hold_get(call->work, call->arena, api_hole(call, "hold"), out, err) < 0 ||
        auth_prefix_open(call->auth, call->arena, &call->caller, out->path, verb, &ignored_place,
                         &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_HIDDEN)
        return work_hold_absent(out->uuid, err);
    call->path = out->path;
    if (verdict != AUTH_YES)
        api_deny(call, verdict, needs);
    return verdict == AUTH_YES;
}

static int get_hold(struct api_call *call, struct err *err)
{
    struct meta_hold row;
    int              may = open_hold(call, AUTH_VIEW, "view", &row, err);

    if (may < 1)
        return may;
    struct hold hold = hold_of(call->arena, &row);
    return api_reply_value(call, &hold, err);
}

static int lift_hold(struct api_call *call, struct err *err)
{
    struct meta_hold  row;
    struct auth_repo  ignored_place;
    enum auth_verdict above;
    int               may = open_hold(call, AUTH_HOLD, "hold", &row, err);

    if (may < 1)
        return may;
    if (auth_prefix_open(call->auth, call->arena, &call->caller, STR(""), AUTH_HOLD, &ignored_place,
                         &above, err) < 0 ||
        work_hold_lift(call->work, call->arena, &call->actor, above == AUTH_YES, row.uuid, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- the list ----------------------------------------------------------------------------------------- */

static int read_holds(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_hold *rows;
    int64_t           id = 0;

    if (after.p != NULL && !str_to_int(after, &id))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", after,
                            "pageStart: is not the start of a page of this list");
    if (work_hold_page(call->work, arena, *(const struct str *)what, id, n_max, &rows, n_out, err) <
        0)
        return -1;
    *out = rows;
    return 0;
}

static struct str hold_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct meta_hold *)row)->id));
}

static void write_hold(struct api_call *call, struct json_write *w, const void *row)
{
    struct hold hold = hold_of(call->arena, row);

    json_write_table(w, &hold_table, &hold);
}

static const struct api_pages hold_pages = {
    .read = read_holds, .size = sizeof(struct meta_hold), .key = hold_key, .write = write_hold
};

static int list_holds(struct api_call *call, struct err *err)
{
    return api_place_list(call, &hold_pages, "holds", AUTH_VIEW, "view", err);
}

/* clang-format off */
const struct api_route api_v1_holds_routes[] = {
    { .name = "hold.list",   .method = HTTP_GET,    .path = "/api/v1/holds",
      .may = API_MAY_USER, .family = API_OURS, .says = "Holds at a prefix and below it, those that are over too",
      .gives = &hold_table, .list = "holds", .query = api_place_params,
      .run = list_holds },
    { .name = "hold.create", .method = HTTP_POST,   .path = "/api/v1/holds",
      .may = API_MAY_USER, .family = API_OURS, .changes = true,
      .says = "Hold a tag, a digest, or all at a prefix and below: it can be neither deleted nor collected nor purged; with keepDays for so long after each push",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &hold_table, .status = 201,
      .run = create_hold },
    { .name = "hold.get",    .method = HTTP_GET,    .path = "/api/v1/holds/{hold}",
      .may = API_MAY_USER, .family = API_OURS, .says = "A hold",
      .gives = &hold_table,
      .run = get_hold },
    { .name = "hold.delete", .method = HTTP_DELETE, .path = "/api/v1/holds/{hold}",
      .may = API_MAY_USER, .family = API_OURS, .says = "Lift a hold", .changes = true,
      .run = lift_hold },
    { 0 },
};
/* clang-format on */
