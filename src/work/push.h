/* work/push.h: writing a manifest or an index, with its tags, in one transaction. */
#ifndef WORK_PUSH_H
#define WORK_PUSH_H

#include <stddef.h>

#include "base/str.h"
#include "oci/name.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

struct work_push {
    struct oci_reference reference;
    const struct str    *tags; /* further tags, of `?tag=`; at most WORK_TAGS_A_PUSH */
    size_t               n_tags;
    struct str           media_type; /* Content-Type as given, or the null view */
    struct str           bytes;
};

struct work_pushed {
    struct oci_digest digest;
    struct str        subject; /* digest; null view: none */
};

/* Refusals, after which nothing has changed: MANIFEST_INVALID and its kin from oci/manifest, DIGEST_INVALID
 * when the bytes do not hash to the reference, MANIFEST_BLOB_UNKNOWN about the first blob or child that is
 * not visible in this repository or known to be damaged, SIZE_INVALID when a descriptor's size is not that of what it names,
 * DENIED when a tag would be made or moved without the right to. A missing subject is allowed. */
int work_push_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, const struct work_push *push,
                       struct work_pushed *out, struct err *err);

#endif
