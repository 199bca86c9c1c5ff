/* meta/job.c: the queue and the logs. */
#include "meta/job.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/statements.h"

enum {
    ADD,
    FIND,
    TAKE,
    RENEW,
    GUARD,
    END,
    RELEASE,
    BURY_CANCELED,
    BURY_POISON,
    BURY,
    CANCEL_WAITING,
    CANCEL_RUNNING,
    REMOVE,
    WAITS,
    IS_OPEN,
    HAS_NOT_ENDED,
    TO_CANCEL,
    COLLECTOR,
    ACTIONS_DUE,
    IS_DEAD,
    LAST_KEPT,
    DROP_LINES,
    DROP,
    PAGE,
    PAGE_ACTION,
    PAGE_WORKER,
    COUNTS,
    LOG,
    LAST_LINE,
    LOG_PAGE
};

#define COLUMNS                                                                              \
    "id, uuid, action, status, parameters, capacity, unique_key, scheduled_at, created_at, " \
    "created_by, updated_at, started_at, ended_at, deadline_us, stop_timeout_us, "           \
    "retries_total, retries_left, retry_of, worker_id, fence, lease_until, n_taken, message"
#define KINDS "ittttttiiiiiiiiiittiiit"

enum {
    ACTIONS_MAX = 1000, /* a table of the program */
    HELD_MAX    = 10000,
    OLD_JOBS    = 500, /* looked at a call */
    OLD_LINES   = 5000
};

/* Of a filter that every page has: running, or not, or any. */
#define IS_RUNNING(n, status)                                                \
    "(" n " < 0 OR (" n " = 1) = (status IN ('running', 'cancel_request')))" \
    " AND (" status " = '' OR status = " status ")"

/* What the row of a job that is held looks like. */
#define HELD "status IN ('running', 'cancel_request')"

#define DUE                                                                               \
    "SELECT id FROM jobs WHERE action = $1 AND status IN ('waiting', 'worker_dead') AND " \
    "scheduled_at <= $3"                                                                  \
    " ORDER BY scheduled_at, id LIMIT 1"
#define TAKEN                                                                                  \
    "UPDATE jobs SET status = 'running', worker_id = $2, fence = fence + 1, lease_until = $4," \
    " n_taken = n_taken + 1, started_at = coalesce(started_at, $3), updated_at = $3"

/* `|| ''` below keeps an engine from an index over all of the history: those that are held are few. */

/* Those that ended longest ago. */
#define OLD \
    "SELECT id FROM jobs WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2"

