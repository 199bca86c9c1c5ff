/* jobs/cron.c: crons add jobs. Whatever was missed while no node was up is made up for once. */
#include "codec/cron.h"
#include "base/err.h"
#include "base/log.h"
#include "db/db.h"
#include "jobs/jobs_private.h"

int jobs_seed_crons(struct jobs *jobs, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct cron                  times;

    if (db_begin(jobs->settings.db, DB_WRITE, "first crons", &tx, err) < 0)
        return -1;
    for (const struct job_kind *kind = jobs->settings.kinds; kind->name != NULL; kind++) {
        if (kind->schedule == NULL)
            continue;
        if (cron_parse(str_from(kind->schedule), &times, err) < 0)
            return err_wrap(err, "kind %s", kind->name);
        struct meta_cron cron = {
            .action      = str_from(kind->name),
            .schedule    = str_from(kind->schedule),
            .deadline_us = kind->deadline_us,
            .retries     = kind->retries,
            .next_run    = cron_next(&times, db_now(tx)),
        };
        if (meta_cron_add(tx, &cron, err) < 0)
            return -1;
    }
    return db_commit(&tx, err);
}

/* One that waits already is enough. */
static int add_job(struct db_tx *tx, struct arena *arena, struct jobs *jobs,
                   const struct meta_cron *cron, struct err *err)
{
    struct meta_job job = {
        .action          = cron->action,
        .parameters      = cron->parameters,
        .capacity        = cron->capacity,
        .unique_key      = STR("cron"),
        .scheduled_at    = db_now(tx),
        .deadline_us     = cron->deadline_us,
        .stop_timeout_us = cron->stop_timeout_us,
        .retries_total   = cron->retries,
        .retries_left    = cron->retries,
    };
    struct str uuid;

    return jobs_add(tx, arena, jobs->settings.kinds, &job, &uuid, err);
}

/* A schedule or an action that this program does not know (of a newer node) is left to those who do. */
static int64_t next_of(const struct meta_cron *cron, int64_t now)
{
    struct cron times;
    struct err  err;

    if (cron_parse(cron->schedule, &times, &err) < 0)
        return INT64_MAX;
    return cron_next(&times, now);
}

static int fire(struct jobs *jobs, bool *out_any, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_cron               cron;

    *out_any = false;
    if (db_begin(jobs->settings.db, DB_WRITE, "fire cron", &tx, err) < 0)
        return -1;
    int found = meta_cron_due(tx, arena, &cron, err);
    if (found < 1)
        return found;
    if (meta_cron_move_on(tx, cron.action, next_of(&cron, db_now(tx)), err) < 0)
        return -1;
    int n_waiting = meta_job_waits(tx, cron.action, STR("cron"), err);
    if (n_waiting < 0)
        return -1;
    if (n_waiting == 0 && jobs_kind(jobs->settings.kinds, cron.action) != NULL &&
        add_job(tx, arena, jobs, &cron, err) < 0)
        return -1;
    *out_any = true;
    return db_commit(&tx, err);
}

/* 1, 0, -1. */
static int is_any_due(struct jobs *jobs, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      first;

    if (db_begin(jobs->settings.db, DB_READ, "look at crons", &tx, err) < 0)
        return -1;
    int found = meta_cron_first(tx, &first, err);
    return found < 1 ? found : first <= db_now(tx);
}

int jobs_fire_crons(struct jobs *jobs, struct err *err)
{
    bool any    = true;
    int  is_due = 1;

    while (any && (is_due = is_any_due(jobs, err)) == 1) {
        if (fire(jobs, &any, err) < 0)
            return -1;
    }
    return is_due < 0 ? -1 : 0;
}
