/* worker_test.c: jobs run at most so many at once; those that wait do not count. */
#include "http/worker.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "base/err.h"
#include "check.h"

enum { N_JOBS = 12, PATIENCE_S = 20 };

struct errand {
    struct http_job job; /* first: the way back from it */
    bool            waits;
    sem_t           has_begun, may_end, has_ended;
};

static struct errand errands[N_JOBS];
static atomic_int    n_at_work, n_at_work_max;

static void await(sem_t *semaphore)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(sem_timedwait(semaphore, &until), 0);
}

static void run(struct http_job *job)
{
    struct errand *errand = (struct errand *)job;
    int            n      = atomic_fetch_add(&n_at_work, 1) + 1;

    if (n > atomic_load(&n_at_work_max))
        atomic_store(&n_at_work_max, n);
    if (errand->waits) {
        atomic_fetch_sub(&n_at_work, 1);
        http_worker_waits(true);
    }
    sem_post(&errand->has_begun);
    sem_wait(&errand->may_end);
    if (errand->waits)
        http_worker_waits(false);
    else
        atomic_fetch_sub(&n_at_work, 1);
    sem_post(&errand->has_ended);
}

static struct http_workers *start(size_t n_threads, size_t n_spare)
{
    struct http_workers *workers;
    struct err           err;

    CHECK_OK(http_workers_new(n_threads, n_spare, N_JOBS, &workers, &err), &err);
    atomic_store(&n_at_work, 0);
    atomic_store(&n_at_work_max, 0);
    return workers;
}

static void send(struct http_workers *workers, size_t i, bool waits)
{
    struct errand *errand = &errands[i];

    *errand = (struct errand){ .job.run = run, .waits = waits };
    sem_init(&errand->has_begun, 0, 0);
    sem_init(&errand->may_end, 0, 0);
    sem_init(&errand->has_ended, 0, 0);
    http_workers_put(workers, &errand->job);
}

static void end(size_t i)
{
    sem_post(&errands[i].may_end);
    await(&errands[i].has_ended);
}

void test_worker_a_job_that_waits_keeps_no_other_from_its_turn(void **state)
{
    struct http_workers *workers = start(1, 3);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        send(workers, i, true);
        await(&errands[i].has_begun);
    }
    for (size_t i = 3; i < 6; i++) {
        send(workers, i, false);
        await(&errands[i].has_begun);
        end(i);
    }
    assert_int_equal(n_at_work_max, 1);
    for (size_t i = 0; i < 3; i++)
        end(i);
    send(workers, 6, false);
    await(&errands[6].has_begun);
    end(6);
    http_workers_free(&workers);
}

void test_worker_beyond_the_spare_threads_who_waits_holds_one(void **state)
{
    struct http_workers *workers = start(2, 1);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        send(workers, i, true);
        await(&errands[i].has_begun);
    }
    send(workers, 3, false);
    end(0);
    await(&errands[3].has_begun);
    for (size_t i = 1; i < 4; i++)
        end(i);
    http_workers_free(&workers);
}

/* Twelve at once over two threads and two spare ones; each third one waits. */
void test_worker_no_more_run_at_once_than_may(void **state)
{
    struct http_workers *workers = start(2, 2);

    (void)state;
    for (size_t i = 0; i < N_JOBS; i++)
        send(workers, i, i % 3 == 0);
    for (size_t i = 0; i < N_JOBS; i++)
        sem_post(&errands[i].may_end);
    for (size_t i = 0; i < N_JOBS; i++)
        await(&errands[i].has_ended);
    assert_true(n_at_work_max <= 2);
    http_workers_free(&workers);
}

void test_worker_whoever_is_no_worker_may_wait_too(void **state)
{
    (void)state;
    http_worker_waits(true);
    http_worker_waits(false);
}
