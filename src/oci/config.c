/* oci/config.c: the lines of an image. Builders write a layer's command in words of their own: the classic one
 * "/bin/sh -c #(nop) CMD …" and "/bin/sh -c apt-get …", BuildKit "RUN /bin/sh -c apt-get … # buildkit". People are shown
 * what stood in their Dockerfile.
 *
 * One configuration may be named by any number of small manifests, and its lines are kept beside each: so there are
 * limits to a line and to all lines of an image, and what does not fit is cut, at a character's end. */
#include "oci/config.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/manifest.h"

enum { TEXT_SIZE_MAX = OCI_CONFIG_MAX, LINES_SIZE_MAX = 2 * 1024 * 1024, ESCAPED = 6 };

struct wire_history {
    struct str created_by;
    bool       is_empty;
};

struct wire_config {
    struct str       os;
    struct str       architecture;
    struct str       os_version;
    struct json_list history;
};

/* clang-format off */
static const struct json_field history_fields[] = {
    { .name = "created_by",  .kind = JSON_STRING, .offset = JSON_AT(struct wire_history, created_by, struct str), .max = TEXT_SIZE_MAX },
    { .name = "empty_layer", .kind = JSON_BOOL,   .offset = JSON_AT(struct wire_history, is_empty, bool) },
};
static const struct json_table history_table = {
    .name = "history", .size = sizeof(struct wire_history), .fields = history_fields, .n_fields = ARRAY_LEN(history_fields),
};

static const struct json_field config_fields[] = {
    { .name = "architecture", .kind = JSON_STRING, .offset = JSON_AT(struct wire_config, architecture, struct str), .max = OCI_PLATFORM_MAX },
    { .name = "history",      .kind = JSON_LIST,   .offset = JSON_AT(struct wire_config, history, struct json_list),
      .table = &history_table, .max = OCI_HISTORY_MAX },
    { .name = "os",           .kind = JSON_STRING, .offset = JSON_AT(struct wire_config, os, struct str), .max = OCI_PLATFORM_MAX },
    { .name = "os.version",   .kind = JSON_STRING, .offset = JSON_AT(struct wire_config, os_version, struct str), .max = OCI_PLATFORM_MAX },
};
static const struct json_table config_table = {
    .name = "image configuration", .size = sizeof(struct wire_config), .fields = config_fields, .n_fields = ARRAY_LEN(config_fields),
};

static const struct json_field line_fields[] = {
    { .name = "isEmpty",     .kind = JSON_BOOL,    .offset = JSON_AT(struct oci_line, is_empty, bool) },
    { .name = "layerDigest", .kind = JSON_STRING,  .offset = JSON_AT(struct oci_line, layer_digest, struct str) },
    { .name = "line",        .kind = JSON_STRING,  .offset = JSON_AT(struct oci_line, line, struct str) },
    { .name = "mediaType",   .kind = JSON_STRING,  .offset = JSON_AT(struct oci_line, media_type, struct str), .flags = JSON_OMIT },
    { .name = "size",        .kind = JSON_INTEGER, .offset = JSON_AT(struct oci_line, size, int64_t) },
    { .name = "urls",        .kind = JSON_LIST,    .offset = JSON_AT(struct oci_line, urls, struct json_list), .flags = JSON_OMIT },
};
const struct json_table oci_line_table = {
    .name = "DockerfileLine", .size = sizeof(struct oci_line), .fields = line_fields, .n_fields = ARRAY_LEN(line_fields),
};
/* clang-format on */

bool oci_config_is_image(struct str media_type)
{
    return str_is(media_type, "application/vnd.oci.image.config.v1+json") ||
           str_is(media_type, "application/vnd.docker.container.image.v1+json");
}

