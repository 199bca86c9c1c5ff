/* meta/image.h: what is shown of a manifest: its row without the bytes, who pushed it, and what the configuration of an
 * image said when it was read (a row of image_facts, which dies with the manifest). */
#ifndef META_IMAGE_H
#define META_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* Empty texts where the configuration says nothing, or nothing that could be read. */
struct meta_image_facts {
    struct str config_digest;
    struct str os;
    struct str architecture;
    struct str os_version;
    struct str dockerfile; /* JSON list; the null view where it was not asked for */
};

/* Remembers what a manifest of the repository says; does nothing when that is known. */
int meta_image_put(struct db_tx *tx, int64_t repo_id, struct str manifest,
                   const struct meta_image_facts *facts, struct err *err);

struct meta_image {
    struct str digest;
    struct str media_type;
    struct str config_type; /* empty for an index */
    int64_t
        total_size; /* of all that it names, its own bytes among it; of an index: its manifests' */
    int64_t    pushed_at; /* for the first time, or since it was deleted */
    struct str pushed_by; /* name of the account; empty when it is not known */
    int64_t    has_facts; /* 0: an image that nobody has looked into yet; indexes have none */
    struct meta_image_facts facts;
};

/* A living one: 1, 0, -1. */
int meta_image_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                    int with_lines, struct meta_image *out, struct err *err);

/* All living ones in digest order after `after` (exclusive; null view: from the start), at most n_max; with_lines: with
 * their Dockerfiles. And how many there are. */
int meta_image_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                    size_t n_max, int with_lines, struct meta_image **out, size_t *n_out,
                    struct err *err);
int meta_image_count(struct db_tx *tx, int64_t repo_id, int64_t *out, struct err *err);

#endif
