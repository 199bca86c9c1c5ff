/* codec/jwt.c: OpenSSL signs and checks; here stands what a token may look like. Everything that can fail
 * about a key fails when it is made, so that using one needs no second thought.
 *
 * OpenSSL writes a signature as DER, a token carries the two numbers as 64 bytes (RFC 7518, 3.4). */
#include "codec/jwt.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "codec/secret.h"
#include "codec/text.h"

enum { NUMBER_SIZE = 32, SIGNATURE_SIZE = 2 * NUMBER_SIZE, DER_MAX = 80, KID_BYTES = 16 };

struct jwt_key {
    EVP_PKEY     *pkey;
    char          id[JWT_KID_MAX];
    unsigned char x[NUMBER_SIZE];
    unsigned char y[NUMBER_SIZE];
};

struct header {
    struct str alg;
    struct str kid;
    struct str typ;
};

#define HEADER_AT(member) JSON_AT(struct header, member, struct str)

/* clang-format off */
static const struct json_field header_fields[] = {
    { .name = "alg", .kind = JSON_STRING, .offset = HEADER_AT(alg), .flags = JSON_REQUIRED, .max = 8 },
    { .name = "kid", .kind = JSON_STRING, .offset = HEADER_AT(kid), .flags = JSON_REQUIRED, .max = JWT_KID_MAX },
    { .name = "typ", .kind = JSON_STRING, .offset = HEADER_AT(typ), .flags = JSON_REQUIRED, .max = 8 },
};

static const struct json_table header_table = {
    .name = "header", .size = sizeof(struct header), .is_closed = true,
    .fields = header_fields, .n_fields = ARRAY_LEN(header_fields),
};
/* clang-format on */

static const struct json_limits header_limits = { .size = 256, .values = 8, .depth = 2, .key = 8 };

/* OpenSSL keeps its reasons in a list of the thread, which nobody reads here. */
static int refuse(struct err *err, enum err_kind kind, const char *reason)
{
    ERR_clear_error();
    return err_set(err, kind, "%s", reason);
}

/* The compiler's cleanup takes the variable's address, OpenSSL's functions take its value. */
static void free_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void free_signature(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static void free_number(BIGNUM **number)
{
    BN_free(*number);
}

static void free_pkcs8(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void free_der(unsigned char **der)
{
    OPENSSL_free(*der);
}

static bool find_coordinate(const EVP_PKEY *pkey, const char *name, unsigned char out[NUMBER_SIZE])
{
    AUTO(free_number) BIGNUM *number = NULL;

    return EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
           BN_bn2binpad(number, out, NUMBER_SIZE) == NUMBER_SIZE;
}

/* The first bytes of the hash of the public key's DER. */
static bool find_id(const EVP_PKEY *pkey, char out[JWT_KID_MAX])
{
    AUTO(free_der) unsigned char  *der     = NULL;
    AUTO(arena_free) struct arena *scratch = arena_new();
    unsigned char                  hash[32];
    int                            size = i2d_PUBKEY(pkey, &der);

    if (size <= 0)
        return false;
    hash_sha256((struct str){ .p = (char *)der, .n = (size_t)size }, hash);

    struct str id =
        text_base64url_print(scratch, (struct str){ .p = (char *)hash, .n = KID_BYTES });
    ASSERT(id.n < JWT_KID_MAX);
    memcpy(out, id.p, id.n + 1);
    return true;
}

/* Takes the pkey over, whatever comes of it. */
static int wrap_pkey(EVP_PKEY *pkey, struct jwt_key **out, struct err *err)
{
    AUTO(jwt_key_free) struct jwt_key *key = mem_new(struct jwt_key);
    char                               group[32];

    key->pkey = pkey;
    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
        OBJ_txt2nid(group) != NID_X9_62_prime256v1)
        return refuse(err, ERR_INVALID, "a token key is not on the curve P-256");
    if (!find_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->x) ||
        !find_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->y) || !find_id(pkey, key->id))
        return refuse(err, ERR_INVALID, "a token key has no public half");

    *out = TAKE(key);
    return 0;
}

