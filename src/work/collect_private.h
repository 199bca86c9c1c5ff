/* work/collect_private.h: one run of collection, for the files that it is made of. */
#ifndef WORK_COLLECT_PRIVATE_H
#define WORK_COLLECT_PRIVATE_H

#include "work/collect.h"
#include "work/quota_private.h"

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
    enum meta_review_which     which;
    struct work_collected      counts;
    struct collect_fuse        fuse;
    struct work_brake          brakes[WORK_BRAKES];
    size_t                     n_brakes;
    bool                       is_blown;
    bool                       has_jumped;
    struct arena              *arena; /* of the transaction */
    struct db_tx              *tx;
    struct quota_use           use;  /* of the transaction */
    struct work_review        *said; /* by the reviews of this transaction; lives in `arena` */
    size_t                     n_said;
    struct meta_review at; /* what was being looked at when a batch failed; lives in `kept` */
    struct arena      *kept;
};

struct collect_verdict {
    bool        goes;
    const char *reason;
    int64_t     next_at;
    int64_t     bytes;
};

/* Opens the transaction of a step, after the guard. With a brake on, which is looked at in it, ERR_UNAVAILABLE and
 * counts.brake. */
int collect_begin(struct collect_run *run, struct arena *arena, struct db_tx **tx, struct err *err);

/* Is the run to end: a brake is on, or it was told to? */
bool collect_is_over(const struct collect_run *run);

/* The time that conditions are compared with: the database's, in the run's transaction. */
int64_t collect_now(const struct collect_run *run);

/* Looks at every brake; sets counts.brake, and keeps for the next run and the other nodes what they must know. */
int collect_brake(struct collect_run *run, struct err *err);

/* The brakes that may come on in the midst of a run, in its transaction; changes nothing. */
int collect_look(struct collect_run *run, struct err *err);

/* Adds what this transaction takes away since `before` to the day's sum, in it. When that is too much the brake is set
 * and it is ERR_UNAVAILABLE. */
int collect_fuse_burn(struct collect_run *run, const struct work_collected *before,
                      struct err *err);

/* Until when a rule keeps the manifest, or with repo_id 0 the blob (µs; INT64_MAX: until it is lifted; 0: none does). Reads
 * rules under their lock. */
int collect_held_until(struct collect_run *run, int64_t repo_id, struct str digest, int64_t *out,
                       struct err *err);

/* Takes a manifest away, and what hung on it into the queue. */
int collect_drop_manifest(struct collect_run *run, int64_t repo_id, struct str digest,
                          struct err *err);

/* Empties repositories that were deleted before the window. */
int collect_reap_repos(struct collect_run *run, struct err *err);

/* Frees the bytes whose wait is over. */
int collect_objects(struct collect_run *run, struct err *err);

/* Adds what the run did to what the registry and the process remember of all runs. */
int collect_remember(struct collect_run *run, struct err *err);

#endif
