/* conf/value.c: the one typed parser, and its inverse. Flags, variables, file and database all come
 * through here, so that a value means the same wherever it stands. */
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/secret.h"
#include "codec/text.h"
#include "conf/conf_private.h"

enum { SHOWN_MAX = 80, LIST_TEXT_MAX = (CONF_VALUE_MAX + 1) * CONF_ITEMS_MAX };

/* How a value that is wrong is shown: not at all when it may hold a password. */
static struct str shown(const struct conf_row *row, struct str text)
{
    return row->is_secret ? STR("(hidden)") : str_sub(text, 0, SHOWN_MAX);
}

static int refuse(const struct conf_row *row, struct str text, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not %s", STR_ARGS(shown(row, text)),
                   wanted);
}

static bool is_text_byte(const struct conf_row *row, unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || (row->has_lines && (c == '\n' || c == '\r'));
}

static int check_bytes(const struct conf_row *row, struct str text, struct err *err)
{
    size_t max = row->has_lines ? (size_t)row->max : CONF_VALUE_MAX;

    if (text.n == 0)
        return err_set(err, ERR_INVALID, "has no value");
    if (text.n > max)
        return err_set(err, ERR_INVALID, "has a value of more than %zu bytes", max);
    for (size_t i = 0; i < text.n; i++) {
        if (!is_text_byte(row, (unsigned char)text.p[i]))
            return err_set(err, ERR_INVALID, "has a value with a control character");
    }
    return 0;
}

static int check_form(const struct conf_row *row, struct str text, struct err *err)
{
    if (row->has_form != NULL && !row->has_form(text))
        return refuse(row, text, row->form, err);
    return 0;
}

static bool is_one_of(const char *words, struct str word)
{
    struct str rest = str_from(words);
    struct str one;

    while (str_next(&rest, ' ', &one)) {
        if (str_eq(one, word))
            return true;
    }
    return false;
}

static int parse_text(struct arena *arena, const struct conf_row *row, struct str text,
                      struct conf_value *value, struct err *err)
{
    if (row->choices != NULL && !is_one_of(row->choices, text))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is none of: %s",
                       STR_ARGS(shown(row, text)), row->choices);
    if (check_form(row, text, err) < 0)
        return -1;
    value->text = row->is_secret ? secret_copy(arena, text) : str_copy(arena, text);
    return 0;
}

static int add_item(struct arena *arena, const struct conf_row *row, struct str item,
                    struct conf_value *value, struct err *err)
{
    if (check_bytes(row, item, err) < 0)
        return -1;
    if (str_is(item, "off"))
        return err_set(err, ERR_INVALID, "\"off\" stands alone");
    if (str_find(item, ',') >= 0)
        return refuse(row, item, "one value: it holds a comma", err);
    if (check_form(row, item, err) < 0)
        return -1;
    if (value->n_items == CONF_ITEMS_MAX)
        return err_set(err, ERR_INVALID, "has more than %d values", CONF_ITEMS_MAX);

    if (value->items == NULL)
        value->items = mem_many(arena, CONF_ITEMS_MAX, struct str);
    value->items[value->n_items++] = str_copy(arena, item);
    return 0;
}

static int parse_list(struct arena *arena, const struct conf_row *row, struct str text,
                      bool is_item, struct conf_value *value, struct err *err)
{
    struct str item;

    if (!is_item && str_is(text, "off")) {
        if (value->n_items > 0)
            return err_set(err, ERR_INVALID, "\"off\" stands alone");
        return 0;
    }
    if (is_item)
        return add_item(arena, row, text, value, err);
    while (str_next(&text, ',', &item)) {
        if (add_item(arena, row, str_trim(item), value, err) < 0)
            return -1;
    }
    return 0;
}

static int parse_int(const struct conf_row *row, struct str text, struct conf_value *value,
                     struct err *err)
{
    int64_t number;

    if (!str_to_int(text, &number) || number < row->min || number > row->max)
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a number between %lld and %lld",
                       STR_ARGS(shown(row, text)), (long long)row->min, (long long)row->max);
    value->number = number;
    return 0;
}

