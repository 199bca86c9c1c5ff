/* json_test.c: what the door lets through has one meaning for every reader, and costs little to refuse. */
#include "codec/json.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "check.h"
#include "codec/text.h"

static int check_text(struct str text, struct err *err)
{
    return json_check(text, &json_limits_default, err);
}

/* "[[[…]]]" with n brackets each way, or as many as fit without the closing ones. */
static struct str nested(struct arena *arena, size_t n, bool is_closed)
{
    char *text = mem_alloc(arena, 2 * n + 1);

    memset(text, '[', n);
    memset(text + n, ']', is_closed ? n : 0);
    return (struct str){ .p = text, .n = is_closed ? 2 * n : n };
}

/* Of the processor, so that a busy machine does not count. */
static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_to_refuse(struct str text)
{
    double     begin = seconds_now();
    struct err err;

    CHECK_FAILS(check_text(text, &err), &err, ERR_INVALID);
    return seconds_now() - begin;
}

void test_json_check_lets_through(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " \t\r\n[ ] \n",
        "\"\"",
        "0",
        "-0",
        "-0.5e+10",
        "1E2",
        "9223372036854775807",
        "-9223372036854775808",
        "1.7976931348623157e308",
        "1e-400",
        "true",
        "null",
        "[false,[null],{\"a\":[]}]",
        "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
        "[{\"a\":1},{\"a\":1}]",
        "{\"\":1}",
        "\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
        "\"\x7f\xc3\xa9\xf0\x9f\x98\x80\"",
        "{\"\xc3\x89\":1,\"\xc3\xa9\":2}",
    };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK_OK(check_text(str_from(good[i]), &err), &err);
}

/* C-02 of the hostile rows, and the grammar. */
void test_json_check_refuses(void **state)
{
    static const struct str bad[] = {
        STR(""),
        STR(" "),
        STR_NULL,
        STR("\xef\xbb\xbf{}"),
        STR("\xff\xfe{\0}\0"),
        STR("{}\0"),
        STR("[1\0,1]"),
        STR("{}{}"),
        STR("{} x"),
        STR("1 2"),
        STR("// comment\n{}"),
        STR("{/**/}"),
        STR("{\"a\":1,\"a\":1}"),
        STR("{\"layers\":1,\"Layers\":1}"),
        STR("{\"mediaType\":1,\"x\":{},\"MEDIATYPE\":1}"),
        STR("{\"layers\":1,\"\\u006cayers\":1}"),
        STR("{\"layers\":1,\"\\u004CAYERS\":1}"),
        STR("{\"layers\":1,\"layer\xc5\xbf\":1}"),
        STR("{\"layers\":1,\"layer\\u017f\":1}"),
        STR("{\"token\":1,\"to\xe2\x84\xaa"
            "en\":1}"),
        STR("{\"\":1,\"\":2}"),
        STR("{\"a\\/b\":1,\"a/b\":2}"),
        STR("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
        STR("\"\xc3\""),
        STR("\"\xed\xa0\x80\""),
        STR("\"\xc0\xaf\""),
        STR("{\"\xff\":1}"),
        STR("\"\\ud800\""),
        STR("\"\\udc00\""),
        STR("\"\\ud800\\u0041\""),
        STR("\"\\ud800\\ud800\""),
        STR("\"\\ud800x\""),
        STR("\"\\u0000\""),
        STR("{\"a\\u0000\":1}"),
        STR("\"a\0b\""),
        STR("\"a\nb\""),
        STR("\"a\x1f\""),
        STR("\"\\x41\""),
        STR("\"\\u12\""),
        STR("\"\\u12g4\""),
        STR("\"\\"),
        STR("\""),
        STR("'a'"),
        STR("{a:1}"),
        STR("{\"a\"}"),
        STR("{\"a\":}"),
        STR("{\"a\":1,}"),
        STR("{,}"),
        STR("{1:1}"),
        STR("[1,]"),
        STR("[,1]"),
        STR("[1 2]"),
        STR("[1}"),
        STR("{\"a\":1]"),
        STR("["),
        STR("{"),
        STR("{\"a\":1"),
        STR("]"),
        STR("01"),
        STR("-"),
        STR("+1"),
        STR(".5"),
        STR("1."),
        STR("1.e1"),
        STR("1e"),
        STR("0x10"),
        STR("1_000"),
        STR("NaN"),
        STR("Infinity"),
        STR("-Infinity"),
        STR("9223372036854775808"),
        STR("-9223372036854775809"),
        STR("1e400"),
        STR("-1e309"),
        STR("tru"),
        STR("truex"),
        STR("True"),
        STR("nul"),
        STR("\xc2\xa0{}"),
        STR("\f{}"),
    };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (check_text(bad[i], &err) == 0)
            fail_msg("row %zu was let through: " STR_FMT, i, STR_ARGS(bad[i]));
        CHECK_FAILS(check_text(bad[i], &err), &err, ERR_INVALID);
    }
}

