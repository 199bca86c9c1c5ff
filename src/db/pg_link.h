/* db/pg_link.h: one connection of the PostgreSQL driver: made and set up as the house wants it, its prepared
 * statements, its transaction. One thread at a time.
 *
 * What belongs together travels together (libpq's pipeline mode): BEGIN goes out with the first statement, a
 * statement is prepared in the same turn in which it first runs, and nobody waits for the end of a reading or
 * an aborted transaction: its answer is read by whoever uses the connection next. So a read of one statement
 * costs one turn of the network.
 *
 * A connection whose server gave no answer in time, or hung up, is lost (pg_link_is_good): everything asked
 * of it fails with ERR_UNAVAILABLE, and its owner closes it. */
#ifndef DB_PG_LINK_H
#define DB_PG_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "db/db.h"

struct db_rows;
struct db_statement;
struct db_value;
struct err;
struct pg_link;

struct pg_target {
    const char *url;
    const char *password;     /* in the url, to be kept out of messages; null: none there */
    bool        allow_unsafe; /* take a server that may lose what it committed */
};

/* Connects within three seconds a host, takes only a primary (target_session_attrs=read-write), sets the
 * deadlines and sees to it that commits are durable. ERR_UNSUPPORTED when the server's settings are refused,
 * ERR_UNAVAILABLE when there is no server. */
int  pg_link_open(const struct pg_target *target, struct pg_link **out, struct err *err);
void pg_link_close(struct pg_link **conn);

/* May it be used? Looks whether the server has hung up meanwhile. */
bool pg_link_is_good(struct pg_link *conn);

/* Do fsync and full_page_writes of the server keep what it commits, at this moment? ERR_UNSUPPORTED names the
 * one that does not. */
int pg_link_check_safety(struct pg_link *conn, struct err *err);

/* max_connections of the server, less what it keeps for superusers. */
int64_t pg_link_server_max(const struct pg_link *conn);

/* Names the life of the server since its last crash or promotion: transaction ids mean the same only within
 * one. Lives as long as the connection. */
struct str pg_link_incarnation(const struct pg_link *conn);

/* A transaction: begin asks nothing of the server yet. */
void pg_link_begin(struct pg_link *conn, enum db_mode mode);
void pg_link_abort(struct pg_link *conn);

/* How a commit ended. UNKNOWN: the answer was lost, and pg_link_get_xid with the incarnation tells what to ask
 * for. UNSAFE: it is committed, but the wait for the standby was cut short, so that it may still be lost. */
enum pg_end { PG_COMMITTED, PG_FAILED, PG_UNKNOWN, PG_UNSAFE };

enum pg_end pg_link_commit(struct pg_link *conn, struct err *err);

/* Of the writing transaction: its id, 0 before its first statement. A commit whose answer is lost is looked up by it, so
 * it must be known before: when statements were only sent so far, their answers are waited for. */
int pg_link_get_xid(struct pg_link *conn, int64_t *out, struct err *err);

/* The server's clock, asked once a transaction and carried on by ours. */
int64_t pg_link_now(struct pg_link *conn);

/* Rows as the driver interface has them. All rows of a result are held in memory. */
int pg_link_query(struct pg_link *conn, const struct db_statement *statement,
                  const struct db_value *args, size_t n_args, struct db_rows **out,
                  struct err *err);

/* Of a writing transaction: a statement that nobody waits for. It goes out with the next one or with the commit, and
 * the failure of either may be its own. */
int pg_link_send(struct pg_link *conn, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct err *err);

int        pg_rows_next(struct db_rows *rows, struct err *err);
int64_t    pg_rows_changed(const struct db_rows *rows);
int64_t    pg_rows_number(const struct db_rows *rows, size_t column);
struct str pg_rows_bytes(const struct db_rows *rows, size_t column);
void       pg_rows_end(struct db_rows *rows);

/* Several statements at once, without a deadline. */
int pg_link_script(struct pg_link *conn, const char *script, struct err *err);

/* Outside of a transaction: counts parameters and columns, and compares the kinds of the columns. */
int pg_link_check(struct pg_link *conn, const struct db_statement *statement, size_t *n_in,
                  size_t *n_out, struct err *err);

#endif
