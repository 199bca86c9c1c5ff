/* hash_test.c: known digests, a digest that changes hands at any byte, and a printed state of which every
 * bit counts. */
#include "codec/hash.h"

#include "check.h"

static const unsigned char key[32]       = "a key of the tests, 32 bytes lon";
static const unsigned char other_key[32] = "a key of the tests, 32 bytes lOn";

static const enum hash_kind kinds[] = { HASH_SHA256, HASH_SHA512 };

static void fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 131 + i / 256);
}

void test_hash_known_digests(void **state)
{
    struct hash   hash;
    char          hex[HASH_HEX_MAX];
    unsigned char out[32];

    hash_init(&hash, HASH_SHA256);
    hash_finish_hex(&hash, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_add(&hash, "abc", 3);
    hash_finish_hex(&hash, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

    hash_init(&hash, HASH_SHA512);
    hash_add(&hash, "abc", 3);
    hash_finish_hex(&hash, hex);
    assert_string_equal(hex, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                             "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");

    hash_sha256(STR("abc"), out);
    assert_int_equal(out[0], 0xba);
    assert_int_equal(out[31], 0xad);
    assert_int_equal(hash_size(HASH_SHA256), 32);
    assert_int_equal(hash_size(HASH_SHA512), 64);
}

/* RFC 4231, cases 1, 2 and 6. */
void test_hash_hmac(void **state)
{
    unsigned char out[32];
    char          long_key[131];

    hash_hmac_sha256(STR("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"), STR("Hi There"), out);
    assert_memory_equal(out, "\xb0\x34\x4c\x61\xd8\xdb\x38\x53", 8);
    hash_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_memory_equal(out, "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e", 8);
    memset(long_key, 0xaa, sizeof(long_key));
    hash_hmac_sha256((struct str){ .p = long_key, .n = sizeof(long_key) },
                     STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_memory_equal(out, "\x60\xe4\x31\x59\x1e\xe0\xb6\x7f", 8);
}

void test_hash_finish_lets_it_go_on(void **state)
{
    struct hash   hash;
    struct hash   copy;
    unsigned char once[HASH_MAX];
    unsigned char twice[HASH_MAX];

    hash_init(&hash, HASH_SHA256);
    hash_add(&hash, "ab", 2);
    copy = hash;
    hash_finish(&hash, once);
    hash_finish(&hash, twice);
    assert_memory_equal(once, twice, 32);
    hash_add(&hash, "c", 1);
    hash_add(&copy, "c", 1);
    hash_add(&copy, NULL, 0);
    hash_finish(&hash, once);
    hash_finish(&copy, twice);
    assert_memory_equal(once, twice, 32);
    assert_int_equal(hash.n_bytes, 3);
}

/* Put down and taken up again at every byte of three blocks and a bit. */
void test_hash_state_round_trip(void **state)
{
    unsigned char bytes[400];
    unsigned char whole[HASH_MAX];
    unsigned char parts[HASH_MAX];
    struct hash   hash;
    struct hash   again;
    struct err    err;

    fill(bytes, sizeof(bytes));
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        hash_init(&hash, kinds[k]);
        hash_add(&hash, bytes, sizeof(bytes));
        hash_finish(&hash, whole);

        for (size_t n = 0; n <= sizeof(bytes); n++) {
            AUTO(arena_free) struct arena *arena = arena_new();

            hash_init(&hash, kinds[k]);
            hash_add(&hash, bytes, n);
            struct str text = hash_state_print(arena, &hash, key);
            CHECK_OK(hash_state_parse(text, key, &again, &err), &err);
            assert_int_equal(again.n_bytes, n);
            assert_true(str_eq(hash_state_print(arena, &again, key), text));
            hash_add(&again, bytes + n, sizeof(bytes) - n);
            hash_finish(&again, parts);
            assert_memory_equal(whole, parts, hash_size(kinds[k]));
        }
    }
}

/* Counts of bits that do not fit into one word. */
void test_hash_state_keeps_large_counts(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    static unsigned char           block[1 << 20];
    unsigned char                  whole[HASH_MAX];
    unsigned char                  parts[HASH_MAX];
    struct hash                    hash;
    struct hash                    again;
    struct err                     err;

    hash_init(&hash, HASH_SHA256);
    for (int i = 0; i < 513; i++)
        hash_add(&hash, block, sizeof(block));
    CHECK_OK(hash_state_parse(hash_state_print(arena, &hash, key), key, &again, &err), &err);
    hash_add(&hash, "end", 3);
    hash_add(&again, "end", 3);
    hash_finish(&hash, whole);
    hash_finish(&again, parts);
    assert_memory_equal(whole, parts, 32);
}

void test_hash_state_every_bit_counts(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct hash                    hash;
    struct hash                    out;
    struct err                     err;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        hash_init(&hash, kinds[k]);
        hash_add(&hash, "some bytes of an upload", 23);
        struct str text = hash_state_print(arena, &hash, key);
        char      *copy = str_dup(arena, text);

        for (size_t bit = 0; bit < 8 * text.n; bit++) {
            memset(&out, 0x55, sizeof(out));
            copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
            CHECK_FAILS(hash_state_parse((struct str){ .p = copy, .n = text.n }, key, &out, &err),
                        &err, ERR_CORRUPT);
            assert_int_equal(out.n_bytes, UINT64_C(0x5555555555555555));
            copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        }
    }
}

void test_hash_state_of_another_size_or_key(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct hash                    hash;
    struct err                     err;

    hash_init(&hash, HASH_SHA512);
    hash_add(&hash, "x", 1);
    struct str text = hash_state_print(arena, &hash, key);
    CHECK_FAILS(hash_state_parse(text, other_key, &hash, &err), &err, ERR_CORRUPT);
    for (size_t n = 0; n < text.n; n++)
        CHECK_FAILS(hash_state_parse(str_sub(text, 0, n), key, &hash, &err), &err, ERR_CORRUPT);
    for (int n = 2; n < 1000; n += 7) {
        struct str longer = str_from(mem_printf(arena, STR_FMT "%0*d", STR_ARGS(text), n, 0));
        CHECK_FAILS(hash_state_parse(longer, key, &hash, &err), &err, ERR_CORRUPT);
    }
    CHECK_FAILS(hash_state_parse(STR_NULL, key, &hash, &err), &err, ERR_CORRUPT);
}
