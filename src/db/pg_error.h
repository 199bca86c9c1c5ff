/* db/pg_error.h: what PostgreSQL says, as an error of ours. The kind comes from the SQLSTATE (PostgreSQL's
 * documentation, appendix A); the text is the first line of the message and never the details, for those
 * quote values. */
#ifndef DB_PG_ERROR_H
#define DB_PG_ERROR_H

#include <stdbool.h>

#include <libpq-fe.h>

struct err;

/* From the answer to a statement. Sets may_repeat for the loser of a deadlock or of a serialisation. */
int pg_error_of_result(const PGresult *result, struct err *err);

/* From a connection that is lost or was never made: ERR_UNAVAILABLE. Should the library quote the password,
 * it is struck out; null: there is none. */
int pg_error_of_connection(const PGconn *pq, const char *password, struct err *err);

/* Did the server end the connection with this answer? Then what it was asked may have happened. */
bool pg_error_is_fatal(const PGresult *result);

#endif
