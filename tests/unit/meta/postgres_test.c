/* postgres_test.c: the records on PostgreSQL: every statement prepares there with the parameters and columns that
 * its row says and has an index to go by, and a reader of events misses none of two writers that overlap. */
#include "meta/statements.h"

#include <stdio.h>

#include "check.h"
#include "db/migrate.h"
#include "meta/activity_list.h"
#include "meta/event.h"
#include "meta/outbox.h"

#include "cluster.h"

struct postgres {
    char          url[CLUSTER_URL_MAX];
    struct arena *arena;
    struct db    *db;
    struct err    err;
};

/* Statements that may read a whole table, and why. */
static const char *const scans[] = {
    "account.count",            /* at the first start and by an operator */
    "blob.totals",              /* a figure over all blobs, once a run of collection */
    "hold.in",                  /* when a repository is deleted; people made the holds */
    "node.count_old",           /* there are a few nodes */
    "quota.alarms",             /* there are few quotas */
    "quota.append_link",        /* walks the quotas, of which there are few */
    "quota.append_links",       /* the same */
    "quota.append_over",        /* the same */
    "quota.is_due",             /* ends at the first row */
    "quota.nodes_behind",       /* there are a few nodes */
    "quota.number",             /* when one is made; there are few */
    "quota.sweep",              /* once a quota was removed */
    "event.expire",             /* there are a few readers of the outbox */
    "pull_rule.count",          /* there are a few rules; asked when one is made */
    "outbox.settle",            /* there are a few readers; once, when a registry is moved */
    "review.counts",            /* asked by operators; walks the queue */
    "setting.list",             /* all of them are wanted */
    "token_key.list",           /* all of them are wanted */
    "token_key.remove_retired", /* a few keys; an index would cost more */
};

int postgres_test_setup(void **state)
{
    struct postgres *p = mem_new(struct postgres);

    if (!cluster_schema(p->url))
        skip();
    struct db_settings settings = { .url = str_from(p->url) };
    p->arena                    = arena_new();
    CHECK_OK(db_open(&settings, &p->db, &p->err), &p->err);
    CHECK_OK(db_migrate(p->db, NULL, NULL, &p->err), &p->err);
    *state = p;
    return 0;
}

int postgres_test_teardown(void **state)
{
    struct postgres *p = *state;

    if (p == NULL)
        return 0;
    db_close(&p->db);
    arena_free(&p->arena);
    mem_free(p);
    return 0;
}

void test_postgres_prepares_every_statement_as_its_row_says(void **state)
{
    struct postgres *p = *state;

    for (size_t i = 0; meta_statements[i] != NULL; i++) {
        for (size_t k = 0; k < meta_statements[i]->n; k++) {
            const struct db_statement *statement = &meta_statements[i]->list[k];
            size_t                     n_in = 0, n_out = 0;

            CHECK_OK(db_check_statement(p->db, statement, &n_in, &n_out, &p->err), &p->err);
            if (n_in != strlen(statement->in) || n_out != strlen(statement->out))
                fail_msg("%s: %zu parameters and %zu columns, not \"%s\" and \"%s\"",
                         statement->name, n_in, n_out, statement->in, statement->out);
        }
    }
}

static bool is_excused(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        if (strcmp(scans[i], name) == 0)
            return true;
    }
    return false;
}

static const char *kind_list(struct postgres *p, const char *kinds, const char *separator,
                             bool is_null)
{
    const char *list = "";

    for (size_t i = 0; kinds[i] != '\0'; i++) {
        const char *word = is_null           ? "NULL"
                           : kinds[i] == 'i' ? "bigint"
                           : kinds[i] == 'b' ? "bytea"
                                             : "text";
        list             = mem_printf(p->arena, "%s%s%s", list, i == 0 ? "" : separator, word);
    }
    return kinds[0] == '\0' ? "" : mem_printf(p->arena, "(%s)", list);
}

/* The plan for any values, where reading a table is as good as forbidden: if it still reads one, no index fits. */
static void check_plan(struct postgres *p, PGconn *pq, const struct db_statement *statement)
{
    const char *text  = statement->pg != NULL ? statement->pg : statement->sql;
    bool        costs = false;

    PQclear(PQexec(pq, mem_printf(p->arena, "PREPARE s%s AS %s",
                                  kind_list(p, statement->in, ", ", false), text)));
    PGresult *plan = PQexec(pq, mem_printf(p->arena, "EXPLAIN (COSTS OFF) EXECUTE s%s",
                                           kind_list(p, statement->in, ", ", true)));
    if (PQresultStatus(plan) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statement->name, PQerrorMessage(pq));
    for (int i = 0; i < PQntuples(plan); i++) {
        if (strstr(PQgetvalue(plan, i, 0), "Seq Scan") == NULL)
            continue;
        costs = true;
        if (!is_excused(statement->name))
            print_error("%s: %s\n", statement->name, PQgetvalue(plan, i, 0));
    }
    PQclear(plan);
    PQclear(PQexec(pq, "DEALLOCATE s"));
    if (costs && !is_excused(statement->name))
        fail_msg("%s reads a table from end to end", statement->name);
}

