/* work/quota.h: limits on bytes and tags at a prefix and below it, exact to the byte, without a row for which all
 * pushes wait.
 *
 * What counts, for each repository at the prefix or below: the size of every blob that it has (each digest once), the
 * bytes of every manifest, and its tags. What can be brought back still counts: the content of a deleted repository
 * until the undelete window is over, a deleted manifest until it is collected, a blob until its link is taken away. A
 * deleted tag counts no more. So recomputing from the rows gives the same sum at every moment (meta_quota_count).
 *
 * Pushes do not change a sum, they append a delta in their own transaction. In use is the folded sum and all deltas.
 * That the limit L holds all the same, with up to P transactions at once (PostgreSQL: max_connections):
 *
 *     base     what was in use when somebody last had the quota alone; R = L - base
 *     beside   a delta d ≤ R / 2P, while not more than R / 2 was appended since then: others may do the same at once.
 *              Of those the last to look saw at most base + R/2, and P in the air add at most R/2: together at most L
 *     alone    any other: waits until those beside have ended, adds everything up, decides, and sets the base anew
 *
 * Beside and alone are a shared and an exclusive advisory lock, taken in the order of paths, as the transaction's last
 * step; on SQLite, with its one writer, everybody is alone. What gives room back needs no lock: nobody is harmed by
 * who does not see it yet.
 *
 * A new quota begins uncounted: deltas are appended, nothing is refused. When all nodes know it, it is counted in one
 * snapshot of the rows, and exactly the deltas that are in that snapshot are dropped. That takes a moment with one node
 * and a few seconds with several, and pushes go on meanwhile.
 *
 * Events: QUOTA_WARNING when the use comes to warn_percent of a limit, QUOTA_EXCEED when a push is refused: once a
 * crossing, and again only after the use has fallen below. Any thread. */
#ifndef WORK_QUOTA_H
#define WORK_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/quota.h"

struct arena;
struct db_tx;
struct err;
struct meta_actor;
struct work;

enum { WORK_QUOTA_WARN = 80 };

/* Path, limits and warn_percent of `wanted`; makes it or changes it, and waits until it is counted, some seconds at
 * most (out->is_counted). ERR_INVALID for numbers
 * out of range, ERR_TOO_MANY when there are META_QUOTAS_MAX. */
int work_quota_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   const struct meta_quota *wanted, struct meta_quota *out, bool *out_is_new,
                   struct err *err);

/* ERR_NOT_FOUND, NO_SUCH_QUOTA. */
int work_quota_get(struct work *work, struct arena *arena, struct str path, struct meta_quota *out,
                   struct err *err);
int work_quota_remove(struct work *work, const struct meta_actor *actor, struct str path,
                      struct err *err);

/* As meta_quota_page. */
int work_quota_page(struct work *work, struct arena *arena, struct str prefix, struct str after,
                    size_t n_max, struct meta_quota **out, size_t *n_out, struct err *err);

/* Those that hold at the path: at itself and above, from the registry down. */
int work_quota_over(struct work *work, struct arena *arena, struct str path,
                    struct meta_quota **out, size_t *n_out, struct err *err);

/* What is in use at the prefix, added up from the rows now, whether there is a quota or not. */
int work_quota_usage(struct work *work, struct str prefix, struct meta_quota_sum *out,
                     struct err *err);

/* Does `used` come to the warn_percent of a limit? */
bool work_quota_is_near(const struct meta_quota *quota);

/* How many need somebody to look. */
int work_quota_alarms(struct work *work, struct arena *arena, struct meta_quota_alarms *out,
                      struct err *err);

/* Reads the list again when it has changed, and tells the registry when nothing here goes by an older one. Called
 * every second or so. */
int work_quota_refresh(struct work *work, struct err *err);

/* The work that waits: to count, to fold, to sweep; and what is near its limit or no longer. guard is called first in each
 * transaction, may be null. *out_n: how much there was. */
struct work_quota_tend {
    int (*guard)(void *context, struct db_tx *tx, struct err *err);
    void *context;
};

int work_quota_tend(struct work *work, const struct work_quota_tend *tend, int64_t *out_n,
                    struct err *err);
int work_quota_is_due(struct work *work, struct err *err); /* 1, 0, -1 */

/* Counts one again, whatever its sums say. 1; 0 it was folded meanwhile, each time; -1. */
int work_quota_recount(struct work *work, struct str path, struct err *err);

#endif
