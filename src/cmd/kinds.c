/* cmd/kinds.c: the kinds of jobs. */
#include "cmd/kinds.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/gc.h"
#include "cmd/node.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/collect.h"
#include "meta/event.h"
#include "meta/job.h"
#include "work/activity.h"
#include "work/collect.h"
#include "work/hook.h"
#include "work/pulls.h"
#include "work/quota.h"
#include "work/settings.h"
#include "work/upload.h"
#include "work/work.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define QUIET_US (30 * SECOND_US)

enum { REPORT_MAX = 4096 };

/* Asks for a job, unless one of its kind runs or waits. */
static int add_if_none(struct node *node, struct jobs *jobs, struct meta_job *job, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                     uuid;

    if (db_begin(node->db, DB_READ, "is there a job", &tx, err) < 0)
        return -1;
    int is_open = meta_job_is_open(tx, job->action, err);
    db_abort(&tx);
    if (is_open != 0)
        return is_open < 0 ? -1 : 0;

    if (db_begin(node->db, DB_WRITE, "ask for a job", &tx, err) < 0)
        return -1;
    job->scheduled_at = db_now(tx);
    int waits         = meta_job_waits(tx, job->action, job->unique_key, err);
    if (waits != 0)
        return waits < 0 ? -1 : 0;
    if (jobs_add(tx, arena, cmd_kinds, job, &uuid, err) < 0 || db_commit(&tx, err) < 0)
        return err->kind == ERR_EXISTS ? 0 : -1; /* another node was faster */
    jobs_wake(jobs);
    return 0;
}

/* -- collection --------------------------------------------------------------------------------------- */

static bool job_says_stop(void *context)
{
    return job_should_stop(context);
}

static int guard(void *context, struct db_tx *tx, struct err *err)
{
    return job_guard(context, tx, err);
}

static void tell_dry(void *context, const struct work_review *review)
{
    char when[TEXT_TIME_MAX] = "";

    if (review->next_at != 0)
        text_time_print(review->next_at, when);
    job_log(context, "%s " STR_FMT " " STR_FMT ": %s%s%s",
            review->goes ? "would go:" : "stays:", STR_ARGS(review->kind), STR_ARGS(review->id),
            review->reason, when[0] == '\0' ? "" : ", again at ", when);
}

static void tell_run(void *context, const struct work_review *review)
{
    if (review->goes)
        job_log(context, "went: " STR_FMT " " STR_FMT ": %s", STR_ARGS(review->kind),
                STR_ARGS(review->id), review->reason);
}

static int collect(struct job *job, void *context, enum work_collect_part part, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct node                   *node    = context;
    bool                           is_dry  = str_is(job_parameter(job, "dryRun"), "true");
    struct work_collect            collect = {
                   .part        = part,
                   .is_dry      = is_dry,
                   .should_stop = job_says_stop,
                   .guard       = guard,
                   .tell        = is_dry ? tell_dry : tell_run,
                   .context     = job,
    };
    struct work_collected done;
    struct buf            text;

    if (work_collect(node->work, &collect, &done, err) < 0)
        return -1;
    buf_init(&text, arena, REPORT_MAX);
    collection_print(&done, is_dry, &text);
    struct str rest = buf_view(&text), line;
    while (str_next(&rest, '\n', &line)) {
        if (line.n > 0)
            job_log(job, STR_FMT, STR_ARGS(line));
    }
    return 0;
}

static int run_collect(struct job *job, void *context, struct err *err)
{
    return collect(job, context, COLLECT_ALL, err);
}

static int run_collect_metadata(struct job *job, void *context, struct err *err)
{
    return collect(job, context, COLLECT_METADATA, err);
}

static int run_collect_blobs(struct job *job, void *context, struct err *err)
{
    return collect(job, context, COLLECT_BLOBS, err);
}

int kinds_collect_if_due(struct node *node, struct jobs *jobs, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx  = NULL;
    struct meta_job              job = { .action = STR("onlinegc"), .unique_key = STR("due") };

    if (db_begin(node->db, DB_READ, "is collection due", &tx, err) < 0)
        return -1;
    int64_t since = db_now(tx) - work_policy(node->work)->undelete_window;
    int     due   = meta_review_is_due(tx, since, err);
    db_abort(&tx);
    return due < 1 ? due : add_if_none(node, jobs, &job, err);
}

/* -- quotas ------------------------------------------------------------------------------------------- */

static int quota_guard(void *context, struct db_tx *tx, struct err *err)
{
    return job_guard(context, tx, err);
}

