/* work/fsck_private.h: one run of a check, for the files that it is made of. */
#ifndef WORK_FSCK_PRIVATE_H
#define WORK_FSCK_PRIVATE_H

#include "work/fsck.h"
#include "work/work_private.h"

struct fsck_run {
    struct work            *work;
    const struct work_fsck *want;
    struct work_fsck_counts counts;
};

/* Tells one thing that is wrong. images_of: the digest (of a manifest with its repository, else 0) whose
 * images are named, or the null view. */
struct fsck_tale {
    const char *kind;
    struct str  object;
    bool        is_repaired;
    int64_t     repo_id;
    struct str  images_of;
};

int fsck_tell(struct fsck_run *run, const struct fsck_tale *tale, struct err *err,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The record of a repair, in the transaction of the repair. */
int fsck_record(struct db_tx *tx, const struct fsck_tale *tale, struct err *err);

/* "repository:tag", or "repository@digest" of an image without a tag. */
struct meta_check_image;
struct str fsck_image(struct arena *arena, const struct meta_check_image *image);

int fsck_progress(struct fsck_run *run, const char *what, int64_t n, struct err *err);

/* Manifests, which are a matter of their own. */
int fsck_manifests(struct fsck_run *run, struct err *err);

/* Quotas: both sides as of one moment, so that pushes beside it are no findings. */
int fsck_quotas(struct fsck_run *run, struct err *err);

#endif
