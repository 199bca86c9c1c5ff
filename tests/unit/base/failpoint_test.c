/* The language of failpoints: what is passed, when it fails, and that mistakes in it are told. */
#include "base/failpoint.h"

#include <errno.h>

#include "base/err.h"
#include "check.h"

int failpoint_test_teardown(void **state)
{
    struct err ignored; /* nothing to parse */

    return failpoint_arm(NULL, &ignored);
}

void test_a_point_without_a_rule_lets_pass(void **state)
{
    struct err err;

    CHECK_OK(failpoint_arm(NULL, &err), &err);
    CHECK_OK(failpoint(FP_PUSH, &err), &err);
}

void test_an_error_comes_at_its_pass_only(void **state)
{
    struct err err;

    CHECK_OK(failpoint_arm("push@2:error=EIO;mounted:error=28", &err), &err);
    CHECK_OK(failpoint(FP_PUSH, &err), &err);
    assert_int_equal(failpoint(FP_PUSH, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(err.os, EIO);
    CHECK_OK(failpoint(FP_PUSH, &err), &err);
    assert_int_equal(failpoint(FP_MOUNTED, &err), -1);
    assert_int_equal(err.kind, ERR_FULL);
}

void test_with_a_plus_it_stays(void **state)
{
    struct err err;

    CHECK_OK(failpoint_arm("push@2+:error=EIO", &err), &err);
    CHECK_OK(failpoint(FP_PUSH, &err), &err);
    assert_int_equal(failpoint(FP_PUSH, &err), -1);
    assert_int_equal(failpoint(FP_PUSH, &err), -1);
}

void test_what_it_does_not_know_is_refused(void **state)
{
    static const char *const wrong[] = {
        "nowhere:kill",     "push",        "push:",       "push:explode",
        "push@0:kill",      "push@x:kill", "push:kill=1", "push:delay=soon",
        "push:error=EWHAT", "push:pause=", ";",
    };
    struct err err;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(failpoint_arm(wrong[i], &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

void test_every_point_has_a_name_of_its_own(void **state)
{
    for (int i = 0; i < N_FAILPOINTS; i++) {
        for (int k = 0; k < i; k++)
            assert_string_not_equal(failpoint_name((enum failpoint)i),
                                    failpoint_name((enum failpoint)k));
    }
}
