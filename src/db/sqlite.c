/* db/sqlite.c: the SQLite driver: one writer (sqlite_writer.h), a pool of readers, and readers that threads
 * keep to themselves. In write-ahead mode readers and the writer do not disturb each other: a reader sees
 * the database as it was at its first statement.
 *
 * A thread's own reader keeps its view after the end of a transaction and reads the next one from it, as long as
 * nothing was committed since: beginning and ending a view costs four file locks behind a lock of the library
 * that all threads share, more than the point read itself. The writer counts its commits before it tells anyone,
 * so a kept view never shows less than what was promised. It is young, too: a program beside us (a backup, an
 * operator's shell) is seen soon. And the writer takes views away from idle readers before it copies the log,
 * which could not begin anew otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "db/driver.h"
#include "db/sqlite_check.h"
#include "db/sqlite_conn.h"
#include "db/sqlite_writer.h"
#include "io/clock.h"
#include "io/file.h"

enum { READER_TIMEOUT_S = 5, PROBE_TIMEOUT_S = 2, VIEW_LIFE_US = 100 * 1000 };

struct sqlite_tx {
    struct db_tx        tx;
    struct sqlite_conn *conn;
};

struct sqlite_reader {
    struct sqlite_tx      tx; /* of DB_READ; one at a time */
    struct sqlite_reader *next_made;
    struct sqlite_reader *next_idle;
    bool                  is_own; /* of one thread, not of the pool */
    bool                  is_busy;

    /* Of an own one: the lock is for the writer that takes the view away. */
    pthread_mutex_t lock;
    bool            has_view; /* kept, or in use */
    uint64_t        generation;
    int64_t         viewed_at;
};

struct sqlite_db {
    struct db             db;
    char                 *path;
    struct sqlite_writer *writer;
    struct sqlite_tx      writing; /* belongs to who has the writer's turn */
    pthread_key_t         own;     /* the calling thread's reader */
    pthread_mutex_t       lock;    /* guards the lists */
    pthread_cond_t        given_back;
    struct sqlite_reader *made;
    struct sqlite_reader *idle;
};

/* clang-format off */
static const struct db_statement
begin_read = { .name = "sqlite.begin_read", .in = "", .out = "",  .sql = "BEGIN DEFERRED" },
end_read   = { .name = "sqlite.end_read",   .in = "", .out = "",  .sql = "COMMIT" },
probe_read = { .name = "sqlite.probe",      .in = "", .out = "i", .sql = "PRAGMA schema_version" };
/* clang-format on */

static struct sqlite_db *db_of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static struct sqlite_tx *tx_of(struct db_tx *tx)
{
    return (struct sqlite_tx *)tx;
}

/* Without the statistics of the library's allocator there is no lock that all threads share. */
static void configure_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* The file is made here, and not by SQLite, so that it and the files beside it are for us alone. */
static int make_file(const char *path, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(file_close) int           dir   = -1;
    AUTO(file_close) int           fd    = -1;
    const char                    *slash = strrchr(path, '/');
    size_t                         size  = slash == NULL ? 0 : (size_t)(slash - path) + 1;

    const char *folder = size == 0 ? "." : mem_strndup(arena, path, size);
    if (file_open_dir(folder, false, &dir, err) < 0)
        return -1;
    if (failpoint(FP_DB_FILE, err) < 0)
        return -1;
    if (file_open_at(dir, path + size, O_RDWR | O_CREAT | O_EXCL, &fd, err) < 0)
        return err->kind == ERR_EXISTS ? 0 : -1;
    if (failpoint(FP_DB_FILE_MADE, err) < 0 || file_sync_dir(dir, ".", err) < 0)
        return -1;
    return failpoint(FP_DB_FILE_SYNCED, err);
}

static int make_reader(struct sqlite_db *db, bool is_own, struct sqlite_reader **out,
                       struct err *err)
{
    struct sqlite_conn *conn;

    if (sqlite_conn_open(db->path, is_own ? SQLITE_OWN_READER : SQLITE_READER, &conn, err) < 0)
        return -1;

    struct sqlite_reader *reader = mem_new(struct sqlite_reader);
    reader->tx.conn              = conn;
    reader->is_own               = is_own;
    pthread_mutex_init(&reader->lock, NULL);

    pthread_mutex_lock(&db->lock);
    reader->next_made = db->made;
    db->made          = reader;
    if (!is_own) {
        reader->next_idle = db->idle;
        db->idle          = reader;
    }
    pthread_mutex_unlock(&db->lock);
    *out = reader;
    return 0;
}

/* The writer last: it checkpoints when nobody else is there. */
static void close_db(struct db *base)
{
    struct sqlite_db *db = db_of(base);

    while (db->made != NULL) {
        struct sqlite_reader *reader = db->made;

        ASSERT(!reader->is_busy);
        db->made = reader->next_made;
        sqlite_conn_close(&reader->tx.conn);
        pthread_mutex_destroy(&reader->lock);
        mem_free(reader);
    }
    sqlite_writer_close(&db->writer);
    pthread_key_delete(db->own);
    pthread_cond_destroy(&db->given_back);
    pthread_mutex_destroy(&db->lock);
    mem_free(db->path);
    mem_free(db);
}

