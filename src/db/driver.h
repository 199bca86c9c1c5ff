/* db/driver.h: what an engine must be able to do. A driver is one constant, named in the table of db.c; its
 * own structs begin with the base structs below, which db.c fills and reads.
 *
 * db.c keeps the promises that are the same everywhere: parameters and columns fit the statement, one
 * thread a transaction, no rows left open at its end, nothing but abort after a failed statement. A driver
 * relies on all that and translates its engine's errors into the kinds that db.h names. */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/str.h"
#include "db/db.h"

struct err;

struct db {
    const struct db_driver *driver;
};

struct db_tx {
    struct db   *db;
    enum db_mode mode;
    const char  *who;
    pthread_t    thread;
    size_t       n_rows;    /* open at present */
    bool         is_broken; /* a statement failed */
};

struct db_rows {
    struct db_tx              *tx;
    const struct db_statement *statement;
};

struct db_driver {
    /* "sqlite"; for people, and the name of the text in db_statement that the driver prefers. */
    const char *name;

    /* What an url of this driver begins with, colon included; null ends the list of them. */
    const char *schemes[3];

    /* See db_has_fast_reads. */
    bool has_fast_reads;

    /* url is settings->url with its scheme in front. Makes what is missing and fills *out but for
     * `driver`. */
    int (*open)(const struct db_settings *settings, struct db **out, struct err *err);

    /* Waits for nobody: no transaction is open. */
    void (*close)(struct db *db);

    /* As db_thread_reader. */
    int (*thread_reader)(struct db *db, struct err *err);

    /* A round trip, at most as long as the driver's own deadline. */
    int (*probe)(struct db *db, struct err *err);

    /* As db_counts. */
    void (*counts)(struct db *db, struct db_counts *out);

    /* Begins, and fills *out but for what struct db_tx holds. Waits for a connection no longer than the
     * driver's deadline (then ERR_UNAVAILABLE). */
    int (*begin)(struct db *db, enum db_mode mode, const char *who, struct db_tx **out,
                 struct err *err);

    /* Ends the transaction, also when it fails. 0 only when the changes are on disk. */
    int (*commit)(struct db_tx *tx, struct err *err);

    /* Ends the transaction; cannot fail, for a connection that cannot roll back is given up. */
    void (*abort)(struct db_tx *tx);

    /* As db_now. */
    int64_t (*now)(struct db_tx *tx);

    /* Binds and begins to run. The bytes of args stay where they are until `end`. */
    int (*query)(struct db_tx *tx, const struct db_statement *statement,
                 const struct db_value *args, size_t n_args, struct db_rows **out, struct err *err);

    /* As db_send, in a writing transaction; null: query, and next to the end. */
    int (*send)(struct db_tx *tx, const struct db_statement *statement, const struct db_value *args,
                size_t n_args, struct err *err);

    /* The next row: 1, 0, -1. After 0 or -1 it is not called again. */
    int (*next)(struct db_rows *rows, struct err *err);

    /* How many rows the statement changed; asked for after `next` gave 0. */
    int64_t (*changed)(const struct db_rows *rows);

    /* A value of the row at hand. NULL is 0 or the null view; an empty text is not the null view. */
    int64_t (*number)(const struct db_rows *rows, size_t column);
    struct str (*bytes)(const struct db_rows *rows, size_t column);

    /* Stops, wherever the rows are, and releases them. */
    void (*end)(struct db_rows *rows);

    /* Runs a text of several statements. */
    int (*script)(struct db_tx *tx, const char *script, struct err *err);

    /* As db_check_integrity; null: nothing is found. */
    int (*integrity)(struct db *db, const struct db_integrity *check, struct err *err);

    /* As db_check_safety; null: its safety is the driver's own doing. */
    int (*safety)(struct db *db, struct err *err);

    /* As db_check_statement. */
    int (*check)(struct db *db, const struct db_statement *statement, size_t *n_in, size_t *n_out,
                 struct err *err);
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_pg;

/* For drivers that let threads wait: a condition over the clock that never goes back, and a moment of it
 * for pthread_cond_timedwait. */
void            db_cond_init(pthread_cond_t *cond);
struct timespec db_deadline(int seconds);

/* About so long, for who must ask again. */
void db_pause(int64_t us);

#endif
