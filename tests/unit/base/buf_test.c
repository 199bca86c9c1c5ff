/* buf_test.c: the growing buffer keeps its maximum, its terminator and its first refusal. */
#include "base/buf.h"

#include "check.h"

static struct arena *arena;
static struct err    err;

int buf_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int buf_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

void test_buf_without_content_is_an_empty_text(void **state)
{
    struct buf buf;
    struct str out;

    buf_init(&buf, arena, 16);
    assert_string_equal(buf_view(&buf).p, "");
    CHECK_OK(buf_finish(&buf, &out, &err), &err);
    CHECK_STR(out, "");
}

void test_buf_takes_every_kind_of_content(void **state)
{
    struct buf buf;

    buf_init(&buf, arena, 100);
    buf_add(&buf, "a\0b", 3);
    buf_char(&buf, ':');
    buf_text(&buf, "text");
    buf_str(&buf, STR_NULL);
    buf_str(&buf, STR("/view"));
    buf_printf(&buf, " %d%%", 42);
    assert_int_equal(buf_view(&buf).n, 3 + 1 + 4 + 5 + 4);
    assert_memory_equal(buf_view(&buf).p, "a\0b:text/view 42%", 18);
}

void test_buf_holds_its_maximum_and_not_a_byte_more(void **state)
{
    struct buf buf;
    struct str out;

    buf_init(&buf, arena, 1000);
    for (int i = 0; i < 1000; i++)
        buf_char(&buf, 'x');
    CHECK_OK(buf_finish(&buf, &out, &err), &err);
    assert_int_equal(out.n, 1000);
    assert_int_equal(out.p[1000], '\0');

    buf_char(&buf, 'y');
    CHECK_FAILS(buf_finish(&buf, &out, &err), &err, ERR_TOO_LARGE);
}

void test_buf_refusal_sticks_until_reset(void **state)
{
    struct buf buf;
    struct str out = STR("untouched");

    buf_init(&buf, arena, 4);
    buf_text(&buf, "abc");
    buf_text(&buf, "too much");
    buf_text(&buf, "d");
    buf_printf(&buf, "%s", "e");
    CHECK_STR(buf_view(&buf), "abc");
    CHECK_FAILS(buf_finish(&buf, &out, &err), &err, ERR_TOO_LARGE);
    CHECK_STR(out, "untouched");

    buf_reset(&buf);
    buf_text(&buf, "abcd");
    CHECK_OK(buf_finish(&buf, &out, &err), &err);
    CHECK_STR(out, "abcd");
}

void test_buf_reserved_room_is_filled_by_the_caller(void **state)
{
    struct buf buf;

    buf_init(&buf, arena, 4096);
    memset(buf_reserve(&buf, 4000), 'z', 4000);
    buf_grew(&buf, 3);
    CHECK_STR(buf_view(&buf), "zzz");
    assert_null(buf_reserve(&buf, 4094));
}
