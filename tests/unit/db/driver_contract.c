/* driver_contract.c: what db/db.h promises, over every driver: values come back as they went, a
 * transaction happens whole or not at all and is seen by nobody before, constraints have their kinds, misuse
 * is an error, and many threads lose nothing. */
#include "driver_contract.h"

#include <pthread.h>
#include <stdio.h>

#include "db/migrate.h"

/* clang-format off */
static const struct db_migration tables[] = { {
    .number = 1, .name = "contract", .schema_min = 1,
    .sqlite = "CREATE TABLE schema (id INTEGER PRIMARY KEY, schema_min INTEGER, schema_max INTEGER, migrated_at INTEGER);"
              "CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL, note TEXT, body BLOB, CHECK (n >= -1)) STRICT;"
              "CREATE TABLE parts (id INTEGER PRIMARY KEY AUTOINCREMENT, thing TEXT NOT NULL REFERENCES things (name) ON DELETE RESTRICT) STRICT;",
    .pg     = "CREATE TABLE schema (id BIGINT PRIMARY KEY, schema_min BIGINT, schema_max BIGINT, migrated_at BIGINT);"
              "CREATE TABLE things (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, n BIGINT NOT NULL, note TEXT COLLATE \"C\", body BYTEA, CHECK (n >= -1));"
              "CREATE TABLE parts (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing TEXT COLLATE \"C\" NOT NULL REFERENCES things (name) ON DELETE RESTRICT);",
} };

struct thing {
    int64_t    n;
    struct str name;
    struct str note;
    struct str body;
};

static const struct db_column thing_columns[] = {
    DB_COL_TEXT(struct thing, name),
    DB_COL_INT (struct thing, n),
    DB_COL_TEXT(struct thing, note),
    DB_COL_BLOB(struct thing, body),
};

static const struct db_statement
add      = { .name = "add",      .in = "titb", .out = "",     .sql = "INSERT INTO things (name, n, note, body) VALUES ($1, $2, $3, $4)" },
put      = { .name = "put",      .in = "ti",   .out = "",     .sql = "INSERT INTO things (name, n) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET n = excluded.n WHERE things.n < excluded.n" },
bump     = { .name = "bump",     .in = "t",    .out = "i",    .sql = "UPDATE things SET n = n + 1 WHERE name = $1 RETURNING n" },
find     = { .name = "find",     .in = "t",    .out = "titb", .sql = "SELECT name, n, note, body FROM things WHERE name = $1" },
all      = { .name = "all",      .in = "",     .out = "titb", .sql = "SELECT name, n, note, body FROM things ORDER BY name" },
names    = { .name = "names",    .in = "",     .out = "t",    .sql = "SELECT name FROM things ORDER BY name" },
count    = { .name = "count",    .in = "",     .out = "i",    .sql = "SELECT count(*) FROM things" },
clear    = { .name = "clear",    .in = "i",    .out = "",     .sql = "DELETE FROM things WHERE n >= $1" },
mixed    = { .name = "mixed",    .in = "ttt",  .out = "t",    .sql = "SELECT name FROM things WHERE name = $3 AND name <> $1 AND name <> $2 AND name = $3" },
add_part = { .name = "add_part", .in = "t",    .out = "i",    .sql = "INSERT INTO parts (thing) VALUES ($1) RETURNING id" },
no_parts = { .name = "no_parts", .in = "",     .out = "",     .sql = "DELETE FROM parts" },
nonsense = { .name = "nonsense", .in = "",     .out = "",     .sql = "SELECT FROM WHERE" },
nowhere  = { .name = "nowhere",  .in = "",     .out = "i",    .sql = "SELECT count(*) FROM no_such_table" };
/* clang-format on */

struct driver *driver_new(const char *url, void *engine, void (*end)(void *engine))
{
    struct driver     *d        = mem_new(struct driver);
    struct db_settings settings = { .url = str_from(url), .n_readers = 3, .allow_unsafe = true };

