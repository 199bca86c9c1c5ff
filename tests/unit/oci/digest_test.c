/* digest_test.c: one spelling a digest. */
#include "oci/digest.h"

#include "check.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX128                                                         \
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

void test_digest_round_trip(void **state)
{
    static const struct str good[] = { STR("sha256:" HEX64), STR("sha512:" HEX128) };
    struct oci_digest       digest;
    struct err              err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CHECK_OK(oci_digest_parse(good[i], &digest, &err), &err);
        assert_true(str_eq(oci_digest_str(&digest), good[i]));
        assert_true(str_eq(oci_digest_hex(&digest), str_from_index(good[i], 7)));
        assert_int_equal(digest.kind, i == 0 ? HASH_SHA256 : HASH_SHA512);
    }
}

void test_digest_refuses(void **state)
{
    static const struct str bad[] = {
        STR(""),
        STR_NULL,
        STR(":"),
        STR("sha256"),
        STR("sha256:"),
        STR(HEX64),
        STR("sha256:" HEX64 "0"),
        STR("sha256:" HEX64 "\n"),
        STR("sha256:" HEX64 "\0"),
        STR(" sha256:" HEX64),
        STR("sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        STR("sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        STR("sha256:3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        STR("sha256:../../../../../../../../../../../../../../../../../../etc/passwd"),
        STR("SHA256:" HEX64),
        STR("sha256+b64:" HEX64),
        STR("sha256:" HEX128),
        STR("sha512:" HEX64),
        STR("sha512:" HEX128 "0"),
        STR("sha384:" HEX64),
        STR("md5:d41d8cd98f00b204e9800998ecf8427e"),
        STR("sha256:sha256:" HEX64),
    };
    struct oci_digest digest;
    struct err        err;

    memset(&digest, 0x55, sizeof(digest));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_FAILS(oci_digest_parse(bad[i], &digest, &err), &err, ERR_INVALID);
        assert_string_equal(err_code(&err), "DIGEST_INVALID");
    }
    assert_int_equal(digest.text[0], 0x55);
}

void test_digest_of_bytes(void **state)
{
    struct oci_digest a;
    struct oci_digest b;
    struct hash       hash;

    oci_digest_of(STR(""), HASH_SHA256, &a);
    CHECK_STR(oci_digest_str(&a), "sha256:" HEX64);
    hash_init(&hash, HASH_SHA512);
    oci_digest_from_hash(&hash, &b);
    CHECK_STR(oci_digest_str(&b), "sha512:" HEX128);
    assert_false(oci_digest_eq(&a, &b));
    oci_digest_of(STR(""), HASH_SHA512, &a);
    assert_true(oci_digest_eq(&a, &b));
}

void test_digest_none(void **state)
{
    struct oci_digest none = { .kind = HASH_SHA256 };
    struct oci_digest some;

    assert_int_equal(oci_digest_str(&none).n, 0);
    assert_int_equal(oci_digest_hex(&none).n, 0);
    oci_digest_of(STR(""), HASH_SHA256, &some);
    assert_false(oci_digest_eq(&none, &some));
}

void test_digest_looks(void **state)
{
    assert_true(oci_digest_looks(STR("sha256:x")));
    assert_true(oci_digest_looks(STR(":")));
    assert_false(oci_digest_looks(STR("latest")));
    assert_false(oci_digest_looks(STR_NULL));
}
