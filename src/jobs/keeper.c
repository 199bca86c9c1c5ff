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

/* Past its deadline it is asked to stop; past its stop timeout the registry goes on without it. */
static int watch_clock(struct job *job, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx  = NULL;
    int64_t                      now = clock_monotonic_us();

    if (job->stop_at == 0 || now < job->stop_at || job->is_given_up)
        return 0;
    if (!atomic_load(&job->is_late)) {
        atomic_store(&job->is_late, true);
        job->given_up_at = now + job->row.stop_timeout_us;
    }
    if (job->row.stop_timeout_us == 0 || now < job->given_up_at)
        return 0;
    if (db_begin(job->jobs->settings.db, DB_WRITE, "give job up", &tx, err) < 0 ||
        meta_job_end(tx, job->row.id, job->row.fence, "errored",
                     STR("it ran past its deadline and did not stop"), err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    job->is_given_up = true;
    atomic_store(&job->is_lost, true);
    return 0;
}

static int renew(struct job *job, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx          = NULL;
    bool                         is_canceled = false;

    if (atomic_load(&job->is_lost) || atomic_load(&job->is_over))
        return 0;
    if (db_begin(job->jobs->settings.db, DB_WRITE, "renew lease", &tx, err) < 0)
        return -1;
    int found = meta_job_renew(tx, job->row.id, job->row.fence, job->jobs->settings.lease_us,
                               &is_canceled, err);
    if (found < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (found == 0)
        atomic_store(&job->is_lost, !atomic_load(&job->is_over));
    if (is_canceled)
        atomic_store(&job->is_canceled, true);
    return 0;
}

static bool is_renewal_due(struct jobs *jobs)
{
    return clock_monotonic_us() >= jobs->renewed_at + jobs->settings.lease_us / 3;
}

static int see_to_running(struct jobs *jobs, struct err *err)
{
    bool is_due = is_renewal_due(jobs);

    for (struct job *job = jobs->running; job != NULL; job = job->next) {
        if (watch_clock(job, err) < 0 || (is_due && renew(job, err) < 0) ||
            (!atomic_load(&job->is_lost) && !atomic_load(&job->is_over) &&
             job_keep_lines(job, err) < 0 && err->kind != ERR_CONFLICT))
            return -1;
    }
    if (is_due)
        jobs->renewed_at = clock_monotonic_us();
    return 0;
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

static int64_t count_running(const struct jobs *jobs, const struct job_kind *kind)
{
    int64_t n = 0;

    for (const struct job *job = jobs->running; job != NULL; job = job->next)
        n += job->kind == kind && !job->is_given_up;
    return n;
}

/* What is due, and how much of each this node may run. Asked in one reading, so that an idle registry writes
 * nothing. */
struct wanted {
    const struct job_kind *kind;
    int64_t                n_free;
};

static int64_t capacity_of(const struct job_kind *kind, const struct meta_capacity *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(list[i].action, kind->name))
            return list[i].capacity;
    }
    return kind->capacity;
}

static int look(struct jobs *jobs, struct arena *arena, struct wanted **out, size_t *n_out,
                bool *out_dead, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_capacity        *capacities;
    struct str                  *actions;
    size_t                       n_capacities, n_actions, n = 0;

    if (db_begin(jobs->settings.db, DB_READ, "look for jobs", &tx, err) < 0 ||
        meta_job_due(tx, arena, &actions, &n_actions, err) < 0 ||
        meta_capacity_list(tx, arena, str_from(jobs->worker_id), &capacities, &n_capacities, err) <
            0)
        return -1;
    int dead = meta_job_is_any_dead(tx, err);
    if (dead < 0)
        return -1;

    struct wanted *wanted = mem_many(arena, n_actions + 1, struct wanted);
    for (size_t i = 0; i < n_actions; i++) {
        const struct job_kind *kind = jobs_kind(jobs->settings.kinds, actions[i]);

        if (kind == NULL)
            continue;
        wanted[n].kind   = kind;
        wanted[n].n_free = capacity_of(kind, capacities, n_capacities) - count_running(jobs, kind);
        n += wanted[n].n_free > 0;
    }
    *out      = wanted;
    *n_out    = n;
    *out_dead = dead == 1;
    return 0;
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

/* 1 taken, 0 none left, -1. */
static int take(struct jobs *jobs, const struct job_kind *kind, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_job                row;
    struct err                     why;
    int64_t                        n_lines;

    if (db_begin(jobs->settings.db, DB_WRITE, "take job", &tx, err) < 0)
        return -1;
    int found = meta_job_take(tx, arena, str_from(kind->name), str_from(jobs->worker_id),
                              jobs->settings.lease_us, &row, err);
    if (found < 1)
        return found;
    if (meta_job_last_line(tx, row.id, &n_lines, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (job_begin(jobs, &row, n_lines, &why) < 0 && refuse(jobs, &row, &why, err) < 0)
        return -1;
    return 1;
}

static int take_due(struct jobs *jobs, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wanted                 *wanted;
    size_t                         n;
    bool                           has_dead;

    if (look(jobs, arena, &wanted, &n, &has_dead, err) < 0 || (has_dead && bury(jobs, err) < 0))
        return -1;
    for (size_t i = 0; i < n; i++) {
        int taken = 1;

        for (int64_t k = 0; taken == 1 && k < wanted[i].n_free; k++)
            taken = take(jobs, wanted[i].kind, err);
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

static int poll_once(struct jobs *jobs, struct err *err)
{
    join_ended(jobs);
    if (see_to_running(jobs, err) < 0 || jobs_fire_crons(jobs, err) < 0)
        return -1;
    return take_due(jobs, err);
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
