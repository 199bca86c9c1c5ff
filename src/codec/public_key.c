/* codec/public_key.c: public keys and certificates in PEM, by OpenSSL. */
#include "codec/public_key.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/text.h"

static void close_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void close_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void close_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void close_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

static int refuse(const char *reason, struct err *err)
{
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "%s", reason);
}

/* -- the block --------------------------------------------------------------------------------------- */

static struct str trim_lines(struct str text)
{
    while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL)
        text = str_from_index(text, 1);
    while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]) != NULL)
        text.n--;
    return text;
}

static bool holds(struct str text, struct str word)
{
    return memmem(text.p, text.n, word.p, word.n) != NULL;
}

/* One block of that label and nothing around it. */
static int check_block(struct str pem, struct str begin, struct str end, const char *what,
                       struct err *err)
{
    struct str text = trim_lines(pem);

    if (text.n > PUBLIC_KEY_PEM_MAX)
        return refuse("has more than 16 KiB", err);
    if (text.n == 0)
        return refuse("is required", err);
    if (holds(text, STR("PRIVATE KEY-----")))
        return refuse("holds a private key, which must not leave its owner", err);
    if (str_find(text, '\0') >= 0 || !str_starts(text, begin) || !str_ends(text, end) ||
        holds(str_from_index(text, begin.n), STR("-----BEGIN")))
        return refuse(what, err);
    return 0;
}

static BIO *open_text(struct str text)
{
    return BIO_new_mem_buf(text.p, (int)text.n);
}

/* Nobody is asked for a password. */
static int no_password(char *out, int size, int is_writing, void *context)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

/* -- the key ----------------------------------------------------------------------------------------- */

/* A curve that is spelled out may look like a known one and differ where nobody looks (CVE-2020-0601). */
static bool is_known_curve(EVP_PKEY *key)
{
    static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1" };
    char                     name[64];
    size_t                   n;
    int                      is_explicit = 1;

    if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit) != 1 ||
        is_explicit != 0 || EVP_PKEY_get_group_name(key, name, sizeof(name), &n) != 1)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (strcmp(name, curves[i]) == 0)
            return true;
    }
    return false;
}

static int check_kind(EVP_PKEY *key, struct err *err)
{
    int bits = EVP_PKEY_get_bits(key);

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return bits >= 2048 && bits <= 8192
                   ? 0
                   : refuse("is an RSA key of less than 2,048 or more than 8,192 bits", err);
    case EVP_PKEY_EC:
        return is_known_curve(key) ? 0
                                   : refuse("is on another curve than P-256, P-384 and P-521", err);
    case EVP_PKEY_ED25519:
        return 0;
    default:
        return refuse("is neither RSA nor EC nor Ed25519", err);
    }
}

static int check_key(EVP_PKEY *key, struct err *err)
{
    AUTO(close_context) EVP_PKEY_CTX *context = NULL;

    if (check_kind(key, err) < 0)
        return -1;
    context = EVP_PKEY_CTX_new(key, NULL);
    if (context == NULL || EVP_PKEY_public_check_quick(context) != 1)
        return refuse("is no good key", err);
    return 0;
}

static int print_fingerprint(struct arena *arena, EVP_PKEY *key, struct str *out, struct err *err)
{
    unsigned char *der = NULL;
    unsigned char  hash[32];
    char           hex[65];
    int            n = i2d_PUBKEY(key, &der);

    if (n <= 0)
        return refuse("cannot be written down", err);
    hash_sha256((struct str){ (const char *)der, (size_t)n }, hash);
    OPENSSL_free(der);
    text_hex_print(hash, sizeof(hash), hex);
    *out = str_copy(arena, str_from(hex));
    return 0;
}

static struct str bytes_of(struct arena *arena, BIO *bio)
{
    char *p = NULL;
    long  n = BIO_get_mem_data(bio, &p);

    return str_copy(arena, (struct str){ p, (size_t)n });
}

