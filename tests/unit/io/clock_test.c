/* clock_test.c: time is UTC microseconds, and a test can move it. */
#include "io/clock.h"

#include <time.h>

#include "check.h"

enum { SECOND = 1000000 };

int clock_test_teardown(void **state)
{
    clock_set_offset(0);
    return 0;
}

void test_clock_utc_is_the_wall_clock(void **state)
{
    int64_t now = (int64_t)time(NULL);
    int64_t us  = clock_utc_us();

    assert_in_range(us / SECOND, now - 1, now + 2);
}

void test_clock_offset_moves_utc_only(void **state)
{
    int64_t utc       = clock_utc_us();
    int64_t monotonic = clock_monotonic_us();

    clock_set_offset(INT64_C(3600) * SECOND);
    assert_true(clock_utc_us() - utc >= INT64_C(3600) * SECOND);
    assert_true(clock_monotonic_us() - monotonic < INT64_C(3000) * SECOND);

    clock_set_offset(0);
    assert_true(clock_utc_us() - utc < INT64_C(3000) * SECOND);
}

void test_clock_monotonic_does_not_go_back(void **state)
{
    int64_t before = clock_monotonic_us();

    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();

        assert_true(now >= before);
        before = now;
    }
}
