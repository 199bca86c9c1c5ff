/* work/undelete.h: what was deleted comes back, within the undelete window: a tag, a manifest, a repository with all that
 * was in it; and the history that says what there was.
 *
 * Nothing of what comes back was gone: a tombstone is taken away, or a tag is set again to the manifest that it named.
 * Whatever an index names comes back with it. Refusals, all of them ERR_CONFLICT: ALREADY_COLLECTED when the window is
 * over or collection was there first, TAG_EXISTS and REPOSITORY_EXISTS when the name has been taken again, NOT_DELETED when
 * there is nothing to bring back, QUOTA_EXCEEDED when a quota has no room for one tag more. */
#ifndef WORK_UNDELETE_H
#define WORK_UNDELETE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/history.h"
#include "oci/digest.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

/* The tag names what it named when it was deleted: *out_digest, in the arena. Needs the right to create tags. */
int work_undelete_tag(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *repo, struct str tag, struct str *out_digest,
                      struct err *err);

/* The manifest alone, without the tags that it had. */
int work_undelete_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct auth_repo *repo, const struct oci_digest *digest,
                           struct err *err);

/* repo: the handle of a path that is free (id 0), of one who may delete repositories there. */
int work_undelete_repo(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct err *err);

/* Moves of a tag, the newest first, under that id. ERR_NOT_FOUND, NO_SUCH_TAG, when there never was one. */
int work_tag_history(struct work *work, struct arena *arena, const struct auth_repo *repo,
                     struct str tag, int64_t under, size_t n_max, struct meta_move **out,
                     size_t *n_out, struct err *err);

/* Tags and manifests that can be brought back. */
int work_deleted_tags(struct work *work, struct arena *arena, const struct auth_repo *repo,
                      int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                      struct err *err);
int work_deleted_manifests(struct work *work, struct arena *arena, const struct auth_repo *repo,
                           struct str from, size_t n_max, struct meta_move **out, size_t *n_out,
                           struct err *err);

/* Until when what was deleted then can be brought back. */
int64_t work_undelete_until(struct work *work, int64_t deleted_at);

#endif
