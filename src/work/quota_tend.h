/* work/quota_tend.h: steps of the upkeep of quotas that changing one needs too. */
#ifndef WORK_QUOTA_TEND_H
#define WORK_QUOTA_TEND_H

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct work;
struct work_quota_tend;

/* Counts the quota anew and sets its sums. 1; 0 when it was folded or counted meanwhile, or is not there; -1. */
int quota_recount(struct work *work, struct arena *arena, struct str path,
                  const struct work_quota_tend *tend, struct err *err);

/* The same for one that is not counted yet, once no node goes by a list without it: 0 too while one does; 1 when it
 * is counted already. */
int quota_count(struct work *work, struct arena *arena, struct str path,
                const struct work_quota_tend *tend, struct err *err);

/* In the transaction that has the quota alone: what it counts from now on begins with what is in use, and whether that
 * is near a limit is told. */
int quota_rebase(struct db_tx *tx, struct arena *arena, struct str path, struct err *err);

#endif
