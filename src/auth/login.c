/* auth/login.c: names and what proves them. The methods are a table: the first that claims the text given as a
 * password decides. A right password is remembered under an HMAC of everything that made
 * it right, so that scripts which send Basic credentials with each request pay argon2id once in five
 * minutes; a changed password or a moved generation misses the memory by construction. */
#include "auth/auth_private.h"
#include "auth/lockout.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/credential.h"

int auth_basic_parse(struct arena *arena, struct str encoded, struct str *name,
                     struct str *password, struct err *err)
{
    struct str decoded;

    if (text_base64_parse(arena, str_trim(encoded), &decoded, err) < 0)
        return err_wrap(err, "Basic credentials");

    ptrdiff_t colon = str_find(decoded, ':');
    if (colon < 0)
        return err_set(err, ERR_INVALID, "Basic credentials without a colon");
    *name     = str_sub(decoded, 0, (size_t)colon);
    *password = str_from_index(decoded, (size_t)colon + 1);
    return 0;
}

static void to_caller(const struct meta_account *account, struct auth_caller *out)
{
    *out = (struct auth_caller){
        .kind       = AUTH_ACCOUNT,
        .account_id = account->id,
        .generation = account->generation,
        .is_admin   = account->is_admin != 0,
    };
    memcpy(out->name, account->name.p, account->name.n);
}

/* Lengths first, so that no two different inputs make the same bytes. */
static void remember_key(const struct auth *auth, const struct meta_account *account,
                         struct str password, struct arena *arena, unsigned char out[32])
{
    struct buf bytes;
    int64_t    head[3] = { account->id, account->generation, (int64_t)account->password_hash.n };

    buf_init(&bytes, arena, 4096);
    buf_add(&bytes, head, sizeof(head));
    buf_str(&bytes, account->password_hash);
    buf_str(&bytes, password);
    hash_hmac_sha256((struct str){ (const char *)auth->process_key, sizeof(auth->process_key) },
                     buf_view(&bytes), out);
    mem_wipe(bytes.p, bytes.n);
}

static int find_account(struct auth *auth, struct arena *arena, struct str name,
                        struct meta_account *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(auth->settings.db, DB_LOOK, "log in", &tx, err) < 0)
        return -1;

    int found = meta_account_find_name(tx, arena, name, out, err);
    if (found < 0 && err->kind == ERR_INVALID)
        return 0; /* a name that no row can hold is nobody's */
    if (found == 1 && (out->is_active == 0 || out->name.n >= AUTH_ACCOUNT_NAME_MAX))
        found = 0;
    return found;
}

/* What no account is called is not asked for. */
static bool could_be_name(struct str name)
{
    return name.n < AUTH_ACCOUNT_NAME_MAX && str_find(name, '\0') < 0 && text_is_utf8(name);
}

struct attempt {
    struct auth  *auth;
    struct arena *arena;
    struct str    name; /* null view: whose it is is for the secret to say */
    struct str    password;
    struct str    network;
    bool          may_block;
};

/* -- the password ----------------------------------------------------------------------------------- */

/* Is this the wrong password that came for this name from this network before? A script that was forgotten when
 * the password changed says the same all day; it guesses nothing and locks nobody out. */
static bool was_counted(const struct attempt *a)
{
    struct buf    bytes;
    unsigned char key[32];
    struct str    view    = { (const char *)key, sizeof(key) };
    int64_t       head[2] = { (int64_t)a->name.n, (int64_t)a->network.n };
    int64_t       now     = clock_monotonic_us();
    char          yes     = 1;

    buf_init(&bytes, a->arena, 4096);
    buf_add(&bytes, head, sizeof(head));
    buf_str(&bytes, a->name);
    buf_str(&bytes, a->network);
    buf_str(&bytes, a->password);
    hash_hmac_sha256((struct str){ (const char *)a->auth->process_key,
                                   sizeof(a->auth->process_key) },
                     buf_view(&bytes), key);
    mem_wipe(bytes.p, bytes.n);
    if (cache_get(a->auth->wrong, view, now, &yes))
        return true;
    cache_put(a->auth->wrong, view, now + AUTH_WRONG_REMEMBERED_US, &yes);
    return false;
}

/* Others may have guessed wrong while this one waited for its turn: those that ran at once with the ones that brought the
 * lock are guesses like them. */
static int succeed(const struct attempt *a, struct err *err)
{
    bool is_locked;

    if (auth_lock_look(a->auth, a->name, a->network, &is_locked, err) < 0)
        return -1;
    if (is_locked)
        return 0;
    return auth_lock_clear(a->auth, a->name, a->network, err) < 0 ? -1 : 1;
}

