/* db/db.c: the interface over the drivers: the table of them, and what is the same for all: statements fit
 * their parameters, rows fit their structs, a transaction belongs to one thread and can only be aborted
 * once a statement failed in it. */
#include "db/db.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/text.h"
#include "db/driver.h"
#include "io/clock.h"
#include "io/random.h"

enum {
    ROW_MAX   = 1024, /* the largest struct that db_find fills */
    TRIES_MAX = 3,
    AGAIN_US  = 20000
};

static const struct db_driver *const drivers[] = { &db_sqlite, &db_pg };

void db_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void db_pause(int64_t us)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  never;

    clock_cond_init(&never);
    pthread_mutex_lock(&lock);
    clock_cond_wait(&never, &lock, us);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
}

struct timespec db_deadline(int seconds)
{
    int64_t until = clock_monotonic_us() + (int64_t)seconds * 1000000;

    return (struct timespec){ .tv_sec  = (time_t)(until / 1000000),
                              .tv_nsec = (long)(until % 1000000 * 1000) };
}

static const struct db_driver *find_driver(struct str url)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        for (const char *const *scheme = drivers[i]->schemes; *scheme != NULL; scheme++) {
            if (str_starts(url, str_from(*scheme)))
                return drivers[i];
        }
    }
    return NULL;
}

/* What stands before the colon; behind it there may be a password. */
static struct str scheme_of(struct str url)
{
    ptrdiff_t colon = str_find(url, ':');

    return colon < 0 ? STR("") : str_sub(url, 0, (size_t)colon + 1);
}

int db_open(const struct db_settings *settings, struct db **out, struct err *err)
{
    const struct db_driver *driver = find_driver(settings->url);
    struct db              *db;

    if (driver == NULL)
        return err_set(err, ERR_INVALID,
                       "database \"" STR_FMT "…\": there is no such kind of database",
                       STR_ARGS(scheme_of(settings->url)));
    if (driver->open(settings, &db, err) < 0)
        return err_wrap(err, "opening the database");

    db->driver = driver;
    *out       = db;
    return 0;
}

void db_close(struct db **db)
{
    if (*db == NULL)
        return;

    (*db)->driver->close(*db);
    *db = NULL;
}

const char *db_engine(const struct db *db)
{
    return db->driver->name;
}

bool db_has_fast_reads(const struct db *db)
{
    return db->driver->has_fast_reads;
}

int db_thread_reader(struct db *db, struct err *err)
{
    return db->driver->thread_reader(db, err);
}

int db_check_integrity(struct db *db, const struct db_integrity *check, struct err *err)
{
    return db->driver->integrity == NULL ? 0 : db->driver->integrity(db, check, err);
}

int db_check_safety(struct db *db, struct err *err)
{
    return db->driver->safety == NULL ? 0 : db->driver->safety(db, err);
}

int db_probe(struct db *db, struct err *err)
{
    return db->driver->probe(db, err);
}

void db_counts(struct db *db, struct db_counts *out)
{
    db->driver->counts(db, out);
}

int db_check_statement(struct db *db, const struct db_statement *statement, size_t *n_in,
                       size_t *n_out, struct err *err)
{
    if (db->driver->check(db, statement, n_in, n_out, err) < 0)
        return err_wrap(err, "statement %s", statement->name);
    return 0;
}

int db_begin(struct db *db, enum db_mode mode, const char *who, struct db_tx **out, struct err *err)
{
    struct db_tx *tx;

    if (mode == DB_WRITE && failpoint(FP_DB_BEGIN, err) < 0)
        return err_wrap(err, "%s", who);
    if (db->driver->begin(db, mode, who, &tx, err) < 0)
        return err_wrap(err, "%s", who);

    tx->db        = db;
    tx->mode      = mode;
    tx->who       = who;
    tx->thread    = pthread_self();
    tx->n_rows    = 0;
    tx->is_broken = false;
    *out          = tx;
    return 0;
}

static void assert_ours(const struct db_tx *tx)
{
    ASSERT(tx != NULL);
    ASSERT(pthread_equal(tx->thread, pthread_self()));
}

void db_abort(struct db_tx **tx)
{
    if (*tx == NULL)
        return;

    struct db_tx *ended = TAKE(*tx);
    assert_ours(ended);
    ASSERT(ended->n_rows == 0);
    ended->db->driver->abort(ended);
}

int db_commit(struct db_tx **tx, struct err *err)
{
    assert_ours(*tx);
    const char *who = (*tx)->who;

    if ((*tx)->is_broken) {
        db_abort(tx);
        return err_set(err, ERR_INTERNAL, "%s: commit after a failed statement", who);
    }

    if ((*tx)->mode == DB_WRITE && failpoint(FP_DB_COMMIT, err) < 0) {
        db_abort(tx);
        return err_wrap(err, "%s", who);
    }

    struct db_tx *ended = TAKE(*tx);
    enum db_mode  mode  = ended->mode;
    ASSERT(ended->n_rows == 0);
    if (ended->db->driver->commit(ended, err) < 0 ||
        (mode == DB_WRITE && failpoint(FP_DB_COMMITTED, err) < 0))
        return err_wrap(err, "%s", who);
    return 0;
}

