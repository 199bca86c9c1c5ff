/* meta/repo.h: repositories. A path is unique among the living; `deleted_at` is a tombstone: from that
 * moment nothing of the repository is visible anywhere, and its rows go later in batches. A token names a
 * path and the id, so deleting and making anew voids old tokens. */
#ifndef META_REPO_H
#define META_REPO_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_repo {
    int64_t    id;
    struct str uuid;
    struct str path;
    int64_t    namespace_id; /* the account that the first component names */
    int64_t    is_public;
    int64_t    created_at;
    int64_t    created_by; /* account id */
};

/* The living repository of that path. */
int meta_repo_find(struct db_tx *tx, struct arena *arena, struct str path, struct meta_repo *out,
                   struct err *err);
int meta_repo_find_id(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                      struct err *err);

/* When a repository of that path was last deleted; 1, 0 (never), -1. */
int meta_repo_last_deleted(struct db_tx *tx, struct str path, int64_t *out, struct err *err);

/* ERR_EXISTS when a living one has the path. */
int meta_repo_add(struct db_tx *tx, struct str path, int64_t namespace_id, int64_t is_public,
                  int64_t created_by, int64_t *out_id, struct err *err);

/* ERR_NOT_FOUND when no living one has the id. */
int meta_repo_set_public(struct db_tx *tx, int64_t id, int64_t is_public, struct err *err);
int meta_repo_delete(struct db_tx *tx, int64_t id, struct err *err);

/* Which repositories a page shows: all that live, or those of them that are public or lie in the namespace
 * of that account (0: public ones only). */
struct meta_repo_filter {
    int     is_all;
    int64_t namespace_id;
};

/* Their paths in byte order after `after` (exclusive; the null view: from the start), at most n_max. A
 * repository without content is listed too. */
int meta_repo_page(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                   struct str after, size_t n_max, struct str **out_paths, size_t *n_out,
                   struct err *err);

#endif
