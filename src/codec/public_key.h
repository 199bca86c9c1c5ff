/* codec/public_key.h: public keys and certificates of others, in PEM.
 *
 * One block and nothing beside it: SubjectPublicKeyInfo ("PUBLIC KEY", RFC 7468 section 13), X.509 ("CERTIFICATE").
 * Keys are RSA of 2,048 to 8,192 bits, EC on P-256, P-384 or P-521, or Ed25519; others, and points that are on no
 * curve, are ERR_INVALID with the reason. A private key is refused by its name. A key is printed anew from what was
 * understood, so that nothing else of the text lives on. Any thread. */
#ifndef CODEC_PUBLIC_KEY_H
#define CODEC_PUBLIC_KEY_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum {
    PUBLIC_KEY_PEM_MAX    = 16 * 1024, /* of a key or a certificate; longer is ERR_INVALID */
    PUBLIC_KEY_BUNDLE_MAX = 64 * 1024  /* of many certificates */
};

struct public_key {
    struct str pem;         /* of what was understood */
    struct str fingerprint; /* hex of the SHA-256 of the key's DER (SubjectPublicKeyInfo) */
};

int public_key_parse(struct arena *arena, struct str pem, struct public_key *out, struct err *err);

/* The same of a certificate; the fingerprint is that of its key. Nothing is said about who signed it or until
 * when it is good. */
int public_key_parse_certificate(struct arena *arena, struct str pem, struct public_key *out,
                                 struct err *err);

/* One or more certificates, with whatever text between them, and no other block: 0, else ERR_INVALID. */
int public_key_check_bundle(struct str pem, struct err *err);

#endif
