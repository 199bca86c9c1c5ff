/* conf/print.c: the settings for people: the table of `assay config` and the flags of --help, neither wider
 * than 100 columns. What does not fit its column goes on in the next line; nothing is left out. */
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/text.h"
#include "conf/conf_private.h"

enum { WIDTH = 100, KEY_WIDTH = 16, VALUE_WIDTH = 42, HOME_WIDTH = 8, GAP = 2, FLAG_WIDTH = 28 };
enum { ORIGIN_WIDTH = WIDTH - KEY_WIDTH - VALUE_WIDTH - HOME_WIDTH - 3 * GAP };

static void put_blanks(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_char(out, ' ');
}

/* Takes as much off the front as fits into the column; returns its width. A character is one column. */
static size_t take_columns(struct str *rest, size_t width, struct str *out)
{
    size_t n_columns = 0;
    size_t n_bytes   = 0;

    while (n_bytes < rest->n && n_columns < width) {
        size_t size = text_utf8_size(str_from_index(*rest, n_bytes));

        n_bytes += size == 0 ? 1 : size;
        n_columns++;
    }
    *out  = str_sub(*rest, 0, n_bytes);
    *rest = str_from_index(*rest, n_bytes);
    return n_columns;
}

/* blanks: those still owed to the cells before, written only when something follows. */
static void put_cell(struct buf *out, struct str *rest, size_t width, size_t *blanks)
{
    struct str part;
    size_t     n_columns = take_columns(rest, width, &part);

    if (part.n > 0) {
        put_blanks(out, *blanks);
        *blanks = 0;
    }
    buf_str(out, part);
    *blanks += width - n_columns + GAP;
}

static void put_row(struct buf *out, struct str key, struct str value, struct str home,
                    struct str origin)
{
    do {
        size_t blanks = 0;

        put_cell(out, &key, KEY_WIDTH, &blanks);
        put_cell(out, &value, VALUE_WIDTH, &blanks);
        put_cell(out, &home, HOME_WIDTH, &blanks);
        put_cell(out, &origin, ORIGIN_WIDTH, &blanks);
        buf_char(out, '\n');
    } while (value.n > 0 || origin.n > 0);
}

/* Of a text with lines, how much it is. */
static struct str shown(const struct conf *conf, enum conf_id id, struct arena *arena)
{
    struct str text = conf_print(conf, id, arena);

    if (str_find(text, '\n') < 0)
        return text;
    return str_from(mem_printf(arena, "(%zu bytes)", text.n));
}

void conf_print_table(const struct conf *conf, struct arena *arena, struct buf *out)
{
    put_row(out, STR("KEY"), STR("VALUE"), STR("HOME"), STR("FROM"));
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        const struct conf_row *row  = &conf_table[i];
        struct str             home = row->home == CONF_NODE ? STR("node") : STR("registry");

        put_row(out, str_from(row->key), shown(conf, (enum conf_id)i, arena), home,
                str_from(conf_origin(conf, (enum conf_id)i)));
    }
}

/* Words from column FLAG_WIDTH on, broken at WIDTH. at: the column where the line stands. */
static void put_words(struct buf *out, struct str text, size_t *at)
{
    struct str word;

    while (str_next(&text, ' ', &word)) {
        if (*at + 1 + word.n > WIDTH) {
            buf_char(out, '\n');
            put_blanks(out, FLAG_WIDTH);
            *at = FLAG_WIDTH;
        }
        if (*at > FLAG_WIDTH) {
            buf_char(out, ' ');
            ++*at;
        }
        buf_str(out, word);
        *at += word.n;
    }
}

static void put_flag(struct buf *out, const struct conf_row *row)
{
    size_t before = out->n;

    buf_printf(out, "  --%s", row->key);
    if (row->value_name != NULL)
        buf_printf(out, " %s", row->value_name);

    size_t used = out->n - before;
    put_blanks(out, used + GAP <= FLAG_WIDTH ? FLAG_WIDTH - used : GAP);
}

static void put_help(struct buf *out, const struct conf_row *row)
{
    size_t at = FLAG_WIDTH;
    char   standard[128];

    put_flag(out, row);
    put_words(out, str_from(row->help), &at);
    if (row->standard != NULL) {
        snprintf(standard, sizeof(standard), "(%s)", row->standard);
        put_words(out, str_from(standard), &at);
    }
    buf_char(out, '\n');
}

static void put_home(struct buf *out, enum conf_home home, const char *title)
{
    buf_text(out, title);
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        if (conf_table[i].home == home)
            put_help(out, &conf_table[i]);
    }
}

void conf_print_help(struct buf *out)
{
    put_home(out, CONF_NODE,
             "Settings of this node (flag --key, variable ASSAY_KEY, or key in the file):\n");
    put_home(out, CONF_REGISTRY, "\nSettings of the registry (here only for the first start):\n");
}
