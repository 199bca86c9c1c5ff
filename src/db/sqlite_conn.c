/* db/sqlite_conn.c: a connection to SQLite.
 *
 * Statements are written with $1, $2 … for both engines. To SQLite such a parameter is a *name*, numbered by
 * its first appearance, so the text is rewritten to ?1, ?2 … when it is prepared: there the number counts,
 * in whatever order and however often it appears.
 *
 * A prepared statement is kept for the life of the connection under the address of its constant. Its rows
 * are part of it, so that a point read allocates nothing. When the same statement is begun again while its
 * rows are still open, a second one is made for that once. */
#include "db/sqlite_conn.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"
#include "db/db.h"
#include "db/driver.h"

enum { BUSY_TIMEOUT_MS = 5000 };

struct sqlite_conn {
    sqlite3 *sqlite;
    void    *prepared; /* tree of struct prepared (search.h) */
    int      n_wal_frames;
};

struct prepared {
    struct db_rows             rows;
    const struct db_statement *statement; /* the key */
    const char                *sql;       /* what it was prepared from */
    sqlite3_stmt              *stmt;
    struct sqlite_conn        *conn;
    bool                       is_kept; /* in the tree */
    bool                       is_open; /* its rows are */
};

/* clang-format off */
static const struct {
    int           primary; /* code without its extension */
    enum err_kind kind;
} kinds[] = {
    { SQLITE_CONSTRAINT, ERR_CONFLICT    },
    { SQLITE_BUSY,       ERR_UNAVAILABLE },
    { SQLITE_LOCKED,     ERR_UNAVAILABLE },
    { SQLITE_IOERR,      ERR_UNAVAILABLE },
    { SQLITE_CANTOPEN,   ERR_UNAVAILABLE },
    { SQLITE_PROTOCOL,   ERR_UNAVAILABLE },
    { SQLITE_NOMEM,      ERR_UNAVAILABLE },
    { SQLITE_INTERRUPT,  ERR_UNAVAILABLE },
    { SQLITE_FULL,       ERR_FULL        },
    { SQLITE_CORRUPT,    ERR_CORRUPT     },
    { SQLITE_NOTADB,     ERR_CORRUPT     },
    { SQLITE_TOOBIG,     ERR_TOO_LARGE   },
};

/* Every connection begins with these. The caches are small because the page cache of the kernel stands behind
 * them; sorting and statement journals stay in memory, for a data directory may have no place for strangers. */
static const char for_all[] =
    "PRAGMA foreign_keys = ON;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA wal_autocheckpoint = 0;";
static const char *const for_role[] = {
    [SQLITE_WRITER] =
        "PRAGMA journal_mode = WAL;"
        "PRAGMA journal_size_limit = 67108864;"
        "PRAGMA cache_size = -2048;",
    [SQLITE_READER] =
        "PRAGMA query_only = ON;"
        "PRAGMA cache_size = -1024;",
    [SQLITE_OWN_READER] =
        "PRAGMA query_only = ON;"
        "PRAGMA cache_size = -4096;",
};

/* What must be in force afterwards, whatever the library was built with. */
static const struct db_statement
get_setup = { .name = "sqlite.setup", .in = "", .out = "iii",
              .sql = "SELECT f.foreign_keys = 1, s.synchronous = 2, j.journal_mode = 'wal'"
                     " FROM pragma_foreign_keys AS f, pragma_synchronous AS s, pragma_journal_mode AS j" };

static const struct {
    int switched;
    int value;
} switches[] = {
    { SQLITE_DBCONFIG_ENABLE_FKEY,     1 },
    { SQLITE_DBCONFIG_TRUSTED_SCHEMA,  0 },
    { SQLITE_DBCONFIG_DEFENSIVE,       1 },
    { SQLITE_DBCONFIG_DQS_DML,         0 },
    { SQLITE_DBCONFIG_DQS_DDL,         0 },
};
/* clang-format on */

