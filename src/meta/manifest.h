/* meta/manifest.h: manifests and indexes, as the bytes received, with what they name.
 *
 * `deleted_at` is a tombstone: invisible at once, undelete within the window; writing the same digest
 * again brings it back. References (manifest_blobs, manifest_children) stand with RESTRICT on what they
 * name, so that no later code can take away what a manifest relies on. */
#ifndef META_MANIFEST_H
#define META_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_repo_seen;

struct meta_manifest {
    struct str digest;
    struct str media_type;
    struct str bytes;
};

/* A living one, by its digest. */
int meta_manifest_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                       struct meta_manifest *out, struct err *err);

/* Pulls: by digest, by tag; living ones, of a repository that is still as it was seen. Each is one point read. */
int meta_manifest_pull(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                       struct str digest, struct meta_manifest *out, struct err *err);
int meta_manifest_pull_tag(struct db_tx *tx, struct arena *arena, const struct meta_repo_seen *repo,
                           struct str tag, struct meta_manifest *out, struct err *err);

/* Does it live? With FOR KEY SHARE. out_depth: 0 for a manifest, else 1 + the deepest child. */
int meta_manifest_lock(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out_depth,
                       struct err *err); /* 1, 0, -1 */

struct meta_manifest_new {
    int64_t    repo_id;
    struct str digest;
    struct str media_type;
    struct str artifact_type; /* as referrers report it; empty when none */
    struct str config_type;
    struct str bytes;
    int64_t    total_size; /* of what it names, plus its own bytes */
    int64_t    depth;
    struct str subject;      /* digest; null view: none */
    struct str referrer;     /* the ready descriptor, JSON; null view without subject */
    int64_t    pushed_by;    /* account id */
    int64_t    pinned_until; /* as blobs: a child pushed before its index must not be collected */
    bool       is_measured;  /* n_bytes is wanted of damaged ones too */
};

struct meta_manifest_put {
    bool    is_new;  /* no living row was there */
    int64_t n_bytes; /* by which the manifests' bytes in the database have grown */
};

/* Inserts, or touches and revives; bytes that are there and differ are damaged (the caller has checked the
 * digest), so these take their place. The references are written
 * for new rows by the caller with the two below (they do nothing when already there). */
int meta_manifest_put(struct db_tx *tx, const struct meta_manifest_new *manifest,
                      struct meta_manifest_put *out, struct err *err);
int meta_manifest_add_blob(struct db_tx *tx, int64_t repo_id, struct str manifest,
                           struct str digest, struct err *err);
int meta_manifest_add_child(struct db_tx *tx, int64_t repo_id, struct str parent, struct str child,
                            struct err *err);

/* Has it a living parent? 1, 0, -1; out_parent (arena) names one. */
int meta_manifest_find_parent(struct db_tx *tx, struct arena *arena, int64_t repo_id,
                              struct str digest, struct str *out_parent, struct err *err);

/* Bytes of the manifest itself, of a deleted one too, and its row locked: 1, 0, -1. */
int meta_manifest_size(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t *out,
                       struct err *err);

/* The tombstone: 1 done, 0 there was no living one, -1. */
int meta_manifest_delete(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Referrers of a subject in digest order after `after` (exclusive), of one artifact type or of all (null
 * view), at most n_max. */
struct meta_referrer {
    struct str digest;
    struct str descriptor; /* JSON */
};

int meta_referrer_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str subject,
                       struct str artifact_type, struct str after, size_t n_max,
                       struct meta_referrer **out, size_t *n_out, struct err *err);

#endif
