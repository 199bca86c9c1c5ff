/* fixture.h: a store of a test's own, and the few words in which the tests of this folder speak of it. */
#ifndef TESTS_UNIT_BLOB_FIXTURE_H
#define TESTS_UNIT_BLOB_FIXTURE_H

#include "blob/blob.h"

#include "../check.h"
#include "../scratch.h"

struct fixture {
    char               dir[SCRATCH_MAX]; /* scratch; the store of the fs driver is dir/store */
    struct arena      *arena;
    struct blob_store *store;
    struct str         id;
    struct err         err;
    char               object[BLOB_KEY_MAX];
    char               upload[BLOB_KEY_MAX];
};

struct fixture *fixture_new(void);
void            fixture_open_fs(struct fixture *f);
void            fixture_open_mem(struct fixture *f);
void            fixture_free(struct fixture **f);

/* New keys in object and upload. */
void fixture_keys(struct fixture *f);

/* A whole object under new keys. */
void fixture_put(struct fixture *f, const char *text);

/* What the key holds; absent is the null view. */
struct str fixture_get(struct fixture *f, const char *key);

size_t fixture_count(struct fixture *f);

#endif
