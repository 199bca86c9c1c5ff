/* name_test.c: names, tags and references against the grammar, byte by byte and at the limits (E-01, E-02). */
#include "oci/name.h"

#include "check.h"

static void check_name(struct str name, bool is_good)
{
    struct err err;

    if (is_good) {
        CHECK_OK(oci_name_check(name, &err), &err);
        return;
    }
    if (oci_name_check(name, &err) == 0)
        fail_msg("let through: " STR_FMT, STR_ARGS(name));
    CHECK_FAILS(oci_name_check(name, &err), &err, ERR_INVALID);
    assert_string_equal(err_code(&err), "NAME_INVALID");
}

void test_name_grammar(void **state)
{
    static const char *const good[] = {
        "admin/app",  "a/b",           "0/1",          "a/b/c/d/e", "a.b/c_d",
        "a__b/c-d",   "a---------b/c", "a-b.c_d__e/f", "blobs/x",   "tags/manifests/x",
        "a/uploadsx", "manifests/app", "a/b0.0.1",
    };
    static const char *const bad[] = {
        "",          "a",           "/",      "a/",          "/a",          "a//b",
        "a/./b",     "a/../b",      "../a",   "..",          "a/..",        "a/.b",
        "a/b.",      "a/-b",        "a/b-",   "a/_b",        "a/b_",        "a/b___c",
        "a/b..c",    "a/b.-c",      "a/b-.c", "a/b_.c",      "a/b-_c",      "A/b",
        "a/B",       "a/b c",       "a/b\\c", "a/b%2fc",     "a/b:c",       "a/b@c",
        "a/b+c",     "a/b\tc",      "a/b\n",  "a/\xc3\xa9",  "a/b\xc0\xae", "a/_uploads",
        "a/blobs",   "a/manifests", "a/tags", "a/referrers", "a/uploads",   "a/b/tags",
        "tags/tags", "a/__",        "a/.",    "a/-",         "a/b~c",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        check_name(str_from(good[i]), true);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check_name(str_from(bad[i]), false);
    check_name(STR_NULL, false);
    check_name(STR("a/b\0"), false);
    check_name(STR("a/b\0c"), false);
}

void test_name_limits(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *name  = mem_alloc(arena, 1000);

    memset(name, 'a', 999);
    name[1] = '/';
    check_name((struct str){ .p = name, .n = OCI_NAME_MAX }, true);
    check_name((struct str){ .p = name, .n = OCI_NAME_MAX + 1 }, false);

    for (size_t i = 1; i < 999; i += 2)
        name[i] = '/';
    check_name((struct str){ .p = name, .n = OCI_NAME_MAX }, true);
    check_name((struct str){ .p = name, .n = 601 }, false);
}

void test_name_namespace(void **state)
{
    CHECK_STR(oci_name_namespace(STR("org/program/app")), "org");
    CHECK_STR(oci_name_namespace(STR("org")), "org");
    CHECK_STR(oci_name_namespace(STR("")), "");
}

/* Every byte at the first and at a later place. */
void test_name_tag_grammar(void **state)
{
    static const struct str first =
        STR("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    struct err err;

    for (int c = 0; c < 256; c++) {
        char text[2]  = { (char)c, 'x' };
        char other[2] = { 'x', (char)c };
        bool is_first = str_find(first, (char)c) >= 0;
        bool is_later = is_first || c == '.' || c == '-';

        assert_int_equal(oci_tag_check((struct str){ .p = text, .n = 2 }, &err), is_first ? 0 : -1);
        assert_int_equal(oci_tag_check((struct str){ .p = other, .n = 2 }, &err),
                         is_later ? 0 : -1);
    }
    CHECK_FAILS(oci_tag_check(STR("../x"), &err), &err, ERR_INVALID);
    assert_string_equal(err_code(&err), "TAG_INVALID");
    assert_string_equal(err.about, "../x");
    CHECK_FAILS(oci_tag_check(STR(""), &err), &err, ERR_INVALID);
    CHECK_FAILS(oci_tag_check(STR_NULL, &err), &err, ERR_INVALID);
}

void test_name_tag_limits(void **state)
{
    char       tag[OCI_TAG_MAX + 1];
    struct err err;

    memset(tag, 't', sizeof(tag));
    CHECK_OK(oci_tag_check((struct str){ .p = tag, .n = OCI_TAG_MAX }, &err), &err);
    CHECK_FAILS(oci_tag_check((struct str){ .p = tag, .n = OCI_TAG_MAX + 1 }, &err), &err,
                ERR_INVALID);
}

void test_name_reference(void **state)
{
    struct oci_reference reference;
    struct err           err;
    struct str           digest =
        STR("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    CHECK_OK(oci_reference_parse(digest, &reference, &err), &err);
    assert_true(reference.is_digest);
    assert_true(str_eq(oci_digest_str(&reference.digest), digest));
    assert_null(reference.tag.p);

    CHECK_OK(oci_reference_parse(STR("sha256-e3b0.sig"), &reference, &err), &err);
    assert_false(reference.is_digest);
    CHECK_STR(reference.tag, "sha256-e3b0.sig");
    assert_int_equal(oci_digest_str(&reference.digest).n, 0);

    CHECK_FAILS(oci_reference_parse(STR("sha256:zz"), &reference, &err), &err, ERR_INVALID);
    assert_string_equal(err_code(&err), "DIGEST_INVALID");
    CHECK_FAILS(oci_reference_parse(STR("-x"), &reference, &err), &err, ERR_INVALID);
    assert_string_equal(err_code(&err), "TAG_INVALID");
    CHECK_STR(reference.tag, "sha256-e3b0.sig");
}
