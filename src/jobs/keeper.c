/* jobs/keeper.c: the thread that takes jobs, keeps their leases, and sees to their ends.
 *
 *     each poll: join the ended ▶ renew leases, ask to stop ▶ bury the dead ▶ fire crons ▶ take what is due */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "db/db.h"
#include "io/clock.h"
#include "jobs/jobs_private.h"

/* -- those that run ----------------------------------------------------------------------------------- */

static void join_ended(struct jobs *jobs)
{
    struct job **at = &jobs->running;

    while (*at != NULL) {
        struct job *job = *at;

        if (!atomic_load(&job->is_over)) {
            at = &job->next;
            continue;
        }
        pthread_join(job->thread, NULL);
        *at = job->next;
        job_free(&job);
    }
}

/* Is it to stop? Whoever pauses is woken, once. */
static void ask(struct job *job, atomic_bool *why)
{
    if (!atomic_exchange(why, true))
        jobs_wake(job->jobs);
}

/* It runs past its deadline, or has been canceled: after its stop timeout the registry goes on without it. */
static int watch_clock(struct job *job, struct err *err)
{
    int64_t now      = clock_monotonic_us();
    int64_t patience = job->row.stop_timeout_us > 0 ? job->row.stop_timeout_us : JOBS_STOP_US;

    if (job->stop_at != 0 && now >= job->stop_at)
        ask(job, &job->is_late);
    if (!atomic_load(&job->is_late) && !atomic_load(&job->is_canceled))
        return 0;
    if (job->asked_at == 0)
        job->asked_at = now;
    if (now < job->asked_at + patience)
        return 0;

    bool is_canceled = atomic_load(&job->is_canceled);
    if (job_end(job, is_canceled ? "canceled" : "errored",
                is_canceled ? "it was canceled and did not stop"
                            : "it ran past its deadline and did not stop",
                err) < 0)
        return err->kind == ERR_CONFLICT ? 0 : -1; /* it has ended just now */
    job->is_given_up = true;
    ask(job, &job->is_lost);
    log_event(LOG_WARNING, NULL, "job.given-up",
              LOG_FIELDS(LOG_S("job", job->row.uuid), LOG_T("action", job->kind->name)),
              "it was asked to stop and did not");
    return 0;
}

