/* codec/json_private.h: what stands behind the door: the folding that pre-scan and binding share, and
 * jansson's tree seen without its header, whose names are also ours. */
#ifndef CODEC_JSON_PRIVATE_H
#define CODEC_JSON_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

/* Folds a key in place and returns its new size, which is never larger. */
size_t json_fold(char *key, size_t size);

struct json_node; /* a value; belongs to the tree */

enum json_node_kind {
    NODE_NULL,
    NODE_STRING,
    NODE_INTEGER,
    NODE_REAL,
    NODE_BOOL,
    NODE_OBJECT,
    NODE_LIST
};

struct json_member {
    struct str              name;
    const struct json_node *value;
};

/* Once, before the second thread starts. */
void json_tree_init(void);

/* For texts that json_check has let through. */
int  json_tree_parse(struct str text, struct json_node **out, struct err *err);
void json_tree_free(struct json_node **tree);

enum json_node_kind json_node_kind(const struct json_node *node);

/* Each for its own kind of node. */
struct str              json_node_str(const struct json_node *node);
int64_t                 json_node_integer(const struct json_node *node);
bool                    json_node_is_true(const struct json_node *node);
size_t                  json_node_n_items(const struct json_node *node);
const struct json_node *json_node_item(const struct json_node *node, size_t index);

/* The members of an object in the order of the text; the array lives in the arena. */
struct json_member *json_node_members(struct arena *arena, const struct json_node *node, size_t *n);

#endif
