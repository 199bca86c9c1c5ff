/* auth/keys.c: the keys that sign our tokens: made at first start, sealed in the database, rotated by
 * command. The list in memory is read by many threads without a lock; whoever changes it puts a new list
 * in front and keeps the old one, because a verification may be using it: rotations are rare. */
#include "auth/auth_private.h"
#include "auth/rights_private.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/seal.h"
#include "db/db.h"
#include "io/clock.h"
#include "io/random.h"
#include "meta/event.h"
#include "meta/token.h"

static struct str purpose_of(struct arena *arena, struct str kid)
{
    return str_from(mem_printf(arena, "token-key:" STR_FMT, STR_ARGS(kid)));
}

static void free_keys(struct auth_keys *keys)
{
    while (keys != NULL) {
        struct auth_keys *older = keys->older;

        for (size_t i = 0; i < keys->n; i++)
            jwt_key_free(&keys->list[i].key);
        mem_free(keys);
        keys = older;
    }
}

static int open_key(struct auth *auth, struct arena *arena, const struct meta_token_key *row,
                    struct auth_key *out, struct err *err)
{
    struct str der;

    if (seal_open(arena, auth->settings.ring, purpose_of(arena, row->kid), row->sealed, &der, err) <
        0)
        return err_wrap(err, "token key " STR_FMT, STR_ARGS(row->kid));

    int done = jwt_key_parse(der, &out->key, err);
    mem_wipe((char *)(uintptr_t)der.p, der.n);
    if (done < 0)
        return err_wrap(err, "token key " STR_FMT, STR_ARGS(row->kid));
    out->is_active  = str_is(row->state, "active");
    out->retired_at = row->retired_at;
    return 0;
}

static bool is_same(const struct auth_keys *a, const struct auth_keys *b)
{
    if (b == NULL || a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(jwt_key_id(a->list[i].key), jwt_key_id(b->list[i].key)) != 0 ||
            a->list[i].is_active != b->list[i].is_active)
            return false;
    }
    return true;
}

int auth_keys_load(struct auth *auth, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_token_key         *rows;
    size_t                         n;

    if (db_begin(auth->settings.db, DB_READ, "load token keys", &tx, err) < 0 ||
        meta_token_key_list(tx, arena, &rows, &n, err) < 0)
        return err_wrap(err, "loading token keys");
    db_abort(&tx);

    struct auth_keys *keys = mem_new(struct auth_keys);
    for (size_t i = 0; i < n && i < AUTH_KEYS_MAX; i++) {
        if (open_key(auth, arena, &rows[i], &keys->list[i], err) < 0) {
            free_keys(keys);
            return -1;
        }
        keys->n++;
    }

    pthread_mutex_lock(&auth->keys_lock);
    auth->keys_loaded_at = clock_monotonic_us();
    if (is_same(keys, atomic_load(&auth->keys))) {
        free_keys(keys);
    } else {
        keys->older = atomic_load(&auth->keys);
        atomic_store(&auth->keys, keys);
    }
    pthread_mutex_unlock(&auth->keys_lock);
    return 0;
}

static const struct auth_key *newest_active(const struct auth_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        if (keys->list[i].is_active)
            return &keys->list[i];
    }
    return NULL;
}

const struct jwt_key *auth_keys_signing(struct auth *auth)
{
    const struct auth_key *newest = newest_active(atomic_load(&auth->keys));

    ASSERT(newest != NULL);
    return newest->key;
}

/* A new key in the database; when `retire` the active ones step back in the same transaction. */
static int add_key(struct auth *auth, struct arena *arena, const struct meta_actor *actor,
                   bool retire, struct str *out_kid, struct err *err)
{
    AUTO(jwt_key_free) struct jwt_key *key = NULL;
    AUTO(db_abort) struct db_tx       *tx  = NULL;
    struct str                         der;

    if (jwt_key_make(&key, err) < 0 || jwt_key_print(arena, key, &der, err) < 0)
        return err_wrap(err, "making a token key");

    struct str kid    = str_copy(arena, str_from(jwt_key_id(key)));
    struct str sealed = seal_close(arena, auth->settings.ring, purpose_of(arena, kid), der);
    mem_wipe((char *)(uintptr_t)der.p, der.n);

    if (db_begin(auth->settings.db, DB_WRITE, "add token key", &tx, err) < 0)
        return -1;

    const struct auth_keys *now = atomic_load(&auth->keys);
    for (size_t i = 0; retire && i < now->n; i++) {
        if (now->list[i].is_active &&
            meta_token_key_retire(tx, str_from(jwt_key_id(now->list[i].key)), err) < 0)
            return -1;
    }
    struct meta_event event  = { .type        = "TOKEN_KEY_ADDED",
                                 .object_kind = "token-key",
                                 .object_name = kid };
    int64_t           oldest = db_now(tx) - auth->settings.token_life_us - 60 * AUTH_SECOND_US;
    if (meta_token_key_add(tx, kid, sealed, err) < 0 ||
        meta_token_key_remove_retired(tx, oldest, err) < 0 ||
        meta_event_add(tx, actor, &event, err) < 0 || failpoint(FP_TOKEN_KEY_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_TOKEN_KEY_ADDED, err) < 0)
        return -1;
    *out_kid = kid;
    return 0;
}

