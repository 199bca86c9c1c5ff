/* db/pg_error.c: the table from SQLSTATE to kind, and the first line of what the server says. */
#include "db/pg_error.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* The first row whose state begins the server's one is taken, so classes stand below their members. */
/* clang-format off */
static const struct {
    const char   *state;
    enum err_kind kind;
    bool          may_repeat;
} states[] = {
    { "23505", ERR_EXISTS,      false }, /* unique_violation */
    { "23",    ERR_CONFLICT,    false }, /* integrity constraints */
    { "40001", ERR_UNAVAILABLE, true  }, /* serialization_failure */
    { "40P01", ERR_UNAVAILABLE, true  }, /* deadlock_detected */
    { "40",    ERR_UNAVAILABLE, false },
    { "53100", ERR_FULL,        false }, /* disk_full */
    { "53",    ERR_UNAVAILABLE, false }, /* insufficient resources: memory, connections */
    { "55P03", ERR_UNAVAILABLE, false }, /* lock_not_available: the lock deadline */
    { "57",    ERR_UNAVAILABLE, false }, /* operator intervention: deadlines, shutdown */
    { "58",    ERR_UNAVAILABLE, false }, /* errors of the system below */
    { "08",    ERR_UNAVAILABLE, false }, /* the connection */
    { "25006", ERR_UNAVAILABLE, false }, /* read_only_sql_transaction: it became a standby */
    { "25P03", ERR_UNAVAILABLE, false }, /* idle_in_transaction_session_timeout */
    { "XX001", ERR_CORRUPT,     false }, /* data_corrupted */
    { "XX002", ERR_CORRUPT,     false }, /* index_corrupted */
    { "54",    ERR_TOO_LARGE,   false }, /* limits of the program */
    { "22001", ERR_TOO_LARGE,   false }, /* string_data_right_truncation */
    { "22021", ERR_INVALID,     false }, /* character_not_in_repertoire: not UTF-8 */
};
/* clang-format on */

static struct str first_line(const char *text)
{
    struct str line = str_from(text == NULL ? "" : text);
    ptrdiff_t  end  = str_find(line, '\n');

    return end < 0 ? line : str_sub(line, 0, (size_t)end);
}

int pg_error_of_result(const PGresult *result, struct err *err)
{
    const char   *state      = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct str    message    = first_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    enum err_kind kind       = state == NULL ? ERR_UNAVAILABLE : ERR_INTERNAL;
    bool          may_repeat = false;

    /* The library's own errors (a lost connection) have no state and no primary message. */
    if (message.n == 0)
        message = first_line(PQresultErrorMessage(result));
    for (size_t i = 0; state != NULL && i < ARRAY_LEN(states); i++) {
        if (str_starts(str_from(state), str_from(states[i].state))) {
            kind       = states[i].kind;
            may_repeat = states[i].may_repeat;
            break;
        }
    }
    err_set(err, kind, "postgresql: " STR_FMT " (%s)", STR_ARGS(message),
            state == NULL ? "no answer" : state);
    err->may_repeat = may_repeat;
    return -1;
}

static void strike_out(char *text, const char *secret)
{
    size_t size = secret == NULL ? 0 : strlen(secret);

    if (size == 0)
        return;
    for (char *at = strstr(text, secret); at != NULL; at = strstr(at + size, secret))
        memset(at, '*', size);
}

int pg_error_of_connection(const PGconn *pq, const char *password, struct err *err)
{
    struct str line = first_line(PQerrorMessage(pq));

    err_set(err, ERR_UNAVAILABLE, "postgresql: " STR_FMT,
            STR_ARGS(line.n == 0 ? STR("the connection is lost") : line));
    strike_out(err->text, password);
    return -1;
}

bool pg_error_is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    /* Without a severity it is the library that speaks, of a connection that is lost. */
    return severity == NULL || strcmp(severity, "ERROR") != 0;
}
