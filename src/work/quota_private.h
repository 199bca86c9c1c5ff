/* work/quota_private.h: what one transaction changes of what quotas count.
 *
 *     AUTO(quota_end) struct quota_use use = { 0 };        before the transaction, so that it ends after it
 *     quota_begin(work, path, &use, err)
 *     …the transaction; use.change grows and shrinks with the rows that it writes and takes away…
 *     quota_settle(&use, tx, err)                          last of all
 *     commit
 *
 * The list of quotas that a use goes by is kept in memory and is at most QUOTA_STALE_US old; a new quota is counted only
 * when no transaction goes by an older list any more. So where there are no quotas a push asks the database nothing.
 * work/quota.h says what counts and why the limit is exact. */
#ifndef WORK_QUOTA_PRIVATE_H
#define WORK_QUOTA_PRIVATE_H

#include <stdatomic.h>

#include "meta/quota.h"
#include "work/quota.h"
#include "work/work_private.h"

#define QUOTA_STALE_US INT64_C(15000000)

/* A path has 255 bytes, and so at most that many prefixes. */
enum { QUOTA_LEVELS_MAX = 130 };

struct quota_place {
    int64_t    id;
    struct str path;
    _Atomic(int64_t)
        share_bytes; /* what a push may add without having the quota alone, as last seen: a guess */
    _Atomic(int64_t) share_tags;
    _Atomic(bool)    is_single; /* the engine has one writer: nothing is to be locked */
};

/* The list, as it was read. Those that went by an older one finish with it. */
struct quota_view {
    struct quota_view  *older;
    struct arena       *arena;
    struct quota_place *places; /* in byte order */
    size_t              n;
    int64_t             version;
    int64_t seen_at; /* monotonic µs, when it was last known to be the newest; with the lock */
    size_t  n_uses;  /* with the lock */
};

struct quota_use {
    struct work        *work;
    struct quota_view  *view;
    size_t              n; /* quotas over the path */
    struct quota_place *over
        [QUOTA_LEVELS_MAX]; /* from the registry down: in byte order, so of all transactions alike */
    struct meta_quota_sum change;
    int64_t               refused_id; /* of the quota that said no; 0: none */
    struct str            refused_path;
    struct meta_quota_sum refused_used;
    bool                  is_refused_anew;
};

/* path: of the repository; the null view for a transaction over many, which writes its deltas by meta_quota_append_over
 * and _links when quota_are_any. */
int  quota_begin(struct work *work, struct str path, struct quota_use *out, struct err *err);
void quota_end(struct quota_use *use);

/* Is there any quota at all? */
bool quota_are_any(const struct quota_use *use);

/* Writes the change to all quotas over the path, when there is room for it below each. ERR_CONFLICT, code
 * QUOTA_EXCEEDED, when not; ERR_UNAVAILABLE with may_repeat when the same must be tried with the quota alone. */
int quota_settle(struct quota_use *use, struct db_tx *tx, struct err *err);

/* After the transaction of a refused one has ended: the first refusal is an event. */
void quota_tell_refused(struct quota_use *use, const struct meta_actor *actor);

/* How many bytes more may come to the repository, as far as committed; INT64_MAX: any. */
int quota_room(struct work *work, struct str path, int64_t *out, struct err *err);

/* ERR_CONFLICT, QUOTA_EXCEEDED, when that many bytes do not fit, whatever else happens. */
int quota_may_add(struct work *work, const struct meta_actor *actor, struct str path, int64_t bytes,
                  struct err *err);

/* Does nothing in this process go by a list that is older than that version? */
bool quota_is_drained(struct work *work, int64_t version);

/* Begins and ends with the struct work. */
void quota_init(struct work *work);
void quota_fini(struct work *work);

#endif
