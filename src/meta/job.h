/* meta/job.h: jobs, their log, the crons that make them, and how many of them a node runs.
 *
 *     waiting ──take──▶ running ──end──▶ done, errored, canceled
 *        │  ▲              │  └─cancel──▶ cancel_request ──end──▶ canceled, done, errored
 *        │  └──worker_dead ◀┘ lease over                  └─lease over──▶ canceled
 *        └─cancel──▶ canceled
 *
 * A taking moves `fence` on. Whoever holds a job shows the fence with everything that it writes about the job, and
 * asks meta_job_guard in each transaction of the job's own work: a node that stood still while another took its
 * job over commits nothing any more. Times are µs of the database's clock. */
#ifndef META_JOB_H
#define META_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_job {
    int64_t    id;
    struct str uuid;
    struct str action;
    struct str status;
    struct str parameters; /* JSON object of texts */
    struct str capacity;   /* JSON object of numbers */
    struct str unique_key; /* null view: none */
    int64_t    scheduled_at;
    int64_t    created_at;
    int64_t    created_by; /* account id; 0: a cron or the registry itself */
    int64_t    updated_at;
    int64_t    started_at; /* 0: not yet */
    int64_t    ended_at;
    int64_t    deadline_us;
    int64_t    stop_timeout_us;
    int64_t    retries_total;
    int64_t    retries_left;
    struct str retry_of; /* uuid; null view: it is no retry */
    struct str worker_id;
    int64_t    fence;
    int64_t    lease_until;
    int64_t    n_taken;
    struct str message;
};

/* uuid and created_at are made; status is waiting. A job with a unique key that waits already is ERR_EXISTS. */
int meta_job_add(struct db_tx *tx, struct arena *arena, const struct meta_job *job,
                 struct str *out_uuid, struct err *err);

int meta_job_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_job *out,
                  struct err *err);

/* Takes the job of that action that is due for longest: 1, 0 none is, -1. */
int meta_job_take(struct db_tx *tx, struct arena *arena, struct str action, struct str worker_id,
                  int64_t lease_us, struct meta_job *out, struct err *err);

/* Moves the lease on: 1 and whether it is to be canceled; 0 it is somebody else's by now. */
int meta_job_renew(struct db_tx *tx, int64_t id, int64_t fence, int64_t lease_us, bool *out_cancel,
                   struct err *err);

/* For the transactions of the job's own work: ERR_CONFLICT, code JOB_LOST, when the fence has moved on. The row is
 * locked to the transaction's end, so that it cannot be taken over before the commit. */
int meta_job_guard(struct db_tx *tx, int64_t id, int64_t fence, struct err *err);

/* status: "done", "errored" or "canceled". ERR_CONFLICT, code JOB_LOST, as meta_job_guard. */
int meta_job_end(struct db_tx *tx, int64_t id, int64_t fence, const char *status,
                 struct str message, struct err *err);

/* Gives a running job back to wait, as a node that stops does. ERR_CONFLICT as above. */
int meta_job_release(struct db_tx *tx, int64_t id, int64_t fence, struct err *err);

/* Actions that have a job which is due. */
int meta_job_due(struct db_tx *tx, struct arena *arena, struct str **out, size_t *n_out,
                 struct err *err);

/* Is there a lease that is over? 1, 0, -1. */
int meta_job_is_any_dead(struct db_tx *tx, struct err *err);

/* Jobs whose lease is over become worker_dead, or canceled when that was asked for; those taken for the n_most-th
 * time end as errored, for they may be what kills the workers. */
int meta_job_bury(struct db_tx *tx, int64_t n_most, int64_t *out_n, struct err *err);

/* Is there one of that action and unique key that waits? 1, 0, -1. */
int meta_job_waits(struct db_tx *tx, struct str action, struct str unique_key, struct err *err);

/* Is there one of that action that waits for its turn or runs? 1, 0, -1. */
int meta_job_is_open(struct db_tx *tx, struct str action, struct err *err);

/* Is it there, and has not ended? 1, 0, -1. */
int meta_job_has_not_ended(struct db_tx *tx, int64_t id, struct err *err);

/* The worker that runs a collection (actions gc and onlinegc…, but for that of the logs of jobs and of events), one of
 * them: 1, 0, -1. */
int meta_job_collector(struct db_tx *tx, struct arena *arena, struct str *out, struct err *err);

/* Jobs that this worker holds and that are to be canceled. */
int meta_job_to_cancel(struct db_tx *tx, struct arena *arena, struct str worker_id, int64_t **out,
                       size_t *n_out, struct err *err);

/* 1: it is canceled, or will be; 0: it had ended or there is none. */
int meta_job_cancel(struct db_tx *tx, struct str uuid, int64_t *out_n, struct err *err);