/* While pushes go on there is something to fold each second: one job sees to that until it is quiet. */
static int run_quotas(struct job *job, void *context, struct err *err)
{
    struct node           *node  = context;
    struct work_quota_tend tend  = { .guard = quota_guard, .context = job };
    int64_t                quiet = 0, n, total = 0;

    while (quiet < QUIET_US && !job_should_stop(job)) {
        if (work_quota_tend(node->work, &tend, &n, err) < 0)
            return -1;
        total += n;
        quiet = n > 0 ? 0 : quiet + SECOND_US;
        job_pause(job, SECOND_US);
    }
    job_log(job, "%lld changes folded into the sums of quotas", (long long)total);
    return 0;
}

int kinds_quotas_if_due(struct node *node, struct jobs *jobs, struct err *err)
{
    struct meta_job job = { .action = STR("quotafold"), .unique_key = STR("due") };
    int             due = work_quota_is_due(node->work, err);

    return due < 1 ? due : add_if_none(node, jobs, &job, err);
}

/* -- the history of jobs and of events ---------------------------------------------------------------- */

struct history {
    int64_t age_us; /* 0: whatever the age */
    int64_t n_keep; /* 0: however many */
};

/* What the job says, else what the settings say. */
static int read_history(struct job *job, struct node *node, const enum conf_id ids[3],
                        struct history *out, struct err *err)
{
    const struct conf *conf  = node_conf(node);
    struct str         age   = job_parameter(job, "maxAge");
    struct str         keep  = job_parameter(job, "toKeep");
    bool               is_on = conf_switch(conf, ids[0]);

    out->age_us = is_on ? conf_number(conf, ids[1]) : 0;
    out->n_keep = is_on ? conf_number(conf, ids[2]) : 0;
    if (age.n > 0 && text_span_parse(age, &out->age_us, err) < 0)
        return err_wrap(err, "maxAge");
    if (keep.n > 0 && (!str_to_int(keep, &out->n_keep) || out->n_keep < 0))
        return err_set(err, ERR_INVALID, "toKeep: is not a number");
    return 0;
}

static int drop_history(struct job *job, struct node *node, const struct history *history,
                        int64_t *out_n, int64_t *out_lines, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct meta_job_dropped      done = { 0 };

    if (db_begin(node->db, DB_WRITE, "drop job history", &tx, err) < 0 ||
        job_guard(job, tx, err) < 0 ||
        (history->age_us > 0 &&
         meta_job_expire(tx, db_now(tx) - history->age_us, &done, err) < 0) ||
        (history->n_keep > 0 && meta_job_trim(tx, history->n_keep, &done, err) < 0) ||
        db_commit(&tx, err) < 0)
        return -1;
    *out_n     = done.n_jobs;
    *out_lines = done.n_lines;
    return 0;
}

static int run_history(struct job *job, void *context, struct err *err)
{
    static const enum conf_id ids[] = { CONF_JOB_HISTORY, CONF_JOB_HISTORY_AGE,
                                        CONF_JOB_HISTORY_KEEP };
    struct history            history;
    int64_t                   n = 1, n_lines = 0, total = 0;

    if (read_history(job, context, ids, &history, err) < 0)
        return -1;
    while (n + n_lines > 0 && !job_should_stop(job)) {
        if (drop_history(job, context, &history, &n, &n_lines, err) < 0)
            return -1;
        total += n;
    }
    if (total > 0)
        job_log(job, "%lld jobs left the history", (long long)total);
    return 0;
}

/* -- read-only ---------------------------------------------------------------------------------------- */

static int run_read_only(struct job *job, void *context, struct err *err)
{
    struct node        *node    = context;
    struct str          wanted  = job_parameter(job, "readOnly");
    bool                is_on   = conf_switch(node_conf(node), CONF_READ_ONLY);
    bool                on      = wanted.n == 0 || str_is(wanted, "true");
    struct meta_actor   actor   = { .kind = "system", .name = STR("job ro_registry") };
    struct work_setting setting = {
        .key      = str_from(conf_table[CONF_READ_ONLY].key),
        .value    = on ? STR("on") : STR("off"),
        .standard = is_on ? STR("on") : STR("off"),
    };

    if (!on && !str_is(wanted, "false"))
        return err_set(err, ERR_INVALID, "readOnly: is true or false");
    if (work_settings_put_guarded(node->work, guard, job, &actor, &setting, 1, err) < 0 ||
        node_load_settings(node, err) < 0)
        return -1;
    job_log(job, "%s",
            on ? "the registry takes no changes any more" : "the registry takes changes");
    return 0;
}

/* -- webhooks ------------------------------------------------------------------------------------------ */

