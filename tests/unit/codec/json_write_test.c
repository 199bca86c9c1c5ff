/* json_write_test.c: what is written is what json_read reads, and misuse ends the process. */
#include "codec/json_write.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "codec/json.h"

static struct buf buf;

static struct json_write begin(struct arena *arena)
{
    struct json_write w;

    buf_init(&buf, arena, 100000);
    json_write_init(&w, &buf);
    return w;
}

void test_json_write_nesting_and_commas(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w     = begin(arena);

    json_write_object(&w);
    json_write_str_at(&w, "s", STR("x"));
    json_write_text_at(&w, "t", "y");
    json_write_int_at(&w, "i", INT64_MIN);
    json_write_bool_at(&w, "b", true);
    json_write_str_at(&w, "null", STR_NULL);
    json_write_key(&w, "list");
    json_write_list(&w);
    json_write_end(&w);
    json_write_key_str(&w, STR("more"));
    json_write_list(&w);
    json_write_int(&w, 1);
    json_write_object(&w);
    json_write_end(&w);
    json_write_raw(&w, STR("[2]"));
    json_write_null(&w);
    json_write_bool(&w, false);
    json_write_text(&w, NULL);
    json_write_end(&w);
    json_write_end(&w);
    CHECK_STR(buf_view(&buf),
              "{\"s\":\"x\",\"t\":\"y\",\"i\":-9223372036854775808,\"b\":true,\"null\":null,"
              "\"list\":[],\"more\":[1,{},[2],null,false,null]}");
}

void test_json_write_escapes(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w     = begin(arena);

    json_write_list(&w);
    json_write_str(&w, STR("\"\\/\n\r\t\b\x01\x1f\x7f\0\xc3\xa9"));
    json_write_str(&w, STR("\xff\xc3(\xed\xa0\x80\xf0\x9f\x98"));
    json_write_str(&w, STR(""));
    json_write_end(&w);
    CHECK_STR(buf_view(&buf),
              "[\"\\\"\\\\/\\n\\r\\t\\u0008\\u0001\\u001f\x7f\\u0000\xc3\xa9\","
              "\"\xef\xbf\xbd\xef\xbf\xbd("
              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
              "\"\"]");
}

void test_json_write_sticks_when_full(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w;
    struct err                     err;
    struct str                     out;

    buf_init(&buf, arena, 8);
    json_write_init(&w, &buf);
    json_write_list(&w);
    json_write_text(&w, "longer than eight");
    json_write_end(&w);
    CHECK_FAILS(buf_finish(&buf, &out, &err), &err, ERR_TOO_LARGE);
}

struct item {
    struct str name;
    int64_t    number;
};

struct value {
    struct str          text;
    struct str          quiet;
    struct str          secret;
    int64_t             number;
    int64_t             maybe;
    bool                has_maybe;
    bool                flag;
    bool                is_any;
    struct item         one;
    struct item         empty;
    struct json_list    many;
    struct json_list    words;
    struct json_map     map;
    struct json_numbers numbers;
};

/* clang-format off */
static const struct json_field item_fields[] = {
    { .name = "name",   .kind = JSON_STRING,  .offset = JSON_AT(struct item, name, struct str), .flags = JSON_OMIT },
    { .name = "number", .kind = JSON_INTEGER, .offset = JSON_AT(struct item, number, int64_t),  .flags = JSON_OMIT },
};

static const struct json_table item_table = {
    .name = "item", .size = sizeof(struct item), .fields = item_fields, .n_fields = ARRAY_LEN(item_fields),
};

static const struct json_field value_fields[] = {
    { .name = "text",   .kind = JSON_STRING,  .offset = JSON_AT(struct value, text, struct str) },
    { .name = "quiet",  .kind = JSON_STRING,  .offset = JSON_AT(struct value, quiet, struct str),  .flags = JSON_OMIT },
    { .name = "secret", .kind = JSON_STRING,  .offset = JSON_AT(struct value, secret, struct str), .flags = JSON_SECRET },
    { .name = "number", .kind = JSON_INTEGER, .offset = JSON_AT(struct value, number, int64_t) },
    { .name = "maybe",  .kind = JSON_INTEGER, .offset = JSON_AT(struct value, maybe, int64_t), .has_offset = offsetof(struct value, has_maybe) },
    { .name = "flag",   .kind = JSON_BOOL,    .offset = JSON_AT(struct value, flag, bool), .flags = JSON_OMIT },
    { .name = "any",    .kind = JSON_ANY,     .offset = JSON_AT(struct value, is_any, bool) },
    { .name = "one",    .kind = JSON_OBJECT,  .offset = JSON_AT(struct value, one, struct item), .table = &item_table },
    { .name = "empty",  .kind = JSON_OBJECT,  .offset = JSON_AT(struct value, empty, struct item), .table = &item_table, .flags = JSON_OMIT },
    { .name = "many",   .kind = JSON_LIST,    .offset = JSON_AT(struct value, many, struct json_list), .table = &item_table },
    { .name = "words",  .kind = JSON_LIST,    .offset = JSON_AT(struct value, words, struct json_list), .flags = JSON_OMIT },
    { .name = "map",    .kind = JSON_MAP,     .offset = JSON_AT(struct value, map, struct json_map), .flags = JSON_OMIT },
    { .name = "numbers", .kind = JSON_NUMBERS, .offset = JSON_AT(struct value, numbers, struct json_numbers), .flags = JSON_OMIT },
};