static enum err_kind kind_of(int code)
{
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
        code == SQLITE_CONSTRAINT_ROWID)
        return ERR_EXISTS;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if ((code & 0xff) == kinds[i].primary)
            return kinds[i].kind;
    }
    return ERR_INTERNAL;
}

/* The library's last failure on this connection. A quota that is used up comes as a plain write error. */
static int failed(const struct sqlite_conn *conn, struct err *err)
{
    int           code = sqlite3_extended_errcode(conn->sqlite);
    int           os   = sqlite3_system_errno(conn->sqlite);
    bool          io   = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    enum err_kind kind = io && (os == ENOSPC || os == EDQUOT) ? ERR_FULL : kind_of(code);

    err_set(err, kind, "sqlite: %s", sqlite3_errmsg(conn->sqlite));
    if (io)
        err->os = os;
    return -1;
}

/* $1 becomes ?1 outside of quotes. */
static void number_parameters(char *sql)
{
    bool is_quoted = false;

    for (; *sql != '\0'; sql++) {
        if (*sql == '\'')
            is_quoted = !is_quoted;
        if (*sql == '$' && !is_quoted && sql[1] >= '1' && sql[1] <= '9')
            *sql = '?';
    }
}

static const char *text_of(const struct db_statement *statement)
{
    return statement->sqlite != NULL ? statement->sqlite : statement->sql;
}

static int prepare(struct sqlite_conn *conn, const char *text, unsigned flags, sqlite3_stmt **out,
                   struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *sql   = mem_strdup(arena, text);
    const char                    *rest;

    number_parameters(sql);
    if (sqlite3_prepare_v3(conn->sqlite, sql, -1, flags, out, &rest) != SQLITE_OK)
        return failed(conn, err);
    if (*out == NULL || *rest != '\0') {
        sqlite3_finalize(*out);
        return err_set(err, ERR_INTERNAL, "a text of not exactly one statement");
    }
    return 0;
}

static void prepared_free(void *p)
{
    struct prepared *prepared = p;

    sqlite3_finalize(prepared->stmt);
    mem_free(prepared);
}

static int compare_prepared(const void *a, const void *b)
{
    uintptr_t left  = (uintptr_t)((const struct prepared *)a)->statement;
    uintptr_t right = (uintptr_t)((const struct prepared *)b)->statement;

    return left < right ? -1 : left > right;
}

static int prepared_new(struct sqlite_conn *conn, const struct db_statement *statement,
                        bool is_kept, struct prepared **out, struct err *err)
{
    sqlite3_stmt *stmt  = NULL;
    unsigned      flags = is_kept ? SQLITE_PREPARE_PERSISTENT : 0;

    if (prepare(conn, text_of(statement), flags, &stmt, err) < 0)
        return -1;

    struct prepared *prepared = mem_new(struct prepared);
    prepared->statement       = statement;
    prepared->sql             = text_of(statement);
    prepared->stmt            = stmt;
    prepared->conn            = conn;
    prepared->is_kept         = is_kept;
    *out                      = prepared;
    return 0;
}

/* Addresses are keys because statements are constants; should one be none (a test's), its text tells. */
static int find_prepared(struct sqlite_conn *conn, const struct db_statement *statement,
                         struct prepared **out, struct err *err)
{
    struct prepared   wanted = { .statement = statement };
    struct prepared **kept   = tfind(&wanted, &conn->prepared, compare_prepared);

    if (kept != NULL && !(*kept)->is_open && (*kept)->sql == text_of(statement)) {
        *out = *kept;
        return 0;
    }
    if (prepared_new(conn, statement, kept == NULL, out, err) < 0)
        return -1;
    if (kept == NULL && tsearch(*out, &conn->prepared, compare_prepared) == NULL)
        (*out)->is_kept = false;
    return 0;
}

