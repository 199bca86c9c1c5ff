/* table: columns that line up, that fit, and that show what a server says as text and as nothing else. */
#include "client/table.h"

#include <locale.h>

#include "check.h"

static struct arena *arena;

int table_test_setup(void **state)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    arena = arena_new();
    return 0;
}

int table_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static struct str print(const char *const *cells, size_t n, size_t n_columns, size_t width)
{
    struct client_table table;
    struct buf          out;

    client_table_init(&table, arena, n_columns);
    for (size_t i = 0; i < n; i++)
        client_table_add(&table, str_from(cells[i]));
    buf_init(&out, arena, 4096);
    client_table_print(&table, width, &out);
    return buf_view(&out);
}

#define PRINT(n_columns, width, ...)                                                               \
    print((const char *const[]){ __VA_ARGS__ }, ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })), \
          (n_columns), (width))

void test_columns_line_up_without_blanks_at_the_end(void **state)
{
    CHECK_STR(PRINT(3, 0, "NAME", "ADMIN", "NOTE", "alice", "yes", "", "bo", "no", "x"),
              "NAME   ADMIN  NOTE\nalice  yes\nbo     no     x\n");
}

void test_width_is_in_columns_and_not_in_bytes(void **state)
{
    CHECK_STR(PRINT(2, 0, "\xc3\xa9t\xc3\xa9", "x", "ab", "y", "\xe6\xbc\xa2", "z"),
              "\xc3\xa9t\xc3\xa9  x\nab   y\n\xe6\xbc\xa2   z\n");
}

void test_the_widest_give_way_first(void **state)
{
    /* 5 + 2 + 12 + 2 + 20 = 41 columns; 30 of them are there, so that both wide ones are cut to 10, and one gets
     * what is left. */
    CHECK_STR(PRINT(3, 30, "NAME", "SECOND", "THIRD", "short", "twelve bytes",
                    "twenty bytes of text"),
              "NAME   SECOND       THIRD\nshort  twelve byt…  twenty by…\n");
    CHECK_STR(PRINT(2, 21, "A", "B", "12345678901234567890", "12345678901234567890"),
              "A           B\n123456789…  12345678…\n");
}

void test_wide_characters_are_not_cut_in_two(void **state)
{
    CHECK_STR(PRINT(1, 8, "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"),
              "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2…\n");
}

void test_a_narrow_screen_is_not_narrower_than_it_makes_sense(void **state)
{
    CHECK_STR(PRINT(3, 1, "first one", "second one", "third one"), "first…  secon…  third…\n");
}

void test_what_would_move_the_screen_is_shown_as_a_mark(void **state)
{
    CHECK_STR(client_text_clean(arena, STR("a\x1b[31mb\x07\x7f")), "a�[31mb��");
    CHECK_STR(client_text_clean(arena, STR("a\nb\tc\r")), "a b c ");
    CHECK_STR(client_text_clean(arena, STR("\xe2\x80\xaegpj.exe")), "�gpj.exe");
    CHECK_STR(client_text_clean(arena, STR("\xc2\x9b"
                                           "31m")),
              "�31m");
    CHECK_STR(client_text_clean(arena, STR("bad \xff byte")), "bad � byte");
    CHECK_STR(client_text_clean(arena, STR("")), "");
}
