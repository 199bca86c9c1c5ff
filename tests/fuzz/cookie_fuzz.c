/* cookie_fuzz.c: one cookie out of a header. The first line is a name, the rest the header. What is found is a part of the
 * header that stands behind that name and holds no separator; it is found again in any company that does not bear the
 * name; and one that a second with another value stands beside is never found. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "codec/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str with(struct arena *arena, const char *head, struct str header, const char *name,
                       const char *tail)
{
    struct buf buf;

    buf_init(&buf, arena, header.n + 4096);
    buf_text(&buf, head);
    buf_str(&buf, header);
    if (tail != NULL)
        buf_printf(&buf, "; %s=%s", name, tail);
    return buf_view(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct str                     header = { .p = (const char *)data, .n = size };
    struct str                     line   = STR_NULL, value, again;

    if (!str_next(&header, '\n', &line) || header.p == NULL || line.n == 0 || line.n > 64)
        return 0;
    if (str_find(line, '=') >= 0 || str_find(line, ';') >= 0 || str_find(line, '\0') >= 0 ||
        !str_eq(line, str_trim(line)) || str_is(line, "\1"))
        return 0; /* no name of ours */

    const char *name  = str_dup(arena, line);
    int         found = cookie_find(header, name, &value);
    ASSERT(found == 0 || found == 1);
    if (found == 0)
        return 0;

    ASSERT(value.p >= header.p && value.p + value.n <= header.p + header.n);
    ASSERT(str_find(value, ';') < 0 && str_eq(value, str_trim(value)));
    ASSERT(cookie_find(with(arena, "\1=1; ", header, name, NULL), name, &again) == 1);
    ASSERT(str_eq(again, value));
    ASSERT(cookie_find(with(arena, "", header, name, "planted"), name, &again) ==
           str_is(value, "planted"));
    return 0;
}