/* clang-format off */
static const struct db_statement sql[] = {
    [ADD]            = { .name   = "job.add",            .in = "tttttiiiiiiit", .out = "",
                         .sql    = "INSERT INTO jobs (uuid, action, status, parameters, capacity, unique_key, scheduled_at,"
                                   " created_at, updated_at, created_by, deadline_us, stop_timeout_us, retries_total,"
                                   " retries_left, retry_of)"
                                   " VALUES ($1, $2, 'waiting', $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13)" },
    [FIND]           = { .name   = "job.find",           .in = "t",     .out = KINDS,
                         .sql    = "SELECT " COLUMNS " FROM jobs WHERE uuid = $1" },
    [TAKE]           = { .name   = "job.take",           .in = "ttii",  .out = KINDS,
                         .sqlite = TAKEN " WHERE id = (" DUE ") RETURNING " COLUMNS,
                         .pg     = TAKEN " WHERE id = (" DUE " FOR UPDATE SKIP LOCKED) RETURNING " COLUMNS },
    [RENEW]          = { .name   = "job.renew",          .in = "iii",   .out = "i",
                         .sql    = "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND fence = $2 AND " HELD
                                   " RETURNING CASE WHEN status = 'cancel_request' THEN 1 ELSE 0 END" },
    [GUARD]          = { .name   = "job.guard",          .in = "ii",    .out = "i",
                         .sqlite = "SELECT id FROM jobs WHERE id = $1 AND fence = $2 AND " HELD,
                         .pg     = "SELECT id FROM jobs WHERE id = $1 AND fence = $2 AND " HELD " FOR UPDATE" },
    [END]            = { .name   = "job.end",            .in = "iitti", .out = "",
                         .sql    = "UPDATE jobs SET status = $3, message = $4, ended_at = $5, updated_at = $5,"
                                   " lease_until = NULL WHERE id = $1 AND fence = $2 AND " HELD },
    [RELEASE]        = { .name   = "job.release",        .in = "iii",   .out = "",
                         .sql    = "UPDATE jobs SET status = CASE WHEN status = 'running' THEN 'worker_dead' ELSE 'canceled' END,"
                                   " ended_at = CASE WHEN status = 'running' THEN NULL ELSE $3 END, updated_at = $3,"
                                   " lease_until = NULL, n_taken = n_taken - 1 WHERE id = $1 AND fence = $2 AND " HELD },
    [BURY_CANCELED]  = { .name   = "job.bury_canceled",  .in = "i",     .out = "",
                         .sql    = "UPDATE jobs SET status = 'canceled', ended_at = $1, updated_at = $1, lease_until = NULL,"
                                   " message = 'its worker died after it was canceled'"
                                   " WHERE status = 'cancel_request' AND lease_until < $1" },
    [BURY_POISON]    = { .name   = "job.bury_poison",    .in = "ii",    .out = "",
                         .sql    = "UPDATE jobs SET status = 'errored', ended_at = $1, updated_at = $1, lease_until = NULL,"
                                   " message = 'every worker that took it died'"
                                   " WHERE status = 'running' AND lease_until < $1 AND n_taken >= $2" },
    [BURY]           = { .name   = "job.bury",           .in = "i",     .out = "",
                         .sql    = "UPDATE jobs SET status = 'worker_dead', updated_at = $1, lease_until = NULL"
                                   " WHERE status = 'running' AND lease_until < $1" },
    [CANCEL_WAITING] = { .name   = "job.cancel_waiting", .in = "ti",    .out = "",
                         .sql    = "UPDATE jobs SET status = 'canceled', ended_at = $2, updated_at = $2"
                                   " WHERE uuid = $1 AND status IN ('waiting', 'worker_dead')" },
    [CANCEL_RUNNING] = { .name   = "job.cancel_running", .in = "ti",    .out = "",
                         .sql    = "UPDATE jobs SET status = 'cancel_request', updated_at = $2"
                                   " WHERE uuid = $1 AND " HELD },
    [REMOVE]         = { .name   = "job.remove",         .in = "t",     .out = "",
                         .sql    = "DELETE FROM jobs WHERE uuid = $1 AND NOT " HELD },
    [WAITS]          = { .name   = "job.waits",          .in = "tt",    .out = "i",
                         .sql    = "SELECT id FROM jobs WHERE action = $1 AND unique_key = $2 AND status = 'waiting'" },
    [IS_OPEN]        = { .name   = "job.is_open",        .in = "ti",    .out = "i",
                         .sql    = "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE action = $1"
                                   " AND status IN ('waiting', 'worker_dead') AND scheduled_at <= $2)"
                                   " OR EXISTS (SELECT 1 FROM jobs WHERE lease_until IS NOT NULL AND action = $1)"
                                   " THEN 1 ELSE 0 END" },
    [HAS_NOT_ENDED]  = { .name   = "job.has_not_ended",  .in = "i",     .out = "i",
                         .sql    = "SELECT 1 FROM jobs WHERE id = $1 AND ended_at IS NULL" },
    [TO_CANCEL]      = { .name   = "job.to_cancel",      .in = "t",     .out = "i",
                         .sql    = "SELECT id FROM jobs WHERE lease_until > 0 AND worker_id || '' = $1"
                                   " AND status = 'cancel_request'" },
    [COLLECTOR]      = { .name   = "job.collector",      .in = "",      .out = "t",
                         .sql    = "SELECT worker_id FROM jobs WHERE lease_until > 0 AND action || '' IN"
                                   " ('gc', 'onlinegc', 'onlinegc_metadata', 'onlinegc_blobs') ORDER BY lease_until LIMIT 1" },
    [ACTIONS_DUE]    = { .name   = "job.actions_due",    .in = "i",     .out = "t",
                         .sql    = "SELECT DISTINCT action FROM jobs WHERE status IN ('waiting', 'worker_dead')"
                                   " AND scheduled_at <= $1 ORDER BY action" },
    [IS_DEAD]        = { .name   = "job.is_dead",        .in = "i",     .out = "i",
                         .sql    = "SELECT id FROM jobs WHERE lease_until < $1 LIMIT 1" },
    [LAST_KEPT]      = { .name   = "job.last_kept",      .in = "i",     .out = "i",
                         .sql    = "SELECT ended_at FROM jobs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1 OFFSET $1" },
    [DROP_LINES]     = { .name   = "job.drop_lines",     .in = "iii",   .out = "",
                         .sql    = "DELETE FROM job_logs WHERE (job_id, line) IN (SELECT l.job_id, l.line FROM job_logs l"
                                   " WHERE l.job_id IN (" OLD ") LIMIT $3)" },
    [DROP]           = { .name   = "job.drop",           .in = "ii",    .out = "",
                         .sql    = "DELETE FROM jobs WHERE id IN (" OLD ")"
                                   " AND NOT EXISTS (SELECT 1 FROM job_logs l WHERE l.job_id = jobs.id)" },
    [PAGE]           = { .name   = "job.page",           .in = "iiit",  .out = KINDS,
                         .sql    = "SELECT " COLUMNS " FROM jobs WHERE " IS_RUNNING("$1", "$4")
                                   " ORDER BY id DESC LIMIT $2 OFFSET $3" },
    [PAGE_ACTION]    = { .name   = "job.page_action",    .in = "iiittt", .out = KINDS,
                         .sql    = "SELECT " COLUMNS " FROM jobs WHERE action = $5 AND " IS_RUNNING("$1", "$4")
                                   " AND ($6 = '' OR worker_id = $6) ORDER BY id DESC LIMIT $2 OFFSET $3" },
    [PAGE_WORKER]    = { .name   = "job.page_worker",    .in = "iiitt", .out = KINDS,
                         .sql    = "SELECT " COLUMNS " FROM jobs WHERE worker_id = $5 AND " IS_RUNNING("$1", "$4")
                                   " ORDER BY id DESC LIMIT $2 OFFSET $3" },
    [COUNTS]         = { .name   = "job.counts",         .in = "",      .out = "tii",
                         .sql    = "SELECT action, sum(CASE WHEN status IN ('waiting', 'worker_dead') THEN 1 ELSE 0 END),"
                                   " sum(CASE WHEN " HELD " THEN 1 ELSE 0 END) FROM jobs"
                                   " WHERE status IN ('waiting', 'worker_dead', 'running', 'cancel_request')"
                                   " GROUP BY action ORDER BY action" },
    [LOG]            = { .name   = "job.log",            .in = "iiit",  .out = "",
                         .sql    = "INSERT INTO job_logs (job_id, line, at, data) VALUES ($1, $2, $3, $4)" },
    [LAST_LINE]      = { .name   = "job.last_line",      .in = "i",     .out = "i",
                         .sql    = "SELECT coalesce(max(line), 0) FROM job_logs WHERE job_id = $1" },
    [LOG_PAGE]       = { .name   = "job.log_page",       .in = "iii",   .out = "iit",
                         .sql    = "SELECT line, at, data FROM job_logs WHERE job_id = $1 AND line > $2 ORDER BY line LIMIT $3" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_job, id),
    DB_COL_TEXT(struct meta_job, uuid),
    DB_COL_TEXT(struct meta_job, action),
    DB_COL_TEXT(struct meta_job, status),
    DB_COL_TEXT(struct meta_job, parameters),
    DB_COL_TEXT(struct meta_job, capacity),
    DB_COL_TEXT(struct meta_job, unique_key),
    DB_COL_INT (struct meta_job, scheduled_at),
    DB_COL_INT (struct meta_job, created_at),
    DB_COL_INT (struct meta_job, created_by),
    DB_COL_INT (struct meta_job, updated_at),
    DB_COL_INT (struct meta_job, started_at),
    DB_COL_INT (struct meta_job, ended_at),
    DB_COL_INT (struct meta_job, deadline_us),
    DB_COL_INT (struct meta_job, stop_timeout_us),
    DB_COL_INT (struct meta_job, retries_total),
    DB_COL_INT (struct meta_job, retries_left),
    DB_COL_TEXT(struct meta_job, retry_of),
    DB_COL_TEXT(struct meta_job, worker_id),
    DB_COL_INT (struct meta_job, fence),
    DB_COL_INT (struct meta_job, lease_until),
    DB_COL_INT (struct meta_job, n_taken),
    DB_COL_TEXT(struct meta_job, message),
};

