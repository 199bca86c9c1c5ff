/* auth/lockout.h: slows down guessing. Failures are counted for a name and a network together, in the database and
 * so over all nodes: other networks and other names are not touched, so that nobody can lock another out. From the
 * policy's number of failures on each further one locks for twice as long as the one before, 5 s at first. A
 * success, or a quiet day, forgets. Names are counted whether or not they exist. The same wrong password again is
 * no new guess and not counted (auth/login.c): a script that was forgotten when the password changed locks nobody
 * out. */
#ifndef AUTH_LOCKOUT_H
#define AUTH_LOCKOUT_H

#include <stdbool.h>

#include "base/str.h"

struct auth;
struct err;

/* The network of an address: the first three parts of IPv4, the first four groups of IPv6. */
struct str auth_network_of(struct str address);

int auth_lock_look(struct auth *auth, struct str name, struct str network, bool *out_locked,
                   struct err *err);
int auth_lock_count(struct auth *auth, struct str name, struct str network, struct err *err);
/* How often the log-in of that name failed since it last succeeded, from any network, and when last (µs): for whoever it
 * is to see, after the log-in. */
int auth_lock_history(struct auth *auth, struct str name, int64_t *out_n, int64_t *out_last,
                      struct err *err);
int auth_lock_clear(struct auth *auth, struct str name, struct str network, struct err *err);

#endif
