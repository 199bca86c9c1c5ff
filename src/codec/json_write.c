/* codec/json_write.c: commas and escapes in one place. What does not fit sticks in the buffer, and the
 * nesting is kept all the same, so that misuse is found whether it fits or not. */
#include "codec/json_write.h"

#include "base/assert.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/text.h"

void json_write_init(struct json_write *w, struct buf *buf)
{
    *w = (struct json_write){ .buf = buf };
}

/* Whatever stands before a value: the comma in a list; in an object the key has seen to it. */
static void begin_value(struct json_write *w)
{
    ASSERT(!w->is_done);
    if (w->depth == 0)
        return;

    unsigned top = w->depth - 1;
    if (w->is_object[top]) {
        ASSERT(w->has_key);
        w->has_key = false;
        return;
    }
    if (w->has_member[top])
        buf_char(w->buf, ',');
    w->has_member[top] = true;
}

static void end_value(struct json_write *w)
{
    w->is_done = w->depth == 0;
}

static void open_level(struct json_write *w, bool is_object)
{
    begin_value(w);
    ASSERT(w->depth < JSON_WRITE_DEPTH);
    w->is_object[w->depth]  = is_object;
    w->has_member[w->depth] = false;
    w->depth++;
    buf_char(w->buf, is_object ? '{' : '[');
}

void json_write_object(struct json_write *w)
{
    open_level(w, true);
}

void json_write_list(struct json_write *w)
{
    open_level(w, false);
}

void json_write_end(struct json_write *w)
{
    ASSERT(w->depth > 0 && !w->has_key);
    w->depth--;
    buf_char(w->buf, w->is_object[w->depth] ? '}' : ']');
    end_value(w);
}