int jwt_key_make(struct jwt_key **out, struct err *err)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");

    if (pkey == NULL)
        return refuse(err, ERR_INTERNAL, "OpenSSL makes no P-256 key");
    return wrap_pkey(pkey, out, err);
}

/* Is the private half there and does it belong to the public one? */
static bool is_pair(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool          is_good = context != NULL && EVP_PKEY_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    return is_good;
}

int jwt_key_parse(struct str der, struct jwt_key **out, struct err *err)
{
    const unsigned char                  *at   = (const unsigned char *)der.p;
    AUTO(free_pkcs8) PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.n);

    if (info == NULL || at != (const unsigned char *)der.p + der.n)
        return refuse(err, ERR_INVALID, "a token key is not PKCS#8 in DER");

    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    if (pkey == NULL || !EVP_PKEY_is_a(pkey, "EC") || !is_pair(pkey)) {
        EVP_PKEY_free(pkey);
        return refuse(err, ERR_INVALID, "a token key is not a pair of an elliptic curve");
    }
    return wrap_pkey(pkey, out, err);
}

int jwt_key_print(struct arena *arena, const struct jwt_key *key, struct str *out, struct err *err)
{
    AUTO(free_pkcs8) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    unsigned char                        *der  = NULL;
    int size = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    if (size <= 0)
        return refuse(err, ERR_INTERNAL, "OpenSSL does not print a token key");

    *out = secret_copy(arena, (struct str){ .p = (char *)der, .n = (size_t)size });
    OPENSSL_clear_free(der, (size_t)size);
    return 0;
}

void jwt_key_free(struct jwt_key **key)
{
    if (*key == NULL)
        return;

    EVP_PKEY_free((*key)->pkey);
    mem_free(*key);
    *key = NULL;
}

const char *jwt_key_id(const struct jwt_key *key)
{
    return key->id;
}

struct str jwt_key_jwk(struct arena *arena, const struct jwt_key *key)
{
    struct str        x = { .p = (const char *)key->x, .n = NUMBER_SIZE };
    struct str        y = { .p = (const char *)key->y, .n = NUMBER_SIZE };
    struct json_write w;
    struct buf        buf;

    buf_init(&buf, arena, 512);
    json_write_init(&w, &buf);
    json_write_object(&w);
    json_write_text_at(&w, "kty", "EC");
    json_write_text_at(&w, "crv", "P-256");
    json_write_text_at(&w, "alg", "ES256");
    json_write_text_at(&w, "use", "sig");
    json_write_text_at(&w, "kid", key->id);
    json_write_str_at(&w, "x", text_base64url_print(arena, x));
    json_write_str_at(&w, "y", text_base64url_print(arena, y));
    json_write_end(&w);
    ASSERT(!buf.is_full);
    return buf_view(&buf);
}

static bool signature_from_der(const unsigned char *der, size_t size,
                               unsigned char out[SIGNATURE_SIZE])
{
    AUTO(free_signature) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);

    return signature != NULL &&
           BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, NUMBER_SIZE) == NUMBER_SIZE &&
           BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + NUMBER_SIZE, NUMBER_SIZE) == NUMBER_SIZE;
}

/* Writes DER_MAX bytes at most, which is more than two numbers of that size ever take. Returns 0 when
 * OpenSSL fails. */
static size_t signature_to_der(const unsigned char raw[SIGNATURE_SIZE], unsigned char out[DER_MAX])
{
    AUTO(free_signature) ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM                         *r         = BN_bin2bn(raw, NUMBER_SIZE, NULL);
    BIGNUM                         *s         = BN_bin2bn(raw + NUMBER_SIZE, NUMBER_SIZE, NULL);

    if (signature == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return 0;
    }
    int size = i2d_ECDSA_SIG(signature, &out);
    return size < 0 ? 0 : (size_t)size;
}