    d->engine = engine;
    d->end    = end;
    d->arena  = arena_new();
    CHECK_OK(db_open(&settings, &d->db, &d->err), &d->err);
    CHECK_OK(db_migrate_list(d->db, tables, 1, NULL, NULL, &d->err), &d->err);
    return d;
}

int driver_end(void **state)
{
    struct driver *d = *state;

    if (d == NULL)
        return 0;
    db_close(&d->db);
    assert_null(d->db);
    db_close(&d->db);
    arena_free(&d->arena);
    d->end(d->engine);
    mem_free(d);
    return 0;
}

static struct db_tx *begin(struct driver *d, enum db_mode mode)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(d->db, mode, "contract", &tx, &d->err), &d->err);
    return tx;
}

static void commit(struct driver *d, struct db_tx *tx)
{
    CHECK_OK(db_commit(&tx, &d->err), &d->err);
    assert_null(tx);
}

static int add_thing(struct driver *d, struct db_tx *tx, const char *name, int64_t n)
{
    return db_run(tx, &add,
                  DB_ARGS(db_text(str_from(name)), db_int(n), db_null(), db_blob(STR_NULL)), NULL,
                  &d->err);
}

/* One thing in a transaction of its own. */
static void store_thing(struct driver *d, const char *name, int64_t n)
{
    struct db_tx *tx = begin(d, DB_WRITE);

    CHECK_OK(add_thing(d, tx, name, n), &d->err);
    commit(d, tx);
}

static int64_t count_in(struct driver *d, struct db_tx *tx)
{
    int64_t n = -1;

    assert_int_equal(db_find_int(tx, &count, DB_NO_ARGS, &n, &d->err), 1);
    return n;
}

/* As everybody else sees it. */
static int64_t count_now(struct driver *d)
{
    struct db_tx *tx = begin(d, DB_READ);
    int64_t       n  = count_in(d, tx);

    db_abort(&tx);
    return n;
}

static int64_t value_of(struct driver *d, const char *name)
{
    struct db_tx *tx = begin(d, DB_READ);
    struct thing  thing;

    assert_int_equal(db_find(tx, d->arena, &find, DB_ARGS(db_text(str_from(name))), thing_columns,
                             &thing, &d->err),
                     1);
    commit(d, tx);
    return thing.n;
}

/* --- values --- */

static void check_round_trip(struct driver *d, const char *name, int64_t n, struct str note,
                             struct str body)
{
    struct db_tx *tx = begin(d, DB_WRITE);
    struct thing  thing;

    CHECK_OK(db_run(tx, &add,
                    DB_ARGS(db_text(str_from(name)), db_int(n), db_text(note), db_blob(body)), NULL,
                    &d->err),
             &d->err);
    commit(d, tx);

    tx = begin(d, DB_READ);
    assert_int_equal(db_find(tx, d->arena, &find, DB_ARGS(db_text(str_from(name))), thing_columns,
                             &thing, &d->err),
                     1);
    commit(d, tx);
    CHECK_STR(thing.name, name);
    assert_int_equal(thing.n, n);
    assert_true(str_eq(thing.note, note) && (thing.note.p == NULL) == (note.p == NULL));
    assert_true(str_eq(thing.body, body) && (thing.body.p == NULL) == (body.p == NULL));
}

void contract_driver_values_come_back_as_they_went(void **state)
{
    check_round_trip(*state, "plain", 7, STR("text"), STR("bytes"));
    check_round_trip(*state, "largest", INT64_MAX, STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                     STR("\0\xff\0"));
    check_round_trip(*state, "least", -1, STR("'; $1 ?2 --"), STR("'"));
    check_round_trip(*state, "'quoted' $1", 0, STR("0"), STR("0"));
}

void contract_driver_nothing_is_not_empty(void **state)
{
    check_round_trip(*state, "empty", 0, STR(""), STR(""));
    check_round_trip(*state, "nothing", 0, STR_NULL, STR_NULL);
}

