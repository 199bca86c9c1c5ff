/* Every row of the tables of routes says what it must, and the description is made of all of them. */
#include "api/api_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The table of who may call what, tests/hostile/matrix.txt. */
static struct str read_matrix(struct arena *arena)
{
    const char *root = getenv("ASSAY_SOURCE_ROOT");
    int         fd   = open(mem_printf(arena, "%s/tests/hostile/matrix.txt", root), O_RDONLY);
    struct buf  text;
    char        piece[4096];
    ssize_t     n;

    assert_true(fd >= 0);
    buf_init(&text, arena, 1024 * 1024);
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(&text, piece, (size_t)n);
    close(fd);
    return buf_view(&text);
}

static bool has_line(struct str matrix, const char *name)
{
    struct str line, word;

    while (str_next(&matrix, '\n', &line)) {
        if (!str_starts(line, STR("route ")))
            continue;
        line = str_trim(str_from_index(line, 6));
        str_next(&line, ' ', &word);
        if (str_is(word, name))
            return true;
    }
    return false;
}

void test_every_route_has_its_line_in_the_matrix(void **state)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct str                     matrix = read_matrix(arena);

    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++) {
            if (!has_line(matrix, row->name))
                fail_msg("add `route %s CLASS` to tests/hostile/matrix.txt (docs/HACKING.md, Add a "
                         "route)",
                         row->name);
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
