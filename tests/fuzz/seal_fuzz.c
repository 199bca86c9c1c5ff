/* seal_fuzz.c: sealed values and digests in progress. Whatever the bytes, nothing opens that we did not
 * close; what we closed opens, and does not once a byte of it is another. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[32] = "the key of the fuzzer, 32 bytes";

static const struct seal_ring *ring_once(void)
{
    static struct seal_ring *ring;

    if (ring == NULL)
        ring = seal_ring_new(key, 1);
    return ring;
}

/* The text with one byte, chosen by the input, changed. */
static struct str spoiled(struct arena *arena, struct str text, struct str input)
{
    char  *copy = str_dup(arena, text);
    size_t at   = (unsigned char)input.p[0] * (size_t)31 % text.n;
    char   mask = (char)(input.p[input.n - 1] | 1);

    copy[at] = (char)(copy[at] ^ mask);
    return (struct str){ .p = copy, .n = text.n };
}

static void check_seal(struct arena *arena, struct str input)
{
    struct str purpose = str_sub(input, 0, (unsigned char)input.p[0] % 16);
    struct str secret;
    struct err err;

    ASSERT(seal_open(arena, ring_once(), purpose, input, &secret, &err) < 0);
    ASSERT(err.kind == ERR_CORRUPT);

    struct str sealed = seal_close(arena, ring_once(), purpose, input);
    ASSERT(seal_open(arena, ring_once(), purpose, sealed, &secret, &err) == 0);
    ASSERT(str_eq(secret, input));
    ASSERT(seal_open(arena, ring_once(), purpose, spoiled(arena, sealed, input), &secret, &err) <
           0);
}

static void check_hash(struct arena *arena, struct str input)
{
    struct hash   hash;
    struct hash   again;
    unsigned char whole[HASH_MAX];
    unsigned char parts[HASH_MAX];
    size_t        half = (unsigned char)input.p[0] % (input.n + 1);
    struct err    err;

    if (hash_state_parse(input, key, &hash, &err) == 0)
        ASSERT(str_eq(hash_state_print(arena, &hash, key), input));

    hash_init(&hash, (input.p[0] & 1) != 0 ? HASH_SHA512 : HASH_SHA256);
    hash_add(&hash, input.p, half);
    struct str text = hash_state_print(arena, &hash, key);
    ASSERT(hash_state_parse(text, key, &again, &err) == 0);
    hash_add(&hash, input.p + half, input.n - half);
    hash_add(&again, input.p + half, input.n - half);
    hash_finish(&hash, whole);
    hash_finish(&again, parts);
    ASSERT(str_eq((struct str){ .p = (char *)whole, .n = hash_size(hash.kind) },
                  (struct str){ .p = (char *)parts, .n = hash_size(hash.kind) }));
    ASSERT(hash_state_parse(spoiled(arena, text, input), key, &again, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    if (size == 0)
        return 0;
    check_seal(arena, (struct str){ .p = (const char *)data, .n = size });
    check_hash(arena, (struct str){ .p = (const char *)data, .n = size });
    return 0;
}