void test_json_check_names_reason_and_byte(void **state)
{
    struct err err;

    check_text(STR("{\"a\":1, \"A\":1}"), &err);
    assert_string_equal(err.text, "a key that its object has already, apart from case, at byte 8");
    check_text(STR("[1,\"\\ud800\"]"), &err);
    assert_string_equal(err.text, "a lone surrogate at byte 10");
}

void test_json_limit_of_size(void **state)
{
    struct json_limits limits = json_limits_default;
    struct err         err;

    limits.size = 10;
    CHECK_OK(json_check(STR("[1,2,3,44]"), &limits, &err), &err);
    CHECK_FAILS(json_check(STR("[1,2,3,444]"), &limits, &err), &err, ERR_TOO_LARGE);
}

void test_json_limit_of_values(void **state)
{
    struct json_limits limits = json_limits_default;
    struct err         err;

    limits.values = 4;
    CHECK_OK(json_check(STR("[1,{\"a\":2}]"), &limits, &err), &err);
    CHECK_FAILS(json_check(STR("[1,{\"a\":2},3]"), &limits, &err), &err, ERR_INVALID);
    CHECK_FAILS(json_check(STR("[1,{\"a\":2},[]]"), &limits, &err), &err, ERR_INVALID);
}

void test_json_limit_of_depth(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;

    CHECK_OK(check_text(nested(arena, 64, true), &err), &err);
    CHECK_FAILS(check_text(nested(arena, 65, true), &err), &err, ERR_INVALID);
}

void test_json_limit_of_key(void **state)
{
    struct json_limits limits = json_limits_default;
    struct err         err;

    limits.key = 4;
    CHECK_OK(json_check(STR("{\"abcd\":1,\"\\u0061bce\":1}"), &limits, &err), &err);
    CHECK_FAILS(json_check(STR("{\"abcde\":1}"), &limits, &err), &err, ERR_INVALID);
    CHECK_FAILS(json_check(STR("{\"abcdefghijklmnopqrstuvwxyz\":1}"), &limits, &err), &err,
                ERR_INVALID);
}

void test_json_limit_of_numbers(void **state)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct json_limits             limits = json_limits_default;
    struct err                     err;

    CHECK_OK(check_text(str_from(mem_printf(arena, "0.%0126d", 1)), &err), &err);
    CHECK_FAILS(check_text(str_from(mem_printf(arena, "0.%0127d", 1)), &err), &err, ERR_INVALID);

    limits.is_integers_only = true;
    CHECK_OK(json_check(STR("[1,-2]"), &limits, &err), &err);
    CHECK_FAILS(json_check(STR("1.0"), &limits, &err), &err, ERR_INVALID);
    CHECK_FAILS(json_check(STR("1e3"), &limits, &err), &err, ERR_INVALID);
}

/* F-09: each of these is refused within 50 ms, without recursion; sanitizers take some times as long. */
static const double seconds_max = 0.05 * 5;

