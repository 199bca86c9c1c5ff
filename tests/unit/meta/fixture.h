/* fixture.h: a fresh database in a scratch folder, at the schema of the program, with an account, a
 * repository and blobs to work with. The records' tests use the SQLite driver; that the driver makes no
 * difference is what the driver contract is for. */
#ifndef TESTS_UNIT_META_FIXTURE_H
#define TESTS_UNIT_META_FIXTURE_H

#include <stdint.h>

#include "check.h"
#include "db/db.h"

#include "scratch.h"

enum { FIXTURE_URL_MAX = SCRATCH_MAX + 32 };

struct fixture {
    char          folder[SCRATCH_MAX];
    char          url[FIXTURE_URL_MAX];
    struct arena *arena;
    struct db    *db;
    struct db_tx *tx; /* DB_WRITE, open while the case runs */
    struct err    err;
    int64_t       account;
    int64_t       repo;
};

/* For <noun>_test_setup and _teardown. */
int fixture_open(void **state);
int fixture_close(void **state);

/* Commits and begins the next transaction. */
void fixture_next_tx(struct fixture *f);

/* After a failed statement: begins anew from the last commit. */
void fixture_retry(struct fixture *f);

/* A digest that is the letter 64 times, and a blob of it. */
const char *fixture_digest(char letter);
void        fixture_add_blob(struct fixture *f, char letter);

/* A manifest of it in the repository, which names nothing. */
void fixture_add_manifest(struct fixture *f, char letter);

#endif
