/* config_test.c: what an image says of itself is shown as people wrote it, each layer with the line that made it; and a
 * hostile configuration costs no more than its limits. */
#include "oci/config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "oci/manifest.h"

#define TAR "application/vnd.oci.image.layer.v1.tar+gzip"

static struct oci_manifest layers_of(struct arena *arena, size_t n)
{
    struct oci_manifest manifest = { .layers   = mem_many(arena, n, struct oci_descriptor),
                                     .n_layers = n };

    for (size_t i = 0; i < n; i++) {
        manifest.layers[i] =
            (struct oci_descriptor){ .media_type = STR(TAR), .size = (int64_t)i + 1 };
        oci_digest_of(str_from(mem_printf(arena, "%zu", i)), HASH_SHA256,
                      &manifest.layers[i].digest);
    }
    return manifest;
}

/* The member of the i-th line as it stands in the JSON. */
static struct str line_member(struct arena *arena, struct str lines, size_t i, const char *member)
{
    struct json_view_each each = json_view_each(json_view_of(lines));

    for (size_t k = 0; k <= i; k++)
        assert_true(json_view_next(&each));
    return json_view_text(arena, json_view_at(each.value, str_from(member)));
}

static size_t count_lines(struct str lines)
{
    struct json_view_each each = json_view_each(json_view_of(lines));
    size_t                n    = 0;

    while (json_view_next(&each))
        n++;
    return n;
}

void test_config_says_its_platform(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_config              config;
    struct err                     err;

    CHECK_OK(oci_config_parse(
                 arena,
                 STR("{\"os\":\"windows\",\"architecture\":\"amd64\",\"os.version\":\"10.0.1\","
                     "\"config\":{\"Labels\":{\"A\":\"1\",\"a\":\"2\"}},\"history\":null}"),
                 &config, &err),
             &err);
    CHECK_STR(config.os, "windows");
    CHECK_STR(config.architecture, "amd64");
    CHECK_STR(config.os_version, "10.0.1");
    assert_int_equal(config.n_history, 0);
    CHECK_OK(oci_config_parse(arena, STR("{}"), &config, &err), &err);
    CHECK_STR(config.os, "");
    assert_true(oci_config_is_image(STR("application/vnd.docker.container.image.v1+json")));
    assert_true(oci_config_is_image(STR("application/vnd.oci.image.config.v1+json")));
    assert_false(oci_config_is_image(STR(OCI_TYPE_EMPTY)));
}

void test_config_lines_are_what_people_wrote(void **state)
{
    static const char *const cases[][2] = {
        { "/bin/sh -c #(nop) ADD file:1 in / ", "ADD file:1 in /" },
        { "/bin/sh -c #(nop)  CMD [\\\"sh\\\"]", "CMD [\"sh\"]" },
        { "/bin/sh -c apt-get update", "RUN apt-get update" },
        { "RUN /bin/sh -c make # buildkit", "RUN make" },
        { "COPY /a /b # buildkit", "COPY /a /b" },
        { "RUN |1 A=b /bin/sh -c make # buildkit", "RUN |1 A=b /bin/sh -c make" },
        { "", "" },
    };
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct oci_manifest            manifest = layers_of(arena, 1);
    struct oci_config              config;
    struct err                     err;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = mem_printf(arena, "{\"history\":[{\"created_by\":\"%s\"}]}", cases[i][0]);

        CHECK_OK(oci_config_parse(arena, str_from(text), &config, &err), &err);
        CHECK_STR(line_member(arena, oci_config_lines(arena, &config, &manifest), 0, "line"),
                  cases[i][1]);
    }
}

