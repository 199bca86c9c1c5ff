/* work/job.h: what administrators do with the queue (jobs/jobs.h): jobs, their logs, crons, the defaults of actions, and
 * what workers take. Each change is one transaction with its event and audit record. `kinds` is the table of kinds. */
#ifndef WORK_JOB_H
#define WORK_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "meta/job.h"

struct arena;
struct err;
struct job_kind;
struct meta_actor;
struct work;

/* -- jobs --------------------------------------------------------------------------------------------- */

/* Adds what jobs_add takes; scheduled_at 0: now. */
int work_job_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                 const struct job_kind *kinds, const struct meta_job *form, struct meta_job *out,
                 struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_JOB: so do all that name one. */
int work_job_get(struct work *work, struct arena *arena, struct str uuid, struct meta_job *out,
                 struct err *err);

/* What it is given lives until it returns; a failure ends the list. */
typedef int work_job_each(void *context, const struct meta_job *job, struct err *err);

/* The newest first, from the row `start` on, at most n_max. */
int work_job_list(struct work *work, const struct meta_job_filter *filter, int64_t start,
                  size_t n_max, work_job_each *each, void *context, struct err *err);

/* One that is canceled already, or asked to be, is left as it is. ERR_CONFLICT, code JOB_HAS_ENDED. */
int work_job_cancel(struct work *work, const struct meta_actor *actor, struct str uuid,
                    struct err *err);

/* With its log. ERR_CONFLICT, code JOB_IS_RUNNING: cancel it first. */
int work_job_remove(struct work *work, const struct meta_actor *actor, struct str uuid,
                    struct err *err);

/* The id that lines are asked for by. */
int work_job_id(struct work *work, struct str uuid, int64_t *out, struct err *err);

/* Lines after line number `after`, at most n_max. *out_ended: the job had ended before they were read, and when there are
 * fewer than n_max, these are the last. A job that was deleted meanwhile has ended. */
int work_job_lines(struct work *work, struct arena *arena, int64_t id, int64_t after, size_t n_max,
                   struct meta_job_line **out, size_t *n_out, bool *out_ended, struct err *err);

/* -- crons -------------------------------------------------------------------------------------------- */

/* Adds or replaces the action's. */
int work_cron_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct job_kind *kinds, const struct meta_cron *form, struct meta_cron *out,
                  struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_CRON. */
int work_cron_get(struct work *work, struct arena *arena, struct str action, struct meta_cron *out,
                  struct err *err);
int work_cron_remove(struct work *work, const struct meta_actor *actor, struct str action,
                     struct err *err);

int work_cron_list(struct work *work, struct arena *arena, struct meta_cron **out, size_t *n_out,
                   struct err *err);

/* -- defaults of actions ------------------------------------------------------------------------------ */

int work_action_config_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct job_kind *kinds, struct str action, struct str parameters,
                           struct meta_action_config *out, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_ACTION_CONFIG. */
int work_action_config_get(struct work *work, struct arena *arena, struct str action,
                           struct meta_action_config *out, struct err *err);
int work_action_config_remove(struct work *work, const struct meta_actor *actor, struct str action,
                              struct err *err);

int work_action_config_list(struct work *work, struct arena *arena, struct meta_action_config **out,
                            size_t *n_out, struct err *err);

/* -- workers ------------------------------------------------------------------------------------------ */

struct work_worker {
    struct str          id;
    int64_t             seen_at;
    bool                is_alive;
    struct json_numbers capacity; /* in force: the kinds' own where nobody has said else */
};

/* A node that has not been seen for longer is taken for dead; it announces itself every ten seconds. */
#define WORK_SILENT_US INT64_C(30000000)

enum { WORK_CAPACITIES_MAX = 256 }; /* names that a worker has numbers for */

/* The nodes that were seen within a day. */
int work_worker_list(struct work *work, struct arena *arena, const struct job_kind *kinds,
                     struct work_worker **out, size_t *n_out, struct err *err);

/* Names that are not given stay. ERR_NOT_FOUND, code NO_SUCH_WORKER. In force within a second or two. */
int work_worker_capacity(struct work *work, const struct meta_actor *actor, struct str worker_id,
                         const struct json_numbers *capacity, struct err *err);

/* The worker that collects garbage at present, by the names of kinds that do; the empty text: none. */
int work_collector(struct work *work, struct arena *arena, struct str *out, struct err *err);

#endif
