/* work/image_private.h: looking into images, for the verbs that push and list them. */
#ifndef WORK_IMAGE_PRIVATE_H
#define WORK_IMAGE_PRIVATE_H

#include "meta/image.h"
#include "oci/manifest.h"
#include "work/work.h"

/* Reads the configuration of an image manifest, which lies in the repository. 1; 0 it cannot be read at present, and
 * *out holds what the manifest alone says. A configuration that is no JSON or no image's is read, and says nothing. */
int work_image_look(struct work *work, struct arena *arena, int64_t repo_id,
                    const struct oci_manifest *manifest, struct meta_image_facts *out);

/* Looks into those of the n images that nobody has looked into, and remembers what they say. stride: from one to the
 * next, in bytes. */
int work_image_complete(struct work *work, struct arena *arena, int64_t repo_id,
                        struct meta_image *first, size_t n, size_t stride, struct err *err);

#endif
