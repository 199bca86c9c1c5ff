/* work/manage.h: what operators do to the instance: the first admin, passwords. */
#ifndef WORK_MANAGE_H
#define WORK_MANAGE_H

#include "base/str.h"

struct arena;
struct auth;
struct err;
struct meta_actor;
struct work;

/* Makes the account `admin` when there is no account at all: 1 made, 0 there are accounts, -1. Of two who
 * try at once one wins. */
int work_first_admin(struct work *work, struct auth *auth, struct str password, struct err *err);

/* ERR_NOT_FOUND naming the account. */
int work_set_password(struct work *work, struct auth *auth, const struct meta_actor *actor,
                      struct str name, struct str password, struct err *err);

#endif
