/* work/many.h: what is done to many repositories at once. They are taken in batches, each a transaction of its own with
 * an event and an audit record for each repository: what was done before a failure stays done, and the same again goes
 * on from there. */
#ifndef WORK_MANY_H
#define WORK_MANY_H

#include <stdbool.h>

struct auth_account;
struct auth_caller;
struct auth_view;
struct err;
struct meta_actor;
struct work;

/* Deletes all repositories of a namespace. */
int work_many_delete(struct work *work, const struct meta_actor       *actor,
                     const struct auth_account *namespace, struct err *err);

/* And takes back all that was granted on prefixes in it. The account itself stays. */
int work_many_clear(struct work *work, const struct meta_actor       *actor,
                    const struct auth_account *namespace, struct err *err);

/* Switches scanning on push on or off in every repository that the caller may manage. */
int work_many_scan_on_push(struct work *work, const struct meta_actor *actor,
                           const struct auth_caller *caller, const struct auth_view *view,
                           bool is_on, struct err *err);

#endif
