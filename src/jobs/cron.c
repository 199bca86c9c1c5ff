/* jobs/cron.c: crons add jobs. Whatever was missed while no node was up is made up for once. */
#include "codec/cron.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "db/db.h"
#include "jobs/jobs_private.h"
#include "meta/registry.h"

#define SEEDED \
    "crons-seeded" /* names of kinds whose first cron was made, each with a comma behind it */

enum { SEEDED_MAX = 64 * 1024 };

static bool is_seeded(struct str seeded, struct str name)
{
    struct str word;

    while (str_next(&seeded, ',', &word)) {
        if (str_eq(word, name))
            return true;
    }
    return false;
}

static int seed(struct db_tx *tx, const struct job_kind *kind, struct err *err)
{
    struct cron times;

    if (cron_parse(str_from(kind->schedule), &times, err) < 0)
        return err_wrap(err, "kind %s", kind->name);
    struct meta_cron cron = {
        .action      = str_from(kind->name),
        .schedule    = str_from(kind->schedule),
        .deadline_us = kind->deadline_us,
        .retries     = kind->retries,
        .next_run    = cron_next(&times, db_now(tx)),
    };
    return meta_cron_add(tx, &cron, err);
}

int jobs_seed_crons(struct jobs *jobs, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    AUTO(db_abort) struct db_tx   *tx     = NULL;
    struct str                     seeded = STR("");
    struct buf                     now;

    if (db_begin(jobs->settings.db, DB_WRITE, "first crons", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0 || meta_registry_get(tx, arena, SEEDED, &seeded, err) < 0)
        return -1;
    buf_init(&now, arena, SEEDED_MAX);
    buf_str(&now, seeded);
    for (const struct job_kind *kind = jobs->settings.kinds; kind->name != NULL; kind++) {
        if (kind->schedule == NULL || is_seeded(seeded, str_from(kind->name)))
            continue;
        if (seed(tx, kind, err) < 0)
            return -1;
        buf_printf(&now, "%s,", kind->name);
    }
    if (str_eq(buf_view(&now), seeded))
        return 0;
    if (meta_registry_set(tx, SEEDED, buf_view(&now), err) < 0)
        return -1;
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

/* Its next time, in whose place it is put: 1, 0 another node has it in hand, -1. */
static int fire(struct jobs *jobs, const struct meta_cron *seen, const struct cron *times,
                bool adds_job, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_cron               cron;

    if (db_begin(jobs->settings.db, DB_WRITE, "fire cron", &tx, err) < 0)
        return -1;
    int found = meta_cron_due(tx, arena, seen->action, &cron, err);
    if (found < 1)
        return found;
    if (meta_cron_move_on(tx, cron.action, cron_next(times, db_now(tx)), err) < 0)
        return -1;
    int n_waiting = adds_job ? meta_job_waits(tx, cron.action, STR("cron"), err) : 1;
    if (n_waiting < 0 || (n_waiting == 0 && add_job(tx, arena, jobs, &cron, err) < 0))
        return -1;
    return db_commit(&tx, err) < 0 ? -1 : 1;
}

/* A schedule or an action that this program does not know (of a newer node) is left to those who do. What the action
 * does not take any more is told, and the cron goes on: it keeps no other from its turn. */
static int fire_known(struct jobs *jobs, const struct meta_cron *cron, struct err *err)
{
    struct cron times;
    struct err  ignored;

    if (jobs_kind(jobs->settings.kinds, cron->action) == NULL ||
        cron_parse(cron->schedule, &times, &ignored) < 0)
        return 0;
    if (fire(jobs, cron, &times, true, err) >= 0)
        return 0;
    if (err->kind == ERR_EXISTS) /* another node was faster */
        return 0;
    if (err->kind != ERR_INVALID && err->kind != ERR_TOO_LARGE)
        return -1;
    log_event(LOG_WARNING, NULL, "cron.failed", LOG_FIELDS(LOG_S("action", cron->action)), "%s",
              err->text);
    return fire(jobs, cron, &times, false, err) < 0 ? -1 : 0;
}

static int list_crons(struct jobs *jobs, struct arena *arena, struct meta_cron **out, size_t *n_out,
                      int64_t *out_now, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      first;

    *n_out = 0;
    if (db_begin(jobs->settings.db, DB_READ, "look at crons", &tx, err) < 0)
        return -1;
    *out_now  = db_now(tx);
    int found = meta_cron_first(tx, &first, err);
    if (found < 1 || first > *out_now)
        return found < 0 ? -1 : 0;
    return meta_cron_list(tx, arena, out, n_out, err);
}

int jobs_fire_crons(struct jobs *jobs, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    int                            result = 0;
    struct meta_cron              *crons;
    int64_t                        now;
    size_t                         n;

    if (list_crons(jobs, arena, &crons, &n, &now, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (crons[i].next_run <= now && fire_known(jobs, &crons[i], err) < 0)
            result = -1;
    }
    return result;
}
