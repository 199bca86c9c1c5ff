/* work/collect_private.h: one run of collection, for the files that it is made of. */
#ifndef WORK_COLLECT_PRIVATE_H
#define WORK_COLLECT_PRIVATE_H

#include "work/collect.h"
#include "work/work_private.h"

struct collect_fuse {
    int64_t began_at; /* of the day, µs of the database's clock */
    int64_t n;        /* blobs taken away in it */
    int64_t bytes;
    int64_t n_max; /* that may be */
    int64_t bytes_max;
};

struct collect_run {
    struct work               *work;
    const struct work_collect *collect;
    struct work_collected      counts;
    struct collect_fuse        fuse;
    bool                       is_blown;
    struct arena              *arena; /* of the transaction */
    struct db_tx              *tx;
};

struct collect_verdict {
    bool        goes;
    const char *reason;
    int64_t     next_at;
    int64_t     bytes;
};

/* Opens the transaction of a step, after the guard. */
int collect_begin(struct collect_run *run, struct arena *arena, struct db_tx **tx, struct err *err);

/* Looks at every brake; sets counts.brake. */
int collect_brake(struct collect_run *run, struct err *err);

/* Adds what this transaction takes away since `before` to the day's sum, in it. When that is too much the brake is set
 * and it is ERR_UNAVAILABLE. */
int collect_fuse_burn(struct collect_run *run, const struct work_collected *before,
                      struct err *err);

/* Takes a manifest away, and what hung on it into the queue. */
int collect_drop_manifest(struct collect_run *run, int64_t repo_id, struct str digest,
                          struct err *err);

/* Empties repositories that were deleted before the window. */
int collect_reap_repos(struct collect_run *run, struct err *err);

#endif
