/* jobs/run.c: one job on its thread: begun, its lines kept, ended or given back. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "io/random.h"
#include "jobs/jobs_private.h"

#define FIRST_WAIT_US (5 * INT64_C(1000000))
#define LONGEST_WAIT_US (3600 * INT64_C(1000000))

/* -- for kinds ---------------------------------------------------------------------------------------- */

struct str job_parameter(const struct job *job, const char *name)
{
    for (size_t i = 0; i < job->parameters.n; i++) {
        if (str_is(job->parameters.pairs[i].key, name))
            return job->parameters.pairs[i].value;
    }
    return STR_NULL;
}

bool job_should_stop(const struct job *job)
{
    return atomic_load(&job->is_canceled) || atomic_load(&job->is_late) ||
           atomic_load(&job->is_lost) || atomic_load(&job->jobs->is_ending);
}

bool job_pause(struct job *job, int64_t us)
{
    struct jobs *jobs     = job->jobs;
    int64_t      deadline = clock_monotonic_us() + us;

    pthread_mutex_lock(&jobs->lock);
    for (int64_t now = clock_monotonic_us(); !job_should_stop(job) && now < deadline;
         now         = clock_monotonic_us())
        clock_cond_wait(&jobs->wake, &jobs->lock, deadline - now);
    pthread_mutex_unlock(&jobs->lock);
    return job_should_stop(job);
}

int job_guard(const struct job *job, struct db_tx *tx, struct err *err)
{
    return meta_job_guard(tx, job->row.id, job->row.fence, err);
}

/* In place: what is no UTF-8 (as the end of a line that was cut) and control characters. The database would take
 * neither, and the job could not end. */
static void clean(char *text)
{
    struct str rest = str_from(text);

    while (rest.n > 0) {
        size_t size = text_utf8_size(rest);
        char  *at   = text + (rest.p - text);

        if (size == 0 || (size == 1 && ((*at >= 0 && *at < ' ' && *at != '\t') || *at == '\x7f')))
            *at = size == 0 ? '?' : ' ';
        rest = str_from_index(rest, size == 0 ? 1 : size);
    }
}

