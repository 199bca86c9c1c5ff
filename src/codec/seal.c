/* codec/seal.c: each key of the ring is only ever used to derive others, one a use: for sealing, for its
 * id, for its fingerprint, and for the purposes of the callers. So no two uses can be turned against each
 * other, and what is known of one says nothing about the rest. */
#include "codec/seal.h"

#include <string.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/secret.h"
#include "codec/text.h"

enum {
    NONCE_SIZE  = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_SIZE    = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    ID_SIZE     = 4,
    PURPOSE_MAX = 256
};

_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SEAL_KEY_SIZE, "one size of keys");

struct seal_key {
    unsigned char secret[SEAL_KEY_SIZE];
    unsigned char sealing[SEAL_KEY_SIZE];
    char          id[SEAL_ID_MAX];
    char          fingerprint[SEAL_PRINT_MAX];
};

struct seal_ring {
    struct seal_key keys[SEAL_KEYS_MAX];
    size_t          n;
};

/* use: one of ours, or "purpose:" and the caller's. */
static void derive(const unsigned char secret[SEAL_KEY_SIZE], struct str use, unsigned char out[32])
{
    hash_hmac_sha256((struct str){ .p = (const char *)secret, .n = SEAL_KEY_SIZE }, use, out);
}

static void init_key(struct seal_key *key, const unsigned char *secret)
{
    unsigned char derived[32];

    memcpy(key->secret, secret, SEAL_KEY_SIZE);
    derive(secret, STR("seal"), key->sealing);
    derive(secret, STR("id"), derived);
    text_hex_print(derived, ID_SIZE, key->id);
    derive(secret, STR("fingerprint"), derived);
    text_hex_print(derived, sizeof(derived), key->fingerprint);
}

struct seal_ring *seal_ring_new(const unsigned char *keys, size_t n)
{
    struct seal_ring *ring = mem_new(struct seal_ring);

    ASSERT(n >= 1 && n <= SEAL_KEYS_MAX);
    ASSERT(sodium_init() >= 0);
    for (size_t i = 0; i < n; i++)
        init_key(&ring->keys[i], keys + i * SEAL_KEY_SIZE);
    ring->n = n;
    return ring;
}

void seal_ring_free(struct seal_ring **ring)
{
    if (*ring == NULL)
        return;

    mem_wipe(*ring, sizeof(**ring));
    mem_free(*ring);
    *ring = NULL;
}

void seal_ring_fingerprint(const struct seal_ring *ring, char out[SEAL_PRINT_MAX])
{
    memcpy(out, ring->keys[0].fingerprint, SEAL_PRINT_MAX);
}

bool seal_ring_has_fingerprint(const struct seal_ring *ring, struct str fingerprint)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (str_is(fingerprint, ring->keys[i].fingerprint))
            return true;
    }
    return false;
}

void seal_ring_derive(const struct seal_ring *ring, const char *purpose, unsigned char out[32])
{
    char       use[PURPOSE_MAX] = "purpose:";
    size_t     head             = strlen(use);
    struct str name             = str_from(purpose);

    ASSERT(name.n <= sizeof(use) - head);
    memcpy(use + head, name.p, name.n);
    derive(ring->keys[0].secret, (struct str){ .p = use, .n = head + name.n }, out);
}

struct str seal_close(struct arena *arena, const struct seal_ring *ring, struct str purpose,
                      struct str secret)
{
    const struct seal_key *key  = &ring->keys[0];
    size_t                 size = NONCE_SIZE + secret.n + TAG_SIZE;
    unsigned char         *box  = mem_alloc(arena, size);

    randombytes_buf(box, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_SIZE, NULL,
                                               (const unsigned char *)secret.p, secret.n,
                                               (const unsigned char *)purpose.p, purpose.n, NULL,
                                               box, key->sealing);

    struct str text = text_base64url_print(arena, (struct str){ .p = (char *)box, .n = size });
    return str_from(mem_printf(arena, "s1.%s." STR_FMT, key->id, STR_ARGS(text)));
}

/* Takes "s1.<id>.<box>" apart, without a look at either. */
static bool take_apart(struct str sealed, struct str *id, struct str *box)
{
    struct str version;

    return str_next(&sealed, '.', &version) && str_is(version, "s1") &&
           str_next(&sealed, '.', id) && str_next(&sealed, '.', box) && sealed.p == NULL;
}

static const struct seal_key *find_key(const struct seal_ring *ring, struct str id)
{
    for (size_t i = 0; i < ring->n; i++) {
        if (str_is(id, ring->keys[i].id))
            return &ring->keys[i];
    }
    return NULL;
}

int seal_open(struct arena *arena, const struct seal_ring *ring, struct str purpose,
              struct str sealed, struct str *secret, struct err *err)
{
    struct err ignored; /* any fault of the text is the same to us */
    struct str id;
    struct str box;

    if (!take_apart(sealed, &id, &box) || text_base64url_parse(arena, box, &box, &ignored) < 0 ||
        box.n < NONCE_SIZE + TAG_SIZE)
        return err_set_corrupt(err, "a sealed value has not the form of one");

    const struct seal_key *key = find_key(ring, id);
    if (key == NULL)
        return err_set_corrupt(err,
                               "a value was sealed with the key " STR_FMT ", which is not here",
                               STR_ARGS(str_sub(id, 0, SEAL_ID_MAX)));

    const unsigned char *nonce = (const unsigned char *)box.p;
    size_t               size  = box.n - NONCE_SIZE - TAG_SIZE;
    unsigned char       *plain = secret_alloc(arena, size);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, nonce + NONCE_SIZE,
                                                   box.n - NONCE_SIZE,
                                                   (const unsigned char *)purpose.p, purpose.n,
                                                   nonce, key->sealing) != 0)
        return err_set_corrupt(err, "a sealed value does not open: other bytes, key or purpose");

    *secret = (struct str){ .p = (char *)plain, .n = size };
    return 0;
}

bool seal_is_old(const struct seal_ring *ring, struct str sealed)
{
    struct str id;
    struct str box;

    return take_apart(sealed, &id, &box) && !str_is(id, ring->keys[0].id);
}