int auth_key_rotate(struct auth *auth, const struct meta_actor *actor, struct str *out_kid,
                    struct arena *arena, struct err *err)
{
    if (auth_keys_load(auth, err) < 0 || add_key(auth, arena, actor, true, out_kid, err) < 0)
        return err_wrap(err, "rotating the token key");
    return auth_keys_load(auth, err);
}

int auth_keys_reseal(struct auth *auth, const struct seal_ring *ring,
                     const struct meta_actor *actor, int *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_token_key         *rows;
    size_t                         n;
    int                            n_done = 0;

    if (db_begin(auth->settings.db, DB_WRITE, "reseal token keys", &tx, err) < 0 ||
        meta_token_key_list(tx, arena, &rows, &n, err) < 0)
        return -1;

    for (size_t i = 0; i < n; i++) {
        struct str purpose = purpose_of(arena, rows[i].kid);
        struct str der;

        if (!seal_is_old(ring, rows[i].sealed))
            continue;
        if (seal_open(arena, ring, purpose, rows[i].sealed, &der, err) < 0)
            return -1;
        struct str sealed = seal_close(arena, ring, purpose, der);
        mem_wipe((char *)(uintptr_t)der.p, der.n);
        struct meta_event event = { .type        = "KEYS_RESEALED",
                                    .object_kind = "token-key",
                                    .object_name = rows[i].kid };
        if (meta_token_key_reseal(tx, rows[i].kid, sealed, err) < 0 ||
            meta_event_add(tx, actor, &event, err) < 0)
            return -1;
        n_done++;
    }
    if (db_commit(&tx, err) < 0)
        return -1;
    *out_n = n_done;
    return 0;
}

struct str auth_keys_print(struct auth *auth, struct arena *arena)
{
    const struct auth_keys *keys = atomic_load(&auth->keys);
    struct json_write       w;
    struct buf              set;

    buf_init(&set, arena, 64 * 1024);
    json_write_init(&w, &set);
    json_write_object(&w);
    json_write_key(&w, "keys");
    json_write_list(&w);
    for (size_t i = 0; i < keys->n; i++)
        json_write_raw(&w, jwt_key_jwk(arena, keys->list[i].key));
    json_write_end(&w);
    json_write_end(&w);
    return buf_view(&set);
}

static const struct meta_actor first_start = { .kind = "system",
                                               .name = { .p = "first start", .n = 11 } };

int auth_new(const struct auth_settings *settings, struct auth **out, struct err *err)
{
    AUTO(auth_free) struct auth   *auth  = mem_new(struct auth);
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     kid;

    ASSERT(settings->audience.n < sizeof(auth->audience));
    auth->settings = *settings;
    memcpy(auth->audience, settings->audience.p, settings->audience.n);
    auth->settings.audience = str_from(auth->audience);
    pthread_mutex_init(&auth->keys_lock, NULL);
    auth_set_policy(auth, &auth_policy_standard);
    random_bytes(auth->process_key, sizeof(auth->process_key));
    auth->passwords   = auth_password_pool_new(settings->password_threads, settings->password_queue,
                                               settings->waits);
    auth->tokens      = cache_new(AUTH_TOKENS_CACHED, sizeof(struct auth_caller));
    auth->logins      = cache_new(AUTH_LOGINS_CACHED, sizeof(char));
    auth->wrong       = cache_new(AUTH_WRONG_CACHED, sizeof(char));
    auth->accounts    = cache_new(AUTH_ACCOUNTS_CACHED, sizeof(struct auth_state));
    auth->credentials = cache_new(AUTH_ACCOUNTS_CACHED, sizeof(int64_t));
    auth->meter       = auth_meter_new();
    auth->sessions    = cache_new(AUTH_SESSIONS_CACHED, sizeof(int64_t));
    auth->rights      = cache_new(AUTH_RIGHTS_CACHED, sizeof(struct auth_sum));
    auth->seen        = cache_new(AUTH_SEEN_CACHED, auth_seen_size());

    if (auth_keys_load(auth, err) < 0)
        return -1;
    if (newest_active(atomic_load(&auth->keys)) == NULL &&
        (add_key(auth, arena, &first_start, false, &kid, err) < 0 || auth_keys_load(auth, err) < 0))
        return -1;

    *out = TAKE(auth);
    return 0;
}

void auth_free(struct auth **auth)
{
    if (*auth == NULL)
        return;

    auth_password_pool_free(&(*auth)->passwords);
    cache_free(&(*auth)->tokens);
    cache_free(&(*auth)->sessions);
    auth_meter_free(&(*auth)->meter);
    auth_free_banners(*auth);
    cache_free(&(*auth)->logins);
    cache_free(&(*auth)->wrong);
    cache_free(&(*auth)->accounts);
    cache_free(&(*auth)->credentials);
    cache_free(&(*auth)->rights);
    cache_free(&(*auth)->seen);
    free_keys(atomic_load(&(*auth)->keys));
    pthread_mutex_destroy(&(*auth)->keys_lock);
    mem_wipe((*auth)->process_key, sizeof((*auth)->process_key));
    mem_free(*auth);
    *auth = NULL;
}
