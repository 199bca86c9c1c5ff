/* auth/secret.h: the secrets that we hand out and know again by their hash alone: access tokens of people, secrets
 * of service accounts, ids of sessions. Each is a head that says what it is, so that people and scanners of source
 * code recognize it, and 32 random bytes in hex. A secret is shown once; nothing here keeps it. Any thread. */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include <stdbool.h>

#include "base/str.h"

enum auth_secret_kind { AUTH_SECRET_PERSONAL, AUTH_SECRET_SERVICE, AUTH_SECRET_SESSION };

/* With the terminating NUL. */
enum { AUTH_SECRET_MAX = 10 + 64 + 1, AUTH_SECRET_HASH_MAX = 65 };

void auth_secret_make(enum auth_secret_kind kind, char out[AUTH_SECRET_MAX]);

/* Does the text look like a secret of that kind? */
bool auth_secret_is(struct str text, enum auth_secret_kind kind);

/* Or like any that stands in a password's place: those of accounts. */
bool auth_secret_is_credential(struct str text);

/* Hex of SHA-256: what the database holds, and the name of the row for the outside. */
void auth_secret_hash(struct str secret, char out[AUTH_SECRET_HASH_MAX]);

#endif
