/* cmd/upkeep.c: periodic duties as a table. Readiness has hysteresis: three bad looks make the node not
 * ready, two good ones ready again (durability, 3.2). */
#include "cmd/upkeep.h"

#include <pthread.h>

#include "api/api.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/kinds.h"
#include "cmd/node.h"
#include "cmd/notify.h"
#include "io/clock.h"
#include "meta/registry.h"
#include "work/credential.h"
#include "work/quota.h"
#include "work/session.h"
#include "work/upload.h"
#include "work/work.h"

#define SECOND_US INT64_C(1000000)

enum { BAD_LOOKS = 3, GOOD_LOOKS = 2, N_DUTIES = 8 };

struct upkeep {
    struct node    *node;
    struct api     *api;
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  wake;
    bool            is_ending;
    int64_t         due_at[N_DUTIES];
    bool            is_failing[N_DUTIES];
    bool            is_ready;
    int             looks; /* in a row that say the opposite of is_ready */
    struct jobs    *jobs;
    int64_t         collected_at; /* monotonic µs */
};

/* A full disk is told, and does not make the node unready: what is there can still be pulled and deleted. */
static int look(struct upkeep *upkeep, struct err *err)
{
    int result = node_data_is_here(upkeep->node, err);

    if (result == 0)
        result = db_probe(upkeep->node->db, err);
    if (result == 0)
        result = blob_probe(upkeep->node->store, err);
    bool is_good = result == 0 || err->kind == ERR_FULL;

    if (is_good == upkeep->is_ready) {
        upkeep->looks = 0;
        return result;
    }
    if (++upkeep->looks < (is_good ? GOOD_LOOKS : BAD_LOOKS))
        return result;

    upkeep->looks    = 0;
    upkeep->is_ready = is_good;
    api_set_ready(upkeep->api, is_good);
    work_set_storage_away(upkeep->node->work, is_good ? NULL : "database or storage do not answer");
    log_event(is_good ? LOG_INFO : LOG_ERROR, NULL, is_good ? "serve.ready" : "serve.not-ready",
              LOG_NO_FIELDS, "%s", is_good ? "database and store answer again" : err->text);
    return result;
}

static int load_settings(struct upkeep *upkeep, struct err *err)
{
    return node_load_settings(upkeep->node, err);
}

static int announce(struct upkeep *upkeep, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(upkeep->node->db, DB_WRITE, "announce node", &tx, err) < 0 ||
        meta_node_beat(tx, str_from(upkeep->node->id), STR(ASSAY_VERSION), WORK_PROTOCOL, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int sweep(struct upkeep *upkeep, struct err *err)
{
    int64_t n;

    if (work_upload_sweep(upkeep->node->work, &n, err) < 0)
        return -1;
    if (n > 0)
        log_event(LOG_INFO, NULL, "upload.swept", LOG_FIELDS(LOG_I("n", n)),
                  "removed what uploads that never ended left behind");
    return 0;
}

static int sweep_access(struct upkeep *upkeep, struct err *err)
{
    int64_t n; /* however many */

    if (work_session_sweep(upkeep->node->work, &n, err) < 0)
        return -1;
    return work_credential_sweep(upkeep->node->work, &n, err);
}

static int collect(struct upkeep *upkeep, struct err *err)
{
    int64_t now      = clock_monotonic_us();
    int64_t interval = conf_number(node_conf(upkeep->node), CONF_GC_INTERVAL);

    if (now < upkeep->collected_at + interval)
        return 0;
    upkeep->collected_at = now;
    return kinds_collect_if_due(upkeep->node, upkeep->jobs, err);
}

static int tend_quotas(struct upkeep *upkeep, struct err *err)
{
    if (work_quota_refresh(upkeep->node->work, err) < 0)
        return -1;
    return kinds_quotas_if_due(upkeep->node, upkeep->jobs, err);
}

static int feed_watchdog(struct upkeep *upkeep, struct err *err)
{
    (void)upkeep;
    (void)err;
    if (notify_watchdog_us() > 0)
        notify("WATCHDOG=1");
    return 0;
}

/* clang-format off */
static const struct {
    const char *name;
    int64_t     period_us;
    int (*run)(struct upkeep *upkeep, struct err *err);
} duties[N_DUTIES] = {
    { "probe",    2 * SECOND_US,  look },
    { "settings", 2 * SECOND_US,  load_settings },
    { "announce", 10 * SECOND_US, announce },
    { "sweep",    60 * SECOND_US, sweep },
    { "access",   60 * SECOND_US, sweep_access },
    { "collect",  SECOND_US,      collect },
    { "quotas",   SECOND_US,      tend_quotas },
    { "watchdog", 5 * SECOND_US,  feed_watchdog },
};
/* clang-format on */

static void run_duty(struct upkeep *upkeep, size_t i)
{
    struct err err;
    bool       is_failing = duties[i].run(upkeep, &err) < 0;

    if (is_failing && !upkeep->is_failing[i])
        log_event(LOG_ERROR, NULL, "upkeep.failed", LOG_FIELDS(LOG_T("duty", duties[i].name)), "%s",
                  err.text);
    upkeep->is_failing[i] = is_failing;
}

static void *run_upkeep(void *context)
{
    struct upkeep *upkeep = context;

    pthread_mutex_lock(&upkeep->lock);
    while (!upkeep->is_ending) {
        pthread_mutex_unlock(&upkeep->lock);
        for (size_t i = 0; i < N_DUTIES; i++) {
            int64_t now = clock_monotonic_us();

            if (now < upkeep->due_at[i])
                continue;
            upkeep->due_at[i] = now + duties[i].period_us;
            run_duty(upkeep, i);
        }
        pthread_mutex_lock(&upkeep->lock);

        if (!upkeep->is_ending)
            clock_cond_wait(&upkeep->wake, &upkeep->lock, SECOND_US);
    }
    pthread_mutex_unlock(&upkeep->lock);
    return NULL;
}

int upkeep_start(struct node *node, struct api *api, struct jobs *jobs, struct upkeep **out,
                 struct err *err)
{
    struct upkeep *upkeep = mem_new(struct upkeep);

    upkeep->node         = node;
    upkeep->api          = api;
    upkeep->is_ready     = true;
    upkeep->jobs         = jobs;
    upkeep->collected_at = clock_monotonic_us();
    pthread_mutex_init(&upkeep->lock, NULL);
    clock_cond_init(&upkeep->wake);
    if (pthread_create(&upkeep->thread, NULL, run_upkeep, upkeep) != 0) {
        mem_free(upkeep);
        return err_set_os(err, ERR_UNAVAILABLE, "starting the upkeep thread");
    }
    *out = upkeep;
    return 0;
}

void upkeep_free(struct upkeep **upkeep)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct err ignored; /* a node that does not say goodbye is missed after a while */

    if (*upkeep == NULL)
        return;

    pthread_mutex_lock(&(*upkeep)->lock);
    (*upkeep)->is_ending = true;
    pthread_cond_signal(&(*upkeep)->wake);
    pthread_mutex_unlock(&(*upkeep)->lock);
    pthread_join((*upkeep)->thread, NULL);

    if (db_begin((*upkeep)->node->db, DB_WRITE, "node leaves", &tx, &ignored) == 0 &&
        meta_node_remove(tx, str_from((*upkeep)->node->id), &ignored) == 0)
        (void)db_commit(&tx, &ignored);
    pthread_mutex_destroy(&(*upkeep)->lock);
    pthread_cond_destroy(&(*upkeep)->wake);
    mem_free(*upkeep);
    *upkeep = NULL;
}
