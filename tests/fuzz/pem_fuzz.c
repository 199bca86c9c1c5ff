/* pem_fuzz.c: whatever is taken for a key or a certificate is printed as one that is taken again and is the same,
 * with a fingerprint of 64 hex digits; nothing else of the input lives on, a private key least of all. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int parser(struct arena *arena, struct str pem, struct public_key *out, struct err *err);

static void read_twice(parser *parse, struct str text)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct public_key              once, twice;
    struct err                     err;

    if (parse(arena, text, &once, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    ASSERT(once.fingerprint.n == 64 && once.pem.n <= 2 * PUBLIC_KEY_PEM_MAX);
    ASSERT(memmem(once.pem.p, once.pem.n, "PRIVATE KEY", 11) == NULL);
    ASSERT(parse(arena, once.pem, &twice, &err) == 0);
    ASSERT(str_eq(once.pem, twice.pem) && str_eq(once.fingerprint, twice.fingerprint));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };

    read_twice(public_key_parse, text);
    read_twice(public_key_parse_certificate, text);
    return 0;
}
