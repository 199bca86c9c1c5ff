/* jwt_fuzz.c: a token is accepted only if we made it. The key is fixed, so that the corpus can hold tokens
 * of ours; all of them carry the same claims, and so must everything that is accepted. Then the input is
 * signed as claims, comes back, and does not once a byte of the token is another. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/jwt.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* PKCS#8, of no use elsewhere. */
static const char key_der[] =
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5HDhfwu-3H3cF5Xkl1MXHDMuH3Yd_V25CcFmTaax"
    "f7WhRANCAATzM7xxSolDCAzEedLnro0-Urd6K-onh7Ngzv6miWVSYdkQ_R-d5EW_AWITywL62qfopUIt3q9nmZ_h"
    "w6yBbxsJ";

static const char known_claims[] = "{\"sub\":\"fuzz\",\"exp\":4102444800}";

static const struct jwt_key *key_once(void)
{
    static struct jwt_key *key;

    if (key == NULL) {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct str                     der;
        struct err                     err;

        ASSERT(text_base64url_parse(arena, str_from(key_der), &der, &err) == 0);
        ASSERT(jwt_key_parse(der, &key, &err) == 0);
    }
    return key;
}

/* Even a finder that knows one key for all ids must not let others in. */
static const struct jwt_key *find(void *context, struct str kid)
{
    ASSERT(kid.n <= JWT_KID_MAX);
    return key_once();
}

static void check_foreign(struct arena *arena, struct str input)
{
    struct str claims;
    struct err err;

    if (jwt_verify(arena, input, find, NULL, &claims, &err) == 0)
        ASSERT(str_is(claims, known_claims));
    else
        ASSERT(err.kind == ERR_UNAUTHENTICATED);
}

static void check_own(struct arena *arena, struct str input)
{
    struct str token;
    struct str claims;
    struct err err;

    if (jwt_sign(arena, key_once(), input, &token, &err) < 0) {
        ASSERT(err.kind == ERR_TOO_LARGE && input.n > JWT_MAX / 2);
        return;
    }
    ASSERT(jwt_verify(arena, token, find, NULL, &claims, &err) == 0);
    ASSERT(str_eq(claims, input));

    char  *copy = str_dup(arena, token);
    size_t at   = input.n == 0 ? 0 : (unsigned char)input.p[0] * token.n / 256;
    copy[at]    = (char)(copy[at] ^ (input.n == 0 ? 1 : input.p[input.n - 1] | 1));
    ASSERT(jwt_verify(arena, (struct str){ .p = copy, .n = token.n }, find, NULL, &claims, &err) <
           0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     input = { .p = (const char *)data, .n = size };

    check_foreign(arena, input);
    check_own(arena, input);
    return 0;
}