bool db_again(const struct err *err, int *n_tries)
{
    uint32_t dice;

    if (!err->may_repeat || ++*n_tries >= TRIES_MAX)
        return false;
    random_bytes(&dice, sizeof(dice));
    db_pause(dice % (uint32_t)(*n_tries * AGAIN_US));
    return true;
}

int64_t db_now(struct db_tx *tx)
{
    assert_ours(tx);
    return tx->db->driver->now(tx);
}

static char letter_of(enum db_kind kind)
{
    static const char letters[] = {
        [DB_INT] = 'i', [DB_TEXT] = 't', [DB_BLOB] = 'b', [DB_NULL] = '-'
    };

    return letters[kind];
}

/* One of the engines would keep any bytes as text and the other would not. */
static bool is_text(struct str bytes)
{
    return str_find(bytes, '\0') < 0 && text_is_utf8(bytes);
}

static int check_args(const struct db_statement *statement, const struct db_value *args,
                      size_t n_args, struct err *err)
{
    if (n_args != strlen(statement->in))
        return err_set(err, ERR_INTERNAL, "%zu parameters where \"%s\" are wanted", n_args,
                       statement->in);
    for (size_t i = 0; i < n_args; i++) {
        if (args[i].kind == DB_NULL)
            continue;
        if (letter_of(args[i].kind) != statement->in[i])
            return err_set(err, ERR_INTERNAL, "parameter $%zu is of kind %c, not %c", i + 1,
                           letter_of(args[i].kind), statement->in[i]);
        if (args[i].kind == DB_TEXT && !is_text(args[i].bytes))
            return err_set(err, ERR_INVALID, "parameter $%zu: a NUL in it, or not UTF-8", i + 1);
    }
    return 0;
}

static int check_columns(const struct db_statement *statement, const struct db_column *columns,
                         struct err *err)
{
    for (size_t i = 0; statement->out[i] != '\0'; i++) {
        if (letter_of(columns[i].kind) != statement->out[i])
            return err_set(err, ERR_INTERNAL, "column %zu is of kind %c, and is read as %c", i + 1,
                           statement->out[i], letter_of(columns[i].kind));
    }
    return 0;
}

/* From here on the transaction can only be aborted. */
static int broken(struct db_tx *tx, const struct db_statement *statement, struct err *err)
{
    tx->is_broken = true;
    return err_wrap(err, "%s: statement %s", tx->who, statement->name);
}

/* May it run? */
static int check_run(struct db_tx *tx, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, struct err *err)
{
    assert_ours(tx);
    if (tx->is_broken)
        return err_set(err, ERR_INTERNAL,
                       "a statement failed before, the transaction can only be aborted");
    return check_args(statement, args, n_args, err);
}

int db_query(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
             size_t n_args, struct db_rows **out, struct err *err)
{
    struct db_rows *rows;

    if (check_run(tx, statement, args, n_args, err) < 0 ||
        tx->db->driver->query(tx, statement, args, n_args, &rows, err) < 0)
        return broken(tx, statement, err);

    rows->tx        = tx;
    rows->statement = statement;
    tx->n_rows++;
    *out = rows;
    return 0;
}

int db_rows_next(struct db_rows *rows, struct err *err)
{
    assert_ours(rows->tx);
    int got = rows->tx->db->driver->next(rows, err);

    return got < 0 ? broken(rows->tx, rows->statement, err) : got;
}

int64_t db_rows_int(const struct db_rows *rows, size_t column)
{
    ASSERT(column < strlen(rows->statement->out) && rows->statement->out[column] == 'i');
    return rows->tx->db->driver->number(rows, column);
}

struct str db_rows_text(const struct db_rows *rows, size_t column)
{
    ASSERT(column < strlen(rows->statement->out) && rows->statement->out[column] != 'i');
    return rows->tx->db->driver->bytes(rows, column);
}

void db_rows_free(struct db_rows **rows)
{
    if (*rows == NULL)
        return;

    struct db_tx *tx = (*rows)->tx;
    tx->n_rows--;
    tx->db->driver->end(*rows);
    *rows = NULL;
}

int db_run(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
           size_t n_args, int64_t *n_changed, struct err *err)
{
    AUTO(db_rows_free) struct db_rows *rows = NULL;

    if (db_query(tx, statement, args, n_args, &rows, err) < 0)
        return -1;

    int got = db_rows_next(rows, err);
    if (got < 0)
        return -1;
    if (got > 0) {
        err_set(err, ERR_INTERNAL, "a row where none is expected");
        return broken(tx, statement, err);
    }
    if (n_changed != NULL)
        *n_changed = tx->db->driver->changed(rows);
    return 0;
}

int db_send(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
            size_t n_args, struct err *err)
{
    ASSERT(tx->mode == DB_WRITE && statement->out[0] == '\0');
    if (tx->db->driver->send == NULL)
        return db_run(tx, statement, args, n_args, NULL, err);
    if (check_run(tx, statement, args, n_args, err) < 0 ||
        tx->db->driver->send(tx, statement, args, n_args, err) < 0)
        return broken(tx, statement, err);
    return 0;
}