static const struct json_table value_table = {
    .name = "value", .size = sizeof(struct value), .fields = value_fields, .n_fields = ARRAY_LEN(value_fields),
};
/* clang-format on */

static struct str print_value(struct arena *arena, const struct value *value)
{
    struct json_write w = begin(arena);

    json_write_table(&w, &value_table, value);
    return str_copy(arena, buf_view(&buf));
}

void test_json_write_table_is_the_inverse_of_read(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct item        items[] = { { .name = STR("a\n"), .number = 1 }, { .number = -2 } };
    struct str         words[] = { STR("x"), STR("") };
    struct json_pair   pairs[] = { { STR("k"), STR("\xc3\xa9\"") }, { STR(""), STR("") } };
    struct json_number sizes[] = { { STR("n"), INT64_MIN } };
    struct value       value   = {
                .text      = STR("t"),
                .secret    = STR("hidden"),
                .number    = INT64_MAX,
                .has_maybe = true,
                .flag      = true,
                .is_any    = true,
                .one       = { .name = STR("o") },
                .many      = { .items = items, .n = 2 },
                .words     = { .items = words, .n = 2 },
                .map       = { .pairs = pairs, .n = 2 },
                .numbers   = { .pairs = sizes, .n = 1 },
    };
    struct value again = { 0 };
    struct err   err;

    struct str text = print_value(arena, &value);
    CHECK_STR(
        text,
        "{\"text\":\"t\",\"number\":9223372036854775807,\"maybe\":0,\"flag\":true,"
        "\"one\":{\"name\":\"o\"},\"many\":[{\"name\":\"a\\n\",\"number\":1},{\"number\":-2}],"
        "\"words\":[\"x\",\"\"],\"map\":{\"k\":\"\xc3\xa9\\\"\",\"\":\"\"},"
        "\"numbers\":{\"n\":-9223372036854775808}}");
    CHECK_OK(json_read(arena, text, &json_limits_default, &value_table, &again, &err), &err);
    assert_true(str_eq(print_value(arena, &again), text));
    assert_int_equal(again.many.n, 2);
    assert_true(again.has_maybe);
    assert_null(again.secret.p);
}

void test_json_write_table_of_nothing(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct value                   value = { 0 };
    struct value                   again = { 0 };
    struct err                     err;

    struct str text = print_value(arena, &value);
    CHECK_STR(text, "{\"text\":null,\"number\":0,\"one\":{},\"many\":[]}");
    CHECK_OK(json_read(arena, text, &json_limits_default, &value_table, &again, &err), &err);
    assert_memory_equal(&value, &again, sizeof(value));
}

static void value_without_key(struct json_write *w)
{
    json_write_object(w);
    json_write_int(w, 1);
}

static void key_in_list(struct json_write *w)
{
    json_write_list(w);
    json_write_key(w, "a");
}

static void key_without_value(struct json_write *w)
{
    json_write_object(w);
    json_write_key(w, "a");
    json_write_end(w);
}

static void two_keys(struct json_write *w)
{
    json_write_object(w);
    json_write_key(w, "a");
    json_write_key(w, "b");
}

static void end_too_many(struct json_write *w)
{
    json_write_list(w);
    json_write_end(w);
    json_write_end(w);
}

static void second_document(struct json_write *w)
{
    json_write_int(w, 1);
    json_write_int(w, 2);
}

static void too_deep(struct json_write *w)
{
    for (int i = 0; i <= JSON_WRITE_DEPTH; i++)
        json_write_list(w);
}

void test_json_write_asserts_on_misuse(void **state)
{
    static void (*const misuses[])(struct json_write * w) = {
        value_without_key, key_in_list,     key_without_value, two_keys,
        end_too_many,      second_document, too_deep,
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w     = begin(arena);
    int                            status;

    for (size_t i = 0; i < ARRAY_LEN(misuses); i++) {
        pid_t child = fork();

        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            close(STDERR_FILENO);
            misuses[i](&w);
            _exit(0);
        }
        assert_true(waitpid(child, &status, 0) == child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

void test_json_write_at_full_depth(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w     = begin(arena);
    struct err                     err;

    for (int i = 0; i < JSON_WRITE_DEPTH; i++)
        json_write_list(&w);
    for (int i = 0; i < JSON_WRITE_DEPTH; i++)
        json_write_end(&w);
    CHECK_OK(json_check(buf_view(&buf), &json_limits_default, &err), &err);
}

struct raw {
    struct str value;
    struct str quiet;
};

void test_json_write_table_prints_a_raw_member_as_it_is(void **state)
{
    /* clang-format off */
    static const struct json_field fields[] = {
        { .name = "value", .kind = JSON_RAW, .offset = JSON_AT(struct raw, value, struct str) },
        { .name = "quiet", .kind = JSON_RAW, .offset = JSON_AT(struct raw, quiet, struct str), .flags = JSON_OMIT },
    };
    static const struct json_table table = { .name = "raw", .size = sizeof(struct raw), .fields = fields, .n_fields = 2 };
    /* clang-format on */
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w     = begin(arena);
    struct raw                     raw   = { .value = STR("{\"a\":[true]}") };

    json_write_table(&w, &table, &raw);
    CHECK_STR(buf_view(&buf), "{\"value\":{\"a\":[true]}}");
}
