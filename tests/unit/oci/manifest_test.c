/* manifest_test.c: what a manifest says is read in one way only, and what could be read in two ways is
 * refused (rows C-01, C-02, C-03, C-06, C-08 and C-09 of the hostile list, as far as bytes tell). */
#include "oci/manifest.h"

#include <stdio.h>

#include "base/buf.h"
#include "check.h"
#include "codec/json.h"
#include "codec/text.h"

#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"
#define FOREIGN_TYPE "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define EMPTY_DIGEST \
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of {} */
#define SOME_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define DESCRIPTOR(type, size, more) \
    "{\"mediaType\":\"" type "\",\"digest\":\"" SOME_DIGEST "\",\"size\":" size more "}"
#define CONFIG "\"config\":" DESCRIPTOR(CONFIG_TYPE, "7", "")
#define LAYER DESCRIPTOR(LAYER_TYPE, "10", "")
#define HEAD "{\"schemaVersion\":2,"
#define TYPED(type) HEAD "\"mediaType\":\"" type "\","
#define IMAGE HEAD CONFIG ",\"layers\":[" LAYER "]}"
#define INDEX HEAD "\"manifests\":[" DESCRIPTOR(OCI_TYPE_MANIFEST, "500", "") "]}"

static int parse(struct arena *arena, const char *text, const char *content_type,
                 struct oci_manifest *out, struct err *err)
{
    return oci_manifest_parse(arena, str_from(text), str_from(content_type), out, err);
}

static void check_refused(const char *text, const char *content_type, const char *code)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct oci_manifest            before;
    struct err                     err;

    memset(&manifest, 0x5a, sizeof(manifest));
    before = manifest;
    if (parse(arena, text, content_type, &manifest, &err) == 0)
        fail_msg("accepted: %s", text);
    CHECK_FAILS(parse(arena, text, content_type, &manifest, &err), &err, ERR_INVALID);
    if (strcmp(err_code(&err), code) != 0)
        fail_msg("%s (%s) for %s", err_code(&err), err.text, text);
    assert_memory_equal(&manifest, &before, sizeof(manifest));
}

void test_manifest_image(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;
    const char *text = TYPED(OCI_TYPE_MANIFEST) CONFIG ",\"layers\":[" LAYER "," DESCRIPTOR(
        FOREIGN_TYPE, "20",
        ",\"urls\":[\"http://169.254.169.254/\"]") "],"
                                                   "\"subject\":" DESCRIPTOR(
                                                       OCI_TYPE_INDEX, "99",
                                                       "") ","
                                                           "\"artifactType\":\"application/"
                                                           "vnd.example\",\"annotations\":{\"a\":"
                                                           "\"b\"},\"x\":1.5}";

    CHECK_OK(parse(arena, text, OCI_TYPE_MANIFEST "; charset=utf-8", &manifest, &err), &err);
    assert_int_equal(manifest.media_class, OCI_MEDIA_MANIFEST);
    assert_false(oci_manifest_is_index(&manifest));
    CHECK_STR(manifest.media_type, OCI_TYPE_MANIFEST);
    CHECK_STR(manifest.config.media_type, CONFIG_TYPE);
    CHECK_STR(oci_digest_str(&manifest.config.digest), SOME_DIGEST);
    assert_int_equal(manifest.n_layers, 2);
    assert_false(manifest.layers[0].is_elsewhere);
    assert_true(manifest.layers[1].is_elsewhere);
    assert_true(manifest.has_subject);
    assert_int_equal(manifest.subject.size, 99);
    CHECK_STR(manifest.artifact_type, "application/vnd.example");
    assert_int_equal(manifest.annotations.n, 1);
    assert_int_equal(manifest.total_size, 37);
    assert_int_equal(manifest.n_children, 0);
}

