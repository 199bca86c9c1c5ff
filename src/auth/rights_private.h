/* auth/rights_private.h: the steps of rights that the files of this folder share. */
#ifndef AUTH_RIGHTS_PRIVATE_H
#define AUTH_RIGHTS_PRIVATE_H

#include "auth/auth.h"
#include "auth/rights.h"

struct db_tx;
struct meta_account;

/* Where: a repository, or a path that is none yet. */
struct auth_place {
    struct str path;
    int64_t    repo_id;      /* 0: none */
    int64_t    namespace_id; /* 0: nobody's */
    bool       is_public;
};

struct auth_rights {
    unsigned            verbs;
    struct auth_reason *reasons;
    size_t              n;
};

/* account null: anyone. */
int auth_rights_gather(struct db_tx *tx, struct arena *arena, const struct meta_account *account,
                       const struct auth_place *place, struct auth_rights *out, struct err *err);

/* The sum for a caller, narrowed by its credential; remembered for at most 5 s. */
struct auth_sum {
    unsigned verbs;
    int64_t  read_at; /* monotonic */
};

int auth_rights_sum(struct auth *auth, struct db_tx *tx, struct arena *arena,
                    const struct auth_caller *caller, const struct auth_place *place,
                    struct auth_sum *out, struct err *err);

/* Of a value of auth->seen, whose shape is known in decide.c alone. */
size_t auth_seen_size(void);

/* What is remembered about an account at a path has this key: the bytes that are in use. */
struct auth_key_of_path {
    int64_t version;
    int64_t account_id;
    int64_t credential; /* of a narrowed one */
    int64_t repo_id;
    int64_t is_public;
    char    path[OCI_NAME_MAX + 1];
};

struct str auth_print_key(const struct auth *auth, const struct auth_caller *caller,
                          const struct auth_place *place, struct auth_key_of_path *room);

/* What a listing may show, of what the caller may do `verb` on: fills everything but `within`. What is public may be
 * seen, and nothing else. */
int auth_rights_view(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     bool is_admin, enum auth_verb verb, struct meta_repo_filter *out,
                     struct err *err);

#endif
