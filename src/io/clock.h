/* io/clock.h: the only clocks. Tests own them through clock_set_offset. Any thread. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <pthread.h>
#include <stdint.h>

int64_t clock_utc_us(void); /* microseconds since 1970, UTC */
int64_t clock_monotonic_us(
    void); /* since some start; never goes back; for deadlines inside the process */
int64_t clock_boot_us(
    void); /* as that, and goes on while the machine sleeps; for comparing clocks */

/* Waiting for a condition with a bound that no change of the wall clock moves. The condition must have been
 * made by clock_cond_init. Returns when it was signalled, after `us` at the latest, or for no reason, as
 * conditions do. */
void clock_cond_init(pthread_cond_t *cond);
void clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us);

/* Adds to clock_utc_us from now on: for tests. */
void clock_set_offset(int64_t us);

#endif
