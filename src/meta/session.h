/* meta/session.h: sessions of browsers and of scripts that logged in. Of the id in the cookie only the SHA-256 is
 * kept; a session carries the account's generation at its making and is void when that moved on, and that of the
 * access token that it was begun with. */
#ifndef META_SESSION_H
#define META_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_session {
    struct str hash;
    int64_t    account_id;
    int64_t    generation; /* of the account */
    int64_t    credential; /* that it was begun with; 0: a password */
    int64_t    credential_generation;
    struct str method;
    struct str address;
    struct str user_agent;
    int64_t    created_at;
    int64_t    used_at;
    int64_t    expires_at;
    int64_t    is_narrowed; /* that credential; read only */
};

int meta_session_find(struct db_tx *tx, struct arena *arena, struct str hash,
                      struct meta_session *out, struct err *err);
int meta_session_add(struct db_tx *tx, const struct meta_session *session, struct err *err);
int meta_session_touch(struct db_tx *tx, struct str hash, int64_t used_at, int64_t expires_at,
                       struct err *err);
int meta_session_remove(struct db_tx *tx, struct str hash, int64_t *out_n, struct err *err);

/* All of an account but `keep` (null view: all). */
int meta_session_remove_of(struct db_tx *tx, int64_t account_id, struct str keep, struct err *err);

/* The least recently used ones beyond the n_keep most recent. */
int meta_session_evict(struct db_tx *tx, int64_t account_id, int64_t n_keep, struct err *err);
int meta_session_remove_expired(struct db_tx *tx, int64_t now, int64_t *out_n, struct err *err);
int meta_session_list(struct db_tx *tx, struct arena *arena, int64_t account_id, size_t n_max,
                      struct meta_session **out, size_t *n_out, struct err *err);

#endif
