/* codec/json_tree.c: the only file that sees jansson. */
#include "codec/json_private.h"

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"

void json_tree_init(void)
{
    json_set_alloc_funcs(mem_new_bytes, mem_free);
    json_object_seed(0);
}

static const json_t *seen_as_jansson(const struct json_node *node)
{
    return (const json_t *)node;
}

int json_tree_parse(struct str text, struct json_node **out, struct err *err)
{
    json_error_t error;
    json_t *tree = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    if (tree == NULL)
        return err_set(err, ERR_INVALID, "%s at byte %d", error.text, error.position);

    *out = (struct json_node *)tree;
    return 0;
}

void json_tree_free(struct json_node **tree)
{
    json_decref((json_t *)*tree);
    *tree = NULL;
}

enum json_node_kind json_node_kind(const struct json_node *node)
{
    static const enum json_node_kind kinds[] = {
        [JSON_NULL] = NODE_NULL,     [JSON_STRING] = NODE_STRING, [JSON_INTEGER] = NODE_INTEGER,
        [JSON_REAL] = NODE_REAL,     [JSON_TRUE] = NODE_BOOL,     [JSON_FALSE] = NODE_BOOL,
        [JSON_OBJECT] = NODE_OBJECT, [JSON_ARRAY] = NODE_LIST,
    };

    return kinds[json_typeof(seen_as_jansson(node))];
}

struct str json_node_str(const struct json_node *node)
{
    const json_t *string = seen_as_jansson(node);

    return (struct str){ .p = json_string_value(string), .n = json_string_length(string) };
}

int64_t json_node_integer(const struct json_node *node)
{
    return json_integer_value(seen_as_jansson(node));
}

bool json_node_is_true(const struct json_node *node)
{
    return json_is_true(seen_as_jansson(node));
}

size_t json_node_n_items(const struct json_node *node)
{
    return json_array_size(seen_as_jansson(node));
}

const struct json_node *json_node_item(const struct json_node *node, size_t index)
{
    return (const struct json_node *)json_array_get(seen_as_jansson(node), index);
}

struct json_member *json_node_members(struct arena *arena, const struct json_node *node, size_t *n)
{
    json_t             *object  = (json_t *)(uintptr_t)node; /* iterating takes it without const */
    struct json_member *members = mem_many(arena, json_object_size(object), struct json_member);
    size_t              at      = 0;

    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
        members[at].name =
            (struct str){ .p = json_object_iter_key(i), .n = json_object_iter_key_len(i) };
        members[at].value = (const struct json_node *)json_object_iter_value(i);
        at++;
    }

    *n = at;
    return members;
}
