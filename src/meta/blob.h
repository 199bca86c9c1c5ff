/* meta/blob.h: blobs and their links to repositories (durability, section 2.1).
 *
 * A row in `blobs` exists exactly when the bytes are durable at object_key. A row in `repo_blobs` makes a
 * blob visible in a repository and, until pinned_until, keeps collection away from it. A blob is visible
 * in a repository through such a row or through a living manifest there that names it. */
#ifndef META_BLOB_H
#define META_BLOB_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_repo_seen;

struct meta_blob {
    struct str digest;
    int64_t    size;
    struct str object_key;
    int64_t    created_at;
    int64_t    touched_at;
    int64_t    is_damaged; /* the object is known not to be what this row says (meta/damage.h) */
};

int meta_blob_find(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_blob *out,
                   struct err *err);

/* The same with FOR KEY SHARE: until commit nobody can condemn it. Several are locked in digest order by
 * the caller. */
int meta_blob_lock(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_blob *out,
                   struct err *err);

/* The blob when it is visible in the repository. */
int meta_blob_find_visible(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, struct meta_blob *out, struct err *err);

/* The same for pulls, of a repository that is still as it was seen. One point read. */
int meta_blob_pull(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                   struct str digest, struct meta_blob *out, struct err *err);

/* Inserts, or touches the row that is there; out_key: the key of the row now in force, which is not
 * ours when another upload won. */
int meta_blob_put(struct db_tx *tx, struct arena *arena, struct str digest, int64_t size,
                  struct str object_key, struct str *out_key, struct err *err);

/* Another object takes the blob over, for the one of old_key is damaged: 1, 0 that key is not in force (any
 * longer), -1. The caller dooms the old key. */
int meta_blob_replace(struct db_tx *tx, struct str digest, struct str old_key, struct str new_key,
                      int64_t size, struct err *err);

/* Waits for all who promise the blob to somebody at the moment, and lets no one else do so: 1, 0, -1. */
int meta_blob_lock_alone(struct db_tx *tx, struct str digest, struct err *err);

/* Makes the link where there is none, and touches the blob then: 1 made, 0 it is there, -1. */
int meta_blob_link(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t until,
                   struct err *err);

/* The links of all that a manifest names, which comes back; *out_bytes: the size of those that were gone. */
int meta_blob_relink(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str manifest,
                     int64_t until, int64_t *out_bytes, struct err *err);

/* Makes or renews the link: pinned_until = max(old, until). The write is skipped when the pin already
 * lasts beyond `enough`; returns with *out_written 1 or 0. A pin that is written touches the blob. */
int meta_blob_pin(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t until,
                  int64_t enough, int64_t *out_written, struct err *err);

/* Until when the link is pinned: 1, 0 there is no link, -1. */
int meta_blob_find_pin(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out_until,
                       struct err *err);

/* Is it named by a living manifest of the repository? 1, 0, -1. */
int meta_blob_is_used(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Removes the link: 1 it was there, 0, -1. */
int meta_blob_unlink(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Any repository that the caller may pull from, for a mount without `from`: a public one, or one in the
 * namespace of that account, or with is_all any, in which the blob is visible. 1, 0, -1. */
int meta_blob_find_source(struct db_tx *tx, struct str digest, int is_all, int64_t namespace_id,
                          int64_t *out_repo_id, struct err *err);

#endif
