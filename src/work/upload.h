/* work/upload.h: bringing the bytes of a blob in, in one request or in many.
 *
 *     begin ──▶ session (a row, and a name in the store)
 *                 │ open ▶ write* ▶ flush ▶ close      a chunk; its end, or the loss of its connection,
 *                 │   ▲                       │        commits the offset: what was flushed can be resumed,
 *                 │   └───────────────────────┘        by any node and after a restart
 *                 ├ open ▶ expect ▶ write* ▶ finish ──▶ blob, visible in the repository, pinned, durable
 *                 └ cancel ──▶ gone
 *
 *     begin_single ▶ write* ▶ finish: the same without a session, when POST names the digest
 *
 * A session belongs to the account that began it and to the repository's path; for everyone else it is
 * unknown (BLOB_UPLOAD_UNKNOWN). One request at a time has it open: a second one gets ERR_CONFLICT while
 * the first is alive, and takes over when the first has been silent for a while (a dropped connection that
 * nobody has noticed yet). A struct work_upload belongs to one thread at a time. */
#ifndef WORK_UPLOAD_H
#define WORK_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "oci/digest.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;
struct work_upload;

enum { WORK_UPLOAD_ID_MAX = 33 };

/* second: also run this algorithm (announced by the client), or HASH_SHA256 for none. ERR_TOO_MANY when
 * the account has WORK_UPLOADS_OPEN sessions, none of them idle for 10 minutes. */
int work_upload_begin(struct work *work, const struct meta_actor *actor,
                      const struct auth_repo *repo, enum hash_kind second,
                      char out_id[WORK_UPLOAD_ID_MAX], struct err *err);

int work_upload_begin_single(struct work *work, const struct meta_actor *actor,
                             const struct auth_repo *repo, const struct oci_digest *digest,
                             struct work_upload **out, struct err *err);

/* The state of a session, without opening it. */
int work_upload_status(struct work *work, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct str id, int64_t *out_offset,
                       struct err *err);

int work_upload_open(struct work *work, const struct meta_actor *actor,
                     const struct auth_repo *repo, struct str id, struct work_upload **out,
                     struct err *err);

/* Before the bytes of a request: how many there are to come (0: not said), and the digest of the blob that they make, null
 * when it is not known yet. ERR_CONFLICT, QUOTA_EXCEEDED, when a quota has no room for them; a blob that the repository
 * has needs none. After that one without a session is gone. */
int work_upload_announce(struct work_upload *upload, const struct oci_digest *digest, int64_t size,
                         struct err *err);

int64_t work_upload_offset(const struct work_upload *upload);

int work_upload_write(struct work_upload *upload, struct str bytes, struct err *err);

/* What was written is durable and the session knows it. */
int work_upload_flush(struct work_upload *upload, struct err *err);

/* Before the last bytes come: makes the object that finish will create known. */
int work_upload_expect(struct work_upload *upload, const struct oci_digest *digest,
                       struct err *err);

/* ERR_INVALID, code DIGEST_INVALID when the bytes hash to something else, ERR_CONFLICT, QUOTA_EXCEEDED when a quota has no
 * room for them; then the session is gone. */
int work_upload_finish(struct work_upload *upload, const struct meta_actor *actor,
                       const struct auth_repo *repo, const struct oci_digest *digest,
                       struct err *err);

/* Lets go of it. What was not flushed is lost; after finish nothing is left to lose. */
void work_upload_close(struct work_upload **upload);

int work_upload_cancel(struct work *work, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct str id, struct err *err);

/* Removes sessions that nobody used for the policy's upload_ttl, and what pending rows that are due point
 * to: bytes of uploads that never ended. Returns how many, for a timer. */
int work_upload_sweep(struct work *work, int64_t *out_n, struct err *err);

#endif
