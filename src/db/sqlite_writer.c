/* db/sqlite_writer.c: turns and batches. `lock` guards the queue, the counts and what members read of a
 * batch; the connection and `batch` itself belong to whoever has the turn. */
#include "db/sqlite_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/driver.h"
#include "db/sqlite_conn.h"
#include "io/clock.h"

enum {
    TURN_TIMEOUT_S = 10,
    BATCH_MAX      = 64,   /* members */
    BATCH_AGE_US   = 5000, /* since BEGIN; a fsync takes about as long on a slow disk */
    WAL_SOFT       = 1000, /* frames: a checkpoint when nobody waits */
    WAL_HARD       = 4000  /* and in any case */
};

/* Someone in line; lives on the stack of who waits. */
struct waiter {
    struct waiter *next;
    pthread_t      thread;
    const char    *who;
    pthread_cond_t called;
    bool           is_called;
};

/* Owned by its members that still wait and by the writer while it is open. */
struct batch {
    size_t         n_owners;
    size_t         n_members;
    int64_t        opened_at;
    pthread_cond_t settled;
    bool           is_settled;
    bool           has_failed;
    struct err     failure;
};

struct sqlite_writer {
    struct sqlite_conn *conn;
    struct batch       *batch;   /* open, or null */
    bool                is_lost; /* the turn's transaction went down with its batch */
    pthread_mutex_t     lock;
    bool                is_taken; /* somebody has the turn */
    pthread_t           holder;   /* then this is he, */
    const char         *who;      /* and what he is at */
    struct waiter      *first;
    struct waiter     **last;
    struct db_counts    counts;
    _Atomic uint64_t    generation;
    void (*let_go)(void *context); /* see sqlite_writer_open */
    void *context;
};

/* clang-format off */
static const struct db_statement
begin     = { .name = "sqlite.begin",     .in = "", .out = "", .sql = "BEGIN IMMEDIATE" },
commit    = { .name = "sqlite.commit",    .in = "", .out = "", .sql = "COMMIT" },
roll_back = { .name = "sqlite.rollback",  .in = "", .out = "", .sql = "ROLLBACK" },
save      = { .name = "sqlite.savepoint", .in = "", .out = "", .sql = "SAVEPOINT member" },
release   = { .name = "sqlite.release",   .in = "", .out = "", .sql = "RELEASE member" },
undo      = { .name = "sqlite.undo",      .in = "", .out = "", .sql = "ROLLBACK TO member" };
/* clang-format on */

int sqlite_writer_open(const char *path, void (*let_go)(void *context), void *context,
                       struct sqlite_writer **out, struct err *err)
{
    struct sqlite_conn *conn;

    if (sqlite_conn_open(path, SQLITE_WRITER, &conn, err) < 0)
        return -1;

    struct sqlite_writer *writer = mem_new(struct sqlite_writer);
    writer->conn                 = conn;
    writer->last                 = &writer->first;
    writer->let_go               = let_go;
    writer->context              = context;
    pthread_mutex_init(&writer->lock, NULL);
    *out = writer;
    return 0;
}

void sqlite_writer_close(struct sqlite_writer **writer)
{
    if (*writer == NULL)
        return;

    ASSERT(!(*writer)->is_taken && (*writer)->batch == NULL);
    sqlite_conn_close(&(*writer)->conn);
    pthread_mutex_destroy(&(*writer)->lock);
    mem_free(*writer);
    *writer = NULL;
}

static void batch_unref(struct batch *batch)
{
    if (--batch->n_owners > 0)
        return;
    pthread_cond_destroy(&batch->settled);
    mem_free(batch);
}

static bool is_ripe(const struct batch *batch)
{
    return batch->n_members >= BATCH_MAX || clock_monotonic_us() - batch->opened_at >= BATCH_AGE_US;
}

static void enqueue(struct sqlite_writer *writer, struct waiter *waiter)
{
    *writer->last = waiter;
    writer->last  = &waiter->next;
}

static void dequeue(struct sqlite_writer *writer, struct waiter *waiter)
{
    struct waiter **at = &writer->first;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (writer->last == &waiter->next)
        writer->last = at;
}

