/* ground.h: what the tests of auth/ begin with: a fresh database and the one struct auth on it. */
#ifndef TESTS_UNIT_AUTH_GROUND_H
#define TESTS_UNIT_AUTH_GROUND_H

#include "auth/auth.h"
#include "check.h"
#include "db/db.h"

#include "scratch.h"

#define MINUTE_US INT64_C(60000000)

struct seal_ring;

struct ground {
    char              folder[SCRATCH_MAX];
    struct arena     *arena;
    struct seal_ring *ring;
    struct db        *db;
    struct auth      *auth;
    struct db_tx     *tx; /* between ground_begin and ground_commit */
    struct err        err;
};

/* password_queue: log-ins that may wait. The clock is the machine's again, before and after. */
void ground_open(struct ground *g, size_t password_queue);
void ground_close(struct ground *g);

void ground_begin(struct ground *g);

/* And tells that access has changed. */
void ground_commit(struct ground *g);

#endif
