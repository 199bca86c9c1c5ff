/* work/revoke.h: the verbs that void what was given out: everything that was bought or begun in an account's name, or one
 * refresh token. Each is one transaction with its event and audit record, and holds within 5 s on every node. */
#ifndef WORK_REVOKE_H
#define WORK_REVOKE_H

#include "base/str.h"

struct auth_account;
struct err;
struct meta_actor;
struct work;

/* Sessions end and tokens and refresh tokens are void: the account's generation moves on. Passwords, access tokens and
 * secrets of service accounts stay: they prove the account anew. */
int work_revoke_account(struct work *work, const struct meta_actor *actor,
                        const struct auth_account *account, struct err *err);

/* Whoever has it may; what is none, or was revoked, is no error (RFC 7009, 2.2). */
int work_revoke_refresh(struct work *work, const struct meta_actor *actor, struct str refresh,
                        struct err *err);

#endif