static const struct db_column line_columns[] = {
    DB_COL_INT (struct meta_job_line, line),
    DB_COL_INT (struct meta_job_line, at),
    DB_COL_TEXT(struct meta_job_line, data),
};

static const struct db_column count_columns[] = {
    DB_COL_TEXT(struct meta_job_counts, action),
    DB_COL_INT (struct meta_job_counts, n_waiting),
    DB_COL_INT (struct meta_job_counts, n_running),
};
/* clang-format on */

META_STATEMENTS(job);

static struct str or_empty(struct str text)
{
    return text.p == NULL ? STR("{}") : text;
}

int meta_job_add(struct db_tx *tx, struct arena *arena, const struct meta_job *job,
                 struct str *out_uuid, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    *out_uuid = str_copy(arena, str_from(uuid));
    return db_run(tx, &sql[ADD],
                  DB_ARGS(db_text(*out_uuid), db_text(job->action),
                          db_text(or_empty(job->parameters)), db_text(or_empty(job->capacity)),
                          db_text(job->unique_key), db_int(job->scheduled_at), db_int(db_now(tx)),
                          db_int(job->created_by), db_int(job->deadline_us),
                          db_int(job->stop_timeout_us), db_int(job->retries_total),
                          db_int(job->retries_left), db_text(job->retry_of)),
                  NULL, err);
}

