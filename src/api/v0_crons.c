/* api/v0_crons.c: the schedules of jobs and the default parameters of actions, on DTR's routes. An action has one of each
 * at most, and goes by its name. */
#include "api/api_private.h"
#include "api/list.h"
#include "api/v0_jobs.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "work/job.h"

enum { MAP_MAX = 32, TEXT_MAX = 64, SCHEDULE_MAX = 256 };

/* -- what is taken and given -------------------------------------------------------------------------- */

struct cron_view {
    struct str          action;
    struct json_numbers capacity;
    struct str          deadline;
    struct str          id;
    struct str          next_run;
    struct json_map     parameters;
    int64_t             retries;
    struct str          schedule;
    struct str          stop_timeout;
};

struct config_view {
    struct str      action;
    struct str      id;
    struct json_map parameters;
};

/* clang-format off */
static const struct json_field cron_create_fields[] = {
    { .name = "action",      .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, action, struct str), .flags = JSON_REQUIRED, .max = TEXT_MAX },
    { .name = "capacityMap", .kind = JSON_NUMBERS, .offset = JSON_AT(struct api_v0_terms, capacity, struct json_numbers), .max = MAP_MAX },
    { .name = "deadline",    .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, deadline, struct str), .max = TEXT_MAX },
    { .name = "parameters",  .kind = JSON_MAP,     .offset = JSON_AT(struct api_v0_terms, parameters, struct json_map), .max = MAP_MAX },
    { .name = "retries",     .kind = JSON_INTEGER, .offset = JSON_AT(struct api_v0_terms, retries, int64_t) },
    { .name = "schedule",    .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, schedule, struct str), .flags = JSON_REQUIRED, .max = SCHEDULE_MAX },
    { .name = "stopTimeout", .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, stop_timeout, struct str), .max = TEXT_MAX },
};
static const struct json_table cron_create_table = {
    .name = "CronCreate", .size = sizeof(struct api_v0_terms), .fields = cron_create_fields, .n_fields = ARRAY_LEN(cron_create_fields),
};

static const struct json_field cron_fields[] = {
    { .name = "action",      .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, action, struct str) },
    { .name = "capacityMap", .kind = JSON_NUMBERS, .offset = JSON_AT(struct cron_view, capacity, struct json_numbers) },
    { .name = "deadline",    .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, deadline, struct str) },
    { .name = "id",          .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, id, struct str) },
    { .name = "nextRun",     .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, next_run, struct str) },
    { .name = "parameters",  .kind = JSON_MAP,     .offset = JSON_AT(struct cron_view, parameters, struct json_map) },
    { .name = "retries",     .kind = JSON_INTEGER, .offset = JSON_AT(struct cron_view, retries, int64_t) },
    { .name = "schedule",    .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, schedule, struct str) },
    { .name = "stopTimeout", .kind = JSON_STRING,  .offset = JSON_AT(struct cron_view, stop_timeout, struct str) },
};
static const struct json_table cron_table = {
    .name = "Cron", .size = sizeof(struct cron_view), .fields = cron_fields, .n_fields = ARRAY_LEN(cron_fields),
};

static const struct json_field config_create_fields[] = {
    { .name = "action",     .kind = JSON_STRING, .offset = JSON_AT(struct config_view, action, struct str), .flags = JSON_REQUIRED, .max = TEXT_MAX },
    { .name = "parameters", .kind = JSON_MAP,    .offset = JSON_AT(struct config_view, parameters, struct json_map), .max = MAP_MAX },
};
static const struct json_table config_create_table = {
    .name = "ActionConfigCreate", .size = sizeof(struct config_view), .fields = config_create_fields, .n_fields = ARRAY_LEN(config_create_fields),
};

static const struct json_field config_fields[] = {
    { .name = "action",     .kind = JSON_STRING, .offset = JSON_AT(struct config_view, action, struct str) },
    { .name = "id",         .kind = JSON_STRING, .offset = JSON_AT(struct config_view, id, struct str) },
    { .name = "parameters", .kind = JSON_MAP,    .offset = JSON_AT(struct config_view, parameters, struct json_map) },
};
static const struct json_table config_table = {
    .name = "ActionConfig", .size = sizeof(struct config_view), .fields = config_fields, .n_fields = ARRAY_LEN(config_fields),
};
/* clang-format on */

/* -- crons -------------------------------------------------------------------------------------------- */

/* One that never runs again (its schedule is that of a newer release) has no next run. */
static struct cron_view view_of(struct arena *arena, const struct meta_cron *cron)
{
    return (struct cron_view){
        .action       = cron->action,
        .capacity     = api_v0_numbers(arena, cron->capacity),
        .deadline     = api_v0_span(arena, cron->deadline_us),
        .id           = cron->uuid,
        .next_run     = api_time(arena, cron->next_run == INT64_MAX ? 0 : cron->next_run),
        .parameters   = api_v0_parameters(arena, cron->parameters),
        .retries      = cron->retries,
        .schedule     = cron->schedule,
        .stop_timeout = api_v0_span(arena, cron->stop_timeout_us),
    };
}

static int list_crons(struct api_call *call, struct err *err)
{
    struct meta_cron *crons;
    size_t            n;

    if (work_cron_list(call->work, call->arena, &crons, &n, err) < 0)
        return -1;
    struct api_list *list = api_list_begin(call, "crons");
    for (size_t i = 0; i < n; i++) {
        struct cron_view   view = view_of(call->arena, &crons[i]);
        struct json_write *w    = api_list_item(list, err);

        if (w == NULL)
            return -1;
        json_write_table(w, &cron_table, &view);
    }
    return api_list_reply(list, err);
}

