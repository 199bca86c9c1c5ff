/* client/rows_job.c: the registry's own work: jobs, what they say, and their schedules. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "client/table.h"
#include "codec/json.h"
#include "codec/json_view.h"

enum { PARAMETERS_MAX = 64 * 1024, LOG_LINES = 1000 };

/* -- what rows cannot say ----------------------------------------------------------------------------- */

/* "NAME=VALUE", as often as it is given. */
static int add_parameters(struct client_run *run, struct err *err)
{
    struct json_write w;
    struct buf        out;
    size_t            n = 0;

    buf_init(&out, run->arena, PARAMETERS_MAX);
    json_write_init(&w, &out);
    json_write_object(&w);
    for (size_t i = 0; i < run->input.n_given; i++) {
        struct str text = run->input.given[i].text, name;

        if (!str_is(str_from(run->input.given[i].option->name), "--parameter"))
            continue;
        str_next(&text, '=', &name);
        if (name.n == 0 || text.p == NULL)
            return err_set(err, ERR_INVALID, "--parameter takes NAME=VALUE such as dryRun=true");
        json_write_key_str(&w, name);
        json_write_str(&w, text);
        n++;
    }
    json_write_end(&w);
    if (n > 0)
        client_body_add(run, "parameters", buf_view(&out));
    return 0;
}

/* The lines after *seen; how many there were. */
static int show_lines(struct client_run *run, const char *job, int64_t *seen, int64_t *out_n,
                      struct err *err)
{
    const char *path = mem_printf(run->arena, "%s/logs?offset=%lld&limit=%d", job, (long long)*seen,
                                  (int)LOG_LINES);
    struct str  list;

    *out_n = 0;
    if (client_get(run, path, &list, err) < 0)
        return -1;
    struct json_view_each each = json_view_each(list);
    while (json_view_next(&each)) {
        struct str data = json_view_text(run->arena, json_view_at(each.value, STR("data")));

        if (run->input.is_json)
            buf_str(&run->out, each.value);
        else
            buf_str(&run->out, client_text_clean(run->arena, data));
        buf_char(&run->out, '\n');
        str_to_int(json_view_at(each.value, STR("lineNum")), seen);
        (*out_n)++;
    }
    return client_flush(run, err);
}

static bool has_ended(struct client_run *run, struct str job)
{
    static const char *const ends[] = { "done", "errored", "canceled" };
    struct str               status = json_view_text(run->arena, json_view_at(job, STR("status")));

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (str_is(status, ends[i]))
            return true;
    }
    return false;
}

/* Whether it has ended is asked before its last lines, so that none is missed. */
static int show_log(struct client_run *run, struct err *err)
{
    bool       follows = client_has(&run->input, "--follow");
    struct str path    = client_print_path(run->arena, &run->input, "/api/v0/jobs/{JOB}");
    char      *job     = str_dup(run->arena, path);
    int64_t    seen = 0, n = LOG_LINES;
    struct str row;

    for (;;) {
        if (client_get(run, job, &row, err) < 0)
            return -1;
        do {
            if (show_lines(run, job, &seen, &n, err) < 0)
                return -1;
        } while (n == LOG_LINES);
        if (!follows || has_ended(run, row))
            return 0;
        client_pause();
    }
}

/* clang-format off */

/* -- jobs --------------------------------------------------------------------------------------------- */

static const struct client_option job_list_options[] = {
    { "--action",  "ACTION", CLIENT_TEXT, CLIENT_IN_QUERY, "action",  NULL,   "of that action only" },
    { "--status",  "waiting|running|done|errored|canceled", CLIENT_TEXT, CLIENT_IN_QUERY, "status", NULL, "of that status only" },
    { "--running", NULL,     CLIENT_FLAG, CLIENT_IN_QUERY, "running", "true", "those that run only" },
    { "--worker",  "NODE",   CLIENT_TEXT, CLIENT_IN_QUERY, "worker",  NULL,   "that this node has or had" },
    { 0 },
};

static const struct client_option job_start_options[] = {
    { "--parameter", "NAME=VALUE", CLIENT_TEXT,   CLIENT_IN_CODE, NULL,          NULL, "of the action; may be repeated" },
    { "--at",        "TIME",       CLIENT_TEXT,   CLIENT_IN_BODY, "scheduledAt", NULL, "when, such as 2030-01-31T03:00:00Z; without it now" },
    { "--deadline",  "1h30m",      CLIENT_TEXT,   CLIENT_IN_BODY, "deadline",    NULL, "for how long it may run" },
    { "--retries",   "N",          CLIENT_NUMBER, CLIENT_IN_BODY, "retries",     NULL, "how often it is tried again when it fails" },
    { 0 },
};

static const struct client_option joblog_options[] = {
    { "--follow", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "goes on with what it says until it ends" },
    { 0 },
};

static const struct client_column job_columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "ACTION", "action", CLIENT_AS_IS }, { "STATUS", "status", CLIENT_AS_IS },
    { "SCHEDULED", "scheduledAt", CLIENT_TIME }, { "UPDATED", "lastUpdated", CLIENT_TIME }, { "NODE", "workerID", CLIENT_AS_IS },
    { "SAYS", "message", CLIENT_AS_IS }, { 0 },
};

