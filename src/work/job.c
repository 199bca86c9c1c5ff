/* work/job.c: the queue as administrators see it. */
#include "work/job.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "jobs/jobs.h"
#include "meta/registry.h"
#include "work/access_private.h"
#include "work/cluster.h"
#include "work/work_private.h"

enum { CHUNK = 200, ID_SHOWN = 64, PRINTED_MAX = 1024 * 1024 };

/* The event and the record of a change, and its end. before, after: JSON; null views: there is none. */
static int commit(struct db_tx **tx, const struct meta_actor *actor, const char *type,
                  const char *kind, struct str name, struct str before, struct str after,
                  struct err *err)
{
    struct meta_event event = {
        .type = type, .object_kind = kind, .object_name = name, .before = before, .after = after
    };

    if (meta_event_add(*tx, actor, &event, err) < 0 || failpoint(FP_ACCESS_WRITTEN, err) < 0 ||
        db_commit(tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

static int unless_found(int found, const char *code, const char *what, struct str name,
                        struct err *err)
{
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, code, name, "there is no %s " STR_FMT, what,
                            STR_ARGS(str_sub(name, 0, ID_SHOWN)));
    return found < 0 ? -1 : 0;
}

/* -- jobs --------------------------------------------------------------------------------------------- */

static int find_job(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_job *out,
                    struct err *err)
{
    return unless_found(meta_job_find(tx, arena, uuid, out, err), "NO_SUCH_JOB", "job", uuid, err);
}

static struct str print_job(struct arena *arena, const struct meta_job *job)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, PRINTED_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "action", job->action);
    json_write_key(&w, "parameters");
    json_write_raw(&w, job->parameters);
    json_write_end(&w);
    return buf_view(&text);
}

int work_job_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                 const struct job_kind *kinds, const struct meta_job *form, struct meta_job *out,
                 struct err *err)
{
    AUTO(db_abort) struct db_tx *tx  = NULL;
    struct meta_job              job = *form;
    struct str                   uuid;

    job.created_by   = actor->account_id;
    job.retries_left = job.retries_total;
    if (db_begin(work->db, DB_WRITE, "add job", &tx, err) < 0)
        return -1;
    if (job.scheduled_at == 0)
        job.scheduled_at = db_now(tx);
    if (jobs_add(tx, arena, kinds, &job, &uuid, err) < 0 || find_job(tx, arena, uuid, out, err) < 0)
        return -1;
    return commit(&tx, actor, "JOB_ADDED", "job", uuid, STR_NULL, print_job(arena, out), err);
}

int work_job_get(struct work *work, struct arena *arena, struct str uuid, struct meta_job *out,
                 struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find job", &tx, err) < 0)
        return -1;
    return find_job(tx, arena, uuid, out, err);
}

int work_job_list(struct work *work, const struct meta_job_filter *filter, int64_t start,
                  size_t n_max, work_job_each *each, void *context, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    size_t                       n  = CHUNK;

    if (db_begin(work->db, DB_READ, "list jobs", &tx, err) < 0)
        return -1;
    while (n == CHUNK && n_max > 0) {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_job               *jobs;

        if (meta_job_page(tx, arena, filter, start, n_max < CHUNK ? n_max : CHUNK, &jobs, &n, err) <
            0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (each(context, &jobs[i], err) < 0)
                return -1;
        }
        start += (int64_t)n;
        n_max -= n;
    }
    return 0;
}

/* Why nothing changed: the job is not there, or is where it was to go, or cannot go there. */
static int unchanged(struct db_tx *tx, struct arena *arena, struct str uuid, const char *wanted,
                     const char *code, const char *why, struct err *err)
{
    struct meta_job job;

    if (find_job(tx, arena, uuid, &job, err) < 0)
        return -1;
    if (wanted != NULL && str_is(job.status, wanted))
        return 0;
    return err_set_code(err, ERR_CONFLICT, code, uuid, "the job %s", why);
}

int work_job_cancel(struct work *work, const struct meta_actor *actor, struct str uuid,
                    struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "cancel job", &tx, err) < 0 ||
        meta_job_cancel(tx, uuid, &n, err) < 0)
        return -1;
    if (n == 0)
        return unchanged(tx, arena, uuid, "canceled", "JOB_HAS_ENDED", "has ended", err);
    return commit(&tx, actor, "JOB_CANCELED", "job", uuid, STR_NULL, STR_NULL, err);
}

