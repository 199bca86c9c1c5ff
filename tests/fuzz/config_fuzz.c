/* config_fuzz.c: whatever stands in the configuration of an image, what is kept of it has its limits and is JSON that our
 * own door reads back: as many lines as there is history, each layer once and in order. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "oci/config.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LAYERS_MAX = 4 };

struct lines {
    struct json_list list;
};

static const struct json_field lines_fields[] = {
    { .name   = "lines",
      .kind   = JSON_LIST,
      .offset = JSON_AT(struct lines, list, struct json_list),
      .table  = &oci_line_table,
      .flags  = JSON_REQUIRED },
};
static const struct json_table lines_table = {
    .name = "lines", .size = sizeof(struct lines), .fields = lines_fields, .n_fields = 1
};

static struct oci_manifest layers_of(struct arena *arena, size_t n)
{
    struct oci_manifest manifest = { .layers   = mem_many(arena, n + 1, struct oci_descriptor),
                                     .n_layers = n };

    for (size_t i = 0; i < n; i++) {
        manifest.layers[i] = (struct oci_descriptor){ .media_type = STR("a/b"), .size = 7 };
        oci_digest_of(str_from(mem_printf(arena, "%zu", i)), HASH_SHA256,
                      &manifest.layers[i].digest);
    }
    return manifest;
}

static void check_lines(struct arena *arena, const struct oci_config *config,
                        const struct oci_manifest *manifest, size_t n_wanted)
{
    struct json_limits limits = json_limits_default;
    struct str         json   = oci_config_lines(arena, config, manifest);
    struct str   wrapped = str_from(mem_printf(arena, "{\"lines\":" STR_FMT "}", STR_ARGS(json)));
    struct lines lines   = { 0 };
    struct err   err;
    size_t       n_layers = 0;

    ASSERT(json.n < 512 * 1024);
    ASSERT(json_read(arena, wrapped, &limits, &lines_table, &lines, &err) == 0);
    ASSERT(lines.list.n == n_wanted);
    for (size_t i = 0; i < lines.list.n; i++) {
        const struct oci_line *line = (const struct oci_line *)lines.list.items + i;

        ASSERT(line->line.n <= OCI_LINE_MAX + sizeof("RUN ") + 2 * OCI_LINE_MAX); /* U+FFFD */
        ASSERT(line->is_empty == (line->layer_digest.n == 0));
        if (!line->is_empty)
            ASSERT(
                str_eq(line->layer_digest, oci_digest_str(&manifest->layers[n_layers++].digest)));
    }
    ASSERT(n_layers == manifest->n_layers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_config              config;
    struct err                     err;
    size_t                         n_layers = 0;

    if (size == 0)
        return 0;
    json_init();
    if (oci_config_parse(arena, (struct str){ .p = (const char *)data + 1, .n = size - 1 }, &config,
                         &err) < 0)
        return 0;
    ASSERT(config.n_history <= OCI_HISTORY_MAX && config.os.n <= OCI_PLATFORM_MAX);
    for (size_t i = 0; i < config.n_history; i++)
        n_layers += !config.history[i].is_empty;

    struct oci_manifest some = layers_of(arena, data[0] % LAYERS_MAX);
    check_lines(arena, &config, &some,
                some.n_layers == n_layers ? config.n_history : some.n_layers);
    struct oci_manifest all = layers_of(arena, n_layers);
    check_lines(arena, &config, &all, config.n_history);
    return 0;
}
