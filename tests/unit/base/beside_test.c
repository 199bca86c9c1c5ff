/* beside_test.c: a job runs beside its asker when a thread is free, and is refused when none is. */
#include "base/beside.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

/* A job that says that it runs, and goes on when it is told to. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t  moved;
    bool            has_begun;
    bool            is_open;
};

static void gate_init(struct gate *gate)
{
    *gate = (struct gate){ .is_open = false };
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->moved, NULL);
}

static void pass(void *context)
{
    struct gate *gate = context;

    pthread_mutex_lock(&gate->lock);
    gate->has_begun = true;
    pthread_cond_broadcast(&gate->moved);
    while (!gate->is_open)
        pthread_cond_wait(&gate->moved, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (!gate->has_begun)
        pthread_cond_wait(&gate->moved, &gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->lock);
}

void test_beside_runs_as_many_as_there_are_threads(void **state)
{
    struct beside    *beside = beside_new(2);
    struct gate       gates[2];
    struct beside_job jobs[2], third = { .run = pass };

    (void)state;
    for (int i = 0; i < 2; i++) {
        gate_init(&gates[i]);
        jobs[i] = (struct beside_job){ .run = pass, .context = &gates[i] };
        assert_true(beside_try(beside, &jobs[i]));
    }
    assert_false(beside_try(beside, &third));
    for (int i = 0; i < 2; i++) {
        open_gate(&gates[i]);
        beside_await(beside, &jobs[i]);
    }
    gate_init(&gates[0]);
    gates[0].is_open = true;
    assert_true(beside_try(beside, &jobs[0]));
    beside_await(beside, &jobs[0]);
    beside_free(&beside);
    assert_null(beside);
    beside_free(&beside);
}

void test_beside_without_threads_refuses(void **state)
{
    struct beside    *beside = beside_new(0);
    struct beside_job job    = { .run = pass };

    (void)state;
    assert_false(beside_try(beside, &job));
    beside_free(&beside);
}

static void count(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

struct shared {
    struct beside *beside;
    atomic_int     n;
};

/* Several askers at once: each job runs once, here or there. */
static void *ask_on(void *context)
{
    struct shared *shared = context;

    for (int i = 0; i < 1000; i++) {
        struct beside_job job = { .run = count, .context = &shared->n };

        if (beside_try(shared->beside, &job))
            beside_await(shared->beside, &job);
        else
            count(&shared->n);
    }
    return NULL;
}

void test_beside_each_job_runs_once(void **state)
{
    enum { ASKERS = 4 };
    pthread_t     threads[ASKERS];
    struct shared shared = { .beside = beside_new(2) };

    (void)state;
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &shared), 0);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.n), ASKERS * 1000);
    beside_free(&shared.beside);
}
