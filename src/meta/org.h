/* meta/org.h: members of organisations. Lists are pages in byte order of the name after
 * `after` (exclusive; the null view: from the start), at most n_max.
 * meta_org_member_remove takes the teams of the organisation away too. */
#ifndef META_ORG_H
#define META_ORG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/account.h"

struct arena;
struct db_tx;
struct err;

/* 1 and whether it is an owner; 0 no member. */
int meta_org_member_find(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_owner,
                         struct err *err);

/* The same, and until the transaction ends nobody else changes or ends the membership. */
int meta_org_member_lock(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_owner,
                         struct err *err);

/* Adds it, or changes what it is. */
int meta_org_member_put(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t is_owner,
                        struct err *err);

/* From the organisation and all its teams. *out_n 0: it was no member. */
int meta_org_member_remove(struct db_tx *tx, int64_t org_id, int64_t account_id, int64_t *out_n,
                           struct err *err);

enum meta_member_filter { META_MEMBERS_ALL, META_MEMBERS_ADMINS, META_MEMBERS_NON_ADMINS };

struct meta_member {
    struct meta_account account;  /* without its password hash */
    int64_t             is_admin; /* owner of the organisation, or admin of the team */
};

int meta_org_member_page(struct db_tx *tx, struct arena *arena, int64_t org_id,
                         enum meta_member_filter filter, struct str after, size_t n_max,
                         struct meta_member **out, size_t *n_out, struct err *err);
int meta_org_member_count(struct db_tx *tx, int64_t org_id, enum meta_member_filter filter,
                          int64_t *out, struct err *err);

/* The organisations of an account; .account is the organisation. */
int meta_org_page_of(struct db_tx *tx, struct arena *arena, int64_t account_id, struct str after,
                     size_t n_max, struct meta_member **out, size_t *n_out, struct err *err);

int meta_org_count_of(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err);

/* Do the two have an organisation in common? 1, 0, -1. */
int meta_org_shared(struct db_tx *tx, int64_t account_id, int64_t other_id, struct err *err);

/* Owners that may log in. An organisation may have none: system admins see to it then. */
int meta_org_owner_count(struct db_tx *tx, int64_t org_id, int64_t *out, struct err *err);

#endif
