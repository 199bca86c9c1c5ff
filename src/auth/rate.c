/* auth/rate.c: limits on requests. Each key has one number, the time at which all that it used is made good again
 * (the "theoretical arrival time" of the generic cell rate algorithm): a request moves it on by a minute divided by the
 * limit, and is refused when it would lie more than a minute ahead. One compare-and-swap a request and no timer.
 *
 * A table of fixed size holds them, four places a key by a keyed hash. Two keys never share a place; when the four are
 * taken, the key whose time lies furthest back gives way. A race for a place loses one request's count at most. */
#include "auth/rate.h"

#include <stdatomic.h>

#include <sodium.h>

#include "auth/auth_private.h"
#include "auth/lockout.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"

#define MINUTE_US (60 * AUTH_SECOND_US)

enum { GROUPS = 16384, PLACES = 4 };

struct place {
    _Atomic(uint64_t) key; /* hash; 0: free */
    _Atomic(int64_t)  due_at;
};

struct auth_meter {
    unsigned char seed[crypto_shorthash_KEYBYTES];
    struct place  places[GROUPS][PLACES];
};

struct auth_meter *auth_meter_new(void)
{
    struct auth_meter *meter = mem_new(struct auth_meter);

    random_bytes(meter->seed, sizeof(meter->seed));
    return meter;
}

void auth_meter_free(struct auth_meter **meter)
{
    mem_free(*meter);
    *meter = NULL;
}

static struct place *find_place(struct auth_meter *meter, struct str key)
{
    uint64_t      hash;
    struct place *group, *oldest;

    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.p, key.n, meter->seed);
    group  = meter->places[hash % GROUPS];
    oldest = group;
    hash |= 1; /* 0 is free */
    for (size_t i = 0; i < PLACES; i++) {
        if (atomic_load_explicit(&group[i].key, memory_order_relaxed) == hash)
            return &group[i];
        if (atomic_load_explicit(&group[i].due_at, memory_order_relaxed) <
            atomic_load_explicit(&oldest->due_at, memory_order_relaxed))
            oldest = &group[i];
    }
    atomic_store_explicit(&oldest->due_at, 0, memory_order_relaxed);
    atomic_store_explicit(&oldest->key, hash, memory_order_relaxed);
    return oldest;
}

/* The limit of which the smaller part is left is the one to tell of. */
static void tell(struct auth_rate *out, const struct auth_rate *rate)
{
    if (out->limit == 0 || rate->retry_us > 0 ||
        rate->remaining * out->limit < out->remaining * rate->limit)
        *out = *rate;
}

bool auth_meter_take(struct auth_meter *meter, struct str key, int64_t limit, int64_t now_us,
                     struct auth_rate *out)
{
    struct place    *place = find_place(meter, key);
    int64_t          step  = MINUTE_US / limit;
    int64_t          due_at, next;
    struct auth_rate rate = { .limit = limit, .what = out->what };

    due_at = atomic_load_explicit(&place->due_at, memory_order_relaxed);
    do {
        next = (due_at > now_us ? due_at : now_us) + step;
        if (next - now_us > limit * step) {
            rate.reset_us = due_at - now_us;
            rate.retry_us = next - now_us - limit * step;
            tell(out, &rate);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&place->due_at, &due_at, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    rate.remaining = (limit * step - (next - now_us)) / step;
    rate.reset_us  = next - now_us;
    tell(out, &rate);
    return true;
}

static bool take(struct auth *auth, const char *what, struct str key, int64_t limit,
                 struct auth_rate *out)
{
    struct auth_rate rate = { .what = what };

    if (limit == 0)
        return true;
    bool may = auth_meter_take(auth->meter, key, limit, clock_monotonic_us(), &rate);
    tell(out, &rate);
    return may;
}

bool auth_rate_network(struct auth *auth, struct str address, struct auth_rate *out)
{
    if (!atomic_load_explicit(&auth->is_rated, memory_order_relaxed))
        return true;
    return take(auth, "network", auth_network_of(address), atomic_load(&auth->rate_network), out);
}

bool auth_rate_caller(struct auth *auth, const struct auth_caller *caller, struct auth_rate *out)
{
    int64_t keys[2][2] = { { 'a', caller->account_id }, { 't', caller->credential } };

    if (!atomic_load_explicit(&auth->is_rated, memory_order_relaxed) ||
        caller->kind != AUTH_ACCOUNT)
        return true;
    if (caller->credential != 0 &&
        !take(auth, "token", (struct str){ (const char *)keys[1], sizeof(keys[1]) },
              atomic_load(&auth->rate_token), out))
        return false;
    return take(auth, "account", (struct str){ (const char *)keys[0], sizeof(keys[0]) },
                atomic_load(&auth->rate_account), out);
}