static char *copy_path(struct str path)
{
    /* To the library a name that begins with "file:" would be an URI. */
    const char *here = str_starts(path, STR("file:")) ? "./" : "";
    size_t      size = strlen(here);
    char       *copy = mem_new_bytes(size + path.n + 1);

    memcpy(copy, here, size);
    memcpy(copy + size, path.p, path.n);
    return copy;
}

static struct sqlite_db *new_db(struct str path)
{
    struct sqlite_db *db = mem_new(struct sqlite_db);

    db->path = copy_path(path);
    pthread_mutex_init(&db->lock, NULL);
    db_cond_init(&db->given_back);
    int code = pthread_key_create(&db->own, NULL);
    ASSERT(code == 0);
    return db;
}

/* For an own reader under its lock, or one of the pool. */
static int end_view(struct sqlite_reader *reader, struct err *err)
{
    int result = sqlite_conn_run(reader->tx.conn, &end_read, err);

    ASSERT(sqlite_conn_is_idle(reader->tx.conn));
    reader->has_view = false;
    return result;
}

/* Those in use are left alone: they are a moment old, and their threads change them without the lock. */
static void release_views(void *context)
{
    struct sqlite_db *db = context;
    struct err        ignored; /* the view is given up either way */

    pthread_mutex_lock(&db->lock);
    for (struct sqlite_reader *reader = db->made; reader != NULL; reader = reader->next_made) {
        pthread_mutex_lock(&reader->lock);
        if (reader->is_own && !reader->is_busy && reader->has_view)
            end_view(reader, &ignored);
        pthread_mutex_unlock(&reader->lock);
    }
    pthread_mutex_unlock(&db->lock);
}

static int open_conns(struct sqlite_db *db, const struct db_settings *settings, struct err *err)
{
    size_t                n_readers = settings->n_readers == 0 ? 1 : settings->n_readers;
    struct sqlite_reader *reader;

    if (settings->must_exist && access(db->path, F_OK) < 0)
        return err_set_os(err, ERR_NOT_FOUND, "%s", db->path);
    if (make_file(db->path, err) < 0 ||
        sqlite_writer_open(db->path, release_views, db, &db->writer, err) < 0)
        return -1;
    for (size_t i = 0; i < n_readers; i++) {
        if (make_reader(db, false, &reader, err) < 0)
            return -1;
    }
    return 0;
}

static int open_db(const struct db_settings *settings, struct db **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct str            path = str_from_index(settings->url, strlen(db_sqlite.schemes[0]));

    if (path.n == 0 || str_find(path, '\0') >= 0)
        return err_set(err, ERR_INVALID, "database \"" STR_FMT "\": after the colon comes a path",
                       STR_ARGS(settings->url));
    pthread_once(&once, configure_library);

    struct sqlite_db *db = new_db(path);
    if (open_conns(db, settings, err) < 0) {
        close_db(&db->db);
        if (err->kind == ERR_NOT_FOUND && !settings->must_exist)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    *out = &db->db;
    return 0;
}

static int thread_reader(struct db *base, struct err *err)
{
    struct sqlite_db     *db = db_of(base);
    struct sqlite_reader *reader;

    if (pthread_getspecific(db->own) != NULL)
        return 0;
    if (make_reader(db, true, &reader, err) < 0)
        return -1;
    int code = pthread_setspecific(db->own, reader);
    ASSERT(code == 0);
    return 0;
}

static int borrow_pooled(struct sqlite_db *db, int timeout_s, struct sqlite_reader **out,
                         struct err *err)
{
    struct timespec deadline = db_deadline(timeout_s);
    int             waited   = 0;

    pthread_mutex_lock(&db->lock);
    while (db->idle == NULL && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&db->given_back, &db->lock, &deadline);
    struct sqlite_reader *reader = db->idle;
    if (reader != NULL)
        db->idle = reader->next_idle;
    pthread_mutex_unlock(&db->lock);

    if (reader == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no connection to read with within %d s", timeout_s);
    *out = reader;
    return 0;
}

/* The thread's own one, unless it is reading with that already. */
static int borrow(struct sqlite_db *db, int timeout_s, struct sqlite_reader **out, struct err *err)
{
    struct sqlite_reader *reader = pthread_getspecific(db->own);

    if ((reader == NULL || reader->is_busy) && borrow_pooled(db, timeout_s, &reader, err) < 0)
        return -1;
    pthread_mutex_lock(&reader->lock);
    reader->is_busy = true;
    pthread_mutex_unlock(&reader->lock);
    *out = reader;
    return 0;
}

static void give_back(struct sqlite_db *db, struct sqlite_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->is_busy = false;
    pthread_mutex_unlock(&reader->lock);
    if (reader->is_own)
        return;

    pthread_mutex_lock(&db->lock);
    reader->next_idle = db->idle;
    db->idle          = reader;
    pthread_cond_signal(&db->given_back);
    pthread_mutex_unlock(&db->lock);
}

/* The number is read before the view begins, so that the view shows at least what the number promises. */
static int begin_view(struct sqlite_db *db, struct sqlite_reader *reader, struct err *err)
{
    uint64_t generation = sqlite_writer_generation(db->writer);
    int64_t  now_us     = reader->is_own ? clock_monotonic_us() : 0;

    if (reader->has_view && reader->generation == generation &&
        now_us - reader->viewed_at < VIEW_LIFE_US)
        return 0;
    if (reader->has_view && end_view(reader, err) < 0)
        return -1;
    if (sqlite_conn_run(reader->tx.conn, &begin_read, err) < 0)
        return -1;
    reader->has_view   = true;
    reader->generation = generation;
    reader->viewed_at  = now_us;
    return 0;
}

static int begin(struct db *base, enum db_mode mode, const char *who, struct db_tx **out,
                 struct err *err)
{
    struct sqlite_db     *db = db_of(base);
    struct sqlite_conn   *conn;
    struct sqlite_reader *reader;

    if (mode == DB_WRITE) {
        if (sqlite_writer_begin(db->writer, who, &conn, err) < 0)
            return -1;
        db->writing.conn = conn;
        *out             = &db->writing.tx;
        return 0;
    }

    if (borrow(db, READER_TIMEOUT_S, &reader, err) < 0)
        return -1;
    if (begin_view(db, reader, err) < 0) {
        give_back(db, reader);
        return -1;
    }
    *out = &reader->tx.tx;
    return 0;
}

/* Nothing was changed, so that commit and abort are the same. */
static int end_reading(struct db_tx *tx, struct err *err)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)tx_of(tx);
    bool                  keeps  = reader->is_own && !tx->is_broken;
    int                   result = keeps ? 0 : end_view(reader, err);

    give_back(db_of(tx->db), reader);
    return result;
}

