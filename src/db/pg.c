/* db/pg.c: the PostgreSQL driver: transactions over pooled connections (pg_pool.h, pg_link.h), and what
 * becomes of a commit whose answer was lost.
 *
 * Such a commit is looked up by its transaction id over another connection:
 *
 *   committed    and a commit made behind it is as safe as any ──▶ success
 *   aborted      ──▶ ERR_UNAVAILABLE, nothing of it happened
 *   in progress  asked again for ten seconds
 *   else         the server crashed or another was promoted meanwhile (ids may have been used again), or it
 *                gave no answer ──▶ ERR_UNAVAILABLE, and the text says that it may have happened */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/driver.h"
#include "db/pg_link.h"
#include "db/pg_pool.h"
#include "io/clock.h"

#define SECOND_US INT64_C(1000000)

enum { TAKE_S = 5, PROBE_S = 2, RESOLVE_S = 10, ASK_AGAIN_US = 50 * 1000, LIFE_MAX = 64 };

struct pg_tx {
    struct db_tx    tx;
    struct pg_link *conn;
};

struct pg_db {
    struct db         db;
    struct pg_pool   *pool;
    _Atomic(uint64_t) n_commits;
};

/* A transaction whose end is not known. */
struct doubt {
    int64_t xid;
    char    life[LIFE_MAX];
};

/* clang-format off */
static const struct db_statement
probe_round = { .name = "pg.probe",  .in = "",  .out = "i", .sql = "SELECT 1" },
get_status  = { .name = "pg.status", .in = "i", .out = "t", .sql = "SELECT pg_xact_status($1::text::xid8)" },
/* Writes nothing but a word into the log, so that its commit must wait until the log is safe up to here. */
follow      = { .name = "pg.follow", .in = "",  .out = "t", .sql = "SELECT pg_logical_emit_message(true, 'assay', 'commit')::text" };
/* clang-format on */

static struct pg_db *db_of(struct db *db)
{
    return (struct pg_db *)db;
}

static struct pg_tx *tx_of(struct db_tx *tx)
{
    return (struct pg_tx *)tx;
}

static void close_db(struct db *base)
{
    pg_pool_close(&db_of(base)->pool);
    mem_free(base);
}

static int open_db(const struct db_settings *settings, struct db **out, struct err *err)
{
    struct pg_pool *pool;

    if (str_find(settings->url, '\0') >= 0)
        return err_set(err, ERR_INVALID, "a NUL in the database url");
    if (pg_pool_open(settings, &pool, err) < 0)
        return -1;

    struct pg_db *db = mem_new(struct pg_db);
    db->pool         = pool;
    *out             = &db->db;
    return 0;
}

/* Threads share the pool: a read costs a turn of the network wherever it is made. */
static int thread_reader(struct db *db, struct err *err)
{
    (void)db;
    (void)err;
    return 0;
}

static int begin(struct db *db, enum db_mode mode, const char *who, struct db_tx **out,
                 struct err *err)
{
    struct pg_link *conn;

    (void)who;
    if (pg_pool_take(db_of(db)->pool, TAKE_S, &conn, err) < 0)
        return -1;

    struct pg_tx *tx = mem_new(struct pg_tx);
    tx->conn         = conn;
    pg_link_begin(conn, mode);
    *out = &tx->tx;
    return 0;
}

static void end(struct pg_tx *tx)
{
    pg_pool_give(db_of(tx->tx.db)->pool, &tx->conn);
    mem_free(tx);
}

static void abort_tx(struct db_tx *tx)
{
    pg_link_abort(tx_of(tx)->conn);
    end(tx_of(tx));
}

/* -- commits in doubt --------------------------------------------------------------------------------- */

/* Under the statement's deadline; out is the status or empty: nobody knows such an id any longer. */
static int ask_status(struct pg_link *conn, int64_t xid, char out[16], struct err *err)
{
    struct db_rows *rows;
    struct db_value id = db_int(xid);

    if (pg_link_query(conn, &get_status, &id, 1, &rows, err) < 0)
        return -1;
    out[0] = '\0';
    if (pg_rows_next(rows, err) == 1) {
        struct str status = str_sub(pg_rows_bytes(rows, 0), 0, 15);

        if (status.n > 0)
            memcpy(out, status.p, status.n);
        out[status.n] = '\0';
    }
    pg_rows_end(rows);
    return 0;
}

static int commit_behind(struct pg_link *conn, struct err *err)
{
    struct db_rows *rows;

    if (pg_link_query(conn, &follow, NULL, 0, &rows, err) < 0)
        return -1;
    pg_rows_end(rows);
    return pg_link_commit(conn, err) == PG_COMMITTED ? 0 : -1;
}

/* 1 it is committed and safe, 0 it is not and never will be, -1 no telling yet. Of another life nothing can be
 * told, now or later. */
static int look_up(struct pg_link *conn, const struct doubt *doubt, bool *out_is_over,
                   struct err *err)
{
    char status[16];