void test_json_hostile_texts_are_cheap(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     buf;

    assert_true(seconds_to_refuse(nested(arena, 1000000, false)) < seconds_max);

    buf_init(&buf, arena, 4 << 20);
    buf_char(&buf, '{');
    for (int i = 0; i < 200000; i++)
        buf_printf(&buf, "\"%d\":1,", i);
    assert_true(seconds_to_refuse(buf_view(&buf)) < seconds_max);

    buf_reset(&buf);
    for (int i = 0; i < 1 << 20; i++)
        buf_char(&buf, '7');
    assert_true(seconds_to_refuse(buf_view(&buf)) < seconds_max);

    buf_reset(&buf);
    buf_char(&buf, '"');
    while (!buf.is_full)
        buf_text(&buf, "\\u0000");
    assert_true(seconds_to_refuse(buf_view(&buf)) < seconds_max);
}

/* 19,999 keys of one object; the time is that of reading and not of comparing each with each. */
void test_json_many_keys_are_linear(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     buf;
    struct err                     err;

    buf_init(&buf, arena, 4 << 20);
    buf_text(&buf, "{\"first\":0");
    for (int i = 0; i < 19998; i++)
        buf_printf(&buf, ",\"key-%d\":%d", i, i);
    buf_char(&buf, '}');
    double begin = seconds_now();
    CHECK_OK(check_text(buf_view(&buf), &err), &err);
    assert_true(seconds_now() - begin < seconds_max);

    buf.n--;
    buf_text(&buf, ",\"KEY-7\":1}");
    CHECK_FAILS(check_text(buf_view(&buf), &err), &err, ERR_INVALID);
}

struct part {
    struct str name;
    int64_t    size;
};

struct whole {
    struct str          title;
    int64_t             count;
    bool                is_open;
    bool                has_count;
    bool                has_extra;
    struct part         main;
    struct json_list    parts;
    struct json_list    words;
    struct json_map     labels;
    struct json_numbers sizes;
};

/* clang-format off */
static const struct json_field part_fields[] = {
    { .name = "name", .kind = JSON_STRING,  .offset = JSON_AT(struct part, name, struct str), .flags = JSON_REQUIRED, .max = 8 },
    { .name = "size", .kind = JSON_INTEGER, .offset = JSON_AT(struct part, size, int64_t) },
};

static const struct json_table part_table = {
    .name = "part", .size = sizeof(struct part), .is_closed = true,
    .fields = part_fields, .n_fields = ARRAY_LEN(part_fields),
};

static const struct json_field whole_fields[] = {
    { .name = "title",  .kind = JSON_STRING,  .offset = JSON_AT(struct whole, title, struct str) },
    { .name = "count",  .kind = JSON_INTEGER, .offset = JSON_AT(struct whole, count, int64_t), .has_offset = offsetof(struct whole, has_count) },
    { .name = "isOpen", .kind = JSON_BOOL,    .offset = JSON_AT(struct whole, is_open, bool) },
    { .name = "main",   .kind = JSON_OBJECT,  .offset = JSON_AT(struct whole, main, struct part), .table = &part_table },
    { .name = "parts",  .kind = JSON_LIST,    .offset = JSON_AT(struct whole, parts, struct json_list), .table = &part_table, .max = 3 },
    { .name = "words",  .kind = JSON_LIST,    .offset = JSON_AT(struct whole, words, struct json_list) },
    { .name = "labels", .kind = JSON_MAP,     .offset = JSON_AT(struct whole, labels, struct json_map), .max = 2 },
    { .name = "sizes",  .kind = JSON_NUMBERS, .offset = JSON_AT(struct whole, sizes, struct json_numbers), .max = 2 },
    { .name = "extra",  .kind = JSON_ANY,     .offset = JSON_AT(struct whole, has_extra, bool) },
};

static const struct json_table whole_table = {
    .name = "whole", .size = sizeof(struct whole), .fields = whole_fields, .n_fields = ARRAY_LEN(whole_fields),
};
/* clang-format on */

static int read_whole(struct arena *arena, struct str text, struct whole *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    return json_read(arena, text, &json_limits_default, &whole_table, out, err);
}