static void have_turn(struct sqlite_writer *writer, pthread_t thread, const char *who)
{
    writer->is_taken = true;
    writer->holder   = thread;
    writer->who      = who;
}

/* In line until called; gives up at the deadline. */
static bool wait_in_line(struct sqlite_writer *writer, const char *who)
{
    struct waiter   waiter   = { .thread = pthread_self(), .who = who };
    struct timespec deadline = db_deadline(TURN_TIMEOUT_S);
    int             waited   = 0;

    db_cond_init(&waiter.called);
    enqueue(writer, &waiter);
    while (!waiter.is_called && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&waiter.called, &writer->lock, &deadline);
    if (!waiter.is_called)
        dequeue(writer, &waiter);
    pthread_cond_destroy(&waiter.called);
    return waiter.is_called;
}

static int take_turn(struct sqlite_writer *writer, const char *who, struct err *err)
{
    int result = 0;

    pthread_mutex_lock(&writer->lock);
    if (!writer->is_taken) {
        have_turn(writer, pthread_self(), who);
    } else {
        ASSERT(!pthread_equal(writer->holder, pthread_self()));
        if (!wait_in_line(writer, who))
            result = err_set(err, ERR_UNAVAILABLE, "no turn to write within %d s: \"%s\" has it",
                             TURN_TIMEOUT_S, writer->who);
    }
    pthread_mutex_unlock(&writer->lock);
    return result;
}

/* Under the lock: the next in line has the turn without anyone coming between. */
static void pass_turn(struct sqlite_writer *writer)
{
    struct waiter *next = writer->first;

    if (next == NULL) {
        writer->is_taken = false;
        return;
    }
    dequeue(writer, next);
    have_turn(writer, next->thread, next->who);
    next->is_called = true;
    pthread_cond_signal(&next->called);
}

/* What a member is told: nothing of the batch happened, try again or make room. */
static void tell_failure(struct batch *batch, const struct err *failure)
{
    batch->has_failed = true;
    batch->failure    = *failure;
    if (failure->kind != ERR_FULL)
        batch->failure.kind = ERR_UNAVAILABLE;
}

/* The batch is over; failure null: it is on disk. */
static void settle(struct sqlite_writer *writer, const struct err *failure)
{
    struct batch *batch = TAKE(writer->batch);

    pthread_mutex_lock(&writer->lock);
    if (failure != NULL) {
        tell_failure(batch, failure);
    } else if (batch->n_members > 0) {
        writer->counts.n_transactions += batch->n_members;
        writer->counts.n_commits++;
    }
    batch->is_settled = true;
    pthread_cond_broadcast(&batch->settled);
    batch_unref(batch);
    pthread_mutex_unlock(&writer->lock);
}

/* After some failures there is nothing left to roll back; a rollback that fails leaves nothing either. */
static void roll_back_all(struct sqlite_writer *writer)
{
    struct err ignored; /* the failure that led here is the one to tell */

    if (!sqlite_conn_is_idle(writer->conn))
        sqlite_conn_run(writer->conn, &roll_back, &ignored);
    ASSERT(sqlite_conn_is_idle(writer->conn));
}

static void close_batch(struct sqlite_writer *writer)
{
    struct err failure;

    if (writer->batch->n_members == 0) {
        roll_back_all(writer);
        settle(writer, NULL);
        return;
    }
    if (failpoint(FP_WRITER_COMMIT, &failure) < 0 ||
        sqlite_conn_run(writer->conn, &commit, &failure) < 0) {
        roll_back_all(writer);
        settle(writer, &failure);
        return;
    }
    atomic_fetch_add(&writer->generation, 1);
    (void)failpoint(FP_WRITER_COMMITTED, &failure);
    settle(writer, NULL);
}

static bool has_waiters(struct sqlite_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool has = writer->first != NULL;
    pthread_mutex_unlock(&writer->lock);
    return has;
}

/* Still in the turn, for nobody may write meanwhile, but after the members were told. */
static void checkpoint(struct sqlite_writer *writer)
{
    struct err ignored; /* points to be killed or held up at */
    int        n_frames = sqlite_conn_wal_frames(writer->conn);

    if (n_frames < WAL_SOFT || (n_frames < WAL_HARD && has_waiters(writer)))
        return;
    writer->let_go(writer->context);
    (void)failpoint(FP_WRITER_CHECKPOINT, &ignored);
    sqlite_conn_checkpoint(writer->conn);
    (void)failpoint(FP_WRITER_CHECKPOINTED, &ignored);
}

