/* driver_contract.h: what a driver's `driver_over_<engine>` hands to the contract, and the tables that the
 * contract works on. */
#ifndef TESTS_UNIT_DB_DRIVER_CONTRACT_H
#define TESTS_UNIT_DB_DRIVER_CONTRACT_H

#include "check.h"
#include "db/db.h"

struct driver {
    struct db    *db;
    struct arena *arena;
    struct err    err;
    void         *engine; /* what the engine's own set-up keeps; freed by `end` */
    void (*end)(void *engine);
};

/* Opens the url and makes the tables. `end` runs after the case, with the database closed. */
struct driver *driver_new(const char *url, void *engine, void (*end)(void *engine));

#endif
