/* meta/token.h: the keys that sign our tokens, and refresh tokens.
 *
 * A signing key: active ── rotate ──▶ retired ── after the longest token life ──▶ removed. The newest
 * active one signs, all that are there verify. The private half is sealed by codec/seal. Of a refresh
 * token only the SHA-256 is kept; it carries the account's generation at its making. */
#ifndef META_TOKEN_H
#define META_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_token_key {
    struct str kid;
    struct str sealed;
    struct str state; /* "active", "retired" */
    int64_t    created_at;
    int64_t    retired_at; /* 0 while active */
};

int meta_token_key_list(struct db_tx *tx, struct arena *arena, struct meta_token_key **out,
                        size_t *n_out, struct err *err); /* newest first */
int meta_token_key_add(struct db_tx *tx, struct str kid, struct str sealed, struct err *err);
int meta_token_key_retire(struct db_tx *tx, struct str kid, struct err *err);
int meta_token_key_reseal(struct db_tx *tx, struct str kid, struct str sealed, struct err *err);
int meta_token_key_remove_retired(struct db_tx *tx, int64_t before, struct err *err);

struct meta_refresh {
    struct str hash; /* hex of SHA-256 */
    int64_t    account_id;
    int64_t    generation;
    struct str client_id;
    int64_t    created_at;
    int64_t    expires_at;
    int64_t    credential; /* that it was bought with; 0: a password */
    int64_t    credential_generation;
    int64_t    is_narrowed; /* that credential; read only */
};

int meta_refresh_find(struct db_tx *tx, struct arena *arena, struct str hash,
                      struct meta_refresh *out, struct err *err);
int meta_refresh_add(struct db_tx *tx, const struct meta_refresh *refresh, struct err *err);
int meta_refresh_remove(struct db_tx *tx, struct str hash, int64_t *out_n, struct err *err);
int meta_refresh_remove_expired(struct db_tx *tx, int64_t now, struct err *err);

#endif
