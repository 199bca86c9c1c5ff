/* work/org.h: the verbs about members of organisations. Members are users; owners among them may everything in the
 * organisation, which may be left without one: system admins see to it then. Leaving it means leaving its teams.
 *
 * org is the handle that the decision gave; an account that is no organisation is ERR_NOT_FOUND, code
 * NO_SUCH_ACCOUNT. Who is no user: NO_SUCH_USER; no member: NO_SUCH_MEMBER. */
#ifndef WORK_ORG_H
#define WORK_ORG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/org.h"

struct arena;
struct auth_account;
struct err;
struct meta_actor;
struct work;

/* What a membership becomes: without has_admin it stays what it is, and a new one is an ordinary one. */
struct work_membership {
    bool is_admin; /* owner of the organisation, admin of the team */
    bool has_admin;
    bool must_exist; /* do not make one */
};

int work_member_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                    const struct auth_account *org, struct str user,
                    const struct work_membership *membership, struct meta_member *out,
                    struct err *err);
int work_member_remove(struct work *work, const struct meta_actor *actor,
                       const struct auth_account *org, struct str user, struct err *err);
int work_member_get(struct work *work, struct arena *arena, const struct auth_account *org,
                    struct str user, struct meta_member *out, struct err *err);

/* Pages by name after `after`, and how many there are in all. */
int work_member_page(struct work *work, struct arena *arena, const struct auth_account *org,
                     enum meta_member_filter filter, struct str after, size_t n_max,
                     struct meta_member **out, size_t *n_out, struct err *err);
int work_member_count(struct work *work, const struct auth_account *org,
                      enum meta_member_filter filter, int64_t *out, struct err *err);

/* The organisations of an account. */
int work_org_page_of(struct work *work, struct arena *arena, int64_t account_id, struct str after,
                     size_t n_max, struct meta_member **out, size_t *n_out, struct err *err);
int work_org_count_of(struct work *work, int64_t account_id, int64_t *out, struct err *err);

#endif
