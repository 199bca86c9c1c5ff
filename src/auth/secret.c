/* auth/secret.c: the form of secrets. */
#include "auth/secret.h"

#include <string.h>

#include "base/assert.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "io/random.h"

enum { HEAD = 10, BYTES = 32 };

static const char *const heads[] = {
    [AUTH_SECRET_PERSONAL] = "assay_pat_",
    [AUTH_SECRET_SERVICE]  = "assay_svc_",
    [AUTH_SECRET_SESSION]  = "assay_ses_",
};

void auth_secret_make(enum auth_secret_kind kind, char out[AUTH_SECRET_MAX])
{
    ASSERT(strlen(heads[kind]) == HEAD);
    memcpy(out, heads[kind], HEAD);
    random_hex(out + HEAD, BYTES);
}

bool auth_secret_is(struct str text, enum auth_secret_kind kind)
{
    unsigned char bytes[BYTES];
    bool is_one = text.n == AUTH_SECRET_MAX - 1 && str_starts(text, str_from(heads[kind])) &&
                  text_hex_parse(str_from_index(text, HEAD), bytes, BYTES);

    explicit_bzero(bytes, sizeof(bytes));
    return is_one;
}

bool auth_secret_is_credential(struct str text)
{
    return auth_secret_is(text, AUTH_SECRET_PERSONAL) || auth_secret_is(text, AUTH_SECRET_SERVICE);
}

void auth_secret_hash(struct str secret, char out[AUTH_SECRET_HASH_MAX])
{
    unsigned char hash[32];

    hash_sha256(secret, hash);
    text_hex_print(hash, sizeof(hash), out);
}