static void fill(struct arena *arena, const struct db_rows *rows, const struct db_column *columns,
                 char *out)
{
    const char *kinds = rows->statement->out;

    for (size_t i = 0; kinds[i] != '\0'; i++) {
        char *at = out + columns[i].offset;

        if (columns[i].kind == DB_INT) {
            int64_t number = rows->tx->db->driver->number(rows, i);
            memcpy(at, &number, sizeof(number));
        } else {
            struct str copy = str_copy(arena, rows->tx->db->driver->bytes(rows, i));
            memcpy(at, &copy, sizeof(copy));
        }
    }
}

/* Begins to run and steps to the first row: 1, 0, -1. */
static int first_row(struct db_tx *tx, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, const struct db_column *columns,
                     struct db_rows **out, struct err *err)
{
    if (check_columns(statement, columns, err) < 0)
        return broken(tx, statement, err);
    if (db_query(tx, statement, args, n_args, out, err) < 0)
        return -1;
    return db_rows_next(*out, err);
}

/* That was the last row, and the statement has run to its end. */
static int expect_end(struct db_rows *rows, struct err *err)
{
    int got = db_rows_next(rows, err);

    if (got <= 0)
        return got;
    err_set(err, ERR_INTERNAL, "more than one row");
    return broken(rows->tx, rows->statement, err);
}

/* The bytes of a struct up to the end of its last column. */
static size_t row_size(const struct db_statement *statement, const struct db_column *columns)
{
    size_t size = 0;

    for (size_t i = 0; statement->out[i] != '\0'; i++) {
        size_t end =
            columns[i].offset + (columns[i].kind == DB_INT ? sizeof(int64_t) : sizeof(struct str));
        size = end > size ? end : size;
    }
    return size;
}

/* A row is filled while it is at hand, and is the caller's only when no second one came. */
int db_find(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
            const struct db_value *args, size_t n_args, const struct db_column *columns, void *out,
            struct err *err)
{
    AUTO(db_rows_free) struct db_rows *rows = NULL;
    char                               row[ROW_MAX];
    size_t                             size = row_size(statement, columns);

    ASSERT(size <= sizeof(row));
    int got = first_row(tx, statement, args, n_args, columns, &rows, err);
    if (got <= 0)
        return got;

    memcpy(row, out, size);
    fill(arena, rows, columns, row);
    if (expect_end(rows, err) < 0)
        return -1;
    memcpy(out, row, size);
    return 1;
}

int db_list(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
            const struct db_value *args, size_t n_args, const struct db_column *columns,
            size_t size, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    AUTO(db_rows_free) struct db_rows *rows = NULL;
    struct buf                         list;
    size_t                             n = 0;

    ASSERT(row_size(statement, columns) <= size && n_max < SIZE_MAX / size);
    buf_init(&list, arena, n_max * size);
    int got = n_max == 0 ? 0 : first_row(tx, statement, args, n_args, columns, &rows, err);

    while (got > 0) {
        char *row = buf_reserve(&list, size);

        memset(row, 0, size);
        fill(arena, rows, columns, row);
        buf_grew(&list, size);
        if (++n == n_max)
            break;
        got = db_rows_next(rows, err);
    }
    if (got < 0)
        return -1;

    *out   = list.p;
    *n_out = n;
    return 0;
}

static const struct db_column text_column[] = { { .kind = DB_TEXT, .offset = 0 } };

/* The statement has one column; of which kind is checked later. */
static int expect_one_column(struct db_tx *tx, const struct db_statement *statement,
                             struct err *err)
{
    if (strlen(statement->out) == 1)
        return 0;
    err_set(err, ERR_INTERNAL, "one column is asked of \"%s\"", statement->out);
    return broken(tx, statement, err);
}

int db_find_int(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
                size_t n_args, int64_t *out, struct err *err)
{
    static const struct db_column int_column[] = { { .kind = DB_INT, .offset = 0 } };

    if (expect_one_column(tx, statement, err) < 0)
        return -1;
    return db_find(tx, NULL, statement, args, n_args, int_column, out, err);
}

int db_find_text(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct str *out, struct err *err)
{
    if (expect_one_column(tx, statement, err) < 0)
        return -1;
    return db_find(tx, arena, statement, args, n_args, text_column, out, err);
}

int db_list_text(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, size_t n_max, struct str **out,
                 size_t *n_out, struct err *err)
{
    void *list;

    if (expect_one_column(tx, statement, err) < 0 ||
        db_list(tx, arena, statement, args, n_args, text_column, sizeof(struct str), n_max, &list,
                n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int db_run_script(struct db_tx *tx, struct str script, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    assert_ours(tx);
    if (!tx->is_broken && tx->db->driver->script(tx, str_dup(arena, script), err) == 0)
        return 0;
    if (tx->is_broken)
        err_set(err, ERR_INTERNAL,
                "a statement failed before, the transaction can only be aborted");
    tx->is_broken = true;
    return err_wrap(err, "%s", tx->who);
}
