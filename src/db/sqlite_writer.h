/* db/sqlite_writer.h: the one connection that writes to an SQLite database, and the COMMIT that its
 * transactions share.
 *
 *   begin ──▶ wait for the turn ──▶ BEGIN IMMEDIATE, when no batch is open ──▶ SAVEPOINT
 *   commit ─▶ RELEASE ─▶ end of the turn ─▶ wait until the batch is settled
 *   abort ──▶ ROLLBACK TO, RELEASE ─▶ end of the turn ─▶ the same wait, when others changed something
 *
 * The turn is handed over in the order of arrival. Whoever ends a turn while others wait leaves the open
 * batch to the next of them; when nobody waits, or the batch is old or large, he closes it with COMMIT, one
 * fsync for all members. So a lone writer pays one fsync a transaction and never waits for company, and under
 * load the batch is what arrived during the fsync before.
 *
 * A COMMIT that fails, or a statement after which SQLite has rolled back on its own (a full disk), settles
 * the batch as failed: every member gets the error, and nothing of it is visible. A transaction sees what
 * earlier members of its batch did, and is settled with them; one that was aborted too, for the refusal that
 * follows may rest on what it saw. */
#ifndef DB_SQLITE_WRITER_H
#define DB_SQLITE_WRITER_H

#include <stdint.h>

struct db_counts;
struct err;
struct sqlite_conn;
struct sqlite_writer;

/* let_go(context) is called in the turn before the log is copied into the database: whoever holds an old view
 * of it without need lets go, for the log cannot begin anew before. */
int  sqlite_writer_open(const char *path, void (*let_go)(void *context), void *context,
                        struct sqlite_writer **out, struct err *err);
void sqlite_writer_close(struct sqlite_writer **writer);

/* The connection belongs to the caller from a begin that succeeded to its commit or abort. A thread that has
 * the turn must not begin again, it would wait for itself. ERR_UNAVAILABLE when the turn does not come within
 * ten seconds; the text names who has it. */
int  sqlite_writer_begin(struct sqlite_writer *writer, const char *who, struct sqlite_conn **out,
                         struct err *err);
int  sqlite_writer_commit(struct sqlite_writer *writer, struct err *err);
void sqlite_writer_abort(struct sqlite_writer *writer);

/* To be told of each statement that failed, between begin and commit or abort. */
void sqlite_writer_notice(struct sqlite_writer *writer, const struct err *failure);

/* Moves on with every COMMIT, before its members are told: a view that was begun at this number or a later one
 * shows all that anyone was ever promised. Any thread. */
uint64_t sqlite_writer_generation(struct sqlite_writer *writer);

void sqlite_writer_counts(struct sqlite_writer *writer, struct db_counts *out);

#endif
