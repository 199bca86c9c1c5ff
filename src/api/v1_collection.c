/* api/v1_collection.c: what collection freed, what waits and why, and what holds it. A run is asked for as a job of the
 * kind onlinegc. For system admins. */
#include "api/api_private.h"
#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "work/collect.h"
#include "work/job.h"

struct brake {
    struct str reason;
    struct str until;
    bool       can_reset;
};

struct status {
    int64_t          waiting;
    int64_t          due;
    int64_t          failing;
    struct str       next_at;
    int64_t          doomed;
    int64_t          doomed_bytes;
    int64_t          due_bytes;
    struct str       last_free_at;
    struct json_list brakes;
    int64_t          fuse_blobs;
    int64_t          fuse_blobs_max;
    int64_t          fuse_bytes;
    int64_t          fuse_bytes_max;
    struct str       since;
    int64_t          manifests;
    int64_t          blobs;
    int64_t          objects;
    int64_t          freed_bytes;
};

struct item {
    struct str kind;
    struct str id;
    bool       goes;
    struct str reason;
    struct str again_at;
    int64_t    bytes;
};

/* clang-format off */
static const struct json_field brake_fields[] = {
    { .name = "reason",   .kind = JSON_STRING, .offset = JSON_AT(struct brake, reason, struct str) },
    { .name = "until",    .kind = JSON_STRING, .offset = JSON_AT(struct brake, until, struct str), .flags = JSON_OMIT },
    { .name = "canReset", .kind = JSON_BOOL,   .offset = JSON_AT(struct brake, can_reset, bool) },
};
static const struct json_table brake_table = {
    .name = "CollectionBrake", .size = sizeof(struct brake), .fields = brake_fields, .n_fields = ARRAY_LEN(brake_fields),
};

static const struct json_field status_fields[] = {
    { .name = "waiting",      .kind = JSON_INTEGER, .offset = JSON_AT(struct status, waiting, int64_t) },
    { .name = "due",          .kind = JSON_INTEGER, .offset = JSON_AT(struct status, due, int64_t) },
    { .name = "failing",      .kind = JSON_INTEGER, .offset = JSON_AT(struct status, failing, int64_t) },
    { .name = "nextAt",       .kind = JSON_STRING,  .offset = JSON_AT(struct status, next_at, struct str), .flags = JSON_OMIT },
    { .name = "doomed",       .kind = JSON_INTEGER, .offset = JSON_AT(struct status, doomed, int64_t) },
    { .name = "doomedBytes",  .kind = JSON_INTEGER, .offset = JSON_AT(struct status, doomed_bytes, int64_t) },
    { .name = "dueBytes",     .kind = JSON_INTEGER, .offset = JSON_AT(struct status, due_bytes, int64_t) },
    { .name = "lastFreeAt",   .kind = JSON_STRING,  .offset = JSON_AT(struct status, last_free_at, struct str), .flags = JSON_OMIT },
    { .name = "brakes",       .kind = JSON_LIST,    .offset = JSON_AT(struct status, brakes, struct json_list), .table = &brake_table },
    { .name = "fuseBlobs",    .kind = JSON_INTEGER, .offset = JSON_AT(struct status, fuse_blobs, int64_t) },
    { .name = "fuseBlobsMax", .kind = JSON_INTEGER, .offset = JSON_AT(struct status, fuse_blobs_max, int64_t) },
    { .name = "fuseBytes",    .kind = JSON_INTEGER, .offset = JSON_AT(struct status, fuse_bytes, int64_t) },
    { .name = "fuseBytesMax", .kind = JSON_INTEGER, .offset = JSON_AT(struct status, fuse_bytes_max, int64_t) },
    { .name = "since",        .kind = JSON_STRING,  .offset = JSON_AT(struct status, since, struct str), .flags = JSON_OMIT },
    { .name = "manifests",    .kind = JSON_INTEGER, .offset = JSON_AT(struct status, manifests, int64_t) },
    { .name = "blobs",        .kind = JSON_INTEGER, .offset = JSON_AT(struct status, blobs, int64_t) },
    { .name = "objects",      .kind = JSON_INTEGER, .offset = JSON_AT(struct status, objects, int64_t) },
    { .name = "freedBytes",   .kind = JSON_INTEGER, .offset = JSON_AT(struct status, freed_bytes, int64_t) },
};
static const struct json_table status_table = {
    .name = "Collection", .size = sizeof(struct status), .fields = status_fields, .n_fields = ARRAY_LEN(status_fields),
};

