/* sqlite_test.c: what the SQLite driver promises beyond the contract: threads share their fsyncs, a COMMIT that
 * fails happened to nobody, a crash keeps what was committed, and its files are ours alone. */
#include "db/db.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "check.h"
#include "db/migrate.h"
#include "driver_contract.h"
#include "faulty_vfs.h"

#include "scratch.h"

struct sqlite {
    char       folder[SCRATCH_MAX];
    char       url[SCRATCH_MAX + 32];
    struct db *db;
    struct err err;
};

/* clang-format off */
static const struct db_statement
add   = { .name = "add",   .in = "ib", .out = "",  .sql = "INSERT INTO logs (n, body) VALUES ($1, $2)" },
count = { .name = "count", .in = "",   .out = "i", .sql = "SELECT count(*) FROM logs" };
/* clang-format on */

static void end_scratch(void *engine)
{
    scratch_remove(engine);
    mem_free(engine);
}

int driver_over_sqlite(void **state)
{
    char *folder = mem_new_bytes(SCRATCH_MAX);
    char  url[SCRATCH_MAX + 32];

    scratch_make(folder);
    snprintf(url, sizeof(url), "sqlite:%s/contract.db", folder);
    *state = driver_new(url, folder, end_scratch);
    return 0;
}

static void open_again(struct sqlite *s)
{
    struct db_settings settings = { .url = str_from(s->url), .n_readers = 2 };

    CHECK_OK(db_open(&settings, &s->db, &s->err), &s->err);
}

int sqlite_test_setup(void **state)
{
    struct sqlite *s = mem_new(struct sqlite);
    struct db_tx  *tx;

    faulty_vfs_install();
    scratch_make(s->folder);
    snprintf(s->url, sizeof(s->url), "sqlite:%s/assay.db", s->folder);
    open_again(s);
    CHECK_OK(db_begin(s->db, DB_WRITE, "set up", &tx, &s->err), &s->err);
    CHECK_OK(db_run_script(tx, STR("CREATE TABLE logs (n INTEGER NOT NULL, body BLOB) STRICT"),
                           &s->err),
             &s->err);
    CHECK_OK(db_commit(&tx, &s->err), &s->err);
    *state = s;
    return 0;
}

int sqlite_test_teardown(void **state)
{
    struct sqlite *s = *state;

    db_close(&s->db);
    faulty_vfs_remove();
    scratch_remove(s->folder);
    mem_free(s);
    return 0;
}

