/* work/walk.h: long lists in constant memory: chunk by chunk within one transaction, each thing handed to whoever
 * asked before the next chunk is read. A chunk asks for one row more than it shows, and so knows whether another
 * follows. */
#ifndef WORK_WALK_H
#define WORK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* A page of a list: what is asked, and what came of it. `after` is the sort key of the last thing of the page
 * before (null view: from the start); `next` the same for the page that follows, null view when there is none. */
struct work_page {
    struct str after;
    size_t     size;
    bool       wants_count;
    struct str next;
    int64_t    count; /* how many there are in all, if wanted */
};

/* The sort key of the last thing that was given, kept beyond its chunk; longer than any of ours is cut. */
enum { WORK_LAST_MAX = 256 };

struct work_last {
    struct str key; /* in text; the null view before the first */
    char       text[WORK_LAST_MAX];
};

void work_last_keep(struct work_last *last, struct str key);

/* fetch: the rows after the last that was given, at most n_max, in the arena. give: hands row i of the last fetch on
 * and remembers it as the last; what it keeps it copies. Both with `self`, 0 or -1. */
struct work_walk {
    int (*fetch)(void *self, struct db_tx *tx, struct arena *arena, size_t n_max, size_t *out_n,
                 struct err *err);
    int (*give)(void *self, size_t i, struct err *err);
    void *self;
};

int work_walk(struct db_tx *tx, const struct work_walk *walk, size_t n_max, bool *out_has_more,
              struct err *err);

#endif