void test_manifest_index(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;
    const char                    *text = HEAD
        "\"manifests\":[" DESCRIPTOR(OCI_TYPE_MANIFEST, "500",
                                     ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\","
                                     "\"variant\":\"v8\",\"os.version\":\"1\",\"os.features\":["
                                     "\"x\"]}") "," DESCRIPTOR(FOREIGN_TYPE, "1", "") "]}";

    CHECK_OK(parse(arena, text, OCI_TYPE_INDEX, &manifest, &err), &err);
    assert_true(oci_manifest_is_index(&manifest));
    assert_int_equal(manifest.n_children, 2);
    CHECK_STR(manifest.children[0].platform.os, "linux");
    CHECK_STR(manifest.children[0].platform.architecture, "arm64");
    CHECK_STR(manifest.children[0].platform.variant, "v8");
    CHECK_STR(manifest.children[0].platform.os_version, "1");
    assert_int_equal(manifest.artifact_type.n, 0);
    assert_int_equal(manifest.total_size, 501);
    assert_false(manifest.has_subject);

    /* What may be elsewhere is a layer; a child never is. */
    assert_false(manifest.children[1].is_elsewhere);
}

void test_manifest_kinds(void **state)
{
    static const struct {
        const char          *text;
        const char          *content_type;
        enum oci_media_class media_class;
    } rows[] = {
        { IMAGE, OCI_TYPE_MANIFEST, OCI_MEDIA_MANIFEST },
        { IMAGE, OCI_TYPE_DOCKER_MANIFEST, OCI_MEDIA_DOCKER_MANIFEST },
        { INDEX, OCI_TYPE_INDEX, OCI_MEDIA_INDEX },
        { INDEX, OCI_TYPE_DOCKER_LIST, OCI_MEDIA_DOCKER_LIST },
        { TYPED(OCI_TYPE_MANIFEST) CONFIG ",\"layers\":[]}", NULL, OCI_MEDIA_MANIFEST },
        { TYPED(OCI_TYPE_DOCKER_MANIFEST) CONFIG ",\"layers\":[]}", "", OCI_MEDIA_DOCKER_MANIFEST },
        { TYPED(OCI_TYPE_DOCKER_LIST) "\"manifests\":[]}", NULL, OCI_MEDIA_DOCKER_LIST },
        { HEAD "\"manifests\":[],\"layers\":null,\"config\":null}", OCI_TYPE_INDEX,
          OCI_MEDIA_INDEX },
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(parse(arena, rows[i].text, rows[i].content_type, &manifest, &err), &err);
        assert_int_equal(manifest.media_class, rows[i].media_class);
        assert_int_equal(oci_media_class(manifest.media_type), rows[i].media_class);
    }
}

/* C-01: two kinds in one body, a type that does not fit, members that are not there. */
void test_manifest_refuses_ambiguity(void **state)
{
    static const struct {
        const char *text;
        const char *content_type;
    } rows[] = {
        { HEAD CONFIG ",\"layers\":[" LAYER "],\"manifests\":[]}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[" LAYER "],\"manifests\":[]}", OCI_TYPE_INDEX },
        { HEAD "\"layers\":[],\"manifests\":[]}", OCI_TYPE_INDEX },
        { HEAD CONFIG ",\"manifests\":[]}", OCI_TYPE_INDEX },
        { HEAD CONFIG ",\"manifests\":[]}", OCI_TYPE_DOCKER_LIST },
        { HEAD CONFIG "}", OCI_TYPE_MANIFEST },
        { HEAD "\"layers\":[" LAYER "]}", OCI_TYPE_MANIFEST },
        { HEAD "\"x\":1}", OCI_TYPE_MANIFEST },
        { HEAD "\"x\":1}", OCI_TYPE_INDEX },
        { INDEX, OCI_TYPE_MANIFEST },
        { IMAGE, OCI_TYPE_INDEX },
        { IMAGE, NULL },
        { IMAGE, "" },
        { IMAGE, "application/json" },
        { IMAGE, "application/octet-stream" },
        { IMAGE, "Application/vnd.oci.image.manifest.v1+json" },
        { TYPED(OCI_TYPE_MANIFEST) CONFIG ",\"layers\":[]}", OCI_TYPE_DOCKER_MANIFEST },
        { TYPED(OCI_TYPE_MANIFEST) CONFIG ",\"layers\":[]}", "application/json" },
        { TYPED(OCI_TYPE_MANIFEST "; charset=utf-8") CONFIG ",\"layers\":[]}", NULL },
        { TYPED("application/vnd.oci.artifact.manifest.v1+json") "\"blobs\":[]}", NULL },
        { "{" CONFIG ",\"layers\":[]}", OCI_TYPE_MANIFEST },
        { "{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", OCI_TYPE_MANIFEST },
        { "{\"schemaVersion\":3," CONFIG ",\"layers\":[]}", OCI_TYPE_MANIFEST },
        { "{\"schemaVersion\":\"2\"," CONFIG ",\"layers\":[]}", OCI_TYPE_MANIFEST },
        { "{\"schemaVersion\":2.0," CONFIG ",\"layers\":[]}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":{}}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[null]}", OCI_TYPE_MANIFEST },
        { HEAD "\"config\":[],\"layers\":[]}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"artifactType\":\"x\"}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"artifactType\":\"a b/c\"}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"annotations\":{\"a\":1}}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"annotations\":{\"size\":1}}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"subject\":{}}", OCI_TYPE_MANIFEST },
        { HEAD CONFIG ",\"layers\":[],\"subject\":\"" SOME_DIGEST "\"}", OCI_TYPE_MANIFEST },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_refused(rows[i].text, rows[i].content_type, "MANIFEST_INVALID");
}

