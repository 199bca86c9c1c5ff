/* url_fuzz.c: the small languages of codec/text. Decoding is undone by encoding, encoded text needs no
 * second decoding, a parsed amount or time prints as a text that means the same, and escaped text holds
 * nothing that its language would take for more than text. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str url_encoded(struct arena *arena, struct str text)
{
    struct buf buf;

    buf_init(&buf, arena, 3 * text.n);
    text_url_encode(&buf, text);
    ASSERT(!buf.is_full);
    return buf_view(&buf);
}

static void check_url(struct arena *arena, struct str text)
{
    struct str decoded;
    struct str again;
    struct err err;

    if (text_url_decode(arena, text, &decoded, &err) < 0)
        return;
    ASSERT(decoded.n <= text.n && str_find(decoded, '\0') < 0);
    ASSERT(text_url_decode(arena, url_encoded(arena, decoded), &again, &err) == 0);
    ASSERT(str_eq(again, decoded));
}

static void check_fields(struct arena *arena, struct str text)
{
    struct text_fields fields;
    struct text_fields again;
    struct buf         buf;
    struct err         err;

    if (text_fields_parse(arena, text, &fields, &err) < 0)
        return;
    ASSERT(fields.n <= TEXT_FIELDS_MAX);
    buf_init(&buf, arena, 4 * text.n + 4 * TEXT_FIELDS_MAX);
    for (size_t i = 0; i < fields.n; i++) {
        buf_str(&buf, url_encoded(arena, fields.fields[i].name));
        buf_char(&buf, '=');
        buf_str(&buf, url_encoded(arena, fields.fields[i].value));
        buf_char(&buf, '&');
    }
    ASSERT(text_fields_parse(arena, buf_view(&buf), &again, &err) == 0 && again.n == fields.n);
    for (size_t i = 0; i < fields.n; i++) {
        ASSERT(str_eq(fields.fields[i].name, again.fields[i].name));
        ASSERT(str_eq(fields.fields[i].value, again.fields[i].value));
    }
}

static void check_base64(struct arena *arena, struct str text)
{
    struct str bytes;
    struct err err;

    if (text_base64url_parse(arena, text, &bytes, &err) == 0)
        ASSERT(str_eq(text_base64url_print(arena, bytes), text));
    if (text_base64_parse(arena, text, &bytes, &err) == 0) {
        struct str printed = text_base64_print(arena, bytes);

        ASSERT(str_starts(printed, text) && printed.n - text.n < 4);
        if (text.n % 4 == 0)
            ASSERT(printed.n == text.n);
    }
    ASSERT(text_base64_parse(arena, text_base64_print(arena, text), &bytes, &err) == 0);
    ASSERT(str_eq(bytes, text));
    ASSERT(text_base64url_parse(arena, text_base64url_print(arena, text), &bytes, &err) == 0);
    ASSERT(str_eq(bytes, text));
}

static void check_hex(struct arena *arena, struct str text)
{
    char *bytes = mem_alloc(arena, text.n + 1);
    char *again = mem_alloc(arena, 2 * text.n + 1);

    if (text_hex_parse(text, bytes, text.n / 2)) {
        text_hex_print(bytes, text.n / 2, again);
        ASSERT(str_is(text, again));
    }
}

static void check_times(struct str text)
{
    char       printed[TEXT_TIME_MAX];
    struct err err;
    int64_t    value;
    int64_t    again;

    if (text_time_parse(text, &value, &err) == 0) {
        text_time_print(value, printed);
        ASSERT(text_time_parse(str_from(printed), &again, &err) == 0 && again == value);
    }
    if (text_duration_parse(text, &value, &err) == 0) {
        ASSERT(value >= 0);
        text_duration_print(value, printed);
        ASSERT(text_duration_parse(str_from(printed), &again, &err) == 0 && again == value);
    }
    if (text_size_parse(text, &value, &err) == 0) {
        ASSERT(value >= 0);
        text_size_print(value, printed);
        ASSERT(text_size_parse(str_from(printed), &again, &err) == 0 && again == value);
    }
    if (text.n >= sizeof(value)) {
        memcpy(&value, text.p, sizeof(value));
        text_time_print(value, printed);
        ASSERT(text_time_parse(str_from(printed), &again, &err) == 0);
        text_http_time_print(value, printed);
        ASSERT(strlen(printed) == 29);
    }
}

static void check_escapes(struct arena *arena, struct str text)
{
    struct buf buf;

    buf_init(&buf, arena, 6 * text.n);
    text_html_escape(&buf, text);
    struct str html = buf_view(&buf);
    for (size_t i = 0; i < html.n; i++)
        ASSERT(html.p[i] != '\0' && strchr("<>\"'", html.p[i]) == NULL);

    buf_init(&buf, arena, 2 * text.n);
    text_quoted_escape(&buf, text);
    struct str quoted = buf_view(&buf);
    for (size_t i = 0; i < quoted.n; i++) {
        unsigned char c = (unsigned char)quoted.p[i];

        ASSERT(c == '\t' || (c >= 0x20 && c != 0x7f));
        ASSERT(c != '"');
        if (c == '\\') {
            i++;
            ASSERT(i < quoted.n && (quoted.p[i] == '"' || quoted.p[i] == '\\'));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     text  = { .p = (const char *)data, .n = size };

    check_url(arena, text);
    check_fields(arena, text);
    check_base64(arena, text);
    check_hex(arena, text);
    check_times(text);
    check_escapes(arena, text);
    return 0;
}
