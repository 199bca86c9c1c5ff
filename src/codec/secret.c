/* codec/secret.c: a closer that wipes. The arena runs it before it releases what was made earlier, and the
 * room is made before its closer. */
#include "codec/secret.h"

#include <string.h>

#include "base/mem.h"

struct room {
    void  *p;
    size_t size;
};

static void wipe(void *context)
{
    struct room *room = context;

    mem_wipe(room->p, room->size);
}

void *secret_alloc(struct arena *arena, size_t size)
{
    struct room *room = mem_one(arena, struct room);

    *room = (struct room){ .p = mem_alloc(arena, size + 1), .size = size };
    arena_on_free(arena, wipe, room);
    return room->p;
}

struct str secret_copy(struct arena *arena, struct str secret)
{
    char *copy = secret_alloc(arena, secret.n);

    if (secret.n > 0)
        memcpy(copy, secret.p, secret.n);
    return (struct str){ .p = copy, .n = secret.n };
}