int meta_job_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_job *out,
                  struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(uuid)), columns, out, err);
}

int meta_job_take(struct db_tx *tx, struct arena *arena, struct str action, struct str worker_id,
                  int64_t lease_us, struct meta_job *out, struct err *err)
{
    int64_t now = db_now(tx);

    return db_find(tx, arena, &sql[TAKE],
                   DB_ARGS(db_text(action), db_text(worker_id), db_int(now),
                           db_int(now + lease_us)),
                   columns, out, err);
}

int meta_job_renew(struct db_tx *tx, int64_t id, int64_t fence, int64_t lease_us, bool *out_cancel,
                   struct err *err)
{
    int64_t is_canceled = 0;
    int     found       = db_find_int(tx, &sql[RENEW],
                                      DB_ARGS(db_int(id), db_int(fence), db_int(db_now(tx) + lease_us)),
                                      &is_canceled, err);

    *out_cancel = is_canceled != 0;
    return found;
}

static int lost(int64_t id, struct err *err)
{
    return err_set_code(err, ERR_CONFLICT, "JOB_LOST", STR_NULL,
                        "job %lld was given to another worker in the meantime", (long long)id);
}

int meta_job_guard(struct db_tx *tx, int64_t id, int64_t fence, struct err *err)
{
    int64_t same;
    int     found = db_find_int(tx, &sql[GUARD], DB_ARGS(db_int(id), db_int(fence)), &same, err);

    if (found < 0)
        return -1;
    return found == 1 ? 0 : lost(id, err);
}