void test_postgres_has_an_index_for_every_statement(void **state)
{
    struct postgres *p  = *state;
    PGconn          *pq = PQconnectdb(p->url);

    PQclear(PQexec(pq, "SET enable_seqscan = off"));
    PQclear(PQexec(pq, "SET plan_cache_mode = force_generic_plan"));
    for (size_t i = 0; meta_statements[i] != NULL; i++) {
        for (size_t k = 0; k < meta_statements[i]->n; k++)
            check_plan(p, pq, &meta_statements[i]->list[k]);
    }
    PQfinish(pq);
}

/* --- events --- */

static struct db_tx *begin(struct postgres *p, enum db_mode mode)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(p->db, mode, "test", &tx, &p->err), &p->err);
    return tx;
}

/* The driver may let a statement wait for the next one, so that one follows: the id is drawn now. */
static void tell(struct postgres *p, struct db_tx *tx, const char *name)
{
    static const struct db_statement nothing = {
        .name = "nothing", .sql = "SELECT 1", .in = "", .out = "i"
    };
    int64_t           ignored_one; /* of the statement */
    struct meta_actor actor = { .kind = "system" };
    struct meta_event event = { .type        = "TEST",
                                .object_kind = "test",
                                .object_name = str_from(name) };

    CHECK_OK(meta_event_add(tx, &actor, &event, &p->err), &p->err);
    CHECK_OK(db_find_int(tx, &nothing, DB_NO_ARGS, &ignored_one, &p->err), &p->err);
}

/* Reads on from where the reader is, a page of two at a time, and appends the names to `out`. */
static const char *read_on(struct postgres *p, const char *out)
{
    size_t n = 1;

    while (n > 0) {
        struct db_tx             *tx = begin(p, DB_WRITE);
        struct meta_outbox_cursor cursor;
        struct meta_event_row    *rows;

        assert_int_equal(meta_outbox_take(tx, p->arena, STR("reader"), &cursor, &p->err), 1);
        CHECK_OK(meta_outbox_page(tx, p->arena, &cursor, 2, &rows, &n, &p->err), &p->err);
        CHECK_OK(meta_outbox_move(tx, STR("reader"), &cursor, &p->err), &p->err);
        CHECK_OK(db_commit(&tx, &p->err), &p->err);
        for (size_t i = 0; i < n; i++)
            out = mem_printf(p->arena, "%s" STR_FMT, out, STR_ARGS(rows[i].object_name));
    }
    return out;
}

static bool is_waiting(struct postgres *p)
{
    struct db_tx *tx    = begin(p, DB_LOOK);
    int           waits = meta_outbox_is_waiting(tx, STR("reader"), &p->err);

    CHECK_OK(waits, &p->err);
    db_abort(&tx);
    return waits == 1;
}

static void register_reader(struct postgres *p, bool from_start)
{
    struct db_tx *tx = begin(p, DB_WRITE);

    CHECK_OK(meta_outbox_register(tx, STR("reader"), from_start, &p->err), &p->err);
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
}

/* The slow writer begins first, writes in between and commits last: its events have ids below and above those that
 * a reader has already seen. */
void test_postgres_readers_miss_no_event_of_writers_that_overlap(void **state)
{
    struct postgres *p    = *state;
    const char      *seen = "";

    register_reader(p, false);
    assert_false(is_waiting(p));
    struct db_tx *slow = begin(p, DB_WRITE);
    tell(p, slow, "a");
    struct db_tx *quick = begin(p, DB_WRITE);
    tell(p, quick, "b");
    tell(p, slow, "c");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    assert_true(is_waiting(p));
    seen = read_on(p, seen);
    assert_string_equal(seen, "b");
    assert_false(is_waiting(p));

    struct db_tx *third = begin(p, DB_WRITE);
    tell(p, third, "d");
    CHECK_OK(db_commit(&slow, &p->err), &p->err);
    seen = read_on(p, seen);
    assert_string_equal(seen, "bac");
    db_abort(&third);

    quick = begin(p, DB_WRITE);
    tell(p, quick, "e");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    seen = read_on(p, seen);
    assert_string_equal(seen, "bace");
    assert_false(is_waiting(p));
}

/* Of two changes of one thing the one that was made later may belong to the transaction that began earlier, and one
 * that is still at work may have begun between the two: neither the numbers of transactions nor a horizon below the
 * oldest at work tells their order. */
