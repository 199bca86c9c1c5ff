/* meta/check.h: records as a check of the whole registry reads them: page by page, each page a view of its
 * own, with what should agree side by side; and the few repairs of rows that follow from others. Nothing
 * here decides what is wrong. */
#ifndef META_CHECK_H
#define META_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* Blobs in digest order after `after` (exclusive). */
struct meta_check_blob {
    struct str digest;
    int64_t    size;
    struct str object_key;
    int64_t    is_damaged; /* is known to be */
    int64_t    is_linked;  /* a repository shows it or a manifest names it */
    int64_t    is_queued;  /* collection will look at it */
};

int meta_check_blobs(struct db_tx *tx, struct arena *arena, struct str after, size_t n_max,
                     struct meta_check_blob **out, size_t *n_out, struct err *err);

/* Manifests, tombstones too, in the order of (repository, digest). */
struct meta_check_manifest {
    int64_t    repo_id;
    struct str digest;
    struct str media_type;
    int64_t    depth;
    struct str artifact_type;
    struct str config_type;
    int64_t    total_size;
    struct str subject;  /* null view: none */
    struct str referrer; /* null view: none */
    struct str bytes;
};

int meta_check_manifests(struct db_tx *tx, struct arena *arena, int64_t after_repo,
                         struct str after, size_t n_max, struct meta_check_manifest **out,
                         size_t *n_out, struct err *err);

/* The digests that its rows say it names, in their order; at most n_max. */
int meta_check_named_blobs(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                           struct str digest, size_t n_max, struct str **out, size_t *n_out,
                           struct err *err);
int meta_check_named_children(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                              struct str digest, size_t n_max, struct str **out, size_t *n_out,
                              struct err *err);

/* 1 + the depth of its deepest child, 0 without children. */
int meta_check_depth(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out,
                     struct err *err);

/* The derived columns of a manifest anew; bytes and digest stay. */
int meta_check_set_derived(struct db_tx *tx, const struct meta_check_manifest *manifest,
                           struct err *err);
int meta_check_drop_blob(struct db_tx *tx, int64_t repo_id, struct str manifest, struct str digest,
                         struct err *err);
int meta_check_drop_child(struct db_tx *tx, int64_t repo_id, struct str parent, struct str child,
                          struct err *err);

/* Tags in the order of (repository, name), with what they name. */
struct meta_check_tag {
    int64_t    repo_id;
    struct str name;
    struct str digest;
    int64_t    is_there;   /* the manifest's row */
    int64_t    is_deleted; /* it is a tombstone */
    struct str path;       /* of the repository; null view: there is none */
};

int meta_check_tags(struct db_tx *tx, struct arena *arena, int64_t after_repo, struct str after,
                    size_t n_max, struct meta_check_tag **out, size_t *n_out, struct err *err);

/* Is the object a blob's, pending or doomed? 1, 0, -1. */
int meta_check_knows_object(struct db_tx *tx, struct str object_key, struct err *err);

/* Keys that are doomed or pending and a blob's as well: collection would remove bytes in use. At most n_max. */
int meta_check_doomed_in_use(struct db_tx *tx, struct arena *arena, size_t n_max, struct str **out,
                             size_t *n_out, struct err *err);
int meta_check_pending_in_use(struct db_tx *tx, struct arena *arena, size_t n_max, struct str **out,
                              size_t *n_out, struct err *err);

/* What is lost with a blob (of all repositories, repo_id 0) or a manifest: the living manifests that name
 * it and the indexes above them, with their tags. tag is the null view for one without. At most n_max. */
struct meta_check_image {
    struct str path;
    struct str digest;
    struct str tag;
};

int meta_check_images(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                      size_t n_max, struct meta_check_image **out, size_t *n_out, struct err *err);

#endif
