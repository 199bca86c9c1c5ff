/* tests/unit/faulty_db.h: a database whose n-th operation fails as if it had gone away: begin, a statement, the
 * step to a row or a commit. One database at a time, one thread. */
#ifndef TESTS_UNIT_FAULTY_DB_H
#define TESTS_UNIT_FAULTY_DB_H

#include "check.h"
#include "db/driver.h"

static const struct db_driver *faulty_db_inner;
static struct db_driver        faulty_db_driver;
static int                     faulty_db_left;  /* 0: nothing fails (any more) */
static bool                    faulty_db_stays; /* and all that come after it */

static bool faulty_db_is_due(struct err *err)
{
    if (faulty_db_left == 0 || (faulty_db_left > 1 && --faulty_db_left > 0))
        return false;
    if (!faulty_db_stays)
        faulty_db_left = 0;
    err_set(err, ERR_UNAVAILABLE, "the database went away");
    return true;
}

static int faulty_db_begin(struct db *db, enum db_mode mode, const char *who, struct db_tx **out,
                           struct err *err)
{
    return faulty_db_is_due(err) ? -1 : faulty_db_inner->begin(db, mode, who, out, err);
}

static int faulty_db_query(struct db_tx *tx, const struct db_statement *statement,
                           const struct db_value *args, size_t n_args, struct db_rows **out,
                           struct err *err)
{
    return faulty_db_is_due(err) ? -1
                                 : faulty_db_inner->query(tx, statement, args, n_args, out, err);
}

static int faulty_db_next(struct db_rows *rows, struct err *err)
{
    return faulty_db_is_due(err) ? -1 : faulty_db_inner->next(rows, err);
}

static int faulty_db_commit(struct db_tx *tx, struct err *err)
{
    if (!faulty_db_is_due(err))
        return faulty_db_inner->commit(tx, err);
    faulty_db_inner->abort(tx);
    return -1;
}

/* From now on the n-th operation of this database fails, once. */
static inline void faulty_db_fail_at(struct db *db, int n)
{
    if (faulty_db_inner == NULL)
        faulty_db_inner = db->driver;
    faulty_db_driver        = *faulty_db_inner;
    faulty_db_driver.begin  = faulty_db_begin;
    faulty_db_driver.query  = faulty_db_query;
    faulty_db_driver.next   = faulty_db_next;
    faulty_db_driver.commit = faulty_db_commit;
    faulty_db_left          = n;
    db->driver              = &faulty_db_driver;
}

/* The n-th and each after it. */
static inline void faulty_db_fail_from(struct db *db, int n)
{
    faulty_db_fail_at(db, n);
    faulty_db_stays = true;
}

static inline void faulty_db_heal(struct db *db)
{
    faulty_db_left  = 0;
    faulty_db_stays = false;
    db->driver      = faulty_db_inner;
}

#endif
