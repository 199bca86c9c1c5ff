/* cmd/scrubber.c: asks now and then whether a pass is due. A scrub that fails is logged once until it works
 * again. */
#include "cmd/scrubber.h"

#include <linux/ioprio.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/node.h"
#include "io/clock.h"
#include "work/scrub.h"

#define LOOK_US (2 * INT64_C(1000000))

enum { NICE = 19 };

struct scrubber {
    struct node    *node;
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  wake;
    bool            is_ending;
};

/* Both act on the calling thread alone (setpriority(2), ioprio_set(2)); where they are not allowed, it runs
 * as the others do, at its capped rate. */
static void be_modest(void)
{
    long thread = syscall(SYS_gettid);

    (void)setpriority(PRIO_PROCESS, (id_t)thread, NICE);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, (int)thread,
                  IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static bool pause_until(void *context, int64_t us)
{
    struct scrubber *scrubber = context;
    int64_t          deadline = clock_monotonic_us() + us;

    pthread_mutex_lock(&scrubber->lock);
    for (int64_t now = clock_monotonic_us(); !scrubber->is_ending && now < deadline;
         now         = clock_monotonic_us())
        clock_cond_wait(&scrubber->wake, &scrubber->lock, deadline - now);
    bool is_ending = scrubber->is_ending;
    pthread_mutex_unlock(&scrubber->lock);
    return is_ending;
}

static void *run_scrubber(void *context)
{
    struct scrubber  *scrubber   = context;
    bool              is_failing = false;
    struct work_scrub scrub      = { .owner   = str_from(scrubber->node->id),
                                     .pause   = pause_until,
                                     .context = scrubber };
    struct err        err;

    be_modest();
    while (!pause_until(scrubber, LOOK_US)) {
        bool has_failed = work_scrub(scrubber->node->work, &scrub, &err) < 0;

        if (has_failed && !is_failing)
            log_event(LOG_ERROR, NULL, "scrub.failed", LOG_NO_FIELDS, "%s", err.text);
        is_failing = has_failed;
    }
    return NULL;
}

int scrubber_start(struct node *node, struct scrubber **out, struct err *err)
{
    struct scrubber *scrubber = mem_new(struct scrubber);

    scrubber->node = node;
    pthread_mutex_init(&scrubber->lock, NULL);
    clock_cond_init(&scrubber->wake);
    if (pthread_create(&scrubber->thread, NULL, run_scrubber, scrubber) != 0) {
        mem_free(scrubber);
        return err_set_os(err, ERR_UNAVAILABLE, "starting the scrub's thread");
    }
    *out = scrubber;
    return 0;
}

void scrubber_free(struct scrubber **scrubber)
{
    if (*scrubber == NULL)
        return;

    pthread_mutex_lock(&(*scrubber)->lock);
    (*scrubber)->is_ending = true;
    pthread_cond_signal(&(*scrubber)->wake);
    pthread_mutex_unlock(&(*scrubber)->lock);
    pthread_join((*scrubber)->thread, NULL);
    pthread_mutex_destroy(&(*scrubber)->lock);
    pthread_cond_destroy(&(*scrubber)->wake);
    mem_free(*scrubber);
    *scrubber = NULL;
}
