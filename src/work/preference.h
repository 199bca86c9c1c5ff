/* work/preference.h: what accounts choose for themselves and nothing else hangs on: the content cache that a user's
 * clients are sent to, and whether pushes may make repositories in an organisation. The account is the handle that the
 * decision gave, with AUTH_ACCOUNT_MANAGE. ERR_NOT_FOUND, NO_SUCH_USER or NO_SUCH_ACCOUNT, for an account of another
 * kind. Changes are on record with the value before and after. */
#ifndef WORK_PREFERENCE_H
#define WORK_PREFERENCE_H

#include <stdbool.h>

#include "base/str.h"

struct arena;
struct auth_account;
struct err;
struct meta_actor;
struct work;

/* Empty: none. */
int work_content_cache_get(struct work *work, struct arena *arena,
                           const struct auth_account *account, struct str *out, struct err *err);

/* ERR_INVALID, INVALID_USER_SETTINGS, for what is neither empty nor a uuid. */
int work_content_cache_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct auth_account *account, struct str cache, struct err *err);

/* In an organisation: off unless an owner switches it on, and without effect while the registry's own switch is off.
 * In a user's namespace only that one counts. */
int work_create_on_push_get(struct work *work, struct arena *arena,
                            const struct auth_account *account, bool *out, struct err *err);
int work_create_on_push_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                            const struct auth_account *account, bool is_on, struct err *err);

#endif
