/* random_test.c: the forms of randomness, not its quality. */
#include "io/random.h"

#include "check.h"
#include "io/clock.h"

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (str_find(STR("0123456789abcdef"), s.p[i]) < 0)
            return false;
    }
    return true;
}

int random_test_teardown(void **state)
{
    clock_set_offset(0);
    return 0;
}

void test_random_bytes_fills_all_and_not_more(void **state)
{
    unsigned char bytes[4096 + 1] = { 0 };
    size_t        n_zero          = 0;

    random_bytes(bytes, 4096);
    for (size_t i = 0; i < 4096; i++)
        n_zero += bytes[i] == 0;
    assert_true(n_zero < 100);
    assert_int_equal(bytes[4096], 0);
    random_bytes(bytes, 0);
}

void test_random_hex_has_two_digits_a_byte(void **state)
{
    char text[2 * 200 + 2];

    for (size_t n = 0; n <= 200; n += 40) {
        memset(text, 'x', sizeof(text));
        random_hex(text, n);
        assert_int_equal(strlen(text), 2 * n);
        assert_true(is_hex(str_from(text)));
        assert_int_equal(text[2 * n + 1], 'x');
    }
}

void test_random_uuid_has_version_7_and_the_time(void **state)
{
    char text[RANDOM_UUID_MAX];

    clock_set_offset(INT64_C(0x0123456789ab) * 1000 - clock_utc_us());
    random_uuid(text);
    assert_int_equal(strlen(text), RANDOM_UUID_MAX - 1);
    assert_memory_equal(text, "01234567-89", 11);
    assert_int_equal(text[8], '-');
    assert_int_equal(text[13], '-');
    assert_int_equal(text[14], '7');
    assert_int_equal(text[18], '-');
    assert_true(str_find(STR("89ab"), text[19]) >= 0);
    assert_int_equal(text[23], '-');
}

void test_random_uuids_sort_by_time(void **state)
{
    char earlier[RANDOM_UUID_MAX];
    char later[RANDOM_UUID_MAX];

    random_uuid(earlier);
    clock_set_offset(1000);
    random_uuid(later);
    assert_true(strcmp(earlier, later) < 0);
}

void test_random_password_has_no_look_alikes(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     first = random_password(arena);

    for (int i = 0; i < 200; i++) {
        struct str password = random_password(arena);

        assert_int_equal(password.n, 20);
        assert_int_equal(password.p[20], '\0');
        assert_false(str_eq(password, first));
        for (size_t k = 0; k < password.n; k++)
            assert_true(str_find(STR("0Oo1Iil"), password.p[k]) < 0);
    }
}
