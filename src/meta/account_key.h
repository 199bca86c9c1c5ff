/* meta/account_key.h: public keys of accounts, by which their signatures are recognized. */
#ifndef META_ACCOUNT_KEY_H
#define META_ACCOUNT_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_account_key {
    int64_t    id;
    struct str uuid;
    int64_t    account_id;
    struct str fingerprint;
    struct str public_key; /* PEM */
    struct str label;
    struct str certificates; /* JSON list of {label, cert} */
    int64_t    created_at;
};

/* ERR_EXISTS when the account has that key. uuid and created_at are made. */
int meta_account_key_add(struct db_tx *tx, struct arena *arena, const struct meta_account_key *key,
                         struct str *out_uuid, struct err *err);

/* Only as that account's. */
int meta_account_key_find(struct db_tx *tx, struct arena *arena, int64_t account_id,
                          struct str uuid, struct meta_account_key *out, struct err *err);
int meta_account_key_update(struct db_tx *tx, int64_t id, struct str label, struct str certificates,
                            struct err *err);
int meta_account_key_remove(struct db_tx *tx, int64_t id, struct err *err);
int meta_account_key_page(struct db_tx *tx, struct arena *arena, int64_t account_id, int64_t after,
                          size_t n_max, struct meta_account_key **out, size_t *n_out,
                          struct err *err);

/* Has the account the key of that fingerprint? 1, 0, -1. */
int meta_account_key_has(struct db_tx *tx, int64_t account_id, struct str fingerprint,
                         struct err *err);
int meta_account_key_count(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err);

#endif