int work_job_remove(struct work *work, const struct meta_actor *actor, struct str uuid,
                    struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_job                job;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "delete job", &tx, err) < 0 ||
        find_job(tx, arena, uuid, &job, err) < 0 || meta_job_remove(tx, uuid, &n, err) < 0)
        return -1;
    if (n == 0)
        return unchanged(tx, arena, uuid, NULL, "JOB_IS_RUNNING", "is running: cancel it first",
                         err);
    return commit(&tx, actor, "JOB_DELETED", "job", uuid, print_job(arena, &job), STR_NULL, err);
}

int work_job_id(struct work *work, struct str uuid, int64_t *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_job                job;

    if (work_job_get(work, arena, uuid, &job, err) < 0)
        return -1;
    *out = job.id;
    return 0;
}

int work_job_lines(struct work *work, struct arena *arena, int64_t id, int64_t after, size_t n_max,
                   struct meta_job_line **out, size_t *n_out, bool *out_ended, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "read job's log", &tx, err) < 0)
        return -1;
    int is_open = meta_job_has_not_ended(tx, id, err);
    if (is_open < 0 || meta_job_log_page(tx, arena, id, after, n_max, out, n_out, err) < 0)
        return -1;
    *out_ended = is_open == 0;
    return 0;
}

/* -- crons -------------------------------------------------------------------------------------------- */

static struct str print_cron(struct arena *arena, const struct meta_cron *cron)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, PRINTED_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "schedule", cron->schedule);
    json_write_key(&w, "parameters");
    json_write_raw(&w, cron->parameters.p == NULL ? STR("{}") : cron->parameters);
    json_write_int_at(&w, "retries", cron->retries);
    json_write_end(&w);
    return buf_view(&text);
}

int work_cron_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct job_kind *kinds, const struct meta_cron *form, struct meta_cron *out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct meta_cron             cron = *form, old;

    if (db_begin(work->db, DB_WRITE, "put cron", &tx, err) < 0 ||
        jobs_check_cron(tx, arena, kinds, &cron, err) < 0)
        return -1;
    int found = meta_cron_find(tx, arena, cron.action, &old, err);
    if (found < 0 || meta_cron_put(tx, &cron, err) < 0 ||
        meta_cron_find(tx, arena, cron.action, out, err) < 0)
        return -1;
    return commit(&tx, actor, "CRON_CHANGED", "cron", cron.action,
                  found == 1 ? print_cron(arena, &old) : STR_NULL, print_cron(arena, out), err);
}

static int find_cron(struct db_tx *tx, struct arena *arena, struct str action,
                     struct meta_cron *out, struct err *err)
{
    return unless_found(meta_cron_find(tx, arena, action, out, err), "NO_SUCH_CRON",
                        "cron of the action", action, err);
}

int work_cron_get(struct work *work, struct arena *arena, struct str action, struct meta_cron *out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find cron", &tx, err) < 0)
        return -1;
    return find_cron(tx, arena, action, out, err);
}

int work_cron_remove(struct work *work, const struct meta_actor *actor, struct str action,
                     struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_cron               cron;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "delete cron", &tx, err) < 0 ||
        find_cron(tx, arena, action, &cron, err) < 0 || meta_cron_remove(tx, action, &n, err) < 0)
        return -1;
    return commit(&tx, actor, "CRON_DELETED", "cron", action, print_cron(arena, &cron), STR_NULL,
                  err);
}

int work_cron_list(struct work *work, struct arena *arena, struct meta_cron **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list crons", &tx, err) < 0)
        return -1;
    return meta_cron_list(tx, arena, out, n_out, err);
}

/* -- defaults of actions ------------------------------------------------------------------------------ */

int work_action_config_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct job_kind *kinds, struct str action, struct str parameters,
                           struct meta_action_config *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_action_config    old;

    if (jobs_check_parameters(arena, kinds, action, parameters, err) < 0 ||
        db_begin(work->db, DB_WRITE, "put action config", &tx, err) < 0)
        return -1;
    int found = meta_action_config_find(tx, arena, action, &old, err);
    if (found < 0 || meta_action_config_put(tx, action, parameters, err) < 0 ||
        meta_action_config_find(tx, arena, action, out, err) < 0)
        return -1;
    return commit(&tx, actor, "ACTION_CONFIG_CHANGED", "action_config", action,
                  found == 1 ? old.parameters : STR_NULL, out->parameters, err);
}