int meta_job_end(struct db_tx *tx, int64_t id, int64_t fence, const char *status,
                 struct str message, struct err *err)
{
    int64_t n = 0;

    if (db_run(tx, &sql[END],
               DB_ARGS(db_int(id), db_int(fence), db_text(str_from(status)),
                       db_text(message.p == NULL ? STR("") : message), db_int(db_now(tx))),
               &n, err) < 0)
        return -1;
    return n == 1 ? 0 : lost(id, err);
}

int meta_job_release(struct db_tx *tx, int64_t id, int64_t fence, struct err *err)
{
    int64_t n = 0;

    if (db_run(tx, &sql[RELEASE], DB_ARGS(db_int(id), db_int(fence), db_int(db_now(tx))), &n, err) <
        0)
        return -1;
    return n == 1 ? 0 : lost(id, err);
}

int meta_job_bury(struct db_tx *tx, int64_t n_most, int64_t *out_n, struct err *err)
{
    int64_t now      = db_now(tx);
    int64_t canceled = 0, poison = 0, dead = 0;

    if (db_run(tx, &sql[BURY_CANCELED], DB_ARGS(db_int(now)), &canceled, err) < 0 ||
        db_run(tx, &sql[BURY_POISON], DB_ARGS(db_int(now), db_int(n_most)), &poison, err) < 0 ||
        db_run(tx, &sql[BURY], DB_ARGS(db_int(now)), &dead, err) < 0)
        return -1;
    *out_n = canceled + poison + dead;
    return 0;
}

int meta_job_cancel(struct db_tx *tx, struct str uuid, int64_t *out_n, struct err *err)
{
    int64_t now = db_now(tx);

    if (db_run(tx, &sql[CANCEL_WAITING], DB_ARGS(db_text(uuid), db_int(now)), out_n, err) < 0)
        return -1;
    if (*out_n > 0)
        return 0;
    return db_run(tx, &sql[CANCEL_RUNNING], DB_ARGS(db_text(uuid), db_int(now)), out_n, err);
}

int meta_job_waits(struct db_tx *tx, struct str action, struct str unique_key, struct err *err)
{
    int64_t id;

    return db_find_int(tx, &sql[WAITS], DB_ARGS(db_text(action), db_text(unique_key)), &id, err);
}

int meta_job_is_open(struct db_tx *tx, struct str action, struct err *err)
{
    int64_t is_open;

    if (db_find_int(tx, &sql[IS_OPEN], DB_ARGS(db_text(action), db_int(db_now(tx))), &is_open,
                    err) < 0)
        return -1;
    return is_open != 0;
}

int meta_job_has_not_ended(struct db_tx *tx, int64_t id, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[HAS_NOT_ENDED], DB_ARGS(db_int(id)), &one, err);
}

int meta_job_to_cancel(struct db_tx *tx, struct arena *arena, struct str worker_id, int64_t **out,
                       size_t *n_out, struct err *err)
{
    static const struct db_column id[] = { { .kind = DB_INT, .offset = 0 } };
    void                         *list = NULL;
    int done = db_list(tx, arena, &sql[TO_CANCEL], DB_ARGS(db_text(worker_id)), id, sizeof(**out),
                       HELD_MAX, &list, n_out, err);

    *out = list;
    return done;
}

int meta_job_collector(struct db_tx *tx, struct arena *arena, struct str *out, struct err *err)
{
    return db_find_text(tx, arena, &sql[COLLECTOR], DB_NO_ARGS, out, err);
}

int meta_job_due(struct db_tx *tx, struct arena *arena, struct str **out, size_t *n_out,
                 struct err *err)
{
    return db_list_text(tx, arena, &sql[ACTIONS_DUE], DB_ARGS(db_int(db_now(tx))), ACTIONS_MAX, out,
                        n_out, err);
}

