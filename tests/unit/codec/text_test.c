/* text_test.c: each printer and its parser are inverses, and each parser knows one spelling a value. */
#include "codec/text.h"

#include <stdio.h>

#include "check.h"

void test_text_hex(void **state)
{
    unsigned char bytes[256];
    unsigned char again[256];
    char          text[2 * sizeof(bytes) + 1];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    text_hex_print(bytes, sizeof(bytes), text);
    assert_int_equal(strlen(text), 2 * sizeof(bytes));
    assert_memory_equal(text + 2 * 0x9a, "9a9b", 4);
    assert_true(text_hex_parse(str_from(text), again, sizeof(again)));
    assert_memory_equal(bytes, again, sizeof(bytes));
    text_hex_print(bytes, 0, text);
    assert_string_equal(text, "");
}

void test_text_hex_has_one_spelling(void **state)
{
    unsigned char out[2] = { 7, 7 };

    assert_false(text_hex_parse(STR("00FF"), out, 2));
    assert_false(text_hex_parse(STR("00f"), out, 2));
    assert_false(text_hex_parse(STR("00ff0"), out, 2));
    assert_false(text_hex_parse(STR("00ff00"), out, 2));
    assert_false(text_hex_parse(STR("00g0"), out, 2));
    assert_false(text_hex_parse(STR("0\0ff"), out, 2));
    assert_int_equal(out[0], 7);
    assert_true(text_hex_parse(STR(""), out, 0));
    assert_true(text_hex_parse(STR_NULL, out, 0));
}

void test_text_base64(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;
    struct str                     out;

    CHECK_STR(text_base64_print(arena, STR("")), "");
    CHECK_STR(text_base64_print(arena, STR("f")), "Zg==");
    CHECK_STR(text_base64_print(arena, STR("fo")), "Zm8=");
    CHECK_STR(text_base64_print(arena, STR("foo")), "Zm9v");
    CHECK_STR(text_base64_print(arena, STR("\xfb\xff")), "+/8=");
    CHECK_STR(text_base64url_print(arena, STR("\xfb\xff")), "-_8");

    CHECK_OK(text_base64_parse(arena, STR("Zm8="), &out, &err), &err);
    CHECK_STR(out, "fo");
    CHECK_OK(text_base64_parse(arena, STR("Zm8"), &out, &err), &err);
    CHECK_STR(out, "fo");
    CHECK_OK(text_base64url_parse(arena, STR("-_8"), &out, &err), &err);
    CHECK_STR(out, "\xfb\xff");
    CHECK_OK(text_base64url_parse(arena, STR_NULL, &out, &err), &err);
    assert_int_equal(out.n, 0);
}

void test_text_base64_of_every_size(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                           bytes[100];
    struct err                     err;
    struct str                     out;

    for (size_t n = 0; n < sizeof(bytes); n++) {
        bytes[n]         = (char)(n * 37);
        struct str value = { .p = bytes, .n = n };

        CHECK_OK(text_base64_parse(arena, text_base64_print(arena, value), &out, &err), &err);
        assert_true(str_eq(out, value));
        CHECK_OK(text_base64url_parse(arena, text_base64url_print(arena, value), &out, &err), &err);
        assert_true(str_eq(out, value));
    }
}

