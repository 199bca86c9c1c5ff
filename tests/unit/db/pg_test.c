/* pg_test.c: what the PostgreSQL driver promises beyond the contract: connections that the server ended are
 * replaced, the loser of a deadlock may try again, the line for connections is bounded, a commit whose wait for
 * the standby was cut short is no success, servers that may lose commits are refused, a password is in no
 * message. */
#include "db/db.h"

#include <pthread.h>

#include "check.h"
#include "driver_contract.h"

#include "cluster.h"

struct pg {
    char       url[CLUSTER_URL_MAX];
    struct db *db;
    struct err err;
};

/* clang-format off */
static const struct db_statement
make     = { .name = "make",     .in = "i", .out = "",  .sql = "INSERT INTO logs (n) VALUES ($1)" },
bump     = { .name = "bump",     .in = "i", .out = "",  .sql = "UPDATE logs SET v = v + 1 WHERE n = $1" },
count    = { .name = "count",    .in = "",  .out = "i", .sql = "SELECT count(*) FROM logs" },
get_pid  = { .name = "get_pid",  .in = "",  .out = "i", .sql = "SELECT pg_backend_pid()" },
nap      = { .name = "nap",      .in = "",  .out = "t", .sql = "SELECT pg_sleep(9)::text" };
/* clang-format on */

static void end_nothing(void *engine)
{
    (void)engine;
}

int driver_over_postgres(void **state)
{
    char url[CLUSTER_URL_MAX];

    if (!cluster_schema(url))
        skip();
    *state = driver_new(url, NULL, end_nothing);
    return 0;
}

static struct db *open_pool(struct pg *p, size_t size)
{
    struct db_settings settings = { .url = str_from(p->url), .pool_size = size };
    struct db         *db       = NULL;

    CHECK_OK(db_open(&settings, &db, &p->err), &p->err);
    return db;
}

int pg_test_setup(void **state)
{
    struct pg *p = mem_new(struct pg);

    if (!cluster_schema(p->url))
        skip();
    cluster_run(p->url, "CREATE TABLE logs (n BIGINT PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)");
    p->db  = open_pool(p, 4);
    *state = p;
    return 0;
}

int pg_test_teardown(void **state)
{
    struct pg *p = *state;

    if (p == NULL)
        return 0;
    db_close(&p->db);
    mem_free(p);
    return 0;
}

static struct db_tx *begin(struct pg *p, enum db_mode mode)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(p->db, mode, "test", &tx, &p->err), &p->err);
    return tx;
}

static void store(struct pg *p, int64_t n)
{
    struct db_tx *tx = begin(p, DB_WRITE);

    CHECK_OK(db_run(tx, &make, DB_ARGS(db_int(n)), NULL, &p->err), &p->err);
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
}

static int64_t count_now(struct pg *p)
{
    struct db_tx *tx = begin(p, DB_READ);
    int64_t       n  = -1;

    assert_int_equal(db_find_int(tx, &count, DB_NO_ARGS, &n, &p->err), 1);
    db_abort(&tx);
    return n;
}

static void end_backend(int64_t pid)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)", (int)pid);
    cluster_run(cluster_url(), sql);
}

void test_pg_replaces_a_connection_that_ended_while_idle(void **state)
{
    struct pg    *p   = *state;
    struct db_tx *tx  = begin(p, DB_READ);
    int64_t       pid = 0;

    assert_int_equal(db_find_int(tx, &get_pid, DB_NO_ARGS, &pid, &p->err), 1);
    db_abort(&tx);
    end_backend(pid);
    store(p, 1);
    assert_int_equal(count_now(p), 1);

    struct db_counts counts;
    db_counts(p->db, &counts);
    assert_int_equal(counts.n_reconnects, 1);
    assert_int_equal(counts.n_connect_failures, 0);
}

void test_pg_a_connection_that_ends_in_a_transaction_leaves_nothing(void **state)
{
    struct pg    *p   = *state;
    struct db_tx *tx  = begin(p, DB_WRITE);
    int64_t       pid = 0;

    CHECK_OK(db_run(tx, &make, DB_ARGS(db_int(1)), NULL, &p->err), &p->err);
    assert_int_equal(db_find_int(tx, &get_pid, DB_NO_ARGS, &pid, &p->err), 1);
    end_backend(pid);
    CHECK_FAILS(db_commit(&tx, &p->err), &p->err, ERR_UNAVAILABLE);
    assert_non_null(strstr(p->err.text, "did not happen"));
    assert_int_equal(count_now(p), 0);
}

