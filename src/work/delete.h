/* work/delete.h: taking away: a tag, a manifest with its tags, a blob's link to a repository. What goes is
 * invisible at once; bytes go later, by collection, after the undelete window. */
#ifndef WORK_DELETE_H
#define WORK_DELETE_H

#include "base/str.h"
#include "oci/digest.h"
#include "oci/name.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

/* By tag: the tag alone. By digest: the manifest and all its tags; ERR_CONFLICT while an index of the
 * repository names it. MANIFEST_UNKNOWN when it is not there. */
int work_delete_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *repo, const struct oci_reference *reference,
                         struct err *err);

/* ERR_CONFLICT while a manifest of the repository names it; BLOB_UNKNOWN when it is not there. */
int work_delete_blob(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct oci_digest *digest,
                     struct err *err);

#endif
