/* jwt_test.c: a token is accepted when we made it and not otherwise (rows of the hostile list,
 * as far as they concern form, header and signature). */
#include "codec/jwt.h"

#include <time.h>

#include "check.h"
#include "codec/hash.h"
#include "codec/text.h"

static struct jwt_key *ours;
static struct jwt_key *theirs;

int jwt_test_setup(void **state)
{
    struct err err;

    return jwt_key_make(&ours, &err) < 0 || jwt_key_make(&theirs, &err) < 0;
}

int jwt_test_teardown(void **state)
{
    jwt_key_free(&ours);
    jwt_key_free(&theirs);
    return 0;
}

/* Knows our key only, by its id. */
static const struct jwt_key *find_ours(void *context, struct str kid)
{
    return str_is(kid, jwt_key_id(ours)) ? ours : NULL;
}

#define CLAIMS "{\"sub\":\"alice\",\"exp\":1787306400}"

static struct str token_of(struct arena *arena, const struct jwt_key *key)
{
    struct str token = STR_NULL;
    struct err err;

    CHECK_OK(jwt_sign(arena, key, STR(CLAIMS), &token, &err), &err);
    return token;
}

static struct str segment(struct str token, int index)
{
    struct str part = STR_NULL;

    for (int i = 0; i <= index; i++)
        str_next(&token, '.', &part);
    return part;
}

/* The token with another header, claims or signature; null keeps the token's own. */
static struct str forge(struct arena *arena, struct str token, const char *header,
                        const char *claims, const char *signature)
{
    struct str parts[3] = { segment(token, 0), segment(token, 1), segment(token, 2) };

    if (header != NULL)
        parts[0] = text_base64url_print(arena, str_from(header));
    if (claims != NULL)
        parts[1] = text_base64url_print(arena, str_from(claims));
    if (signature != NULL)
        parts[2] = str_from(signature);
    return str_from(mem_printf(arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARGS(parts[0]),
                               STR_ARGS(parts[1]), STR_ARGS(parts[2])));
}

static void check_refused(struct str token)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct str                     claims = STR("before");
    struct err                     err;

    if (jwt_verify(arena, token, find_ours, NULL, &claims, &err) == 0)
        fail_msg("accepted: " STR_FMT, STR_ARGS(token));
    CHECK_FAILS(jwt_verify(arena, token, find_ours, NULL, &claims, &err), &err,
                ERR_UNAUTHENTICATED);
    CHECK_STR(claims, "before");
}

void test_jwt_round_trip(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     claims;
    struct err                     err;

    for (int i = 0; i < 50; i++) {
        CHECK_OK(jwt_verify(arena, token_of(arena, ours), find_ours, NULL, &claims, &err), &err);
        CHECK_STR(claims, CLAIMS);
    }
}

void test_jwt_header_is_ours(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     header;
    struct err                     err;

    CHECK_OK(text_base64url_parse(arena, segment(token_of(arena, ours), 0), &header, &err), &err);
    CHECK_STR(header, mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                                 jwt_key_id(ours)));
}

/* headers that would have us use another key or another algorithm. */
void test_jwt_refuses_foreign_headers(void **state)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct str                     token   = token_of(arena, ours);
    const char                    *id      = jwt_key_id(ours);
    struct str                     jwk     = jwt_key_jwk(arena, theirs);
    char                          *long_id = mem_alloc(arena, 10241);
    memset(long_id, 'k', 10240);

    const char *const headers[] = {
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"jwk\":" STR_FMT "}",
                   id, STR_ARGS(jwk)),
        mem_printf(arena,
                   "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"jku\":\"https://e\"}", id),
        mem_printf(arena,
                   "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"x5u\":\"https://e\"}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"x5c\":[\"AA\"]}",
                   id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"crit\":[\"b64\"]}",
                   id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"b64\":false}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"ALG\":\"none\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                   id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                   id),
        mem_printf(arena, "{\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"None\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":null,\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":[\"ES256\"],\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"es256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"ES384\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"PS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"jwt\"}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}x", id),
        mem_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"} ", long_id),
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"kid\":\"../../x\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"kid\":\"' OR 1=1 --\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"kid\":0,\"typ\":\"JWT\"}",
        "[]",
        "{}",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        check_refused(forge(arena, token, headers[i], NULL, NULL));
}

/* The key of another under our id, in spite of the right header. */
void test_jwt_refuses_other_keys(void **state)
{
    AUTO(arena_free) struct arena *arena        = arena_new();
    struct str                     ours_token   = token_of(arena, ours);
    struct str                     theirs_token = token_of(arena, theirs);

    check_refused(theirs_token);
    check_refused(forge(arena, ours_token, NULL, NULL, str_dup(arena, segment(theirs_token, 2))));
    check_refused(forge(arena, ours_token, NULL, "{\"sub\":\"admin\",\"exp\":1787306400}", NULL));
}