static int commit(struct db_tx *tx, struct err *err)
{
    return tx->mode == DB_WRITE ? sqlite_writer_commit(db_of(tx->db)->writer, err)
                                : end_reading(tx, err);
}

static void abort_tx(struct db_tx *tx)
{
    struct err ignored; /* the view is given up either way */

    if (tx->mode == DB_WRITE)
        sqlite_writer_abort(db_of(tx->db)->writer);
    else
        end_reading(tx, &ignored);
}

static int64_t now(struct db_tx *tx)
{
    (void)tx;
    return clock_utc_us();
}

/* The writer must know of failures: some of them have ended its batch. */
static int noticed(struct db_tx *tx, const struct err *err)
{
    if (tx->mode == DB_WRITE)
        sqlite_writer_notice(db_of(tx->db)->writer, err);
    return -1;
}

static int query(struct db_tx *tx, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct db_rows **out, struct err *err)
{
    if (sqlite_conn_query(tx_of(tx)->conn, statement, args, n_args, out, err) < 0)
        return noticed(tx, err);
    return 0;
}

static int next(struct db_rows *rows, struct err *err)
{
    int got = sqlite_conn_next(rows, err);

    return got < 0 ? noticed(rows->tx, err) : got;
}

static int script(struct db_tx *tx, const char *text, struct err *err)
{
    if (sqlite_conn_script(tx_of(tx)->conn, text, err) < 0)
        return noticed(tx, err);
    return 0;
}

static int check(struct db *base, const struct db_statement *statement, size_t *n_in, size_t *n_out,
                 struct err *err)
{
    struct sqlite_db     *db = db_of(base);
    struct sqlite_reader *reader;

    if (borrow(db, READER_TIMEOUT_S, &reader, err) < 0)
        return -1;
    int result = sqlite_conn_check(reader->tx.conn, statement, n_in, n_out, err);
    give_back(db, reader);
    return result;
}

static int probe(struct db *base, struct err *err)
{
    struct sqlite_db     *db = db_of(base);
    struct sqlite_reader *reader;
    struct db_rows       *rows;

    if (borrow(db, PROBE_TIMEOUT_S, &reader, err) < 0)
        return -1;
    int result = sqlite_conn_query(reader->tx.conn, &probe_read, NULL, 0, &rows, err);
    if (result == 0) {
        result = sqlite_conn_next(rows, err) < 0 ? -1 : 0;
        sqlite_conn_end(rows);
    }
    give_back(db, reader);
    return result;
}

static void counts(struct db *base, struct db_counts *out)
{
    sqlite_writer_counts(db_of(base)->writer, out);
}

static int integrity(struct db *base, const struct db_integrity *check, struct err *err)
{
    return sqlite_check(db_of(base)->path, check, err);
}

const struct db_driver db_sqlite = {
    .name           = "sqlite",
    .schemes        = { "sqlite:" },
    .has_fast_reads = true,
    .open           = open_db,
    .close          = close_db,
    .thread_reader  = thread_reader,
    .probe          = probe,
    .counts         = counts,
    .begin          = begin,
    .commit         = commit,
    .abort          = abort_tx,
    .now            = now,
    .query          = query,
    .next           = next,
    .changed        = sqlite_conn_changed,
    .number         = sqlite_conn_number,
    .bytes          = sqlite_conn_bytes,
    .end            = sqlite_conn_end,
    .script         = script,
    .integrity      = integrity,
    .check          = check,
};
