/* object_test.c: no key is forgotten between pending and doomed, and a review only ever moves forward. */
#include "meta/object.h"

#include "fixture.h"

int object_test_setup(void **state)
{
    return fixture_open(state);
}

int object_test_teardown(void **state)
{
    return fixture_close(state);
}

void test_object_pending_keys_fence(void **state)
{
    struct fixture *f = *state;
    struct str     *keys;
    size_t          n;

    CHECK_OK(meta_pending_add(f->tx, STR("k1"), 100, &f->err), &f->err);
    CHECK_OK(meta_pending_add(f->tx, STR("k2"), 50, &f->err), &f->err);
    CHECK_OK(meta_pending_due(f->tx, f->arena, 49, 10, &keys, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    CHECK_OK(meta_pending_due(f->tx, f->arena, 100, 10, &keys, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_STR(keys[0], "k2");
    CHECK_OK(meta_pending_due(f->tx, f->arena, 100, 1, &keys, &n, &f->err), &f->err);
    assert_int_equal(n, 1);

    CHECK_OK(meta_pending_move(f->tx, STR("k2"), 500, &f->err), &f->err);
    CHECK_OK(meta_pending_due(f->tx, f->arena, 100, 10, &keys, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(keys[0], "k1");

    assert_int_equal(meta_pending_remove(f->tx, STR("k1"), &f->err), 1);
    assert_int_equal(meta_pending_remove(f->tx, STR("k1"), &f->err), 0);
    CHECK_FAILS(meta_pending_add(f->tx, STR("k2"), 1, &f->err), &f->err, ERR_EXISTS);
}

void test_object_doomed_keys_are_due_in_order(void **state)
{
    struct fixture     *f = *state;
    struct meta_doomed *due;
    size_t              n;

    CHECK_OK(meta_doomed_add(f->tx, STR("k1"), 5, 100, &f->err), &f->err);
    CHECK_OK(meta_doomed_add(f->tx, STR("k2"), 5, 50, &f->err), &f->err);
    CHECK_OK(meta_doomed_add(f->tx, STR("k2"), 5, 10, &f->err), &f->err);
    CHECK_OK(meta_doomed_due(f->tx, f->arena, 100, 10, &due, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_STR(due[0].key, "k2");
    assert_int_equal(due[0].size, 5);
    assert_int_equal(meta_doomed_is_used(f->tx, STR("k2"), &f->err), 0);
    assert_int_equal(meta_doomed_remove(f->tx, STR("k2"), &f->err), 1);
    assert_int_equal(meta_doomed_remove(f->tx, STR("k2"), &f->err), 0);
    CHECK_OK(meta_doomed_due(f->tx, f->arena, 99, 10, &due, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    CHECK_OK(meta_doomed_put_off(f->tx, STR("k1"), 200, &f->err), &f->err);
    CHECK_OK(meta_doomed_due(f->tx, f->arena, 199, 10, &due, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
}

/* clang-format off */
static const struct db_statement
review = { .name = "review", .in = "tt", .out = "i", .sql = "SELECT review_after FROM gc_queue WHERE kind = $1 AND id = $2" },
events = { .name = "events", .in = "",   .out = "t", .sql = "SELECT event FROM gc_queue" };
/* clang-format on */

void test_object_a_review_moves_forward_only(void **state)
{
    struct fixture *f    = *state;
    int64_t         when = 0;
    struct str      event;

    CHECK_OK(meta_gc_queue_put(f->tx, "blob", STR("d"), 100, "upload", &f->err), &f->err);
    CHECK_OK(meta_gc_queue_put(f->tx, "blob", STR("d"), 50, "untagged", &f->err), &f->err);
    assert_int_equal(db_find_int(f->tx, &review, DB_ARGS(db_text(STR("blob")), db_text(STR("d"))),
                                 &when, &f->err),
                     1);
    assert_int_equal(when, 100);
    CHECK_OK(meta_gc_queue_put(f->tx, "blob", STR("d"), 150, "deleted", &f->err), &f->err);
    assert_int_equal(db_find_int(f->tx, &review, DB_ARGS(db_text(STR("blob")), db_text(STR("d"))),
                                 &when, &f->err),
                     1);
    assert_int_equal(when, 150);
    assert_int_equal(db_find_text(f->tx, f->arena, &events, DB_NO_ARGS, &event, &f->err), 1);
    CHECK_STR(event, "deleted");
    CHECK_FAILS(meta_gc_queue_put(f->tx, "tag", STR("d"), 1, "x", &f->err), &f->err, ERR_CONFLICT);
}