/* One that has ended or never began, with its log. */
int meta_job_remove(struct db_tx *tx, struct str uuid, int64_t *out_n, struct err *err);

/* Deletes jobs that ended before `before` (µs), or are not among the n_keep that ended last: some a call, the lines of
 * their logs first, and a job when it has none left, so that no transaction is long. Adds to *done; when nothing was
 * added there are none left. */
struct meta_job_dropped {
    int64_t n_jobs;
    int64_t n_lines;
};

int meta_job_expire(struct db_tx *tx, int64_t before, struct meta_job_dropped *done,
                    struct err *err);
int meta_job_trim(struct db_tx *tx, int64_t n_keep, struct meta_job_dropped *done, struct err *err);

/* Null views do not filter; is_running: -1 any, 1 running, 0 all others. Newest first, from the row `start`. */
struct meta_job_filter {
    struct str action;
    struct str worker_id;
    struct str status;
    int        is_running;
};

int meta_job_page(struct db_tx *tx, struct arena *arena, const struct meta_job_filter *filter,
                  int64_t start, size_t n_max, struct meta_job **out, size_t *n_out,
                  struct err *err);

/* How many wait, and how many run, of an action. */
struct meta_job_counts {
    struct str action;
    int64_t    n_waiting;
    int64_t    n_running;
};

int meta_job_counts(struct db_tx *tx, struct arena *arena, struct meta_job_counts **out,
                    size_t *n_out, struct err *err);

/* -- logs --------------------------------------------------------------------------------------------- */

struct meta_job_line {
    int64_t    line; /* from 1 */
    int64_t    at;
    struct str data;
};

int meta_job_log(struct db_tx *tx, int64_t id, const struct meta_job_line *line, struct err *err);

/* The number of its last line; 0: it has none. */
int meta_job_last_line(struct db_tx *tx, int64_t id, int64_t *out, struct err *err);

/* Lines after `after`, at most n_max. */
int meta_job_log_page(struct db_tx *tx, struct arena *arena, int64_t id, int64_t after,
                      size_t n_max, struct meta_job_line **out, size_t *n_out, struct err *err);

/* -- crons and defaults ------------------------------------------------------------------------------- */

struct meta_cron {
    struct str action;
    struct str uuid;
    struct str schedule;
    struct str parameters;
    struct str capacity;
    int64_t    deadline_us;
    int64_t    stop_timeout_us;
    int64_t    retries;
    int64_t    next_run;
    int64_t    updated_at;
};

/* Adds or replaces; the uuid of one that is there stays. */
int meta_cron_put(struct db_tx *tx, const struct meta_cron *cron, struct err *err);
/* Only when the action has none: what a new registry begins with. */
int meta_cron_add(struct db_tx *tx, const struct meta_cron *cron, struct err *err);
int meta_cron_find(struct db_tx *tx, struct arena *arena, struct str action, struct meta_cron *out,
                   struct err *err);
int meta_cron_list(struct db_tx *tx, struct arena *arena, struct meta_cron **out, size_t *n_out,
                   struct err *err);
int meta_cron_remove(struct db_tx *tx, struct str action, int64_t *out_n, struct err *err);

/* When the next is due: 1, 0 there are none, -1. */
int meta_cron_first(struct db_tx *tx, int64_t *out, struct err *err);

/* That of the action if it is due and no other transaction has it, locked to this one's end: 1, 0, -1. */
int meta_cron_due(struct db_tx *tx, struct arena *arena, struct str action, struct meta_cron *out,
                  struct err *err);
int meta_cron_move_on(struct db_tx *tx, struct str action, int64_t next_run, struct err *err);

struct meta_action_config {
    struct str action;
    struct str uuid;
    struct str parameters;
    int64_t    updated_at;
};

int meta_action_config_put(struct db_tx *tx, struct str action, struct str parameters,
                           struct err *err);
int meta_action_config_find(struct db_tx *tx, struct arena *arena, struct str action,
                            struct meta_action_config *out, struct err *err);
int meta_action_config_list(struct db_tx *tx, struct arena *arena, struct meta_action_config **out,
                            size_t *n_out, struct err *err);
int meta_action_config_remove(struct db_tx *tx, struct str action, int64_t *out_n, struct err *err);

/* -- how many at once --------------------------------------------------------------------------------- */

struct meta_capacity {
    struct str action;
    int64_t    capacity;
};

int meta_capacity_put(struct db_tx *tx, struct str worker_id, struct str action, int64_t capacity,
                      struct err *err);
int meta_capacity_list(struct db_tx *tx, struct arena *arena, struct str worker_id,
                       struct meta_capacity **out, size_t *n_out, struct err *err);

#endif
