/* meta/pull.h: what was pulled, and from where pulls are not counted. Rows are added to, in batches (work/pulls.h).
 *
 * Functions run in the caller's transaction; results live in the given arena. */
#ifndef META_PULL_H
#define META_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* n more pulls, the last of them now. What is not there any more is left out. */
int meta_pull_tag(struct db_tx *tx, int64_t repo_id, struct str name, int64_t n, struct err *err);
int meta_pull_manifest(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t n,
                       struct err *err);

/* When last (µs; 0: never), and how often: zeros when it never was. */
struct meta_pulled {
    int64_t at;
    int64_t n;
};

int meta_pulled_tag(struct db_tx *tx, int64_t repo_id, struct str name, struct meta_pulled *out,
                    struct err *err);
int meta_pulled_manifest(struct db_tx *tx, int64_t repo_id, struct str digest,
                         struct meta_pulled *out, struct err *err);

/* -- who, from where, day by day ---------------------------------------------------------------------- */

struct meta_pull_day {
    struct str digest;
    int64_t    repo_id;
    int64_t    account_id; /* 0: nobody in particular */
    struct str account;    /* its name; read only */
    struct str network;
    int64_t    day; /* since 1970, UTC */
    int64_t    n;
    int64_t    last_at;
};

/* The day is now's. */
int meta_pull_day_add(struct db_tx *tx, const struct meta_pull_day *row, struct err *err);

/* Of one digest in one repository, the newest day first, from the row after `after` (null: the first) on. */
int meta_pull_day_page(struct db_tx *tx, struct arena *arena, struct str digest, int64_t repo_id,
                       const struct meta_pull_day *after, size_t n_max, struct meta_pull_day **out,
                       size_t *n_out, struct err *err);

/* Of days before `day`, at most n_max a call. */
int meta_pull_day_expire(struct db_tx *tx, int64_t day, int64_t n_max, int64_t *out_n,
                         struct err *err);

/* -- where they count --------------------------------------------------------------------------------- */

struct meta_pull_rule {
    struct str path; /* a prefix: there and below */
    int64_t    is_counted;
};

enum { META_PULL_RULES_MAX = 1000 };

/* By path. */
int meta_pull_rule_list(struct db_tx *tx, struct arena *arena, struct meta_pull_rule **out,
                        size_t *n_out, struct err *err);

/* 1, 0, -1 */
int meta_pull_rule_find(struct db_tx *tx, struct arena *arena, struct str path,
                        struct meta_pull_rule *out, struct err *err);
int meta_pull_rule_count(struct db_tx *tx, int64_t *out, struct err *err);
int meta_pull_rule_put(struct db_tx *tx, struct str path, bool is_counted, struct err *err);
int meta_pull_rule_remove(struct db_tx *tx, struct str path, int64_t *out_n, struct err *err);

#endif
