/* jobs/jobs_private.h: what the keeper, the runner and the crons share. */
#ifndef JOBS_JOBS_PRIVATE_H
#define JOBS_JOBS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "codec/json.h"
#include "jobs/jobs.h"
#include "meta/job.h"

#define JOBS_LEASE_US (30 * INT64_C(1000000))
#define JOBS_POLL_US INT64_C(1000000)
#define JOBS_STOP_US (60 * INT64_C(1000000)) /* between being asked to stop and being given up */

enum {
    JOBS_LINE_MAX   = 4096,
    JOBS_LINES_MAX  = 10000,
    JOBS_TAKEN_MAX  = 5, /* times that a job may kill its worker */
    JOBS_PARAMETERS = 32
};

struct line {
    struct line *next;
    int64_t      at;
    size_t       n;
    char         data[];
};

/* A job that this node holds, and its thread. */
struct job {
    struct job            *next;
    struct jobs           *jobs;
    const struct job_kind *kind;
    struct arena          *arena;
    struct meta_job        row;
    struct json_map        parameters;
    struct json_numbers    needs; /* of the worker's capacity */
    pthread_t              thread;
    atomic_bool            is_canceled;
    atomic_bool            is_late;     /* past its deadline */
    atomic_bool            is_lost;     /* the fence has moved on */
    atomic_bool            is_over;     /* its thread is about to end */
    bool                   was_stopped; /* it had been asked to when it returned */
    bool                   is_given_up;
    int64_t                stop_at;  /* monotonic µs; 0: no deadline */
    int64_t                asked_at; /* to stop, as the keeper saw it; 0: not yet */

    pthread_mutex_t
        keep_lock; /* one writes the lines down: the keeper now and then, the job at its end */
    pthread_mutex_t lock; /* guards the lines */
    struct line    *first;
    struct line   **last;
    int64_t         n_lines; /* said so far */
    int64_t         n_kept;  /* in the database */
};

struct jobs {
    struct jobs_settings settings;
    char                 worker_id[64];
    pthread_t            thread;
    pthread_mutex_t      lock; /* guards what follows */
    pthread_cond_t       wake; /* of the keeper, and of jobs that pause */
    bool                 is_woken;
    atomic_bool          is_ending;
    struct job          *running; /* of the keeper alone */
    int64_t              renewed_at;
};

/* -- run.c: one job ----------------------------------------------------------------------------------- */

/* n_lines: that its log has already, from a worker before. */
int  job_begin(struct jobs *jobs, const struct meta_job *row, int64_t n_lines, struct err *err);
void job_free(struct job **job); /* after its thread was joined */

/* Writes the lines said so far, in one transaction with the guard. */
int job_keep_lines(struct job *job, struct err *err);

/* Its end in the queue: status "done", "errored" (it is tried again if it says so) or "canceled". ERR_CONFLICT, code
 * JOB_LOST. */
int job_end(struct job *job, const char *status, const char *message, struct err *err);

/* What a job of that row needs of a worker's capacity. */
int job_needs(struct arena *arena, const struct meta_job *row, struct json_numbers *out,
              struct err *err);

/* -- cron.c ------------------------------------------------------------------------------------------- */

/* Adds the jobs of crons that are due. */
int jobs_fire_crons(struct jobs *jobs, struct err *err);
int jobs_seed_crons(struct jobs *jobs, struct err *err);

#endif
