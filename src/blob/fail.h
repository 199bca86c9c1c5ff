/* blob/fail.h: a store around another one, whose n-th operation fails. For tests.
 *
 * Operations are counted as they come, from 1: begin, resume, write, flush, finish, remove, open, read,
 * each, probe, space. The test chooses which fails, and how: before it was done (a lost request), or after
 * (a lost answer: the work is done and the caller does not know). The error is ERR_UNAVAILABLE and names
 * the operation and its number. Any thread, with one test that sets the failures. */
#ifndef BLOB_FAIL_H
#define BLOB_FAIL_H

#include <stdint.h>

struct blob_store;

enum blob_fail_flags {
    BLOB_FAIL_ONCE    = 0,
    BLOB_FAIL_ONWARDS = 1, /* this one and all that follow */
    BLOB_FAIL_AFTER   = 2  /* done, then told as failed */
};

/* Takes the inner store over: closing this one closes it. No failure is set. */
struct blob_store *blob_fail_new(struct blob_store *inner);

/* Sets the counter to 0 and the failure to the n-th operation from now; n 0: none. */
void blob_fail_at(struct blob_store *store, int64_t n, unsigned flags);

/* Operations since the last blob_fail_at. */
int64_t blob_fail_count(struct blob_store *store);

#endif