/* C-02: what another reader could take for a member that we know. */
void test_manifest_refuses_variants_of_members(void **state)
{
    static const char *const texts[] = {
        HEAD CONFIG ",\"layers\":[],\"Layers\":[" LAYER "]}",
        HEAD CONFIG ",\"layers\":[],\"\\u006cayers\":[" LAYER "]}",
        HEAD CONFIG ",\"layers\":[],\"layer\xc5\xbf\":[" LAYER "]}",
        HEAD CONFIG ",\"layers\":[],\"Manifests\":[" LAYER "]}",
        HEAD CONFIG ",\"layers\":[],\"SUBJECT\":" DESCRIPTOR(OCI_TYPE_MANIFEST, "1", "") "}",
        HEAD CONFIG ",\"layers\":[],\"MEDIATYPE\":\"" OCI_TYPE_INDEX "\"}",
        HEAD CONFIG ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "1", ",\"Size\":2") "]}",
        HEAD CONFIG
        ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "1", ",\"digest\":\"" EMPTY_DIGEST "\"") "]}",
        HEAD CONFIG ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "1", ",\"ſize\":2") "]}",
        HEAD CONFIG ",\"layers\":[]}{}",
        HEAD CONFIG ",\"layers\":[]} x",
        "\xef\xbb\xbf" IMAGE,
        HEAD CONFIG ",\"layers\":[],\"x\":\"\xff\"}",
        HEAD CONFIG ",\"layers\":[],\"x\":\"\\ud800\"}",
        HEAD CONFIG ",/* */\"layers\":[]}",
        "",
        "null",
        "[]",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check_refused(texts[i], OCI_TYPE_MANIFEST, "MANIFEST_INVALID");
}

/* C-03. */
void test_manifest_refuses_schema_1(void **state)
{
    const char *text =
        "{\"schemaVersion\":1,\"name\":\"a/b\",\"tag\":\"v1\",\"architecture\":\"amd64\","
        "\"fsLayers\":[{\"blobSum\":\"" SOME_DIGEST "\"}],\"history\":[]}";

    check_refused(text, "application/vnd.docker.distribution.manifest.v1+json", "MANIFEST_INVALID");
    check_refused(text, "application/vnd.docker.distribution.manifest.v1+prettyjws",
                  "MANIFEST_INVALID");
    check_refused(text, OCI_TYPE_DOCKER_MANIFEST, "MANIFEST_INVALID");
    check_refused(HEAD CONFIG ",\"layers\":[],\"fsLayers\":[]}", OCI_TYPE_MANIFEST,
                  "MANIFEST_INVALID");
}

