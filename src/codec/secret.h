/* codec/secret.h: room in an arena for bytes that must not stay behind in memory that others get next.
 * It is wiped when the arena ends. Any thread that may use the arena. */
#ifndef CODEC_SECRET_H
#define CODEC_SECRET_H

#include <stddef.h>

#include "base/str.h"

struct arena;

/* Zeroed, and one byte longer than asked for, so that a text in it is terminated. */
void *secret_alloc(struct arena *arena, size_t size);

struct str secret_copy(struct arena *arena, struct str secret);

#endif
