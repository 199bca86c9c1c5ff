/* conf_fuzz.c: a settings file is refused with a reason, or every value that it sets prints and parses back
 * to itself. */
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(struct arena *arena, const struct conf_row *row,
                        const struct conf_value *value)
{
    struct conf_value again = { 0 };
    struct str        text  = conf_value_print(arena, row, value);
    struct err        err;

    if (row->is_secret)
        return;
    ASSERT(conf_value_parse(arena, row, text, false, &again, &err) == 0);
    ASSERT(again.number == value->number && again.n_items == value->n_items);
    ASSERT(str_eq(again.text, value->text));
    for (size_t i = 0; i < value->n_items; i++)
        ASSERT(str_eq(again.items[i], value->items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct conf_givens             givens = { .arena = arena };
    struct conf                    conf   = { .arena = arena };
    struct err                     err    = { .kind = ERR_NONE };
    struct str                     text   = { .p = (const char *)data, .n = size };

    if (size > CONF_FILE_MAX)
        return 0;
    if (conf_read_yaml(text, "x.yaml", &givens, &err) < 0 || conf_apply(&conf, &givens, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID && str_starts(str_from(err.text), STR("x.yaml:")));
        return 0;
    }
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        if (conf.values[i].is_set)
            check_value(arena, &conf_table[i], &conf.values[i]);
    }
    return 0;
}
