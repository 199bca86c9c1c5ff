/* db/pg_link.c: a connection to PostgreSQL.
 *
 * Everything goes through turns: commands are added, the turn is ended with a sync, and its answers are read
 * in their order. The first error of a turn is its error; the server skips what follows it. A statement that was
 * only sent stays in the open turn until somebody ends it. */
#include "db/pg_link.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/driver.h"
#include "db/pg_error.h"
#include "io/clock.h"

#define SECOND_US INT64_C(1000000)

enum {
    ANSWER_S      = 7,  /* the server's own deadline for a statement is 5 s */
    COMMIT_S      = 10, /* it may wait for a standby */
    FOREVER_S     = 24 * 3600,
    COMMANDS_MAX  = 24,     /* in a turn */
    COMMANDS_ADD  = 4,      /* that one statement may add to it */
    OLDEST_SERVER = 130000, /* 13: xid8 */
    LIFE_MAX      = 64,
};

/* Of PostgreSQL's catalog (pg_type.dat); the client library has no names for them. */
enum {
    OID_BOOL    = 16,
    OID_BYTEA   = 17,
    OID_NAME    = 19,
    OID_INT8    = 20,
    OID_INT2    = 21,
    OID_INT4    = 23,
    OID_TEXT    = 25,
    OID_VARCHAR = 1043
};

enum role { ROLE_PLAIN, ROLE_STAMP, ROLE_PREPARE, ROLE_ROWS };

struct prepared {
    const struct db_statement *statement; /* the key */
    const char                *sql;       /* what it was prepared from */
    char                       name[16];
    bool                       is_known; /* to the server, once it has read what was sent */
};

struct turn {
    enum role        roles[COMMANDS_MAX];
    struct prepared *prepared[COMMANDS_MAX]; /* by ROLE_PREPARE */
    size_t           n;
};

struct params {
    const char *values[DB_ARGS_MAX];
    int         sizes[DB_ARGS_MAX];
    int         formats[DB_ARGS_MAX];
    Oid         types[DB_ARGS_MAX];
    uint64_t    numbers[DB_ARGS_MAX];
    int         n;
};

struct pg_link {
    PGconn      *pq;
    const char  *password;
    void        *prepared; /* tree of struct prepared (search.h) */
    unsigned     n_prepared;
    enum db_mode mode;
    bool         is_due;  /* begun by the caller, and not yet at the server */
    bool         is_open; /* begun at the server */
    bool         is_lost;
    bool         was_fatal; /* the server ended the connection with its answer to the last turn */
    struct turn  turn;      /* the open one */
    size_t       n_owed;    /* turns whose answers nobody waited for */
    char         warning[128]; /* the last one, since the commit was sent */
    int64_t      xid;
    int64_t      server_us; /* the server's clock, 0: not asked for in this transaction */
    int64_t      asked_at;  /* and ours at that moment */
    int64_t      server_max;
    char         life[LIFE_MAX];

    struct params params; /* of the statement at hand; large, so not on a stack */
};

struct pg_rows {
    struct db_rows rows;
    PGresult      *result;
    int            at; /* -1 before the first */
};

