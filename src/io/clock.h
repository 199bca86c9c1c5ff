/* io/clock.h: the only clocks. Tests own them through clock_set_offset. Any thread. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stdint.h>

int64_t clock_utc_us(void); /* microseconds since 1970, UTC */
int64_t clock_monotonic_us(
    void); /* since some start; never goes back; for deadlines inside the process */

/* Adds to clock_utc_us from now on (tests; ASSAY_TEST_CLOCK_OFFSET is read by cmd in test builds only). */
void clock_set_offset(int64_t us);

#endif
