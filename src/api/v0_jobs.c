/* api/v0_jobs.c: the queue on DTR's routes: jobs listed, added, looked at, canceled and deleted, and their logs. */
#include "api/v0_jobs.h"

#include "api/api_private.h"
#include "api/follow.h"
#include "api/list.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "work/job.h"

enum { MAP_MAX = 32, TEXT_MAX = 64, LINES = 500 };

/* -- what is taken and given -------------------------------------------------------------------------- */

struct job_view {
    struct str          action;
    struct json_numbers capacity;
    struct str          deadline;
    struct str          id;
    struct str          last_updated;
    struct json_map     parameters;
    int64_t             retries_left;
    int64_t             retries_total;
    struct str          retry_from;
    struct str          scheduled_at;
    struct str          status;
    struct str          stop_timeout;
    struct str          worker_id;
    struct str          message;
};

/* clang-format off */
static const struct json_field submission_fields[] = {
    { .name = "action",      .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, action, struct str), .flags = JSON_REQUIRED, .max = TEXT_MAX },
    { .name = "capacityMap", .kind = JSON_NUMBERS, .offset = JSON_AT(struct api_v0_terms, capacity, struct json_numbers), .max = MAP_MAX },
    { .name = "deadline",    .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, deadline, struct str), .max = TEXT_MAX },
    { .name = "parameters",  .kind = JSON_MAP,     .offset = JSON_AT(struct api_v0_terms, parameters, struct json_map), .max = MAP_MAX },
    { .name = "retries",     .kind = JSON_INTEGER, .offset = JSON_AT(struct api_v0_terms, retries, int64_t) },
    { .name = "scheduledAt", .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, scheduled_at, struct str), .max = TEXT_MAX },
    { .name = "stopTimeout", .kind = JSON_STRING,  .offset = JSON_AT(struct api_v0_terms, stop_timeout, struct str), .max = TEXT_MAX },
};
static const struct json_table submission_table = {
    .name = "JobSubmission", .size = sizeof(struct api_v0_terms), .fields = submission_fields, .n_fields = ARRAY_LEN(submission_fields),
};

static const struct json_field job_fields[] = {
    { .name = "action",       .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, action, struct str) },
    { .name = "capacityMap",  .kind = JSON_NUMBERS, .offset = JSON_AT(struct job_view, capacity, struct json_numbers) },
    { .name = "deadline",     .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, deadline, struct str) },
    { .name = "id",           .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, id, struct str) },
    { .name = "lastUpdated",  .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, last_updated, struct str) },
    { .name = "parameters",   .kind = JSON_MAP,     .offset = JSON_AT(struct job_view, parameters, struct json_map) },
    { .name = "retriesLeft",  .kind = JSON_INTEGER, .offset = JSON_AT(struct job_view, retries_left, int64_t) },
    { .name = "retriesTotal", .kind = JSON_INTEGER, .offset = JSON_AT(struct job_view, retries_total, int64_t) },
    { .name = "retryFromID",  .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, retry_from, struct str) },
    { .name = "scheduledAt",  .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, scheduled_at, struct str) },
    { .name = "status",       .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, status, struct str) },
    { .name = "stopTimeout",  .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, stop_timeout, struct str) },
    { .name = "workerID",     .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, worker_id, struct str) },
    { .name = "message",      .kind = JSON_STRING,  .offset = JSON_AT(struct job_view, message, struct str), .flags = JSON_OMIT },
};
static const struct json_table job_table = {
    .name = "Job", .size = sizeof(struct job_view), .fields = job_fields, .n_fields = ARRAY_LEN(job_fields),
};

static const struct json_field line_fields[] = {
    { .name = "data",    .kind = JSON_STRING,  .offset = JSON_AT(struct meta_job_line, data, struct str) },
    { .name = "lineNum", .kind = JSON_INTEGER, .offset = JSON_AT(struct meta_job_line, line, int64_t) },
};
static const struct json_table line_table = {
    .name = "JobLog", .size = sizeof(struct meta_job_line), .fields = line_fields, .n_fields = ARRAY_LEN(line_fields),
};
/* clang-format on */