static int read_whole_as(struct arena *arena, enum json_unknown unknown, struct whole *out,
                         struct json_ignored *ignored, struct err *err)
{
    memset(out, 0, sizeof(*out));
    return json_read_as(
        arena, STR("{\"title\":\"t\",\"id\":[1],\"main\":{\"name\":\"n\",\"color\":null}}"),
        &json_limits_default, &whole_table, unknown, out, ignored, err);
}

/* The rule of the reader goes before that of the tables, open and closed. */
void test_json_unknown_members_are_named_or_refused(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_ignored            ignored;
    struct whole                   whole;
    struct err                     err;

    CHECK_OK(read_whole_as(arena, JSON_COLLECT_UNKNOWN, &whole, &ignored, &err), &err);
    CHECK_STR(whole.main.name, "n");
    assert_int_equal(ignored.n, 2);
    CHECK_STR(ignored.paths[0], "id");
    CHECK_STR(ignored.paths[1], "main.color");

    CHECK_FAILS(read_whole_as(arena, JSON_REFUSE_UNKNOWN, &whole, NULL, &err), &err, ERR_INVALID);
    assert_string_equal(err.about, "id");
    CHECK_FAILS(read_whole_as(arena, JSON_AS_THE_TABLE_SAYS, &whole, NULL, &err), &err,
                ERR_INVALID);
    assert_string_equal(err.about, "main.color");
}

void test_json_read_binds_each_kind(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole;
    struct err                     err;

    CHECK_OK(read_whole(
                 arena,
                 STR("{\"title\":\"a\\u00e9\",\"count\":-5,\"isOpen\":true,\"unknown\":[1.5,null],"
                     "\"main\":{\"name\":\"m\",\"size\":9223372036854775807},"
                     "\"parts\":[{\"name\":\"p\"},{\"name\":\"12345678\",\"size\":2}],"
                     "\"words\":[\"x\",\"\"],\"labels\":{\"k\":\"v\"},\"sizes\":{\"a\":-7},"
                     "\"extra\":{\"any\":1}}"),
                 &whole, &err),
             &err);
    CHECK_STR(whole.title, "a\xc3\xa9");
    assert_int_equal(whole.count, -5);
    assert_true(whole.is_open && whole.has_count && whole.has_extra);
    CHECK_STR(whole.main.name, "m");
    assert_true(whole.main.size == INT64_MAX);
    assert_int_equal(whole.parts.n, 2);
    CHECK_STR(((struct part *)whole.parts.items)[1].name, "12345678");
    assert_int_equal(((struct part *)whole.parts.items)[1].size, 2);
    assert_int_equal(whole.words.n, 2);
    CHECK_STR(((struct str *)whole.words.items)[0], "x");
    assert_int_equal(whole.labels.n, 1);
    CHECK_STR(whole.labels.pairs[0].key, "k");
    CHECK_STR(whole.labels.pairs[0].value, "v");
    assert_int_equal(whole.sizes.n, 1);
    CHECK_STR(whole.sizes.pairs[0].key, "a");
    assert_int_equal(whole.sizes.pairs[0].value, -7);
}

void test_json_read_absent_and_null(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole;
    struct err                     err;

    CHECK_OK(read_whole(arena, STR("{}"), &whole, &err), &err);
    assert_null(whole.title.p);
    assert_false(whole.has_count);
    CHECK_OK(read_whole(arena, STR("{\"count\":null,\"title\":null,\"extra\":null,\"main\":null}"),
                        &whole, &err),
             &err);
    assert_null(whole.title.p);
    assert_false(whole.has_count || whole.has_extra);
    CHECK_OK(read_whole(arena, STR("{\"count\":0,\"title\":\"\",\"parts\":[],\"labels\":{}}"),
                        &whole, &err),
             &err);
    assert_non_null(whole.title.p);
    assert_true(whole.has_count);
    assert_int_equal(whole.parts.n, 0);
}

