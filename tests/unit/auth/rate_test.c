/* rate_test.c: a minute's worth may come at once, then one by one as time goes by; keys do not touch each other. */
#include "auth/rate.h"

#include <stdio.h>

#include "base/mem.h"
#include "check.h"

#define SECOND_US INT64_C(1000000)

static int64_t count(struct auth_meter *meter, struct str key, int64_t limit, int64_t now)
{
    struct auth_rate rate = { .what = "test" };
    int64_t          n    = 0;

    while (auth_meter_take(meter, key, limit, now, &rate))
        n++;
    assert_int_equal(rate.limit, limit);
    assert_int_equal(rate.remaining, 0);
    assert_true(rate.retry_us > 0 && rate.retry_us <= 60 * SECOND_US / limit);
    return n;
}

void test_rate_a_minute_s_worth_at_once_and_then_by_and_by(void **state)
{
    static const int64_t limits[] = { 1, 2, 7, 60, 1000, 999983 };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct auth_meter *meter = auth_meter_new();
        int64_t            now   = 1000 * SECOND_US;

        assert_int_equal(count(meter, STR("a"), limits[i], now), limits[i]);
        assert_int_equal(count(meter, STR("a"), limits[i], now), 0);
        assert_int_equal(count(meter, STR("b"), limits[i], now), limits[i]);
        now += 60 * SECOND_US / limits[i];
        assert_int_equal(count(meter, STR("a"), limits[i], now), 1);
        now += 120 * SECOND_US;
        assert_int_equal(count(meter, STR("a"), limits[i], now), limits[i]);
        auth_meter_free(&meter);
    }
}

void test_rate_says_what_is_left(void **state)
{
    struct auth_meter *meter = auth_meter_new();
    int64_t            now   = 5 * SECOND_US;

    for (int64_t left = 9; left >= 0; left--) {
        struct auth_rate rate = { .what = "test" };

        assert_true(auth_meter_take(meter, STR("k"), 10, now, &rate));
        assert_int_equal(rate.remaining, left);
        assert_int_equal(rate.reset_us, (10 - left) * 6 * SECOND_US);
        assert_int_equal(rate.retry_us, 0);
    }
    auth_meter_free(&meter);
}

/* The nearest of several limits is what is told. */
void test_rate_tells_of_the_nearest(void **state)
{
    struct auth_meter *meter = auth_meter_new();
    struct auth_rate   rate  = { .what = "test" };
    struct auth_rate   other = { .what = "test" };

    assert_true(auth_meter_take(meter, STR("wide"), 100, SECOND_US, &rate));
    assert_true(auth_meter_take(meter, STR("narrow"), 2, SECOND_US, &rate));
    assert_int_equal(rate.limit, 2);
    assert_true(auth_meter_take(meter, STR("narrow"), 2, SECOND_US, &other));
    assert_true(auth_meter_take(meter, STR("wide"), 100, SECOND_US, &other));
    assert_int_equal(other.limit, 2);
    auth_meter_free(&meter);
}

/* More keys than there are places: each still gets its own, at least as much as it is due. */
void test_rate_forgets_in_favour_of_the_forgotten(void **state)
{
    struct auth_meter *meter = auth_meter_new();
    int64_t            now   = SECOND_US;

    for (int i = 0; i < 200000; i++) {
        struct auth_rate rate = { .what = "test" };
        char             key[16];

        snprintf(key, sizeof(key), "%d", i);
        assert_true(auth_meter_take(meter, str_from(key), 1, now + i, &rate));
    }
    auth_meter_free(&meter);
}
