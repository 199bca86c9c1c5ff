/* meta/damage.h: what was found damaged, and how far the search for damage has come.
 *
 * Damage belongs to an object key, which is one generation of a blob's bytes: when another key takes the
 * blob over, the old damage says nothing about it. Manifests, whose bytes lie in their rows, have a key of
 * the form manifests/<repository id>/<digest>. Only damage of what is still in force counts. */
#ifndef META_DAMAGE_H
#define META_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_damage {
    struct str object_key;
    int64_t    repo_id; /* of a manifest; 0: a blob */
    struct str digest;
    struct str kind;     /* "missing", "size", "digest", "unreadable" */
    struct str found_by; /* "scrub", "read", "fsck" */
    int64_t    found_at;
};

struct str meta_damage_manifest_key(struct arena *arena, int64_t repo_id, struct str digest);

/* Remembers it; *out_is_new 0 when it is known already. found_at is the database's now. */
int meta_damage_put(struct db_tx *tx, const struct meta_damage *damage, int64_t *out_is_new,
                    struct err *err);

/* Is it damaged? 1 and *out, 0, -1. */
int meta_damage_find(struct db_tx *tx, struct arena *arena, struct str object_key,
                     struct meta_damage *out, struct err *err);

/* Ends it: 1 it was damaged until now, 0, -1. */
int meta_damage_heal(struct db_tx *tx, struct str object_key, struct err *err);

/* How many blobs and manifests in force are damaged. */
int meta_damage_count(struct db_tx *tx, int64_t *out, struct err *err);

/* Open damage in the order of keys after `after` (exclusive), at most n_max. */
int meta_damage_page(struct db_tx *tx, struct arena *arena, struct str after, size_t n_max,
                     struct meta_damage **out, size_t *n_out, struct err *err);

/* A pass of scrubbing: "size", "hash", "manifest". */
struct meta_scrub {
    struct str position; /* empty: begins */
    int64_t    started_at;
    int64_t    finished_at;
    int64_t    n_objects;
    int64_t    n_bytes;
    int64_t    n_damaged;
    int64_t    fence;
};

int meta_scrub_find(struct db_tx *tx, struct arena *arena, struct str kind, struct meta_scrub *out,
                    struct err *err);

/* Takes the pass for `owner` until then: 1 and what it stands at, 0 another node has it, -1. */
int meta_scrub_take(struct db_tx *tx, struct arena *arena, struct str kind, struct str owner,
                    int64_t until, struct meta_scrub *out, struct err *err);

/* Writes what it stands at and keeps it until then (now: lets go of it). 1, 0 somebody else has taken it
 * since (the fence says so), -1. */
int meta_scrub_save(struct db_tx *tx, struct str kind, const struct meta_scrub *scrub,
                    int64_t until, struct err *err);

#endif
