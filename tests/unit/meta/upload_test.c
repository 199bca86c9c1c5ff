/* upload_test.c: of two writers one wins, and the idlest session is found. */
#include "meta/upload.h"

#include "fixture.h"
#include "io/clock.h"

int upload_test_setup(void **state)
{
    return fixture_open(state);
}

int upload_test_teardown(void **state)
{
    clock_set_offset(0);
    return fixture_close(state);
}

static void add(struct fixture *f, const char *id, int64_t account_id)
{
    struct meta_upload upload = { .id         = str_from(id),
                                  .path       = STR("admin/app"),
                                  .account_id = account_id,
                                  .upload_key = str_from(mem_printf(f->arena, "uploads/%s", id)),
                                  .hash_state = STR("\0state") };

    CHECK_OK(meta_upload_add(f->tx, &upload, &f->err), &f->err);
}

void test_upload_of_two_writers_one_wins(void **state)
{
    struct fixture    *f = *state;
    struct meta_upload found;

    add(f, "u", f->account);
    assert_int_equal(meta_upload_find(f->tx, f->arena, STR("u"), &found, &f->err), 1);
    CHECK_STR(found.path, "admin/app");
    CHECK_STR(found.upload_key, "uploads/u");
    assert_true(str_eq(found.hash_state, STR("\0state")));
    assert_null(found.hash_state_2.p);
    assert_int_equal(found.offset, 0);
    assert_int_equal(found.version, 1);
    assert_int_equal(found.used_at, found.created_at);

    CHECK_OK(meta_upload_advance(f->tx, STR("u"), 1, 500, STR("s1"), STR("s2"), &f->err), &f->err);
    assert_int_equal(meta_upload_find(f->tx, f->arena, STR("u"), &found, &f->err), 1);
    assert_int_equal(found.offset, 500);
    assert_int_equal(found.version, 2);
    CHECK_STR(found.hash_state, "s1");
    CHECK_STR(found.hash_state_2, "s2");
    assert_true(found.used_at >= found.created_at);
    fixture_next_tx(f);

    CHECK_FAILS(meta_upload_advance(f->tx, STR("u"), 1, 600, STR("s1"), STR_NULL, &f->err), &f->err,
                ERR_CONFLICT);
    fixture_retry(f);
    assert_int_equal(meta_upload_remove(f->tx, STR("u"), 1, &f->err), 0);
    assert_int_equal(meta_upload_remove(f->tx, STR("u"), 2, &f->err), 1);
    assert_int_equal(meta_upload_remove(f->tx, STR("u"), 0, &f->err), 0);
    add(f, "u", f->account);
    assert_int_equal(meta_upload_remove(f->tx, STR("u"), 0, &f->err), 1);
}

void test_upload_the_idlest_is_found(void **state)
{
    struct fixture    *f       = *state;
    int64_t            minute  = 60 * 1000000;
    int64_t            n       = -1;
    int64_t            started = clock_utc_us();
    struct meta_upload found;

    add(f, "first", 1);
    clock_set_offset(minute);
    add(f, "second", 2);
    clock_set_offset(2 * minute);
    add(f, "third", 2);

    CHECK_OK(meta_upload_count(f->tx, 2, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    int64_t later = started + 10 * minute;
    assert_int_equal(meta_upload_find_idle(f->tx, f->arena, 0, later, &found, &f->err), 1);
    CHECK_STR(found.id, "first");
    assert_int_equal(meta_upload_find_idle(f->tx, f->arena, 2, later, &found, &f->err), 1);
    CHECK_STR(found.id, "second");
    assert_int_equal(meta_upload_find_idle(f->tx, f->arena, 2, started, &found, &f->err), 0);
    assert_int_equal(meta_upload_find_idle(f->tx, f->arena, 3, later, &found, &f->err), 0);

    clock_set_offset(3 * minute);
    CHECK_OK(meta_upload_advance(f->tx, STR("second"), 1, 1, STR("s"), STR_NULL, &f->err), &f->err);
    assert_int_equal(meta_upload_find_idle(f->tx, f->arena, 2, later, &found, &f->err), 1);
    CHECK_STR(found.id, "third");
}
