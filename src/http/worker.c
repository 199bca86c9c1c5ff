/* http/worker.c: one list, one lock, one condition. The lock is held for a few instructions; what costs
 * is waking a thread, so nobody is woken when nobody sleeps. Threads are as many as jobs may run plus the spare
 * ones that were ever needed; how many run at once is counted, and those that wait do not count. */
#include "http/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct http_workers {
    pthread_mutex_t  lock;
    pthread_cond_t   is_wanted;
    struct http_job *first;
    struct http_job *last;
    size_t           n_waiting;
    size_t           n_running;
    size_t           n_held_up; /* of those that run: they wait, another may run */
    size_t           n_running_max;
    size_t           n_sleeping;
    size_t           n_places; /* given, not yet run */
    size_t           n_places_max;
    bool             is_ending;
    pthread_t       *threads;
    size_t           n_threads;
    size_t           n_threads_max;
};

static _Thread_local struct http_workers *own_workers; /* of a worker's thread */

static bool may_run(const struct http_workers *workers)
{
    return workers->is_ending || workers->n_running - workers->n_held_up < workers->n_running_max;
}

static struct http_job *take_job(struct http_workers *workers)
{
    while ((workers->first == NULL || !may_run(workers)) &&
           !(workers->first == NULL && workers->is_ending)) {
        workers->n_sleeping++;
        pthread_cond_wait(&workers->is_wanted, &workers->lock);
        workers->n_sleeping--;
    }

    struct http_job *job = workers->first;
    if (job == NULL)
        return NULL;
    workers->first = job->next;
    if (workers->first == NULL)
        workers->last = NULL;
    workers->n_waiting--;
    if (job->has_place) {
        job->has_place = false;
        workers->n_places--;
    }
    return job;
}

static void *work(void *context)
{
    struct http_workers *workers = context;
    struct http_job     *job;

    own_workers = workers;
    pthread_setname_np(pthread_self(), "http-worker");
    pthread_mutex_lock(&workers->lock);
    while ((job = take_job(workers)) != NULL) {
        workers->n_running++;
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        pthread_mutex_lock(&workers->lock);
        workers->n_running--;
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Under the lock, or before anybody else knows the workers. */
static bool add_thread(struct http_workers *workers)
{
    if (workers->n_threads == workers->n_threads_max ||
        pthread_create(&workers->threads[workers->n_threads], NULL, work, workers) != 0)
        return false;
    workers->n_threads++;
    return true;
}

/* Somebody for the next job, if there is one that may run. */
static void call_somebody(struct http_workers *workers)
{
    if (workers->first == NULL || !may_run(workers) || workers->is_ending)
        return;
    if (workers->n_sleeping > 0)
        pthread_cond_signal(&workers->is_wanted);
    else if (workers->n_threads - workers->n_held_up < workers->n_running_max)
        (void)add_thread(workers); /* without it those who are there go on */
}

void http_worker_waits(bool begins)
{
    struct http_workers *workers = own_workers;

    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    if (begins) {
        workers->n_held_up++;
        call_somebody(workers);
    } else {
        workers->n_held_up--;
    }
    pthread_mutex_unlock(&workers->lock);
}

int http_workers_new(size_t n_threads, size_t n_spare, size_t queue, struct http_workers **out,
                     struct err *err)
{
    AUTO(http_workers_free) struct http_workers *workers = mem_new(struct http_workers);

    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->is_wanted, NULL);
    workers->n_places_max  = queue;
    workers->n_running_max = n_threads;
    workers->n_threads_max = n_threads + n_spare;
    workers->threads       = mem_new_bytes((workers->n_threads_max + 1) * sizeof(pthread_t));
    while (workers->n_threads < n_threads) {
        if (!add_thread(workers))
            return err_set(err, ERR_UNAVAILABLE, "starting %zu worker threads", n_threads);
    }
    *out = TAKE(workers);
    return 0;
}

void http_workers_free(struct http_workers **workers)
{
    if (*workers == NULL)
        return;

    pthread_mutex_lock(&(*workers)->lock);
    (*workers)->is_ending = true;
    pthread_cond_broadcast(&(*workers)->is_wanted);
    pthread_mutex_unlock(&(*workers)->lock);
    for (size_t i = 0; i < (*workers)->n_threads; i++)
        pthread_join((*workers)->threads[i], NULL);

    pthread_cond_destroy(&(*workers)->is_wanted);
    pthread_mutex_destroy(&(*workers)->lock);
    mem_free((*workers)->threads);
    mem_free(*workers);
    *workers = NULL;
}

bool http_workers_reserve(struct http_workers *workers, struct http_job *job)
{
    pthread_mutex_lock(&workers->lock);
    job->has_place = workers->n_places < workers->n_places_max;
    if (job->has_place)
        workers->n_places++;
    pthread_mutex_unlock(&workers->lock);
    return job->has_place;
}

void http_workers_put(struct http_workers *workers, struct http_job *job)
{
    job->next = NULL;

    pthread_mutex_lock(&workers->lock);
    if (workers->last == NULL)
        workers->first = job;
    else
        workers->last->next = job;
    workers->last = job;
    workers->n_waiting++;
    call_somebody(workers);
    pthread_mutex_unlock(&workers->lock);
}

bool http_workers_are_wanted(struct http_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    bool are_wanted = workers->first != NULL;
    pthread_mutex_unlock(&workers->lock);
    return are_wanted;
}

void http_workers_count(struct http_workers *workers, size_t *running, size_t *waiting)
{
    pthread_mutex_lock(&workers->lock);
    *running = workers->n_running;
    *waiting = workers->n_waiting;
    pthread_mutex_unlock(&workers->lock);
}