void test_json_read_refuses_by_path(void **state)
{
    static const struct {
        const char *text;
        const char *about;
        const char *reason;
    } rows[] = {
        { "[]", "", "whole is not an object" },
        { "1", "", "whole is not an object" },
        { "{\"title\":1}", "title", "title is not a string" },
        { "{\"count\":\"1\"}", "count", "count is not an integer" },
        { "{\"count\":1.0}", "count", "count is not an integer" },
        { "{\"count\":1e3}", "count", "count is not an integer" },
        { "{\"isOpen\":1}", "isOpen", "isOpen is neither true nor false" },
        { "{\"main\":[]}", "main", "main is not an object" },
        { "{\"main\":{}}", "main.name", "main.name is missing" },
        { "{\"main\":{\"name\":null}}", "main.name", "main.name is missing" },
        { "{\"main\":{\"name\":\"123456789\"}}", "main.name", "main.name has more than 8 bytes" },
        { "{\"main\":{\"name\":\"a\",\"x\":1}}", "main.x", "main.x is not known here" },
        { "{\"parts\":{}}", "parts", "parts is not a list" },
        { "{\"parts\":[null]}", "parts[0]", "parts[0] is not an object" },
        { "{\"parts\":[{\"name\":\"a\"},{\"name\":\"b\",\"size\":{}}]}", "parts[1].size",
          "parts[1].size is not an integer" },
        { "{\"parts\":[1,1,1,1]}", "parts", "parts has more than 3 entries" },
        { "{\"words\":[\"a\",7]}", "words[1]", "words[1] is not a string" },
        { "{\"labels\":[]}", "labels", "labels is not an object" },
        { "{\"labels\":{\"a\":1}}", "labels.a", "labels.a is not a string" },
        { "{\"labels\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}", "labels",
          "labels has more than 2 entries" },
        { "{\"sizes\":{\"a\":\"1\"}}", "sizes.a", "sizes.a is not an integer" },
        { "{\"sizes\":{\"a\":1,\"b\":1,\"c\":1}}", "sizes", "sizes has more than 2 entries" },
        { "{\"Title\":\"x\"}", "Title",
          "Title is written in another case than the member of that name" },
        { "{\"i\\u017fOpen\":true}", "i\xc5\xbfOpen", NULL },
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole;
    struct err                     err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_FAILS(read_whole(arena, str_from(rows[i].text), &whole, &err), &err, ERR_INVALID);
        assert_string_equal(err.about, rows[i].about);
        if (rows[i].reason != NULL)
            assert_string_equal(err.text, rows[i].reason);
    }
}

void test_json_read_leaves_out_untouched_on_failure(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole;
    struct whole                   before;
    struct err                     err;

    memset(&whole, 0x5a, sizeof(whole));
    before = whole;
    CHECK_FAILS(json_read(arena, STR("{\"title\":\"a\",\"count\":true}"), &json_limits_default,
                          &whole_table, &whole, &err),
                &err, ERR_INVALID);
    assert_memory_equal(&whole, &before, sizeof(whole));
}

void test_json_read_at_the_limits(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole;
    struct err                     err;

    CHECK_OK(read_whole(arena,
                        STR("{\"parts\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],"
                            "\"labels\":{\"a\":\"\",\"b\":\"\"}}"),
                        &whole, &err),
             &err);
    assert_int_equal(whole.parts.n, 3);
    assert_int_equal(whole.labels.n, 2);
}

/* A text above the mark of the big ones: 300 KiB of title. */
static void *read_big(void *context)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct whole                   whole = { 0 };
    struct err                     err;

    for (int i = 0; i < 8; i++) {
        if (json_read(arena, str_from(context), &json_limits_default, &whole_table, &whole, &err) <
                0 ||
            whole.title.n != 300 * 1024)
            return (void *)"failed";
    }
    return NULL;
}

void test_json_big_texts_wait_for_each_other(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *text  = mem_alloc(arena, 301 * 1024);
    pthread_t                      threads[2 * JSON_BIG_PARSES];
    void                          *failed;

    memset(text, 'x', 301 * 1024 - 1);
    memcpy(text, "{\"title\":\"", 10);
    memcpy(text + 10 + 300 * 1024, "\"}", 3);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_big, text), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}