int public_key_parse(struct arena *arena, struct str pem, struct public_key *out, struct err *err)
{
    AUTO(close_bio) BIO      *in    = NULL;
    AUTO(close_bio) BIO      *again = NULL;
    AUTO(close_key) EVP_PKEY *key   = NULL;
    struct public_key         read;

    if (check_block(pem, STR("-----BEGIN PUBLIC KEY-----"), STR("-----END PUBLIC KEY-----"),
                    "is not one public key in PEM form (BEGIN PUBLIC KEY)", err) < 0)
        return -1;
    in  = open_text(trim_lines(pem));
    key = PEM_read_bio_PUBKEY(in, NULL, no_password, NULL);
    if (key == NULL)
        return refuse("is no public key that can be read", err);
    if (check_key(key, err) < 0 || print_fingerprint(arena, key, &read.fingerprint, err) < 0)
        return -1;
    again = BIO_new(BIO_s_mem());
    if (again == NULL || PEM_write_bio_PUBKEY(again, key) != 1)
        return refuse("cannot be written down", err);
    read.pem = bytes_of(arena, again);
    *out     = read;
    return 0;
}

int public_key_parse_certificate(struct arena *arena, struct str pem, struct public_key *out,
                                 struct err *err)
{
    AUTO(close_bio) BIO          *in          = NULL;
    AUTO(close_bio) BIO          *again       = NULL;
    AUTO(close_certificate) X509 *certificate = NULL;
    struct public_key             read;

    if (check_block(pem, STR("-----BEGIN CERTIFICATE-----"), STR("-----END CERTIFICATE-----"),
                    "is not one certificate in PEM form", err) < 0)
        return -1;
    in          = open_text(trim_lines(pem));
    certificate = PEM_read_bio_X509(in, NULL, no_password, NULL);
    if (certificate == NULL || X509_get0_pubkey(certificate) == NULL)
        return refuse("is no certificate that can be read", err);
    if (print_fingerprint(arena, X509_get0_pubkey(certificate), &read.fingerprint, err) < 0)
        return -1;
    again = BIO_new(BIO_s_mem());
    if (again == NULL || PEM_write_bio_X509(again, certificate) != 1)
        return refuse("cannot be written down", err);
    read.pem = bytes_of(arena, again);
    *out     = read;
    return 0;
}

/* -- many of them ------------------------------------------------------------------------------------- */

#define PEM_BEGIN "-----BEGIN "
#define PEM_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

/* Offset of a text, or -1. */
static ptrdiff_t find_text(struct str in, const char *text)
{
    const char *at = in.n == 0 ? NULL : memmem(in.p, in.n, text, strlen(text));

    return at == NULL ? -1 : at - in.p;
}

int public_key_check_bundle(struct str pem, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct public_key              ignored_key; /* that there is one is all */
    struct str                     rest = pem;
    size_t                         n    = 0;

    if (pem.n > PUBLIC_KEY_BUNDLE_MAX)
        return err_set(err, ERR_INVALID, "certificates have at most %d bytes",
                       PUBLIC_KEY_BUNDLE_MAX);
    for (ptrdiff_t at; (at = find_text(rest, PEM_BEGIN)) >= 0; n++) {
        rest          = str_from_index(rest, (size_t)at);
        ptrdiff_t end = find_text(rest, PEM_END);

        if (!str_starts(rest, STR(PEM_CERTIFICATE)) || end < 0)
            return err_set(err, ERR_INVALID, "it holds something else than certificates in PEM");
        size_t     size = (size_t)end + strlen(PEM_END);
        struct str block =
            str_from(mem_printf(arena, STR_FMT "\n", STR_ARGS(str_sub(rest, 0, size))));
        if (public_key_parse_certificate(arena, block, &ignored_key, err) < 0)
            return -1;
        rest = str_from_index(rest, size);
    }
    return n > 0 ? 0 : err_set(err, ERR_INVALID, "it holds no certificate in PEM");
}