static void put_escape(struct buf *buf, char c)
{
    switch (c) {
    case '"':
        buf_text(buf, "\\\"");
        break;
    case '\\':
        buf_text(buf, "\\\\");
        break;
    case '\n':
        buf_text(buf, "\\n");
        break;
    case '\r':
        buf_text(buf, "\\r");
        break;
    case '\t':
        buf_text(buf, "\\t");
        break;
    default:
        buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void put_string(struct buf *buf, struct str s)
{
    buf_char(buf, '"');
    while (s.n > 0) {
        size_t plain = 0;
        while (plain < s.n && is_plain(s.p[plain]))
            plain++;
        buf_add(buf, s.p, plain);
        s = str_from_index(s, plain);
        if (s.n == 0)
            break;

        size_t size = text_utf8_size(s);
        if (size == 0)
            buf_text(buf, "\xef\xbf\xbd");
        else if (size == 1)
            put_escape(buf, s.p[0]);
        else
            buf_add(buf, s.p, size);
        s = str_from_index(s, size == 0 ? 1 : size);
    }
    buf_char(buf, '"');
}

void json_write_key_str(struct json_write *w, struct str key)
{
    ASSERT(w->depth > 0 && w->is_object[w->depth - 1] && !w->has_key);
    if (w->has_member[w->depth - 1])
        buf_char(w->buf, ',');
    w->has_member[w->depth - 1] = true;
    w->has_key                  = true;
    put_string(w->buf, key);
    buf_char(w->buf, ':');
}

void json_write_key(struct json_write *w, const char *key)
{
    json_write_key_str(w, str_from(key));
}

void json_write_str(struct json_write *w, struct str value)
{
    if (value.p == NULL) {
        json_write_null(w);
        return;
    }
    begin_value(w);
    put_string(w->buf, value);
    end_value(w);
}

void json_write_text(struct json_write *w, const char *value)
{
    json_write_str(w, str_from(value));
}

void json_write_raw(struct json_write *w, struct str json)
{
    begin_value(w);
    buf_str(w->buf, json);
    end_value(w);
}

void json_write_int(struct json_write *w, int64_t value)
{
    begin_value(w);
    buf_printf(w->buf, "%lld", (long long)value);
    end_value(w);
}

void json_write_bool(struct json_write *w, bool value)
{
    json_write_raw(w, value ? STR("true") : STR("false"));
}

void json_write_null(struct json_write *w)
{
    json_write_raw(w, STR("null"));
}

void json_write_str_at(struct json_write *w, const char *key, struct str value)
{
    json_write_key(w, key);
    json_write_str(w, value);
}

void json_write_text_at(struct json_write *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_text(w, value);
}

void json_write_int_at(struct json_write *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_int(w, value);
}

void json_write_bool_at(struct json_write *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

/* The member's value, by its kind. */
static const void *member_of(const struct json_field *field, const void *value)
{
    return (const char *)value + field->offset;
}

static bool is_empty(const struct json_field *field, const void *value)
{
    const void *member = member_of(field, value);

    switch (field->kind) {
    case JSON_STRING:
    case JSON_RAW:
        return ((const struct str *)member)->n == 0;
    case JSON_INTEGER:
        return *(const int64_t *)member == 0;
    case JSON_BOOL:
        return !*(const bool *)member;
    case JSON_LIST:
        return ((const struct json_list *)member)->n == 0;
    case JSON_MAP:
        return ((const struct json_map *)member)->n == 0;
    case JSON_NUMBERS:
        return ((const struct json_numbers *)member)->n == 0;
    case JSON_OBJECT:
        for (size_t i = 0; i < field->table->n_fields; i++) {
            if (!is_empty(&field->table->fields[i], member))
                return false;
        }
        return true;
    case JSON_ANY:
        return true;
    }
    ASSERT_NEVER("a kind of field that the table does not have");
}

static bool is_printed(const struct json_field *field, const void *value)
{
    if (field->kind == JSON_ANY || (field->flags & JSON_SECRET) != 0)
        return false;
    if (field->has_offset != 0)
        return *(const bool *)((const char *)value + field->has_offset);
    return (field->flags & JSON_OMIT) == 0 || !is_empty(field, value);
}

static void write_list(struct json_write *w, const struct json_table *table,
                       const struct json_list *list)
{
    size_t      size  = table == NULL ? sizeof(struct str) : table->size;
    const char *items = list->items;

    json_write_list(w);
    for (size_t i = 0; i < list->n; i++) {
        if (table == NULL)
            json_write_str(w, *(const struct str *)(const void *)(items + i * size));
        else
            json_write_table(w, table, items + i * size);
    }
    json_write_end(w);
}

static void write_map(struct json_write *w, const struct json_map *map)
{
    json_write_object(w);
    for (size_t i = 0; i < map->n; i++) {
        json_write_key_str(w, map->pairs[i].key);
        json_write_str(w, map->pairs[i].value);
    }
    json_write_end(w);
}

static void write_numbers(struct json_write *w, const struct json_numbers *numbers)
{
    json_write_object(w);
    for (size_t i = 0; i < numbers->n; i++) {
        json_write_key_str(w, numbers->pairs[i].key);
        json_write_int(w, numbers->pairs[i].value);
    }
    json_write_end(w);
}

static void write_member(struct json_write *w, const struct json_field *field, const void *member)
{
    switch (field->kind) {
    case JSON_STRING:
        json_write_str(w, *(const struct str *)member);
        break;
    case JSON_INTEGER:
        json_write_int(w, *(const int64_t *)member);
        break;
    case JSON_BOOL:
        json_write_bool(w, *(const bool *)member);
        break;
    case JSON_OBJECT:
        json_write_table(w, field->table, member);
        break;
    case JSON_LIST:
        write_list(w, field->table, member);
        break;
    case JSON_MAP:
        write_map(w, member);
        break;
    case JSON_NUMBERS:
        write_numbers(w, member);
        break;
    case JSON_RAW:
        json_write_raw(w, *(const struct str *)member);
        break;
    case JSON_ANY:
        ASSERT_NEVER("a member that is never printed");
    }
}

void json_write_table(struct json_write *w, const struct json_table *table, const void *value)
{
    json_write_object(w);
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct json_field *field = &table->fields[i];

        if (!is_printed(field, value))
            continue;
        json_write_key(w, field->name);
        write_member(w, field, member_of(field, value));
    }
    json_write_end(w);
}