/* A locked name is checked against nothing, for as long as a real check takes. */
static int check_slowly(const struct attempt *a, const struct meta_account *account, int found,
                        struct err *err)
{
    bool is_locked;

    /* A flood is refused before it costs the database anything. */
    if (auth_password_is_full(a->auth->passwords))
        return err_set(err, ERR_UNAVAILABLE, "too many log-ins at once");
    if (auth_lock_look(a->auth, a->name, a->network, &is_locked, err) < 0)
        return -1;
    bool may_fit = found == 1 && !is_locked;
    int right = auth_password_check(a->auth->passwords, may_fit ? account->password_hash : STR_NULL,
                                    a->password, err);
    if (right < 0)
        return -1;
    if (right == 1 && may_fit)
        return succeed(a, err);
    if (is_locked || was_counted(a))
        return 0;
    return auth_lock_count(a->auth, a->name, a->network, err);
}

static int check_password(const struct attempt *a, struct auth_caller *out, struct err *err)
{
    struct meta_account account = { 0 };
    unsigned char       key[32];
    struct str          key_view = { (const char *)key, sizeof(key) };
    char                yes      = 1;
    int                 found    = find_account(a->auth, a->arena, a->name, &account, err);

    if (found < 0)
        return -1;
    if (found == 1) {
        remember_key(a->auth, &account, a->password, a->arena, key);
        if (cache_get(a->auth->logins, key_view, clock_monotonic_us(), &yes)) {
            to_caller(&account, out);
            return 1;
        }
    }
    if (!a->may_block)
        return 0;

    int right = check_slowly(a, &account, found, err);
    if (right < 1)
        return right;
    cache_put(a->auth->logins, key_view, clock_monotonic_us() + AUTH_LOGIN_REMEMBERED_US, &yes);
    to_caller(&account, out);
    return 1;
}

static bool claims_all(struct str password)
{
    (void)password;
    return true;
}

/* -- access tokens and service secrets -------------------------------------------------------------- */

