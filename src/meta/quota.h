/* meta/quota.h: quotas, the deltas that pushes append to them, and what is recomputed from the rows of repositories.
 *
 * These are the steps; the rules by which they make an exact limit stand in work/quota.h. Sizes are bytes. A limit of
 * META_QUOTA_NONE is none. All functions run inside the given transaction. */
#ifndef META_QUOTA_H
#define META_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

enum { META_QUOTA_NONE = -1, META_QUOTAS_MAX = 10000 };

struct meta_quota_sum {
    int64_t bytes;
    int64_t tags;
};

struct meta_quota {
    int64_t               id;
    struct str            path; /* the prefix; empty: the registry */
    struct meta_quota_sum limit;
    int64_t               warn_percent;
    int64_t               is_counted; /* 0: `used` lacks what was there before the quota */
    struct meta_quota_sum used;       /* folded and appended, as far as committed */
    int64_t               n_deltas;   /* appended */
    struct meta_quota_sum base;       /* `used` when someone alone looked last */
    int64_t parallel;  /* transactions that may be open at once; 0: this one alone, ever */
    int64_t warned_at; /* 0: is not */
    struct meta_quota_sum
            refused; /* what was in use when a push was refused; META_QUOTA_NONE: none was */
    int64_t n_folds;
    int64_t created_at;
    int64_t changed_at;
};

/* -- the list ----------------------------------------------------------------------------------------- */

struct meta_quota_place {
    int64_t    id;
    struct str path;
};

/* All there are, in byte order of their paths, and the version of that list. */
int meta_quota_places(struct db_tx *tx, struct arena *arena, struct meta_quota_place **out,
                      size_t *n_out, int64_t *out_version, struct err *err);
int meta_quota_version(struct db_tx *tx, int64_t *out, struct err *err);

/* How many there are. */
int meta_quota_number(struct db_tx *tx, int64_t *out, struct err *err);

/* ERR_EXISTS when the path has one. Moves the version on, as removing does; *out_version is the new one. */
int meta_quota_add(struct db_tx *tx, const struct meta_quota *quota, int64_t created_by,
                   int64_t *out_id, int64_t *out_version, struct err *err);
int meta_quota_remove(struct db_tx *tx, int64_t id, int64_t *out_version, struct err *err);

/* Limits and warn_percent of `quota`, by its id; what was warned of and refused is forgotten. */
int meta_quota_update(struct db_tx *tx, const struct meta_quota *quota, struct err *err);

int meta_quota_find(struct db_tx *tx, struct arena *arena, struct str path, struct meta_quota *out,
                    struct err *err); /* 1, 0, -1 */

/* Those of the ids that still exist, in byte order of their paths. */
int meta_quota_look(struct db_tx *tx, struct arena *arena, const int64_t *ids, size_t n,
                    struct meta_quota **out, size_t *n_out, struct err *err);

/* In byte order of paths after `after` (exclusive; null view: from the start), those at the prefix and below. */
int meta_quota_page(struct db_tx *tx, struct arena *arena, struct str prefix, struct str after,
                    size_t n_max, struct meta_quota **out, size_t *n_out, struct err *err);

/* -- changes ------------------------------------------------------------------------------------------ */

/* Until the transaction ends: beside others that share it, or alone. Nothing on an engine with one writer. */
int meta_quota_share(struct db_tx *tx, int64_t id, struct err *err);
int meta_quota_alone(struct db_tx *tx, int64_t id, struct err *err);

int meta_quota_append(struct db_tx *tx, int64_t id, const struct meta_quota_sum *delta,
                      struct err *err);
int meta_quota_set_base(struct db_tx *tx, int64_t id, const struct meta_quota_sum *base,
                        struct err *err);

/* Appends to every quota over the repository, whatever the list of this node says. */
int meta_quota_append_over(struct db_tx *tx, int64_t repo_id, const struct meta_quota_sum *delta,
                           struct err *err);

/* Appends what goes when meta_doom_links takes the links of a blob away, to be called before it with the same moment. */
int meta_quota_append_links(struct db_tx *tx, struct str digest, int64_t now, struct err *err);

/* The same for meta_reap_link. */
int meta_quota_append_link(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Moves the committed deltas into the sums. */
int meta_quota_fold(struct db_tx *tx, struct arena *arena, int64_t id, struct err *err);

/* Deltas of quotas that are gone. */
int meta_quota_sweep(struct db_tx *tx, int64_t *out_n, struct err *err);

/* Is there something to fold, to count or to sweep? 1, 0, -1 */
int meta_quota_is_due(struct db_tx *tx, struct err *err);

/* Once a crossing: 1 when this call was it, 0, -1. `used`: what is in use; null: there is room again. */
int meta_quota_warned(struct db_tx *tx, int64_t id, bool is_over, struct err *err);
int meta_quota_refused(struct db_tx *tx, int64_t id, const struct meta_quota_sum *used,
                       struct err *err);

struct meta_quota_alarms {
    int64_t    n_near;     /* came to warn_percent of a limit */
    int64_t    n_refusing; /* refused a push, and no room was given back since */
    struct str path;       /* of one of them; null view: there is none */
};

int meta_quota_alarms(struct db_tx *tx, struct arena *arena, struct meta_quota_alarms *out,
                      struct err *err);

/* -- counting ----------------------------------------------------------------------------------------- */

struct meta_quota_count {
    struct meta_quota_sum sum;
    int64_t               n_folds; /* of the quota at that moment */
    struct str            mark;    /* of the moment: which deltas were there */
};

/* What the rows say about the prefix: in a DB_READ, whose one moment it is. id 0: no quota, only the sum. */
int meta_quota_count(struct db_tx *tx, struct arena *arena, int64_t id, struct str prefix,
                     struct meta_quota_count *out, struct err *err);

/* Sets the sums to what was counted and drops the deltas of before. The caller has the quota alone. 1; 0 when
 * it was folded or counted meanwhile, and nothing is done; -1. */
int meta_quota_set(struct db_tx *tx, int64_t id, const struct meta_quota_count *count,
                   struct err *err);

/* -- nodes -------------------------------------------------------------------------------------------- */

/* The node goes by that version, and nothing it began by an older one is still open. 1; 0 there is no such node; -1. */
int meta_quota_node_seen(struct db_tx *tx, struct str node, int64_t version, struct err *err);

/* How many other nodes that were heard of since then do not. */
int meta_quota_nodes_behind(struct db_tx *tx, struct str node, int64_t since, int64_t version,
                            int64_t *out, struct err *err);

#endif