static void end_turn(struct sqlite_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->batch != NULL && (writer->first == NULL || is_ripe(writer->batch))) {
        pthread_mutex_unlock(&writer->lock);
        close_batch(writer);
        checkpoint(writer);
        pthread_mutex_lock(&writer->lock);
    }
    pass_turn(writer);
    pthread_mutex_unlock(&writer->lock);
}

static int open_batch(struct sqlite_writer *writer, struct err *err)
{
    if (sqlite_conn_run(writer->conn, &begin, err) < 0)
        return -1;

    struct batch *batch = mem_new(struct batch);
    batch->n_owners     = 1;
    batch->opened_at    = clock_monotonic_us();
    pthread_cond_init(&batch->settled, NULL);
    writer->batch = batch;
    return 0;
}

int sqlite_writer_begin(struct sqlite_writer *writer, const char *who, struct sqlite_conn **out,
                        struct err *err)
{
    if (take_turn(writer, who, err) < 0)
        return -1;

    writer->is_lost = false;
    if ((writer->batch == NULL && open_batch(writer, err) < 0) ||
        sqlite_conn_run(writer->conn, &save, err) < 0) {
        end_turn(writer);
        return -1;
    }
    *out = writer->conn;
    return 0;
}

void sqlite_writer_notice(struct sqlite_writer *writer, const struct err *failure)
{
    if (writer->is_lost || !sqlite_conn_is_idle(writer->conn))
        return;
    writer->is_lost = true;
    settle(writer, failure);
}

/* From here on the batch outlives its settling until this member has read the result. */
static void join_batch(struct sqlite_writer *writer, struct batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    batch->n_owners++;
    pthread_mutex_unlock(&writer->lock);
}

static int wait_until_settled(struct sqlite_writer *writer, struct batch *batch, struct err *err)
{
    pthread_mutex_lock(&writer->lock);
    while (!batch->is_settled)
        pthread_cond_wait(&batch->settled, &writer->lock);
    bool has_failed = batch->has_failed;
    if (has_failed)
        *err = batch->failure;
    batch_unref(batch);
    pthread_mutex_unlock(&writer->lock);
    return has_failed ? -1 : 0;
}

/* Whoever gives up because of what he saw goes on only when that is on disk: a refusal that rests on an
 * earlier member of the batch must not be told before that member's change can be seen by everyone. */
void sqlite_writer_abort(struct sqlite_writer *writer)
{
    struct err    failure;
    struct err    ignored; /* the abort stands, whatever became of the others */
    struct batch *seen = NULL;

    if (!writer->is_lost && (sqlite_conn_run(writer->conn, &undo, &failure) < 0 ||
                             sqlite_conn_run(writer->conn, &release, &failure) < 0)) {
        roll_back_all(writer);
        settle(writer, &failure);
    }
    if (writer->batch != NULL && writer->batch->n_members > 0) {
        seen = writer->batch;
        join_batch(writer, seen);
    }
    end_turn(writer);
    if (seen != NULL)
        (void)wait_until_settled(writer, seen, &ignored);
}

int sqlite_writer_commit(struct sqlite_writer *writer, struct err *err)
{
    ASSERT(!writer->is_lost); /* the statement that lost it has broken the transaction */
    if (sqlite_conn_run(writer->conn, &release, err) < 0) {
        sqlite_writer_abort(writer);
        return -1;
    }

    struct batch *batch = writer->batch;
    batch->n_members++;
    join_batch(writer, batch);
    end_turn(writer);
    return wait_until_settled(writer, batch, err);
}

uint64_t sqlite_writer_generation(struct sqlite_writer *writer)
{
    return atomic_load(&writer->generation);
}

void sqlite_writer_counts(struct sqlite_writer *writer, struct db_counts *out)
{
    pthread_mutex_lock(&writer->lock);
    *out = writer->counts;
    pthread_mutex_unlock(&writer->lock);
}
