/* json_view: values are found in a text as they stand there, and changing one leaves all others as they were. */
#include "codec/json_view.h"

#include "check.h"
#include "codec/json.h"

#define PATH(...) \
    ((const struct str[]){ __VA_ARGS__ }), ARRAY_LEN(((const struct str[]){ __VA_ARGS__ }))

static struct arena *arena;
static struct err    err;

int json_view_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int json_view_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static struct str put(struct str text, const struct str *path, size_t n, struct str value)
{
    struct str out;

    CHECK_OK(json_check(text, &json_limits_default, &err), &err);
    CHECK_OK(json_view_put(arena, text, path, n, value, &out, &err), &err);
    CHECK_OK(json_check(out, &json_limits_default, &err), &err);
    return out;
}

void test_members_are_found_whatever_stands_before_them(void **state)
{
    struct str text =
        json_view_of(STR(" { \"a\" : [1, {\"x\":\"}]\\\"\"}, []],\n\"b\":-1.5e3 ,\"c\":\"\","
                         "\"d\\u0065\":null, \"f\":{} } "));

    CHECK_STR(json_view_at(text, STR("a")), "[1, {\"x\":\"}]\\\"\"}, []]");
    CHECK_STR(json_view_at(text, STR("b")), "-1.5e3");
    CHECK_STR(json_view_at(text, STR("c")), "\"\"");
    CHECK_STR(json_view_at(text, STR("de")), "null");
    CHECK_STR(json_view_at(text, STR("f")), "{}");
    assert_null(json_view_at(text, STR("x")).p);
    assert_null(json_view_at(STR("[1]"), STR("x")).p);
    assert_null(json_view_at(STR_NULL, STR("x")).p);
}

void test_items_come_in_their_order_and_without_keys(void **state)
{
    struct json_view_each each = json_view_each(STR("[ 1 ,\"two\", [3,4],{\"five\":5} ]"));

    assert_true(json_view_next(&each));
    CHECK_STR(each.value, "1");
    assert_null(each.key.p);
    assert_true(json_view_next(&each));
    CHECK_STR(each.value, "\"two\"");
    assert_true(json_view_next(&each));
    CHECK_STR(each.value, "[3,4]");
    assert_true(json_view_next(&each));
    CHECK_STR(each.value, "{\"five\":5}");
    assert_false(json_view_next(&each));

    each = json_view_each(STR("{}"));
    assert_false(json_view_next(&each));
    each = json_view_each(STR("17"));
    assert_false(json_view_next(&each));
}

void test_a_text_is_what_the_string_means(void **state)
{
    CHECK_STR(json_view_text(arena, STR("\"plain\"")), "plain");
    CHECK_STR(json_view_text(arena, STR("\"a\\n\\u00e9\\\"\"")), "a\n\xc3\xa9\"");
    CHECK_STR(json_view_text(arena, STR("true")), "true");
    assert_null(json_view_text(arena, STR("null")).p);
    assert_null(json_view_text(arena, STR_NULL).p);
    CHECK_STR(json_view_text(arena, json_view_quote(arena, STR("tab\t\"q\" \\ \x01"))),
              "tab\t\"q\" \\ \x01");
}

void test_one_member_changes_and_the_rest_stays_to_the_byte(void **state)
{
    struct str text =
        STR("{\n\t\"auths\": {\n\t\t\"a.example\": {\"auth\":  \"b2xk\"},\n\t\t\"b\": {}\n\t},\n"
            "\t\"psFormat\" : 1.50e2, \"l\": [ 1,2 ]\n}\n");

    CHECK_STR(put(text, PATH(STR("auths"), STR("a.example")), STR("{\"auth\":\"bmV3\"}")),
              "{\n\t\"auths\": {\n\t\t\"a.example\": {\"auth\":\"bmV3\"},\n\t\t\"b\": {}\n\t},\n"
              "\t\"psFormat\" : 1.50e2, \"l\": [ 1,2 ]\n}\n");
    CHECK_STR(put(text, PATH(STR("auths"), STR("c")), STR("3")),
              "{\n\t\"auths\": {\n\t\t\"a.example\": {\"auth\":  \"b2xk\"},\n\t\t\"b\": "
              "{},\n\t\t\"c\": 3\n\t},\n"
              "\t\"psFormat\" : 1.50e2, \"l\": [ 1,2 ]\n}\n");
}

void test_what_is_missing_on_the_way_is_made(void **state)
{
    CHECK_STR(put(STR("{}"), PATH(STR("auths"), STR("h:1")), STR("{}")),
              "{\n\t\"auths\": {\n\t\t\"h:1\": {}\n\t}\n}");
    CHECK_STR(put(STR("{ }\n"), PATH(STR("a\"b")), STR("1")), "{\n\t\"a\\\"b\": 1\n}\n");
    CHECK_STR(put(STR("{\n  \"x\": 1\n}"), PATH(STR("a"), STR("b")), STR("2")),
              "{\n  \"x\": 1,\n  \"a\": {\n\t\t\"b\": 2\n\t}\n}");
    CHECK_STR(put(STR("{\"auths\":null}"), PATH(STR("auths"), STR("b")), STR("2")),
              "{\"auths\":{\n\t\t\"b\": 2\n\t}}");
}

void test_a_removed_member_takes_one_comma_along(void **state)
{
    CHECK_STR(put(STR("{\"a\":1, \"b\":2 , \"c\":3}"), PATH(STR("a")), STR_NULL),
              "{\"b\":2 , \"c\":3}");
    CHECK_STR(put(STR("{\"a\":1, \"b\":2 , \"c\":3}"), PATH(STR("b")), STR_NULL),
              "{\"a\":1, \"c\":3}");
    CHECK_STR(put(STR("{\"a\":1, \"b\":2 , \"c\":3}"), PATH(STR("c")), STR_NULL),
              "{\"a\":1, \"b\":2}");
    CHECK_STR(put(STR("{\n\t\"a\": 1\n}"), PATH(STR("a")), STR_NULL), "{}");
    CHECK_STR(put(STR("{\"a\":{\"b\":[]}}"), PATH(STR("a"), STR("b")), STR_NULL), "{\"a\":{}}");
    CHECK_STR(put(STR("{\"a\":1}"), PATH(STR("z")), STR_NULL), "{\"a\":1}");
    CHECK_STR(put(STR("{\"a\":1}"), PATH(STR("z"), STR("y")), STR_NULL), "{\"a\":1}");
}

void test_what_is_no_object_is_not_replaced(void **state)
{
    struct str out;

    CHECK_FAILS(json_view_put(arena, STR("{\"auths\":[]}"), PATH(STR("auths"), STR("b")), STR("1"),
                              &out, &err),
                &err, ERR_INVALID);
    CHECK_FAILS(json_view_put(arena, STR("[]"), PATH(STR("b")), STR("1"), &out, &err), &err,
                ERR_INVALID);
}