/* Two that lock two rows in opposite orders: the server picks one, and says that it may try again. */
struct rival {
    struct pg        *pg;
    pthread_barrier_t both_hold_one;
    int               result;
    struct err        err;
};

static int lock_two(struct db *db, pthread_barrier_t *both, int64_t first, int64_t second,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(db, DB_WRITE, "lock two", &tx, err) < 0 ||
        db_run(tx, &bump, DB_ARGS(db_int(first)), NULL, err) < 0)
        return -1;
    pthread_barrier_wait(both);
    if (db_run(tx, &bump, DB_ARGS(db_int(second)), NULL, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static void *be_rival(void *context)
{
    struct rival *r = context;

    r->result = lock_two(r->pg->db, &r->both_hold_one, 2, 1, &r->err);
    return NULL;
}

void test_pg_the_loser_of_a_deadlock_may_repeat(void **state)
{
    struct pg   *p     = *state;
    struct rival rival = { .pg = p };
    pthread_t    thread;

    store(p, 1);
    store(p, 2);
    pthread_barrier_init(&rival.both_hold_one, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, be_rival, &rival), 0);
    int mine = lock_two(p->db, &rival.both_hold_one, 1, 2, &p->err);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&rival.both_hold_one);

    assert_int_equal(mine + rival.result, -1);
    struct err *loser = mine < 0 ? &p->err : &rival.err;
    assert_int_equal(loser->kind, ERR_UNAVAILABLE);
    assert_true(loser->may_repeat);

    int n_tries = 0;
    assert_true(db_again(loser, &n_tries));
    assert_true(db_again(loser, &n_tries));
    assert_false(db_again(loser, &n_tries));
    loser->may_repeat = false;
    n_tries           = 0;
    assert_false(db_again(loser, &n_tries));
}

void test_pg_a_statement_has_a_deadline(void **state)
{
    struct pg    *p  = *state;
    struct db_tx *tx = begin(p, DB_READ);
    struct str    none;

    CHECK_FAILS(db_find_text(tx, NULL, &nap, DB_NO_ARGS, &none, &p->err), &p->err, ERR_UNAVAILABLE);
    assert_false(p->err.may_repeat);
    db_abort(&tx);
    assert_int_equal(count_now(p), 0);
}

void test_pg_nobody_waits_long_for_a_connection(void **state)
{
    struct pg       *p  = *state;
    struct db       *db = open_pool(p, 2);
    struct db_tx    *held[2], *none = NULL;
    struct db_counts counts;
    int64_t          n;

    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(db_begin(db, DB_READ, "hold", &held[i], &p->err), &p->err);
        assert_int_equal(db_find_int(held[i], &count, DB_NO_ARGS, &n, &p->err), 1);
    }
    db_counts(db, &counts);
    assert_int_equal(counts.n_connections, 2);
    assert_int_equal(counts.n_in_use, 2);
    assert_int_equal(counts.pool_size, 2);
    assert_int_equal(counts.n_timed_out, 0);
    CHECK_FAILS(db_begin(db, DB_READ, "one more", &none, &p->err), &p->err, ERR_UNAVAILABLE);
    assert_non_null(strstr(p->err.text, "one more"));
    db_counts(db, &counts);
    assert_int_equal(counts.n_timed_out, 1);
    db_abort(&held[0]);
    CHECK_OK(db_begin(db, DB_READ, "one more", &none, &p->err), &p->err);
    db_abort(&none);
    db_abort(&held[1]);
    db_close(&db);
}

static void *cancel_the_wait(void *context)
{
    const char *url   = context;
    PGconn     *pq    = PQconnectdb(url);
    bool        is_in = false;

    for (int i = 0; i < 2000 && !is_in; i++) {
        PGresult *result = PQexec(pq, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                                      " WHERE wait_event = 'SyncRep'");
        is_in            = PQntuples(result) > 0;
        PQclear(result);
        usleep(5000);
    }
    PQfinish(pq);
    return NULL;
}

