/* cmd/counter.c: writes down what was pulled. A writing that fails is logged once until it works again. */
#include "cmd/counter.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "work/pulls.h"

#define SECOND_US INT64_C(1000000)

struct counter {
    struct work *work;
    pthread_t    thread;
    atomic_bool  is_ending;
};

static void *run_counter(void *context)
{
    struct counter *counter    = context;
    bool            is_failing = false, is_last;
    struct err      err;

    do {
        work_pulls_wait(counter->work, SECOND_US);
        is_last         = atomic_load(&counter->is_ending);
        bool has_failed = work_pulls_write(counter->work, &err) < 0;

        if (has_failed && !is_failing)
            log_event(LOG_ERROR, NULL, "pulls.failed", LOG_NO_FIELDS, "%s", err.text);
        is_failing = has_failed;
    } while (!is_last);
    return NULL;
}

int counter_start(struct work *work, struct counter **out, struct err *err)
{
    struct counter *counter = mem_new(struct counter);

    counter->work = work;
    if (pthread_create(&counter->thread, NULL, run_counter, counter) != 0) {
        mem_free(counter);
        return err_set_os(err, ERR_UNAVAILABLE, "starting the thread that counts pulls");
    }
    *out = counter;
    return 0;
}

/* The last writing is after is_ending: what was noted before is in it. What a failure of the last second left waiting
 * and what came since are two writings. */
void counter_free(struct counter **counter)
{
    struct err ignored; /* told by the thread */

    if (*counter == NULL)
        return;

    atomic_store(&(*counter)->is_ending, true);
    work_pulls_wake((*counter)->work);
    pthread_join((*counter)->thread, NULL);
    (void)work_pulls_write((*counter)->work, &ignored);
    mem_free(*counter);
    *counter = NULL;
}
