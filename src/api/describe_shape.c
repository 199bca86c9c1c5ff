/* api/describe_shape.c: tables of JSON fields as schemas. */
#include <ctype.h>
#include <string.h>

#include "api/describe_private.h"
#include "base/assert.h"
#include "base/mem.h"

void api_shapes_init(struct api_shapes *shapes, struct arena *arena)
{
    *shapes = (struct api_shapes){ .arena = arena,
                                   .list  = mem_many(arena, API_SHAPES_MAX, struct api_shape) };
}

static bool is_named(const struct api_shapes *shapes, const char *name)
{
    for (size_t i = 0; i < shapes->n; i++) {
        if (strcmp(shapes->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The table's name as one word ("team member" is TeamMember), told apart from those that have it already. */
static const char *name_shape(const struct api_shapes *shapes, const struct json_table *table,
                              bool is_body)
{
    struct buf word;
    bool       begins = true;

    buf_init(&word, shapes->arena, 256);
    for (const char *c = table->name; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) != 0)
            buf_char(&word, begins ? (char)toupper((unsigned char)*c) : *c);
        begins = isalnum((unsigned char)*c) == 0;
    }
    if (is_body)
        buf_text(&word, "Body");

    const char *name = word.p;
    for (int i = 2; is_named(shapes, name); i++)
        name = mem_printf(shapes->arena, "%s%d", word.p, i);
    return name;
}

static const char *shape_name(struct api_shapes *shapes, const struct json_table *table,
                              bool is_body, bool is_closed)
{
    for (size_t i = 0; i < shapes->n; i++) {
        const struct api_shape *shape = &shapes->list[i];

        if (shape->table == table && shape->is_body == is_body && shape->is_closed == is_closed)
            return shape->name;
    }
    ASSERT(shapes->n < API_SHAPES_MAX);
    struct api_shape shape    = { .table     = table,
                                  .is_body   = is_body,
                                  .is_closed = is_closed,
                                  .name      = name_shape(shapes, table, is_body) };
    shapes->list[shapes->n++] = shape;
    return shape.name;
}

void api_shapes_write_ref(struct api_shapes *shapes, struct json_write *w,
                          const struct json_table *table, bool is_body, bool is_closed)
{
    const char *name = shape_name(shapes, table, is_body, is_closed);

    json_write_object(w);
    json_write_text_at(w, "$ref", mem_printf(shapes->arena, "#/components/schemas/%s", name));
    json_write_end(w);
}

/* -- fields ------------------------------------------------------------------------------------------- */

/* In JSON schema: the type, and the keyword for the field's maximum. */
static const struct {
    const char *type;
    const char *max;
} kinds[] = {
    [JSON_STRING]  = { "string", "maxLength" },
    [JSON_INTEGER] = { "integer", NULL },
    [JSON_BOOL]    = { "boolean", NULL },
    [JSON_OBJECT]  = { "object", NULL },
    [JSON_LIST]    = { "array", "maxItems" },
    [JSON_MAP]     = { "object", "maxProperties" },
    [JSON_NUMBERS] = { "object", "maxProperties" },
    [JSON_ANY]     = { NULL, NULL },
    [JSON_RAW]     = { NULL, NULL }, /* with a table: a list of its objects, ready */
};

/* Null is read as missing. */
static void write_type(struct json_write *w, const char *type, bool is_nullable)
{
    json_write_key(w, "type");
    if (!is_nullable) {
        json_write_text(w, type);
        return;
    }
    json_write_list(w);
    json_write_text(w, type);
    json_write_text(w, "null");
    json_write_end(w);
}

static void write_plain(struct json_write *w, const char *type)
{
    json_write_object(w);
    json_write_text_at(w, "type", type);
    json_write_end(w);
}

static void write_items(struct api_shapes *shapes, struct json_write *w,
                        const struct api_shape *shape, const struct json_field *field)
{
    json_write_key(w, "items");
    if (field->table == NULL)
        write_plain(w, "string");
    else
        api_shapes_write_ref(shapes, w, field->table, shape->is_body, shape->is_closed);
}

static void write_object(struct api_shapes *shapes, struct json_write *w,
                         const struct api_shape *shape, const struct json_field *field,
                         bool is_nullable)
{
    if (!is_nullable) {
        api_shapes_write_ref(shapes, w, field->table, shape->is_body, shape->is_closed);
        return;
    }
    json_write_object(w);
    json_write_key(w, "anyOf");
    json_write_list(w);
    api_shapes_write_ref(shapes, w, field->table, shape->is_body, shape->is_closed);
    json_write_object(w);
    json_write_text_at(w, "type", "null");
    json_write_end(w);
    json_write_end(w);
    json_write_end(w);
}

static void write_field(struct api_shapes *shapes, struct json_write *w,
                        const struct api_shape *shape, const struct json_field *field)
{
    bool is_nullable = shape->is_body && (field->flags & JSON_REQUIRED) == 0;

    if (field->kind == JSON_OBJECT) {
        write_object(shapes, w, shape, field, is_nullable);
        return;
    }
    bool is_list = field->kind == JSON_LIST || (field->kind == JSON_RAW && field->table != NULL);
    enum json_kind kind = is_list ? JSON_LIST : field->kind;
    json_write_object(w);
    if (kinds[kind].type != NULL)
        write_type(w, kinds[kind].type, is_nullable);
    if (field->kind == JSON_INTEGER)
        json_write_text_at(w, "format", "int64");
    if (shape->is_body && field->max > 0 && kinds[field->kind].max != NULL)
        json_write_int_at(w, kinds[field->kind].max, (int64_t)field->max);
    if ((field->flags & JSON_SECRET) != 0)
        json_write_bool_at(w, "writeOnly", true);
    if (is_list)
        write_items(shapes, w, shape, field);
    if (field->kind == JSON_MAP || field->kind == JSON_NUMBERS) {
        json_write_key(w, "additionalProperties");
        write_plain(w, field->kind == JSON_MAP ? "string" : "integer");
    }
    json_write_end(w);
}

/* What an answer never holds: secrets, and members of which only the presence is read. */
static bool is_shown(const struct api_shape *shape, const struct json_field *field)
{
    return shape->is_body || (field->kind != JSON_ANY && (field->flags & JSON_SECRET) == 0);
}

static bool is_always_there(const struct api_shape *shape, const struct json_field *field)
{
    if (shape->is_body)
        return (field->flags & JSON_REQUIRED) != 0;
    return is_shown(shape, field) && (field->flags & JSON_OMIT) == 0 && field->has_offset == 0;
}

static void write_required(struct json_write *w, const struct api_shape *shape)
{
    bool has_any = false;

    for (size_t i = 0; i < shape->table->n_fields; i++)
        has_any |= is_always_there(shape, &shape->table->fields[i]);
    if (!has_any)
        return;
    json_write_key(w, "required");
    json_write_list(w);
    for (size_t i = 0; i < shape->table->n_fields; i++) {
        if (is_always_there(shape, &shape->table->fields[i]))
            json_write_text(w, shape->table->fields[i].name);
    }
    json_write_end(w);
}

static void write_shape(struct api_shapes *shapes, struct json_write *w,
                        const struct api_shape *shape)
{
    json_write_object(w);
    json_write_text_at(w, "type", "object");
    json_write_key(w, "properties");
    json_write_object(w);
    for (size_t i = 0; i < shape->table->n_fields; i++) {
        const struct json_field *field = &shape->table->fields[i];

        if (!is_shown(shape, field))
            continue;
        json_write_key(w, field->name);
        write_field(shapes, w, shape, field);
    }
    json_write_end(w);
    write_required(w, shape);
    if (shape->is_body && shape->is_closed)
        json_write_bool_at(w, "additionalProperties", false);
    json_write_end(w);
}

/* Writing one may bring in others: the list grows under the loop. */
void api_shapes_write(struct api_shapes *shapes, struct json_write *w)
{
    for (size_t i = 0; i < shapes->n; i++) {
        const struct api_shape shape = shapes->list[i];

        json_write_key(w, shape.name);
        write_shape(shapes, w, &shape);
    }
}
