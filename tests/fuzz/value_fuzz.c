/* value_fuzz.c: values of settings as flag, variable, YAML scalar and database row bring them. The first
 * byte chooses the row, the second whether it is an item of a sequence. What is accepted is within the row's
 * range and choices, and prints as text that is the same value. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_choice(const char *choices, struct str word)
{
    struct str rest = str_from(choices);
    struct str one;

    while (str_next(&rest, ' ', &one)) {
        if (str_eq(one, word))
            return true;
    }
    return false;
}

static void check_range(const struct conf_row *row, const struct conf_value *value)
{
    switch (row->type) {
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        ASSERT(value->number >= row->min && value->number <= row->max);
        break;
    case CONF_SWITCH:
        ASSERT(value->number == 0 || value->number == 1);
        break;
    case CONF_TEXT:
        ASSERT(row->choices == NULL || is_choice(row->choices, value->text));
        break;
    default:
        break;
    }
}

/* As --key=value the text arrives as it was, under the row's id. */
static void check_flag(struct arena *arena, const struct conf_row *row, struct str text)
{
    struct conf_givens givens = { .arena = arena };
    char              *argv[] = {
                     mem_printf(arena, "--%s=" STR_FMT, row->key, STR_ARGS(text)),
    };
    char      *rest[1];
    int        n_rest;
    struct err err;

    if (str_find(text, '\0') >= 0 || row->type == CONF_SWITCH)
        return;
    if (conf_read_flags(1, argv, &givens, rest, &n_rest, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID);
        return;
    }
    ASSERT(givens.n == 1 && &conf_table[givens.items[0].id] == row &&
           str_eq(givens.items[0].text, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct conf_value              value = { 0 };
    struct conf_value              again = { 0 };
    struct err                     err;

    if (size < 2 || size > CONF_VALUE_MAX + 100)
        return 0;
    const struct conf_row *row  = &conf_table[data[0] % CONF_N_IDS];
    struct str             text = { .p = (const char *)data + 2, .n = size - 2 };

    check_flag(arena, row, text);
    if (conf_value_parse(arena, row, text, (data[1] & 1) != 0, &value, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID && err.text[0] != '\0');
        return 0;
    }
    check_range(row, &value);
    if (row->is_secret)
        return 0;
    struct str printed = conf_value_print(arena, row, &value);
    ASSERT(conf_value_parse(arena, row, printed, false, &again, &err) == 0);
    ASSERT(again.number == value.number && again.n_items == value.n_items);
    ASSERT(str_eq(again.text, value.text));
    for (size_t i = 0; i < value.n_items; i++)
        ASSERT(str_eq(again.items[i], value.items[i]));
    return 0;
}
