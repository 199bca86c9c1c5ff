/* account_test.c: accounts are found by id and name, names are unique, and what voids tokens moves the
 * generation on. */
#include "meta/account.h"

#include "fixture.h"

int account_test_setup(void **state)
{
    return fixture_open(state);
}

int account_test_teardown(void **state)
{
    return fixture_close(state);
}

void test_account_is_found_by_id_and_name(void **state)
{
    struct fixture *f       = *state;
    struct meta_account new = { .name          = STR("ci"),
                                .kind          = STR("service"),
                                .full_name     = STR("The builder"),
                                .is_active     = 1,
                                .password_hash = STR("$argon2id$") };
    struct meta_account found;
    int64_t             id = 0;

    CHECK_OK(meta_account_add(f->tx, &new, &id, &f->err), &f->err);
    assert_int_equal(meta_account_find_name(f->tx, f->arena, STR("ci"), &found, &f->err), 1);
    assert_int_equal(found.id, id);
    CHECK_STR(found.kind, "service");
    CHECK_STR(found.full_name, "The builder");
    CHECK_STR(found.password_hash, "$argon2id$");
    assert_int_equal(found.uuid.n, 36);
    assert_int_equal(found.is_admin, 0);
    assert_int_equal(found.is_active, 1);
    assert_int_equal(found.generation, 1);
    assert_true(found.created_at > 0);

    assert_int_equal(meta_account_find(f->tx, f->arena, f->account, &found, &f->err), 1);
    CHECK_STR(found.name, "admin");
    assert_int_equal(found.is_admin, 1);
    assert_null(found.password_hash.p);
    assert_int_equal(meta_account_find(f->tx, f->arena, 4711, &found, &f->err), 0);
    assert_int_equal(meta_account_find_name(f->tx, f->arena, STR("CI"), &found, &f->err), 0);

    int64_t n = 0;
    CHECK_OK(meta_account_count(f->tx, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
}

void test_account_names_are_unique(void **state)
{
    struct fixture *f       = *state;
    struct meta_account new = { .name = STR("admin"), .kind = STR("organization") };
    int64_t id              = 77;

    CHECK_FAILS(meta_account_add(f->tx, &new, &id, &f->err), &f->err, ERR_EXISTS);
    assert_int_equal(id, 77);
}

void test_account_kinds_are_known(void **state)
{
    struct fixture *f       = *state;
    struct meta_account new = { .name = STR("x"), .kind = STR("robot") };
    int64_t id;

    CHECK_FAILS(meta_account_add(f->tx, &new, &id, &f->err), &f->err, ERR_CONFLICT);
}

void test_account_generation_moves_on(void **state)
{
    struct fixture     *f = *state;
    struct meta_account found;

    CHECK_OK(meta_account_set_password(f->tx, f->account, STR("new"), &f->err), &f->err);
    CHECK_OK(meta_account_set_active(f->tx, f->account, 0, &f->err), &f->err);
    assert_int_equal(meta_account_find(f->tx, f->arena, f->account, &found, &f->err), 1);
    assert_int_equal(found.generation, 3);
    assert_int_equal(found.is_active, 0);
    CHECK_STR(found.password_hash, "new");

    CHECK_OK(meta_account_set_password(f->tx, f->account, STR_NULL, &f->err), &f->err);
    assert_int_equal(meta_account_find(f->tx, f->arena, f->account, &found, &f->err), 1);
    assert_null(found.password_hash.p);
    CHECK_FAILS(meta_account_set_active(f->tx, 4711, 1, &f->err), &f->err, ERR_NOT_FOUND);
}
