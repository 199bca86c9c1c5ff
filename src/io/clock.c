/* io/clock.c: the kernel's clocks, and the one offset that lets a test move time. */
#include "io/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/failpoint.h"

static _Atomic int64_t offset_us;

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_utc_us(void)
{
    return read_clock(CLOCK_REALTIME) + atomic_load_explicit(&offset_us, memory_order_relaxed) +
           failpoint_clock_us();
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

void clock_set_offset(int64_t us)
{
    atomic_store_explicit(&offset_us, us, memory_order_relaxed);
}

void clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

void clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us)
{
    int64_t         until_us = clock_monotonic_us() + us;
    struct timespec until    = {
           .tv_sec  = until_us / 1000000,
           .tv_nsec = until_us % 1000000 * 1000,
    };

    pthread_cond_timedwait(cond, lock, &until);
}