static int renew(struct job *job, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx          = NULL;
    bool                         is_canceled = false;

    if (db_begin(job->jobs->settings.db, DB_WRITE, "renew lease", &tx, err) < 0)
        return -1;
    int found = meta_job_renew(tx, job->row.id, job->row.fence, job->jobs->settings.lease_us,
                               &is_canceled, err);
    if (found < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (found == 0 && !atomic_load(&job->is_over))
        ask(job, &job->is_lost);
    if (is_canceled)
        ask(job, &job->is_canceled);
    return 0;
}

static bool is_renewal_due(struct jobs *jobs)
{
    return clock_monotonic_us() >= jobs->renewed_at + jobs->settings.lease_us / 3;
}

/* Those that somebody has canceled since the last look. */
static int see_cancels(struct jobs *jobs, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    int64_t                       *ids;
    size_t                         n;

    if (jobs->running == NULL)
        return 0;
    if (db_begin(jobs->settings.db, DB_READ, "look for cancels", &tx, err) < 0 ||
        meta_job_to_cancel(tx, arena, str_from(jobs->worker_id), &ids, &n, err) < 0)
        return -1;
    for (struct job *job = jobs->running; job != NULL; job = job->next) {
        for (size_t i = 0; i < n; i++) {
            if (ids[i] == job->row.id)
                ask(job, &job->is_canceled);
        }
    }
    return 0;
}

static int see_to(struct job *job, bool is_renewal, struct err *err)
{
    if (atomic_load(&job->is_lost) || atomic_load(&job->is_over))
        return 0;
    if (is_renewal && renew(job, err) < 0)
        return -1;
    if (atomic_load(&job->is_lost))
        return 0;
    if (job_keep_lines(job, err) < 0 && err->kind != ERR_CONFLICT)
        return -1;
    return watch_clock(job, err);
}

/* What goes wrong with one job keeps no other from its lease. */
static int see_to_running(struct jobs *jobs, struct err *err)
{
    bool       is_renewal = is_renewal_due(jobs);
    int        result     = see_cancels(jobs, err);
    struct err other;

    for (struct job *job = jobs->running; job != NULL; job = job->next) {
        if (see_to(job, is_renewal, result < 0 ? &other : err) < 0)
            result = -1;
    }
    if (is_renewal && result == 0)
        jobs->renewed_at = clock_monotonic_us();
    return result;
}

/* -- taking ------------------------------------------------------------------------------------------- */

static int bury(struct jobs *jobs, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      n;

    if (db_begin(jobs->settings.db, DB_WRITE, "bury jobs", &tx, err) < 0 ||
        meta_job_bury(tx, JOBS_TAKEN_MAX, &n, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (n > 0)
        log_event(LOG_WARNING, NULL, "job.worker-dead", LOG_NO_FIELDS,
                  "%lld jobs had lost their worker", (long long)n);
    return 0;
}

static const struct json_number *find_number(const struct json_numbers *numbers, struct str key)
{
    for (size_t i = 0; i < numbers->n; i++) {
        if (str_eq(numbers->pairs[i].key, key))
            return &numbers->pairs[i];
    }
    return NULL;
}

static int64_t used(const struct jobs *jobs, struct str name, int64_t limit)
{
    int64_t sum = 0;

    for (const struct job *job = jobs->running; job != NULL; job = job->next) {
        const struct json_number *need = find_number(&job->needs, name);

        if (need != NULL && !job->is_given_up)
            sum += need->value < limit ? need->value : limit;
    }
    return sum;
}

static bool fits(const struct jobs *jobs, const struct json_numbers *limits,
                 const struct json_numbers *needs)
{
    for (size_t i = 0; i < needs->n; i++) {
        const struct json_number *limit = find_number(limits, needs->pairs[i].key);
        int64_t                   need  = needs->pairs[i].value;

        if (limit == NULL || need == 0)
            continue;
        if (need > limit->value)
            need = limit->value;
        if (need == 0 || used(jobs, limit->key, limit->value) + need > limit->value)
            return false;
    }
    return true;
}

/* What is due here, and how much this node may run. Asked in one reading, so that an idle registry writes nothing. */
struct sight {
    struct str         *actions;
    size_t              n_actions;
    struct json_numbers limits;
    bool                has_dead;
};

static int look(struct jobs *jobs, struct arena *arena, struct sight *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(jobs->settings.db, DB_READ, "look at jobs", &tx, err) < 0 ||
        meta_job_due(tx, arena, &out->actions, &out->n_actions, err) < 0 ||
        jobs_capacity(tx, arena, jobs->settings.kinds, str_from(jobs->worker_id), &out->limits,
                      err) < 0)
        return -1;
    int dead      = meta_job_is_any_dead(tx, err);
    out->has_dead = dead == 1;
    return dead < 0 ? -1 : 0;
}

static int refuse(struct jobs *jobs, const struct meta_job *row, const struct err *why,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(jobs->settings.db, DB_WRITE, "refuse job", &tx, err) < 0 ||
        meta_job_end(tx, row->id, row->fence, "errored", str_from(why->text), err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* No thread could be had for it: another time, or another node. */
static int put_back(struct jobs *jobs, const struct meta_job *row, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(jobs->settings.db, DB_WRITE, "put job back", &tx, err) < 0 ||
        meta_job_release(tx, row->id, row->fence, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int begin(struct jobs *jobs, const struct meta_job *row, int64_t n_lines, struct err *err)
{
    struct err why;

    if (job_begin(jobs, row, n_lines, &why) == 0)
        return 1;
    if (why.kind != ERR_UNAVAILABLE)
        return refuse(jobs, row, &why, err) < 0 ? -1 : 1;
    if (put_back(jobs, row, err) == 0)
        *err = why;
    return -1;
}

/* 1 taken, 0 none left that there is room for, -1. */
static int take(struct jobs *jobs, const struct job_kind *kind, const struct json_numbers *limits,
                struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_job                row;
    struct json_numbers            needs = { 0 };
    struct err                     ignored; /* job_begin says it again */
    int64_t                        n_lines;

    if (db_begin(jobs->settings.db, DB_WRITE, "take job", &tx, err) < 0)
        return -1;
    int found = meta_job_take(tx, arena, str_from(kind->name), str_from(jobs->worker_id),
                              jobs->settings.lease_us, &row, err);
    if (found < 1)
        return found;
    if (job_needs(arena, &row, &needs, &ignored) == 0 && !fits(jobs, limits, &needs))
        return 0;
    if (meta_job_last_line(tx, row.id, &n_lines, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return begin(jobs, &row, n_lines, err);
}

static int take_due(struct jobs *jobs, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct sight                   sight;

    if (look(jobs, arena, &sight, err) < 0 ||
        (sight.has_dead && (bury(jobs, err) < 0 || look(jobs, arena, &sight, err) < 0)))
        return -1;
    for (size_t i = 0; i < sight.n_actions; i++) {
        const struct job_kind *kind  = jobs_kind(jobs->settings.kinds, sight.actions[i]);
        struct json_number     one   = { .key = sight.actions[i], .value = 1 };
        struct json_numbers    usual = { .pairs = &one, .n = 1 };
        int                    taken = kind != NULL;

        while (taken == 1 && fits(jobs, &sight.limits, &usual))
            taken = take(jobs, kind, &sight.limits, err);
        if (taken < 0)
            return -1;
    }
    return 0;
}

/* -- the thread --------------------------------------------------------------------------------------- */

static void wait_for_poll(struct jobs *jobs)
{
    int64_t deadline = clock_monotonic_us() + jobs->settings.poll_us;

    pthread_mutex_lock(&jobs->lock);
    for (int64_t now = clock_monotonic_us();
         !jobs->is_woken && !atomic_load(&jobs->is_ending) && now < deadline;
         now = clock_monotonic_us())
        clock_cond_wait(&jobs->wake, &jobs->lock, deadline - now);
    jobs->is_woken = false;
    pthread_mutex_unlock(&jobs->lock);
}

/* Each whatever became of the one before; the first error is told. */
static int poll_once(struct jobs *jobs, struct err *err)
{
    static int (*const duties[])(struct jobs * jobs,
                                 struct err * err) = { see_to_running, jobs_fire_crons, take_due };
    int        result                              = 0;
    struct err other;

    join_ended(jobs);
    for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
        if (duties[i](jobs, result < 0 ? &other : err) < 0)
            result = -1;
    }
    return result;
}

static void *run_keeper(void *context)
{
    struct jobs *jobs       = context;
    bool         is_failing = false;
    struct err   err;

    while (!atomic_load(&jobs->is_ending)) {
        bool has_failed = poll_once(jobs, &err) < 0;

        if (has_failed && !is_failing)
            log_event(LOG_ERROR, NULL, "jobs.failed", LOG_NO_FIELDS, "%s", err.text);
        is_failing = has_failed;
        wait_for_poll(jobs);
    }
    return NULL;
}

int jobs_start(const struct jobs_settings *settings, struct jobs **out, struct err *err)
{
    struct jobs *jobs = mem_new(struct jobs);

    jobs->settings = *settings;
    if (jobs->settings.lease_us == 0)
        jobs->settings.lease_us = JOBS_LEASE_US;
    if (jobs->settings.poll_us == 0)
        jobs->settings.poll_us = JOBS_POLL_US;
    snprintf(jobs->worker_id, sizeof(jobs->worker_id), STR_FMT, STR_ARGS(settings->worker_id));
    pthread_mutex_init(&jobs->lock, NULL);
    clock_cond_init(&jobs->wake);
    if (jobs_seed_crons(jobs, err) < 0 ||
        (pthread_create(&jobs->thread, NULL, run_keeper, jobs) != 0 &&
         err_set_os(err, ERR_UNAVAILABLE, "starting the jobs' thread") < 0)) {
        mem_free(jobs);
        return -1;
    }
    *out = jobs;
    return 0;
}

void jobs_stop(struct jobs **jobs)
{
    if (*jobs == NULL)
        return;

    pthread_mutex_lock(&(*jobs)->lock);
    atomic_store(&(*jobs)->is_ending, true);
    pthread_cond_broadcast(&(*jobs)->wake);
    pthread_mutex_unlock(&(*jobs)->lock);
    pthread_join((*jobs)->thread, NULL);
    while ((*jobs)->running != NULL) {
        struct job *job = (*jobs)->running;

        pthread_join(job->thread, NULL);
        (*jobs)->running = job->next;
        job_free(&job);
    }
    pthread_mutex_destroy(&(*jobs)->lock);
    pthread_cond_destroy(&(*jobs)->wake);
    mem_free(*jobs);
    *jobs = NULL;
}
