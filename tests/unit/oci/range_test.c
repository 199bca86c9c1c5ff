/* range_test.c: what of an object is sent, and where a chunk goes. */
#include "oci/range.h"

#include "check.h"

void test_range_of_a_pull(void **state)
{
    static const struct {
        const char      *header;
        int64_t          size;
        int              found;
        struct oci_range range;
    } rows[] = {
        /* clang-format off */
        { "bytes=0-0",            100,  1, { 0, 1 } },
        { "bytes=0-99",           100,  1, { 0, 100 } },
        { "bytes=0-100",          100,  1, { 0, 100 } },
        { "bytes=10-19",          100,  1, { 10, 10 } },
        { "bytes=99-",            100,  1, { 99, 1 } },
        { "bytes=0-",             100,  1, { 0, 100 } },
        { "bytes=-1",             100,  1, { 99, 1 } },
        { "bytes=-100",           100,  1, { 0, 100 } },
        { "bytes=-101",           100,  1, { 0, 100 } },
        { "BYTES=1-2",            100,  1, { 1, 2 } },
        { " bytes= 1-2 ",         100,  1, { 1, 2 } },
        { "bytes=00-01",          100,  1, { 0, 2 } },
        { "bytes=5-99999999999999999999999", 100, 1, { 5, 95 } },
        { "bytes=-99999999999999999999999",  100, 1, { 0, 100 } },
        { "bytes=9223372036854775806-", INT64_MAX, 1, { INT64_MAX - 1, 1 } },
        { "bytes=0-", INT64_MAX, 1, { 0, INT64_MAX } },
        { "bytes=100-",           100, -1, { 0, 0 } },
        { "bytes=100-200",        100, -1, { 0, 0 } },
        { "bytes=99999999999999999999999-", 100, -1, { 0, 0 } },
        { "bytes=-0",             100, -1, { 0, 0 } },
        { "bytes=0-",             0,   -1, { 0, 0 } },
        { "bytes=0-0",            0,   -1, { 0, 0 } },
        { "bytes=-5",             0,    0, { 0, 0 } },
        { "",                     100,  0, { 0, 0 } },
        { "bytes",                100,  0, { 0, 0 } },
        { "bytes=",               100,  0, { 0, 0 } },
        { "bytes=-",              100,  0, { 0, 0 } },
        { "bytes=5",              100,  0, { 0, 0 } },
        { "bytes=5-4",            100,  0, { 0, 0 } },
        { "bytes=200-100",        100,  0, { 0, 0 } },
        { "bytes=1-2,4-5",        100,  0, { 0, 0 } },
        { "bytes=1-2,",           100,  0, { 0, 0 } },
        { "bytes=a-b",            100,  0, { 0, 0 } },
        { "bytes=1-2x",           100,  0, { 0, 0 } },
        { "bytes=+1-2",           100,  0, { 0, 0 } },
        { "bytes=--1",            100,  0, { 0, 0 } },
        { "bytes 1-2",            100,  0, { 0, 0 } },
        { "lines=1-2",            100,  0, { 0, 0 } },
        { "1-2",                  100,  0, { 0, 0 } },
        /* clang-format on */
    };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_range out = { 0 };
        int found            = oci_range_parse(str_from(rows[i].header), rows[i].size, &out, &err);

        if (found != rows[i].found || out.from != rows[i].range.from ||
            out.size != rows[i].range.size)
            fail_msg("%s of %lld: %d, %lld, %lld", rows[i].header, (long long)rows[i].size, found,
                     (long long)out.from, (long long)out.size);
        if (found < 0)
            assert_int_equal(err.kind, ERR_RANGE);
    }
    assert_int_equal(oci_range_parse(STR_NULL, 100, &(struct oci_range){ 0 }, &err), 0);
}

void test_range_of_a_chunk(void **state)
{
    static const struct {
        const char      *header;
        struct oci_range range;
    } good[] = {
        { "0-0", { 0, 1 } },
        { "0-1023", { 0, 1024 } },
        { "1024-2047", { 1024, 1024 } },
        { "bytes 0-1023/2048", { 0, 1024 } },
        { "bytes 0-1023/1024", { 0, 1024 } },
        { "bytes 0-1023/*", { 0, 1024 } },
        { "bytes 0-1023", { 0, 1024 } },
        { " 0-1 ", { 0, 2 } },
        { "0-9223372036854775806", { 0, INT64_MAX } },
    };
    static const char *const bad[] = {
        "",
        "-",
        "0",
        "0-",
        "-1",
        "1-0",
        "a-b",
        "0-1x",
        "0--1",
        "+0-1",
        "0 - 1",
        "0-1,2-3",
        "bytes=0-1",
        "bytes 0-1023/1023",
        "bytes 0-1/",
        "bytes 0-1/x",
        "bytes */10",
        "bytes",
        "bytes ",
        "octets 0-1",
        "0-9223372036854775807",
        "0-99999999999999999999",
        "99999999999999999999-99999999999999999999",
    };
    struct oci_range out;
    struct err       err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CHECK_OK(oci_content_range_parse(str_from(good[i].header), &out, &err), &err);
        assert_true(out.from == good[i].range.from && out.size == good[i].range.size);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(oci_content_range_parse(str_from(bad[i]), &out, &err), &err, ERR_RANGE);
    CHECK_FAILS(oci_content_range_parse(STR_NULL, &out, &err), &err, ERR_RANGE);
    assert_true(out.size == INT64_MAX);
}