/* clang-format off */
/* Prepared on every connection, so that transactions begin and end without being parsed. */
static const struct {
    const char *name;
    const char *sql;
} fixed[] = {
    { "begin_read",  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
    { "begin_write", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" },
    { "stamp_read",  "SELECT 0::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint" },
    { "stamp_write", "SELECT pg_current_xact_id()::text::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint" },
    { "commit",      "COMMIT" },
    { "rollback",    "ROLLBACK" },
};

/* Deadlines, and commits that wait for the disk; and what the server is. */
static const struct db_statement
set_up = { .name = "pg.set_up", .in = "", .out = "ttttitit",
    .sql = "SELECT set_config('statement_timeout', '5s', false) || set_config('lock_timeout', '2s', false)"
           " || set_config('idle_in_transaction_session_timeout', '5s', false)"
           " || set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
           "    WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
           " || set_config('jit', 'off', false) || set_config('plan_cache_mode', 'force_generic_plan', false),"
           " current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding'),"
           " current_setting('server_version_num')::bigint, pg_is_in_recovery()::text,"
           " current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,"
           " CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END || '/' ||"
           " coalesce((SELECT extract(epoch FROM stats_reset)::text FROM pg_stat_bgwriter), '')" };

static const struct db_statement
safety = { .name = "pg.safety", .in = "", .out = "tt",
    .sql = "SELECT current_setting('fsync'), current_setting('full_page_writes')" };
/* clang-format on */

/* -- turns -------------------------------------------------------------------------------------------- */

static int lost(struct pg_link *conn, struct err *err)
{
    conn->is_lost = true;
    return pg_error_of_connection(conn->pq, conn->password, err);
}

static int late(struct pg_link *conn, int seconds, struct err *err)
{
    conn->is_lost = true;
    return err_set(err, ERR_UNAVAILABLE, "postgresql: no answer within %d s", seconds);
}

/* Lets bytes come and go until an answer is complete. */
static int wait_for_answer(struct pg_link *conn, int seconds, struct err *err)
{
    int64_t until  = clock_monotonic_us() + seconds * SECOND_US;
    int     unsent = PQflush(conn->pq);

    while (unsent > 0 || (unsent == 0 && PQisBusy(conn->pq))) {
        struct pollfd wait = { .fd     = PQsocket(conn->pq),
                               .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };
        int64_t       left = until - clock_monotonic_us();

        if (left <= 0)
            return late(conn, seconds, err);
        if (poll(&wait, 1, (int)(left / 1000) + 1) < 0 && errno != EINTR)
            return lost(conn, err);
        if ((wait.revents & ~POLLOUT) != 0 && PQconsumeInput(conn->pq) == 0)
            return lost(conn, err);
        unsent = PQflush(conn->pq);
    }
    return unsent < 0 ? lost(conn, err) : 0;
}

/* The next answer of any turn; the nulls between them are skipped. */
static int next_answer(struct pg_link *conn, int seconds, PGresult **out, struct err *err)
{
    for (int i = 0; i < 2 * COMMANDS_MAX; i++) {
        if (conn->is_lost || PQstatus(conn->pq) != CONNECTION_OK)
            return lost(conn, err);
        if (wait_for_answer(conn, seconds, err) < 0)
            return -1;
        *out = PQgetResult(conn->pq);
        if (*out != NULL)
            return 0;
    }
    return lost(conn, err);
}

/* Reads what is left of turns that nobody waited for: the ends of transactions. */
static int pay_owed(struct pg_link *conn, struct err *err)
{
    while (conn->n_owed > 0) {
        PGresult *answer;

        if (next_answer(conn, ANSWER_S, &answer, err) < 0)
            return -1;
        ExecStatusType status = PQresultStatus(answer);
        if (status == PGRES_FATAL_ERROR) {
            pg_error_of_result(answer, err);
            conn->is_lost = true;
        }
        if (status == PGRES_PIPELINE_SYNC)
            conn->n_owed--;
        PQclear(answer);
        if (conn->is_lost)
            return -1;
    }
    return 0;
}

static int64_t number_at(const PGresult *result, int row, int column);

static void take_answer(struct pg_link *conn, size_t at, PGresult *answer, PGresult **rows)
{
    switch (conn->turn.roles[at]) {
    case ROLE_PLAIN:
    case ROLE_PREPARE:
        break;
    case ROLE_STAMP:
        conn->xid       = number_at(answer, 0, 0);
        conn->server_us = number_at(answer, 0, 1);
        conn->asked_at  = clock_monotonic_us();
        break;
    case ROLE_ROWS:
        *rows = answer;
        return;
    }
    PQclear(answer);
}

/* From that command on the server has skipped them. */
static void forget_prepared(struct turn *turn, size_t from)
{
    for (size_t at = from; at < turn->n; at++) {
        if (turn->roles[at] == ROLE_PREPARE)
            turn->prepared[at]->is_known = false;
    }
}

static int read_answers(struct pg_link *conn, int seconds, PGresult **rows, struct err *err)
{
    bool has_failed = false;

    for (size_t at = 0;; at++) {
        struct err broke_off;
        PGresult  *answer;

        if (next_answer(conn, seconds, &answer, &broke_off) < 0) {
            if (!has_failed)
                *err = broke_off;
            return -1;
        }
        ExecStatusType status = PQresultStatus(answer);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(answer);
            return has_failed ? -1 : 0;
        }
        if (!has_failed && at < conn->turn.n &&
            (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) {
            take_answer(conn, at, answer, rows);
            continue;
        }
        if (!has_failed) {
            has_failed      = true;
            conn->was_fatal = pg_error_is_fatal(answer);
            forget_prepared(&conn->turn, at);
            pg_error_of_result(answer, err);
        }
        PQclear(answer);
    }
}

/* Ends the turn and reads its answers; out is what its ROLE_ROWS gave, or null. After a failure there are none. */
static int end_turn(struct pg_link *conn, int seconds, PGresult **out, struct err *err)
{
    PGresult *rows = NULL;
    int       done = -1;

    conn->was_fatal = false;
    if (conn->is_lost || PQpipelineSync(conn->pq) != 1)
        lost(conn, err);
    else if (pay_owed(conn, err) == 0)
        done = read_answers(conn, seconds, &rows, err);
    conn->turn.n = 0;
    if (done < 0) {
        PQclear(rows);
        rows = NULL;
    }
    *out = rows;
    return done;
}

/* The same for a turn that asks for no rows. */
static int end_silent_turn(struct pg_link *conn, struct err *err)
{
    PGresult *none = NULL;
    int       done = end_turn(conn, ANSWER_S, &none, err);

    PQclear(none);
    return done;
}

static void add(struct pg_link *conn, enum role role, int was_sent)
{
    ASSERT(conn->turn.n < COMMANDS_MAX);
    conn->turn.roles[conn->turn.n++] = role;
    if (was_sent != 1)
        conn->is_lost = true;
}

static void add_fixed(struct pg_link *conn, enum role role, const char *name)
{
    add(conn, role, PQsendQueryPrepared(conn->pq, name, 0, NULL, NULL, NULL, 1));
}

/* The last turn of a transaction; whoever comes next reads its answer. */
static void send_rollback(struct pg_link *conn)
{
    if (conn->is_lost || PQsendQueryPrepared(conn->pq, "rollback", 0, NULL, NULL, NULL, 1) != 1 ||
        PQpipelineSync(conn->pq) != 1 || PQflush(conn->pq) < 0) {
        conn->is_lost = true;
        return;
    }
    conn->n_owed++;
}

/* -- values ------------------------------------------------------------------------------------------- */

static const char *text_of(const struct db_statement *statement)
{
    return statement->pg != NULL ? statement->pg : statement->sql;
}

static Oid oid_of(char kind)
{
    return kind == 'i' ? OID_INT8 : kind == 'b' ? OID_BYTEA : OID_TEXT;
}

/* Everything travels in binary; a number with its high byte first. */
static void fill_params(const struct db_statement *statement, const struct db_value *args,
                        size_t n_args, struct params *out)
{
    ASSERT(n_args <= DB_ARGS_MAX);
    out->n = (int)n_args;
    for (size_t i = 0; i < n_args; i++) {
        out->types[i]   = oid_of(statement->in[i]);
        out->formats[i] = 1;
        out->values[i]  = NULL;
        out->sizes[i]   = 0;
        if (args[i].kind == DB_INT) {
            out->numbers[i] = htobe64((uint64_t)args[i].number);
            out->values[i]  = (const char *)&out->numbers[i];
            out->sizes[i]   = sizeof(uint64_t);
        } else if (args[i].kind != DB_NULL) {
            out->values[i] = args[i].bytes.p;
            out->sizes[i]  = (int)args[i].bytes.n;
        }
    }
}

static int64_t number_at(const PGresult *result, int row, int column)
{
    const char *bytes = PQgetvalue(result, row, column);
    int         size  = PQgetlength(result, row, column);
    uint64_t    value = 0;

    if (PQgetisnull(result, row, column))
        return 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return size == 2 ? (int16_t)value : size == 4 ? (int32_t)value : (int64_t)value;
}

static bool has_kind(Oid type, char kind)
{
    switch (kind) {
    case 'i':
        return type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_BOOL;
    case 'b':
        return type == OID_BYTEA;
    default:
        return type == OID_TEXT || type == OID_VARCHAR || type == OID_NAME;
    }
}

/* A statement without columns in its row may have some; db.c refuses their rows. */
static int check_columns(const struct db_statement *statement, const PGresult *result,
                         struct err *err)
{
    int n = (int)strlen(statement->out);

    if (PQnfields(result) != n)
        return err_set(err, ERR_INTERNAL, "%d columns where \"%s\" are wanted", PQnfields(result),
                       statement->out);
    for (int i = 0; i < n; i++) {
        if (!has_kind(PQftype(result, i), statement->out[i]))
            return err_set(err, ERR_INTERNAL, "column %d has the type %u and is read as %c", i + 1,
                           PQftype(result, i), statement->out[i]);
    }
    return 0;
}

/* -- statements --------------------------------------------------------------------------------------- */

static int compare_prepared(const void *a, const void *b)
{
    uintptr_t left  = (uintptr_t)((const struct prepared *)a)->statement;
    uintptr_t right = (uintptr_t)((const struct prepared *)b)->statement;

    return left < right ? -1 : left > right;
}

/* Kept under the address of its constant; null when that address held another text before (a test's). */
static struct prepared *find_prepared(struct pg_link *conn, const struct db_statement *statement)
{
    struct prepared   wanted = { .statement = statement };
    struct prepared **kept   = tfind(&wanted, &conn->prepared, compare_prepared);

    if (kept != NULL)
        return (*kept)->sql == text_of(statement) ? *kept : NULL;

    struct prepared *prepared = mem_new(struct prepared);
    prepared->statement       = statement;
    prepared->sql             = text_of(statement);
    snprintf(prepared->name, sizeof(prepared->name), "s%u", conn->n_prepared++);
    if (tsearch(prepared, &conn->prepared, compare_prepared) == NULL) {
        mem_free(prepared);
        return NULL;
    }
    return prepared;
}

static void add_begin(struct pg_link *conn)
{
    bool is_write = conn->mode == DB_WRITE;

    if (!conn->is_due)
        return;
    conn->is_due  = false;
    conn->is_open = true;
    add_fixed(conn, ROLE_PLAIN, is_write ? "begin_write" : "begin_read");
    if (is_write)
        add_fixed(conn, ROLE_STAMP, "stamp_write");
}

static void add_statement(struct pg_link *conn, enum role role,
                          const struct db_statement *statement, const struct db_value *args,
                          size_t n_args)
{
    struct prepared *prepared = find_prepared(conn, statement);
    struct params   *params   = &conn->params;

    fill_params(statement, args, n_args, params);
    add_begin(conn);
    if (prepared == NULL) {
        add(conn, role,
            PQsendQueryParams(conn->pq, text_of(statement), params->n, params->types,
                              params->values, params->sizes, params->formats, 1));
        return;
    }
    if (!prepared->is_known) {
        prepared->is_known                = true;
        conn->turn.prepared[conn->turn.n] = prepared;
        add(conn, ROLE_PREPARE,
            PQsendPrepare(conn->pq, prepared->name, prepared->sql, params->n, params->types));
    }
    add(conn, role,
        PQsendQueryPrepared(conn->pq, prepared->name, params->n, params->values, params->sizes,
                            params->formats, 1));
}

/* Outside of a transaction nothing else keeps a statement from writing. */
static bool is_reading(const struct db_statement *statement)
{
    return strncmp(text_of(statement), "SELECT ", 7) == 0;
}

int pg_link_query(struct pg_link *conn, const struct db_statement *statement,
                  const struct db_value *args, size_t n_args, struct db_rows **out, struct err *err)
{
    PGresult *result;

    if (conn->mode == DB_LOOK && !is_reading(statement))
        return err_set(err, ERR_INTERNAL, "a look that would write");
    add_statement(conn, ROLE_ROWS, statement, args, n_args);
    if (end_turn(conn, ANSWER_S, &result, err) < 0)
        return -1;
    if (check_columns(statement, result, err) < 0) {
        PQclear(result);
        return -1;
    }

    struct pg_rows *rows = mem_new(struct pg_rows);
    rows->result         = result;
    rows->at             = -1;
    *out                 = &rows->rows;
    return 0;
}

int pg_link_send(struct pg_link *conn, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct err *err)
{
    ASSERT(conn->mode == DB_WRITE);
    add_statement(conn, ROLE_PLAIN, statement, args, n_args);
    return conn->turn.n + COMMANDS_ADD > COMMANDS_MAX ? end_silent_turn(conn, err) : 0;
}

static struct pg_rows *rows_of(const struct db_rows *rows)
{
    return (struct pg_rows *)(uintptr_t)rows;
}

int pg_rows_next(struct db_rows *rows, struct err *err)
{
    (void)err;
    return ++rows_of(rows)->at < PQntuples(rows_of(rows)->result);
}

int64_t pg_rows_changed(const struct db_rows *rows)
{
    int64_t n = 0;

    return str_to_int(str_from(PQcmdTuples(rows_of(rows)->result)), &n) ? n : 0;
}

int64_t pg_rows_number(const struct db_rows *rows, size_t column)
{
    return number_at(rows_of(rows)->result, rows_of(rows)->at, (int)column);
}

struct str pg_rows_bytes(const struct db_rows *rows, size_t column)
{
    const PGresult *result = rows_of(rows)->result;
    int             at     = rows_of(rows)->at;

    if (PQgetisnull(result, at, (int)column))
        return STR_NULL;
    return (struct str){ .p = PQgetvalue(result, at, (int)column),
                         .n = (size_t)PQgetlength(result, at, (int)column) };
}

void pg_rows_end(struct db_rows *rows)
{
    PQclear(rows_of(rows)->result);
    mem_free(rows_of(rows));
}

/* The highest number of a parameter outside of quotes. */
static size_t highest_parameter(const char *sql)
{
    bool   is_quoted = false;
    size_t highest   = 0;

    for (; *sql != '\0'; sql++) {
        size_t number = 0;

        if (*sql == '\'')
            is_quoted = !is_quoted;
        if (*sql != '$' || is_quoted)
            continue;
        for (const char *digit = sql + 1; *digit >= '0' && *digit <= '9' && number < 1000; digit++)
            number = number * 10 + (size_t)(*digit - '0');
        if (number > highest)
            highest = number;
    }
    return highest;
}

int pg_link_check(struct pg_link *conn, const struct db_statement *statement, size_t *n_in,
                  size_t *n_out, struct err *err)
{
    Oid       types[DB_ARGS_MAX];
    PGresult *described;
    int       n = (int)strlen(statement->in);

    ASSERT(n <= DB_ARGS_MAX);
    for (int i = 0; i < n; i++)
        types[i] = oid_of(statement->in[i]);
    add(conn, ROLE_PLAIN, PQsendPrepare(conn->pq, "", text_of(statement), n, types));
    add(conn, ROLE_ROWS, PQsendDescribePrepared(conn->pq, ""));
    if (end_turn(conn, ANSWER_S, &described, err) < 0)
        return -1;

    int result = check_columns(statement, described, err);
    *n_in      = highest_parameter(text_of(statement));
    *n_out     = (size_t)PQnfields(described);
    PQclear(described);
    return result;
}

/* Scripts are the one thing that goes outside of the pipeline: it takes one statement a command. */
int pg_link_script(struct pg_link *conn, const char *script, struct err *err)
{
    bool      has_failed = false;
    PGresult *answer;

    add_begin(conn);
    if (end_silent_turn(conn, err) < 0)
        return -1;
    if (PQexitPipelineMode(conn->pq) != 1 ||
        PQsendQuery(conn->pq, "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0") != 1)
        return lost(conn, err);
    for (int part = 0; part < 2; part++) {
        if (part == 1 && !has_failed && PQsendQuery(conn->pq, script) != 1)
            return lost(conn, err);
        for (;;) {
            if (wait_for_answer(conn, FOREVER_S, err) < 0)
                return -1;
            answer = PQgetResult(conn->pq);
            if (answer == NULL)
                break;
            if (PQresultStatus(answer) == PGRES_FATAL_ERROR && !has_failed) {
                pg_error_of_result(answer, err);
                has_failed = true;
            }
            PQclear(answer);
        }
    }
    if (PQenterPipelineMode(conn->pq) != 1)
        return lost(conn, err);
    return has_failed ? -1 : 0;
}

/* -- transactions ------------------------------------------------------------------------------------- */

void pg_link_begin(struct pg_link *conn, enum db_mode mode)
{
    ASSERT(!conn->is_due && !conn->is_open);
    conn->mode      = mode;
    conn->is_due    = mode != DB_LOOK;
    conn->xid       = 0;
    conn->server_us = 0;
}

/* What was sent and never asked for is read first: its errors must not stop the rollback. */
void pg_link_abort(struct pg_link *conn)
{
    struct err ignored; /* nothing of it is to stay */

    if (conn->turn.n > 0)
        (void)end_silent_turn(conn, &ignored);
    if (conn->is_open)
        send_rollback(conn);
    conn->is_due = conn->is_open = false;
}

static enum pg_end commit_writing(struct pg_link *conn, struct err *err)
{
    PGresult *answer;

    conn->warning[0] = '\0';
    add_fixed(conn, ROLE_ROWS, "commit");
    if (end_turn(conn, COMMIT_S, &answer, err) < 0) {
        if (conn->is_lost || conn->was_fatal)
            return PG_UNKNOWN;
        send_rollback(conn); /* a statement before it failed, perhaps, and it was skipped */
        return PG_FAILED;
    }

    bool is_commit = strcmp(PQcmdStatus(answer), "COMMIT") == 0;
    PQclear(answer);
    if (!is_commit) {
        err_set(err, ERR_UNAVAILABLE, "postgresql: rolled back in place of the commit");
        return PG_FAILED;
    }
    if (conn->warning[0] != '\0') {
        err_set(err, ERR_UNAVAILABLE, "postgresql: committed, but: %s", conn->warning);
        return PG_UNSAFE;
    }
    return PG_COMMITTED;
}

/* A transaction that only read ends like an aborted one: nobody waits for it. */
enum pg_end pg_link_commit(struct pg_link *conn, struct err *err)
{
    if (conn->mode != DB_WRITE || !conn->is_open) {
        pg_link_abort(conn);
        return PG_COMMITTED;
    }
    conn->is_open = false;
    return commit_writing(conn, err);
}

int pg_link_get_xid(struct pg_link *conn, int64_t *out, struct err *err)
{
    if (conn->is_open && conn->xid == 0 && end_silent_turn(conn, err) < 0)
        return -1;
    *out = conn->xid;
    return 0;
}

/* Without an answer the time goes on by our own clock: a lost connection fails at its next statement. */
int64_t pg_link_now(struct pg_link *conn)
{
    struct err ignored; /* told by the next statement */

    if (conn->server_us == 0) {
        add_begin(conn);
        if (conn->mode != DB_WRITE)
            add_fixed(conn, ROLE_STAMP, "stamp_read");
        if (end_silent_turn(conn, &ignored) < 0 || conn->server_us == 0)
            return clock_utc_us();
    }
    return conn->server_us + clock_monotonic_us() - conn->asked_at;
}

/* -- life --------------------------------------------------------------------------------------------- */

static void note_warning(void *context, const PGresult *notice)
{
    struct pg_link *conn     = context;
    const char     *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char     *message  = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

    if (severity != NULL && strcmp(severity, "WARNING") == 0)
        snprintf(conn->warning, sizeof(conn->warning), "%s", message == NULL ? "" : message);
}

/* Parameters before the url are defaults that it may overrule, those behind it are not. */
static int connect_to(struct pg_link *conn, const char *url, struct err *err)
{
    static const char *const keys[]   = { "application_name",
                                          "connect_timeout",
                                          "keepalives_idle",
                                          "keepalives_interval",
                                          "keepalives_count",
                                          "tcp_user_timeout",
                                          "gssencmode",
                                          "dbname",
                                          "client_encoding",
                                          "target_session_attrs",
                                          NULL };
    const char              *values[] = { "assay",   "3", "5",    "2",          "3", "10000",
                                          "disable", url, "UTF8", "read-write", NULL };

    conn->pq = PQconnectdbParams(keys, values, 1);
    if (conn->pq == NULL || PQstatus(conn->pq) != CONNECTION_OK)
        return lost(conn, err);
    PQsetNoticeReceiver(conn->pq, note_warning, conn);
    if (PQsetnonblocking(conn->pq, 1) != 0 || PQenterPipelineMode(conn->pq) != 1)
        return lost(conn, err);
    return 0;
}

static int prepare_fixed(struct pg_link *conn, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        add(conn, ROLE_PLAIN, PQsendPrepare(conn->pq, fixed[i].name, fixed[i].sql, 0, NULL));
        if (end_silent_turn(conn, err) < 0)
            return -1;
    }
    return 0;
}

static int must_be_on(const char *name, struct str value, struct err *err)
{
    if (str_is(value, "on"))
        return 0;
    return err_set(err, ERR_UNSUPPORTED,
                   "the PostgreSQL server has %s = off and may lose what it committed: switch it "
                   "on, or say --unsafe-database",
                   name);
}

static int judge_safety(const struct db_rows *rows, size_t first_column, struct err *err)
{
    if (must_be_on("fsync", pg_rows_bytes(rows, first_column), err) < 0)
        return -1;
    return must_be_on("full_page_writes", pg_rows_bytes(rows, first_column + 1), err);
}

int pg_link_check_safety(struct pg_link *conn, struct err *err)
{
    struct db_rows *rows;

    if (pg_link_query(conn, &safety, NULL, 0, &rows, err) < 0)
        return -1;
    int result = pg_rows_next(rows, err) == 1 ? judge_safety(rows, 0, err) : -1;
    pg_rows_end(rows);
    return result;
}

static int judge_server(struct pg_link *conn, const struct db_rows *rows, bool allow_unsafe,
                        struct err *err)
{
    struct str life = pg_rows_bytes(rows, 7);

    if (pg_rows_number(rows, 4) < OLDEST_SERVER)
        return err_set(err, ERR_UNSUPPORTED, "the PostgreSQL server is older than version 13");
    if (!str_is(pg_rows_bytes(rows, 3), "UTF8"))
        return err_set(err, ERR_UNSUPPORTED,
                       "the PostgreSQL database has the encoding " STR_FMT ", not UTF8",
                       STR_ARGS(pg_rows_bytes(rows, 3)));
    if (!allow_unsafe && judge_safety(rows, 1, err) < 0)
        return -1;
    if (!str_is(pg_rows_bytes(rows, 5), "false"))
        return err_set(err, ERR_UNAVAILABLE, "the PostgreSQL server is a standby");

    conn->server_max = pg_rows_number(rows, 6);
    snprintf(conn->life, sizeof(conn->life), STR_FMT, STR_ARGS(life));
    return 0;
}

static int set_up_session(struct pg_link *conn, bool allow_unsafe, struct err *err)
{
    struct db_rows *rows;

    if (pg_link_query(conn, &set_up, NULL, 0, &rows, err) < 0)
        return -1;
    int result = pg_rows_next(rows, err) == 1 ? judge_server(conn, rows, allow_unsafe, err) : -1;
    pg_rows_end(rows);
    return result < 0 ? -1 : prepare_fixed(conn, err);
}

int pg_link_open(const struct pg_target *target, struct pg_link **out, struct err *err)
{
    AUTO(pg_link_close) struct pg_link *conn = mem_new(struct pg_link);

    conn->password = target->password;
    if (connect_to(conn, target->url, err) < 0 ||
        set_up_session(conn, target->allow_unsafe, err) < 0)
        return -1;
    *out = TAKE(conn);
    return 0;
}

void pg_link_close(struct pg_link **conn)
{
    if (*conn == NULL)
        return;

    tdestroy((*conn)->prepared, mem_free);
    PQfinish((*conn)->pq);
    mem_free(*conn);
    *conn = NULL;
}

/* Bytes that nobody asked for are a notice, or the server's last words and the end. */
bool pg_link_is_good(struct pg_link *conn)
{
    struct pollfd look = { .events = POLLIN };

    for (int i = 0; !conn->is_lost && i < 4; i++) {
        look.fd = PQsocket(conn->pq);
        if (poll(&look, 1, 0) <= 0)
            break;
        if (PQconsumeInput(conn->pq) == 0 || PQstatus(conn->pq) != CONNECTION_OK)
            conn->is_lost = true;
    }
    return !conn->is_lost;
}

int64_t pg_link_server_max(const struct pg_link *conn)
{
    return conn->server_max;
}

struct str pg_link_incarnation(const struct pg_link *conn)
{
    return str_from(conn->life);
}
