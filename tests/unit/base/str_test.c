/* str_test.c: views of bytes. Every function is total: null, empty and over-long arguments included. */
#include "base/str.h"

#include "check.h"

void test_str_from_null_is_the_null_view(void **state)
{
    assert_null(str_from(NULL).p);
    assert_int_equal(str_from("").n, 0);
    assert_non_null(str_from("").p);
}

void test_str_copies_are_terminated_and_keep_every_byte(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *copy  = str_dup(arena, STR("a\0b"));

    assert_memory_equal(copy, "a\0b", 4);
    CHECK_STR(str_copy(arena, STR("tag")), "tag");
    assert_null(str_dup(arena, STR_NULL));
    assert_null(str_copy(arena, STR_NULL).p);
    assert_string_equal(str_dup(arena, STR("")), "");
}

void test_str_equality(void **state)
{
    assert_true(str_eq(STR("latest"), STR("latest")));
    assert_true(str_eq(STR_NULL, STR("")));
    assert_false(str_eq(STR("latest"), STR("Latest")));
    assert_false(str_eq(STR("late"), STR("latest")));
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("content_type"), STR("content-type")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
    assert_true(str_is(STR("v1"), "v1"));
    assert_true(str_eq_secret(STR("hunter2"), STR("hunter2")));
    assert_false(str_eq_secret(STR("hunter2"), STR("hunter3")));
    assert_false(str_eq_secret(STR("hunter2"), STR("hunter22")));
    assert_true(str_eq_secret(STR_NULL, STR_NULL));
}

void test_str_order_is_by_bytes_and_a_prefix_comes_first(void **state)
{
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("aa")) < 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR(""), STR_NULL), 0);
}

void test_str_head_and_tail(void **state)
{
    assert_true(str_starts(STR("sha256:00"), STR("sha256:")));
    assert_false(str_starts(STR("sha"), STR("sha256:")));
    assert_true(str_ends(STR("app.sig"), STR(".sig")));
    assert_false(str_ends(STR("sig"), STR(".sig")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_true(str_ends(STR_NULL, STR_NULL));
}

void test_str_find_first_and_last(void **state)
{
    assert_int_equal(str_find(STR("a/b/c"), '/'), 1);
    assert_int_equal(str_find_last(STR("a/b/c"), '/'), 3);
    assert_int_equal(str_find(STR("abc"), '/'), -1);
    assert_int_equal(str_find(STR_NULL, '/'), -1);
    assert_int_equal(str_find_last(STR_NULL, '/'), -1);
}

void test_str_sub_cuts_to_what_is_there(void **state)
{
    CHECK_STR(str_sub(STR("manifest"), 4, 4), "fest");
    CHECK_STR(str_sub(STR("manifest"), 4, SIZE_MAX), "fest");
    CHECK_STR(str_from_index(STR("manifest"), 8), "");
    assert_int_equal(str_sub(STR("manifest"), SIZE_MAX, 1).n, 0);
    assert_null(str_sub(STR_NULL, 3, 3).p);
}

void test_str_trim_takes_blanks_and_tabs(void **state)
{
    CHECK_STR(str_trim(STR(" \t a b\t ")), "a b");
    CHECK_STR(str_trim(STR(" \t ")), "");
    CHECK_STR(str_trim(STR("\nx\n")), "\nx\n");
    assert_null(str_trim(STR_NULL).p);
}

void test_str_next_yields_every_part_once(void **state)
{
    struct str rest = STR("a,,b");
    struct str part;

    assert_true(str_next(&rest, ',', &part));
    CHECK_STR(part, "a");
    assert_true(str_next(&rest, ',', &part));
    CHECK_STR(part, "");
    assert_true(str_next(&rest, ',', &part));
    CHECK_STR(part, "b");
    assert_null(rest.p);
    assert_false(str_next(&rest, ',', &part));

    rest = STR("");
    assert_true(str_next(&rest, ',', &part));
    CHECK_STR(part, "");
    assert_false(str_next(&rest, ',', &part));
}

void test_str_to_int_takes_digits_only(void **state)
{
    static const char *const refused[] = { "",    "-1",  "+1",
                                           " 1",  "1 ",  "0x1",
                                           "1.0", "1e3", "9223372036854775808" };
    int64_t                  value     = -7;

    assert_true(str_to_int(STR("0"), &value));
    assert_int_equal(value, 0);
    assert_true(str_to_int(STR("00005"), &value));
    assert_int_equal(value, 5);
    assert_true(str_to_int(STR("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);

    value = -7;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_false(str_to_int(str_from(refused[i]), &value));
    assert_false(str_to_int(STR_NULL, &value));
    assert_int_equal(value, -7);
}
