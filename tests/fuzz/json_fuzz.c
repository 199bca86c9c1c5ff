/* json_fuzz.c: the pre-scan against jansson, and reading against writing.
 *
 * What the pre-scan lets through jansson parses, within the limits and without two names of one object
 * that fold to the same; what only the pre-scan refuses it refuses for a reason that jansson does not
 * know. What was read by a table prints as text that reads the same again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_private.h"
#include "codec/json_write.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = { .size = 1 << 20, .values = 200, .depth = 12, .key = 40 };

struct item {
    struct str name;
    int64_t    size;
};

struct value {
    struct str          text;
    int64_t             number;
    bool                has_number;
    bool                flag;
    bool                is_any;
    struct item         item;
    struct json_list    items;
    struct json_list    words;
    struct json_map     map;
    struct json_numbers numbers;
};

/* clang-format off */
static const struct json_field item_fields[] = {
    { .name = "name", .kind = JSON_STRING,  .offset = JSON_AT(struct item, name, struct str), .flags = JSON_REQUIRED, .max = 9 },
    { .name = "size", .kind = JSON_INTEGER, .offset = JSON_AT(struct item, size, int64_t), .flags = JSON_OMIT },
};

static const struct json_table item_table = {
    .name = "item", .size = sizeof(struct item), .is_closed = true,
    .fields = item_fields, .n_fields = ARRAY_LEN(item_fields),
};

static const struct json_field value_fields[] = {
    { .name = "text",   .kind = JSON_STRING,  .offset = JSON_AT(struct value, text, struct str) },
    { .name = "number", .kind = JSON_INTEGER, .offset = JSON_AT(struct value, number, int64_t), .has_offset = offsetof(struct value, has_number) },
    { .name = "flag",   .kind = JSON_BOOL,    .offset = JSON_AT(struct value, flag, bool) },
    { .name = "any",    .kind = JSON_ANY,     .offset = JSON_AT(struct value, is_any, bool) },
    { .name = "item",   .kind = JSON_OBJECT,  .offset = JSON_AT(struct value, item, struct item), .table = &item_table, .flags = JSON_OMIT },
    { .name = "items",  .kind = JSON_LIST,    .offset = JSON_AT(struct value, items, struct json_list), .table = &item_table, .max = 4 },
    { .name = "words",  .kind = JSON_LIST,    .offset = JSON_AT(struct value, words, struct json_list) },
    { .name = "map",    .kind = JSON_MAP,     .offset = JSON_AT(struct value, map, struct json_map) },
    { .name = "numbers", .kind = JSON_NUMBERS, .offset = JSON_AT(struct value, numbers, struct json_numbers) },
};

static const struct json_table value_table = {
    .name = "value", .size = sizeof(struct value), .fields = value_fields, .n_fields = ARRAY_LEN(value_fields),
};
/* clang-format on */

static struct str folded(struct arena *arena, struct str name)
{
    char *copy = str_dup(arena, name);

    return (struct str){ .p = copy, .n = json_fold(copy, name.n) };
}

static void check_names(struct arena *arena, const struct json_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ASSERT(members[i].name.n <= limits.key);
        for (size_t j = 0; j < i; j++)
            ASSERT(!str_eq(folded(arena, members[i].name), folded(arena, members[j].name)));
    }
}

/* Returns the number of values. */
static size_t walk(struct arena *arena, const struct json_node *node, size_t depth)
{
    size_t n_values = 1;
    size_t n        = 0;

    switch (json_node_kind(node)) {
    case NODE_STRING:
        ASSERT(text_is_utf8(json_node_str(node)) && str_find(json_node_str(node), '\0') < 0);
        break;
    case NODE_LIST:
        ASSERT(depth < limits.depth);
        for (size_t i = 0; i < json_node_n_items(node); i++)
            n_values += walk(arena, json_node_item(node, i), depth + 1);
        break;
    case NODE_OBJECT: {
        struct json_member *members = json_node_members(arena, node, &n);

        ASSERT(depth < limits.depth);
        check_names(arena, members, n);
        for (size_t i = 0; i < n; i++)
            n_values += walk(arena, members[i].value, depth + 1);
        break;
    }
    default:
        break;
    }
    return n_values;
}

/* Has the error one of the reasons that jansson does not know? */
static bool is_ours_alone(const struct err *err)
{
    static const char *const reasons[] = { "apart from case", "nesting is deeper", "more than",
                                           "is longer", "too long a number" };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (strstr(err->text, reasons[i]) != NULL)
            return true;
    }
    return false;
}

static struct str print(struct arena *arena, const struct value *value)
{
    struct buf        buf;
    struct json_write w;

    buf_init(&buf, arena, 8 << 20);
    json_write_init(&w, &buf);
    json_write_table(&w, &value_table, value);
    ASSERT(!buf.is_full);
    return buf_view(&buf);
}

static void check_round_trip(struct arena *arena, struct str text)
{
    struct value value = { 0 };
    struct value again = { 0 };
    struct err   err;

    if (json_read(arena, text, &limits, &value_table, &value, &err) < 0)
        return;
    struct str printed = print(arena, &value);
    ASSERT(json_read(arena, printed, &json_limits_default, &value_table, &again, &err) == 0);
    ASSERT(str_eq(print(arena, &again), printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(json_tree_free) struct json_node *tree  = NULL;
    struct str                             text  = { .p = (const char *)data, .n = size };
    struct err                             err;
    struct err                             other;

    int is_refused = json_check(text, &limits, &err);
    int is_failed  = json_tree_parse(text, &tree, &other);
    if (is_refused == 0) {
        ASSERT(is_failed == 0);
        ASSERT(walk(arena, tree, 0) <= limits.values);
        check_round_trip(arena, text);
    } else if (is_failed == 0) {
        /* jansson passes over a NUL between tokens. */
        ASSERT(is_ours_alone(&err) || str_find(text, '\0') >= 0);
    }
    return 0;
}
