/* codec/seal.h: secrets at rest. One module seals them all.
 *
 * A keyring holds up to SEAL_KEYS_MAX keys of 32 bytes, each with an id of 8 hex digits (from its hash);
 * the first seals, all open. A sealed text is
 *     "s1." key-id "." base64url( nonce[24] ciphertext tag[16] )
 * by XChaCha20-Poly1305 (libsodium) with the purpose ("token-key:<kid>") as associated data, so that a
 * value cannot be moved to another place. Opening a value with the wrong purpose, key or bytes is
 * ERR_CORRUPT. What was opened is wiped with its arena. The keys themselves seal nothing: each use has
 * a key derived by HMAC-SHA256 ("seal", "id", "fingerprint", "purpose:" and the caller's word).
 * Keyrings are immutable; any thread. */
#ifndef CODEC_SEAL_H
#define CODEC_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;
struct seal_ring;

enum { SEAL_KEY_SIZE = 32, SEAL_KEYS_MAX = 8, SEAL_ID_MAX = 9, SEAL_PRINT_MAX = 65 };

/* keys: n * 32 bytes, the sealing one first. */
struct seal_ring *seal_ring_new(const unsigned char *keys, size_t n);
void              seal_ring_free(struct seal_ring **ring);

/* 64 hex digits that tell this ring's first key from any other without telling it; goes into the
 * database so that a node with another key refuses to start. */
void seal_ring_fingerprint(const struct seal_ring *ring, char out[SEAL_PRINT_MAX]);
bool seal_ring_has_fingerprint(const struct seal_ring *ring, struct str fingerprint);

/* A key of 32 bytes for one purpose, derived from the first key (HMAC-SHA256). */
void seal_ring_derive(const struct seal_ring *ring, const char *purpose, unsigned char out[32]);

struct str seal_close(struct arena *arena, const struct seal_ring *ring, struct str purpose,
                      struct str secret);
int        seal_open(struct arena *arena, const struct seal_ring *ring, struct str purpose,
                     struct str sealed, struct str *secret, struct err *err);

/* Was it sealed with a key other than the first? Then re-seal it. */
bool seal_is_old(const struct seal_ring *ring, struct str sealed);

#endif
