/* meta/paths_private.h: lists of paths as a parameter of a statement: one JSON text, which both engines take
 * apart. Paths are repository names and prefixes of them, so no byte of theirs needs an escape. */
#ifndef META_PATHS_PRIVATE_H
#define META_PATHS_PRIVATE_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* The subquery that gives them one by one. */
#define META_PATHS_SQLITE(parameter) "SELECT value FROM json_each(" parameter ")"
#define META_PATHS_PG(parameter) "SELECT jsonb_array_elements_text((" parameter ")::text::jsonb)"

static inline struct str meta_paths_print(struct arena *arena, const struct str *paths, size_t n)
{
    struct buf text;
    size_t     size = 16;

    for (size_t i = 0; i < n; i++)
        size += paths[i].n + 4;
    buf_init(&text, arena, size);
    buf_text(&text, "[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s\"" STR_FMT "\"", i > 0 ? "," : "", STR_ARGS(paths[i]));
    buf_text(&text, "]");
    return buf_view(&text);
}

#endif
