/* meta/account.h: accounts: users, organisations and service accounts. The name is a namespace for
 * repositories. `generation` moves on when the password changes, the account is disabled or all its
 * tokens are revoked: tokens and cached log-ins of an older generation are void. The password hash is the
 * self-describing text of argon2id, or the null view for accounts that cannot log in by password.
 *
 * A service account has an owner (the organisation or user in whose namespace it works), a prefix that it acts
 * at and below, and a maker, whose rights bound its own. A deleted account is a tombstone that no find and no
 * list shows; its name is free again. */
#ifndef META_ACCOUNT_H
#define META_ACCOUNT_H

#include <stddef.h>
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
    int64_t    is_imported;
    int64_t    create_on_push; /* of an organisation: pushes may make repositories */
    struct str content_cache;
    int64_t    owner_id; /* of a service account, else 0 */
    int64_t    maker_id;
    struct str prefix;
    int64_t    password_at; /* µs */
};

int meta_account_find(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err);
int meta_account_find_name(struct db_tx *tx, struct arena *arena, struct str name,
                           struct meta_account *out, struct err *err);

/* By name, or by uuid when the text is one. */
int meta_account_find_any(struct db_tx *tx, struct arena *arena, struct str name_or_uuid,
                          struct meta_account *out, struct err *err);

/* What an id was called, tombstones included (then without what makes the name theirs). 1, 0, -1. */
int meta_account_name(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                      struct err *err);

/* Fills id from the database; id, generation and created_at of `account` are ignored, a missing uuid is
 * made. ERR_EXISTS when the name is taken. */
int meta_account_add(struct db_tx *tx, const struct meta_account *account, int64_t *out_id,
                     struct err *err);

/* These move the generation on. ERR_NOT_FOUND when there is no such account. */
int meta_account_set_password(struct db_tx *tx, int64_t id, struct str hash, struct err *err);
int meta_account_set_active(struct db_tx *tx, int64_t id, int64_t is_active, struct err *err);
int meta_account_revoke(struct db_tx *tx, int64_t id, struct err *err); /* nothing but that */

/* Full name, is_admin, create_on_push and content_cache of `account`, by its id. */
int meta_account_update(struct db_tx *tx, const struct meta_account *account, struct err *err);
int meta_account_set_maker(struct db_tx *tx, int64_t id, int64_t maker_id, struct err *err);

/* A tombstone; memberships, credentials, sessions, keys and grants of the account go at once, and its service
 * accounts and teams with it. Its repositories must be gone before (meta_repo_count_in). */
int meta_account_remove(struct db_tx *tx, int64_t id, struct err *err);

int meta_account_count(struct db_tx *tx, int64_t *out, struct err *err);

/* System admins that are active users. Until the transaction ends nobody else counts them: of two who would each
 * take one of the last two away one waits. Asked before the account in question is read. */
int meta_account_count_admins(struct db_tx *tx, int64_t *out, struct err *err);

/* Until the transaction ends the account is not taken away, or (lock) nothing is put into its hands: members,
 * teams, repositories. 1; 0 there is none, or no more; -1. */
int meta_account_hold(struct db_tx *tx, int64_t id, struct err *err);
int meta_account_lock(struct db_tx *tx, int64_t id, struct err *err);

/* Of which accounts; service accounts are never among them. */
enum meta_account_filter {
    META_ACCOUNTS_ALL,
    META_ACCOUNTS_USERS,
    META_ACCOUNTS_ORGS,
    META_ACCOUNTS_ADMINS,
    META_ACCOUNTS_NON_ADMINS,
    META_ACCOUNTS_ACTIVE,   /* users */
    META_ACCOUNTS_INACTIVE, /* users */
    META_ACCOUNTS_N_FILTERS
};

/* "all", "users", "orgs", "admins", "non-admins", "active-users", "inactive-users": 1, 0. */
int meta_account_filter_parse(struct str word, enum meta_account_filter *out);

/* An account with what lists show of it. */
struct meta_account_row {
    struct meta_account account;   /* without its password hash */
    int64_t             n_members; /* of an organisation */
    int64_t             n_teams;
};

/* By name after `after` (exclusive; null view: from the start). */
int meta_account_page(struct db_tx *tx, struct arena *arena, enum meta_account_filter filter,
                      struct str after, size_t n_max, struct meta_account_row **out, size_t *n_out,
                      struct err *err);
int meta_account_count_of(struct db_tx *tx, enum meta_account_filter filter, int64_t *out,
                          struct err *err);

/* The same, of what one account sees: itself, its organisations and their members. */
int meta_account_page_seen(struct db_tx *tx, struct arena *arena, int64_t seen_by,
                           enum meta_account_filter filter, struct str after, size_t n_max,
                           struct meta_account_row **out, size_t *n_out, struct err *err);
int meta_account_count_seen(struct db_tx *tx, int64_t seen_by, enum meta_account_filter filter,
                            int64_t *out, struct err *err);

/* The service accounts of an owner. */
int meta_account_page_services(struct db_tx *tx, struct arena *arena, int64_t owner_id,
                               struct str after, size_t n_max, struct meta_account **out,
                               size_t *n_out, struct err *err);

#endif
