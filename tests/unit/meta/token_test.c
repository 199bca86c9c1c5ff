/* token_test.c: the life of a signing key, and refresh tokens that end. */
#include "meta/token.h"

#include "fixture.h"

int token_test_setup(void **state)
{
    return fixture_open(state);
}

int token_test_teardown(void **state)
{
    return fixture_close(state);
}

static size_t list(struct fixture *f, struct meta_token_key **out)
{
    size_t n = 77;

    CHECK_OK(meta_token_key_list(f->tx, f->arena, out, &n, &f->err), &f->err);
    return n;
}

void test_token_a_key_is_active_then_retired_then_gone(void **state)
{
    struct fixture        *f = *state;
    struct meta_token_key *keys;

    assert_int_equal(list(f, &keys), 0);
    CHECK_OK(meta_token_key_add(f->tx, STR("old"), STR("sealed"), &f->err), &f->err);
    int64_t between = db_now(f->tx);
    while (db_now(f->tx) == between)
        ;
    CHECK_OK(meta_token_key_add(f->tx, STR("new"), STR("sealed"), &f->err), &f->err);
    assert_int_equal(list(f, &keys), 2);
    CHECK_STR(keys[0].kid, "new");
    CHECK_STR(keys[1].kid, "old");
    CHECK_STR(keys[1].state, "active");
    assert_int_equal(keys[1].retired_at, 0);

    CHECK_OK(meta_token_key_retire(f->tx, STR("old"), &f->err), &f->err);
    CHECK_OK(meta_token_key_reseal(f->tx, STR("old"), STR("anew"), &f->err), &f->err);
    assert_int_equal(list(f, &keys), 2);
    CHECK_STR(keys[1].state, "retired");
    CHECK_STR(keys[1].sealed, "anew");
    assert_true(keys[1].retired_at >= keys[1].created_at);

    CHECK_OK(meta_token_key_remove_retired(f->tx, keys[1].retired_at, &f->err), &f->err);
    assert_int_equal(list(f, &keys), 2);
    CHECK_OK(meta_token_key_remove_retired(f->tx, keys[1].retired_at + 1, &f->err), &f->err);
    assert_int_equal(list(f, &keys), 1);
    CHECK_STR(keys[0].kid, "new");
    CHECK_FAILS(meta_token_key_add(f->tx, STR("new"), STR("x"), &f->err), &f->err, ERR_EXISTS);
}

void test_token_refresh_tokens_expire(void **state)
{
    struct fixture *f       = *state;
    struct meta_refresh new = { .hash       = STR("abc"),
                                .account_id = f->account,
                                .generation = 3,
                                .client_id  = STR("docker"),
                                .created_at = 10,
                                .expires_at = 100 };
    struct meta_refresh found;

    CHECK_OK(meta_refresh_add(f->tx, &new, &f->err), &f->err);
    assert_int_equal(meta_refresh_find(f->tx, f->arena, STR("abc"), &found, &f->err), 1);
    CHECK_STR(found.client_id, "docker");
    assert_int_equal(found.account_id, f->account);
    assert_int_equal(found.generation, 3);
    assert_int_equal(found.created_at, 10);
    assert_int_equal(found.expires_at, 100);
    CHECK_OK(meta_refresh_remove_expired(f->tx, 99, &f->err), &f->err);
    assert_int_equal(meta_refresh_find(f->tx, f->arena, STR("abc"), &found, &f->err), 1);
    CHECK_OK(meta_refresh_remove_expired(f->tx, 100, &f->err), &f->err);
    assert_int_equal(meta_refresh_find(f->tx, f->arena, STR("abc"), &found, &f->err), 0);

    new.account_id = 4711;
    CHECK_FAILS(meta_refresh_add(f->tx, &new, &f->err), &f->err, ERR_CONFLICT);
}