/* Sizes and times: the same rule, other words. */
struct unit {
    int (*parse)(struct str text, int64_t *out, struct err *err);
    void (*print)(int64_t number, char out[TEXT_TIME_MAX]);
    const char *what;
    const char *example;
};

static const struct unit size_unit = { text_size_parse, text_size_print, "size", "512MiB" };
static const struct unit time_unit = { text_duration_parse, text_duration_print, "time",
                                       "30s or 72h" };

static int parse_unit(const struct conf_row *row, const struct unit *unit, struct str text,
                      struct conf_value *value, struct err *err)
{
    int64_t number;
    char    low[TEXT_TIME_MAX];
    char    high[TEXT_TIME_MAX];

    if (unit->parse(text, &number, err) == 0 && number >= row->min && number <= row->max) {
        value->number = number;
        return 0;
    }
    unit->print(row->min, low);
    unit->print(row->max, high);
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a %s between %s and %s, such as %s",
                   STR_ARGS(shown(row, text)), unit->what, low, high, unit->example);
}

static int parse_switch(const struct conf_row *row, struct str text, struct conf_value *value,
                        struct err *err)
{
    bool is_on = is_one_of("on true yes", text);

    if (!is_on && !is_one_of("off false no", text))
        return refuse(row, text, "on or off", err);
    value->number = is_on;
    return 0;
}

int conf_value_parse(struct arena *arena, const struct conf_row *row, struct str text, bool is_item,
                     struct conf_value *value, struct err *err)
{
    if (row->type != CONF_LIST && check_bytes(row, text, err) < 0)
        return -1;

    switch (row->type) {
    case CONF_TEXT:
    case CONF_PATH:
        return parse_text(arena, row, text, value, err);
    case CONF_LIST:
        return parse_list(arena, row, text, is_item, value, err);
    case CONF_INT:
        return parse_int(row, text, value, err);
    case CONF_SIZE:
        return parse_unit(row, &size_unit, text, value, err);
    case CONF_DURATION:
        return parse_unit(row, &time_unit, text, value, err);
    case CONF_SWITCH:
        return parse_switch(row, text, value, err);
    }
    ASSERT_NEVER("a row of another type");
}

static struct str print_list(struct arena *arena, const struct conf_value *value)
{
    struct buf buf;

    if (value->n_items == 0)
        return STR("off");
    buf_init(&buf, arena, LIST_TEXT_MAX);
    for (size_t i = 0; i < value->n_items; i++) {
        if (i > 0)
            buf_char(&buf, ',');
        buf_str(&buf, value->items[i]);
    }
    return buf_view(&buf);
}

/* Of "scheme://user:password@host/…?password=…" only the scheme is safe to show; a path holds none. */
static struct str print_secret(struct arena *arena, struct str text)
{
    ptrdiff_t colon = str_find(text, ':');

    if (colon < 0)
        return STR("(set)");
    if (!str_starts(str_from_index(text, (size_t)colon), STR("://")))
        return text;
    return str_from(
        mem_printf(arena, STR_FMT "://(set)", STR_ARGS(str_sub(text, 0, (size_t)colon))));
}

static struct str print_unit(struct arena *arena, const struct unit *unit, int64_t number)

{
    char text[TEXT_TIME_MAX];

    unit->print(number, text);
    return str_from(mem_strdup(arena, text));
}

struct str conf_value_print(struct arena *arena, const struct conf_row *row,
                            const struct conf_value *value)
{
    switch (row->type) {
    case CONF_TEXT:
    case CONF_PATH:
        if (value->text.p == NULL)
            return STR("");
        return row->is_secret ? print_secret(arena, value->text) : value->text;
    case CONF_LIST:
        return print_list(arena, value);
    case CONF_INT:
        return str_from(mem_printf(arena, "%lld", (long long)value->number));
    case CONF_SIZE:
        return print_unit(arena, &size_unit, value->number);
    case CONF_DURATION:
        return print_unit(arena, &time_unit, value->number);
    case CONF_SWITCH:
        return value->number ? STR("on") : STR("off");
    }
    ASSERT_NEVER("a row of another type");
}
