/* meta/size.h: how much of the store a repository, or all repositories at and below a prefix, stand for, computed from
 * their rows in one statement. */
#ifndef META_SIZE_H
#define META_SIZE_H

#include <stdint.h>

#include "base/str.h"
#include "meta/repo.h"

struct db_tx;
struct err;

/* Repositories that are asked about: that of the path, and those in the range; deleted ones too that are not reaped. */
struct meta_size_of {
    struct str        path;            /* null view: none */
    struct meta_range below;           /* null views: none */
    int64_t           gone_too;        /* deleted ones as well */
    int64_t           undelete_window; /* µs, as the policy has them */
    int64_t           gc_delay;
    int64_t           keep_untagged;
};

/* Bytes, but for the counts. What other repositories have as well is `shared` and comes not free; of the rest, `now` is
 * what collection takes when it comes, `later` what it takes when nothing that is deleted, untagged or just pushed can be
 * wanted back any more. */
struct meta_size {
    int64_t n_blobs;
    int64_t blobs;
    int64_t own_blobs;
    int64_t own_blobs_now;
    int64_t own_blobs_later;
    int64_t n_manifests;
    int64_t manifests;
    int64_t manifests_waiting; /* those that stay among them */
    int64_t manifests_staying;
    int64_t n_tags;
    int64_t n_repos;
};

/* How many rows the computation reads, at most n_max. */
int meta_size_rows(struct db_tx *tx, const struct meta_size_of *of, int64_t n_max, int64_t *out,
                   struct err *err);

int meta_size_sum(struct db_tx *tx, const struct meta_size_of *of, struct meta_size *out,
                  struct err *err);

#endif
