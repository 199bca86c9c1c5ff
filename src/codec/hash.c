/* codec/hash.c: the one file that uses OpenSSL's low-level SHA interface, for what EVP cannot do: its
 * contexts are plain structs whose fields can be written down.
 *
 * A printed state is lower-case hex of
 *
 *     version 1 | algorithm 1 or 2 | bytes so far, 8 | eight words, 4 or 8 each | the unfinished block | HMAC 32
 *
 * with numbers in network order. The unfinished block has (bytes so far) mod (block size) bytes, so the
 * text has exactly one length for its count. The HMAC covers a purpose and everything before it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/hash.h"

#include <string.h>

#include <openssl/sha.h>
#include <sodium.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hash *)0)->state), "room for SHA-256");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(((struct hash *)0)->state), "room for SHA-512");

enum { STATE_VERSION = 1, N_WORDS = 8, MAC_SIZE = 32 };
enum { HEAD_SIZE = 10, STATE_MAX = HEAD_SIZE + N_WORDS * 8 + SHA512_CBLOCK + MAC_SIZE };

static const char mac_purpose[] = "assay hash state";

/* Counts from here on could not have been reached. */
static const uint64_t n_bytes_max = UINT64_C(1) << 60;

static const struct hash_row {
    size_t        size;
    size_t        block;
    size_t        word;
    unsigned char id;
} rows[] = {
    [HASH_SHA256] = { .size = 32, .block = SHA256_CBLOCK, .word = 4, .id = 1 },
    [HASH_SHA512] = { .size = 64, .block = SHA512_CBLOCK, .word = 8, .id = 2 },
};

size_t hash_size(enum hash_kind kind)
{
    return rows[kind].size;
}

void hash_init(struct hash *hash, enum hash_kind kind)
{
    SHA256_CTX sha256;
    SHA512_CTX sha512;

    memset(hash, 0, sizeof(*hash));
    hash->kind = kind;
    if (kind == HASH_SHA256) {
        SHA256_Init(&sha256);
        memcpy(hash->state.room, &sha256, sizeof(sha256));
    } else {
        SHA512_Init(&sha512);
        memcpy(hash->state.room, &sha512, sizeof(sha512));
    }
}

/* The contexts are copied in and out: some hundred bytes beside a buffer of data, and no pointer of
 * another type ever points into the room. */
void hash_add(struct hash *hash, const void *bytes, size_t size)
{
    SHA256_CTX sha256;
    SHA512_CTX sha512;

    if (size == 0)
        return;
    hash->n_bytes += size;
    if (hash->kind == HASH_SHA256) {
        memcpy(&sha256, hash->state.room, sizeof(sha256));
        SHA256_Update(&sha256, bytes, size);
        memcpy(hash->state.room, &sha256, sizeof(sha256));
    } else {
        memcpy(&sha512, hash->state.room, sizeof(sha512));
        SHA512_Update(&sha512, bytes, size);
        memcpy(hash->state.room, &sha512, sizeof(sha512));
    }
}

void hash_finish(const struct hash *hash, unsigned char out[HASH_MAX])
{
    SHA256_CTX sha256;
    SHA512_CTX sha512;

    if (hash->kind == HASH_SHA256) {
        memcpy(&sha256, hash->state.room, sizeof(sha256));
        SHA256_Final(out, &sha256);
    } else {
        memcpy(&sha512, hash->state.room, sizeof(sha512));
        SHA512_Final(out, &sha512);
    }
}

void hash_finish_hex(const struct hash *hash, char out[HASH_HEX_MAX])
{
    unsigned char digest[HASH_MAX];

    hash_finish(hash, digest);
    text_hex_print(digest, hash_size(hash->kind), out);
}

void hash_sha256(struct str bytes, unsigned char out[32])
{
    SHA256_CTX sha256;

    SHA256_Init(&sha256);
    if (bytes.n > 0)
        SHA256_Update(&sha256, bytes.p, bytes.n);
    SHA256_Final(out, &sha256);
}

static void hmac(struct str key, struct str purpose, struct str bytes, unsigned char out[32])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)purpose.p, purpose.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)bytes.p, bytes.n);
    crypto_auth_hmacsha256_final(&state, out);
    mem_wipe(&state, sizeof(state));
}

void hash_hmac_sha256(struct str key, struct str bytes, unsigned char out[32])
{
    hmac(key, STR(""), bytes, out);
}

static void state_mac(const unsigned char key[32], const unsigned char *state, size_t size,
                      unsigned char out[MAC_SIZE])
{
    struct str key_view = { .p = (const char *)key, .n = 32 };
    struct str purpose  = { .p = mac_purpose, .n = sizeof(mac_purpose) };

    hmac(key_view, purpose, (struct str){ .p = (const char *)state, .n = size }, out);
}

static void put_number(unsigned char *to, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)(number >> 8 * (size - 1 - i));
}

static uint64_t get_number(const unsigned char *from, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | from[i];
    return number;
}

