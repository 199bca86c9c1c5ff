/* work/fsck.h: compares everything with everything: rows with objects, objects with rows, manifests with the
 * rows that follow from their bytes, tags with manifests, the database with itself.
 *
 *     database    pages, indexes, foreign keys (db_check_integrity)
 *     blobs       each row's object is there, has its size and, rehash, its digest; somebody needs it
 *     objects     each object older than orphan_age is a blob's, pending or doomed; none is doomed or pending
 *                 and a blob's as well
 *     manifests   the bytes hash to the digest; references and derived columns are what the bytes say
 *     tags        each names a manifest that lives
 *     quotas      what they say is in use is what the rows add up to
 *
 * It reads page by page, with memory that does not grow with the registry, beside a running server: what
 * looks wrong is looked at again before it is told, for a push or a collection may have come between.
 * Damaged blobs and manifests are recorded (work/damage.h), so that the next push heals them; damage that
 * is gone is ended. With `repairs` rows that follow from the bytes of manifests and the sums of quotas are made anew, and keys in
 * use leave the lists of what collection removes. It never removes bytes. */
#ifndef WORK_FSCK_H
#define WORK_FSCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct work;

enum { WORK_FINDING_TEXT_MAX = 512, WORK_FINDING_IMAGES = 20 };

/* kind is a stable word: missing, size, digest, unreadable (of a blob's object), unlinked, orphan,
 * doomed-in-use, pending-in-use, manifest-digest, manifest-form, manifest-blob-unknown, manifest-blobs,
 * manifest-children, manifest-columns, tag-target, quota-sum, database. */
struct work_finding {
    const char *kind;
    struct str  object; /* digest, object key or repository:tag; the null view: the database */
    char        text[WORK_FINDING_TEXT_MAX];
    bool        is_repaired;
    struct str *images; /* what cannot be pulled whole: repository:tag, or repository@digest */
    size_t      n_images;
    bool        has_more_images;
};

struct work_fsck_counts {
    int64_t n_blobs;
    int64_t n_bytes;
    int64_t n_hashed; /* bytes */
    int64_t n_objects;
    int64_t n_manifests;
    int64_t n_tags;
    int64_t n_unused; /* blobs that wait for collection: no finding */
    int64_t n_findings;
    int64_t n_repaired;
};

/* found and progress return -1 to stop, with err. progress: what is being looked at, and how many so far;
 * called often. is_stopping is for the one step that cannot be left otherwise, and may be null. */
struct work_fsck {
    bool    with_hash;
    bool    repairs;
    int64_t orphan_age_us;
    int (*found)(void *context, const struct work_finding *finding, struct err *err);
    int (*progress)(void *context, const char *what, int64_t n, struct err *err);
    bool (*is_stopping)(void *context);
    void *context;
};

/* 0: all of it was looked at, whatever was found; -1: it could not be. */
int work_fsck(struct work *work, const struct work_fsck *fsck, struct work_fsck_counts *out,
              struct err *err);

#endif