static const struct json_field item_fields[] = {
    { .name = "kind",    .kind = JSON_STRING,  .offset = JSON_AT(struct item, kind, struct str) },
    { .name = "id",      .kind = JSON_STRING,  .offset = JSON_AT(struct item, id, struct str) },
    { .name = "goes",    .kind = JSON_BOOL,    .offset = JSON_AT(struct item, goes, bool) },
    { .name = "reason",  .kind = JSON_STRING,  .offset = JSON_AT(struct item, reason, struct str) },
    { .name = "againAt", .kind = JSON_STRING,  .offset = JSON_AT(struct item, again_at, struct str), .flags = JSON_OMIT },
    { .name = "bytes",   .kind = JSON_INTEGER, .offset = JSON_AT(struct item, bytes, int64_t) },
};
static const struct json_table item_table = {
    .name = "CollectionItem", .size = sizeof(struct item), .fields = item_fields, .n_fields = ARRAY_LEN(item_fields),
};
/* clang-format on */

struct run {
    bool is_dry;
};

struct started {
    struct str id;
};

/* clang-format off */
static const struct json_field run_fields[] = {
    { .name = "dryRun", .kind = JSON_BOOL, .offset = JSON_AT(struct run, is_dry, bool) },
};
static const struct json_table run_table = {
    .name = "RunCollection", .size = sizeof(struct run), .fields = run_fields, .n_fields = ARRAY_LEN(run_fields),
};

static const struct json_field started_fields[] = {
    { .name = "id", .kind = JSON_STRING, .offset = JSON_AT(struct started, id, struct str) },
};
static const struct json_table started_table = {
    .name = "CollectionJob", .size = sizeof(struct started), .fields = started_fields, .n_fields = ARRAY_LEN(started_fields),
};
/* clang-format on */

/* Null: there is no such time. */
static struct str time_of(struct api_call *call, int64_t at)
{
    return at == 0 ? STR_NULL : api_time(call->arena, at);
}

static struct json_list brakes_of(struct api_call *call, const struct work_collect_status *found)
{
    struct brake *brakes = mem_many(call->arena, found->n_brakes + 1, struct brake);

    for (size_t i = 0; i < found->n_brakes; i++)
        brakes[i] = (struct brake){ .reason    = str_from(found->brakes[i].reason),
                                    .until     = time_of(call, found->brakes[i].until),
                                    .can_reset = found->brakes[i].can_reset };
    return (struct json_list){ .items = brakes, .n = found->n_brakes };
}

static int get_collection(struct api_call *call, struct err *err)
{
    struct work_collect_status found;

    if (work_collect_status(call->work, &found, err) < 0)
        return -1;
    struct status status = { .waiting        = found.counts.n_waiting,
                             .due            = found.counts.n_due,
                             .failing        = found.counts.n_failing,
                             .next_at        = time_of(call, found.counts.first_at),
                             .doomed         = found.counts.n_doomed,
                             .doomed_bytes   = found.counts.n_bytes,
                             .due_bytes      = found.counts.n_due_bytes,
                             .last_free_at   = time_of(call, found.counts.last_free_at),
                             .brakes         = brakes_of(call, &found),
                             .fuse_blobs     = found.fuse_n,
                             .fuse_blobs_max = found.fuse_n_max,
                             .fuse_bytes     = found.fuse_bytes,
                             .fuse_bytes_max = found.fuse_bytes_max,
                             .since          = time_of(call, found.since),
                             .manifests      = found.n_manifests,
                             .blobs          = found.n_blobs,
                             .objects        = found.n_objects,
                             .freed_bytes    = found.object_bytes };
    return api_reply_value(call, &status, err);
}