static int find_config(struct db_tx *tx, struct arena *arena, struct str action,
                       struct meta_action_config *out, struct err *err)
{
    return unless_found(meta_action_config_find(tx, arena, action, out, err),
                        "NO_SUCH_ACTION_CONFIG", "config of the action", action, err);
}

int work_action_config_get(struct work *work, struct arena *arena, struct str action,
                           struct meta_action_config *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find action config", &tx, err) < 0)
        return -1;
    return find_config(tx, arena, action, out, err);
}

int work_action_config_remove(struct work *work, const struct meta_actor *actor, struct str action,
                              struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_action_config      config;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "delete action config", &tx, err) < 0 ||
        find_config(tx, arena, action, &config, err) < 0 ||
        meta_action_config_remove(tx, action, &n, err) < 0)
        return -1;
    return commit(&tx, actor, "ACTION_CONFIG_DELETED", "action_config", action, config.parameters,
                  STR_NULL, err);
}

int work_action_config_list(struct work *work, struct arena *arena, struct meta_action_config **out,
                            size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list action configs", &tx, err) < 0)
        return -1;
    return meta_action_config_list(tx, arena, out, n_out, err);
}

/* -- workers ------------------------------------------------------------------------------------------ */

int work_worker_list(struct work *work, struct arena *arena, const struct job_kind *kinds,
                     struct work_worker **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_node            *nodes;
    int64_t                      now;

    if (work_cluster_list(work, arena, &nodes, n_out, &now, err) < 0 ||
        db_begin(work->db, DB_READ, "list workers", &tx, err) < 0)
        return -1;
    struct work_worker *workers = mem_many(arena, *n_out, struct work_worker);
    for (size_t i = 0; i < *n_out; i++) {
        workers[i].id       = nodes[i].id;
        workers[i].seen_at  = nodes[i].seen_at;
        workers[i].is_alive = now - nodes[i].seen_at <= WORK_SILENT_US;
        if (jobs_capacity(tx, arena, kinds, nodes[i].id, &workers[i].capacity, err) < 0)
            return -1;
    }
    *out = workers;
    return 0;
}

/* 1, 0, -1. */
static int is_worker(struct work *work, struct arena *arena, struct str worker_id, struct err *err)
{
    struct meta_node *nodes;
    int64_t           now;
    size_t            n;
    int               is_there = 0;

    if (work_cluster_list(work, arena, &nodes, &n, &now, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        is_there |= str_eq(nodes[i].id, worker_id);
    return is_there;
}

int work_worker_capacity(struct work *work, const struct meta_actor *actor, struct str worker_id,
                         const struct json_numbers *capacity, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct json_numbers            before, after;

    if (jobs_check_numbers(capacity, err) < 0 ||
        unless_found(is_worker(work, arena, worker_id, err), "NO_SUCH_WORKER", "worker", worker_id,
                     err) < 0 ||
        db_begin(work->db, DB_WRITE, "change worker's capacity", &tx, err) < 0 ||
        jobs_capacity(tx, arena, NULL, worker_id, &before, err) < 0)
        return -1;
    for (size_t i = 0; i < capacity->n; i++) {
        if (meta_capacity_put(tx, worker_id, capacity->pairs[i].key, capacity->pairs[i].value,
                              err) < 0)
            return -1;
    }
    if (jobs_capacity(tx, arena, NULL, worker_id, &after, err) < 0)
        return -1;
    if (after.n > WORK_CAPACITIES_MAX)
        return work_bad_field("capacityMap", "a worker has numbers for 256 names at most", err);
    return commit(&tx, actor, "WORKER_CHANGED", "worker", worker_id,
                  jobs_numbers_print(arena, &before), jobs_numbers_print(arena, &after), err);
}

int work_collector(struct work *work, struct arena *arena, struct str *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    int                          found = db_begin(work->db, DB_READ, "who collects", &tx, err);

    *out = STR("");
    if (found == 0)
        found = meta_job_collector(tx, arena, out, err);
    return found < 0 ? -1 : 0;
}
