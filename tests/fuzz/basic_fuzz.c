/* basic_fuzz.c: Basic credentials. What is accepted is the base64 of a name without a colon, a colon and a
 * password; and every such pair is accepted and comes apart at the same place. */
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str joined(struct arena *arena, struct str name, struct str password)
{
    struct buf buf;

    buf_init(&buf, arena, name.n + password.n + 1);
    buf_str(&buf, name);
    buf_char(&buf, ':');
    buf_str(&buf, password);
    return buf_view(&buf);
}

static void check_foreign(struct arena *arena, struct str text)
{
    struct str name, password;
    struct err err;

    if (auth_basic_parse(arena, text, &name, &password, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID);
        return;
    }
    ASSERT(str_find(name, ':') < 0);
    struct str printed = text_base64_print(arena, joined(arena, name, password));
    ASSERT(str_starts(printed, str_trim(text)) && printed.n - str_trim(text).n < 4);
}

static void check_own(struct arena *arena, struct str text)
{
    struct str name, password;
    struct err err;
    ptrdiff_t  colon   = str_find(text, ':');
    struct str encoded = text_base64_print(arena, text);

    ASSERT((auth_basic_parse(arena, encoded, &name, &password, &err) == 0) == (colon >= 0));
    if (colon >= 0)
        ASSERT(name.n == (size_t)colon && str_eq(joined(arena, name, password), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     text  = { .p = (const char *)data, .n = size };

    check_foreign(arena, text);
    check_own(arena, text);
    return 0;
}