/* C-06. */
void test_manifest_sizes(void **state)
{
    static const char *const       odd[] = { "-1",   "1.5",  "1e3", "\"12\"",
                                             "null", "true", "[]",  "-9223372036854775808" };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        char *descriptor =
            mem_printf(arena, "{\"mediaType\":\"a/b\",\"digest\":\"" SOME_DIGEST "\",\"size\":%s}",
                       odd[i]);

        check_refused(mem_printf(arena, HEAD CONFIG ",\"layers\":[%s]}", descriptor),
                      OCI_TYPE_MANIFEST, "SIZE_INVALID");
        check_refused(mem_printf(arena, HEAD "\"config\":%s,\"layers\":[]}", descriptor),
                      OCI_TYPE_MANIFEST, "SIZE_INVALID");
        check_refused(mem_printf(arena, HEAD "\"manifests\":[%s]}", descriptor), OCI_TYPE_INDEX,
                      "SIZE_INVALID");
        check_refused(mem_printf(arena, HEAD CONFIG ",\"layers\":[],\"subject\":%s}", descriptor),
                      OCI_TYPE_MANIFEST, "SIZE_INVALID");
    }
    check_refused(HEAD CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" SOME_DIGEST
                              "\"}]}",
                  OCI_TYPE_MANIFEST, "SIZE_INVALID");
    check_refused(HEAD CONFIG
                  ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "9223372036854775808", "") "]}",
                  OCI_TYPE_MANIFEST, "MANIFEST_INVALID");

    /* Up to 2^62 in all, and one more; with the seven bytes of config. */
    CHECK_OK(parse(arena,
                   HEAD CONFIG
                   ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "4611686018427387897", "") "]}",
                   OCI_TYPE_MANIFEST, &manifest, &err),
             &err);
    assert_true(manifest.total_size == INT64_C(1) << 62);
    check_refused(HEAD CONFIG
                  ",\"layers\":[" DESCRIPTOR(LAYER_TYPE, "4611686018427387898", "") "]}",
                  OCI_TYPE_MANIFEST, "SIZE_INVALID");
    check_refused(HEAD
                  "\"manifests\":[" DESCRIPTOR(OCI_TYPE_MANIFEST, "9223372036854775807",
                                               "") "," DESCRIPTOR(OCI_TYPE_MANIFEST,
                                                                  "9223372036854775807", "") "]}",
                  OCI_TYPE_INDEX, "SIZE_INVALID");
    check_refused(HEAD "\"config\":" DESCRIPTOR(CONFIG_TYPE, "9223372036854775807",
                                                "") ",\"layers\":[]}",
                  OCI_TYPE_MANIFEST, "SIZE_INVALID");
}

void test_manifest_descriptors(void **state)
{
    static const char *const bad[] = {
        "{\"digest\":\"" SOME_DIGEST "\",\"size\":1}",
        "{\"mediaType\":\"\",\"digest\":\"" SOME_DIGEST "\",\"size\":1}",
        "{\"mediaType\":\"a\",\"digest\":\"" SOME_DIGEST "\",\"size\":1}",
        "{\"mediaType\":\"a/b; c=d\",\"digest\":\"" SOME_DIGEST "\",\"size\":1}",
        "{\"mediaType\":1,\"digest\":\"" SOME_DIGEST "\",\"size\":1}",
        "{\"mediaType\":\"a/b\",\"size\":1}",
        "{\"mediaType\":\"a/b\",\"digest\":\"\",\"size\":1}",
        "{\"mediaType\":\"a/b\",\"digest\":\"sha256:../../x\",\"size\":1}",
        "{\"mediaType\":\"a/b\",\"digest\":\"md5:d41d8cd98f00b204e9800998ecf8427e\",\"size\":1}",
        DESCRIPTOR(LAYER_TYPE, "1", ",\"artifactType\":\"x\""),
        DESCRIPTOR(LAYER_TYPE, "1", ",\"urls\":\"http://x\""),
        DESCRIPTOR(LAYER_TYPE, "1", ",\"urls\":[1]"),
        DESCRIPTOR(LAYER_TYPE, "1", ",\"platform\":\"linux\""),
        DESCRIPTOR(LAYER_TYPE, "1", ",\"annotations\":[]"),
    };
    AUTO(arena_free) struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        check_refused(mem_printf(arena, HEAD CONFIG ",\"layers\":[%s]}", bad[i]), OCI_TYPE_MANIFEST,
                      "MANIFEST_INVALID");
        check_refused(mem_printf(arena, HEAD "\"manifests\":[%s]}", bad[i]), OCI_TYPE_INDEX,
                      "MANIFEST_INVALID");
    }
}

