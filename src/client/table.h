/* client/table.h: rows of text as columns on a screen.
 *
 * On a terminal a table is as wide as that at most: the widest columns give way first, and what is cut ends in an
 * ellipsis. Elsewhere nothing is cut, for another program reads it. What comes from a server is shown as text:
 * control characters, line ends and marks of writing direction have no effect on the screen. */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct arena;

enum { CLIENT_COLUMNS_MAX = 12 };

struct client_table {
    struct arena *arena;
    size_t        n_columns;
    struct str   *cells; /* row by row */
    size_t        n_cells;
    size_t        room;
};

void client_table_init(struct client_table *table, struct arena *arena, size_t n_columns);

/* The next cell, from left to right and top to bottom; the first row is the heading. The null view is empty. */
void client_table_add(struct client_table *table, struct str text);

/* width: of the terminal; 0: no limit. */
void client_table_print(const struct client_table *table, size_t width, struct buf *out);

/* Columns that a text takes on a screen. */
size_t client_text_columns(struct str text);

/* The text with nothing in it that would move, colour or reorder the screen: a blank for line ends and tabs,
 * U+FFFD for the rest. */
struct str client_text_clean(struct arena *arena, struct str text);

#endif