/* Their last use is noted once a minute, on a worker. */
static int note_use(const struct attempt *a, const struct meta_credential *credential, int64_t now,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (credential->used_at + AUTH_USE_NOTED_US > now)
        return 1;
    if (!a->may_block)
        return 0;
    if (db_begin(a->auth->settings.db, DB_WRITE, "note use", &tx, err) < 0 ||
        meta_credential_touch(tx, credential->id, now, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return 1;
}

/* The longest life that is allowed counts for those made before it was set, too. */
static bool is_good(const struct auth *auth, const struct meta_credential *row, int64_t now)
{
    int64_t most = atomic_load(&auth->credential_life_us);

    if (row->is_active == 0 || (row->expires_at != 0 && row->expires_at <= now))
        return false;
    return most == 0 || !str_is(row->kind, "personal") || row->created_at + most > now;
}

static int find_credential(const struct attempt *a, struct meta_credential *out, int64_t *out_now,
                           struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    char                         hex[AUTH_SECRET_HASH_MAX];

    auth_secret_hash(a->password, hex);
    if (db_begin(a->auth->settings.db, DB_LOOK, "find credential", &tx, err) < 0)
        return -1;
    int found = meta_credential_find(tx, a->arena, str_from(hex), out, err);
    *out_now  = db_now(tx);
    return found == 1 && !is_good(a->auth, out, *out_now) ? 0 : found;
}

static int check_secret(const struct attempt *a, struct auth_caller *out, struct err *err)
{
    struct meta_credential credential;
    struct auth_state      state;
    int64_t                now;
    int                    found = find_credential(a, &credential, &now, err);

    if (found < 1)
        return found;
    found = auth_account_state(a->auth, a->arena, credential.account_id, &state, err);
    if (found < 1)
        return found;
    if (!state.is_active || (a->name.p != NULL && !str_is(a->name, state.name)))
        return 0;
    found = note_use(a, &credential, now, err);
    if (found < 1)
        return found;

    struct auth_bound bound = { .credential  = credential.id,
                                .generation  = credential.generation,
                                .is_narrowed = credential.is_narrowed != 0 };
    auth_caller_make(credential.account_id, &state, &bound, out);
    snprintf(out->credential_id, sizeof(out->credential_id), "token-%lld",
             (long long)credential.id);
    return 1;
}

static bool claims_secret(struct str password)
{
    return str_starts(password, STR(AUTH_SECRET_HEAD));
}

/* -- all of them ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    bool (*claims)(struct str password);
    int (*check)(const struct attempt *a, struct auth_caller *out, struct err *err);
} methods[] = {
    { "secret", claims_secret, check_secret },
    { "password", claims_all, check_password },
};

int auth_login(struct auth *auth, struct str name, struct str password, struct str address,
               bool may_block, struct auth_caller *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct attempt                 a     = { .auth      = auth,
                                             .arena     = arena,
                                             .name      = name,
                                             .password  = password,
                                             .network   = auth_network_of(address),
                                             .may_block = may_block };

    if (password.n == 0 || password.n > AUTH_PASSWORD_MAX || !could_be_name(name))
        return may_block
                   ? auth_password_check(auth->passwords, STR_NULL, STR("x"), err) < 0 ? -1 : 0
                   : 0;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].claims(password))
            return methods[i].check(&a, out, err);
    }
    return 0;
}

int auth_password_prove(struct auth *auth, struct str name, struct str password, struct str address,
                        struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct attempt                 a     = { .auth      = auth,
                                             .arena     = arena,
                                             .name      = name,
                                             .password  = password,
                                             .network   = auth_network_of(address),
                                             .may_block = true };
    struct auth_caller             ignored_caller; /* whether, not who */

    if (password.n > AUTH_PASSWORD_MAX || !could_be_name(name))
        return 0;
    return check_password(&a, &ignored_caller, err);
}

int auth_secret_accept(struct auth *auth, struct str secret, bool may_block,
                       struct auth_caller *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct attempt a = { .auth = auth, .arena = arena, .password = secret, .may_block = may_block };

    return check_secret(&a, out, err);
}

int auth_password_make(struct auth *auth, struct arena *arena, struct str password,
                       struct str *out_hash, struct err *err)
{
    return auth_password_hash(auth->passwords, arena, password, out_hash, err);
}

static int read_state(struct db_tx *tx, struct arena *arena, int64_t account_id,
                      struct auth_state *out, struct err *err)
{
    struct meta_account account, maker;
    int                 found = meta_account_find(tx, arena, account_id, &account, err);

    if (found < 1)
        return found;
    if (account.name.p == NULL || account.name.n >= AUTH_ACCOUNT_NAME_MAX)
        return err_set_corrupt(err, "account %lld has a name of %zu bytes", (long long)account_id,
                               account.name.n);
    *out = (struct auth_state){
        .generation = account.generation,
        .is_admin   = account.is_admin != 0,
        .is_active  = account.is_active != 0,
        .is_service = str_is(account.kind, "service"),
    };
    memcpy(out->name, account.name.p, account.name.n);
    if (!out->is_service)
        return 1;

    found = meta_account_find(tx, arena, account.maker_id, &maker, err);
    if (found < 0)
        return -1;
    out->is_active &= found == 1 && maker.is_active != 0;
    return 1;
}

void auth_caller_make(int64_t account_id, const struct auth_state *state,
                      const struct auth_bound *bound, struct auth_caller *out)
{
    *out = (struct auth_caller){
        .kind                  = AUTH_ACCOUNT,
        .account_id            = account_id,
        .generation            = state->generation,
        .is_admin              = state->is_admin && !bound->is_narrowed,
        .credential            = bound->credential,
        .credential_generation = bound->generation,
        .is_narrowed           = bound->is_narrowed,
    };
    memcpy(out->name, state->name, sizeof(out->name));
}

int auth_account_state(struct auth *auth, struct arena *arena, int64_t account_id,
                       struct auth_state *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx         = NULL;
    int64_t                      numbers[2] = { atomic_load(&auth->rights_version), account_id };
    struct str                   key        = { (const char *)numbers, sizeof(numbers) };

    if (cache_get(auth->accounts, key, clock_monotonic_us(), out))
        return 1;

    int64_t read_at = clock_monotonic_us();
    if (db_begin(auth->settings.db, DB_LOOK, "read account", &tx, err) < 0)
        return -1;
    int found = read_state(tx, arena, account_id, out, err);
    if (found == 1)
        cache_put(auth->accounts, key, read_at + AUTH_ACCOUNT_AGE_US, out);
    return found;
}

int auth_credential_state(struct auth *auth, struct arena *arena, int64_t id, int64_t generation,
                          struct err *err)
{
    AUTO(db_abort) struct db_tx *tx         = NULL;
    int64_t                      numbers[2] = { atomic_load(&auth->rights_version), id };
    struct str                   key        = { (const char *)numbers, sizeof(numbers) };
    struct meta_credential       row;
    int64_t                      good;

    if (cache_get(auth->credentials, key, clock_monotonic_us(), &good))
        return good == generation;

    int64_t read_at = clock_monotonic_us();
    if (db_begin(auth->settings.db, DB_LOOK, "read credential", &tx, err) < 0)
        return -1;
    int found = meta_credential_find_id(tx, arena, id, &row, err);
    if (found < 1)
        return found;
    good = is_good(auth, &row, db_now(tx)) ? row.generation : 0;
    cache_put(auth->credentials, key, read_at + AUTH_ACCOUNT_AGE_US, &good);
    return good == generation;
}
