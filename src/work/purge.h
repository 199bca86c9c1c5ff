/* work/purge.h: a purge takes a digest away at once, for secrets that leaked: each manifest that is it or names it, the
 * indexes that hold those, their tags, and the blobs that nothing else needs, with their bytes; in deleted
 * repositories and among deleted manifests as well, so that nothing can be brought back. It waits for neither the undelete
 * window nor gc-delay nor doom-delay, and takes what a push of these repositories relies on: that push is refused and
 * sends again. Readers that have the file open read on.
 *
 *     list ─▶ try all of it, and take it back: a hold on any of it refuses the whole ─▶ per repository one
 *     transaction: tags, manifests, blobs' rows, records ─▶ bytes ─▶ the next repository
 *
 * Killed in between, what is committed is whole, the bytes of what is gone are collected, and the same purge again does
 * the rest. What another image, outside of the prefix too, still needs stays, and is told. */
#ifndef WORK_PURGE_H
#define WORK_PURGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

enum { WORK_PURGE_REPOS = 500, WORK_PURGE_COPIES = 1000, WORK_PURGE_REASON_MAX = 256 };

/* A manifest that goes. */
struct work_purge_copy {
    struct str  repository;
    struct str  digest;
    struct str *tags;
    size_t      n_tags;
    bool        is_index;
    bool        is_deleted; /* it, or its repository */
};

struct work_purge_blob {
    struct str  digest;
    int64_t     size;
    const char *kept_by; /* static; null: it goes, bytes and all */
};

struct work_purged {
    struct work_purge_copy *copies;
    size_t                  n_copies;
    struct str             *links; /* repositories that had the blob without an image of it */
    size_t                  n_links;
    struct work_purge_blob *blobs;
    size_t                  n_blobs;
    int64_t                 n_tags;
    int64_t                 bytes; /* of the blobs that go */
};

struct work_purge {
    struct str digest; /* of a manifest or blob */
    struct str reason;
    bool       is_dry; /* only says what it would do */
};

/* At the prefix that the place is ("": everywhere). ERR_INVALID about the reason; ERR_NOT_FOUND, MANIFEST_UNKNOWN, when there
 * is nothing of it; ERR_CONFLICT: HELD, and nothing is changed; TOO_MANY_COPIES beyond WORK_PURGE_REPOS repositories or
 * WORK_PURGE_COPIES manifests in one. */
int work_purge(struct work *work, struct arena *arena, const struct meta_actor *actor,
               const struct auth_repo *place, const struct work_purge *purge,
               struct work_purged *out, struct err *err);

#endif
