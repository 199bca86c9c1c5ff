/* meta/hold.h: holds: what may be neither deleted nor collected, for a reason, until a time or until it is lifted. A hold
 * is about a digest (of a manifest or blob; in one repository, or wherever it is), a tag, or a prefix and all below
 * it. One of a prefix may say days: then each thing is kept so long since it was pushed. Who decides by holds, or
 * changes them, has taken the lock of the rules (meta/tag_rule.h). */
#ifndef META_HOLD_H
#define META_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_hold {
    int64_t    id;
    struct str uuid;    /* empty: made beside the API */
    struct str kind;    /* "digest", "tag", "prefix" */
    int64_t    repo_id; /* of a tag, and of a digest in one repository; else 0 */
    struct str path;    /* of that repository, or the prefix */
    struct str tag;
    struct str digest;
    int64_t    days;
    struct str reason;
    struct str owner;
    int64_t    until; /* µs; 0: until it is lifted */
    int64_t    created_at;
};

int meta_hold_add(struct db_tx *tx, struct arena *arena, const struct meta_hold *hold,
                  int64_t created_by, struct str *out_uuid, struct err *err);
int meta_hold_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_hold *out,
                   struct err *err);
int meta_hold_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err);

/* At the prefix and below it ("": all there are), in the order of their making after that id; those that are over
 * too. */
int meta_hold_page(struct db_tx *tx, struct arena *arena, struct str prefix, int64_t after,
                   size_t n_max, struct meta_hold **out, size_t *n_out, struct err *err);

/* Is there such a manifest, deleted ones too, or blob, in the repository (0: anywhere)? 1, 0, -1. */
int meta_hold_knows(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* A thing that may be held. */
struct meta_held {
    int64_t    repo_id; /* 0: a blob, wherever it is */
    struct str path;    /* of the repository; null view: none */
    struct str
        tag; /* null view: the manifest or blob itself. A tag may leave a digest that is held */
    struct str digest;
    bool       with_days; /* days since the manifest was pushed for the last time count too */
};

/* The hold that keeps it longest, and until when (µs; INT64_MAX: until it is lifted): 1, 0 nothing holds it, -1. */
int meta_hold_on(struct db_tx *tx, struct arena *arena, const struct meta_held *held,
                 struct meta_hold *out, int64_t *out_until, struct err *err);

/* The same for a whole repository: holds on it, above it, and on anything in it. Days count from the last push of each
 * manifest. */
int meta_hold_in(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str path,
                 struct meta_hold *out, int64_t *out_until, struct err *err);

#endif