void test_text_base64_refuses(void **state)
{
    static const char *const both[] = {
        "Z", "Zm9v*", "Zm 9v", "Zm9v\n", "Zh==", "Zm9=", "====", "="
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;
    struct str                     out = STR("before");

    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        CHECK_FAILS(text_base64_parse(arena, str_from(both[i]), &out, &err), &err, ERR_INVALID);
        CHECK_FAILS(text_base64url_parse(arena, str_from(both[i]), &out, &err), &err, ERR_INVALID);
    }
    CHECK_FAILS(text_base64_parse(arena, STR("-_8="), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_base64_parse(arena, STR("Zg="), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_base64_parse(arena, STR("Zm9\0"), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_base64url_parse(arena, STR("Zg=="), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_base64url_parse(arena, STR("+/8"), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_base64url_parse(arena, STR("Zh"), &out, &err), &err, ERR_INVALID);
    CHECK_STR(out, "before");
}

/* Each byte stands for at most one value: 64 of them at every place, and no others. */
void test_text_base64_alphabets(void **state)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    int                            n       = 0;
    int                            n_url   = 0;
    char                           text[4] = "AAAA";
    struct err                     err;
    struct str                     out;

    for (int c = 0; c < 256; c++) {
        text[3] = (char)c;
        n += text_base64_parse(arena, (struct str){ .p = text, .n = 4 }, &out, &err) == 0 &&
             out.n == 3;
        n_url += text_base64url_parse(arena, (struct str){ .p = text, .n = 4 }, &out, &err) == 0;
    }
    assert_int_equal(n, 64);
    assert_int_equal(n_url, 64);
}

void test_text_url(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     buf;
    struct err                     err;
    struct str                     out;
    char                           bytes[255];

    CHECK_OK(text_url_decode(arena, STR("a%2Fb+c%2f%25"), &out, &err), &err);
    CHECK_STR(out, "a/b+c/%");
    CHECK_OK(text_url_decode(arena, STR("%252e"), &out, &err), &err);
    CHECK_STR(out, "%2e");

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i + 1);
    struct str all = { .p = bytes, .n = sizeof(bytes) };
    buf_init(&buf, arena, 1000);
    text_url_encode(&buf, all);
    CHECK_OK(text_url_decode(arena, buf_view(&buf), &out, &err), &err);
    assert_true(str_eq(out, all));

    buf_reset(&buf);
    text_url_encode(&buf, STR("A-z_0.9~ /+%\xc3"));
    CHECK_STR(buf_view(&buf), "A-z_0.9~%20%2F%2B%25%C3");
}

void test_text_url_refuses(void **state)
{
    static const char *const bad[] = { "%", "a%2", "%g0", "%0g", "%-1", "% 2", "%00", "a%2f%00" };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;
    struct str                     out;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(text_url_decode(arena, str_from(bad[i]), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_url_decode(arena, STR("a\0b"), &out, &err), &err, ERR_INVALID);
}

void test_text_fields(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct text_fields             fields;
    struct err                     err;
    struct str                     out;

    CHECK_OK(text_fields_parse(arena, STR("n=10&&last=a%2Fb+c&scope=x&scope=y&flag&e=&q=a=b"),
                               &fields, &err),
             &err);
    assert_int_equal(fields.n, 7);
    CHECK_STR(text_fields_get(&fields, "n"), "10");
    CHECK_STR(text_fields_get(&fields, "last"), "a/b c");
    CHECK_STR(text_fields_get(&fields, "scope"), "x");
    CHECK_STR(fields.fields[3].value, "y");
    CHECK_STR(text_fields_get(&fields, "flag"), "");
    CHECK_STR(text_fields_get(&fields, "e"), "");
    CHECK_STR(text_fields_get(&fields, "q"), "a=b");
    assert_null(text_fields_get(&fields, "N").p);

    CHECK_OK(text_fields_one(&fields, "n", &out, &err), &err);
    CHECK_STR(out, "10");
    CHECK_OK(text_fields_one(&fields, "digest", &out, &err), &err);
    assert_null(out.p);
    CHECK_FAILS(text_fields_one(&fields, "scope", &out, &err), &err, ERR_INVALID);

    CHECK_OK(text_fields_parse(arena, STR_NULL, &fields, &err), &err);
    assert_int_equal(fields.n, 0);
    CHECK_OK(text_fields_parse(arena, STR("a=1&a=1"), &fields, &err), &err);
    CHECK_OK(text_fields_one(&fields, "a", &out, &err), &err);
    CHECK_FAILS(text_fields_parse(arena, STR("a=%zz"), &fields, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_fields_parse(arena, STR("%00=a"), &fields, &err), &err, ERR_INVALID);
}

void test_text_fields_are_bounded(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct text_fields             fields;
    struct buf                     buf;
    struct err                     err;

    buf_init(&buf, arena, 10000);
    for (int i = 0; i < TEXT_FIELDS_MAX; i++)
        buf_printf(&buf, "f%d=%d&", i, i);
    CHECK_OK(text_fields_parse(arena, buf_view(&buf), &fields, &err), &err);
    assert_int_equal(fields.n, TEXT_FIELDS_MAX);
    buf_text(&buf, "more=1");
    CHECK_FAILS(text_fields_parse(arena, buf_view(&buf), &fields, &err), &err, ERR_INVALID);
}

static void check_time(int64_t time_us, const char *wanted)
{
    char       text[TEXT_TIME_MAX];
    struct err err;
    int64_t    again;

    text_time_print(time_us, text);
    assert_string_equal(text, wanted);
    CHECK_OK(text_time_parse(str_from(text), &again, &err), &err);
    assert_true(again == time_us);
}

void test_text_time(void **state)
{
    check_time(0, "1970-01-01T00:00:00Z");
    check_time(INT64_C(1787306400) * 1000000, "2026-08-21T10:00:00Z");
    check_time(INT64_C(1787306400) * 1000000 + 120, "2026-08-21T10:00:00.000120Z");
    check_time(-1, "1969-12-31T23:59:59.999999Z");
    check_time(INT64_C(951782400) * 1000000, "2000-02-29T00:00:00Z");
    check_time(INT64_C(-62167219200) * 1000000, "0000-01-01T00:00:00Z");
    check_time(INT64_C(253402300799) * 1000000 + 999999, "9999-12-31T23:59:59.999999Z");
}

void test_text_time_beyond_the_calendar_is_its_end(void **state)
{
    char text[TEXT_TIME_MAX];

    text_time_print(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
    text_time_print(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    text_http_time_print(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

void test_text_time_parses_what_the_rfc_allows(void **state)
{
    static const struct {
        const char *text;
        int64_t     time_us;
    } rows[] = {
        { "1985-04-12T23:20:50.52Z", INT64_C(482196050520000) },
        { "1996-12-19T16:39:57-08:00", INT64_C(851042397000000) },
        { "1990-12-31T23:59:60Z", INT64_C(662688000000000) },
        { "1990-12-31T15:59:60-08:00", INT64_C(662688000000000) },
        { "1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130000) },
        { "1970-01-01t00:00:00z", 0 },
        { "1970-01-01T00:00:00.0000009Z", 0 },
        { "1970-01-01T00:00:00.000001999999999999999999Z", 1 },
        { "1970-01-01T00:00:00-00:00", 0 },
        { "1970-01-01T23:59:00+23:59", 0 },
    };
    struct err err;
    int64_t    out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(text_time_parse(str_from(rows[i].text), &out, &err), &err);
        assert_true(out == rows[i].time_us);
    }
}

void test_text_time_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-08-21",
        "2026-08-21T10:00:00",
        "2026-08-21 10:00:00Z",
        "2026-08-21T10:00Z",
        "2026-8-21T10:00:00Z",
        "2026-00-21T10:00:00Z",
        "2026-13-21T10:00:00Z",
        "2026-08-00T10:00:00Z",
        "2026-08-32T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "2026-08-21T24:00:00Z",
        "2026-08-21T10:60:00Z",
        "2026-08-21T10:00:61Z",
        "2026-08-21T10:00:60Z",
        "2026-08-30T23:59:60Z",
        "2026-08-21T10:00:00.Z",
        "2026-08-21T10:00:00,5Z",
        "2026-08-21T10:00:00+24:00",
        "2026-08-21T10:00:00+10:60",
        "2026-08-21T10:00:00+1000",
        "2026-08-21T10:00:00Zx",
        "+026-08-21T10:00:00Z",
        "-001-08-21T10:00:00Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
    };
    struct err err;
    int64_t    out = 7;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(text_time_parse(str_from(bad[i]), &out, &err), &err, ERR_INVALID);
    assert_int_equal(out, 7);
}

void test_text_http_time(void **state)
{
    char text[TEXT_TIME_MAX];

    text_http_time_print(INT64_C(784111777) * 1000000, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

void test_text_span(void **state)
{
    static const struct {
        const char *text;
        int64_t     us;
        const char *printed;
    } rows[] = {
        { "", 0, "" },
        { "0", 0, "" },
        { "0s", 0, "" },
        { "90s", 90 * INT64_C(1000000), "1m30s" },
        { "1h30m0s", 5400 * INT64_C(1000000), "1h30m" },
        { "1.5h", 5400 * INT64_C(1000000), "1h30m" },
        { "30d", 720 * 3600 * INT64_C(1000000), "720h" },
        { "250ms", 250000, "250ms" },
        { "1\xc2\xb5s", 1, "1us" },
        { "1s1500ns", 1000000, "1s" },
        { "1.000001s", 1000001, "1s1us" },
        { "2540400h10m10s", INT64_C(9145440610000000), "2540400h10m10s" },
    };
    static const char *const bad[] = { "90",
                                       "s",
                                       "-1s",
                                       "1 s",
                                       "1h30",
                                       "1x",
                                       "1.s",
                                       ".5s",
                                       "1hh",
                                       "99999999999999999999s",
                                       "9999999999999999d",
                                       "9000000000000s9000000000000s" };
    char                     text[TEXT_TIME_MAX];
    struct err               err;
    int64_t                  us;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(text_span_parse(str_from(rows[i].text), &us, &err), &err);
        assert_int_equal(us, rows[i].us);
        text_span_print(us, text);
        assert_string_equal(text, rows[i].printed);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(text_span_parse(str_from(bad[i]), &us, &err), &err, ERR_INVALID);
}

void test_text_duration(void **state)
{
    static const struct {
        const char *text;
        int64_t     time_us;
    } rows[] = {
        { "0", 0 },
        { "7us", 7 },
        { "250ms", 250000 },
        { "10s", 10000000 },
        { "5m", 300000000 },
        { "71h", INT64_C(255600000000) },
        { "3d", INT64_C(259200000000) },
        { "106751991d", INT64_C(106751991) * 86400 * 1000000 },
        { "9223372036854775807us", INT64_MAX },
    };
    char       text[TEXT_TIME_MAX];
    struct err err;
    int64_t    out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(text_duration_parse(str_from(rows[i].text), &out, &err), &err);
        assert_true(out == rows[i].time_us);
        text_duration_print(out, text);
        assert_string_equal(text, rows[i].text);
    }
    CHECK_OK(text_duration_parse(STR("0s"), &out, &err), &err);
    assert_int_equal(out, 0);
    CHECK_OK(text_duration_parse(STR("60s"), &out, &err), &err);
    text_duration_print(out, text);
    assert_string_equal(text, "1m");
}

void test_text_size(void **state)
{
    static const struct {
        const char *text;
        int64_t     bytes;
    } rows[] = {
        { "0", 0 },
        { "500", 500 },
        { "1KiB", 1024 },
        { "1025", 1025 },
        { "4MiB", 4 << 20 },
        { "1GiB", 1 << 30 },
        { "2TiB", INT64_C(2) << 40 },
        { "9223372036854775807", INT64_MAX },
    };
    char       text[TEXT_TIME_MAX];
    struct err err;
    int64_t    out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(text_size_parse(str_from(rows[i].text), &out, &err), &err);
        assert_true(out == rows[i].bytes);
        text_size_print(out, text);
        assert_string_equal(text, rows[i].text);
    }
}

void test_text_amounts_refuse(void **state)
{
    static const char *const bad[] = { "",
                                       "s",
                                       "-1s",
                                       "+1s",
                                       "1.5h",
                                       "01s",
                                       "1 s",
                                       "1S",
                                       "1h5m",
                                       "5x",
                                       " 1s",
                                       "1s ",
                                       "1Kib",
                                       "1kB",
                                       "1K",
                                       "1B",
                                       "0x1",
                                       "00",
                                       "9223372036854775808" };
    struct err               err;
    int64_t                  out = 7;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_FAILS(text_duration_parse(str_from(bad[i]), &out, &err), &err, ERR_INVALID);
        CHECK_FAILS(text_size_parse(str_from(bad[i]), &out, &err), &err, ERR_INVALID);
    }
    CHECK_FAILS(text_duration_parse(STR("10"), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_duration_parse(STR("106751992d"), &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(text_size_parse(STR("8388608TiB"), &out, &err), &err, ERR_INVALID);
    assert_int_equal(out, 7);
}

void test_text_escapes(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     buf;

    buf_init(&buf, arena, 1000);
    text_html_escape(&buf, STR("<a href=\"x\" id='y'>&amp;\0</a>"));
    CHECK_STR(buf_view(&buf),
              "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\xef\xbf\xbd&lt;/a&gt;");

    buf_reset(&buf);
    text_quoted_escape(&buf, STR("a\"b\\c\r\nSet-Cookie: x\td\x7f\xc3\xa9"));
    CHECK_STR(buf_view(&buf), "a\\\"b\\\\c  Set-Cookie: x\td \xc3\xa9");
}

void test_text_utf8(void **state)
{
    static const char *const good[] = { "",
                                        "a",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xe6\xbc\xa2 ok" };
    static const char *const bad[]  = {
         "\x80",         "\xc0\xaf",         "\xc1\xbf",         "\xc2",
         "\xc2 ",        "\xe0\x9f\xbf",     "\xe0\xa0",         "\xed\xa0\x80",
         "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
         "\xff",         "\xf0\x90\x80",     "a\xf0\x90\x80 "
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(text_is_utf8(str_from(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_is_utf8(str_from(bad[i])));
    assert_true(text_is_utf8(STR("a\0b")));

    /* Wherever in a long text it stands. */
    for (size_t at = 0; at < 24; at++) {
        char text[] = "an ascii text of some length";

        text[at] = '\xff';
        assert_false(text_is_utf8(str_from(text)));
        memcpy(text + at, "\xc3\xa9", 2);
        assert_true(text_is_utf8(str_from(text)));
    }
    assert_int_equal(text_utf8_size(STR("\xe6\xbc\xa2x")), 3);
    assert_int_equal(text_utf8_size(STR_NULL), 0);
}
