/* db/db.h: one SQL interface over the drivers. Nothing above asks which engine it is.
 *
 * Statements are constants with a name, declared at the head of meta/<record>.c; values are only ever
 * bound. A transaction is an object: begin, then commit or abort (abort is the AUTO target and does
 * nothing after a commit). When db_commit returns 0 the changes are on disk. When it returns -1 none of them
 * is, with one exception: a PostgreSQL server that is away for longer than the driver may wait leaves a
 * commit in doubt, which is ERR_UNAVAILABLE too, and the text says so. Whoever tries again must find either.
 *
 * SQLite (driver sqlite.c): one connection writes and checkpoints. db_begin(DB_WRITE) takes the writer
 * mutex and a SAVEPOINT in the open batch; db_commit releases both and waits for the batch's COMMIT, so
 * that transactions of many threads share one fsync (synchronous=FULL); abort rolls back to the
 * savepoint; readers see nothing before the COMMIT; when COMMIT fails every member gets ERR_UNAVAILABLE.
 * Nothing may wait on the network or run longer than 50 ms between begin and commit. Readers have
 * connections of their own with checkpoint-on-close off.
 *
 * PostgreSQL (driver pg.c): a pool of connections that all threads share. DB_WRITE is READ COMMITTED, rows
 * that a decision rests on are locked by the statement that reads them (`.pg` texts with FOR …); DB_READ is
 * REPEATABLE READ, one snapshot from its first statement on; DB_LOOK has no transaction. Deadlines of the server: statement 5 s, lock
 * 2 s, idle in a transaction 5 s; of the driver: 7 s for an answer, 10 s for a commit. A commit whose answer
 * was lost is looked up by its transaction id (pg.c says how). A result is held in memory whole: page.
 *
 * Races: with several writers a transaction may lose one through no fault of its own (a deadlock, a
 * serialisation failure, a row that another has just made). It has left nothing then, and its error says
 * may_repeat. The driver cannot run a verb again; whoever can does, with db_again: the API for every request
 * without a streamed body, a verb with a stream for its transaction alone, a periodic job by its next turn.
 *
 * Threads: a struct db may be used from any; a struct db_tx belongs to one thread from begin to end.
 * Row values are views into the driver's memory until the next step; copy what is to stay. */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db;
struct db_driver;
struct db_rows;
struct db_tx;
struct err;

enum db_mode {
    DB_READ, /* a consistent view from its first statement on */
    DB_LOOK, /* each statement sees what is committed at its moment: for a point read, or some that need not
              * agree. On PostgreSQL it has no BEGIN and no end, and costs two thirds */
    DB_WRITE /* exclusive on SQLite; READ COMMITTED with row locks on PostgreSQL */
};

enum db_kind { DB_INT, DB_TEXT, DB_BLOB, DB_NULL };

struct db_value {
    enum db_kind kind;
    int64_t      number;
    struct str   bytes; /* text and blob; the null view binds NULL */
};

static inline struct db_value db_int(int64_t number)
{
    return (struct db_value){ .kind = DB_INT, .number = number };
}

static inline struct db_value db_text(struct str text)
{
    return (struct db_value){ .kind = text.p == NULL ? DB_NULL : DB_TEXT, .bytes = text };
}

static inline struct db_value db_blob(struct str bytes)
{
    return (struct db_value){ .kind = bytes.p == NULL ? DB_NULL : DB_BLOB, .bytes = bytes };
}

static inline struct db_value db_null(void)
{
    return (struct db_value){ .kind = DB_NULL };
}

/* Where a result column goes in a struct: DB_INT to int64_t, DB_TEXT and DB_BLOB to struct str (copied
 * into the arena, NULL gives the null view; NULL in DB_INT gives 0). */
struct db_column {
    enum db_kind kind;
    size_t       offset;
};

/* clang-format off */
#define DB_COL(type, member, its_kind, wanted) \
    { .kind = (its_kind), .offset = offsetof(type, member) + 0 * sizeof(char[ \
        __builtin_types_compatible_p(__typeof__(((type *)0)->member), wanted) ? 1 : -1]) }
#define DB_COL_INT(type, member)  DB_COL(type, member, DB_INT, int64_t)
#define DB_COL_TEXT(type, member) DB_COL(type, member, DB_TEXT, struct str)
#define DB_COL_BLOB(type, member) DB_COL(type, member, DB_BLOB, struct str)
/* clang-format on */

struct db_statement {
    const char *name;   /* "tag.find" */
    const char *sql;    /* numbered parameters $1, $2 …: both engines read them */
    const char *sqlite; /* instead of sql there; null: the same */
    const char *pg;
    const char *in;  /* kinds of the parameters: i int, t text, b blob */
    const char *out; /* kinds of the result columns; "" for none */
};

/* Statements of one file, for the test that prepares them all. */
struct db_statements {
    const char                *name; /* "meta/tag" */
    const struct db_statement *list;
    size_t                     n;
};

/* url: "sqlite:/path/to/assay.db" (made when missing) or "postgres://…". n_readers: connections that
 * DB_READ shares. ERR_INVALID for an url without driver, ERR_UNAVAILABLE when it cannot be opened. */
struct db_settings {
    struct str url;
    size_t     n_readers;
    size_t     pool_size;    /* connections to PostgreSQL; 0: a quarter of 0.8 × max_connections */
    bool       allow_unsafe; /* --unsafe-database */
    bool       must_exist;   /* a missing file is ERR_NOT_FOUND and not made */
};

int  db_open(const struct db_settings *settings, struct db **out, struct err *err);
void db_close(struct db **db);

