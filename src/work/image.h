/* work/image.h: what is shown of manifests: platform, configuration, the lines that made an image.
 *
 * It is read from the image's configuration when a manifest is pushed and kept beside it, so that a list of any length
 * opens no file. A manifest that came in another way (before this was kept, or while the store was away) is looked into
 * when it is first shown. */
#ifndef WORK_IMAGE_H
#define WORK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/image.h"

struct arena;
struct auth_repo;
struct err;
struct work;

/* All living manifests of the repository, by digest after `after`, at most n_max, with their lines when asked for; and how
 * many there are. */
int work_image_page(struct work *work, struct arena *arena, const struct auth_repo *repo,
                    struct str after, size_t n_max, bool with_lines, struct meta_image **out,
                    size_t *n_out, struct err *err);
int work_image_count(struct work *work, const struct auth_repo *repo, int64_t *out,
                     struct err *err);

/* Which platforms of an index are wanted; the null view: any. */
struct work_platform {
    struct str os;
    struct str architecture;
};

/* Calls `each` with what the manifest stands for, with lines: itself, or of an index each of its manifests that is
 * there, one after the other, in its order. What an index says of a platform counts where the manifest says nothing.
 * `each` returning -1 ends it. The image lives until `each` returns. */
int work_image_each(struct work *work, const struct auth_repo *repo, struct str digest,
                    const struct work_platform *wanted,
                    int (*each)(void *context, const struct meta_image *image, struct err *err),
                    void *context, struct err *err);

#endif
