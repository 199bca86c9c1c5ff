/* work/pull.h: reading a manifest or a blob. What may be answered on an event thread is the same code: it
 * makes point reads only, and says so when more is needed. */
#ifndef WORK_PULL_H
#define WORK_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/manifest.h"
#include "oci/name.h"

struct arena;
struct auth_repo;
struct err;
struct work;

/* ERR_NOT_FOUND, code MANIFEST_UNKNOWN about the reference. Under verify_on_read ERR_CORRUPT when the bytes do
 * not hash to their digest; may_write: then the damage is recorded too (not on event threads). */
int work_pull_manifest(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       const struct oci_reference *reference, bool may_write,
                       struct meta_manifest *out, struct err *err);

struct work_blob {
    int64_t    size;
    struct str object_key;
};

/* The blob as the repository shows it; ERR_NOT_FOUND, code BLOB_UNKNOWN.
 *
 * For one who may push this is a promise that the bytes need not be sent again, so it is kept by a pin that
 * is durable before the answer (durability 2.2). may_write false: an event thread asks; *out_must_write is
 * set instead when the pin would have to be written, and then the answer must be got on a worker. No promise
 * is made of a blob that is known to be damaged: to one who may push it is unknown (work/damage.h). */
int work_find_blob(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   const struct oci_digest *digest, bool may_write, struct work_blob *out,
                   bool *out_must_write, struct err *err);

/* Its bytes as a descriptor that the caller closes. ERR_CORRUPT when the object is missing, has another
 * size than its row or, under verify_on_read, another digest: damage is told, never sent. The whole object
 * is hashed before its first byte goes out, for a range of it as well, and what is sent comes from the same
 * open file: so no complete answer holds other bytes, unless they change on the medium between the two.
 *
 * may_write (workers): the damage is recorded; one who may push gets BLOB_UNKNOWN and so sends the bytes
 * again; an object that was replaced meanwhile is opened by its new key. Event threads pass false, ask
 * work_verifies first, and on ERR_CORRUPT leave the answer to a worker. */
int work_open_blob(struct work *work, const struct auth_repo *repo, const struct oci_digest *digest,
                   const struct work_blob *blob, bool may_write, int *out_fd, struct err *err);
bool work_verifies(struct work *work);

#endif