/* A job of its own, whose log says of each thing what became of it. */
static int run_collection(struct api_call *call, struct err *err)
{
    struct run      run  = { 0 };
    struct meta_job form = { .action = STR("onlinegc") }, job;

    if (api_body(call, &run, err) < 0)
        return -1;
    form.parameters = run.is_dry ? STR("{\"dryRun\":\"true\"}") : STR("{}");
    if (work_job_add(call->work, call->arena, &call->actor, call->api->settings.kinds, &form, &job,
                     err) < 0)
        return -1;
    return api_reply_value(call, &(struct started){ .id = job.uuid }, err);
}

/* -- what waits, and why ------------------------------------------------------------------------------ */

struct listing {
    struct api_list *list;
    bool             has_failed;
    struct err       why;
};

static void write_item(void *context, const struct work_review *review)
{
    struct listing    *listing = context;
    struct json_write *w = listing->has_failed ? NULL : api_list_item(listing->list, &listing->why);
    char               again_at[TEXT_TIME_MAX];
    struct item        item = { .kind   = review->kind,
                                .id     = review->id,
                                .goes   = review->goes,
                                .reason = str_from(review->reason),
                                .bytes  = review->bytes };

    listing->has_failed = w == NULL;
    if (w == NULL)
        return;
    if (review->next_at != 0) {
        text_time_print(review->next_at, again_at);
        item.again_at = str_from(again_at);
    }
    json_write_table(w, &item_table, &item);
}

static bool has_failed(void *context)
{
    return ((const struct listing *)context)->has_failed;
}

static int list_waiting(struct api_call *call, struct err *err)
{
    struct listing      listing = { .list = api_list_begin(call, "items") };
    struct work_collect look    = {
           .is_dry = true, .should_stop = has_failed, .tell = write_item, .context = &listing
    };
    struct work_collected done;

    if (api_query_flag(call, "later", false, &look.with_later, err) < 0 ||
        work_collect(call->work, &look, &done, err) < 0)
        return -1;
    if (listing.has_failed) {
        *err = listing.why;
        return -1;
    }
    return api_list_reply(listing.list, err);
}

/* -- brakes ------------------------------------------------------------------------------------------- */

static int put_brake(struct api_call *call, struct err *err)
{
    if (work_collect_hold(call->work, &call->actor, err) < 0)
        return -1;
    return get_collection(call, err);
}

static int delete_brake(struct api_call *call, struct err *err)
{
    if (work_collect_reset(call->work, &call->actor, err) < 0)
        return -1;
    return get_collection(call, err);
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "later", "boolean", "what is not due yet as well" },
    { 0 },
};

const struct api_route api_v1_collection_routes[] = {
    { .name = "collection.get",   .method = HTTP_GET,    .path = "/api/v1/collection",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "What collection freed, what waits and what holds it",
      .gives = &status_table, .run = get_collection },
    { .name = "collection.run",   .method = HTTP_POST,   .path = "/api/v1/collection",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Start a run, or a dry one: a job, whose log says what became of each thing",
      .changes = true, .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &run_table, .gives = &started_table, .status = 202,
      .run = run_collection },
    { .name = "collection.list",  .method = HTTP_GET,    .path = "/api/v1/collection/items",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "What a run would do with each thing that is due, and why; changes nothing",
      .gives = &item_table, .list = "items", .query = list_params, .run = list_waiting },
    { .name = "collection.hold",  .method = HTTP_PUT,    .path = "/api/v1/collection/brake",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Hold collection on all nodes until it is reset", .changes = true,
      .gives = &status_table, .run = put_brake },
    { .name = "collection.reset", .method = HTTP_DELETE, .path = "/api/v1/collection/brake",
      .may = API_MAY_INSTANCE, .family = API_OURS, .says = "Let go of every brake that can be reset", .changes = true,
      .gives = &status_table, .run = delete_brake },
    { 0 },
};
/* clang-format on */
