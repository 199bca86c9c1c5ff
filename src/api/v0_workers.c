/* api/v0_workers.c: the nodes as workers of the queue, on DTR's routes: which there are and how many jobs of each action
 * they take at once. */
#include "api/api_private.h"
#include "api/list.h"
#include "base/mem.h"
#include "work/job.h"

enum { MAP_MAX = 32 };

struct worker_view {
    struct json_numbers capacity;
    struct str          heartbeat_expiration;
    struct str          id;
    struct str          status;
};

struct capacity_form {
    struct json_numbers capacity;
};

/* clang-format off */
static const struct json_field worker_fields[] = {
    { .name = "capacityMap",         .kind = JSON_NUMBERS, .offset = JSON_AT(struct worker_view, capacity, struct json_numbers) },
    { .name = "heartbeatExpiration", .kind = JSON_STRING,  .offset = JSON_AT(struct worker_view, heartbeat_expiration, struct str) },
    { .name = "id",                  .kind = JSON_STRING,  .offset = JSON_AT(struct worker_view, id, struct str) },
    { .name = "status",              .kind = JSON_STRING,  .offset = JSON_AT(struct worker_view, status, struct str) },
};
static const struct json_table worker_table = {
    .name = "Worker", .size = sizeof(struct worker_view), .fields = worker_fields, .n_fields = ARRAY_LEN(worker_fields),
};

static const struct json_field form_fields[] = {
    { .name = "capacityMap", .kind = JSON_NUMBERS, .offset = JSON_AT(struct capacity_form, capacity, struct json_numbers),
      .flags = JSON_REQUIRED, .max = MAP_MAX },
};
static const struct json_table form_table = {
    .name = "UpdateWorkerCapacity", .size = sizeof(struct capacity_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};
/* clang-format on */

static int list_workers(struct api_call *call, struct err *err)
{
    struct work_worker *workers;
    size_t              n;

    if (work_worker_list(call->work, call->arena, call->api->settings.kinds, &workers, &n, err) < 0)
        return -1;
    struct api_list *list = api_list_begin(call, "workers");
    for (size_t i = 0; i < n; i++) {
        struct json_write *w    = api_list_item(list, err);
        struct worker_view view = {
            .capacity             = workers[i].capacity,
            .heartbeat_expiration = api_time(call->arena, workers[i].seen_at + WORK_SILENT_US),
            .id                   = workers[i].id,
            .status               = workers[i].is_alive ? STR("running") : STR("dead"),
        };

        if (w == NULL)
            return -1;
        json_write_table(w, &worker_table, &view);
    }
    return api_list_reply(list, err);
}

static int change_capacity(struct api_call *call, struct err *err)
{
    struct capacity_form form = { 0 };

    if (api_body(call, &form, err) < 0 ||
        work_worker_capacity(call->work, &call->actor, api_hole(call, "id"), &form.capacity, err) <
            0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const int absent[] = { 404, 0 };

const struct api_route api_v0_worker_routes[] = {
    { .name = "workers.list",     .method = HTTP_GET,  .path = "/api/v0/workers",
      .may  = API_MAY_INSTANCE, .family = API_DTR,     .run = list_workers,
      .says = "The nodes, and how many jobs of each action they take at once", .gives = &worker_table, .list = "workers" },
    { .name = "workers.capacity", .method = HTTP_POST, .path = "/api/v0/workers/{id}/capacity",
      .may  = API_MAY_INSTANCE, .family = API_DTR,     .run = change_capacity, .changes = true, .status = 202,
      .says = "Change how many jobs a node takes at once; actions that are not named stay as they are",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .also = absent },
    { 0 },
};
/* clang-format on */