static int bind(sqlite3_stmt *stmt, int at, const struct db_value *value)
{
    switch (value->kind) {
    case DB_INT:
        return sqlite3_bind_int64(stmt, at, value->number);
    case DB_TEXT:
        return sqlite3_bind_text64(stmt, at, value->bytes.p, value->bytes.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(stmt, at, value->bytes.p, value->bytes.n, SQLITE_STATIC);
    case DB_NULL:
        return sqlite3_bind_null(stmt, at);
    }
    ASSERT_NEVER("a kind of value that is none");
}

int sqlite_conn_query(struct sqlite_conn *conn, const struct db_statement *statement,
                      const struct db_value *args, size_t n_args, struct db_rows **out,
                      struct err *err)
{
    struct prepared *prepared;

    if (find_prepared(conn, statement, &prepared, err) < 0)
        return -1;

    prepared->is_open = true;
    for (size_t i = 0; i < n_args; i++) {
        if (bind(prepared->stmt, (int)i + 1, &args[i]) != SQLITE_OK) {
            failed(conn, err);
            sqlite_conn_end(&prepared->rows);
            return -1;
        }
    }
    *out = &prepared->rows;
    return 0;
}

static struct prepared *prepared_of(const struct db_rows *rows)
{
    return (struct prepared *)(uintptr_t)rows;
}

/* NULL is a value of every kind. */
static bool is_of_kind(sqlite3_stmt *stmt, int column, char kind)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_INTEGER:
        return kind == 'i';
    case SQLITE_BLOB:
        return kind == 'b';
    case SQLITE_TEXT: {
        struct str bytes = { .p = sqlite3_column_blob(stmt, column),
                             .n = (size_t)sqlite3_column_bytes(stmt, column) };

        return kind == 't' && text_is_utf8(bytes) && str_find(bytes, '\0') < 0;
    }
    default:
        return false;
    }
}

/* The tables are strict, but a file can be written to by other hands than SQLite's. What is read from it is
 * what its columns say, or the statement fails. */
static int check_row(const struct prepared *prepared, struct err *err)
{
    const char *letters = prepared->statement->out;

    for (int i = 0; letters[i] != '\0'; i++) {
        if (!is_of_kind(prepared->stmt, i, letters[i]))
            return err_set_corrupt(err, "column %d of %s is not of kind %c", i + 1,
                                   prepared->statement->name, letters[i]);
    }
    return 1;
}

/* At the end the statement is reset at once: what is still being stepped keeps its locks, and a savepoint
 * cannot be released over it. */
int sqlite_conn_next(struct db_rows *rows, struct err *err)
{
    struct prepared *prepared = prepared_of(rows);
    int              code     = sqlite3_step(prepared->stmt);

    if (code == SQLITE_ROW)
        return check_row(prepared, err);

    int result = code == SQLITE_DONE ? 0 : failed(prepared->conn, err);
    sqlite3_reset(prepared->stmt);
    return result;
}

int64_t sqlite_conn_changed(const struct db_rows *rows)
{
    return sqlite3_changes64(prepared_of(rows)->conn->sqlite);
}

int64_t sqlite_conn_number(const struct db_rows *rows, size_t column)
{
    return sqlite3_column_int64(prepared_of(rows)->stmt, (int)column);
}

/* Of an empty blob the library gives the null pointer. */
struct str sqlite_conn_bytes(const struct db_rows *rows, size_t column)
{
    sqlite3_stmt *stmt = prepared_of(rows)->stmt;

    if (sqlite3_column_type(stmt, (int)column) == SQLITE_NULL)
        return STR_NULL;

    const char *bytes = sqlite3_column_blob(stmt, (int)column);
    return (struct str){ .p = bytes == NULL ? "" : bytes,
                         .n = (size_t)sqlite3_column_bytes(stmt, (int)column) };
}

void sqlite_conn_end(struct db_rows *rows)
{
    struct prepared *prepared = prepared_of(rows);

    if (!prepared->is_kept) {
        prepared_free(prepared);
        return;
    }
    sqlite3_reset(prepared->stmt);
    prepared->is_open = false;
}

int sqlite_conn_run(struct sqlite_conn *conn, const struct db_statement *statement, struct err *err)
{
    struct db_rows *rows;

    if (sqlite_conn_query(conn, statement, NULL, 0, &rows, err) < 0)
        return -1;
    int got = sqlite_conn_next(rows, err);
    sqlite_conn_end(rows);
    ASSERT(got <= 0);
    return got;
}

