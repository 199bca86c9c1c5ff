/* seal_test.c: what was sealed opens with its key and purpose only, bit for bit. */
#include "codec/seal.h"

#include "check.h"

static unsigned char keys[SEAL_KEYS_MAX * SEAL_KEY_SIZE];

static struct seal_ring *ring_of(size_t first, size_t n)
{
    for (size_t i = 0; i < sizeof(keys); i++)
        keys[i] = (unsigned char)(i / SEAL_KEY_SIZE * 16 + i % 7);
    return seal_ring_new(keys + first * SEAL_KEY_SIZE, n);
}

void test_seal_round_trip(void **state)
{
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(seal_ring_free) struct seal_ring *ring  = ring_of(0, 1);
    struct str                             secret;
    struct err                             err;
    char                                   bytes[300];

    for (size_t n = 0; n < sizeof(bytes); n++) {
        bytes[n]          = (char)(n * 3);
        struct str value  = { .p = bytes, .n = n };
        struct str sealed = seal_close(arena, ring, STR("upstream:7"), value);

        assert_true(str_starts(sealed, STR("s1.")));
        CHECK_OK(seal_open(arena, ring, STR("upstream:7"), sealed, &secret, &err), &err);
        assert_true(str_eq(secret, value));
        assert_false(seal_is_old(ring, sealed));
    }
}

void test_seal_never_twice_the_same(void **state)
{
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(seal_ring_free) struct seal_ring *ring  = ring_of(0, 1);

    assert_false(str_eq(seal_close(arena, ring, STR("p"), STR("x")),
                        seal_close(arena, ring, STR("p"), STR("x"))));
}

void test_seal_is_bound_to_its_purpose(void **state)
{
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(seal_ring_free) struct seal_ring *ring  = ring_of(0, 1);
    struct str sealed = seal_close(arena, ring, STR("a:1"), STR("secret"));
    struct str secret = STR("before");
    struct err err;

    CHECK_FAILS(seal_open(arena, ring, STR("a:2"), sealed, &secret, &err), &err, ERR_CORRUPT);
    CHECK_FAILS(seal_open(arena, ring, STR("a:"), sealed, &secret, &err), &err, ERR_CORRUPT);
    CHECK_FAILS(seal_open(arena, ring, STR_NULL, sealed, &secret, &err), &err, ERR_CORRUPT);
    CHECK_STR(secret, "before");
}

void test_seal_every_bit_counts(void **state)
{
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(seal_ring_free) struct seal_ring *ring  = ring_of(0, 2);
    struct str sealed                            = seal_close(arena, ring, STR("p"), STR("secret"));
    char      *copy                              = str_dup(arena, sealed);
    struct str view                              = { .p = copy, .n = sealed.n };
    struct str secret;
    struct err err;

    for (size_t bit = 0; bit < 8 * sealed.n; bit++) {
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        CHECK_FAILS(seal_open(arena, ring, STR("p"), view, &secret, &err), &err, ERR_CORRUPT);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t n = 0; n < sealed.n; n++)
        CHECK_FAILS(seal_open(arena, ring, STR("p"), str_sub(sealed, 0, n), &secret, &err), &err,
                    ERR_CORRUPT);
}

void test_seal_refuses_other_forms(void **state)
{
    static const char *const               bad[] = { "",
                                                     ".",
                                                     "..",
                                                     "s1",
                                                     "s1..",
                                                     "s2.00000000.AAAA",
                                                     "s1.00000000.",
                                                     "secret",
                                                     "s1.00000000.AAAA.AAAA" };
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(seal_ring_free) struct seal_ring *ring  = ring_of(0, 1);
    struct str                             secret;
    struct err                             err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(seal_open(arena, ring, STR("p"), str_from(bad[i]), &secret, &err), &err,
                    ERR_CORRUPT);
    CHECK_FAILS(seal_open(arena, ring, STR("p"), STR_NULL, &secret, &err), &err, ERR_CORRUPT);

    struct str padded = str_from(
        mem_printf(arena, STR_FMT "=", STR_ARGS(seal_close(arena, ring, STR("p"), STR("secret")))));
    CHECK_FAILS(seal_open(arena, ring, STR("p"), padded, &secret, &err), &err, ERR_CORRUPT);
}

void test_seal_keys_come_and_go(void **state)
{
    AUTO(arena_free) struct arena         *arena  = arena_new();
    AUTO(seal_ring_free) struct seal_ring *old    = ring_of(1, 1);
    AUTO(seal_ring_free) struct seal_ring *both   = ring_of(0, SEAL_KEYS_MAX);
    AUTO(seal_ring_free) struct seal_ring *young  = ring_of(0, 1);
    struct str                             sealed = seal_close(arena, old, STR("p"), STR("secret"));
    struct str                             secret;
    struct err                             err;

    CHECK_OK(seal_open(arena, both, STR("p"), sealed, &secret, &err), &err);
    CHECK_STR(secret, "secret");
    assert_true(seal_is_old(both, sealed));
    assert_false(seal_is_old(old, sealed));
    assert_false(seal_is_old(both, STR("nonsense")));
    CHECK_FAILS(seal_open(arena, young, STR("p"), sealed, &secret, &err), &err, ERR_CORRUPT);
    CHECK_OK(seal_open(arena, young, STR("p"), seal_close(arena, both, STR("p"), secret), &secret,
                       &err),
             &err);
}

void test_seal_fingerprints_tell_keys_apart(void **state)
{
    AUTO(seal_ring_free) struct seal_ring *one  = ring_of(0, 1);
    AUTO(seal_ring_free) struct seal_ring *two  = ring_of(1, 1);
    AUTO(seal_ring_free) struct seal_ring *both = ring_of(0, 2);
    char                                   of_one[SEAL_PRINT_MAX];
    char                                   of_two[SEAL_PRINT_MAX];
    char                                   of_both[SEAL_PRINT_MAX];

    seal_ring_fingerprint(one, of_one);
    seal_ring_fingerprint(two, of_two);
    seal_ring_fingerprint(both, of_both);
    assert_int_equal(strlen(of_one), SEAL_PRINT_MAX - 1);
    assert_string_not_equal(of_one, of_two);
    assert_string_equal(of_one, of_both);
    assert_true(seal_ring_has_fingerprint(both, str_from(of_two)));
    assert_false(seal_ring_has_fingerprint(one, str_from(of_two)));
    assert_false(seal_ring_has_fingerprint(one, STR("")));
}

void test_seal_derived_keys_differ_by_purpose(void **state)
{
    AUTO(seal_ring_free) struct seal_ring *ring = ring_of(0, 1);
    unsigned char                          a[32];
    unsigned char                          b[32];
    unsigned char                          again[32];

    seal_ring_derive(ring, "upload-state", a);
    seal_ring_derive(ring, "cursor", b);
    seal_ring_derive(ring, "upload-state", again);
    assert_memory_equal(a, again, 32);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, keys, 32);
}

void test_seal_free_accepts_null(void **state)
{
    struct seal_ring *none = NULL;

    seal_ring_free(&none);
    assert_null(none);
}
