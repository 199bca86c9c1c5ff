/* meta/tag.h: tags of a repository. A tag names one manifest digest of it (RESTRICT). */
#ifndef META_TAG_H
#define META_TAG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/image.h"

struct arena;
struct db_tx;
struct err;

struct meta_tag {
    struct str name;
    struct str digest;
    int64_t    moved_at;
    int64_t    moved_by;
};

/* Finds a tag; until commit nobody else moves or removes it. Whoever writes a tag has locked it: what it named
 * before decides about rights and stands in the event. */
int meta_tag_lock(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                  struct meta_tag *out, struct err *err);

/* The same without a lock, for who only looks. */
int meta_tag_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                  struct meta_tag *out, struct err *err);

/* Makes the tag (name, digest, moved_by). 1; 0 another has made it since nothing was found to lock; -1. */
int meta_tag_add(struct db_tx *tx, int64_t repo_id, const struct meta_tag *tag, struct err *err);

/* Points the locked tag at tag->digest. */
int meta_tag_move(struct db_tx *tx, int64_t repo_id, const struct meta_tag *tag, struct err *err);
int meta_tag_remove(struct db_tx *tx, int64_t repo_id, struct str name,
                    struct err *err); /* 1, 0, -1 */

/* All tags of one manifest, at most 100,000. */
int meta_tag_list_of(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                     struct str **out_names, size_t *n_out, struct err *err);

/* Names in byte order after `after` (exclusive; null view: from the start), at most n_max. */
int meta_tag_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                  size_t n_max, struct str **out_names, size_t *n_out, struct err *err);

/* What is shown of a tag, its manifest with it. */
struct meta_tag_row {
    struct str        name;
    int64_t           created_at; /* this tag, of late */
    int64_t           moved_at;
    struct str        moved_by; /* name of the account; empty when it is not known */
    struct meta_image image;
};

/* Pages as above; with_lines: with the lines of each image. */
int meta_tag_page_rows(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                       size_t n_max, int with_lines, struct meta_tag_row **out, size_t *n_out,
                       struct err *err);

/* Those of that name (one at most) or, for a digest, of that manifest; without lines. */
int meta_tag_rows_of(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                     struct str digest, size_t n_max, struct meta_tag_row **out, size_t *n_out,
                     struct err *err);

/* -- for the limit on tags (work/tag_limit.h) -- */

/* Is the tag one that a limit is not about? */
int meta_tag_set_kept(struct db_tx *tx, int64_t repo_id, struct str name, int64_t is_kept,
                      struct err *err);

/* How many tags that count there are beyond the limit; at most n_max are counted. */
int meta_tag_count_beyond(struct db_tx *tx, int64_t repo_id, int64_t limit, int64_t n_max,
                          int64_t *out, struct err *err);

/* Those that count, the oldest first. */
int meta_tag_oldest(struct db_tx *tx, struct arena *arena, int64_t repo_id, size_t n_max,
                    struct str **out, size_t *n_out, struct err *err);

int meta_tag_count(struct db_tx *tx, int64_t repo_id, int64_t *out, struct err *err);

#endif