void contract_driver_keeps_a_large_value(void **state)
{
    struct driver *d     = *state;
    size_t         size  = 4 * 1024 * 1024;
    char          *bytes = mem_alloc(d->arena, size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 >> 7);
    check_round_trip(d, "large", 1, STR_NULL, (struct str){ .p = bytes, .n = size });
}

void contract_driver_orders_text_by_bytes(void **state)
{
    struct driver *d       = *state;
    const char    *given[] = { "b", "a/b", "B", "a-b", "\xc3\xa4", "a" };
    const char    *order[] = { "B", "a", "a-b", "a/b", "b", "\xc3\xa4" };
    struct str    *found;
    size_t         n;

    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        store_thing(d, given[i], 0);
    struct db_tx *tx = begin(d, DB_READ);
    CHECK_OK(db_list_text(tx, d->arena, &names, DB_NO_ARGS, 10, &found, &n, &d->err), &d->err);
    commit(d, tx);
    assert_int_equal(n, ARRAY_LEN(order));
    for (size_t i = 0; i < n; i++)
        CHECK_STR(found[i], order[i]);
}

void contract_driver_parameters_go_by_their_number(void **state)
{
    struct driver *d = *state;
    struct str     name;

    store_thing(d, "third", 3);
    struct db_tx *tx = begin(d, DB_READ);
    assert_int_equal(db_find_text(tx, d->arena, &mixed,
                                  DB_ARGS(db_text(STR("first")), db_text(STR("second")),
                                          db_text(STR("third"))),
                                  &name, &d->err),
                     1);
    CHECK_STR(name, "third");
    commit(d, tx);
}

void contract_driver_ids_are_never_used_again(void **state)
{
    struct driver *d      = *state;
    int64_t        first  = 0;
    int64_t        second = 0;

    store_thing(d, "whole", 0);
    struct db_tx *tx = begin(d, DB_WRITE);
    assert_int_equal(db_find_int(tx, &add_part, DB_ARGS(db_text(STR("whole"))), &first, &d->err),
                     1);
    CHECK_OK(db_run(tx, &no_parts, DB_NO_ARGS, NULL, &d->err), &d->err);
    commit(d, tx);

    tx = begin(d, DB_WRITE);
    assert_int_equal(db_find_int(tx, &add_part, DB_ARGS(db_text(STR("whole"))), &second, &d->err),
                     1);
    commit(d, tx);
    assert_true(second > first);
}

void contract_driver_clock_goes(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_READ);

    assert_true(db_now(tx) > (int64_t)1700000000 * 1000000);
    assert_true(db_now(tx) < (int64_t)9000000000 * 1000000);
    db_abort(&tx);
}

/* --- results --- */

void contract_driver_find_says_one_none_or_too_many(void **state)
{
    struct driver *d     = *state;
    struct thing   thing = { .n = 77 };

    store_thing(d, "a", 1);
    struct db_tx *tx = begin(d, DB_READ);
    assert_int_equal(db_find(tx, d->arena, &find, DB_ARGS(db_text(STR("z"))), thing_columns, &thing,
                             &d->err),
                     0);
    assert_int_equal(thing.n, 77);
    assert_int_equal(db_find(tx, d->arena, &all, DB_NO_ARGS, thing_columns, &thing, &d->err), 1);
    assert_int_equal(thing.n, 1);
    commit(d, tx);

    store_thing(d, "b", 2);
    tx = begin(d, DB_READ);
    CHECK_FAILS(db_find(tx, d->arena, &all, DB_NO_ARGS, thing_columns, &thing, &d->err), &d->err,
                ERR_INTERNAL);
    assert_int_equal(thing.n, 1);
    db_abort(&tx);
}