void test_config_each_layer_has_the_line_that_made_it(void **state)
{
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct oci_manifest            manifest = layers_of(arena, 2);
    struct oci_config              config;
    struct err                     err;
    struct str                     lines;

    CHECK_OK(
        oci_config_parse(
            arena,
            STR("{\"history\":[{\"created_by\":\"a\"},{\"created_by\":\"b\",\"empty_layer\":true},"
                "{\"created_by\":\"c\"}]}"),
            &config, &err),
        &err);
    lines = oci_config_lines(arena, &config, &manifest);
    assert_int_equal(count_lines(lines), 3);
    CHECK_STR(line_member(arena, lines, 0, "layerDigest"), manifest.layers[0].digest.text);
    CHECK_STR(line_member(arena, lines, 1, "isEmpty"), "true");
    CHECK_STR(line_member(arena, lines, 1, "size"), "0");
    CHECK_STR(line_member(arena, lines, 1, "layerDigest"), "");
    CHECK_STR(line_member(arena, lines, 2, "layerDigest"), manifest.layers[1].digest.text);
    CHECK_STR(line_member(arena, lines, 2, "size"), "2");
    CHECK_STR(line_member(arena, lines, 2, "mediaType"), TAR);

    manifest = layers_of(arena, 3); /* as many as no history tells of: they stand for themselves */
    lines    = oci_config_lines(arena, &config, &manifest);
    assert_int_equal(count_lines(lines), 3);
    CHECK_STR(line_member(arena, lines, 0, "line"), "");
    CHECK_STR(line_member(arena, lines, 1, "layerDigest"), manifest.layers[1].digest.text);
    assert_int_equal(count_lines(oci_config_lines(arena, NULL, &manifest)), 3);
}

void test_config_bounds(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct oci_config              config;
    struct buf                     text;
    struct err                     err;

    for (int over = 0; over < 2; over++) {
        buf_init(&text, arena, OCI_CONFIG_MAX);
        buf_text(&text, "{\"history\":[");
        for (int i = 0; i < OCI_HISTORY_MAX + over; i++)
            buf_printf(&text, "%s{\"empty_layer\":true,\"created_by\":\"%0200d\\u0001\"}",
                       i > 0 ? "," : "", i);
        buf_text(&text, "]}");
        assert_int_equal(oci_config_parse(arena, buf_view(&text), &config, &err),
                         over == 0 ? 0 : -1);
    }
    manifest = layers_of(arena, 0);
    assert_true(oci_config_lines(arena, &config, &manifest).n <
                4 * OCI_LINES_MAX + 100 * OCI_HISTORY_MAX);

    char *line = mem_alloc(arena, 2 * OCI_LINE_MAX + 1);
    for (size_t i = 0; i < OCI_LINE_MAX; i++)
        memcpy(line + 2 * i, "\xc3\xa9", 2);
    line[0] = 'x'; /* and so the limit falls into a character */
    line[1] = 'y';
    memmove(line + 1, line + 2, 2 * OCI_LINE_MAX - 1);
    config = (struct oci_config){
        .history   = &(struct oci_history){ .created_by = { .p = line, .n = 2 * OCI_LINE_MAX - 1 },
                                            .is_empty   = true },
        .n_history = 1
    };
    struct str cut = line_member(arena, oci_config_lines(arena, &config, &manifest), 0, "line");
    assert_int_equal(cut.n, OCI_LINE_MAX - 1);

    CHECK_FAILS(oci_config_parse(arena, STR("{\"os\":\"a\",\"os\":\"b\"}"), &config, &err), &err,
                ERR_INVALID);
    CHECK_FAILS(oci_config_parse(arena, STR("{\"os\":\"a\",\"OS\":\"b\"}"), &config, &err), &err,
                ERR_INVALID);
    CHECK_FAILS(oci_config_parse(arena, STR("[]"), &config, &err), &err, ERR_INVALID);
    CHECK_FAILS(oci_config_parse(arena, STR("{\"os\":1}"), &config, &err), &err, ERR_INVALID);
    CHECK_FAILS(oci_config_parse(arena, STR("{\"OS\":\"linux\"}"), &config, &err), &err,
                ERR_INVALID);
}