/* C-08: bytes inside a descriptor are those that it names. */
void test_manifest_data(void **state)
{
    static const char *const bad[] = {
        DESCRIPTOR(LAYER_TYPE, "2", ",\"data\":\"e30=\""),
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":3,\"data\":\"e30=\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"e30\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"e31=\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"e30=\\n\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"{}\"}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":{}}",
    };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;

    CHECK_OK(parse(arena,
                   HEAD "\"config\":{\"mediaType\":\"" OCI_TYPE_EMPTY
                        "\",\"digest\":\"" EMPTY_DIGEST
                        "\",\"size\":2,\"data\":\"e30=\"},\"layers\":[" LAYER "]}",
                   OCI_TYPE_MANIFEST, &manifest, &err),
             &err);
    assert_true(manifest.config.has_data);
    assert_false(manifest.layers[0].has_data);
    CHECK_STR(manifest.artifact_type, OCI_TYPE_EMPTY);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check_refused(mem_printf(arena, HEAD CONFIG ",\"layers\":[%s]}", bad[i]), OCI_TYPE_MANIFEST,
                      "MANIFEST_INVALID");
}

/* A body with n descriptors in the list of that name. */
static const char *many(struct arena *arena, const char *head, const char *list, int n)
{
    struct buf buf;

    buf_init(&buf, arena, OCI_MANIFEST_MAX);
    buf_printf(&buf, "{\"schemaVersion\":2%s,\"%s\":[", head, list);
    for (int i = 0; i < n; i++)
        buf_printf(&buf, "%s" LAYER, i == 0 ? "" : ",");
    buf_text(&buf, "]}");
    return buf_view(&buf).p;
}

/* C-09. */
void test_manifest_limits_of_lists(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct err                     err;

    CHECK_OK(parse(arena, many(arena, "," CONFIG, "layers", OCI_LAYERS_MAX), OCI_TYPE_MANIFEST,
                   &manifest, &err),
             &err);
    assert_int_equal(manifest.n_layers, OCI_LAYERS_MAX);
    check_refused(many(arena, "," CONFIG, "layers", OCI_LAYERS_MAX + 1), OCI_TYPE_MANIFEST,
                  "MANIFEST_INVALID");

    CHECK_OK(parse(arena, many(arena, "", "manifests", OCI_CHILDREN_MAX), OCI_TYPE_INDEX, &manifest,
                   &err),
             &err);
    assert_int_equal(manifest.n_children, OCI_CHILDREN_MAX);
    check_refused(many(arena, "", "manifests", OCI_CHILDREN_MAX + 1), OCI_TYPE_INDEX,
                  "MANIFEST_INVALID");
    check_refused(many(arena, "", "manifests", 10001), OCI_TYPE_INDEX, "MANIFEST_INVALID");
}

void test_manifest_limit_of_size(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *text  = mem_alloc(arena, OCI_MANIFEST_MAX + 2);
    struct oci_manifest            manifest;
    struct err                     err;

    memset(text, ' ', OCI_MANIFEST_MAX + 1);
    memcpy(text, IMAGE, sizeof(IMAGE) - 1);
    CHECK_OK(oci_manifest_parse(arena, (struct str){ .p = text, .n = OCI_MANIFEST_MAX },
                                STR(OCI_TYPE_MANIFEST), &manifest, &err),
             &err);
    CHECK_FAILS(oci_manifest_parse(arena, (struct str){ .p = text, .n = OCI_MANIFEST_MAX + 1 },
                                   STR(OCI_TYPE_MANIFEST), &manifest, &err),
                &err, ERR_TOO_LARGE);
}

void test_manifest_referrer(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_manifest            manifest;
    struct oci_digest              digest;
    struct err                     err;

    oci_digest_of(STR(""), HASH_SHA256, &digest);
    CHECK_OK(parse(arena,
                   HEAD CONFIG ",\"layers\":[],\"annotations\":{\"k\":\"\\\"v\\u0001\","
                               "\"org.example\":\"\"}}",
                   OCI_TYPE_MANIFEST, &manifest, &err),
             &err);
    CHECK_STR(oci_manifest_referrer(arena, &manifest, &digest, 321),
              "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"" SOME_DIGEST
              "\",\"size\":321,"
              "\"artifactType\":\"" CONFIG_TYPE "\","
              "\"annotations\":{\"k\":\"\\\"v\\u0001\",\"org.example\":\"\"}}");

    CHECK_OK(parse(arena, INDEX, OCI_TYPE_INDEX, &manifest, &err), &err);
    CHECK_STR(oci_manifest_referrer(arena, &manifest, &digest, 5),
              "{\"mediaType\":\"" OCI_TYPE_INDEX "\",\"digest\":\"" SOME_DIGEST "\",\"size\":5}");
}
