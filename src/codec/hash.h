/* codec/hash.h: SHA-256 and SHA-512 over bytes that come in parts, HMAC, and a digest in progress that
 * can be put down and taken up again by another process.
 *
 * EVP exports no state, so the running digest uses OpenSSL's SHA256_CTX and SHA512_CTX field by field.
 * The printed state has a version, the algorithm, the count and the words in a fixed byte order, and ends
 * with an HMAC under the caller's key: one flipped bit is ERR_CORRUPT, never another digest.
 * Everything here is pure; a struct hash belongs to one thread at a time. */
#ifndef CODEC_HASH_H
#define CODEC_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

enum hash_kind { HASH_SHA256, HASH_SHA512 };

enum { HASH_MAX = 64, HASH_HEX_MAX = 2 * HASH_MAX + 1 };

/* 32 or 64. */
size_t hash_size(enum hash_kind kind);

/* Opaque in spirit, a value in form: may be copied by assignment and dropped without ceremony. */
struct hash {
    enum hash_kind kind;
    uint64_t       n_bytes;
    union {
        uint64_t      align;
        unsigned char room[256]; /* SHA256_CTX or SHA512_CTX; checked at compile time */
    } state;
};

void hash_init(struct hash *hash, enum hash_kind kind);
void hash_add(struct hash *hash, const void *bytes, size_t size);

/* The digest of what came so far; the hash itself can go on. */
void hash_finish(const struct hash *hash, unsigned char out[HASH_MAX]);
void hash_finish_hex(const struct hash *hash, char out[HASH_HEX_MAX]);

/* Print and parse are inverses. key: 32 bytes. */
struct str hash_state_print(struct arena *arena, const struct hash *hash,
                            const unsigned char key[32]);
int        hash_state_parse(struct str text, const unsigned char key[32], struct hash *out,
                            struct err *err);

/* At once. */
void hash_sha256(struct str bytes, unsigned char out[32]);
void hash_hmac_sha256(struct str key, struct str bytes, unsigned char out[32]);

#endif
