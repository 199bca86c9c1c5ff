/* migrate_test.c: a database is brought to the program's schema step by step, each step whole or not at all, and
 * one that is too new is left alone. */
#include "db/migrate.h"

#include <pthread.h>

#include "check.h"
#include "db/db.h"

#include "scratch.h"

struct migrating {
    char       folder[SCRATCH_MAX];
    struct db *db;
    struct err err;
};

/* clang-format off */
#define BOTH(text) .sqlite = text, .pg = text
static const struct db_migration steps[] = {
    { .number = 1, .name = "first",  .schema_min = 1,
      BOTH("CREATE TABLE schema (id BIGINT PRIMARY KEY, schema_min BIGINT, schema_max BIGINT, migrated_at BIGINT);"
           "CREATE TABLE one (a BIGINT);") },
    { .number = 2, .name = "second", .schema_min = 1, BOTH("ALTER TABLE one ADD COLUMN b BIGINT;") },
    { .number = 3, .name = "third",  .schema_min = 3, BOTH("CREATE TABLE three (c BIGINT); ALTER TABLE one DROP COLUMN a;") },
};
static const struct db_migration broken[] = {
    { .number = 1, .name = "first",  .schema_min = 1, BOTH("CREATE TABLE never (a BIGINT);") },
    { .number = 2, .name = "second", .schema_min = 1, BOTH("CREATE TABLE two (a BIGINT); CREATE TABLE one (b BIGINT);") },
};
static const struct db_statement
count_tables = { .name = "count_tables", .in = "", .out = "i",
                 .sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('one', 'two', 'three', 'never')" };
/* clang-format on */

int migrate_test_setup(void **state)
{
    struct migrating *m = mem_new(struct migrating);
    char              url[SCRATCH_MAX + 32];

    scratch_make(m->folder);
    snprintf(url, sizeof(url), "sqlite:%s/assay.db", m->folder);
    struct db_settings settings = { .url = str_from(url), .n_readers = 1 };
    CHECK_OK(db_open(&settings, &m->db, &m->err), &m->err);
    *state = m;
    return 0;
}

int migrate_test_teardown(void **state)
{
    struct migrating *m = *state;

    db_close(&m->db);
    scratch_remove(m->folder);
    mem_free(m);
    return 0;
}

static int64_t tables(struct migrating *m)
{
    struct db_tx *tx;
    int64_t       n = -1;

    CHECK_OK(db_begin(m->db, DB_READ, "test", &tx, &m->err), &m->err);
    assert_int_equal(db_find_int(tx, &count_tables, DB_NO_ARGS, &n, &m->err), 1);
    db_abort(&tx);
    return n;
}

static void check_moves(struct migrating *m, int n, int wanted_from, int wanted_to)
{
    int from = -1;
    int to   = -1;

    CHECK_OK(db_migrate_list(m->db, steps, n, &from, &to, &m->err), &m->err);
    assert_int_equal(from, wanted_from);
    assert_int_equal(to, wanted_to);
}

void test_migrate_applies_what_is_missing_once(void **state)
{
    check_moves(*state, 1, 0, 1);
    check_moves(*state, 1, 1, 1);
    check_moves(*state, 3, 1, 3);
    check_moves(*state, 3, 3, 3);
    assert_int_equal(tables(*state), 2);
}

void test_migrate_an_older_program_runs_on_a_schema_that_only_grew(void **state)
{
    check_moves(*state, 2, 0, 2);
    check_moves(*state, 1, 2, 2);
}

void test_migrate_refuses_a_schema_that_needs_a_newer_program(void **state)
{
    struct migrating *m  = *state;
    int               to = 77;

    check_moves(m, 3, 0, 3);
    CHECK_FAILS(db_migrate_list(m->db, steps, 2, NULL, &to, &m->err), &m->err, ERR_UNSUPPORTED);
    assert_non_null(strstr(m->err.text, "schema 3"));
    assert_int_equal(to, 77);
}

void test_migrate_a_step_that_fails_leaves_the_one_before(void **state)
{
    struct migrating *m = *state;

    check_moves(m, 1, 0, 1);
    CHECK_FAILS(db_migrate_list(m->db, broken, 2, NULL, NULL, &m->err), &m->err, ERR_INTERNAL);
    assert_non_null(strstr(m->err.text, "migration 2 (second)"));
    assert_int_equal(tables(m), 1);
    check_moves(m, 3, 1, 3);
}

static void *migrate(void *context)
{
    struct migrating *m = context;
    struct err        err;

    return db_migrate_list(m->db, steps, 3, NULL, NULL, &err) == 0 ? m : NULL;
}

void test_migrate_several_may_start_at_once(void **state)
{
    pthread_t threads[4];
    void     *result;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, *state);
    }
    check_moves(*state, 3, 3, 3);
}

void test_migrate_the_program_has_a_schema(void **state)
{
    struct migrating *m  = *state;
    int               to = 0;

    CHECK_OK(db_migrate(m->db, NULL, &to, &m->err), &m->err);
    assert_int_equal(to, db_n_migrations);
    assert_int_equal(db_migrations[db_n_migrations - 1].number, db_n_migrations);
}
