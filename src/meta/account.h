/* meta/account.h: accounts: users, organisations and service accounts. The name is a namespace for
 * repositories. `generation` moves on when the password changes, the account is disabled or all its
 * tokens are revoked: tokens and cached log-ins of an older generation are void. The password hash is the
 * self-describing text of argon2id, or the null view for accounts that cannot log in by password. */
#ifndef META_ACCOUNT_H
#define META_ACCOUNT_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_account {
    int64_t    id;
    struct str uuid;
    struct str name;
    struct str kind; /* "user", "organization", "service" */
    struct str full_name;
    int64_t    is_admin; /* 0 or 1 */
    int64_t    is_active;
    struct str password_hash;
    int64_t    generation;
    int64_t    created_at;
};

int meta_account_find(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err);
int meta_account_find_name(struct db_tx *tx, struct arena *arena, struct str name,
                           struct meta_account *out, struct err *err);

/* Fills id from the database; id, generation and created_at of `account` are ignored, a missing uuid is
 * made. ERR_EXISTS when the name is taken. */
int meta_account_add(struct db_tx *tx, const struct meta_account *account, int64_t *out_id,
                     struct err *err);

/* Both move the generation on. ERR_NOT_FOUND when there is no such account. */
int meta_account_set_password(struct db_tx *tx, int64_t id, struct str hash, struct err *err);
int meta_account_set_active(struct db_tx *tx, int64_t id, int64_t is_active, struct err *err);

int meta_account_count(struct db_tx *tx, int64_t *out, struct err *err);

#endif
