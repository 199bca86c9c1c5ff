/* copy_test.c: the list of tables leaves nothing out: the database's own catalogue names the same tables, columns,
 * kinds, keys and identities, and foreign keys point upwards in it. What is read is what is written, whatever the
 * size of the page. */
#include "meta/copy.h"

#include <sqlite3.h>
#include <stdio.h>

#include "base/buf.h"
#include "db/migrate.h"
#include "meta/blob.h"
#include "meta/repo.h"

#include "fixture.h"

int copy_test_setup(void **state)
{
    return fixture_open(state);
}

int copy_test_teardown(void **state)
{
    return fixture_close(state);
}

/* The rows of a query on the fixture's database, one a line. */
static const char *ask(struct fixture *f, const char *query)
{
    sqlite3      *sqlite;
    sqlite3_stmt *stmt;
    const char   *out = "";

    assert_int_equal(sqlite3_open(f->url + strlen("sqlite:"), &sqlite), SQLITE_OK);
    if (sqlite3_prepare_v2(sqlite, query, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", query, sqlite3_errmsg(sqlite));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        out = mem_printf(f->arena, "%s%s\n", out, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(sqlite);
    return out;
}

static size_t find_table(const char *name)
{
    size_t i = 0;

    while (i < meta_copy_n_tables && strcmp(meta_copy_tables[i].name, name) != 0)
        i++;
    return i;
}

void test_copy_names_every_table_of_the_catalogue(void **state)
{
    struct fixture *f    = *state;
    struct str      rest = str_from(
             ask(f, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"));
    struct str name;
    size_t     n = 0;

    while (str_next(&rest, '\n', &name)) {
        if (name.n == 0 || str_is(name, "schema"))
            continue;
        if (find_table(str_dup(f->arena, name)) == meta_copy_n_tables)
            fail_msg("table " STR_FMT " would be left behind: it has no row in meta/copy.c",
                     STR_ARGS(name));
        n++;
    }
    assert_int_equal(n, meta_copy_n_tables);
}

/* "name kind place-in-key" for each column, as the list has it and as the database has it. */
static const char *list_columns(struct fixture *f, const struct meta_copy_table *table)
{
    struct str  rest = str_from(table->columns);
    struct str  name;
    const char *out = "";

    for (size_t i = 0; str_next(&rest, ',', &name); i++) {
        name = str_trim(name);
        assert_true(i < strlen(table->kinds));
        out = mem_printf(f->arena, "%s" STR_FMT " %c %zu\n", out, STR_ARGS(name), table->kinds[i],
                         i < table->n_key ? i + 1 : 0);
    }
    return out;
}

void test_copy_names_every_column_with_its_kind(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        const struct meta_copy_table *table = &meta_copy_tables[i];
        const char                   *query = mem_printf(
                              f->arena,
                              "SELECT name || ' ' || CASE WHEN type = 'TEXT' THEN 't' WHEN type = 'BLOB' THEN 'b'"
                                                " WHEN \"notnull\" OR pk THEN 'i' ELSE 'I' END || ' ' || pk"
                                                " FROM pragma_table_xinfo('%s') WHERE name <> 'xid' ORDER BY cid",
                              table->name);

        assert_string_equal(list_columns(f, table), ask(f, query));
    }
}

void test_copy_knows_which_tables_give_ids(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        const char *query = mem_printf(
            f->arena,
            "SELECT count(*) FROM sqlite_master WHERE name = '%s' AND sql LIKE '%%AUTOINCREMENT%%'",
            meta_copy_tables[i].name);

        assert_string_equal(ask(f, query), meta_copy_tables[i].has_id ? "1\n" : "0\n");
    }
}

void test_copy_knows_which_tables_a_fresh_database_has_rows_in(void **state)
{
    struct fixture    *f        = *state;
    struct db_settings settings = { .url = str_from(mem_printf(f->arena, "%s.fresh", f->url)) };
    struct meta_copy  *copy     = meta_copy_new(f->arena);
    struct db         *fresh    = NULL;
    struct db_tx      *tx       = NULL;

    CHECK_OK(db_open(&settings, &fresh, &f->err), &f->err);
    CHECK_OK(db_migrate(fresh, NULL, NULL, &f->err), &f->err);
    CHECK_OK(db_begin(fresh, DB_READ, "test", &tx, &f->err), &f->err);
    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        int64_t n = 0;

        CHECK_OK(meta_copy_count(copy, tx, i, &n, &f->err), &f->err);
        if ((n > 0) != meta_copy_tables[i].is_seeded)
            fail_msg("%s has %lld rows in a fresh database", meta_copy_tables[i].name,
                     (long long)n);
    }
    db_abort(&tx);
    db_close(&fresh);
}

void test_copy_fills_parents_before_children(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        struct str rest = str_from(
            ask(f,
                mem_printf(f->arena, "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list('%s')",
                           meta_copy_tables[i].name)));
        struct str parent;

        while (str_next(&rest, '\n', &parent)) {
            if (parent.n > 0 && find_table(str_dup(f->arena, parent)) >= i)
                fail_msg("%s comes before its parent " STR_FMT, meta_copy_tables[i].name,
                         STR_ARGS(parent));
        }
    }
}

