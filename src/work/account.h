/* work/account.h: the verbs about accounts: users and organisations. Each change is one transaction with its
 * event and its audit record, and is durable when the verb returns; what rights hang on holds on this node at once
 * and on the others within 5 s.
 *
 * The account in question is the handle that the decision gave (auth_account_open). What a field may hold is
 * refused with ERR_INVALID, code INVALID_PARAMETERS, about the field's name in the API. The last active system
 * admin can be neither deleted nor switched off nor demoted: ERR_CONFLICT, code LAST_ADMIN. */
#ifndef WORK_ACCOUNT_H
#define WORK_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/account.h"

struct arena;
struct auth_account;
struct err;
struct meta_actor;
struct work;

enum { WORK_ACCOUNT_NAME_MAX = 100, WORK_FULL_NAME_MAX = 256 };

/* Names are components of repository names (oci/name.h), at most 100 bytes, no words that mean something else
 * where a name can stand, and no uuid. */
int work_account_name_check(struct str name, struct err *err);

/* A name for people: at most 256 bytes without control characters. */
int work_full_name_check(struct str full_name, struct err *err);

struct work_account_new {
    struct str name;
    struct str full_name;
    struct str password; /* of a user; an organisation has none, whatever is given */
    bool       is_org;
    bool       is_admin; /* users only, like is_active */
    bool       is_active;
};

/* ERR_EXISTS, code ACCOUNT_EXISTS. A user's password must please the policy. */
int work_account_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct work_account_new *new, struct meta_account_row *out,
                        struct err *err);

/* What of it is to change. Rank and state are for system admins alone; giving the value that is there is no
 * change. A user that is switched off loses its sessions, and its tokens are void. */
struct work_account_change {
    struct str full_name;
    bool       has_full_name;
    bool       has_admin;
    bool       has_active;
    bool       is_admin;
    bool       is_active;
};

int work_account_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_account        *account,
                        const struct work_account_change *change, struct meta_account_row *out,
                        struct err *err);

/* With its memberships, credentials, sessions, keys, grants and service accounts. ERR_CONFLICT, code
 * ACCOUNT_HAS_REPOSITORIES, while there are any in its namespace. */
int work_account_delete(struct work *work, const struct meta_actor *actor, struct str name_or_uuid,
                        struct err *err);

/* A user's new password; sessions and tokens end. By itself it must bring the old one (ERR_DENIED when it is
 * wrong), system admins need none for others. */
int work_account_change_password(struct work *work, struct arena *arena,
                                 const struct meta_actor *actor, const struct auth_account *account,
                                 struct str old_password, struct str new_password,
                                 struct meta_account_row *out, struct err *err);

/* The account as it is: ERR_NOT_FOUND, code NO_SUCH_ACCOUNT. */
int work_account_get(struct work *work, struct arena *arena, int64_t id,
                     struct meta_account_row *out, struct err *err);

/* Pages by name after `after` (exclusive; null view: from the start). seen_by: only what that account sees, which
 * is itself, its organisations and their members; 0: all. */
int work_account_page(struct work *work, struct arena *arena, int64_t seen_by,
                      enum meta_account_filter filter, struct str after, size_t n_max,
                      struct meta_account_row **out, size_t *n_out, struct err *err);

struct work_account_counts {
    int64_t n_users;
    int64_t n_orgs;
    int64_t n_listed; /* by the filter */
};

int work_account_count(struct work *work, int64_t seen_by, enum meta_account_filter filter,
                       struct work_account_counts *out, struct err *err);

#endif
