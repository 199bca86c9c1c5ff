/* codec/jwt.h: our own tokens: compact JWS (RFC 7515) with ES256 and nothing else.
 *
 * The algorithm is bound to the key table and not read from the token: a header must be exactly
 * {"alg":"ES256","kid":…,"typ":"JWT"} in any order, with no `crit` and no key of its own (jwk, jku, x5c,
 * x5u are refused). Texts beyond JWT_MAX are refused unread. Keys are EC P-256; a kid is the base64url of
 * the first 16 bytes of the SHA-256 of the public key's DER. Keys are immutable once made and may be used
 * from any thread. */
#ifndef CODEC_JWT_H
#define CODEC_JWT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum { JWT_MAX = 16 * 1024, JWT_KID_MAX = 32 };

struct jwt_key; /* a pair of P-256 */

/* Makes a key; prints and parses it as PKCS#8 DER (a secret: seal it; the printed one is wiped with its
 * arena). What parses is a pair that fits together, on this curve, and nothing follows it. */
int jwt_key_make(struct jwt_key **out, struct err *err);
int jwt_key_parse(struct str der, struct jwt_key **out, struct err *err);
int jwt_key_print(struct arena *arena, const struct jwt_key *key, struct str *out, struct err *err);
void        jwt_key_free(struct jwt_key **key);
const char *jwt_key_id(const struct jwt_key *key);

/* The public half as a JWK object (RFC 7517), one line of JSON. */
struct str jwt_key_jwk(struct arena *arena, const struct jwt_key *key);

/* claims: one JSON object, ready. ERR_TOO_LARGE when the token would be longer than JWT_MAX. */
int jwt_sign(struct arena *arena, const struct jwt_key *key, struct str claims, struct str *out,
             struct err *err);

/* Finds a key by its id, or null. */
typedef const struct jwt_key *jwt_find(void *context, struct str kid);

/* Checks form, header and signature against the key whose id the header names and returns the claims'
 * JSON text, unread. All refusals are ERR_UNAUTHENTICATED. */
int jwt_verify(struct arena *arena, struct str token, jwt_find *find, void *context,
               struct str *claims, struct err *err);

#endif
