/* body_fuzz.c: JSON bodies of the management APIs, each by the table of its row. The first line is the table's name, the
 * rest the body. A refusal is the client's fault and says why; an accepted body prints to a text that reads to the same
 * again; and what our own routes accept DTR's accept as well. */
#include <stddef.h>
#include <stdint.h>

#include "api/api_private.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PRINTED_MAX = 8 * 1024 * 1024 };

static const struct json_table *find_table(struct str name)
{
    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++) {
            if (row->takes != NULL && str_is(name, row->takes->name))
                return row->takes;
        }
    }
    return NULL;
}

/* Secrets are never printed, and what leaves out need not come back. */
static bool is_printed_whole(const struct json_table *table)
{
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct json_field *field = &table->fields[i];

        if ((field->flags & JSON_SECRET) != 0 || field->kind == JSON_ANY ||
            (field->table != NULL && !is_printed_whole(field->table)))
            return false;
    }
    return true;
}

static int read_as(struct arena *arena, struct str body, const struct json_table *table,
                   enum json_unknown unknown, void *out)
{
    struct json_ignored ignored = { 0 };
    struct err          err;

    if (json_read_as(arena, body, &json_limits_default, table, unknown, out, &ignored, &err) == 0)
        return 0;
    ASSERT(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
    ASSERT(err.text[0] != '\0');
    return -1;
}

static struct str print(struct arena *arena, const struct json_table *table, const void *value)
{
    struct json_write w;
    struct buf        out;

    buf_init(&out, arena, PRINTED_MAX);
    json_write_init(&w, &out);
    json_write_table(&w, table, value);
    return buf_view(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     body  = { .p = (const char *)data, .n = size };
    struct str                     name;

    json_init();
    if (!str_next(&body, '\n', &name) || body.p == NULL)
        return 0;
    const struct json_table *table = find_table(name);
    if (table == NULL)
        return 0;

    void *value = mem_alloc(arena, table->size);
    void *loose = mem_alloc(arena, table->size);
    void *again = mem_alloc(arena, table->size);
    int   done  = read_as(arena, body, table, JSON_REFUSE_UNKNOWN, value);
    ASSERT(done < 0 || read_as(arena, body, table, JSON_COLLECT_UNKNOWN, loose) == 0);
    if (done < 0 || !is_printed_whole(table))
        return 0;

    struct str printed = print(arena, table, value);
    ASSERT(read_as(arena, printed, table, JSON_REFUSE_UNKNOWN, again) == 0);
    ASSERT(str_eq(print(arena, table, again), printed));
    return 0;
}
