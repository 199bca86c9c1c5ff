/* work/hold.h: the verbs about holds. What a hold stops is in work/change.h. A place comes as the handle that the decision
 * gave; of a digest wherever it is, that of the whole registry. */
#ifndef WORK_HOLD_H
#define WORK_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/hold.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

enum { WORK_HOLD_REASON_MAX = 256, WORK_KEEP_DAYS_MAX = 36500 };

/* Of the form: tag, digest (both empty: the prefix that the place is), days, reason, until. Its owner is who makes
 * it. ERR_INVALID, code INVALID_PARAMETERS, about the field; ERR_NOT_FOUND, MANIFEST_UNKNOWN, when the tag or digest
 * is not there to be held. */
int work_hold_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct auth_repo *place, const struct meta_hold *form,
                  struct meta_hold *out, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_HOLD. */
int work_hold_get(struct work *work, struct arena *arena, struct str uuid, struct meta_hold *out,
                  struct err *err);
int work_hold_absent(struct str uuid, struct err *err);

/* Its owner lifts it, or who may hold the whole registry (is_above): ERR_DENIED. */
int work_hold_lift(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   bool is_above, struct str uuid, struct err *err);

/* At the prefix and below it, after that id. */
int work_hold_page(struct work *work, struct arena *arena, struct str prefix, int64_t after,
                   size_t n_max, struct meta_hold **out, size_t *n_out, struct err *err);

#endif
