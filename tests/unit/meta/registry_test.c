/* registry_test.c: named values, settings under one version, and nodes. */
#include "meta/registry.h"

#include "fixture.h"

int registry_test_setup(void **state)
{
    return fixture_open(state);
}

int registry_test_teardown(void **state)
{
    return fixture_close(state);
}

void test_registry_values_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct str      value;

    assert_int_equal(meta_registry_get(f->tx, f->arena, "store", &value, &f->err), 0);
    CHECK_OK(meta_registry_set(f->tx, "store", STR("one"), &f->err), &f->err);
    CHECK_OK(meta_registry_set(f->tx, "store", STR("two"), &f->err), &f->err);
    assert_int_equal(meta_registry_get(f->tx, f->arena, "store", &value, &f->err), 1);
    CHECK_STR(value, "two");
}

static int64_t version(struct fixture *f)
{
    int64_t now = -1;

    CHECK_OK(meta_setting_version(f->tx, &now, &f->err), &f->err);
    return now;
}

void test_registry_every_change_of_a_setting_moves_the_version(void **state)
{
    struct fixture      *f = *state;
    struct meta_setting *list;
    size_t               n;

    assert_int_equal(version(f), 0);
    CHECK_OK(meta_setting_add(f->tx, STR("pin-ttl"), STR("24h"), &f->err), &f->err);
    assert_int_equal(version(f), 1);
    CHECK_OK(meta_setting_add(f->tx, STR("pin-ttl"), STR("1h"), &f->err), &f->err);
    assert_int_equal(version(f), 1);
    CHECK_OK(meta_setting_put(f->tx, STR("gc-delay"), STR("1h"), &f->err), &f->err);
    CHECK_OK(meta_setting_put(f->tx, STR("gc-delay"), STR("2h"), &f->err), &f->err);
    assert_int_equal(version(f), 3);

    CHECK_OK(meta_setting_list(f->tx, f->arena, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_STR(list[0].key, "gc-delay");
    CHECK_STR(list[0].value, "2h");
    assert_int_equal(list[0].version, 3);
    CHECK_STR(list[1].value, "24h");
    assert_int_equal(list[1].version, 1);
    assert_true(list[1].changed_at > 0);
}

/* clang-format off */
static const struct db_statement
nodes = { .name = "nodes", .in = "", .out = "i", .sql = "SELECT count(*) FROM nodes" };
/* clang-format on */

void test_registry_a_node_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    int64_t         n = -1;

    CHECK_OK(meta_node_beat(f->tx, STR("0123456789ab"), STR("0.1.0"), 1, &f->err), &f->err);
    CHECK_OK(meta_node_beat(f->tx, STR("0123456789ab"), STR("0.2.0"), 2, &f->err), &f->err);
    assert_int_equal(db_find_int(f->tx, &nodes, DB_NO_ARGS, &n, &f->err), 1);
    assert_int_equal(n, 1);
    CHECK_OK(meta_node_remove(f->tx, STR("0123456789ab"), &f->err), &f->err);
    CHECK_OK(meta_node_remove(f->tx, STR("0123456789ab"), &f->err), &f->err);
    assert_int_equal(db_find_int(f->tx, &nodes, DB_NO_ARGS, &n, &f->err), 1);
    assert_int_equal(n, 0);
}