void test_copy_statements_fit_the_database(void **state)
{
    struct fixture         *f    = *state;
    const struct meta_copy *copy = meta_copy_new(f->arena);

    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        const struct db_statements *made = meta_copy_table_statements(copy, i);

        for (size_t k = 0; k < made->n; k++) {
            const struct db_statement *statement = &made->list[k];
            size_t                     n_in      = 0;
            size_t                     n_out     = 0;

            CHECK_OK(db_check_statement(f->db, statement, &n_in, &n_out, &f->err), &f->err);
            assert_int_equal(n_in, strlen(statement->in));
            assert_int_equal(n_out, strlen(statement->out));
        }
    }
    db_abort(&f->tx);
    db_close(&f->db); /* before the arena of the statements */
}

/* Three pages and a part of one come in order, each row once. */
void test_copy_reads_page_by_page(void **state)
{
    enum { N = 3 * 64 + 5 };
    struct fixture         *f     = *state;
    const struct meta_copy *copy  = meta_copy_new(f->arena);
    size_t                  table = find_table("blobs");
    const struct db_value  *after = NULL;
    struct meta_copy_page   page;
    int                     n = 0;

    for (int i = 0; i < N; i++) {
        struct str digest = str_from(mem_printf(f->arena, "sha256:%064d", i));
        struct str key    = str_from(mem_printf(f->arena, "blobs/%d", i));
        struct str in_force;

        CHECK_OK(meta_blob_put(f->tx, f->arena, digest, i, key, &in_force, &f->err), &f->err);
    }
    do {
        CHECK_OK(meta_copy_read(copy, f->tx, f->arena, table, after, &page, &f->err), &f->err);
        for (size_t i = 0; i < page.n_rows; i++, n++) {
            after = meta_copy_row(table, &page, i);
            assert_true(str_is(after[0].bytes, mem_printf(f->arena, "sha256:%064d", n)));
            assert_int_equal(after[1].number, n);
        }
    } while (page.n_rows == meta_copy_tables[table].n_page);
    assert_int_equal(n, N);
    assert_string_equal(meta_copy_print_key(f->arena, table, after),
                        mem_printf(f->arena, "digest=sha256:%064d", N - 1));
    db_abort(&f->tx);
    db_close(&f->db);
}

/* NULL, 0 and the empty text are three things, in the page and in the canonical form. */
void test_copy_tells_null_from_nothing(void **state)
{
    static const char       wanted[] = "i\0\0\0\0\0\0\0\001"
                                       "n"
                                       "t\0\0\0\0\0\0\0\0";
    struct fixture         *f        = *state;
    const struct meta_copy *copy     = meta_copy_new(f->arena);
    size_t                  table    = find_table("holds");
    const struct db_value   row[]    = {
             db_int(1),        db_null(),        db_text(STR("")), db_text(STR("why")),
             db_text(STR("")), db_int(0),        db_text(STR("")), db_text(STR("tag")),
             db_text(STR("")), db_text(STR("")), db_int(0),        db_int(0),
             db_int(0)
    };
    struct meta_copy_page page = { .values = row, .n_rows = 1 };
    struct meta_copy_page back;
    struct buf            form, form_back;

    CHECK_OK(meta_copy_write(copy, f->tx, table, &page, &f->err), &f->err);
    CHECK_OK(meta_copy_read(copy, f->tx, f->arena, table, NULL, &back, &f->err), &f->err);
    assert_int_equal(back.n_rows, 1);
    buf_init(&form, f->arena, 1000);
    buf_init(&form_back, f->arena, 1000);
    meta_copy_print_row(table, row, &form);
    meta_copy_print_row(table, back.values, &form_back);
    assert_true(str_eq(buf_view(&form), buf_view(&form_back)));
    assert_memory_equal(form.p, wanted, sizeof(wanted) - 1);
    db_abort(&f->tx);
    db_close(&f->db);
}

/* The id of a row that is gone is not given again. */
void test_copy_moves_the_last_id(void **state)
{
    struct fixture *f     = *state;
    size_t          table = find_table("repositories");
    int64_t         last  = 0;
    int64_t         id    = 0;

    CHECK_OK(meta_copy_last_id(f->tx, table, &last, &f->err), &f->err);
    assert_int_equal(last, f->repo);
    CHECK_OK(meta_copy_set_last_id(f->tx, table, 4711, &f->err), &f->err);
    CHECK_OK(meta_copy_set_last_id(f->tx, find_table("holds"), 7, &f->err), &f->err);
    CHECK_OK(meta_copy_last_id(f->tx, find_table("holds"), &last, &f->err), &f->err);
    assert_int_equal(last, 7);
    CHECK_OK(meta_repo_add(f->tx, STR("admin/next"), f->account, 0, f->account, &id, &f->err),
             &f->err);
    assert_int_equal(id, 4712);
}
