/* mem_test.c: what is made in an arena dies with it, and what is not memory is closed in its turn. */
#include "base/mem.h"

#include <stdlib.h>

#include "check.h"

static char   closed[8];
static size_t n_closed;

static void note(void *context)
{
    closed[n_closed++] = *(const char *)context;
}

int mem_test_setup(void **state)
{
    memset(closed, 0, sizeof(closed));
    n_closed = 0;
    return 0;
}

void test_mem_comes_zeroed(void **state)
{
    AUTO(arena_free) struct arena *arena     = arena_new();
    const char                     zeros[64] = { 0 };

    assert_memory_equal(mem_alloc(arena, 64), zeros, 64);
    assert_memory_equal(mem_many(arena, 4, int), zeros, 4 * sizeof(int));
}

void test_mem_closers_run_when_the_arena_dies(void **state)
{
    struct arena *arena = arena_new();
    char          a     = 'a';
    char          b     = 'b';

    arena_on_free(arena, note, &a);
    arena_on_free(arena, note, &b);
    assert_int_equal(n_closed, 0);
    arena_free(&arena);
    assert_null(arena);
    assert_int_equal(n_closed, 2);
    assert_string_equal(closed, "ba");
}

void test_mem_a_child_dies_with_its_parent(void **state)
{
    struct arena *parent = arena_new();
    struct arena *child  = arena_new_child(parent);
    char          c      = 'c';

    arena_on_free(child, note, &c);
    arena_free(&parent);
    assert_string_equal(closed, "c");
}

void test_mem_a_child_may_die_first(void **state)
{
    AUTO(arena_free) struct arena *parent = arena_new();
    struct arena                  *child  = arena_new_child(parent);

    mem_alloc(child, 1000);
    assert_true(arena_size(parent) >= 1000);
    arena_free(&child);
    assert_true(arena_size(parent) < 1000);
    arena_free(&child);
}

void test_mem_texts(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *text  = mem_strdup(arena, "assay");

    assert_string_equal(text, "assay");
    assert_string_equal(mem_strndup(arena, "assay", 2), "as");
    assert_string_equal(mem_strndup(arena, NULL, 0), "");
    assert_string_equal(mem_printf(arena, "%s/%d", text, 7), "assay/7");

    text = mem_resize(arena, text, 1000);
    assert_string_equal(text, "assay");
}

static char *taken_from_scope(struct arena *arena)
{
    char *text = mem_strdup(arena, "mine");
    char *mine = TAKE(text);

    assert_null(text);
    return mine;
}

void test_mem_take_hands_a_pointer_over(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    assert_string_equal(taken_from_scope(arena), "mine");
}

void test_mem_wipe_leaves_nothing(void **state)
{
    char       secret[]              = "hunter2";
    const char zeros[sizeof(secret)] = { 0 };

    mem_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zeros, sizeof(secret));
}
