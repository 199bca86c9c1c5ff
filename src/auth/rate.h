/* auth/rate.h: how many requests a minute an account, an access token or secret, and a network may make, for each node by
 * itself. Off unless an operator sets a number. A whole minute's worth may come at once; after that one comes free as
 * time goes by. In memory of a fixed size: under more keys than it holds the one that was quiet for longest is
 * forgotten, which is in its favour. Any thread, without locks; a few ns when nothing is limited. */
#ifndef AUTH_RATE_H
#define AUTH_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct auth;
struct auth_caller;

struct auth_rates {
    int64_t account; /* requests a minute; 0: any number */
    int64_t token;
    int64_t network;
};

/* What the client is told: of the limit that is nearest. limit 0: none holds for it. */
struct auth_rate {
    int64_t     limit;
    int64_t     remaining;
    int64_t     reset_us; /* until all of it is there again */
    int64_t     retry_us; /* of a refusal: until one is */
    const char *what;     /* "account", "token", "network" */
};

/* Takes one request off what the network, or the account and its token, have left. False: there is none left, and nothing
 * was taken. *out is updated when this limit is nearer than what it holds. */
bool auth_rate_network(struct auth *auth, struct str address, struct auth_rate *out);
bool auth_rate_caller(struct auth *auth, const struct auth_caller *caller, struct auth_rate *out);

/* -- the mechanism -------------------------------------------------------------------------------- */

struct auth_meter;

struct auth_meter *auth_meter_new(void);
void               auth_meter_free(struct auth_meter **meter);

/* One of `limit` in 60 s for the key at `now` (µs, monotonic). */
bool auth_meter_take(struct auth_meter *meter, struct str key, int64_t limit, int64_t now_us,
                     struct auth_rate *out);

#endif
