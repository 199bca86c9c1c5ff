/* http/ca.c: the own CA, and the server certificates that it issues. OpenSSL makes them, for it makes
 * X.509 with the extensions that browsers and container clients ask for; GnuTLS serves them as any other. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/address.h"
#include "http/certificate.h"

enum {
    DAY_S        = 24 * 60 * 60,
    CA_DAYS      = 3652,
    SERVER_DAYS  = 397, /* what browsers take at most is 398 */
    CLOCK_SKEW_S = 60 * 60,
    NAMES_MAX    = 4096,
    X509_V3      = 2
};

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_number(BIGNUM **number)
{
    BN_free(*number);
}

static int set_openssl(struct err *err, const char *what)
{
    char reason[256];

    ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
    ERR_clear_error();
    return err_set(err, ERR_INTERNAL, "%s: %s", what, reason);
}

/* PEM */

static struct str copy_bio(struct arena *arena, BIO *bio)
{
    char *bytes;
    long  n = BIO_get_mem_data(bio, &bytes);

    return str_copy(arena, (struct str){ .p = bytes, .n = (size_t)n });
}

static int print_x509(struct arena *arena, X509 *x509, struct str *out, struct err *err)
{
    AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_X509(bio, x509) != 1)
        return set_openssl(err, "printing a certificate");
    *out = copy_bio(arena, bio);
    return 0;
}

static int print_key(struct arena *arena, EVP_PKEY *key, struct str *out, struct err *err)
{
    AUTO(free_bio) BIO *bio = BIO_new(BIO_s_secmem());

    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return set_openssl(err, "printing a key");
    *out = copy_bio(arena, bio);
    return 0;
}

static X509 *parse_x509(struct str pem)
{
    AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);

    return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static EVP_PKEY *parse_key(struct str pem)
{
    AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);

    return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

/* Making */

static bool set_serial(X509 *x509)
{
    AUTO(free_number) BIGNUM *number = BN_new();

    return number != NULL && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
}

static bool set_common_name(X509 *x509, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);

    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool            is_added  = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* A certificate with everything that all of them have; the issuer is itself when there is none. */
static X509 *begin_x509(EVP_PKEY *key, const char *name, X509 *issuer, int days)
{
    X509 *x509 = X509_new();
    bool  is_ok =
        x509 != NULL && X509_set_version(x509, X509_V3) == 1 && set_serial(x509) &&
        X509_gmtime_adj(X509_getm_notBefore(x509), -CLOCK_SKEW_S) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x509), (long)days * DAY_S) != NULL &&
        X509_set_pubkey(x509, key) == 1 && set_common_name(x509, name) &&
        X509_set_issuer_name(x509, X509_get_subject_name(issuer == NULL ? x509 : issuer)) == 1;

    if (is_ok)
        return x509;
    X509_free(x509);
    return NULL;
}

int http_ca_make(struct arena *arena, struct str *ca_pem, struct str *ca_key_pem, struct err *err)
{
    AUTO(free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(free_x509) X509    *ca  = key == NULL ? NULL : begin_x509(key, "Assay CA", NULL, CA_DAYS);
    struct str               pem;
    struct str               key_pem;

    if (ca == NULL || !add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(ca, ca, NID_subject_key_identifier, "hash") ||
        X509_sign(ca, key, EVP_sha256()) == 0)
        return set_openssl(err, "making a CA");
    if (print_x509(arena, ca, &pem, err) < 0 || print_key(arena, key, &key_pem, err) < 0)
        return -1;
    *ca_pem     = pem;
    *ca_key_pem = key_pem;
    return 0;
}

/* A name goes into OpenSSL's own little language, so it must be made of what names are made of. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '.' && c != '_' && c != '*')
            return false;
    }
    return name.n > 0 && name.n <= 253;
}

/* "DNS:registry.example,IP:192.0.2.1" */
static int print_names(struct buf *out, const struct str *names, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct address address;
        char           text[ADDRESS_TEXT_MAX];

        if (i > 0)
            buf_char(out, ',');
        if (address_parse(names[i], &address)) {
            address_print(&address, text);
            buf_printf(out, "IP:%s", text);
        } else if (is_name(names[i])) {
            buf_printf(out, "DNS:" STR_FMT, STR_ARGS(names[i]));
        } else {
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is neither a host name nor an address",
                           STR_ARGS(names[i]));
        }
    }
    return n == 0 ? err_set(err, ERR_INVALID, "a certificate needs a name") : 0;
}

static int sign_server(X509 *x509, X509 *ca, EVP_PKEY *ca_key, const char *names, struct err *err)
{
    if (x509 == NULL || !add_extension(x509, ca, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(x509, ca, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(x509, ca, NID_ext_key_usage, "serverAuth") ||
        !add_extension(x509, ca, NID_subject_key_identifier, "hash") ||
        !add_extension(x509, ca, NID_authority_key_identifier, "keyid:always") ||
        !add_extension(x509, ca, NID_subject_alt_name, names) ||
        X509_sign(x509, ca_key, EVP_sha256()) == 0)
        return set_openssl(err, "issuing a certificate");
    return 0;
}

int http_ca_issue(struct arena *arena, struct str ca_pem, struct str ca_key_pem,
                  const struct str *names, size_t n_names, struct str *chain_pem,
                  struct str *key_pem, struct err *err)
{
    AUTO(free_x509) X509    *ca     = parse_x509(ca_pem);
    AUTO(free_key) EVP_PKEY *ca_key = parse_key(ca_key_pem);
    struct buf               list;
    struct str               list_text;
    struct str               first;
    struct str               own_key;

    if (ca == NULL || ca_key == NULL || X509_check_private_key(ca, ca_key) != 1)
        return set_openssl(err, "reading the CA and its key");
    buf_init(&list, arena, NAMES_MAX);
    if (print_names(&list, names, n_names, err) < 0 || buf_finish(&list, &list_text, err) < 0)
        return -1;

    /* The subject is a common name of 64 bytes at most, which nobody reads: names stand in the list. */
    AUTO(free_key) EVP_PKEY *key  = EVP_EC_gen("P-256");
    AUTO(free_x509) X509    *x509 = key == NULL ? NULL : begin_x509(key, "Assay", ca, SERVER_DAYS);
    if (sign_server(x509, ca, ca_key, list_text.p, err) < 0 ||
        print_x509(arena, x509, &first, err) < 0 || print_key(arena, key, &own_key, err) < 0)
        return -1;

    const char *chain = mem_printf(arena, STR_FMT STR_FMT, STR_ARGS(first), STR_ARGS(ca_pem));
    *chain_pem        = str_from(chain);
    *key_pem          = own_key;
    return 0;
}