/* "sqlite" or "postgres", for people to read. */
const char *db_engine(const struct db *db);

/* May point reads be made on an event thread (5 µs on SQLite), or do they cost a network turn? */
bool db_has_fast_reads(const struct db *db);

/* who: a static text that says who began it ("push manifest"), for messages and for asserts. A DB_READ
 * may use a connection that the calling thread keeps to itself (event threads), see db_thread_reader. */
int  db_begin(struct db *db, enum db_mode mode, const char *who, struct db_tx **out,
              struct err *err);
int  db_commit(struct db_tx **tx, struct err *err);
void db_abort(struct db_tx **tx);

/* From now on DB_READs of the calling thread use a connection of its own, without any lock. For event
 * threads on engines with fast reads. Ends with the db. */
int db_thread_reader(struct db *db, struct err *err);

/* After a failure: is it one after which the same is to be tried again, and was it tried less than three
 * times? Waits a moment then, a random one. *n_tries begins at 0.
 *
 *     do
 *         done = try_it(…, err);
 *     while (done < 0 && db_again(err, &n_tries)); */
bool db_again(const struct err *err, int *n_tries);

/* The database's clock in microseconds UTC: the only time in tables (SQLite: io/clock). Within one
 * transaction it may go on. */
int64_t db_now(struct db_tx *tx);

#define DB_ARGS(...)                          \
    (const struct db_value[]){ __VA_ARGS__ }, \
        sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)
#define DB_NO_ARGS NULL, 0

/* Parameters of one statement: some rows at once. */
enum { DB_ARGS_MAX = 512 };

/* Runs a statement without results. n_changed may be null. A violated unique key is ERR_EXISTS, another
 * constraint ERR_CONFLICT, a busy or lost database ERR_UNAVAILABLE, a full disk ERR_FULL. After a failed
 * statement the transaction can only be aborted. */
int db_run(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
           size_t n_args, int64_t *n_changed, struct err *err);

/* The same of a writing transaction, for a statement whose result nobody asks for: the driver may let it go out with a
 * later one, for which a network then costs one turn. So its failure may be told by a later statement, or by the
 * commit: not for statements whose failure means something to the caller. The bytes of args are copied. */
int db_send(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
            size_t n_args, struct err *err);

/* At most one row into *out by the columns: 1, 0, -1. More than one row is ERR_INTERNAL. */
int db_find(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
            const struct db_value *args, size_t n_args, const struct db_column *columns, void *out,
            struct err *err);

/* All rows as an array of structs of `size` bytes, at most n_max (then the rest is left unread). */
int db_list(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
            const struct db_value *args, size_t n_args, const struct db_column *columns,
            size_t size, size_t n_max, void **out, size_t *n_out, struct err *err);

/* One integer of one row, e.g. of RETURNING id or count(*): 1, 0, -1. */
int db_find_int(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
                size_t n_args, int64_t *out, struct err *err);

/* The same for statements with one column of text. */
int db_find_text(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct str *out, struct err *err);
int db_list_text(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, size_t n_max, struct str **out,
                 size_t *n_out, struct err *err);

/* Row by row, for what does not fit an array. The bytes of args must outlive the rows, and the rows end
 * before their transaction does. */
int db_query(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
             size_t n_args, struct db_rows **out, struct err *err);
int db_rows_next(struct db_rows *rows, struct err *err); /* 1, 0, -1 */
int64_t    db_rows_int(const struct db_rows *rows, size_t column);
struct str db_rows_text(const struct db_rows *rows, size_t column);
void       db_rows_free(struct db_rows **rows);

/* What the writers cost so far: transactions that changes were committed for, and the commits that made
 * them durable. On engines that group, the second grows slower than the first. */
struct db_counts {
    uint64_t n_transactions;
    uint64_t n_commits;

    /* Of the pool of connections; pool_size 0: the engine has none. */
    uint64_t pool_size; /* at most so many */
    uint64_t n_connections;
    uint64_t n_in_use;
    uint64_t n_waiting;          /* threads that want one */
    uint64_t n_timed_out;        /* waits that ended without one: too long, or behind too many */
    uint64_t n_reconnects;       /* connections made in place of lost ones */
    uint64_t n_connect_failures; /* attempts */
};

void db_counts(struct db *db, struct db_counts *out);

/* A round trip, for readiness: 0 within its deadline. */
int db_probe(struct db *db, struct err *err);

/* Looks for damage in the database's own files: pages, indexes, constraints, foreign keys; is_quick leaves
 * indexes out. Calls `found` for each thing that is wrong, a file that cannot be read among them;
 * is_stopping (may be null) is asked now and then, and then it ends with ERR_UNAVAILABLE. It reads beside
 * everybody else, for as long as it takes. An engine with tools of its own for this finds nothing. */
struct db_integrity {
    bool is_quick;
    void (*found)(void *context, struct str text);
    bool (*is_stopping)(void *context);
    void *context;
};

int db_check_integrity(struct db *db, const struct db_integrity *check, struct err *err);

/* Does the engine, as it is set at this moment, keep what it has committed? -1: ERR_UNSUPPORTED names the
 * setting by which it may lose it; ERR_UNAVAILABLE, it gives no answer. */
int db_check_safety(struct db *db, struct err *err);

/* Runs SQL text of the migrations (and of nobody else): several statements in one transaction. */
int db_run_script(struct db_tx *tx, struct str script, struct err *err);

/* Prepares and forgets: for the test over all statements. n_in and n_out say what the engine found. */
int db_check_statement(struct db *db, const struct db_statement *statement, size_t *n_in,
                       size_t *n_out, struct err *err);

#endif