void contract_driver_lists_end_at_the_maximum(void **state)
{
    struct driver *d = *state;
    void          *list;
    size_t         n;

    struct db_tx *tx = begin(d, DB_READ);
    CHECK_OK(db_list(tx, d->arena, &all, DB_NO_ARGS, thing_columns, sizeof(struct thing), 5, &list,
                     &n, &d->err),
             &d->err);
    assert_int_equal(n, 0);
    commit(d, tx);

    store_thing(d, "a", 1);
    store_thing(d, "b", 2);
    store_thing(d, "c", 3);
    tx = begin(d, DB_READ);
    CHECK_OK(db_list(tx, d->arena, &all, DB_NO_ARGS, thing_columns, sizeof(struct thing), 2, &list,
                     &n, &d->err),
             &d->err);
    assert_int_equal(n, 2);
    assert_int_equal(((struct thing *)list)[1].n, 2);
    CHECK_OK(db_list(tx, d->arena, &all, DB_NO_ARGS, thing_columns, sizeof(struct thing), 9, &list,
                     &n, &d->err),
             &d->err);
    assert_int_equal(n, 3);
    CHECK_STR(((struct thing *)list)[2].name, "c");
    commit(d, tx);
}

void contract_driver_rows_may_be_left_early_and_nested(void **state)
{
    struct driver  *d     = *state;
    struct db_rows *outer = NULL;
    struct db_rows *inner = NULL;

    store_thing(d, "a", 1);
    store_thing(d, "b", 2);
    struct db_tx *tx = begin(d, DB_READ);
    CHECK_OK(db_query(tx, &all, DB_NO_ARGS, &outer, &d->err), &d->err);
    assert_int_equal(db_rows_next(outer, &d->err), 1);
    CHECK_OK(db_query(tx, &all, DB_NO_ARGS, &inner, &d->err), &d->err);
    assert_int_equal(db_rows_next(inner, &d->err), 1);
    assert_int_equal(db_rows_next(outer, &d->err), 1);
    CHECK_STR(db_rows_text(inner, 0), "a");
    CHECK_STR(db_rows_text(outer, 0), "b");
    assert_int_equal(db_rows_int(outer, 1), 2);
    db_rows_free(&inner);
    assert_int_equal(db_rows_next(outer, &d->err), 0);
    db_rows_free(&outer);
    assert_null(outer);
    db_rows_free(&outer);
    commit(d, tx);
}

void contract_driver_counts_what_changed(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);
    int64_t        n  = -1;

    CHECK_OK(db_run(tx, &put, DB_ARGS(db_text(STR("a")), db_int(5)), &n, &d->err), &d->err);
    assert_int_equal(n, 1);
    CHECK_OK(db_run(tx, &put, DB_ARGS(db_text(STR("a")), db_int(4)), &n, &d->err), &d->err);
    assert_int_equal(n, 0);
    CHECK_OK(db_run(tx, &put, DB_ARGS(db_text(STR("a")), db_int(6)), &n, &d->err), &d->err);
    assert_int_equal(n, 1);
    CHECK_OK(db_run(tx, &put, DB_ARGS(db_text(STR("b")), db_int(1)), &n, &d->err), &d->err);
    CHECK_OK(db_run(tx, &clear, DB_ARGS(db_int(100)), &n, &d->err), &d->err);
    assert_int_equal(n, 0);
    CHECK_OK(db_run(tx, &clear, DB_ARGS(db_int(0)), &n, &d->err), &d->err);
    assert_int_equal(n, 2);
    commit(d, tx);
}

void contract_driver_returning_gives_the_new_row(void **state)
{
    struct driver *d = *state;
    int64_t        n = 0;

    store_thing(d, "a", 1);
    struct db_tx *tx = begin(d, DB_WRITE);
    assert_int_equal(db_find_int(tx, &bump, DB_ARGS(db_text(STR("a"))), &n, &d->err), 1);
    assert_int_equal(n, 2);
    assert_int_equal(db_find_int(tx, &bump, DB_ARGS(db_text(STR("z"))), &n, &d->err), 0);
    commit(d, tx);
    assert_int_equal(value_of(d, "a"), 2);
}

