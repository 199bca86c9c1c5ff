/* view_fuzz.c: JSON as views of its own text. Whatever passes the pre-scan is walked without leaving it, and putting a
 * member changes that one alone: the text is JSON as before, says the new value, and every other member of the
 * outermost object is what it was, to the byte. Taking the member away leaves no trace. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = { .size = 1 << 16, .values = 400, .depth = 16, .key = 64 };

static void is_within(struct str text, struct str part)
{
    ASSERT(part.p >= text.p && part.p + part.n <= text.p + text.n && part.n > 0);
}

static void walk(struct arena *arena, struct str text, struct str value)
{
    struct json_view_each each = json_view_each(value);

    is_within(text, value);
    json_view_text(arena, value);
    while (json_view_next(&each)) {
        if (json_view_is_object(value)) {
            is_within(text, each.key);
            ASSERT(json_view_at(value, json_view_text(arena, each.key)).p == each.value.p);
        }
        walk(arena, text, each.value);
    }
}

/* All members of the one are in the other as they stand there, but that one. */
static void is_same_but(struct arena *arena, struct str before, struct str after, struct str but)
{
    struct json_view_each each = json_view_each(before);

    while (json_view_next(&each)) {
        struct str key = json_view_text(arena, each.key);

        ASSERT(str_eq(key, but) || str_eq(json_view_at(after, key), each.value));
    }
}

static void put_and_take(struct arena *arena, struct str text, const struct str *path,
                         size_t n_path)
{
    struct str put, taken, value = STR("{\"new\":1}");
    struct err err;

    if (json_view_put(arena, text, path, n_path, value, &put, &err) < 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    ASSERT(json_check(put, &json_limits_default, &err) == 0 ||
           strstr(err.text, "key") != NULL); /* equal to another after folding */
    struct str at = json_view_of(put);
    for (size_t i = 0; i < n_path; i++)
        at = json_view_at(at, path[i]);
    ASSERT(str_eq(at, value));
    is_same_but(arena, json_view_of(text), json_view_of(put), path[0]);

    ASSERT(json_view_put(arena, put, path, n_path, STR_NULL, &taken, &err) == 0);
    at = json_view_of(taken);
    for (size_t i = 0; i < n_path; i++)
        at = json_view_at(at, path[i]);
    ASSERT(at.p == NULL);
    ASSERT(json_view_is_object(json_view_of(taken)));
    is_same_but(arena, json_view_of(text), json_view_of(taken), path[0]);
}

/* The first byte says how much of the rest is a name, and how deep it lies. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     input = { .p = (const char *)data, .n = size };
    struct err                     err;

    if (size < 2 || size > limits.size)
        return 0;
    struct str name = str_sub(input, 1, data[0] & 15);
    struct str text = str_from_index(input, 1 + name.n);
    if (json_check(text, &limits, &err) < 0 || !text_is_utf8(name) ||
        memchr(name.p, 0, name.n) != NULL)
        return 0;

    struct str path[] = { STR("auths"), name.n > 0 ? name : STR("x"), STR("deep") };
    walk(arena, text, json_view_of(text));
    put_and_take(arena, text, path, 1 + (size_t)(data[0] >> 4) % 3);
    put_and_take(arena, text, path + 1, 1);
    return 0;
}
