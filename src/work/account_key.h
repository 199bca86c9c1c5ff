/* work/account_key.h: the verbs about public keys of accounts, by which what they signed is recognized later. A key
 * is kept as OpenSSL understood it (codec/public_key.h), once an account; the certificates that hang on it are for
 * that same key. The account is the handle that the decision gave. */
#ifndef WORK_ACCOUNT_KEY_H
#define WORK_ACCOUNT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/json.h"
#include "meta/account_key.h"

struct arena;
struct auth_account;
struct err;
struct meta_actor;
struct work;

enum { WORK_KEYS_MAX = 100, WORK_KEY_LABEL_MAX = 128, WORK_CERTIFICATES_MAX = 10 };

struct work_certificate {
    struct str label;
    struct str pem;
};

/* {label, cert}: as they come, are kept and go. */
extern const struct json_table work_certificate_table;

/* A key with its certificates read: items are struct work_certificate. */
struct work_key {
    struct meta_account_key row;
    struct json_list        certificates;
};

/* public_key: of a new one only. Without has_… it stays as it is. */
struct work_key_change {
    struct str       public_key;
    struct str       label;
    struct json_list certificates;
    bool             has_label;
    bool             has_certificates;
};

/* ERR_EXISTS, code KEY_EXISTS, when the account has the key; ERR_CONFLICT at WORK_KEYS_MAX. */
int work_key_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                 const struct auth_account *account, const struct work_key_change *new,
                 struct work_key *out, struct err *err);

/* id: ERR_NOT_FOUND, code NO_SUCH_KEY, when the account has none of that id. */
int work_key_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                    const struct auth_account *account, struct str id,
                    const struct work_key_change *change, struct work_key *out, struct err *err);
int work_key_remove(struct work *work, const struct meta_actor *actor,
                    const struct auth_account *account, struct str id, struct err *err);

/* Oldest first, after the one of that row (0: from the start). */
int work_key_page(struct work *work, struct arena *arena, int64_t account_id, int64_t after,
                  size_t n_max, struct work_key **out, size_t *n_out, struct err *err);
int work_key_count(struct work *work, int64_t account_id, int64_t *out, struct err *err);

#endif