static const struct client_column job_details[] = {
    { "ID", "id", CLIENT_AS_IS }, { "ACTION", "action", CLIENT_AS_IS }, { "PARAMETERS", "parameters", CLIENT_AS_IS },
    { "STATUS", "status", CLIENT_AS_IS }, { "SAYS", "message", CLIENT_AS_IS },
    { "SCHEDULED", "scheduledAt", CLIENT_TIME }, { "UPDATED", "lastUpdated", CLIENT_TIME }, { "NODE", "workerID", CLIENT_AS_IS },
    { "DEADLINE", "deadline", CLIENT_AS_IS }, { "TRIES LEFT", "retriesLeft", CLIENT_AS_IS }, { "TRIED AGAIN FROM", "retryFromID", CLIENT_AS_IS },
    { 0 },
};

const struct client_command client_jobs_rows[] = {
    { .name = "jobs list", .args = "", .summary = "List jobs, the newest first",
      .method = "GET", .path = "/api/v0/jobs", .options = job_list_options,
      .list = "jobs", .paging = CLIENT_BY_START, .limit = 50, .columns = job_columns,
      .more = "`assay jobs` alone does the same. A job is work that the registry does by itself: collecting garbage, deleting old\n"
              "records. Each waits in a queue until a node takes it; when the node dies another takes it over.",
      .examples = "assay jobs list\nassay jobs list --action onlinegc\nassay jobs list --status errored --limit 0" },
    { .name = "jobs show", .args = "JOB", .summary = "Show a job",
      .method = "GET", .path = "/api/v0/jobs/{JOB}", .columns = job_details,
      .examples = "assay jobs show 01a213e3-c8ff-7781-8633-f6fa3ae84c6e" },
    { .name = "jobs start", .args = "ACTION", .summary = "Add a job to the queue",
      .method = "POST", .path = "/api/v0/jobs", .body = "action=ACTION", .options = job_start_options, .fill = add_parameters,
      .columns = job_details,
      .more = "What there is to do: gc, onlinegc, onlinegc_metadata, onlinegc_blobs, onlinegc_joblogs, ro_registry, and for\n"
              "trying the queue sleep and false. `assay joblogs JOB --follow` shows what it says.",
      .examples = "assay jobs start onlinegc --parameter dryRun=true\nassay jobs start onlinegc_joblogs --at 2030-01-31T03:00:00Z\n"
                  "assay jobs start sleep -o json | jq -r .id" },
    { .name = "jobs cancel", .args = "JOB", .summary = "Cancel a job; one that runs is asked to stop",
      .method = "POST", .path = "/api/v0/jobs/{JOB}/cancel", .done = "canceled job {JOB}",
      .examples = "assay jobs cancel 01a213e3-c8ff-7781-8633-f6fa3ae84c6e" },
    { .name = "jobs rm", .args = "JOB", .summary = "Delete a job that does not run, and what it said",
      .method = "DELETE", .path = "/api/v0/jobs/{JOB}", .done = "deleted job {JOB}",
      .examples = "assay jobs rm 01a213e3-c8ff-7781-8633-f6fa3ae84c6e" },
    { 0 },
};

const struct client_command client_joblogs_rows[] = {
    { .name = "joblogs", .args = "JOB", .summary = "Show what a job has said",
      .method = "GET", .path = "/api/v0/jobs/{JOB}/logs", .options = joblog_options, .run = show_log,
      .examples = "assay joblogs 01a213e3-c8ff-7781-8633-f6fa3ae84c6e\nassay joblogs 01a213e3-c8ff-7781-8633-f6fa3ae84c6e --follow" },
    { 0 },
};

/* -- crons -------------------------------------------------------------------------------------------- */

static const struct client_option cron_set_options[] = {
    { "--parameter", "NAME=VALUE", CLIENT_TEXT,   CLIENT_IN_CODE, NULL,       NULL, "of the action; may be repeated" },
    { "--deadline",  "1h30m",      CLIENT_TEXT,   CLIENT_IN_BODY, "deadline", NULL, "for how long a job of it may run" },
    { "--retries",   "N",          CLIENT_NUMBER, CLIENT_IN_BODY, "retries",  NULL, "how often one is tried again when it fails" },
    { 0 },
};

static const struct client_column cron_columns[] = {
    { "ACTION", "action", CLIENT_AS_IS }, { "SCHEDULE", "schedule", CLIENT_AS_IS }, { "NEXT RUN", "nextRun", CLIENT_TIME },
    { "RETRIES", "retries", CLIENT_AS_IS }, { "DEADLINE", "deadline", CLIENT_AS_IS }, { "PARAMETERS", "parameters", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_crons_rows[] = {
    { .name = "crons list", .args = "", .summary = "List the schedules of jobs",
      .method = "GET", .path = "/api/v0/crons", .list = "crons", .columns = cron_columns,
      .more = "`assay crons` alone does the same.",
      .examples = "assay crons list" },
    { .name = "crons set", .args = "ACTION SCHEDULE", .summary = "Give an action a schedule, in place of the one it has",
      .method = "POST", .path = "/api/v0/crons", .body = "action=ACTION,schedule=SCHEDULE", .options = cron_set_options, .fill = add_parameters,
      .columns = cron_columns,
      .more = "A schedule is second, minute, hour, day of the month, month and day of the week in UTC, with stars, lists, ranges\n"
              "and steps; or @hourly, @daily, @weekly, @monthly, @yearly; or @every 90s.",
      .examples = "assay crons set onlinegc_joblogs '0 30 3 * * *'\nassay crons set onlinegc @hourly --deadline 30m" },
    { .name = "crons rm", .args = "ACTION", .summary = "Take an action's schedule away",
      .method = "DELETE", .path = "/api/v0/crons/{ACTION}", .done = "deleted the schedule of {ACTION}",
      .examples = "assay crons rm onlinegc" },
    { 0 },
};
/* clang-format on */
