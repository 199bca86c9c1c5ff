/* work/damage.h: stored bytes that are not what their row says: seeing it, remembering it, and its end.
 *
 *     whole ── scrub, read, fsck look at the object ──▶ damaged (a row in `damage`)
 *       ▲                                                  │
 *       ├── a push of the same digest: its object takes ◀──┤   BLOB_HEALED, in the push's transaction;
 *       │   the blob's row over, the old key is doomed     │   the damage of the old key is closed
 *       └── looked at again and whole: a file came back ◀──┘
 *
 * While a blob is known to be damaged nobody is promised that its bytes need not be sent (durability 2.2):
 * HEAD and GET with a push-capable credential answer "unknown", a mount lets the client send, a manifest
 * that names it is refused with MANIFEST_BLOB_UNKNOWN. So clients send the bytes again, and one of them
 * heals it for all repositories. A credential that may only pull gets an error where the damage shows
 * (missing, another size), and under verify_on_read for wrong bytes as well.
 *
 * Races. Recording locks the blob's row and asks whether the object that was looked at is still its own:
 * if a push came first, the damage is about nothing and is dropped. Healing happens after the upsert of
 * the blob's row, which locks it exclusively: of two pushes the first replaces the key, the second finds
 * a key that is not damaged and dooms its own object. A push that comes between the damage and its
 * discovery is one before it: the next one heals. Condemning takes the same lock, and a row that is gone
 * has nothing to heal: the push inserts its own.
 *
 * A store that does not answer its probe (an unmounted volume, a medium that reads nothing) has no missing and
 * no unreadable objects: that is ERR_UNAVAILABLE and recorded nowhere. Any thread. */
#ifndef WORK_DAMAGE_H
#define WORK_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct blob_reader;
struct err;
struct work;

/* An object as its blob's row has it. */
struct work_object {
    struct str digest;
    struct str object_key;
    int64_t    size;
};

enum { WORK_FLAW_TEXT_MAX = 256 };

/* kind: "missing", "size", "digest", "unreadable" (the medium says so), or null: the object is whole. */
struct work_flaw {
    const char *kind;
    char        text[WORK_FLAW_TEXT_MAX]; /* "has 5 bytes instead of 7" */
};

/* Called for every block that is read, for who wants to go slowly or stop (-1). */
struct work_pace {
    int (*wait)(void *context, size_t n_bytes, struct err *err);
    void *context;
};

struct work_look {
    bool                    with_hash;
    const struct work_pace *pace; /* null: as fast as it goes */
};

/* Looks: is it there, as large as its row says and, with_hash, does it hash to its digest? 0 and *out_flaw;
 * -1 when that cannot be told now. out_reader (may be null) gets the open object when it is whole; what was
 * hashed is the file that it reads from. */

int work_object_look(struct work *work, const struct work_object *object,
                     const struct work_look *look, struct blob_reader **out_reader,
                     struct work_flaw *out_flaw, struct err *err);

/* Remembers what was seen, with an event and an audit record when it is news. found_by: "read", "scrub",
 * "fsck". 1; 0 another object has taken the blob over meanwhile, or it is gone; -1. */
int work_damage_record(struct work *work, const struct work_object *object,
                       const struct work_flaw *flaw, const char *found_by, struct err *err);

/* The bytes of a manifest's row do not hash to its digest. The same values. */
int work_damage_record_manifest(struct work *work, int64_t repo_id, struct str digest,
                                const char *found_by, struct err *err);

/* It was looked at with its hash and is whole: ends the damage of that key, if any was known. */
int work_damage_clear(struct work *work, struct str object_key, struct str digest, struct err *err);

/* How many blobs and manifests in force are known to be damaged. */
int work_damage_count(struct work *work, int64_t *out, struct err *err);

#endif
