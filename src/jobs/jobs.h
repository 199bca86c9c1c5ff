/* jobs/jobs.h: the registry's own work. Jobs wait in a queue in the database; each node takes what its capacity
 * allows, a thread a job. The list of kinds stands above (cmd/); this is the mechanism.
 *
 * A job is held by a lease that the node renews. A node that dies loses it, and another takes the job over, so a
 * kind must be able to begin again. A node that only stood still has lost it too: it commits nothing for the job
 * any more, because each of the job's transactions begins with job_guard. A failed job is tried again as a new
 * one, as often as it says, each time after twice the wait. Deadlines and cancelling ask the job to stop
 * (job_should_stop); one that does not within its stop timeout is given up: it is errored for everybody, and what
 * it still does commits nothing.
 *
 * One struct jobs a process; any thread. struct job belongs to its kind's run until that returns. */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db;
struct db_tx;
struct err;
struct job;
struct jobs;
struct meta_job;

struct job_kind {
    const char *name;        /* the action: "onlinegc" */
    const char *says;        /* what it does, for people */
    int64_t     capacity;    /* at once on a node, unless its row of worker_capacity says else */
    int64_t     deadline_us; /* of a job that does not say; 0: none */
    int64_t     retries;     /* of a cron that does not say */
    const char *schedule;    /* of a new registry; null: none */

    /* The parameters that it takes: names, ends with null. */
    const char *const *parameters;

    /* 0 done; -1 errored, with err. After job_should_stop either will do. */
    int (*run)(struct job *job, void *context, struct err *err);
};

struct jobs_settings {
    struct db             *db;
    struct str             worker_id; /* of the node */
    const struct job_kind *kinds;     /* ends with a row without name */
    void                  *context;   /* for their run */
    int64_t                lease_us;  /* 0: 30 s */
    int64_t                poll_us;   /* 0: 1 s */
};

/* Starts to take jobs. Crons of kinds that have a schedule are added where the registry has none yet. */
int jobs_start(const struct jobs_settings *settings, struct jobs **out, struct err *err);

/* Asks every job to stop, waits for them, and gives those that had not ended back to the queue. */
void jobs_stop(struct jobs **jobs);

/* Looks at the queue now: something was added. */
void jobs_wake(struct jobs *jobs);

/* Null: no such action. */
const struct job_kind *jobs_kind(const struct job_kind *kinds, struct str action);

/* Checks and adds a job: ERR_INVALID, code INVALID_PARAMETERS, about its action, parameters or times. The action's
 * own defaults (action_configs, the kind's deadline) fill what it leaves out. */
int jobs_add(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
             const struct meta_job *job, struct str *out_uuid, struct err *err);

/* -- for kinds ---------------------------------------------------------------------------------------- */

/* The null view: not given. */
struct str job_parameter(const struct job *job, const char *name);

/* Canceled, out of time, lost to another worker, or the node stops. */
bool job_should_stop(const struct job *job);

/* Waits, at most `us`, unless it should stop: then true, at once. */
bool job_pause(struct job *job, int64_t us);

/* A line of the job's log, and of the program's at level debug. Lines of more than 4 KiB are cut; after 10,000 a job says no more. */
void job_log(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* First in each transaction of the job's work: ERR_CONFLICT when another has the job by now. */
int job_guard(const struct job *job, struct db_tx *tx, struct err *err);

#endif
