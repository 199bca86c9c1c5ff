/* db/sqlite_conn.h: one connection of the SQLite driver: opened as the house wants it, its prepared
 * statements, and the library's results as errors. One thread at a time. */
#ifndef DB_SQLITE_CONN_H
#define DB_SQLITE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct db_rows;
struct db_statement;
struct db_value;
struct err;
struct sqlite_conn;

/* The writer is the only one that checkpoints, and the last to be closed. A thread's own reader has the
 * larger cache: it answers the pulls. */
enum sqlite_role { SQLITE_WRITER, SQLITE_READER, SQLITE_OWN_READER };

int  sqlite_conn_open(const char *path, enum sqlite_role role, struct sqlite_conn **out,
                      struct err *err);
void sqlite_conn_close(struct sqlite_conn **conn);

/* Rows as the driver interface has them; they belong to the connection and end with
 * sqlite_conn_end. A statement is prepared once and kept under its address. */
int        sqlite_conn_query(struct sqlite_conn *conn, const struct db_statement *statement,
                             const struct db_value *args, size_t n_args, struct db_rows **out,
                             struct err *err);
int        sqlite_conn_next(struct db_rows *rows, struct err *err);
int64_t    sqlite_conn_changed(const struct db_rows *rows);
int64_t    sqlite_conn_number(const struct db_rows *rows, size_t column);
struct str sqlite_conn_bytes(const struct db_rows *rows, size_t column);
void       sqlite_conn_end(struct db_rows *rows);

/* A statement without parameters and results, from beginning to end. */
int sqlite_conn_run(struct sqlite_conn *conn, const struct db_statement *statement,
                    struct err *err);

int sqlite_conn_script(struct sqlite_conn *conn, const char *script, struct err *err);
int sqlite_conn_check(struct sqlite_conn *conn, const struct db_statement *statement, size_t *n_in,
                      size_t *n_out, struct err *err);

/* Is no transaction open? After some failures (a full disk) SQLite has rolled back on its own. */
bool sqlite_conn_is_idle(const struct sqlite_conn *conn);

/* Frames in the write-ahead log after the last commit of this connection. Copies them into the database
 * as far as readers allow; afterwards the count is 0 until the next commit. Failing does no harm: the log
 * stays. */
int  sqlite_conn_wal_frames(const struct sqlite_conn *conn);
void sqlite_conn_checkpoint(struct sqlite_conn *conn);

#endif