int api_v0_span_read(const char *field, struct str text, int64_t *out_us, struct err *err)
{
    *out_us = 0;
    if (text_span_parse(text, out_us, err) == 0)
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                        "%s: is not a span of time such as 90s, 1h30m or 720h", field);
}

struct str api_v0_span(struct arena *arena, int64_t us)
{
    char text[TEXT_TIME_MAX];

    text_span_print(us, text);
    return str_copy(arena, str_from(text));
}

struct json_map api_v0_parameters(struct arena *arena, struct str json)
{
    struct json_map map = { 0 };
    struct err      ignored;

    (void)jobs_parameters_read(arena, json, &map, &ignored);
    return map;
}

struct json_numbers api_v0_numbers(struct arena *arena, struct str json)
{
    struct json_numbers numbers = { 0 };
    struct err          ignored;

    (void)jobs_numbers_read(arena, json, &numbers, &ignored);
    return numbers;
}

/* A job that is no retry names itself there, as DTR has it. */
static struct job_view view_of(struct arena *arena, const struct meta_job *job)
{
    return (struct job_view){
        .action        = job->action,
        .capacity      = api_v0_numbers(arena, job->capacity),
        .deadline      = api_v0_span(arena, job->deadline_us),
        .id            = job->uuid,
        .last_updated  = api_time(arena, job->updated_at),
        .parameters    = api_v0_parameters(arena, job->parameters),
        .retries_left  = job->retries_left,
        .retries_total = job->retries_total,
        .retry_from    = job->retry_of.n == 0 ? job->uuid : job->retry_of,
        .scheduled_at  = api_time(arena, job->scheduled_at),
        .status        = job->status,
        .stop_timeout  = api_v0_span(arena, job->stop_timeout_us),
        .worker_id     = job->worker_id,
        .message       = job->message,
    };
}

/* -- lists -------------------------------------------------------------------------------------------- */

/* Statuses, in every spelling of the sources. Those that jobs here never have filter all away. */
static const struct {
    const char *word;
    const char *status;
} statuses[] = {
    { "waiting", "waiting" },
    { "running", "running" },
    { "done", "done" },
    { "error", "errored" },
    { "errored", "errored" },
    { "cancel", "canceled" },
    { "canceled", "canceled" },
    { "cancelled", "canceled" },
    { "cancel_request", "cancel_request" },
    { "worker_dead", "worker_dead" },
    { "deleted", "deleted" },
    { "worker_shutdown", "worker_shutdown" },
    { "worker_resurrection", "worker_resurrection" },
};

static int read_status(const char *field, struct str word, struct str *out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (str_is(word, statuses[i].word)) {
            *out = str_from(statuses[i].status);
            return 0;
        }
    }
    return err_set_code(
        err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
        "%s: is no status of jobs such as waiting, running, done, errored, canceled", field);
}

/* The null view for what is not there and for "any". */
static int read_word(struct api_call *call, const char *field, struct str *out, struct err *err)
{
    if (api_query(call, field, "INVALID_PARAMETERS", out, err) < 0)
        return -1;
    if (out->n == 0 || str_is(*out, "any"))
        *out = STR_NULL;
    return 0;
}

/* `running` is true, false or any; a status in it is taken for one. */
static int read_filter(struct api_call *call, struct meta_job_filter *out, struct err *err)
{
    struct meta_job_filter filter = { .is_running = -1 };
    struct str             running, status;

    if (read_word(call, "action", &filter.action, err) < 0 ||
        read_word(call, "worker", &filter.worker_id, err) < 0 ||
        read_word(call, "running", &running, err) < 0 ||
        read_word(call, "status", &status, err) < 0)
        return -1;
    if (str_is(running, "true") || str_is(running, "1"))
        filter.is_running = 1;
    else if (str_is(running, "false") || str_is(running, "0"))
        filter.is_running = 0;
    else if (running.p != NULL && read_status("running", running, &filter.status, err) < 0)
        return -1;
    if (status.p != NULL && read_status("status", status, &filter.status, err) < 0)
        return -1;
    *out = filter;
    return 0;
}