/* One row in a transaction of its own. */
static int store(struct db *db, int64_t n, struct str body, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(db, DB_WRITE, "store", &tx, err) < 0 ||
        db_run(tx, &add, DB_ARGS(db_int(n), db_blob(body)), NULL, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int64_t count_now(struct sqlite *s)
{
    struct db_tx *tx;
    int64_t       n = -1;

    CHECK_OK(db_begin(s->db, DB_READ, "count", &tx, &s->err), &s->err);
    assert_int_equal(db_find_int(tx, &count, DB_NO_ARGS, &n, &s->err), 1);
    CHECK_OK(db_commit(&tx, &s->err), &s->err);
    return n;
}

struct writer {
    pthread_t  thread;
    struct db *db;
    int        n_rounds;
    int        n_stored;
    int        n_failed;
    struct err err; /* of the last failure */
};

static void *write_rounds(void *context)
{
    struct writer *w = context;

    for (int i = 0; i < w->n_rounds; i++) {
        struct err err;

        if (store(w->db, i, STR("row"), &err) == 0) {
            w->n_stored++;
        } else {
            w->n_failed++;
            w->err = err;
        }
    }
    return NULL;
}

enum { N_WRITERS = 8 };

static void run_writers(struct sqlite *s, struct writer writers[N_WRITERS], int n_rounds)
{
    for (int i = 0; i < N_WRITERS; i++) {
        writers[i] = (struct writer){ .db = s->db, .n_rounds = n_rounds };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_rounds, &writers[i]), 0);
    }
    for (int i = 0; i < N_WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
}

void test_sqlite_threads_share_their_fsyncs(void **state)
{
    struct sqlite   *s = *state;
    struct writer    writers[N_WRITERS];
    struct db_counts before;
    struct db_counts after;

    atomic_store(&faulty_vfs.sync_us, 3000);
    int n_syncs = atomic_load(&faulty_vfs.n_syncs);
    db_counts(s->db, &before);
    run_writers(s, writers, 20);
    db_counts(s->db, &after);
    n_syncs = atomic_load(&faulty_vfs.n_syncs) - n_syncs;

    assert_int_equal(count_now(s), N_WRITERS * 20);
    assert_int_equal(after.n_transactions - before.n_transactions, N_WRITERS * 20);
    assert_true(n_syncs > 0 && n_syncs <= N_WRITERS * 20 / 2);
    assert_true(after.n_commits - before.n_commits <= (uint64_t)n_syncs);
}

void test_sqlite_one_thread_pays_one_fsync_a_commit(void **state)
{
    struct sqlite *s       = *state;
    int            n_syncs = atomic_load(&faulty_vfs.n_syncs);

    for (int i = 0; i < 10; i++)
        CHECK_OK(store(s->db, i, STR("row"), &s->err), &s->err);
    assert_int_equal(atomic_load(&faulty_vfs.n_syncs) - n_syncs, 10);
}

void test_sqlite_a_transaction_that_changed_nothing_costs_no_fsync(void **state)
{
    struct sqlite *s       = *state;
    int            n_syncs = atomic_load(&faulty_vfs.n_syncs);
    int64_t        n       = -1;
    struct db_tx  *tx;

    CHECK_OK(db_begin(s->db, DB_WRITE, "look", &tx, &s->err), &s->err);
    assert_int_equal(db_find_int(tx, &count, DB_NO_ARGS, &n, &s->err), 1);
    CHECK_OK(db_commit(&tx, &s->err), &s->err);
    assert_int_equal(atomic_load(&faulty_vfs.n_syncs), n_syncs);
}

void test_sqlite_a_failed_commit_happened_to_nobody(void **state)
{
    struct sqlite *s = *state;
    struct writer  writers[N_WRITERS];

    CHECK_OK(store(s->db, 0, STR("before"), &s->err), &s->err);
    atomic_store(&faulty_vfs.sync_us, 1000);
    atomic_store(&faulty_vfs.fail_syncs, SQLITE_IOERR_FSYNC);
    run_writers(s, writers, 5);
    for (int i = 0; i < N_WRITERS; i++) {
        assert_int_equal(writers[i].n_failed, 5);
        assert_int_equal(writers[i].err.kind, ERR_UNAVAILABLE);
    }
    assert_int_equal(count_now(s), 1);

    atomic_store(&faulty_vfs.fail_syncs, 0);
    CHECK_OK(store(s->db, 1, STR("after"), &s->err), &s->err);
    assert_int_equal(count_now(s), 2);

    db_close(&s->db);
    open_again(s);
    assert_int_equal(count_now(s), 2);
}

void test_sqlite_a_full_disk_is_told_as_such(void **state)
{
    struct sqlite *s = *state;
    struct writer  writers[N_WRITERS];

    atomic_store(&faulty_vfs.fail_writes, SQLITE_FULL);
    run_writers(s, writers, 5);
    for (int i = 0; i < N_WRITERS; i++) {
        assert_int_equal(writers[i].n_failed, 5);
        assert_int_equal(writers[i].err.kind, ERR_FULL);
    }
    assert_int_equal(count_now(s), 0);

    atomic_store(&faulty_vfs.fail_writes, 0);
    CHECK_OK(store(s->db, 1, STR("after"), &s->err), &s->err);
    assert_int_equal(count_now(s), 1);
}

/* The disk may fill at any write, of the log's head, of a frame or of what spills from the cache amid a
 * statement: then SQLite rolls back the whole batch on its own. */
void test_sqlite_a_disk_that_fills_at_the_nth_write(void **state)
{
    struct sqlite *s     = *state;
    char          *bytes = mem_new_bytes(4 * 1024 * 1024);
    struct str     large = { .p = bytes, .n = 4 * 1024 * 1024 };
    int            nth   = 0;
    bool           has_failed;

    do {
        struct db_tx *tx = NULL;

        atomic_store(&faulty_vfs.writes_before, nth);
        atomic_store(&faulty_vfs.fail_writes, SQLITE_FULL);
        CHECK_OK(db_begin(s->db, DB_WRITE, "fill", &tx, &s->err), &s->err);
        has_failed =
            db_run(tx, &add, DB_ARGS(db_int(1), db_blob(STR("small"))), NULL, &s->err) < 0 ||
            db_run(tx, &add, DB_ARGS(db_int(1), db_blob(large)), NULL, &s->err) < 0 ||
            db_commit(&tx, &s->err) < 0;
        if (has_failed)
            assert_int_equal(s->err.kind, ERR_FULL);
        db_abort(&tx);

        atomic_store(&faulty_vfs.fail_writes, 0);
        assert_int_equal(count_now(s), has_failed ? 0 : 2);
        nth = nth * 3 / 2 + 1;
    } while (has_failed);

    CHECK_OK(store(s->db, 3, STR("after"), &s->err), &s->err);
    assert_int_equal(count_now(s), 3);
    mem_free(bytes);
}

/* Others that wait for their batch go down with a statement that fills the disk, and hear of it. */
void test_sqlite_a_batch_goes_down_with_its_last_member(void **state)
{
    struct sqlite *s     = *state;
    char          *bytes = mem_new_bytes(4 * 1024 * 1024);
    struct str     large = { .p = bytes, .n = 4 * 1024 * 1024 };
    struct writer  writer;
    struct db_tx  *tx = NULL;

    /* Until the writer's turn came before ours: it committed, and left the batch to us. */
    do {
        CHECK_OK(db_begin(s->db, DB_WRITE, "first", &tx, &s->err), &s->err);
        writer = (struct writer){ .db = s->db, .n_rounds = 1 };
        assert_int_equal(pthread_create(&writer.thread, NULL, write_rounds, &writer), 0);
        usleep(2000);
        db_abort(&tx);

        CHECK_OK(db_begin(s->db, DB_WRITE, "last", &tx, &s->err), &s->err);
        atomic_store(&faulty_vfs.fail_writes, SQLITE_FULL);
        atomic_store(&faulty_vfs.writes_before, 0);
        CHECK_FAILS(db_run(tx, &add, DB_ARGS(db_int(1), db_blob(large)), NULL, &s->err), &s->err,
                    ERR_FULL);
        CHECK_FAILS(db_run(tx, &add, DB_ARGS(db_int(1), db_null()), NULL, &s->err), &s->err,
                    ERR_INTERNAL);
        db_abort(&tx);
        pthread_join(writer.thread, NULL);
        atomic_store(&faulty_vfs.fail_writes, 0);
    } while (writer.n_failed == 0);

    assert_int_equal(writer.err.kind, ERR_FULL);
    CHECK_OK(store(s->db, 3, STR("after"), &s->err), &s->err);
    mem_free(bytes);
}

void test_sqlite_a_crash_keeps_what_was_committed(void **state)
{
    struct sqlite *s = *state;
    int            status;

    db_close(&s->db);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct db_settings settings = { .url = str_from(s->url), .n_readers = 1 };
        struct db_tx      *tx;

        if (db_open(&settings, &s->db, &s->err) < 0 || store(s->db, 1, STR("kept"), &s->err) < 0 ||
            db_begin(s->db, DB_WRITE, "lost", &tx, &s->err) < 0 ||
            db_run(tx, &add, DB_ARGS(db_int(2), db_null()), NULL, &s->err) < 0)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    open_again(s);
    assert_int_equal(count_now(s), 1);
}

void test_sqlite_the_log_is_copied_back_in_time(void **state)
{
    struct sqlite *s     = *state;
    char          *bytes = mem_new_bytes(64 * 1024);
    struct stat    info;

    for (int i = 0; i < 200; i++)
        CHECK_OK(store(s->db, i, (struct str){ .p = bytes, .n = 64 * 1024 }, &s->err), &s->err);
    assert_int_equal(stat(scratch_path(s->folder, "assay.db"), &info), 0);
    assert_true(info.st_size > 8 * 1024 * 1024);
    assert_int_equal(stat(scratch_path(s->folder, "assay.db-wal"), &info), 0);
    assert_true(info.st_size < 8 * 1024 * 1024);
    mem_free(bytes);
}

/* The view that the thread keeps neither hides a commit nor holds the log. */
void test_sqlite_a_kept_view_is_fresh_and_holds_nothing(void **state)
{
    struct sqlite *s     = *state;
    char          *bytes = mem_new_bytes(64 * 1024);
    struct stat    info;

    CHECK_OK(db_thread_reader(s->db, &s->err), &s->err);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(count_now(s), i);
        assert_int_equal(count_now(s), i);
        CHECK_OK(store(s->db, i, STR("small"), &s->err), &s->err);
    }
    assert_int_equal(count_now(s), 20);
    for (int i = 0; i < 200; i++)
        CHECK_OK(store(s->db, i, (struct str){ .p = bytes, .n = 64 * 1024 }, &s->err), &s->err);
    assert_int_equal(stat(scratch_path(s->folder, "assay.db-wal"), &info), 0);
    assert_true(info.st_size < 8 * 1024 * 1024);
    assert_int_equal(count_now(s), 220);
    mem_free(bytes);
}

