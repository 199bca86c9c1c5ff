/* Every row of the tables of routes says what it must, and the description is made of all of them. */
#include "api/api_private.h"

#include <string.h>

#include "api/describe.h"
#include "base/mem.h"
#include "check.h"
#include "codec/json.h"

void test_every_row_says_what_it_must(void **state)
{
    struct err err;

    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++)
            CHECK_OK(api_row_check(row, &err), &err);
    }
}

void test_no_two_rows_have_the_same_name(void **state)
{
    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++) {
            int n = 0;

            for (size_t u = 0; api_tables[u] != NULL; u++) {
                for (const struct api_route *other = api_tables[u]; other->name != NULL; other++)
                    n += strcmp(row->name, other->name) == 0;
            }
            assert_int_equal(n, 1);
        }
    }
}

void test_the_description_is_one_json_object_with_every_row(void **state)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct str                     text   = api_describe(arena, api_tables);
    struct json_limits             limits = json_limits_default;
    struct err                     err;

    limits.values = 1000000;
    CHECK_OK(json_check(text, &limits, &err), &err);
    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++)
            assert_non_null(
                strstr(text.p, mem_printf(arena, "{\"operationId\":\"%s\"", row->name)));
    }
}