static int put_cron(struct api_call *call, struct err *err)
{
    struct api_v0_terms body = { 0 };
    struct meta_cron    form = { 0 }, cron;

    if (api_body(call, &body, err) < 0 ||
        api_v0_span_read("deadline", body.deadline, &form.deadline_us, err) < 0 ||
        api_v0_span_read("stopTimeout", body.stop_timeout, &form.stop_timeout_us, err) < 0)
        return -1;
    form.action     = body.action;
    form.schedule   = body.schedule;
    form.parameters = jobs_parameters_print(call->arena, &body.parameters);
    form.capacity   = jobs_numbers_print(call->arena, &body.capacity);
    form.retries    = body.retries;
    if (work_cron_put(call->work, call->arena, &call->actor, call->api->settings.kinds, &form,
                      &cron, err) < 0)
        return -1;
    struct cron_view view = view_of(call->arena, &cron);
    return api_reply_value(call, &view, err);
}

static int get_cron(struct api_call *call, struct err *err)
{
    struct meta_cron cron;

    if (work_cron_get(call->work, call->arena, api_hole(call, "action"), &cron, err) < 0)
        return -1;
    struct cron_view view = view_of(call->arena, &cron);
    return api_reply_value(call, &view, err);
}

static int delete_cron(struct api_call *call, struct err *err)
{
    if (work_cron_remove(call->work, &call->actor, api_hole(call, "action"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- defaults of actions ------------------------------------------------------------------------------ */

static struct config_view view_of_config(struct arena *arena, const struct meta_action_config *row)
{
    return (struct config_view){ .action     = row->action,
                                 .id         = row->uuid,
                                 .parameters = api_v0_parameters(arena, row->parameters) };
}

static int list_configs(struct api_call *call, struct err *err)
{
    struct meta_action_config *rows;
    size_t                     n;

    if (work_action_config_list(call->work, call->arena, &rows, &n, err) < 0)
        return -1;
    struct api_list *list = api_list_begin(call, "actionConfigs");
    for (size_t i = 0; i < n; i++) {
        struct config_view view = view_of_config(call->arena, &rows[i]);
        struct json_write *w    = api_list_item(list, err);

        if (w == NULL)
            return -1;
        json_write_table(w, &config_table, &view);
    }
    return api_list_reply(list, err);
}

static int put_config(struct api_call *call, struct err *err)
{
    struct config_view        body = { 0 };
    struct meta_action_config row;

    if (api_body(call, &body, err) < 0 ||
        work_action_config_put(call->work, call->arena, &call->actor, call->api->settings.kinds,
                               body.action, jobs_parameters_print(call->arena, &body.parameters),
                               &row, err) < 0)
        return -1;
    struct config_view view = view_of_config(call->arena, &row);
    return api_reply_value(call, &view, err);
}

static int get_config(struct api_call *call, struct err *err)
{
    struct meta_action_config row;

    if (work_action_config_get(call->work, call->arena, api_hole(call, "action"), &row, err) < 0)
        return -1;
    struct config_view view = view_of_config(call->arena, &row);
    return api_reply_value(call, &view, err);
}

static int delete_config(struct api_call *call, struct err *err)
{
    if (work_action_config_remove(call->work, &call->actor, api_hole(call, "action"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const int absent[] = { 404, 0 };

const struct api_route api_v0_cron_routes[] = {
    { .name = "crons.list",   .method = HTTP_GET,    .path = "/api/v0/crons",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = list_crons,
      .says = "The schedules of jobs", .gives = &cron_table, .list = "crons" },
    { .name = "crons.put",    .method = HTTP_POST,   .path = "/api/v0/crons",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = put_cron, .changes = true, .status = 202,
      .says = "Give an action a schedule, in place of the one that it may have: second, minute, hour, day, month, weekday (UTC), @daily and its kin, or @every 90s",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &cron_create_table, .gives = &cron_table },
    { .name = "crons.get",    .method = HTTP_GET,    .path = "/api/v0/crons/{action}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = get_cron,
      .says = "The schedule of an action", .gives = &cron_table, .also = absent },
    { .name = "crons.delete", .method = HTTP_DELETE, .path = "/api/v0/crons/{action}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = delete_cron, .changes = true,
      .says = "Take an action's schedule away", .also = absent },

    { .name = "action_configs.list",   .method = HTTP_GET,    .path = "/api/v0/action_configs",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = list_configs,
      .says = "Parameters that jobs have unless they say else", .gives = &config_table, .list = "actionConfigs" },
    { .name = "action_configs.put",    .method = HTTP_POST,   .path = "/api/v0/action_configs",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = put_config, .changes = true, .status = 202,
      .says = "Say which parameters jobs of an action have unless they say else",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &config_create_table, .gives = &config_table },
    { .name = "action_configs.get",    .method = HTTP_GET,    .path = "/api/v0/action_configs/{action}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = get_config,
      .says = "The parameters that jobs of an action have unless they say else", .gives = &config_table, .also = absent },
    { .name = "action_configs.delete", .method = HTTP_DELETE, .path = "/api/v0/action_configs/{action}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,   .run = delete_config, .changes = true,
      .says = "Take an action's default parameters away", .also = absent },
    { 0 },
};
/* clang-format on */
