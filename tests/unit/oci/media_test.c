/* media_test.c: media types and their classes. */
#include "oci/media.h"

#include "check.h"

void test_media_classes(void **state)
{
    assert_int_equal(oci_media_class(STR(OCI_TYPE_MANIFEST)), OCI_MEDIA_MANIFEST);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_INDEX)), OCI_MEDIA_INDEX);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_DOCKER_MANIFEST)), OCI_MEDIA_DOCKER_MANIFEST);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_DOCKER_LIST)), OCI_MEDIA_DOCKER_LIST);
    assert_int_equal(oci_media_class(STR("application/vnd.docker.distribution.manifest.v1+json")),
                     OCI_MEDIA_DOCKER_SCHEMA1);
    assert_int_equal(oci_media_class(
                         STR("application/vnd.docker.distribution.manifest.v1+prettyjws")),
                     OCI_MEDIA_DOCKER_SCHEMA1);
    assert_int_equal(oci_media_class(
                         STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")),
                     OCI_MEDIA_FOREIGN_LAYER);
    assert_int_equal(oci_media_class(
                         STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")),
                     OCI_MEDIA_FOREIGN_LAYER);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_EMPTY)), OCI_MEDIA_OTHER);
    assert_int_equal(oci_media_class(STR("application/json")), OCI_MEDIA_OTHER);
    assert_int_equal(oci_media_class(STR("Application/vnd.oci.image.index.v1+json")),
                     OCI_MEDIA_OTHER);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_INDEX "x")), OCI_MEDIA_OTHER);
    assert_int_equal(oci_media_class(STR_NULL), OCI_MEDIA_OTHER);
    assert_int_equal(oci_media_class(STR(OCI_TYPE_INDEX " ; charset=utf-8")), OCI_MEDIA_INDEX);
}

void test_media_bare(void **state)
{
    CHECK_STR(oci_media_bare(STR(" a/b ;charset=utf-8; x=y")), "a/b");
    CHECK_STR(oci_media_bare(STR("a/b")), "a/b");
    CHECK_STR(oci_media_bare(STR(";")), "");
    assert_null(oci_media_bare(STR_NULL).p);
}

void test_media_grammar(void **state)
{
    static const char *const good[] = { "a/b", "application/vnd.oci.image.config.v1+json", "0/1",
                                        "A/B!#$&-^_.+", "application/x" };
    static const char *const bad[]  = { "",      "a",     "/",          "a/",   "/b",
                                        "a/b/c", "a /b",  "a/b ",       "a/b;", ".a/b",
                                        "a/+b",  "a/b*",  "a/*",        "*/*",  "a/\"b",
                                        "a\\b",  "a/b\n", "a/\xc3\xa9", "a/(b)" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(oci_media_is_valid(str_from(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(oci_media_is_valid(str_from(bad[i])));
    assert_false(oci_media_is_valid(STR_NULL));
    assert_false(oci_media_is_valid(STR("a/b\0")));
}

void test_media_limits(void **state)
{
    char       type[256];
    struct str view = { .p = type, .n = 127 + 1 + 127 };

    memset(type, 'a', sizeof(type));
    type[127] = '/';
    assert_true(oci_media_is_valid(view));
    view.n++;
    assert_false(oci_media_is_valid(view));
    type[127] = 'a';
    type[128] = '/';
    view.n    = 200;
    assert_false(oci_media_is_valid(view));
}
