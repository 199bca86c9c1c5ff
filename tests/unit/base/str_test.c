/* str_test.c: views of bytes. Every function is total: null, empty and over-long arguments included. */
#include "base/str.h"

#include "check.h"

void test_str_sub_clamps(void **state)
{
    CHECK_STR(str_sub(STR("manifest"), 4, 4), "fest");
    CHECK_STR(str_sub(STR("manifest"), 4, 400), "fest");
    assert_int_equal(str_sub(STR("manifest"), 9, 1).n, 0);
    assert_null(str_sub(STR_NULL, 3, 3).p);
}