static struct str or_empty(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

int oci_config_parse(struct arena *arena, struct str bytes, struct oci_config *out, struct err *err)
{
    struct json_limits limits = json_limits_default;
    struct wire_config wire   = { 0 };

    limits.size       = OCI_CONFIG_MAX;
    limits.tells_case = true;
    if (json_read(arena, bytes, &limits, &config_table, &wire, err) < 0)
        return -1;

    const struct wire_history *from    = wire.history.items;
    struct oci_history        *history = mem_many(arena, wire.history.n, struct oci_history);
    for (size_t i = 0; i < wire.history.n; i++)
        history[i] = (struct oci_history){ .created_by = or_empty(from[i].created_by),
                                           .is_empty   = from[i].is_empty };
    *out = (struct oci_config){ .os           = or_empty(wire.os),
                                .architecture = or_empty(wire.architecture),
                                .os_version   = or_empty(wire.os_version),
                                .history      = history,
                                .n_history    = wire.history.n };
    return 0;
}

/* -- lines -------------------------------------------------------------------------------------------- */

static bool take_head(struct str *s, const char *head)
{
    if (!str_starts(*s, str_from(head)))
        return false;
    *s = str_trim(str_from_index(*s, str_from(head).n));
    return true;
}

/* What stood in the Dockerfile: an instruction as it is, or a command that RUN ran (*out_runs). */
static struct str instruction_of(struct str created_by, bool *out_runs)
{
    struct str mark = STR("# buildkit");
    struct str line = str_trim(created_by);

    if (str_ends(line, mark))
        line = str_trim(str_sub(line, 0, line.n - mark.n));
    bool has_word  = take_head(&line, "RUN ");
    bool has_shell = take_head(&line, "/bin/sh -c ");
    *out_runs      = has_word || (has_shell && !take_head(&line, "#(nop)"));
    return line;
}

/* As much of it as `room` allows, and that much less room. */
static struct str cut(struct str line, size_t *room)
{
    size_t n = 0, cost = 0;

    while (n < line.n && n < OCI_LINE_MAX) {
        unsigned char c    = (unsigned char)line.p[n];
        size_t        more = c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? ESCAPED : 1;

        if (cost + more > *room)
            break;
        cost += more;
        n++;
    }
    while (n > 0 && n < line.n && ((unsigned char)line.p[n] & 0xc0) == 0x80)
        n--;
    *room -= cost;
    return str_sub(line, 0, n);
}

static struct str line_of(struct arena *arena, struct str created_by, size_t *room)
{
    bool       runs;
    struct str line = cut(instruction_of(created_by, &runs), room);

    return runs && line.n > 0 ? str_from(mem_printf(arena, "RUN " STR_FMT, STR_ARGS(line))) : line;
}

struct writing {
    struct json_write w;
    size_t            text_room;
    size_t            urls_room;
};

static struct json_list urls_of(struct writing *to, const struct oci_descriptor *layer)
{
    const struct str *urls = layer->urls.items;
    size_t            cost = 0;

    for (size_t i = 0; i < layer->urls.n; i++)
        cost += urls[i].n * ESCAPED;
    if (cost > to->urls_room)
        return (struct json_list){ 0 };
    to->urls_room -= cost;
    return layer->urls;
}

static void put_layer(struct writing *to, const struct oci_descriptor *layer, struct str text)
{
    struct oci_line line = { .line         = text,
                             .layer_digest = oci_digest_str(&layer->digest),
                             .media_type   = layer->media_type,
                             .size         = layer->size,
                             .urls         = urls_of(to, layer) };

    json_write_table(&to->w, &oci_line_table, &line);
}

static size_t count_layers(const struct oci_config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->n_history; i++)
        n += !config->history[i].is_empty;
    return n;
}

static void put_history(struct arena *arena, struct writing *to, const struct oci_config *config,
                        const struct oci_manifest *manifest)
{
    size_t n_layers = 0;

    for (size_t i = 0; i < config->n_history; i++) {
        const struct oci_history *history = &config->history[i];
        struct str                text    = line_of(arena, history->created_by, &to->text_room);

        if (history->is_empty)
            json_write_table(&to->w, &oci_line_table,
                             &(struct oci_line){
                                 .is_empty = true, .line = text, .layer_digest = STR("") });
        else
            put_layer(to, &manifest->layers[n_layers++], text);
    }
}

struct str oci_config_lines(struct arena *arena, const struct oci_config *config,
                            const struct oci_manifest *manifest)
{
    struct writing to = { .text_room = OCI_LINES_MAX, .urls_room = OCI_LINES_MAX };
    struct buf     buf;

    buf_init(&buf, arena, LINES_SIZE_MAX);
    json_write_init(&to.w, &buf);
    json_write_list(&to.w);
    if (config != NULL && count_layers(config) == manifest->n_layers)
        put_history(arena, &to, config, manifest);
    else
        for (size_t i = 0; i < manifest->n_layers; i++)
            put_layer(&to, &manifest->layers[i], STR(""));
    json_write_end(&to.w);
    ASSERT(!buf.is_full);
    return buf_view(&buf);
}
