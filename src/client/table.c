/* client/table.c: widths first, then lines. */
#include "client/table.h"

#include <string.h>
#include <wchar.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/text.h"

enum { GAP = 2, NARROW = 6, FIRST_ROOM = 64 };

static const struct str ellipsis    = { .p = "\xe2\x80\xa6", .n = 3 };
static const struct str replacement = { .p = "\xef\xbf\xbd", .n = 3 };

void client_table_init(struct client_table *table, struct arena *arena, size_t n_columns)
{
    ASSERT(n_columns > 0 && n_columns <= CLIENT_COLUMNS_MAX);
    *table = (struct client_table){ .arena = arena, .n_columns = n_columns };
}

void client_table_add(struct client_table *table, struct str text)
{
    if (table->n_cells == table->room) {
        table->room  = table->room == 0 ? FIRST_ROOM : 2 * table->room;
        table->cells = mem_resize(table->arena, table->cells, table->room * sizeof(*table->cells));
    }
    table->cells[table->n_cells++] =
        text.p == NULL ? STR("") : client_text_clean(table->arena, text);
}

/* -- characters --------------------------------------------------------------------------------------- */

/* The first character and its size; 0 and one byte for what is not UTF-8. */
static wchar_t first_of(struct str text, size_t *out_size)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    const unsigned char       *p       = (const unsigned char *)text.p;
    size_t                     size    = text_utf8_size(text);

    *out_size = size == 0 ? 1 : size;
    if (size == 0)
        return 0;
    wchar_t c = p[0] & masks[size];
    for (size_t i = 1; i < size; i++)
        c = (c << 6) | (p[i] & 0x3f);
    return c;
}

static bool is_direction(wchar_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c;
}

static bool is_control(wchar_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static size_t columns_of(wchar_t c)
{
    int n = wcwidth(c);

    return n < 0 ? 1 : (size_t)n;
}

size_t client_text_columns(struct str text)
{
    size_t n = 0, size;

    for (; text.n > 0; text = str_from_index(text, size))
        n += columns_of(first_of(text, &size));
    return n;
}

struct str client_text_clean(struct arena *arena, struct str text)
{
    struct buf out;
    size_t     size;

    buf_init(&out, arena, 3 * text.n + 1);
    buf_text(&out, "");
    for (; text.n > 0; text = str_from_index(text, size)) {
        wchar_t c = first_of(text, &size);

        if (c == '\n' || c == '\r' || c == '\t')
            buf_char(&out, ' ');
        else if (is_control(c) || is_direction(c))
            buf_str(&out, replacement);
        else
            buf_str(&out, str_sub(text, 0, size));
    }
    return buf_view(&out);
}

/* -- widths ------------------------------------------------------------------------------------------- */

static size_t n_rows(const struct client_table *table)
{
    return table->n_cells / table->n_columns;
}

static void measure(const struct client_table *table, size_t widths[CLIENT_COLUMNS_MAX])
{
    memset(widths, 0, CLIENT_COLUMNS_MAX * sizeof(*widths));
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t n = client_text_columns(table->cells[i]);

        if (n > widths[i % table->n_columns])
            widths[i % table->n_columns] = n;
    }
}

/* What all columns take when none is wider than `most`. */
static size_t total(const struct client_table *table, const size_t *widths, size_t most)
{
    size_t sum = GAP * (table->n_columns - 1);

    for (size_t i = 0; i < table->n_columns; i++)
        sum += widths[i] < most ? widths[i] : most;
    return sum;
}

/* The widest ones are cut to one width, so that all fit; what then is left over goes to them one by one. */
static void fit(const struct client_table *table, size_t width, size_t *widths)
{
    size_t most = width > NARROW ? width : NARROW;

    if (width == 0 || total(table, widths, SIZE_MAX) <= width)
        return;
    while (most > NARROW && total(table, widths, most) > width)
        most--;
    size_t left = total(table, widths, most) < width ? width - total(table, widths, most) : 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (widths[i] <= most)
            continue;
        widths[i] = most + (left > 0 ? 1 : 0);
        left -= left > 0 ? 1 : 0;
    }
}

/* -- lines -------------------------------------------------------------------------------------------- */

/* How many bytes of the text fit into so many columns; their columns. */
static size_t cut(struct str text, size_t columns, size_t *out_columns)
{
    size_t at = 0, used = 0, size;

    while (at < text.n) {
        size_t n = columns_of(first_of(str_from_index(text, at), &size));

        if (used + n > columns)
            break;
        used += n;
        at += size;
    }
    *out_columns = used;
    return at;
}

static void print_cell(struct str cell, size_t width, bool is_last, struct buf *out)
{
    size_t used = client_text_columns(cell);

    if (used > width) {
        buf_str(out, str_sub(cell, 0, cut(cell, width - 1, &used)));
        buf_str(out, ellipsis);
        used++;
    } else {
        buf_str(out, cell);
    }
    for (; !is_last && used < width + GAP; used++)
        buf_char(out, ' ');
}

void client_table_print(const struct client_table *table, size_t width, struct buf *out)
{
    size_t widths[CLIENT_COLUMNS_MAX];

    measure(table, widths);
    fit(table, width, widths);
    for (size_t row = 0; row < n_rows(table); row++) {
        size_t before = out->n;

        for (size_t i = 0; i < table->n_columns; i++)
            print_cell(table->cells[row * table->n_columns + i], widths[i],
                       i + 1 == table->n_columns, out);
        while (out->n > before && out->p[out->n - 1] == ' ')
            out->n--;
        buf_char(out, '\n');
    }
}