/* --- transactions --- */

void contract_driver_nobody_sees_a_change_before_its_commit(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);

    CHECK_OK(add_thing(d, tx, "a", 1), &d->err);
    assert_int_equal(count_in(d, tx), 1);
    assert_int_equal(count_now(d), 0);
    commit(d, tx);
    assert_int_equal(count_now(d), 1);
}

void contract_driver_an_abort_leaves_nothing(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);

    CHECK_OK(add_thing(d, tx, "a", 1), &d->err);
    db_abort(&tx);
    assert_null(tx);
    db_abort(&tx);
    assert_int_equal(count_now(d), 0);
    store_thing(d, "a", 2);
    assert_int_equal(value_of(d, "a"), 2);
}

void contract_driver_a_reader_keeps_its_view(void **state)
{
    struct driver *d = *state;

    store_thing(d, "a", 1);
    struct db_tx *tx = begin(d, DB_READ);
    assert_int_equal(count_in(d, tx), 1);
    store_thing(d, "b", 1);
    assert_int_equal(count_in(d, tx), 1);
    commit(d, tx);
    assert_int_equal(count_now(d), 2);
}

void contract_driver_a_reader_cannot_write(void **state)
{
    static const enum db_mode modes[] = { DB_READ, DB_LOOK };
    struct driver            *d       = *state;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct db_tx *tx = begin(d, modes[i]);

        assert_int_equal(add_thing(d, tx, "a", 1), -1);
        db_abort(&tx);
    }
    assert_int_equal(count_now(d), 0);
}

/* Within one such transaction, too: with PostgreSQL it is none. */
void contract_driver_a_look_sees_what_is_committed(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_LOOK);
    struct thing   thing;

    assert_int_equal(count_in(d, tx), 0);
    assert_true(db_now(tx) > 0);
    db_abort(&tx);
    store_thing(d, "a", 1);
    tx = begin(d, DB_LOOK);
    assert_int_equal(count_in(d, tx), 1);
    assert_int_equal(db_find(tx, d->arena, &find, DB_ARGS(db_text(STR("a"))), thing_columns, &thing,
                             &d->err),
                     1);
    commit(d, tx);

    /* It leaves the connection as it was, after a failure too. */
    tx = begin(d, DB_LOOK);
    assert_int_equal(add_thing(d, tx, "b", 1), -1);
    db_abort(&tx);
    assert_int_equal(count_now(d), 1);
    store_thing(d, "b", 1);
    assert_int_equal(count_now(d), 2);
}

void contract_driver_one_thread_may_read_twice_at_once(void **state)
{
    struct driver *d = *state;

    CHECK_OK(db_thread_reader(d->db, &d->err), &d->err);
    CHECK_OK(db_thread_reader(d->db, &d->err), &d->err);
    struct db_tx *outer = begin(d, DB_READ);
    assert_int_equal(count_in(d, outer), 0);
    store_thing(d, "a", 1);
    assert_int_equal(count_now(d), 1);
    assert_int_equal(count_in(d, outer), 0);
    commit(d, outer);
    assert_int_equal(count_now(d), 1);
}

static int send_thing(struct driver *d, struct db_tx *tx, const char *name)
{
    return db_send(tx, &add,
                   DB_ARGS(db_text(str_from(name)), db_int(1), db_null(), db_blob(STR_NULL)),
                   &d->err);
}

void contract_driver_what_was_sent_is_there_for_the_next_statement(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);

    CHECK_OK(send_thing(d, tx, "a"), &d->err);
    CHECK_OK(send_thing(d, tx, "b"), &d->err);
    assert_int_equal(count_in(d, tx), 2);
    CHECK_OK(send_thing(d, tx, "c"), &d->err);
    commit(d, tx);
    assert_int_equal(count_now(d), 3);

    /* And nothing else at all, more than a connection takes at once. */
    tx = begin(d, DB_WRITE);
    for (int i = 0; i < 100; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        CHECK_OK(send_thing(d, tx, name), &d->err);
    }
    commit(d, tx);
    assert_int_equal(count_now(d), 103);

    tx = begin(d, DB_WRITE);
    CHECK_OK(send_thing(d, tx, "d"), &d->err);
    db_abort(&tx);
    assert_int_equal(count_now(d), 103);
}