void job_log(struct job *job, const char *format, ...)
{
    char    text[JOBS_LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    clean(text);
    log_event(LOG_DEBUG, NULL, "job.line",
              LOG_FIELDS(LOG_S("job", job->row.uuid), LOG_T("action", job->kind->name)), "%s",
              text);

    pthread_mutex_lock(&job->lock);
    if (++job->n_lines <= JOBS_LINES_MAX) {
        size_t       n    = strlen(text);
        struct line *line = mem_new_bytes(sizeof(*line) + n + 1);

        *line = (struct line){ .at = clock_utc_us(), .n = n };
        memcpy(line->data, text, n + 1);
        *job->last = line;
        job->last  = &line->next;
    }
    pthread_mutex_unlock(&job->lock);
}

/* The keeper, and jobs that pause. */
void jobs_wake(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->is_woken = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
}

/* -- lines -------------------------------------------------------------------------------------------- */

static struct line *take_lines(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    struct line *lines = job->first;
    job->first         = NULL;
    job->last          = &job->first;
    pthread_mutex_unlock(&job->lock);
    return lines;
}

/* For another try: they come before what was said since. */
static void put_lines_back(struct job *job, struct line *lines)
{
    struct line **end = &lines;

    pthread_mutex_lock(&job->lock);
    while (*end != NULL)
        end = &(*end)->next;
    *end = job->first;
    if (job->first == NULL)
        job->last = end;
    job->first = lines;
    pthread_mutex_unlock(&job->lock);
}

static void free_lines(struct line *lines)
{
    while (lines != NULL) {
        struct line *next = lines->next;

        mem_free(lines);
        lines = next;
    }
}

static int write_lines(struct job *job, struct db_tx *tx, const struct line *lines, struct err *err)
{
    int64_t number = job->n_kept;

    for (; lines != NULL; lines = lines->next) {
        struct meta_job_line row = { .line = ++number,
                                     .at   = lines->at,
                                     .data = { lines->data, lines->n } };

        if (meta_job_log(tx, job->row.id, &row, err) < 0)
            return -1;
    }
    job->n_kept = number;
    return 0;
}

static int keep_lines(struct job *job, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    int64_t                      before = job->n_kept;
    struct line                 *lines  = take_lines(job);

    if (lines == NULL)
        return 0;
    int done = db_begin(job->jobs->settings.db, DB_WRITE, "keep job's lines", &tx, err);
    if (done == 0)
        done = job_guard(job, tx, err);
    if (done == 0)
        done = write_lines(job, tx, lines, err);
    if (done == 0)
        done = db_commit(&tx, err);
    if (done < 0) {
        job->n_kept = before;
        put_lines_back(job, lines);
        return -1;
    }
    free_lines(lines);
    return 0;
}

int job_keep_lines(struct job *job, struct err *err)
{
    pthread_mutex_lock(&job->keep_lock);
    int done = keep_lines(job, err);
    pthread_mutex_unlock(&job->keep_lock);
    return done;
}

/* -- its end ------------------------------------------------------------------------------------------ */

/* Twice as long each time, and a little more or less, so that many that failed together do not come together. */
static int64_t wait_before_retry(const struct meta_job *row)
{
    int64_t  n    = row->retries_total - row->retries_left;
    int64_t  wait = n < 10 ? FIRST_WAIT_US << n : LONGEST_WAIT_US;
    uint64_t chance;

    if (wait > LONGEST_WAIT_US)
        wait = LONGEST_WAIT_US;
    random_bytes(&chance, sizeof(chance));
    return wait + (int64_t)(chance % (uint64_t)(wait / 4));
}

static int add_retry(struct job *job, struct db_tx *tx, struct arena *arena, struct err *err)
{
    struct meta_job retry = job->row;
    struct str      uuid;

    if (job->row.retries_left <= 0)
        return 0;
    retry.retries_left = job->row.retries_left - 1;
    retry.retry_of     = job->row.uuid;
    retry.unique_key   = STR_NULL;
    retry.scheduled_at = db_now(tx) + wait_before_retry(&job->row);
    return meta_job_add(tx, arena, &retry, &uuid, err);
}

int job_end(struct job *job, const char *status, const char *message, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    char                          *text  = str_dup(arena, str_from(message));

    clean(text);
    if (job_keep_lines(job, err) < 0 ||
        db_begin(job->jobs->settings.db, DB_WRITE, "end job", &tx, err) < 0 ||
        meta_job_end(tx, job->row.id, job->row.fence, status, str_from(text), err) < 0 ||
        (strcmp(status, "errored") == 0 && add_retry(job, tx, arena, err) < 0) ||
        failpoint(FP_JOB_END_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_JOB_ENDED, err);
}

static int give_back(struct job *job, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (job_keep_lines(job, err) < 0 ||
        db_begin(job->jobs->settings.db, DB_WRITE, "give job back", &tx, err) < 0 ||
        meta_job_release(tx, job->row.id, job->row.fence, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* One try to keep how it came out. */
static int settle(struct job *job, int result, const struct err *why, struct err *err)
{
    bool is_ending = atomic_load(&job->jobs->is_ending);

    if (atomic_load(&job->is_lost))
        return 0;
    if (atomic_load(&job->is_canceled))
        return job_end(job, "canceled", "canceled", err);
    if (atomic_load(&job->is_late))
        return job_end(job, "errored", "it ran past its deadline", err);
    if (is_ending && (result < 0 || job->was_stopped))
        return give_back(job, err);
    if (result < 0)
        return job_end(job, "errored", why->text, err);
    return job_end(job, "done", "", err);
}

/* A moment, unless the node stops. */
static void wait_a_moment(struct jobs *jobs)
{
    int64_t deadline = clock_monotonic_us() + jobs->settings.poll_us;

    pthread_mutex_lock(&jobs->lock);
    for (int64_t now = clock_monotonic_us(); !atomic_load(&jobs->is_ending) && now < deadline;
         now         = clock_monotonic_us())
        clock_cond_wait(&jobs->wake, &jobs->lock, deadline - now);
    pthread_mutex_unlock(&jobs->lock);
}

/* While the database is away its end waits for it, for else it would be done once more. */
static int settle_in_the_end(struct job *job, int result, const struct err *why, struct err *err)
{
    int n_tries = 0;

    for (;;) {
        if (settle(job, result, why, err) == 0)
            return 0;
        if (db_again(err, &n_tries))
            continue;
        bool is_away = err->kind == ERR_UNAVAILABLE || err->kind == ERR_FULL;
        if (!is_away || atomic_load(&job->jobs->is_ending))
            return -1;
        wait_a_moment(job->jobs);
    }
}

static void *run_job(void *context)
{
    struct job *job = context;
    struct err  why = { 0 }, err;

    log_event(LOG_INFO, NULL, "job.begun",
              LOG_FIELDS(LOG_S("job", job->row.uuid), LOG_T("action", job->kind->name)), "%s",
              job->kind->says);
    int result = failpoint(FP_JOB_TAKEN, &why);
    if (result == 0)
        result = job->kind->run(job, job->jobs->settings.context, &why);
    job->was_stopped = job_should_stop(job);
    if (result < 0)
        job_log(job, "failed: %s", why.text);
    if (settle_in_the_end(job, result, &why, &err) < 0)
        log_event(err.kind == ERR_CONFLICT ? LOG_WARNING : LOG_ERROR, NULL, "job.not-ended",
                  LOG_FIELDS(LOG_S("job", job->row.uuid)), "%s", err.text);
    atomic_store(&job->is_over, true);
    jobs_wake(job->jobs);
    return NULL;
}

/* -- its beginning ------------------------------------------------------------------------------------ */

static void copy_row(struct job *job, const struct meta_job *row)
{
    struct meta_job *own = &job->row;

    *own            = *row;
    own->uuid       = str_copy(job->arena, row->uuid);
    own->action     = str_copy(job->arena, row->action);
    own->parameters = str_copy(job->arena, row->parameters);
    own->capacity   = str_copy(job->arena, row->capacity);
    own->status = own->unique_key = own->retry_of = own->worker_id = own->message = STR_NULL;
}

int job_begin(struct jobs *jobs, const struct meta_job *row, int64_t n_lines, struct err *err)
{
    AUTO(job_free) struct job *job = mem_new(struct job);

    job->jobs    = jobs;
    job->kind    = jobs_kind(jobs->settings.kinds, row->action);
    job->arena   = arena_new();
    job->last    = &job->first;
    job->n_lines = job->n_kept = n_lines;
    pthread_mutex_init(&job->lock, NULL);
    pthread_mutex_init(&job->keep_lock, NULL);
    copy_row(job, row);
    if (row->deadline_us > 0)
        job->stop_at = clock_monotonic_us() + row->deadline_us;
    if (jobs_parameters_read(job->arena, job->row.parameters, &job->parameters, err) < 0 ||
        job_needs(job->arena, &job->row, &job->needs, err) < 0)
        return err_wrap(err, "job " STR_FMT, STR_ARGS(job->row.uuid));

    if (pthread_create(&job->thread, NULL, run_job, job) != 0)
        return err_set_os(err, ERR_UNAVAILABLE, "starting a job's thread");
    job->next     = jobs->running;
    jobs->running = TAKE(job);
    return 0;
}

void job_free(struct job **job)
{
    if (*job == NULL)
        return;

    free_lines((*job)->first);
    pthread_mutex_destroy(&(*job)->lock);
    pthread_mutex_destroy(&(*job)->keep_lock);
    arena_free(&(*job)->arena);
    mem_free(*job);
    *job = NULL;
}
