/* meta/purge.h: where a digest is: manifests that are it, that name it as a blob, and indexes that hold one of those; in
 * living repositories and in what can still be brought back. And taking it away. */
#ifndef META_PURGE_H
#define META_PURGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* One repository that has something of it. */
struct meta_purge_place {
    int64_t    repo_id;
    struct str path;
    int64_t    is_deleted; /* the repository */
    int64_t    is_linked;  /* the digest is a blob that may be read there */
};

/* Those at the prefix and below it ("": all), by id after `after`. */
int meta_purge_places(struct db_tx *tx, struct arena *arena, struct str digest, struct str prefix,
                      int64_t after, size_t n_max, struct meta_purge_place **out, size_t *n_out,
                      struct err *err);

struct meta_purge_copy {
    struct str digest; /* of the manifest */
    int64_t    is_index;
    int64_t    is_deleted; /* it can be brought back */
};

/* The manifests of one repository, indexes before what they name. */
int meta_purge_copies(struct db_tx *tx, struct arena *arena, struct str digest, int64_t repo_id,
                      size_t n_max, struct meta_purge_copy **out, size_t *n_out, struct err *err);

struct meta_purge_blob {
    int64_t    size;
    struct str object_key;
};

/* Locks the row, and waits for whoever has it: 1, 0, -1. */
int meta_purge_lock_blob(struct db_tx *tx, struct arena *arena, struct str digest,
                         struct meta_purge_blob *out, struct err *err);

/* The right of one repository to a blob that no manifest of it names, whatever push relies on it: 1 it was there, 0,
 * -1. */
int meta_purge_unlink(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* Has any repository a right to it? 1, 0, -1. */
int meta_purge_is_linked(struct db_tx *tx, struct str digest, struct err *err);

/* Keys of objects whose wait has begun: from `low` (inclusive) to `high` (exclusive). */
int meta_purge_doomed(struct db_tx *tx, struct arena *arena, struct str low, struct str high,
                      size_t n_max, struct str **out, size_t *n_out, struct err *err);

#endif
