/* oracle.c: what our readers say of texts, for test_oracle.py, which knows from other readers what they should
 * say. Lines "KIND HEX" in, one line of JSON for each out: null when the text is refused, else what it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/address.h"
#include "codec/json.h"
#include "codec/json_private.h"
#include "codec/json_write.h"
#include "codec/pattern.h"
#include "codec/text.h"
#include "oci/manifest.h"
#include "oci/media.h"
#include "oci/name.h"
#include "oci/range.h"

enum { ANSWER_MAX = 1 << 20 };

typedef void read_text(struct arena *arena, struct str text, struct json_write *w);

static void read_json(struct arena *arena, struct str text, struct json_write *w)
{
    struct err ignored; /* refused is all there is to say, here and below */

    if (json_check(text, &json_limits_default, &ignored) == 0)
        json_write_bool(w, true);
}

static void write_descriptor(struct json_write *w, const struct oci_descriptor *descriptor)
{
    json_write_list(w);
    json_write_str(w, descriptor->media_type);
    json_write_str(w, oci_digest_str(&descriptor->digest));
    json_write_int(w, descriptor->size);
    json_write_end(w);
}

static void read_manifest(struct arena *arena, struct str text, struct json_write *w)
{
    struct oci_manifest manifest;
    struct err          ignored;

    if (oci_manifest_parse(arena, text, STR_NULL, &manifest, &ignored) < 0)
        return;
    json_write_object(w);
    json_write_str_at(w, "type", manifest.media_type);
    json_write_str_at(w, "artifact", manifest.artifact_type);
    json_write_key(w, "parts");
    json_write_list(w);
    if (!oci_manifest_is_index(&manifest))
        write_descriptor(w, &manifest.config);
    for (size_t i = 0; i < manifest.n_layers; i++)
        write_descriptor(w, &manifest.layers[i]);
    for (size_t i = 0; i < manifest.n_children; i++)
        write_descriptor(w, &manifest.children[i]);
    json_write_end(w);
    json_write_key(w, "subject");
    if (manifest.has_subject)
        write_descriptor(w, &manifest.subject);
    else
        json_write_null(w);
    json_write_end(w);
}

static void read_digest(struct arena *arena, struct str text, struct json_write *w)
{
    struct oci_digest digest;
    struct err        ignored;

    if (oci_digest_parse(text, &digest, &ignored) == 0)
        json_write_str(w, oci_digest_str(&digest));
}

static void read_name(struct arena *arena, struct str text, struct json_write *w)
{
    struct err ignored;

    if (oci_name_check(text, &ignored) == 0)
        json_write_str(w, text);
}

static void read_tag(struct arena *arena, struct str text, struct json_write *w)
{
    struct err ignored;

    if (oci_tag_check(text, &ignored) == 0)
        json_write_str(w, text);
}

static void read_media(struct arena *arena, struct str text, struct json_write *w)
{
    if (oci_media_is_valid(text))
        json_write_str(w, text);
}

static void read_content_range(struct arena *arena, struct str text, struct json_write *w)
{
    struct oci_range range;
    struct err       ignored;

    if (oci_content_range_parse(text, &range, &ignored) < 0)
        return;
    json_write_list(w);
    json_write_int(w, range.from);
    json_write_int(w, range.size);
    json_write_end(w);
}

/* The 16 bytes, in hex. */
static void read_address(struct arena *arena, struct str text, struct json_write *w)
{
    struct address address;
    char           hex[33];

    if (!address_parse(text, &address))
        return;
    text_hex_print(address.bytes, sizeof(address.bytes), hex);
    json_write_text(w, hex);
}

static void read_network(struct arena *arena, struct str text, struct json_write *w)
{
    struct networks networks;
    struct err      ignored;

    if (networks_parse(arena, text, &networks, &ignored) == 0 && networks.n == 1)
        json_write_int(w, networks.networks[0].n_bits);
}

static void read_time(struct arena *arena, struct str text, struct json_write *w)
{
    int64_t    time_us;
    struct err ignored;

    if (text_time_parse(text, &time_us, &ignored) == 0)
        json_write_int(w, time_us);
}

/* "glob" or "regex", the pattern and the text, with a NUL after the first two. */
static void read_pattern(struct arena *arena, struct str text, struct json_write *w)
{
    AUTO(pattern_free) struct pattern *pattern = NULL;
    struct str                         word, form;
    enum pattern_syntax                syntax;
    struct err                         ignored;

    if (!str_next(&text, '\0', &word) || !str_next(&text, '\0', &form) ||
        pattern_syntax_parse(word, &syntax) == 0 ||
        pattern_new(syntax, form, &pattern, &ignored) < 0)
        return;
    json_write_int(w, pattern_match(pattern, text.p == NULL ? STR("") : text));
}

static const struct {
    const char *name;
    read_text  *read;
} kinds[] = {
    { "json", read_json },       { "manifest", read_manifest },
    { "digest", read_digest },   { "name", read_name },
    { "tag", read_tag },         { "media", read_media },
    { "time", read_time },       { "content-range", read_content_range },
    { "address", read_address }, { "network", read_network },
    { "pattern", read_pattern },
};

/* Exactly as large as the text, so that a read past its end is seen. */
static struct str bytes_of(struct str hex)
{
    char *bytes = malloc(hex.n / 2 + (hex.n == 0));

    ASSERT(text_hex_parse(hex, bytes, hex.n / 2));
    return (struct str){ .p = bytes, .n = hex.n / 2 };
}

static void answer(struct str kind, struct str hex)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     text  = bytes_of(hex);
    struct json_write              w;
    struct buf                     buf;

    buf_init(&buf, arena, ANSWER_MAX);
    json_write_init(&w, &buf);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_is(kind, kinds[i].name))
            kinds[i].read(arena, text, &w);
    }
    if (buf.n == 0)
        json_write_null(&w);
    ASSERT(!buf.is_full);
    puts(buf.p);
    free((char *)(uintptr_t)text.p);
}

int main(void)
{
    char   *line = NULL;
    size_t  room = 0;
    ssize_t n;

    while ((n = getline(&line, &room, stdin)) > 0) {
        struct str hex = { .p = line, .n = (size_t)n - 1 };
        struct str kind;

        str_next(&hex, ' ', &kind);
        answer(kind, hex);
    }
    free(line);
    return 0;
}