static bool sign(const struct jwt_key *key, struct str text, unsigned char out[SIGNATURE_SIZE])
{
    AUTO(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char                  der[DER_MAX];
    size_t                         size = sizeof(der);

    return context != NULL &&
           EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
           EVP_DigestSign(context, der, &size, (const unsigned char *)text.p, text.n) == 1 &&
           signature_from_der(der, size, out);
}

static bool is_signed(const struct jwt_key *key, struct str text,
                      const unsigned char raw[SIGNATURE_SIZE])
{
    AUTO(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char                  der[DER_MAX];
    size_t                         size = signature_to_der(raw, der);

    return context != NULL && size > 0 &&
           EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
           EVP_DigestVerify(context, der, size, (const unsigned char *)text.p, text.n) == 1;
}

static struct str print_header(struct arena *arena, const struct jwt_key *key)
{
    struct json_write w;
    struct buf        buf;

    buf_init(&buf, arena, 256);
    json_write_init(&w, &buf);
    json_write_object(&w);
    json_write_text_at(&w, "alg", "ES256");
    json_write_text_at(&w, "kid", key->id);
    json_write_text_at(&w, "typ", "JWT");
    json_write_end(&w);
    ASSERT(!buf.is_full);
    return text_base64url_print(arena, buf_view(&buf));
}

int jwt_sign(struct arena *arena, const struct jwt_key *key, struct str claims, struct str *out,
             struct err *err)
{
    unsigned char signature[SIGNATURE_SIZE];
    struct str    bytes = { .p = (const char *)signature, .n = sizeof(signature) };
    struct str    token;
    struct buf    buf;

    buf_init(&buf, arena, JWT_MAX);
    buf_str(&buf, print_header(arena, key));
    buf_char(&buf, '.');
    buf_str(&buf, text_base64url_print(arena, claims));
    if (!buf.is_full && !sign(key, buf_view(&buf), signature))
        return refuse(err, ERR_INTERNAL, "OpenSSL does not sign a token");

    buf_char(&buf, '.');
    buf_str(&buf, text_base64url_print(arena, bytes));
    if (buf_finish(&buf, &token, err) < 0)
        return err_wrap(err, "a token");
    *out = token;
    return 0;
}

struct parts {
    struct str header;
    struct str claims;
    struct str signature;
    struct str is_signed; /* header and claims with the dot between them */
};

static bool take_apart(struct str token, struct parts *out)
{
    struct str rest = token;

    if (!str_next(&rest, '.', &out->header) || !str_next(&rest, '.', &out->claims) ||
        !str_next(&rest, '.', &out->signature) || rest.p != NULL)
        return false;
    out->is_signed = str_sub(token, 0, out->header.n + 1 + out->claims.n);
    return true;
}

/* The header of our own tokens is all that passes: one algorithm, no key of the token's own. */
static bool read_header(struct arena *arena, struct str segment, struct header *out)
{
    struct err ignored; /* the caller has one answer for all of them */
    struct str text;

    return text_base64url_parse(arena, segment, &text, &ignored) == 0 &&
           json_read(arena, text, &header_limits, &header_table, out, &ignored) == 0 &&
           str_is(out->alg, "ES256") && str_is(out->typ, "JWT");
}

int jwt_verify(struct arena *arena, struct str token, jwt_find *find, void *context,
               struct str *claims, struct err *err)
{
    struct header header = { 0 };
    struct parts  parts;
    struct str    signature;
    struct str    text;

    if (token.n > JWT_MAX)
        return refuse(err, ERR_UNAUTHENTICATED, "the token is too long");
    if (!take_apart(token, &parts))
        return refuse(err, ERR_UNAUTHENTICATED, "the token has not three parts");
    if (!read_header(arena, parts.header, &header))
        return refuse(err, ERR_UNAUTHENTICATED, "the token's header is not one of ours");

    const struct jwt_key *key = find(context, header.kid);
    if (key == NULL)
        return refuse(err, ERR_UNAUTHENTICATED, "the token's key is not known");
    if (text_base64url_parse(arena, parts.signature, &signature, err) < 0 ||
        signature.n != SIGNATURE_SIZE ||
        !is_signed(key, parts.is_signed, (const unsigned char *)signature.p))
        return refuse(err, ERR_UNAUTHENTICATED, "the token's signature is wrong");
    if (text_base64url_parse(arena, parts.claims, &text, err) < 0)
        return refuse(err, ERR_UNAUTHENTICATED, "the token's claims are not base64url");

    *claims = text;
    return 0;
}
