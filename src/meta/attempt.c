/* meta/attempt.c: log-ins that failed. */
#include "meta/attempt.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { FIND, SUM, ADD, LOCK, CLEAR, REMOVE_OLD };

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]       = { .name = "attempt.find",       .in = "tt",   .out = "iii",
                     .sql  = "SELECT failures, failed_at, locked_until FROM login_attempts WHERE name = $1 AND network = $2" },
    [SUM]        = { .name = "attempt.sum",        .in = "t",    .out = "ii",
                     .sql  = "SELECT CAST(coalesce(sum(failures), 0) AS BIGINT), coalesce(max(failed_at), 0)"
                             " FROM login_attempts WHERE name = $1" },
    [ADD]        = { .name = "attempt.add",        .in = "ttii", .out = "i",
                     .sql  = "INSERT INTO login_attempts (name, network, failures, failed_at, locked_until)"
                             " VALUES ($1, $2, 1, $3, 0) ON CONFLICT (name, network) DO UPDATE SET failed_at = excluded.failed_at,"
                             " failures = CASE WHEN login_attempts.failed_at < $4 THEN 1 ELSE login_attempts.failures + 1 END"
                             " RETURNING failures" },
    [LOCK]       = { .name = "attempt.lock",       .in = "tti",  .out = "",
                     .sql  = "UPDATE login_attempts SET locked_until = $3 WHERE name = $1 AND network = $2" },
    [CLEAR]      = { .name = "attempt.clear",      .in = "tt",   .out = "",
                     .sql  = "DELETE FROM login_attempts WHERE name = $1 AND network = $2" },
    [REMOVE_OLD] = { .name = "attempt.remove_old", .in = "i",    .out = "",
                     .sql  = "DELETE FROM login_attempts WHERE failed_at < $1" },
};

static const struct db_column sum_columns[] = {
    DB_COL_INT(struct meta_attempts, failures),
    DB_COL_INT(struct meta_attempts, failed_at),
};
static const struct db_column columns[] = {
    DB_COL_INT(struct meta_attempt, failures),
    DB_COL_INT(struct meta_attempt, failed_at),
    DB_COL_INT(struct meta_attempt, locked_until),
};
/* clang-format on */

META_STATEMENTS(attempt);

int meta_attempt_find(struct db_tx *tx, struct str name, struct str network,
                      struct meta_attempt *out, struct err *err)
{
    return db_find(tx, NULL, &sql[FIND], DB_ARGS(db_text(name), db_text(network)), columns, out,
                   err);
}

int meta_attempt_sum(struct db_tx *tx, struct str name, struct meta_attempts *out, struct err *err)
{
    return db_find(tx, NULL, &sql[SUM], DB_ARGS(db_text(name)), sum_columns, out, err) < 0 ? -1 : 0;
}

int meta_attempt_add(struct db_tx *tx, struct str name, struct str network, int64_t now,
                     int64_t forget_before, int64_t *out_failures, struct err *err)
{
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(name), db_text(network), db_int(now), db_int(forget_before)),
                       out_failures, err) < 0
               ? -1
               : 0;
}

int meta_attempt_lock(struct db_tx *tx, struct str name, struct str network, int64_t until,
                      struct err *err)
{
    return db_run(tx, &sql[LOCK], DB_ARGS(db_text(name), db_text(network), db_int(until)), NULL,
                  err);
}

int meta_attempt_clear(struct db_tx *tx, struct str name, struct str network, struct err *err)
{
    return db_run(tx, &sql[CLEAR], DB_ARGS(db_text(name), db_text(network)), NULL, err);
}

int meta_attempt_remove_old(struct db_tx *tx, int64_t before, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE_OLD], DB_ARGS(db_int(before)), out_n, err);
}
