/* work/size.h: how large repositories are, how much of it is theirs alone, and what comes free when. Computed from the
 * rows when it is asked, for at most WORK_SIZE_ROWS manifests and links of blobs; nothing is kept, so nothing can be wrong. */
#ifndef WORK_SIZE_H
#define WORK_SIZE_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct auth_repo;
struct err;
struct work;

enum { WORK_SIZE_ROWS = 200000 };

/* Bytes: own + shared = size; now and later are parts of own. */
struct work_size {
    int64_t size;   /* each blob once, and the manifests */
    int64_t own;    /* what no other repository has */
    int64_t shared; /* what others have too */
    int64_t now;    /* collection frees it when it comes */
    int64_t later;  /* and this when the window is over in which it could come back */
    int64_t n_repositories;
    int64_t n_tags;
    int64_t n_manifests;
    int64_t n_blobs;
};

/* ERR_TOO_LARGE, TOO_MUCH_TO_COUNT: ask for a part of it. */
int work_size_of_repo(struct work *work, const struct auth_repo *repo, struct work_size *out,
                      struct err *err);

/* All repositories at the prefix and below, deleted ones too while they are not collected; "": of the registry. */
int work_size_below(struct work *work, struct str prefix, struct work_size *out, struct err *err);

#endif
