/* public_key_test.c: keys and certificates of others are read as one block of a kind that we know, printed as they
 * were understood, and told apart by the hash of the key alone. */
#include "codec/public_key.h"

#include "check.h"

/* clang-format off */
static const char ed25519[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAC26dMk6oVC0irIbfNjTV3gmz8Vq1FsEvPUv+xiKycCk=\n"
    "-----END PUBLIC KEY-----\n";

static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBLjCB4aADAgECAhR1WlcveWVF8L+/IXNFKth87/Bv2TAFBgMrZXAwDDEKMAgG\n"
    "A1UEAwwBYTAgFw0yNjExMjUxNDU3MDdaGA8yMTI2MTEwMTE0NTcwN1owDDEKMAgG\n"
    "A1UEAwwBYTAqMAUGAytlcAMhAAtunTJOqFQtIqyG3zY01d4Js/FatRbBLz1L/sYi\n"
    "snApo1MwUTAdBgNVHQ4EFgQU8NvC9EiiDxdBXhSOo5+h4n/vrI8wHwYDVR0jBBgw\n"
    "FoAU8NvC9EiiDxdBXhSOo5+h4n/vrI8wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD\n"
    "QQBRfHFId5O+3N/GykJClERrBvcnOdZq7MWALOVq2uvIFLd8xh/RS/Jd7x9rXVzB\n"
    "xOkUmowB3OkmPuV179UcpK4M\n"
    "-----END CERTIFICATE-----\n";

static const char p256[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE03XJxazncrmWmQLxwVQCLEeN+45Q\n"
    "1LCkrzDTDPGTJriJG1Ktww/PPxNr2n5+jg4Swm0S2Y/eLuqSYAigZYwBSw==\n"
    "-----END PUBLIC KEY-----\n";

static const char rsa_1024[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDXM5fc7BXu22G6EJXhTh5mU/wR\n"
    "NZzGkOpmGG+dgBnadSaFPQXM8h7+WZkEFgTgeJ6p5cUTsn579OfIYE2nJ734AL7H\n"
    "m5ESDadj4bsJJlX3NEa6qN7AZ+gd+JOMxbrgUwWLHUw9TAbeFi9NsnLCMZeXEDps\n"
    "JSBev/9hoX9HG7epuwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
/* clang-format on */

static struct arena *arena;
static struct err    err;

int public_key_test_setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

int public_key_test_teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

void test_public_key_is_read_and_printed(void **state)
{
    struct public_key key, again;

    (void)state;
    CHECK_OK(public_key_parse(arena, str_from(ed25519), &key, &err), &err);
    CHECK_STR(key.pem, ed25519);
    CHECK_STR(key.fingerprint, "2fb4b2186cc766755fefaa416691a59d0989085aab5b889c8d54abb2c954d4ec");
    CHECK_OK(public_key_parse(arena, str_from(p256), &key, &err), &err);
    CHECK_STR(key.fingerprint, "02445176cb7f3e9df7e47407df34e62362ad9082bf4a0aa860270e9ee255e7da");

    /* Blanks around it and other line ends are no difference. */
    const char *windows = mem_printf(arena, "\r\n  %.*s\r\n%s ", 26, p256, p256 + 27);
    CHECK_OK(public_key_parse(arena, str_from(windows), &again, &err), &err);
    assert_true(str_eq(again.pem, key.pem) && str_eq(again.fingerprint, key.fingerprint));
}

void test_certificate_has_the_fingerprint_of_its_key(void **state)
{
    struct public_key read;

    (void)state;
    CHECK_OK(public_key_parse_certificate(arena, str_from(certificate), &read, &err), &err);
    CHECK_STR(read.pem, certificate);
    CHECK_STR(read.fingerprint, "2fb4b2186cc766755fefaa416691a59d0989085aab5b889c8d54abb2c954d4ec");
}

static void refuse(const char *text, const char *word)
{
    struct public_key read;

    CHECK_FAILS(public_key_parse(arena, str_from(text), &read, &err), &err, ERR_INVALID);
    assert_non_null(strstr(err.text, word));
}

void test_what_is_no_public_key_is_refused_with_the_reason(void **state)
{
    struct public_key read;

    (void)state;
    refuse("", "required");
    refuse(" \r\n\t", "required");
    refuse("no key", "BEGIN PUBLIC KEY");
    refuse(certificate, "BEGIN PUBLIC KEY");
    refuse(rsa_1024, "2,048");
    refuse(mem_printf(arena, "%s%s", ed25519, p256), "one public key");
    refuse(mem_printf(arena, "x%s", ed25519), "one public key");
    refuse(mem_printf(arena, "%sx", ed25519), "one public key");
    refuse("-----BEGIN PRIVATE KEY-----\nMC4CAQA=\n-----END PRIVATE KEY-----\n", "private key");
    refuse("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----", "can be read");
    refuse("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "can be read");
    refuse("-----BEGIN PUBLIC KEY-----", "one public key");
    refuse(mem_printf(arena, "%s%*s%s", ed25519, PUBLIC_KEY_PEM_MAX, " ", p256), "16 KiB");

    CHECK_FAILS(public_key_parse_certificate(arena, str_from(ed25519), &read, &err), &err,
                ERR_INVALID);
    CHECK_FAILS(public_key_parse_certificate(arena,
                                             STR("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                                 "-----END CERTIFICATE-----"),
                                             &read, &err),
                &err, ERR_INVALID);
}

void test_a_bundle_is_certificates_alone(void **state)
{
    const char *two = mem_printf(arena, "first\n%s\nsecond\n%s", certificate, certificate);
    char       *big = mem_alloc(arena, PUBLIC_KEY_BUNDLE_MAX + 2);

    CHECK_OK(public_key_check_bundle(str_from(certificate), &err), &err);
    CHECK_OK(public_key_check_bundle(str_from(two), &err), &err);
    CHECK_FAILS(public_key_check_bundle(STR(""), &err), &err, ERR_INVALID);
    CHECK_FAILS(public_key_check_bundle(str_from(ed25519), &err), &err, ERR_INVALID);
    two = mem_printf(arena, "%s%s", certificate, ed25519);
    CHECK_FAILS(public_key_check_bundle(str_from(two), &err), &err, ERR_INVALID);
    CHECK_FAILS(public_key_check_bundle(str_sub(str_from(certificate), 0, strlen(certificate) - 30),
                                        &err),
                &err, ERR_INVALID);

    memset(big, '\n', PUBLIC_KEY_BUNDLE_MAX + 1);
    memcpy(big, certificate, strlen(certificate));
    CHECK_OK(public_key_check_bundle((struct str){ big, PUBLIC_KEY_BUNDLE_MAX }, &err), &err);
    CHECK_FAILS(public_key_check_bundle((struct str){ big, PUBLIC_KEY_BUNDLE_MAX + 1 }, &err), &err,
                ERR_INVALID);
}