/* HS256 with our public key as the secret, in the forms in which it is known. */
void test_jwt_refuses_hmac_with_the_public_key(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *header =
        mem_printf(arena, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", jwt_key_id(ours));
    struct str    token = forge(arena, token_of(arena, ours), header, NULL, NULL);
    struct str    text  = str_sub(token, 0, (size_t)str_find_last(token, '.'));
    unsigned char mac[32];

    hash_hmac_sha256(jwt_key_jwk(arena, ours), text, mac);
    struct str signature = text_base64url_print(arena, (struct str){ .p = (char *)mac, .n = 32 });
    check_refused(forge(arena, token, NULL, NULL, str_dup(arena, signature)));
}

void test_jwt_refuses_odd_signatures(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     token = token_of(arena, ours);
    struct str                     raw;
    struct err                     err;
    char                           bytes[80] = { 0 };

    CHECK_OK(text_base64url_parse(arena, segment(token, 2), &raw, &err), &err);
    assert_int_equal(raw.n, 64);

    /* Of every size, r = s = 0 and all ones among them. */
    for (size_t n = 0; n < sizeof(bytes); n++) {
        struct str odd = text_base64url_print(arena, (struct str){ .p = bytes, .n = n });
        check_refused(forge(arena, token, NULL, NULL, str_dup(arena, odd)));
    }
    memset(bytes, 0xff, sizeof(bytes));
    struct str ones = text_base64url_print(arena, (struct str){ .p = bytes, .n = 64 });
    check_refused(forge(arena, token, NULL, NULL, str_dup(arena, ones)));

    /* r or s alone zero. */
    for (size_t at = 0; at < 64; at += 32) {
        memcpy(bytes, raw.p, 64);
        memset(bytes + at, 0, 32);
        struct str half = text_base64url_print(arena, (struct str){ .p = bytes, .n = 64 });
        check_refused(forge(arena, token, NULL, NULL, str_dup(arena, half)));
    }

    /* DER, as OpenSSL writes it, is not what a token carries. */
    check_refused(forge(arena, token, NULL, NULL, "MEUCIQDx"));
    check_refused(str_from(mem_printf(arena, STR_FMT "=", STR_ARGS(token))));
}

void test_jwt_every_bit_counts(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     token = token_of(arena, ours);
    char                          *copy  = str_dup(arena, token);

    for (size_t bit = 0; bit < 8 * token.n; bit++) {
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        check_refused((struct str){ .p = copy, .n = token.n });
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
    }
}

void test_jwt_refuses_other_forms(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     token = token_of(arena, ours);

    check_refused(STR_NULL);
    check_refused(STR(""));
    check_refused(STR("."));
    check_refused(STR(".."));
    check_refused(STR("..."));
    check_refused(str_from(mem_printf(arena, STR_FMT ".", STR_ARGS(token))));
    check_refused(str_from(mem_printf(arena, "." STR_FMT, STR_ARGS(token))));
    check_refused(str_from(mem_printf(arena, " " STR_FMT, STR_ARGS(token))));
    check_refused(str_from(mem_printf(arena, STR_FMT "\n", STR_ARGS(token))));
    for (size_t n = 0; n < token.n; n++)
        check_refused(str_sub(token, 0, n));
}

/* too long, and made of dots. */
void test_jwt_hostile_texts_are_cheap(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *text  = mem_alloc(arena, 1 << 20);
    struct str                     claims;
    struct timespec                begin;
    struct timespec                end;
    struct err                     err;

    memset(text, '.', 1 << 20);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    CHECK_FAILS(jwt_verify(arena, (struct str){ .p = text, .n = 1 << 20 }, find_ours, NULL, &claims,
                           &err),
                &err, ERR_UNAUTHENTICATED);
    CHECK_FAILS(jwt_verify(arena, (struct str){ .p = text, .n = JWT_MAX }, find_ours, NULL, &claims,
                           &err),
                &err, ERR_UNAUTHENTICATED);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    assert_true((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec < 5000000);
}

void test_jwt_limit_of_size(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    char                          *text  = mem_alloc(arena, JWT_MAX);
    struct str                     token;
    struct str                     claims;
    struct err                     err;
    size_t                         n = JWT_MAX / 4 * 3 - 128;

    /* The longest claims that fit, found from below: four characters for each three bytes. */
    memset(text, 'c', JWT_MAX);
    while (jwt_sign(arena, ours, (struct str){ .p = text, .n = n + 1 }, &token, &err) == 0)
        n++;
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    CHECK_OK(jwt_sign(arena, ours, (struct str){ .p = text, .n = n }, &token, &err), &err);
    assert_true(token.n <= JWT_MAX && token.n > JWT_MAX - 4);
    CHECK_OK(jwt_verify(arena, token, find_ours, NULL, &claims, &err), &err);
    assert_int_equal(claims.n, n);

    char *longer = mem_alloc(arena, JWT_MAX + 2);
    memset(longer, 'A', JWT_MAX + 1);
    memcpy(longer, token.p, token.n);
    check_refused((struct str){ .p = longer, .n = JWT_MAX + 1 });
}

void test_jwt_key_round_trip(void **state)
{
    AUTO(arena_free) struct arena     *arena = arena_new();
    AUTO(jwt_key_free) struct jwt_key *again = NULL;
    struct str                         der;
    struct str                         der_again;
    struct str                         claims;
    struct err                         err;

    CHECK_OK(jwt_key_print(arena, ours, &der, &err), &err);
    CHECK_OK(jwt_key_parse(der, &again, &err), &err);
    assert_string_equal(jwt_key_id(again), jwt_key_id(ours));
    CHECK_OK(jwt_key_print(arena, again, &der_again, &err), &err);
    assert_true(str_eq(der, der_again));
    assert_true(str_eq(jwt_key_jwk(arena, again), jwt_key_jwk(arena, ours)));
    CHECK_OK(jwt_verify(arena, token_of(arena, again), find_ours, NULL, &claims, &err), &err);
    assert_string_not_equal(jwt_key_id(theirs), jwt_key_id(ours));
    assert_int_equal(strlen(jwt_key_id(ours)), 22);
}

/* Keys that are no pair of P-256: cut, followed by more, of another curve or kind, with halves that do
 * not fit. */
void test_jwt_key_refuses(void **state)
{
    /* PKCS#8 in base64url. */
    static const char p384[] =
        "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCJN0CFOYXZydzGvFE-Fqv2jfON41AbSQ0WoJjIekg5"
        "EgS9U-YFUfZAp3IyBOo4meOhZANiAAS1Q8EugEnhokhl0wkJUXsUdGX0hN0qMu7bNDBR21J9CHnI8V6s_SkqXPKM"
        "8PiRXKBZsiezR_SIyhuy40N6MYSlN0_mNRzwJ5ks0dN_F1CKYFijTzUbdqwhCavspjwaFqQ";
    static const char secp256k1[] =
        "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgaYqs7ONUFbmfHBgIpoeLClZSBpG-RUb8ut8YNXlSriCh"
        "RANCAAQbkQ11G1__jPwqQNID9P1MmjREQt16wVBZeJelbEfk-1Ckt74BbDGbwgiALd7q8NBzpoe19Ikfvf0Ovy0u"
        "Uq01";
    static const char ed25519[] =
        "MC4CAQAwBQYDK2VwBCIEIJRovX4vTnU2CF21-N_nIF5lqJ9E4DlVspOlrHwSfa8P";
    const char *const              others[] = { p384, secp256k1, ed25519 };
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct jwt_key                *key      = NULL;
    struct str                     der;
    struct err                     err;

    CHECK_OK(jwt_key_print(arena, ours, &der, &err), &err);
    for (size_t n = 0; n < der.n; n++)
        CHECK_FAILS(jwt_key_parse(str_sub(der, 0, n), &key, &err), &err, ERR_INVALID);
    CHECK_FAILS(jwt_key_parse(STR_NULL, &key, &err), &err, ERR_INVALID);
    CHECK_FAILS(jwt_key_parse(str_from(mem_printf(arena, "%*s", 200, "")), &key, &err), &err,
                ERR_INVALID);

    char *longer = mem_alloc(arena, der.n + 1);
    memcpy(longer, der.p, der.n);
    CHECK_FAILS(jwt_key_parse((struct str){ .p = longer, .n = der.n + 1 }, &key, &err), &err,
                ERR_INVALID);
    longer[der.n - 1] = (char)(longer[der.n - 1] ^ 1);
    CHECK_FAILS(jwt_key_parse((struct str){ .p = longer, .n = der.n }, &key, &err), &err,
                ERR_INVALID);

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct str other;
        CHECK_OK(text_base64url_parse(arena, str_from(others[i]), &other, &err), &err);
        CHECK_FAILS(jwt_key_parse(other, &key, &err), &err, ERR_INVALID);
    }
    assert_null(key);
}