/* The server notices the new setting when it comes to it: until then commits do not wait. */
void test_pg_a_commit_that_did_not_wait_for_its_standby_is_no_success(void **state)
{
    struct pg *p      = *state;
    int        result = 0;
    pthread_t  thread;

    cluster_run(cluster_url(), "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster_run(cluster_url(), "SELECT pg_reload_conf()");
    assert_int_equal(pthread_create(&thread, NULL, cancel_the_wait,
                                    (void *)(uintptr_t)cluster_url()),
                     0);
    for (int64_t i = 0; i < 1000 && result == 0; i++) {
        struct db_tx *tx = begin(p, DB_WRITE);

        CHECK_OK(db_run(tx, &make, DB_ARGS(db_int(i)), NULL, &p->err), &p->err);
        result = db_commit(&tx, &p->err);
        usleep(2000);
    }
    pthread_join(thread, NULL);
    cluster_run(cluster_url(), "ALTER SYSTEM RESET synchronous_standby_names");
    cluster_run(cluster_url(), "SELECT pg_reload_conf()");
    CHECK_FAILS(result, &p->err, ERR_UNAVAILABLE);
    assert_non_null(strstr(p->err.text, "may be lost"));
}

static void check_open_fails(const char *url, enum err_kind kind, const char *word, bool unsafe)
{
    struct db_settings settings = { .url = str_from(url), .allow_unsafe = unsafe };
    struct db         *db       = NULL;
    struct err         err;

    CHECK_FAILS(db_open(&settings, &db, &err), &err, kind);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" says nothing of %s", err.text, word);
    assert_null(strstr(err.text, "hunter2"));
}

/* Settings of the server that a reload changes; it is asked until it has taken notice. */
static void set_and_wait(const char *name, const char *value)
{
    char    sql[128];
    PGconn *pq = PQconnectdb(cluster_url());

    snprintf(sql, sizeof(sql), "ALTER SYSTEM SET %s = %s", name, value);
    cluster_run(cluster_url(), sql);
    cluster_run(cluster_url(), "SELECT pg_reload_conf()");
    snprintf(sql, sizeof(sql), "SHOW %s", name);
    for (int i = 0; i < 1000; i++) {
        PGresult *result = PQexec(pq, sql);
        bool      is_set = strcmp(PQgetvalue(result, 0, 0), value) == 0;

        PQclear(result);
        if (is_set)
            break;
        usleep(5000);
    }
    PQfinish(pq);
}

void test_pg_refuses_a_server_that_may_lose_commits(void **state)
{
    static const char *const names[] = { "fsync", "full_page_writes" };
    struct pg               *p       = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        set_and_wait(names[i], "off");
        check_open_fails(p->url, ERR_UNSUPPORTED, names[i], false);
        struct db_settings settings = { .url = str_from(p->url), .allow_unsafe = true };
        struct db         *db       = NULL;
        CHECK_OK(db_open(&settings, &db, &p->err), &p->err);
        CHECK_FAILS(db_check_safety(db, &p->err), &p->err, ERR_UNSUPPORTED);
        assert_non_null(strstr(p->err.text, names[i]));
        db_close(&db);
        set_and_wait(names[i], "on");
    }
}

void test_pg_commits_wait_for_the_disk_whatever_the_role_says(void **state)
{
    static const struct db_statement get = {
        .name = "get", .in = "", .out = "t", .sql = "SELECT current_setting('synchronous_commit')"
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct pg                     *p     = *state;
    struct str                     value;

    cluster_run(cluster_url(), "ALTER ROLE assay SET synchronous_commit = off");
    struct db *db = open_pool(p, 2);
    cluster_run(cluster_url(), "ALTER ROLE assay RESET synchronous_commit");
    struct db_tx *tx;
    CHECK_OK(db_begin(db, DB_READ, "look", &tx, &p->err), &p->err);
    assert_int_equal(db_find_text(tx, arena, &get, DB_NO_ARGS, &value, &p->err), 1);
    CHECK_STR(value, "on");
    db_abort(&tx);
    db_close(&db);
}

void test_pg_names_what_is_wrong_with_an_url_and_no_password(void **state)
{
    (void)state;
    check_open_fails("postgres://u:hunter2@127.0.0.1:1/x", ERR_UNAVAILABLE, "127.0.0.1", false);
    check_open_fails("postgres://u:hunter2@[::1/x", ERR_INVALID, "url", false);
    check_open_fails("postgresql://u:hunter2@h:port/x?nonsense=1", ERR_INVALID, "url", false);
    check_open_fails("postgrez://u:hunter2@h/x", ERR_INVALID, "postgrez:", false);
}
