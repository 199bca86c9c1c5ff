/* oci/digest.h: a content digest, "sha256:<64 hex>" or "sha512:<128 hex>" (OCI image spec, descriptor).
 * Only these two algorithms, lower-case hex only: one spelling a digest. A value, copied freely. */
#ifndef OCI_DIGEST_H
#define OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "codec/hash.h"

struct err;

enum { OCI_DIGEST_MAX = 7 + 128 + 1 };

struct oci_digest {
    char           text[OCI_DIGEST_MAX]; /* terminated; empty: no digest */
    enum hash_kind kind;
};

/* ERR_INVALID with code DIGEST_INVALID about the text. */
int oci_digest_parse(struct str text, struct oci_digest *out, struct err *err);

/* Has it a colon, so that it is meant as a digest and not as a tag? */
bool oci_digest_looks(struct str text);

void oci_digest_of(struct str bytes, enum hash_kind kind, struct oci_digest *out);
void oci_digest_from_hash(const struct hash *hash, struct oci_digest *out);

struct str oci_digest_str(const struct oci_digest *digest);
struct str oci_digest_hex(const struct oci_digest *digest); /* after the colon */
bool       oci_digest_eq(const struct oci_digest *a, const struct oci_digest *b);

#endif