int meta_job_is_any_dead(struct db_tx *tx, struct err *err)
{
    int64_t id;

    return db_find_int(tx, &sql[IS_DEAD], DB_ARGS(db_int(db_now(tx))), &id, err);
}

int meta_job_remove(struct db_tx *tx, struct str uuid, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_text(uuid)), out_n, err);
}

int meta_job_expire(struct db_tx *tx, int64_t before, struct meta_job_dropped *done,
                    struct err *err)
{
    int64_t n_lines = 0, n_jobs = 0;

    if (db_run(tx, &sql[DROP_LINES], DB_ARGS(db_int(before), db_int(OLD_JOBS), db_int(OLD_LINES)),
               &n_lines, err) < 0 ||
        db_run(tx, &sql[DROP], DB_ARGS(db_int(before), db_int(OLD_JOBS)), &n_jobs, err) < 0)
        return -1;
    done->n_lines += n_lines;
    done->n_jobs += n_jobs;
    return 0;
}

/* Of jobs that ended in the same µs as the last that is kept, all are. */
int meta_job_trim(struct db_tx *tx, int64_t n_keep, struct meta_job_dropped *done, struct err *err)
{
    int64_t last;
    int     found = db_find_int(tx, &sql[LAST_KEPT], DB_ARGS(db_int(n_keep - 1)), &last, err);

    if (found < 1)
        return found;
    return meta_job_expire(tx, last, done, err);
}

int meta_job_page(struct db_tx *tx, struct arena *arena, const struct meta_job_filter *filter,
                  int64_t start, size_t n_max, struct meta_job **out, size_t *n_out,
                  struct err *err)
{
    struct str      worker  = filter->worker_id.p == NULL ? STR("") : filter->worker_id;
    struct db_value running = db_int(filter->is_running);
    struct db_value status  = db_text(filter->status.p == NULL ? STR("") : filter->status);
    struct db_value limit = db_int((int64_t)n_max), offset = db_int(start);
    void           *list = NULL;
    int             done;

    if (filter->action.p != NULL)
        done = db_list(tx, arena, &sql[PAGE_ACTION],
                       DB_ARGS(running, limit, offset, status, db_text(filter->action),
                               db_text(worker)),
                       columns, sizeof(**out), n_max, &list, n_out, err);
    else if (worker.n > 0)
        done = db_list(tx, arena, &sql[PAGE_WORKER],
                       DB_ARGS(running, limit, offset, status, db_text(worker)), columns,
                       sizeof(**out), n_max, &list, n_out, err);
    else
        done = db_list(tx, arena, &sql[PAGE], DB_ARGS(running, limit, offset, status), columns,
                       sizeof(**out), n_max, &list, n_out, err);
    *out = list;
    return done;
}

int meta_job_counts(struct db_tx *tx, struct arena *arena, struct meta_job_counts **out,
                    size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[COUNTS], DB_NO_ARGS, count_columns, sizeof(**out),
                         ACTIONS_MAX, &list, n_out, err);

    *out = list;
    return done;
}

int meta_job_log(struct db_tx *tx, int64_t id, const struct meta_job_line *line, struct err *err)
{
    return db_run(tx, &sql[LOG],
                  DB_ARGS(db_int(id), db_int(line->line), db_int(line->at), db_text(line->data)),
                  NULL, err);
}

int meta_job_last_line(struct db_tx *tx, int64_t id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[LAST_LINE], DB_ARGS(db_int(id)), out, err) < 0 ? -1 : 0;
}

int meta_job_log_page(struct db_tx *tx, struct arena *arena, int64_t id, int64_t after,
                      size_t n_max, struct meta_job_line **out, size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[LOG_PAGE],
                         DB_ARGS(db_int(id), db_int(after), db_int((int64_t)n_max)), line_columns,
                         sizeof(**out), n_max, &list, n_out, err);

    *out = list;
    return done;
}
