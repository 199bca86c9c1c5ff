/* meta/attempt.h: log-ins that failed, by name as given (accounts that do not exist too) and network, for the
 * back-off of the log-in. A success forgets them. */
#ifndef META_ATTEMPT_H
#define META_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_attempt {
    int64_t failures;
    int64_t failed_at;
    int64_t locked_until; /* µs; 0: not locked */
};

int meta_attempt_find(struct db_tx *tx, struct str name, struct str network,
                      struct meta_attempt *out, struct err *err);

/* Of a name from all networks: how many, and when the last was (µs; 0: none). */
struct meta_attempts {
    int64_t failures;
    int64_t failed_at;
};

int meta_attempt_sum(struct db_tx *tx, struct str name, struct meta_attempts *out, struct err *err);

/* One more failure at `now`; what is older than forget_before does not count. Gives how many there are. */
int meta_attempt_add(struct db_tx *tx, struct str name, struct str network, int64_t now,
                     int64_t forget_before, int64_t *out_failures, struct err *err);
int meta_attempt_lock(struct db_tx *tx, struct str name, struct str network, int64_t until,
                      struct err *err);
int meta_attempt_clear(struct db_tx *tx, struct str name, struct str network, struct err *err);
int meta_attempt_remove_old(struct db_tx *tx, int64_t before, int64_t *out_n, struct err *err);

#endif
