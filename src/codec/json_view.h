/* codec/json_view.h: JSON whose shape is not ours, as views of its own text: what another program keeps in a
 * file, what a server answers to a question that only its caller knows. Where the shape is known, tables of
 * fields (codec/json.h) are the door.
 *
 * Every text given here has passed json_check; a value is the bytes that stand for it, without the blanks around
 * them. Nothing is built: looking a member up reads the object once. Because values are views, a text can be
 * changed in one place and stay what it was, byte for byte, everywhere else (json_view_put). Pure; any thread. */
#ifndef CODEC_JSON_VIEW_H
#define CODEC_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

/* The outermost value of a text. */
struct str json_view_of(struct str text);

bool json_view_is_object(struct str value);
bool json_view_is_list(struct str value);
bool json_view_is_string(struct str value);

/* A member of an object; the null view when there is none, or when the value is no object. */
struct str json_view_at(struct str value, struct str key);

/* The members of an object or the items of a list, in their order; of anything else, none.
 *     struct json_view_each each = json_view_each(value);
 *     while (json_view_next(&each)) … each.key, each.value
 * key: the member's name as it is written, quotes and escapes included; the null view in a list. */
struct json_view_each {
    struct str rest;
    struct str key;
    struct str value;
};

struct json_view_each json_view_each(struct str value);
bool                  json_view_next(struct json_view_each *each);

/* What a string means; of null and of the null view, the null view; of any other value, its own text. */
struct str json_view_text(struct arena *arena, struct str value);

/* A text as a JSON string. */
struct str json_view_quote(struct arena *arena, struct str text);

/* The text with the member at the path put to `value`, or without it when that is the null view. Objects that
 * are missing on the way are made, and null counts as missing; removing what is not there changes nothing. A new
 * member comes last, indented as its neighbours are. ERR_INVALID when something on the way is no object. The path
 * and the value are UTF-8 without NUL. */
int json_view_put(struct arena *arena, struct str text, const struct str *path, size_t n_path,
                  struct str value, struct str *out, struct err *err);

#endif
