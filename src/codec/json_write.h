/* codec/json_write.h: writes JSON into a buffer. It knows its nesting and asserts on misuse (a value
 * without a key in an object, an end too many, a second outermost value); what does not fit sticks in
 * the buffer. Escapes all that JSON wants escaped, and bytes that are not UTF-8 become U+FFFD. */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { JSON_WRITE_DEPTH = 32 };

struct json_write {
    struct buf *buf;
    unsigned    depth;
    bool        is_object[JSON_WRITE_DEPTH];
    bool        has_member[JSON_WRITE_DEPTH];
    bool        has_key;
    bool        is_done; /* the outermost value has ended */
};

struct json_table;

void json_write_init(struct json_write *w, struct buf *buf);

void json_write_object(struct json_write *w);
void json_write_list(struct json_write *w);
void json_write_end(struct json_write *w); /* of the innermost */

void json_write_key(struct json_write *w, const char *key);
void json_write_key_str(struct json_write *w, struct str key);
void json_write_str(struct json_write *w, struct str value); /* the null view writes null */
void json_write_text(struct json_write *w, const char *value);
void json_write_int(struct json_write *w, int64_t value);
void json_write_bool(struct json_write *w, bool value);
void json_write_null(struct json_write *w);
void json_write_raw(struct json_write *w, struct str json); /* text known to be one valid value */

/* Key and value in one. */
void json_write_str_at(struct json_write *w, const char *key, struct str value);
void json_write_text_at(struct json_write *w, const char *key, const char *value);
void json_write_int_at(struct json_write *w, const char *key, int64_t value);
void json_write_bool_at(struct json_write *w, const char *key, bool value);

/* A struct by its table: the inverse of json_read. A member with a has-bool is printed when that is set;
 * a row of JSON_ANY, which has no value, is not. */
void json_write_table(struct json_write *w, const struct json_table *table, const void *value);

#endif
