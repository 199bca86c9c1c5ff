/* work/tag_limit.h: how many tags a repository may have: the oldest go when a push makes one too many, in its
 * transaction. The age of a tag counts from its last push. Tags that fit the repository's keep pattern neither go nor
 * count; those that a rule or a hold keeps (work/change.h) are passed over, so where all tags are immutable none goes.
 *
 * Pushes with a tag to one repository wait for each other at its count of pushes, which they write last: so each sees
 * what the one before left, and after any of them the limit holds. A push drops at most TAG_LIMIT_BATCH: a limit
 * that is set below what is there is reached with the next pushes. What it costs grows with the limit, not with how many
 * tags there are. */
#ifndef WORK_TAG_LIMIT_H
#define WORK_TAG_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct auth_repo;
struct db_tx;
struct err;
struct meta_actor;
struct work;

enum { TAG_LIMIT_BATCH = 100 };

/* Sets limit (0: none) and pattern of those that are kept (empty: none). ERR_INVALID about the field. */
int work_tag_limit_set(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, int64_t limit, struct str keep,
                       struct err *err);

/* In the transaction of a push, after it was counted: drops what is too much. names: the tags that it pushed.
 * *out_n: how many went. */
struct tag_limiting {
    struct work             *work;
    struct db_tx            *tx;
    struct arena            *arena;
    const struct meta_actor *actor;
    const struct auth_repo  *repo;
    int64_t                  repo_id;
    const struct str        *names;
    size_t                   n_names;
};

int work_tag_limit_hold(const struct tag_limiting *l, int64_t *out_n, struct err *err);

#endif
