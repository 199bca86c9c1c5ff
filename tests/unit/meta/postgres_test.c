/* postgres_test.c: the records on PostgreSQL: every statement prepares there with the parameters and columns that
 * its row says and has an index to go by, and a reader of events misses none of two writers that overlap. */
#include "meta/statements.h"

#include <stdio.h>

#include "check.h"
#include "db/migrate.h"
#include "meta/event.h"

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
    "node.count_old",           /* there are a few nodes */
    "quota.append_links",       /* walks the quotas, of which there are few */
    "quota.append_over",        /* the same */
    "quota.is_due",             /* ends at the first row */
    "quota.nodes_behind",       /* there are a few nodes */
    "quota.sweep",              /* once a quota was removed */
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

static void tell(struct postgres *p, struct db_tx *tx, const char *name)
{
    struct meta_actor actor = { .kind = "system" };
    struct meta_event event = { .type        = "TEST",
                                .object_kind = "test",
                                .object_name = str_from(name) };

    CHECK_OK(meta_event_add(tx, &actor, &event, &p->err), &p->err);
}

struct reader {
    int64_t xid;
    int64_t id;
};

/* Reads on from where it was and appends the names to `out`. */
static const char *read_on(struct postgres *p, struct reader *r, const char *out)
{
    struct db_tx          *tx = begin(p, DB_READ);
    struct meta_event_row *rows;
    size_t                 n;

    CHECK_OK(meta_event_page(tx, p->arena, r->xid, r->id, 100, &rows, &n, &p->err), &p->err);
    db_abort(&tx);
    for (size_t i = 0; i < n; i++) {
        out    = mem_printf(p->arena, "%s" STR_FMT, out, STR_ARGS(rows[i].object_name));
        r->xid = rows[i].xid;
        r->id  = rows[i].id;
    }
    return out;
}

/* The slow writer begins first, writes in between and commits last: its events have ids below and above those that
 * a reader has already seen. */
void test_postgres_readers_miss_no_event_of_writers_that_overlap(void **state)
{
    struct postgres *p    = *state;
    struct reader    r    = { 0 };
    const char      *seen = "";

    struct db_tx *slow = begin(p, DB_WRITE);
    tell(p, slow, "a");
    struct db_tx *quick = begin(p, DB_WRITE);
    tell(p, quick, "b");
    tell(p, slow, "c");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    seen = read_on(p, &r, seen);
    assert_string_equal(seen, "");

    struct db_tx *third = begin(p, DB_WRITE);
    tell(p, third, "d");
    CHECK_OK(db_commit(&slow, &p->err), &p->err);
    seen = read_on(p, &r, seen);
    assert_string_equal(seen, "acb");
    db_abort(&third);

    quick = begin(p, DB_WRITE);
    tell(p, quick, "e");
    CHECK_OK(db_commit(&quick, &p->err), &p->err);
    seen = read_on(p, &r, seen);
    assert_string_equal(seen, "acbe");
}
