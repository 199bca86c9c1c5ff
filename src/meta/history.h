/* meta/history.h: what happened to tags, and what was deleted and can be brought back. The audit log is the book of it:
 * each move of a tag is a record of its own there, in the transaction that made it (meta/event.h). */
#ifndef META_HISTORY_H
#define META_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_move {
    int64_t    id;
    int64_t    at;
    struct str type; /* "TAG_PUSH", "TAG_DELETE", "TAG_UNDELETE" */
    struct str tag;
    struct str account;    /* by the name that it had */
    struct str digest;     /* that the tag named from then on, or until it was deleted */
    struct str old_digest; /* before; the null view when it was made */
};

/* Moves of one tag under that id (INT64_MAX: from the newest on), the newest first, at most n_max. */
int meta_history_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str tag,
                      int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                      struct err *err);

/* The newest: 1, 0 none, -1. */
int meta_history_last(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str tag,
                      struct meta_move *out, struct err *err);

/* Tags that were deleted after that time, are not there and whose manifest is: their last moves, by that order. */
int meta_history_deleted(struct db_tx *tx, struct arena *arena, int64_t repo_id, int64_t after,
                         int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                         struct err *err);

/* Manifests that were deleted after that time (a.at), by digest after `from`; account: who pushed them. */
int meta_history_deleted_manifests(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                                   int64_t after, struct str from, size_t n_max,
                                   struct meta_move **out, size_t *n_out, struct err *err);

/* -- bringing back, in a DB_WRITE --------------------------------------------------------------------- */

/* When the manifest was deleted, 0 when it lives; holds its row. 1, 0 it is gone, -1. */
int meta_undelete_lock_manifest(struct db_tx *tx, int64_t repo_id, struct str digest,
                                int64_t *out_deleted_at, struct err *err);
int meta_undelete_manifest(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Deleted ones among those that the index names, at most 1,000. */
int meta_undelete_children(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, struct str **out, size_t *n_out, struct err *err);

struct meta_deleted_repo {
    int64_t id;
    int64_t namespace_id;
    int64_t is_public;
    int64_t deleted_at;
    int64_t reaping_at; /* its content began to go; 0: it is whole */
};

/* The last deleted one of that path; holds its row: 1, 0, -1. */
int meta_undelete_lock_repo(struct db_tx *tx, struct arena *arena, struct str path,
                            struct meta_deleted_repo *out, struct err *err);

/* ERR_EXISTS: a living one has the path. */
int meta_undelete_repo(struct db_tx *tx, int64_t id, struct err *err);

#endif
