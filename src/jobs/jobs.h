/* jobs/jobs.h: the registry's own work. Jobs wait in a queue in the database; each node takes what its capacity
 * allows, a thread a job. The list of kinds stands above (cmd/); this is the mechanism.
 *
 * A job is held by a lease that the node renews. A node that dies loses it, and another takes the job over, so a
 * kind must be able to begin again. A node that only stood still has lost it too: it commits nothing for the job
 * any more, because each of the job's transactions begins with job_guard. A failed job is tried again as a new
 * one, as often as it says, each time after twice the wait. Deadlines and cancelling ask the job to stop
 * (job_should_stop); one that does not within its stop timeout (a minute, where it says none) is given up: it is
 * errored or canceled for everybody, and what it still does commits nothing.
 *
 * Capacity: a worker has numbers by name, of each action the kind's unless it was given another; a job needs one of its
 * action's, or what its own numbers say, for as long as it runs. Of what the worker has no number for there is enough; a
 * job that needs more than there is at all needs all of it.
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
struct json_map;
struct json_numbers;
struct meta_cron;
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

/* Starts to take jobs. A kind that has a schedule and is new to the registry gets its cron, once: one that was deleted
 * stays away. */
int jobs_start(const struct jobs_settings *settings, struct jobs **out, struct err *err);

/* Asks every job to stop, waits for them, and gives those that had not ended back to the queue. */
void jobs_stop(struct jobs **jobs);

/* Looks at the queue now: something was added. */
void jobs_wake(struct jobs *jobs);

/* Null: no such action. */
const struct job_kind *jobs_kind(const struct job_kind *kinds, struct str action);

/* The JSON objects of records: parameters, and numbers of capacity. ERR_INVALID, with more than 32 of either too. */
int        jobs_parameters_read(struct arena *arena, struct str json, struct json_map *out,
                                struct err *err);
int        jobs_numbers_read(struct arena *arena, struct str json, struct json_numbers *out,
                             struct err *err);
struct str jobs_parameters_print(struct arena *arena, const struct json_map *map);
struct str jobs_numbers_print(struct arena *arena, const struct json_numbers *numbers);

/* Names of 1 to 64 letters, digits and "_-.", numbers of 0 to 1000: else ERR_INVALID, about capacityMap. */
int jobs_check_numbers(const struct json_numbers *numbers, struct err *err);

/* What a worker has: the kinds' own numbers, and over them those that it was given. Null kinds: the latter alone. */
int jobs_capacity(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
                  struct str worker_id, struct json_numbers *out, struct err *err);

/* Would parameters of that action be taken? ERR_INVALID, code INVALID_PARAMETERS, about the action or them. */
int jobs_check_parameters(struct arena *arena, const struct job_kind *kinds, struct str action,
                          struct str parameters, struct err *err);

/* Checks all of a cron, its schedule too, and fills next_run: the same errors. */
int jobs_check_cron(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
                    struct meta_cron *cron, struct err *err);

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
