/* work/access_private.h: steps of the verbs about accounts and rights. */
#ifndef WORK_ACCESS_PRIVATE_H
#define WORK_ACCESS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "db/db.h"

struct arena;
struct auth_account;
struct err;
struct meta_account;
struct meta_actor;
struct meta_member;
struct meta_team;
struct work;

/* The end of every verb that changes who may what: commits, and rights are looked up anew from then on. */
int work_commit_access(struct work *work, struct db_tx **tx, struct err *err);

/* "field: rule", ERR_INVALID, code INVALID_PARAMETERS, about the field. */
int work_bad_field(const char *field, const char *rule, struct err *err);

/* One line of text for people: UTF-8 without control characters, at most max bytes. */
int work_text_check(const char *field, struct str text, size_t max, struct err *err);

/* The living account of that id: ERR_NOT_FOUND, code NO_SUCH_ACCOUNT. */
int work_find_account(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err);

/* A user by name or id, held (meta_account_hold): ERR_NOT_FOUND, code NO_SUCH_USER. */
int work_hold_user(struct db_tx *tx, struct arena *arena, struct str name_or_uuid,
                   struct meta_account *out, struct err *err);

/* The organisation of the handle, held: ERR_NOT_FOUND, code NO_SUCH_ACCOUNT, when it is none or no more. */
int work_hold_org(struct db_tx *tx, const struct auth_account *org, struct err *err);

/* Is it one? The same error. */
int work_need_org(const struct auth_account *account, struct err *err);

/* {"isAdmin":…}, what records say of a membership; negative: the null view, there is none. */
struct str work_print_membership(int64_t is_admin);

/* Makes the user a member of the organisation, both held, or changes what it is there; with its records. */
int work_org_add(struct db_tx *tx, const struct meta_actor *actor, const struct auth_account *org,
                 const struct meta_account *user, int64_t is_owner, struct err *err);

/* A team of the organisation by name or id: ERR_NOT_FOUND, code NO_SUCH_TEAM. */
int work_find_team(struct db_tx *tx, struct arena *arena, const struct auth_account *org,
                   struct str team, struct meta_team *out, struct err *err);

/* The account as a member, without its password hash. */
void work_fill_member(const struct meta_account *account, int64_t is_admin,
                      struct meta_member *out);

/* 8-4-4-4-12 hex digits: it could be taken for an id. */
bool work_is_uuid(struct str name);

/* A new account with its records, its fields checked: ERR_EXISTS, code ACCOUNT_EXISTS. */
int work_account_add(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_account *account, int64_t *out_id, struct err *err);

#endif
