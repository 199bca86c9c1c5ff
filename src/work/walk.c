/* work/walk.c: long lists in constant memory. */
#include "work/walk.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { CHUNK = 512 };

void work_last_keep(struct work_last *last, struct str key)
{
    last->key = str_sub(key, 0, sizeof(last->text));
    if (last->key.n > 0)
        memcpy(last->text, last->key.p, last->key.n);
    if (key.p != NULL)
        last->key.p = last->text;
}

/* *out_n: rows that were given; *out_more: others follow. */
static int walk_chunk(struct db_tx *tx, const struct work_walk *walk, size_t n_max, size_t *out_n,
                      bool *out_more, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    size_t                         want  = n_max < CHUNK ? n_max : CHUNK;
    size_t                         n;

    if (walk->fetch(walk->self, tx, arena, want + 1, &n, err) < 0)
        return -1;
    *out_more = n > want;
    *out_n    = n > want ? want : n;
    for (size_t i = 0; i < *out_n; i++) {
        if (walk->give(walk->self, i, err) < 0)
            return -1;
    }
    return 0;
}

int work_walk(struct db_tx *tx, const struct work_walk *walk, size_t n_max, bool *out_has_more,
              struct err *err)
{
    bool   has_more = n_max > 0;
    size_t left     = n_max, n;

    while (has_more && left > 0) {
        if (walk_chunk(tx, walk, left, &n, &has_more, err) < 0)
            return -1;
        left -= n;
    }
    *out_has_more = has_more;
    return 0;
}