static int run_webhook(struct job *job, void *context, struct err *err)
{
    struct node            *node   = context;
    struct work_hook_replay replay = { .guard       = guard,
                                       .should_stop = job_says_stop,
                                       .context     = job };
    int64_t                 n;

    if (!str_to_int(job_parameter(job, "from"), &replay.from))
        return err_set(err, ERR_INVALID, "from: is the id of an event");
    if (work_hook_replay(node->work, job_parameter(job, "webhook"), &replay, &n, err) < 0)
        return -1;
    job_log(job, "%lld events wait to be told again", (long long)n);
    return 0;
}

static int forget_pulls(struct job *job, struct node *node, struct err *err)
{
    int64_t n = 1, total = 0;

    while (n > 0 && !job_should_stop(job)) {
        if (work_pull_days_expire(node->work, guard, job, &n, err) < 0)
            return -1;
        total += n;
    }
    if (total > 0)
        job_log(job, "%lld days of pulls went, which were more than %d days ago", (long long)total,
                WORK_PULL_DAYS);
    return 0;
}

static int run_events(struct job *job, void *context, struct err *err)
{
    static const enum conf_id ids[]  = { CONF_EVENT_HISTORY, CONF_EVENT_AGE, CONF_EVENT_KEEP };
    struct node              *node   = context;
    struct work_expiry        expiry = { 0 };
    struct history            history;
    int64_t                   n = 1, total = 0;

    if (read_history(job, node, ids, &history, err) < 0)
        return -1;
    expiry.age_us = history.age_us;
    expiry.n_keep = history.n_keep;
    while (n > 0 && !job_should_stop(job)) {
        if (work_events_expire(node->work, &expiry, guard, job, &n, err) < 0)
            return -1;
        total += n;
    }
    if (total > 0)
        job_log(job, "%lld events left the history", (long long)total);
    return forget_pulls(job, node, err);
}

/* -- for trying the queue ----------------------------------------------------------------------------- */

static int run_sleep(struct job *job, void *context, struct err *err)
{
    struct str text = job_parameter(job, "duration");
    int64_t    us   = 10 * SECOND_US;

    (void)context;
    if (text.n > 0 && text_span_parse(text, &us, err) < 0)
        return err_wrap(err, "duration");
    job_log(job, "sleeping");
    job_pause(job, us);
    return 0;
}

static int run_false(struct job *job, void *context, struct err *err)
{
    (void)job;
    (void)context;
    return err_set(err, ERR_UNAVAILABLE, "this job always fails");
}

static const char *const collect_takes[] = { "dryRun", NULL };
static const char *const history_takes[] = { "maxAge", "toKeep", NULL };
static const char *const webhook_takes[] = { "webhook", "from", NULL };
static const char *const sleep_takes[]   = { "duration", NULL };
static const char *const ro_takes[]      = { "readOnly", NULL };

/* clang-format off */
const struct job_kind cmd_kinds[] = {
    { .name = "onlinegc", .says = "Gives back the space of what nothing names any more", .capacity = 1,
      .parameters = collect_takes, .run = run_collect },
    { .name = "gc", .says = "The same, by its older name", .capacity = 1,
      .parameters = collect_takes, .run = run_collect },
    { .name = "onlinegc_metadata", .says = "Its first half: manifests and deleted repositories", .capacity = 1,
      .parameters = collect_takes, .run = run_collect_metadata },
    { .name = "onlinegc_blobs", .says = "Its second half: blobs, and bytes whose wait is over", .capacity = 1,
      .parameters = collect_takes, .run = run_collect_blobs },
    { .name = "onlinegc_joblogs", .says = "Takes old jobs and their logs out of the history", .capacity = 1,
      .schedule = "0 30 3 * * *", .parameters = history_takes, .run = run_history },
    { .name = "ro_registry", .says = "Makes the registry read-only, or with readOnly=false writable again", .capacity = 1,
      .parameters = ro_takes, .run = run_read_only },
    { .name = "webhook", .says = "Tells a webhook once more of what happened from an event on", .capacity = 2,
      .parameters = webhook_takes, .run = run_webhook },
    { .name = "quotafold", .says = "Folds what pushes changed into the sums of quotas, counts new quotas, and tells what is nearly used up",
      .capacity = 1, .run = run_quotas },
    { .name = "onlinegc_events", .says = "Takes old events out of the history, and what was counted of pulls long ago",
      .capacity = 1, .schedule = "0 0 4 * * *", .parameters = history_takes, .run = run_events },
    { .name = "sleep", .says = "Sleeps, for trying the queue", .capacity = 4, .parameters = sleep_takes, .run = run_sleep },
    { .name = "false", .says = "Fails, for trying the queue", .capacity = 4, .run = run_false },
    { 0 },
};
/* clang-format on */