void test_sqlite_files_are_ours_alone(void **state)
{
    struct sqlite *s       = *state;
    const char    *files[] = { "assay.db", "assay.db-wal", "assay.db-shm" };
    struct stat    info;

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(stat(scratch_path(s->folder, files[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    db_close(&s->db);
    assert_int_equal(stat(scratch_path(s->folder, "assay.db-wal"), &info), -1);
    open_again(s);
}

static void check_not_opened(struct sqlite *s, const char *url, enum err_kind kind)
{
    struct db_settings settings = { .url = str_from(url), .n_readers = 1 };
    struct db         *db       = NULL;

    CHECK_FAILS(db_open(&settings, &db, &s->err), &s->err, kind);
    assert_null(db);
}

void test_sqlite_what_is_no_database_is_not_opened(void **state)
{
    struct sqlite *s    = *state;
    const char    *path = scratch_path(s->folder, "text.db");
    char           url[2 * SCRATCH_MAX + 32];
    char           page[4096];
    FILE          *text = fopen(path, "w");

    memset(page, 'x', sizeof(page));
    assert_int_equal(fwrite(page, sizeof(page), 1, text), 1);
    fclose(text);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    check_not_opened(s, url, ERR_CORRUPT);

    snprintf(url, sizeof(url), "sqlite:%s/no/such/folder/a.db", s->folder);
    check_not_opened(s, url, ERR_UNAVAILABLE);
    snprintf(url, sizeof(url), "sqlite:%s", s->folder);
    check_not_opened(s, url, ERR_UNAVAILABLE);
    check_not_opened(s, "sqlite:", ERR_INVALID);
    check_not_opened(s, "oracle:there", ERR_INVALID);
    check_not_opened(s, "", ERR_INVALID);
}

static void *hold_reader(void *context)
{
    struct sqlite *s = context;
    struct db_tx  *tx;
    struct err     err;
    int64_t        n;

    if (db_thread_reader(s->db, &err) < 0)
        return NULL;
    for (int i = 0; i < 200; i++) {
        if (db_begin(s->db, DB_READ, "event thread", &tx, &err) < 0 ||
            db_find_int(tx, &count, DB_NO_ARGS, &n, &err) != 1 || db_commit(&tx, &err) < 0)
            return NULL;
    }
    return s;
}

void test_sqlite_threads_may_end_before_their_readers(void **state)
{
    struct sqlite *s = *state;
    pthread_t      threads[4];
    void          *result;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_reader, s), 0);
    for (int i = 0; i < 20; i++)
        CHECK_OK(store(s->db, i, STR("row"), &s->err), &s->err);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, s);
    }
}

