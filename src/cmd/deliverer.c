/* cmd/deliverer.c: a thread that looks for what is due, and those that tell it. */
#include "cmd/deliverer.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/node.h"
#include "io/clock.h"
#include "work/hook.h"

#define LOOK_US INT64_C(500000)
#define SWEEP_US INT64_C(60000000)
#define REST_US INT64_C(1000000) /* after something went wrong here */

struct deliverer;

struct teller {
    struct deliverer *deliverer;
    pthread_t         thread;
    bool              is_started;
    bool              with_slow;
};

struct deliverer {
    struct node    *node;
    pthread_t       thread;
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t  look;  /* of the thread that looks */
    pthread_cond_t  due;   /* of the tellers */
    uint64_t        n_due; /* times that something was found due */
    bool            is_woken;
    atomic_bool     is_ending;
    int64_t         swept_at;
    size_t          n_tellers;
    struct teller   tellers[];
};

static bool should_stop(void *context)
{
    return atomic_load(&((struct deliverer *)context)->is_ending);
}

static void complain(const char *what, const struct err *err)
{
    log_event(LOG_WARNING, NULL, "webhook.trouble", LOG_NO_FIELDS, "%s: %s", what, err->text);
}

/* -- telling ------------------------------------------------------------------------------------------- */

/* Until nothing is due, or something goes wrong; what failed is due again at a time that the looker must hear of. */
static void tell_all(struct teller *teller)
{
    struct deliverer     *d    = teller->deliverer;
    struct work_hook_turn turn = { .worker_id   = str_from(d->node->id),
                                   .with_slow   = teller->with_slow,
                                   .should_stop = should_stop,
                                   .context     = d };
    struct err            err;
    int                   done = 1, n = 0;

    for (; done == 1 && !should_stop(d); n++)
        done = work_hook_turn(d->node->work, &turn, &err);
    if (n > 1)
        deliverer_wake(d);
    if (done < 0 && !should_stop(d) && err.kind != ERR_CONFLICT)
        complain("telling webhooks", &err);
}

static void *run_teller(void *context)
{
    struct teller    *teller = context;
    struct deliverer *d      = teller->deliverer;
    uint64_t          seen   = 0;

    pthread_mutex_lock(&d->lock);
    while (!atomic_load(&d->is_ending)) {
        if (seen == d->n_due) {
            pthread_cond_wait(&d->due, &d->lock);
            continue;
        }
        seen = d->n_due;
        pthread_mutex_unlock(&d->lock);
        tell_all(teller);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* -- looking ------------------------------------------------------------------------------------------- */

static void sweep(struct deliverer *d)
{
    struct err err;
    int64_t    n = 1;

    if (clock_monotonic_us() < d->swept_at + SWEEP_US)
        return;
    d->swept_at = clock_monotonic_us();
    while (n > 0 && !should_stop(d)) {
        if (work_hook_sweep(d->node->work, &n, &err) < 0) {
            complain("sweeping the log of webhooks", &err);
            return;
        }
    }
}

/* How long nothing will be due that this node knows of; others queue too. */
static int64_t look(struct deliverer *d)
{
    struct err err;
    int64_t    wait_us;

    if (work_hook_next_due(d->node->work, &wait_us, &err) < 0) {
        complain("looking for webhooks", &err);
        return REST_US;
    }
    return wait_us < LOOK_US ? wait_us : LOOK_US;
}

static void *run_looker(void *context)
{
    struct deliverer *d = context;

    pthread_mutex_lock(&d->lock);
    while (!atomic_load(&d->is_ending)) {
        d->is_woken = false;
        pthread_mutex_unlock(&d->lock);
        int64_t wait_us = look(d);
        sweep(d);
        pthread_mutex_lock(&d->lock);
        if (wait_us == 0) {
            d->n_due++;
            pthread_cond_broadcast(&d->due);
            wait_us = LOOK_US;
        }
        if (!d->is_woken && !atomic_load(&d->is_ending))
            clock_cond_wait(&d->look, &d->lock, wait_us);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* -- life ---------------------------------------------------------------------------------------------- */

void deliverer_wake(struct deliverer *deliverer)
{
    if (deliverer == NULL)
        return;
    pthread_mutex_lock(&deliverer->lock);
    deliverer->is_woken = true;
    pthread_cond_signal(&deliverer->look);
    pthread_mutex_unlock(&deliverer->lock);
}

static int start_tellers(struct deliverer *d, struct err *err)
{
    for (size_t i = 0; i < d->n_tellers; i++) {
        d->tellers[i] = (struct teller){ .deliverer = d, .with_slow = i % 2 == 0 };
        if (pthread_create(&d->tellers[i].thread, NULL, run_teller, &d->tellers[i]) != 0)
            return err_set_os(err, ERR_UNAVAILABLE, "starting a thread for webhooks");
        d->tellers[i].is_started = true;
    }
    return 0;
}

static void end_tellers(struct deliverer *d)
{
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->is_ending, true);
    pthread_cond_broadcast(&d->due);
    pthread_cond_signal(&d->look);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < d->n_tellers; i++) {
        if (d->tellers[i].is_started)
            pthread_join(d->tellers[i].thread, NULL);
    }
}

static void forget(struct deliverer *d)
{
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->look);
    pthread_cond_destroy(&d->due);
    mem_free(d);
}

int deliverer_start(struct node *node, struct deliverer **out, struct err *err)
{
    size_t            n = (size_t)conf_number(node_conf(node), CONF_WEBHOOK_WORKERS);
    struct deliverer *d = mem_new_bytes(sizeof(*d) + n * sizeof(struct teller));

    d->node      = node;
    d->n_tellers = n;
    d->swept_at  = clock_monotonic_us();
    pthread_mutex_init(&d->lock, NULL);
    clock_cond_init(&d->look);
    clock_cond_init(&d->due);
    if (work_hook_begin(node->work, str_from(node->id), err) < 0 || start_tellers(d, err) < 0 ||
        (pthread_create(&d->thread, NULL, run_looker, d) != 0 &&
         err_set_os(err, ERR_UNAVAILABLE, "starting the thread that looks for webhooks") < 0)) {
        end_tellers(d);
        forget(d);
        return -1;
    }
    *out = d;
    return 0;
}

void deliverer_free(struct deliverer **deliverer)
{
    if (*deliverer == NULL)
        return;
    end_tellers(*deliverer);
    pthread_join((*deliverer)->thread, NULL);
    forget(*deliverer);
    *deliverer = NULL;
}