/* Told at once, by a later statement, or by the commit: nothing of the transaction is left, and the database is
 * as good as before. */
void contract_driver_what_was_sent_and_failed_is_told_in_the_end(void **state)
{
    struct driver *d = *state;

    for (int n_after = 0; n_after < 3; n_after++) {
        struct db_tx *tx   = begin(d, DB_WRITE);
        int           done = 0;

        CHECK_OK(send_thing(d, tx, "a"), &d->err);
        done = send_thing(d, tx, "a");
        for (int i = 0; i < n_after && done == 0; i++)
            done = send_thing(d, tx, "b");
        if (n_after == 2 && done == 0)
            done = db_run(tx, &no_parts, DB_NO_ARGS, NULL, &d->err);
        if (done < 0)
            db_abort(&tx);
        else
            done = db_commit(&tx, &d->err);
        assert_int_equal(done, -1);
        assert_int_equal(d->err.kind, ERR_EXISTS);
        assert_int_equal(count_now(d), 0);
        store_thing(d, "z", 1);
        tx = begin(d, DB_WRITE);
        CHECK_OK(db_run(tx, &clear, DB_ARGS(db_int(0)), NULL, &d->err), &d->err);
        commit(d, tx);
    }

    /* Nobody asks what became of it. */
    struct db_tx *tx = begin(d, DB_WRITE);
    CHECK_OK(send_thing(d, tx, "a"), &d->err);
    (void)send_thing(d, tx, "a");
    db_abort(&tx);
    assert_int_equal(count_now(d), 0);
    store_thing(d, "a", 1);
    assert_int_equal(count_now(d), 1);
}

void contract_driver_only_abort_follows_a_failure(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);
    int64_t        n  = 0;

    CHECK_OK(add_thing(d, tx, "a", 1), &d->err);
    CHECK_FAILS(add_thing(d, tx, "a", 1), &d->err, ERR_EXISTS);
    CHECK_FAILS(add_thing(d, tx, "b", 1), &d->err, ERR_INTERNAL);
    CHECK_FAILS(db_find_int(tx, &count, DB_NO_ARGS, &n, &d->err), &d->err, ERR_INTERNAL);
    CHECK_FAILS(db_commit(&tx, &d->err), &d->err, ERR_INTERNAL);
    assert_null(tx);
    assert_int_equal(count_now(d), 0);
}

void contract_driver_a_script_is_part_of_its_transaction(void **state)
{
    struct driver *d  = *state;
    struct db_tx  *tx = begin(d, DB_WRITE);

    CHECK_OK(db_run_script(tx,
                           STR("INSERT INTO things (name, n) VALUES ('a', 1);"
                               "INSERT INTO things (name, n) VALUES ('b', 2);"),
                           &d->err),
             &d->err);
    assert_int_equal(count_in(d, tx), 2);
    db_abort(&tx);
    assert_int_equal(count_now(d), 0);

    tx = begin(d, DB_WRITE);
    CHECK_FAILS(db_run_script(tx,
                              STR("INSERT INTO things (name, n) VALUES ('a', 1);"
                                  "INSERT INTO things (name, n) VALUES ('a', 2);"),
                              &d->err),
                &d->err, ERR_EXISTS);
    CHECK_FAILS(db_commit(&tx, &d->err), &d->err, ERR_INTERNAL);
    assert_int_equal(count_now(d), 0);
}

/* --- errors --- */