int sqlite_conn_script(struct sqlite_conn *conn, const char *script, struct err *err)
{
    if (sqlite3_exec(conn->sqlite, script, NULL, NULL, NULL) != SQLITE_OK)
        return failed(conn, err);
    return 0;
}

int sqlite_conn_check(struct sqlite_conn *conn, const struct db_statement *statement, size_t *n_in,
                      size_t *n_out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;

    if (prepare(conn, text_of(statement), 0, &stmt, err) < 0)
        return -1;
    *n_in  = (size_t)sqlite3_bind_parameter_count(stmt);
    *n_out = (size_t)sqlite3_column_count(stmt);
    sqlite3_finalize(stmt);
    return 0;
}

bool sqlite_conn_is_idle(const struct sqlite_conn *conn)
{
    return sqlite3_get_autocommit(conn->sqlite) != 0;
}

static int note_wal_frames(void *context, sqlite3 *sqlite, const char *name, int n_frames)
{
    struct sqlite_conn *conn = context;

    (void)sqlite;
    (void)name;
    conn->n_wal_frames = n_frames;
    return SQLITE_OK;
}

int sqlite_conn_wal_frames(const struct sqlite_conn *conn)
{
    return conn->n_wal_frames;
}

void sqlite_conn_checkpoint(struct sqlite_conn *conn)
{
    sqlite3_wal_checkpoint_v2(conn->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    conn->n_wal_frames = 0;
}

static int check_setup(struct sqlite_conn *conn, struct err *err)
{
    bool            is_kept[3] = { false };
    struct db_rows *rows;

    if (sqlite_conn_query(conn, &get_setup, NULL, 0, &rows, err) < 0)
        return -1;
    int got = sqlite_conn_next(rows, err);
    for (size_t i = 0; got > 0 && i < ARRAY_LEN(is_kept); i++)
        is_kept[i] = sqlite_conn_number(rows, i) == 1;
    sqlite_conn_end(rows);
    if (got < 0)
        return -1;

    if (!is_kept[0])
        return err_set(err, ERR_UNAVAILABLE, "sqlite does not keep foreign keys");
    if (!is_kept[1] || !is_kept[2])
        return err_set(
            err, ERR_UNAVAILABLE,
            "sqlite does not keep a synchronous write-ahead log here: the file system may "
            "lack shared memory or locks");
    return 0;
}

static int set_up(struct sqlite_conn *conn, enum sqlite_role role, struct err *err)
{
    sqlite3_extended_result_codes(conn->sqlite, 1);
    sqlite3_busy_timeout(conn->sqlite, BUSY_TIMEOUT_MS);
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (sqlite3_db_config(conn->sqlite, switches[i].switched, switches[i].value, NULL) !=
            SQLITE_OK)
            return failed(conn, err);
    }
    if (role != SQLITE_WRITER)
        sqlite3_db_config(conn->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite_conn_script(conn, for_all, err) < 0 ||
        sqlite_conn_script(conn, for_role[role], err) < 0)
        return -1;

    sqlite3_wal_hook(conn->sqlite, note_wal_frames, conn);
    return check_setup(conn, err);
}

int sqlite_conn_open(const char *path, enum sqlite_role role, struct sqlite_conn **out,
                     struct err *err)
{
    AUTO(sqlite_conn_close) struct sqlite_conn *conn = mem_new(struct sqlite_conn);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &conn->sqlite, flags, NULL) != SQLITE_OK) {
        failed(conn, err);
        return err_wrap(err, "%s", path);
    }
    if (set_up(conn, role, err) < 0)
        return err_wrap(err, "%s", path);
    *out = TAKE(conn);
    return 0;
}

void sqlite_conn_close(struct sqlite_conn **conn)
{
    if (*conn == NULL)
        return;

    tdestroy((*conn)->prepared, prepared_free);
    int code = sqlite3_close((*conn)->sqlite);
    ASSERT(code == SQLITE_OK);
    mem_free(*conn);
    *conn = NULL;
}