/* A number of rows, or of lines. */
static int read_number(struct api_call *call, const char *field, int64_t otherwise, int64_t *out,
                       struct err *err)
{
    struct str text;
    int64_t    n = otherwise;

    if (api_query(call, field, "INVALID_PARAMETERS", &text, err) < 0)
        return -1;
    if (text.p != NULL && (text.n > 18 || !str_to_int(text, &n) || n < 0))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                            "%s: is not a number of 1 to 18 digits", field);
    *out = n;
    return 0;
}

struct listing {
    struct api_list *list;
    int64_t          left; /* of the page */
    bool             has_more;
};

static int write_job(void *context, const struct meta_job *job, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct listing                *listing = context;
    struct job_view                view    = view_of(arena, job);
    struct json_write             *w       = NULL;

    if (listing->left-- == 0) {
        listing->has_more = true;
        return 0;
    }
    w = api_list_item(listing->list, err);
    if (w == NULL)
        return -1;
    json_write_table(w, &job_table, &view);
    return 0;
}

static int list_jobs(struct api_call *call, struct err *err)
{
    struct listing         listing = { 0 };
    struct meta_job_filter filter;
    int64_t                start, limit;

    if (read_filter(call, &filter, err) < 0 || read_number(call, "start", 0, &start, err) < 0 ||
        read_number(call, "limit", API_PAGE, &limit, err) < 0)
        return -1;
    if (limit == 0 || limit > API_PAGE_MAX)
        limit = API_PAGE_MAX;
    listing.list = api_list_begin(call, "jobs");
    listing.left = limit;
    if (work_job_list(call->work, &filter, start, (size_t)limit + 1, write_job, &listing, err) <
            0 ||
        api_list_reply(listing.list, err) < 0)
        return -1;
    if (listing.has_more)
        http_reply_headerf(call->req, "X-Next-Page-Start", "%lld", (long long)(start + limit));
    return 0;
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int create_job(struct api_call *call, struct err *err)
{
    struct api_v0_terms body = { 0 };
    struct meta_job     form = { 0 }, job;

    if (api_body(call, &body, err) < 0 ||
        api_v0_span_read("deadline", body.deadline, &form.deadline_us, err) < 0 ||
        api_v0_span_read("stopTimeout", body.stop_timeout, &form.stop_timeout_us, err) < 0 ||
        api_time_read("scheduledAt", body.scheduled_at, &form.scheduled_at, err) < 0)
        return -1;
    form.action        = body.action;
    form.parameters    = jobs_parameters_print(call->arena, &body.parameters);
    form.capacity      = jobs_numbers_print(call->arena, &body.capacity);
    form.retries_total = body.retries;
    if (work_job_add(call->work, call->arena, &call->actor, call->api->settings.kinds, &form, &job,
                     err) < 0)
        return -1;
    struct job_view view = view_of(call->arena, &job);
    return api_reply_value(call, &view, err);
}

static int get_job(struct api_call *call, struct err *err)
{
    struct meta_job job;

    if (work_job_get(call->work, call->arena, api_hole(call, "jobID"), &job, err) < 0)
        return -1;
    struct job_view view = view_of(call->arena, &job);
    return api_reply_value(call, &view, err);
}

static int delete_job(struct api_call *call, struct err *err)
{
    if (work_job_remove(call->work, &call->actor, api_hole(call, "jobID"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int cancel_job(struct api_call *call, struct err *err)
{
    if (work_job_cancel(call->work, &call->actor, api_hole(call, "jobID"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- its log ------------------------------------------------------------------------------------------ */

/* The first `limit` lines after `offset`, some at a time. */
static int write_lines(struct api_call *call, int64_t id, int64_t offset, int64_t limit,
                       struct api_list *list, struct err *err)
{
    size_t n = LINES;

    while (n == LINES && limit > 0) {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_job_line          *lines;
        bool                           has_ended;

        if (work_job_lines(call->work, arena, id, offset, limit < LINES ? (size_t)limit : LINES,
                           &lines, &n, &has_ended, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            struct json_write *w = api_list_item(list, err);

            if (w == NULL)
                return -1;
            json_write_table(w, &line_table, &lines[i]);
            offset = lines[i].line;
        }
        limit -= (int64_t)n;
    }
    return 0;
}

static int get_logs(struct api_call *call, struct err *err)
{
    int64_t id, offset, limit;
    bool    streams;

    if (api_query_flag(call, "stream", false, &streams, err) < 0 ||
        read_number(call, "offset", 0, &offset, err) < 0 ||
        read_number(call, "limit", 0, &limit, err) < 0 ||
        work_job_id(call->work, api_hole(call, "jobID"), &id, err) < 0)
        return -1;
    if (limit == 0)
        limit = INT64_MAX;
    if (streams && http_method(call->req) != HTTP_HEAD)
        return api_follow_job(call, id, offset, limit, &line_table, err);
    struct api_list *list = api_list_begin(call, NULL);
    if (write_lines(call, id, offset, limit, list, err) < 0)
        return -1;
    return api_list_reply(list, err);
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "action",  "string",  "of that action; any when absent" },
    { "worker",  "string",  "that the worker of that id has or had; any when absent" },
    { "running", "string",  "true: those that run, false: those that do not; a status is taken for `status`; any when absent" },
    { "status",  "string",  "waiting, running, done, errored, cancel_request, canceled or worker_dead; any when absent" },
    { "start",   "integer", "how many to pass over, the newest first" },
    { "limit",   "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};
static const struct api_param log_params[] = {
    { "offset",  "integer", "how many lines to pass over" },
    { "limit",   "integer", "lines; 0, or absent, for all" },
    { "stream",  "boolean", "goes on with what it says until it ends: one object a line (application/x-ndjson), and an empty line now and then" },
    { 0 },
};

static const int absent[]          = { 404, 0 };
static const int absent_or_wrong[] = { 404, 409, 0 };

const struct api_route api_v0_job_routes[] = {
    { .name = "jobs.list",   .method = HTTP_GET,    .path = "/api/v0/jobs",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = list_jobs,
      .says = "Jobs, the newest first", .gives = &job_table, .list = "jobs", .query = list_params },
    { .name = "jobs.create", .method = HTTP_POST,   .path = "/api/v0/jobs",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = create_job, .changes = true, .status = 202,
      .says = "Add a job to the queue; times are spans such as 90s or 1h30m, scheduledAt is now when absent",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &submission_table, .gives = &job_table },
    { .name = "jobs.get",    .method = HTTP_GET,    .path = "/api/v0/jobs/{jobID}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = get_job,
      .says = "One job: its state and what it was given", .gives = &job_table, .also = absent },
    { .name = "jobs.delete", .method = HTTP_DELETE, .path = "/api/v0/jobs/{jobID}",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = delete_job, .changes = true,
      .says = "Delete a job that does not run, and its log", .also = absent_or_wrong },
    { .name = "jobs.cancel", .method = HTTP_POST,   .path = "/api/v0/jobs/{jobID}/cancel",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = cancel_job, .changes = true,
      .says = "Cancel a job: one that waits at once, one that runs is asked to stop", .also = absent_or_wrong },
    { .name = "jobs.logs",   .method = HTTP_GET,    .path = "/api/v0/jobs/{jobID}/logs",
      .may  = API_MAY_INSTANCE, .family = API_DTR,  .run = get_logs,
      .says = "What a job has said, line by line", .gives = &line_table, .list = "", .streams = "application/x-ndjson",
      .query = log_params, .also = absent },
    { 0 },
};
/* clang-format on */
