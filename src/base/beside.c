/* base/beside.c: one lock, a list that is never longer than there are free threads, and two conditions. */
#include "base/beside.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/mem.h"

struct beside {
    pthread_mutex_t    lock;
    pthread_cond_t     is_wanted;
    pthread_cond_t     is_done;
    struct beside_job *first;
    size_t             n_free; /* threads without a job, less the jobs that wait to be fetched */
    bool               is_ending;
    pthread_t         *threads;
    size_t             n_threads;
};

static void *run_jobs(void *context)
{
    struct beside *beside = context;

    pthread_setname_np(pthread_self(), "beside");
    pthread_mutex_lock(&beside->lock);
    for (;;) {
        while (beside->first == NULL && !beside->is_ending)
            pthread_cond_wait(&beside->is_wanted, &beside->lock);
        struct beside_job *job = beside->first;
        if (job == NULL)
            break;
        beside->first = job->next;
        pthread_mutex_unlock(&beside->lock);
        job->run(job->context);
        pthread_mutex_lock(&beside->lock);
        beside->n_free++;
        job->is_done = true;
        pthread_cond_broadcast(&beside->is_done);
    }
    pthread_mutex_unlock(&beside->lock);
    return NULL;
}

struct beside *beside_new(size_t n_threads)
{
    struct beside *beside = mem_new(struct beside);

    pthread_mutex_init(&beside->lock, NULL);
    pthread_cond_init(&beside->is_wanted, NULL);
    pthread_cond_init(&beside->is_done, NULL);
    beside->threads = mem_new_bytes((n_threads + 1) * sizeof(pthread_t));
    while (beside->n_threads < n_threads &&
           pthread_create(&beside->threads[beside->n_threads], NULL, run_jobs, beside) == 0)
        beside->n_threads++;
    pthread_mutex_lock(&beside->lock);
    beside->n_free = beside->n_threads;
    pthread_mutex_unlock(&beside->lock);
    return beside;
}

void beside_free(struct beside **slot)
{
    struct beside *beside = *slot;

    if (beside == NULL)
        return;
    pthread_mutex_lock(&beside->lock);
    ASSERT(beside->n_free == beside->n_threads);
    beside->is_ending = true;
    pthread_cond_broadcast(&beside->is_wanted);
    pthread_mutex_unlock(&beside->lock);
    for (size_t i = 0; i < beside->n_threads; i++)
        pthread_join(beside->threads[i], NULL);
    pthread_cond_destroy(&beside->is_done);
    pthread_cond_destroy(&beside->is_wanted);
    pthread_mutex_destroy(&beside->lock);
    mem_free(beside->threads);
    mem_free(beside);
    *slot = NULL;
}

bool beside_try(struct beside *beside, struct beside_job *job)
{
    pthread_mutex_lock(&beside->lock);
    bool is_begun = beside->n_free > 0;
    if (is_begun) {
        job->is_done  = false;
        job->next     = beside->first;
        beside->first = job;
        beside->n_free--;
        pthread_cond_signal(&beside->is_wanted);
    }
    pthread_mutex_unlock(&beside->lock);
    return is_begun;
}

void beside_await(struct beside *beside, struct beside_job *job)
{
    pthread_mutex_lock(&beside->lock);
    while (!job->is_done)
        pthread_cond_wait(&beside->is_done, &beside->lock);
    pthread_mutex_unlock(&beside->lock);
}