void test_postgres_readers_get_what_one_thing_underwent_in_order(void **state)
{
    struct postgres *p    = *state;
    const char      *seen = "";

    register_reader(p, false);
    struct db_tx *first = begin(p, DB_WRITE);
    tell(p, first, "x");
    struct db_tx *between = begin(p, DB_WRITE);
    tell(p, between, "y");
    struct db_tx *last = begin(p, DB_WRITE);
    tell(p, last, "1");
    CHECK_OK(db_commit(&last, &p->err), &p->err); /* gives the thing's lock away to the first */
    tell(p, first, "2");
    CHECK_OK(db_commit(&first, &p->err), &p->err);
    seen = read_on(p, seen);
    assert_string_equal(seen, "x12");
    CHECK_OK(db_commit(&between, &p->err), &p->err);
    seen = read_on(p, seen);
    assert_string_equal(seen, "x12y");
}

/* What a reader tells itself comes round later, once. */
void test_postgres_readers_get_their_own_events_later(void **state)
{
    struct postgres          *p = *state;
    struct meta_outbox_cursor cursor;
    struct meta_event_row    *rows;
    size_t                    n;

    register_reader(p, true);
    struct db_tx *tx = begin(p, DB_WRITE);
    tell(p, tx, "a");
    CHECK_OK(db_commit(&tx, &p->err), &p->err);

    tx = begin(p, DB_WRITE);
    assert_int_equal(meta_outbox_take(tx, p->arena, STR("reader"), &cursor, &p->err), 1);
    CHECK_OK(meta_outbox_page(tx, p->arena, &cursor, 10, &rows, &n, &p->err), &p->err);
    assert_int_equal(n, 1);
    tell(p, tx, "b");
    CHECK_OK(meta_outbox_move(tx, STR("reader"), &cursor, &p->err), &p->err);
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
    assert_string_equal(read_on(p, ""), "b");
}

/* One node at a time: the other finds the cursor taken, and goes on from where the first has put it. */
void test_postgres_readers_exclude_each_other(void **state)
{
    struct postgres          *p = *state;
    struct meta_outbox_cursor cursor;
    struct meta_event_row    *rows;
    size_t                    n;

    register_reader(p, false);
    struct db_tx *tx = begin(p, DB_WRITE);
    tell(p, tx, "a");
    CHECK_OK(db_commit(&tx, &p->err), &p->err);

    struct db_tx *one = begin(p, DB_WRITE), *two = begin(p, DB_WRITE);
    assert_int_equal(meta_outbox_take(one, p->arena, STR("reader"), &cursor, &p->err), 1);
    assert_int_equal(meta_outbox_take(two, p->arena, STR("reader"), &cursor, &p->err), 0);
    db_abort(&two);
    CHECK_OK(meta_outbox_page(one, p->arena, &cursor, 10, &rows, &n, &p->err), &p->err);
    assert_int_equal(n, 1);
    CHECK_OK(meta_outbox_move(one, STR("reader"), &cursor, &p->err), &p->err);
    CHECK_OK(db_commit(&one, &p->err), &p->err);
    assert_string_equal(read_on(p, ""), "");
}

/* Moved to another database the snapshots mean nothing: what the reader has not had comes, in whatever order. */
void test_postgres_readers_go_on_in_another_database(void **state)
{
    struct postgres *p = *state;

    register_reader(p, false);
    struct db_tx *slow = begin(p, DB_WRITE), *quick = begin(p, DB_WRITE);
    tell(p, slow, "a");
    tell(p, quick, "b");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    assert_string_equal(read_on(p, ""), "b");
    CHECK_OK(db_commit(&slow, &p->err), &p->err);

    struct db_tx *tx = begin(p, DB_WRITE);
    CHECK_OK(meta_outbox_settle(tx, &p->err), &p->err);
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
    assert_true(is_waiting(p));
    assert_string_equal(read_on(p, ""), "ab"); /* again b, that its id is behind a's */
    assert_false(is_waiting(p));
    tx = begin(p, DB_WRITE);
    CHECK_OK(meta_outbox_settle(tx, &p->err), &p->err);
    tell(p, tx, "c");
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
    assert_string_equal(read_on(p, ""), "c");
}

static int64_t expire_all(struct postgres *p)
{
    struct db_tx *tx = begin(p, DB_WRITE);
    int64_t       n  = -1;

    CHECK_OK(meta_event_expire(tx, INT64_MAX, 0, 100, &n, &p->err), &p->err);
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
    return n;
}

/* Of a writer that overlaps the event has the lowest id, and the reader has not had it. */
void test_postgres_retention_leaves_what_readers_have_not_had(void **state)
{
    struct postgres *p = *state;

    register_reader(p, false);
    struct db_tx *slow = begin(p, DB_WRITE), *quick = begin(p, DB_WRITE);
    tell(p, slow, "a");
    tell(p, quick, "b");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    assert_int_equal(expire_all(p), 0);
    assert_string_equal(read_on(p, ""), "b");
    CHECK_OK(db_commit(&slow, &p->err), &p->err);
    assert_int_equal(expire_all(p), 1);
    assert_string_equal(read_on(p, ""), "a");
    assert_int_equal(expire_all(p), 1);
}