/* A statement that must fail with this kind, alone in its transaction. */
static void check_refused(struct driver *d, enum err_kind kind,
                          const struct db_statement *statement, const struct db_value *args,
                          size_t n_args)
{
    struct db_tx   *tx   = begin(d, DB_WRITE);
    struct db_rows *rows = NULL;

    int got = db_query(tx, statement, args, n_args, &rows, &d->err);
    if (got == 0)
        got = db_rows_next(rows, &d->err);
    CHECK_FAILS(got, &d->err, kind);
    assert_non_null(strstr(d->err.text, statement->name));
    assert_non_null(strstr(d->err.text, "contract"));
    db_rows_free(&rows);
    db_abort(&tx);
}

void contract_driver_constraints_have_their_kinds(void **state)
{
    struct driver *d  = *state;
    int64_t        id = 0;

    store_thing(d, "a", 1);
    struct db_tx *tx = begin(d, DB_WRITE);
    assert_int_equal(db_find_int(tx, &add_part, DB_ARGS(db_text(STR("a"))), &id, &d->err), 1);
    commit(d, tx);

    check_refused(d, ERR_EXISTS, &add, DB_ARGS(db_text(STR("a")), db_int(1), db_null(), db_null()));
    check_refused(d, ERR_CONFLICT, &add,
                  DB_ARGS(db_text(STR("b")), db_null(), db_null(), db_null()));
    check_refused(d, ERR_CONFLICT, &add,
                  DB_ARGS(db_text(STR("b")), db_int(-2), db_null(), db_null()));
    check_refused(d, ERR_CONFLICT, &add_part, DB_ARGS(db_text(STR("nobody"))));
    check_refused(d, ERR_CONFLICT, &clear, DB_ARGS(db_int(0)));
    assert_int_equal(count_now(d), 1);
}

void contract_driver_misuse_is_an_error(void **state)
{
    struct driver *d     = *state;
    struct thing   thing = { .n = 77 };
    int64_t        n     = 77;

    check_refused(d, ERR_INTERNAL, &find, DB_NO_ARGS);
    check_refused(d, ERR_INTERNAL, &find, DB_ARGS(db_int(1)));
    check_refused(d, ERR_INTERNAL, &find, DB_ARGS(db_blob(STR("a"))));
    check_refused(d, ERR_INVALID, &find, DB_ARGS(db_text(STR("a\0b"))));
    check_refused(d, ERR_INVALID, &find, DB_ARGS(db_text(STR("a\xff"))));
    check_refused(d, ERR_INTERNAL, &nonsense, DB_NO_ARGS);
    check_refused(d, ERR_INTERNAL, &nowhere, DB_NO_ARGS);

    store_thing(d, "a", 1);
    struct db_tx *tx = begin(d, DB_READ);
    CHECK_FAILS(db_find(tx, d->arena, &count, DB_NO_ARGS, thing_columns, &thing, &d->err), &d->err,
                ERR_INTERNAL);
    db_abort(&tx);
    tx = begin(d, DB_READ);
    CHECK_FAILS(db_find_int(tx, &find, DB_ARGS(db_text(STR("a"))), &n, &d->err), &d->err,
                ERR_INTERNAL);
    db_abort(&tx);
    tx = begin(d, DB_READ);
    CHECK_FAILS(db_run(tx, &count, DB_NO_ARGS, NULL, &d->err), &d->err, ERR_INTERNAL);
    db_abort(&tx);
    assert_int_equal(n, 77);
    assert_int_equal(thing.n, 77);
}

void contract_driver_checks_a_statement(void **state)
{
    struct driver *d     = *state;
    size_t         n_in  = 99;
    size_t         n_out = 99;

    CHECK_OK(db_check_statement(d->db, &find, &n_in, &n_out, &d->err), &d->err);
    assert_int_equal(n_in, 1);
    assert_int_equal(n_out, 4);
    CHECK_OK(db_check_statement(d->db, &mixed, &n_in, &n_out, &d->err), &d->err);
    assert_int_equal(n_in, 3);
    CHECK_OK(db_check_statement(d->db, &clear, &n_in, &n_out, &d->err), &d->err);
    assert_int_equal(n_out, 0);
    CHECK_FAILS(db_check_statement(d->db, &nonsense, &n_in, &n_out, &d->err), &d->err,
                ERR_INTERNAL);
}