/* The words of the chaining value and the bytes of the unfinished block. */
static void take_apart(const struct hash *hash, uint64_t words[N_WORDS], unsigned char *tail)
{
    size_t     n_tail = (size_t)(hash->n_bytes % rows[hash->kind].block);
    SHA256_CTX sha256;
    SHA512_CTX sha512;

    if (hash->kind == HASH_SHA256) {
        memcpy(&sha256, hash->state.room, sizeof(sha256));
        for (size_t i = 0; i < N_WORDS; i++)
            words[i] = sha256.h[i];
        memcpy(tail, sha256.data, n_tail);
    } else {
        memcpy(&sha512, hash->state.room, sizeof(sha512));
        for (size_t i = 0; i < N_WORDS; i++)
            words[i] = sha512.h[i];
        memcpy(tail, sha512.u.p, n_tail);
    }
}

static void put_together(struct hash *hash, const uint64_t words[N_WORDS],
                         const unsigned char *tail)
{
    size_t     n_tail = (size_t)(hash->n_bytes % rows[hash->kind].block);
    SHA256_CTX sha256;
    SHA512_CTX sha512;

    if (hash->kind == HASH_SHA256) {
        SHA256_Init(&sha256);
        for (size_t i = 0; i < N_WORDS; i++)
            sha256.h[i] = (SHA_LONG)words[i];
        sha256.Nl  = (SHA_LONG)(hash->n_bytes << 3);
        sha256.Nh  = (SHA_LONG)(hash->n_bytes >> 29);
        sha256.num = (unsigned)n_tail;
        memcpy(sha256.data, tail, n_tail);
        memcpy(hash->state.room, &sha256, sizeof(sha256));
    } else {
        SHA512_Init(&sha512);
        for (size_t i = 0; i < N_WORDS; i++)
            sha512.h[i] = words[i];
        sha512.Nl  = hash->n_bytes << 3;
        sha512.Nh  = hash->n_bytes >> 61;
        sha512.num = (unsigned)n_tail;
        memcpy(sha512.u.p, tail, n_tail);
        memcpy(hash->state.room, &sha512, sizeof(sha512));
    }
}

/* Of the state without its MAC. */
static size_t state_size(const struct hash_row *row, uint64_t n_bytes)
{
    return HEAD_SIZE + N_WORDS * row->word + (size_t)(n_bytes % row->block);
}

struct str hash_state_print(struct arena *arena, const struct hash *hash,
                            const unsigned char key[32])
{
    const struct hash_row *row  = &rows[hash->kind];
    size_t                 size = state_size(row, hash->n_bytes);
    unsigned char          state[STATE_MAX];
    uint64_t               words[N_WORDS];

    state[0] = STATE_VERSION;
    state[1] = row->id;
    put_number(state + 2, 8, hash->n_bytes);
    take_apart(hash, words, state + HEAD_SIZE + N_WORDS * row->word);
    for (size_t i = 0; i < N_WORDS; i++)
        put_number(state + HEAD_SIZE + i * row->word, row->word, words[i]);
    state_mac(key, state, size, state + size);

    size_t n    = 2 * (size + MAC_SIZE);
    char  *text = mem_alloc(arena, n + 1);
    text_hex_print(state, size + MAC_SIZE, text);
    return (struct str){ .p = text, .n = n };
}

static const struct hash_row *find_row(unsigned char id)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].id == id)
            return &rows[i];
    }
    return NULL;
}

int hash_state_parse(struct str text, const unsigned char key[32], struct hash *out,
                     struct err *err)
{
    unsigned char state[STATE_MAX];
    unsigned char mac[MAC_SIZE];
    size_t        size = text.n / 2;

    if (size < HEAD_SIZE + MAC_SIZE || size > sizeof(state) || !text_hex_parse(text, state, size))
        return err_set_corrupt(err, "a digest in progress is not hex of a known size");

    size -= MAC_SIZE;
    state_mac(key, state, size, mac);
    if (sodium_memcmp(mac, state + size, MAC_SIZE) != 0)
        return err_set_corrupt(err, "a digest in progress does not bear our mark");

    /* The mark says that we wrote it; what follows guards against another version of us. */
    const struct hash_row *row     = find_row(state[1]);
    uint64_t               n_bytes = get_number(state + 2, 8);
    if (state[0] != STATE_VERSION || row == NULL || n_bytes >= n_bytes_max ||
        size != state_size(row, n_bytes))
        return err_set_corrupt(err, "a digest in progress has version %d, algorithm %d", state[0],
                               state[1]);

    uint64_t    words[N_WORDS];
    struct hash hash = { .kind = (enum hash_kind)(row - rows), .n_bytes = n_bytes };
    for (size_t i = 0; i < N_WORDS; i++)
        words[i] = get_number(state + HEAD_SIZE + i * row->word, row->word);
    put_together(&hash, words, state + HEAD_SIZE + N_WORDS * row->word);
    *out = hash;
    return 0;
}