    *out_is_over = !str_is(pg_link_incarnation(conn), doubt->life);
    if (*out_is_over)
        return err_set(err, ERR_UNAVAILABLE, "the server has crashed since or is another");
    if (ask_status(conn, doubt->xid, status, err) < 0)
        return -1;
    if (strcmp(status, "aborted") == 0)
        return 0;
    if (strcmp(status, "committed") == 0)
        return commit_behind(conn, err) == 0 ? 1 : -1;
    return err_set(err, ERR_UNAVAILABLE, "the transaction is %s",
                   status[0] == '\0' ? "lost" : status);
}

static int look_up_once(struct pg_db *db, const struct doubt *doubt, bool *out_is_over,
                        struct err *err)
{
    struct pg_link *conn;

    if (pg_pool_take(db->pool, TAKE_S, &conn, err) < 0)
        return -1;
    pg_link_begin(conn, DB_WRITE);
    int result = look_up(conn, doubt, out_is_over, err);
    pg_link_abort(conn);
    pg_pool_give(db->pool, &conn);
    return result;
}

static int resolve(struct pg_db *db, const struct doubt *doubt, struct err *err)
{
    struct err cause   = *err;
    int64_t    until   = clock_monotonic_us() + RESOLVE_S * SECOND_US;
    bool       is_over = false;
    struct err why;

    do {
        int result = look_up_once(db, doubt, &is_over, &why);

        if (result == 1)
            return 0;
        if (result == 0)
            return err_set(err, ERR_UNAVAILABLE, "the commit did not happen: %.300s", cause.text);
        if (!is_over)
            db_pause(ASK_AGAIN_US);
    } while (!is_over && clock_monotonic_us() < until);
    return err_set(err, ERR_UNAVAILABLE,
                   "whether the commit happened is unknown: %.200s; then %.200s", cause.text,
                   why.text);
}

static int commit(struct db_tx *base, struct err *err)
{
    struct pg_tx *tx    = tx_of(base);
    struct pg_db *db    = db_of(base->db);
    struct doubt  doubt = { .xid = 0 };
    struct str    life  = pg_link_incarnation(tx->conn);

    if (base->mode == DB_WRITE && pg_link_get_xid(tx->conn, &doubt.xid, err) < 0) {
        abort_tx(base);
        return -1;
    }
    bool wrote = doubt.xid != 0;
    memcpy(doubt.life, life.p, life.n < LIFE_MAX ? life.n : LIFE_MAX - 1);
    enum pg_end ended = pg_link_commit(tx->conn, err);
    end(tx);

    if (ended == PG_UNSAFE)
        err_wrap(err, "the commit may be lost");
    if (ended == PG_FAILED || ended == PG_UNSAFE ||
        (ended == PG_UNKNOWN && resolve(db, &doubt, err) < 0))
        return -1;
    if (wrote)
        atomic_fetch_add(&db->n_commits, 1);
    return 0;
}

/* -- the rest ----------------------------------------------------------------------------------------- */

static int64_t now(struct db_tx *tx)
{
    return pg_link_now(tx_of(tx)->conn);
}

static int query(struct db_tx *tx, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct db_rows **out, struct err *err)
{
    return pg_link_query(tx_of(tx)->conn, statement, args, n_args, out, err);
}

static int send_only(struct db_tx *tx, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, struct err *err)
{
    return pg_link_send(tx_of(tx)->conn, statement, args, n_args, err);
}

static int script(struct db_tx *tx, const char *text, struct err *err)
{
    return pg_link_script(tx_of(tx)->conn, text, err);
}

static int check(struct db *db, const struct db_statement *statement, size_t *n_in, size_t *n_out,
                 struct err *err)
{
    struct pg_link *conn;

    if (pg_pool_take(db_of(db)->pool, TAKE_S, &conn, err) < 0)
        return -1;
    int result = pg_link_check(conn, statement, n_in, n_out, err);
    pg_pool_give(db_of(db)->pool, &conn);
    return result;
}

static int probe(struct db *db, struct err *err)
{
    struct pg_link *conn;
    struct db_rows *rows;

    if (pg_pool_take(db_of(db)->pool, PROBE_S, &conn, err) < 0)
        return -1;
    int result = pg_link_query(conn, &probe_round, NULL, 0, &rows, err);
    if (result == 0)
        pg_rows_end(rows);
    pg_pool_give(db_of(db)->pool, &conn);
    return result;
}

static int safety(struct db *db, struct err *err)
{
    struct pg_link *conn;

    if (pg_pool_take(db_of(db)->pool, TAKE_S, &conn, err) < 0)
        return -1;
    int result = pg_link_check_safety(conn, err);
    pg_pool_give(db_of(db)->pool, &conn);
    return result;
}

static void counts(struct db *db, struct db_counts *out)
{
    *out                = (struct db_counts){ .n_commits = atomic_load(&db_of(db)->n_commits) };
    out->n_transactions = out->n_commits;
    pg_pool_counts(db_of(db)->pool, out);
}

const struct db_driver db_pg = {
    .name           = "postgres",
    .schemes        = { "postgres:", "postgresql:" },
    .has_fast_reads = false,
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
    .send           = send_only,
    .next           = pg_rows_next,
    .changed        = pg_rows_changed,
    .number         = pg_rows_number,
    .bytes          = pg_rows_bytes,
    .end            = pg_rows_end,
    .script         = script,
    .safety         = safety,
    .check          = check,
};
