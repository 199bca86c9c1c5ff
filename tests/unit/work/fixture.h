/* fixture.h: the verbs over a fresh database and a store in a scratch directory, which a case may damage, with an
 * account that may do everything in one repository. */
#ifndef TESTS_UNIT_WORK_FIXTURE_H
#define TESTS_UNIT_WORK_FIXTURE_H

#include "auth/auth.h"
#include "blob/blob.h"
#include "check.h"
#include "db/db.h"
#include "meta/blob.h"
#include "meta/event.h"
#include "oci/digest.h"
#include "work/work.h"

#include "scratch.h"

struct fixture {
    char               folder[SCRATCH_MAX];
    struct arena      *arena;
    struct db         *db;
    struct blob_store *store; /* through blob/fail.h */
    struct work       *work;
    struct err         err;
    struct meta_actor  actor;
    struct auth_repo   repo;   /* admin/app, all verbs */
    struct auth_repo   reader; /* the same, for one who may pull */
};

/* For <noun>_test_setup and _teardown. */
int fixture_open(void **state);
int fixture_close(void **state);

/* The same over the database of that url; fixture_ask and fixture_break are for SQLite alone. */
int fixture_open_over(void **state, const char *database);

void fixture_set_verify(struct fixture *f, bool is_on);
void fixture_set_scrub(struct fixture *f, int64_t rate, int64_t interval_us);

/* Pushes the text as a blob. */
struct oci_digest fixture_push(struct fixture *f, const char *text);

/* Pushes a manifest with that config and that layer under the tag (empty: none); its digest. */
struct oci_digest fixture_push_image(struct fixture *f, const char *tag, const char *config,
                                     const char *layer);

struct meta_blob fixture_row(struct fixture *f, const struct oci_digest *digest);

/* The path of the object that is in force. */
const char *fixture_object(struct fixture *f, const struct oci_digest *digest);

void fixture_write(const char *path, const char *text);

/* The number that a query gives, run outside of the product's own statements. */
int64_t fixture_ask(struct fixture *f, const char *query);

/* Runs SQL on the database file, for what only damage does: foreign keys are off. */
void fixture_break(struct fixture *f, const char *script);

#endif