void contract_driver_answers_a_probe(void **state)
{
    struct driver *d = *state;

    assert_true(db_engine(d->db)[0] != '\0');
    CHECK_OK(db_probe(d->db, &d->err), &d->err);
}

/* --- threads --- */

enum { N_THREADS = 8, N_ROUNDS = 60 };

struct worker {
    pthread_t   thread;
    struct db  *db;
    const char *failure; /* what went wrong, or null; cmocka may only be used by the main thread */
    int         number;
    int         n_done;
    struct err  err;
};

/* Each third round is aborted and each fifth fails in its second statement; the others count. */
static const char *one_round(struct worker *w, int round)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    char                         name[32];
    int64_t                      n;

    int             size = snprintf(name, sizeof(name), "%d-%d", w->number, round);
    struct db_value own  = db_text((struct str){ .p = name, .n = (size_t)size });

    if (db_begin(w->db, DB_WRITE, "worker", &tx, &w->err) < 0)
        return "begin";
    if (db_run(tx, &put, DB_ARGS(own, db_int(1)), NULL, &w->err) < 0)
        return "put";
    if (round % 3 == 0)
        return NULL;
    if (round % 5 == 0) {
        int got = db_run(tx, &add, DB_ARGS(own, db_int(1), db_null(), db_null()), NULL, &w->err);
        return got < 0 && w->err.kind == ERR_EXISTS ? NULL : "a second one of the name was let in";
    }
    if (db_find_int(tx, &bump, DB_ARGS(db_text(STR("total"))), &n, &w->err) != 1)
        return "bump";
    if (db_commit(&tx, &w->err) < 0)
        return "commit";
    w->n_done++;
    return NULL;
}

/* What was committed is there for a reader at once. */
static const char *look(struct worker *w, int round)
{
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    AUTO(arena_free) struct arena *arena = arena_new();
    struct thing                   thing;
    char                           name[32];
    bool                           is_wanted = round % 3 != 0 && round % 5 != 0;

    int size = snprintf(name, sizeof(name), "%d-%d", w->number, round);
    if (db_begin(w->db, DB_READ, "look", &tx, &w->err) < 0)
        return "begin to look";
    int found =
        db_find(tx, arena, &find, DB_ARGS(db_text((struct str){ .p = name, .n = (size_t)size })),
                thing_columns, &thing, &w->err);
    if (found != is_wanted)
        return is_wanted ? "a commit is not seen" : "an abort is seen";
    return NULL;
}

static void *work(void *context)
{
    struct worker *w = context;

    for (int round = 0; round < N_ROUNDS && w->failure == NULL; round++) {
        w->failure = one_round(w, round);
        if (w->failure == NULL)
            w->failure = look(w, round);
    }
    return NULL;
}

void contract_driver_many_threads_lose_nothing(void **state)
{
    struct driver   *d = *state;
    struct worker    workers[N_THREADS];
    struct db_counts before;
    struct db_counts after;
    int              n_done = 0;

    store_thing(d, "total", 0);
    db_counts(d->db, &before);
    for (int i = 0; i < N_THREADS; i++) {
        workers[i] = (struct worker){ .db = d->db, .number = i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].failure != NULL)
            fail_msg("%s: %s", workers[i].failure, workers[i].err.text);
        n_done += workers[i].n_done;
    }
    db_counts(d->db, &after);

    assert_int_equal(value_of(d, "total"), n_done);
    assert_int_equal(count_now(d), n_done + 1);
    assert_int_equal(after.n_transactions - before.n_transactions, n_done);
    assert_true(after.n_commits - before.n_commits <= (uint64_t)n_done);
}