/* Values that no statement of ours could write, for the tables are strict. */
void test_sqlite_a_value_of_another_kind_is_corrupt(void **state)
{
    static const struct {
        const char         *value;
        struct db_statement read;
    } cases[] = {
        { "'text'", { .name = "n", .in = "", .out = "i", .sql = "SELECT body FROM logs" } },
        { "1.5", { .name = "n", .in = "", .out = "i", .sql = "SELECT body FROM logs" } },
        { "7", { .name = "t", .in = "", .out = "t", .sql = "SELECT body FROM logs" } },
        { "x'41'", { .name = "t", .in = "", .out = "t", .sql = "SELECT body FROM logs" } },
        { "'text'", { .name = "b", .in = "", .out = "b", .sql = "SELECT body FROM logs" } },
        { "x'ff'",
          { .name = "t", .in = "", .out = "t", .sql = "SELECT CAST(body AS TEXT) FROM logs" } },
        { "x'6100'",
          { .name = "t", .in = "", .out = "t", .sql = "SELECT CAST(body AS TEXT) FROM logs" } },
    };
    struct sqlite *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(db_abort) struct db_tx       *tx   = NULL;
        AUTO(db_rows_free) struct db_rows *rows = NULL;
        char                               script[200];

        snprintf(script, sizeof(script),
                 "DROP TABLE logs; CREATE TABLE logs (n INTEGER, body);"
                 "INSERT INTO logs (body) VALUES (%s)",
                 cases[i].value);
        CHECK_OK(db_begin(s->db, DB_WRITE, "tamper", &tx, &s->err), &s->err);
        CHECK_OK(db_run_script(tx, str_from(script), &s->err), &s->err);
        CHECK_OK(db_query(tx, &cases[i].read, DB_NO_ARGS, &rows, &s->err), &s->err);
        CHECK_FAILS(db_rows_next(rows, &s->err), &s->err, ERR_CORRUPT);
    }
}
