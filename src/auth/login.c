/* auth/login.c: names and passwords. A right password is remembered under an HMAC of everything that made
 * it right, so that scripts which send Basic credentials with each request pay argon2id once in five
 * minutes; a changed password or a moved generation misses the memory by construction. */
#include "auth/auth_private.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"

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

    if (db_begin(auth->settings.db, DB_READ, "log in", &tx, err) < 0)
        return -1;

    int found = meta_account_find_name(tx, arena, name, out, err);
    if (found == 1 && (out->is_active == 0 || out->name.n >= AUTH_ACCOUNT_NAME_MAX))
        found = 0;
    return found;
}

/* What no account is called is not asked for. */
static bool could_be_name(struct str name)
{
    return name.n < AUTH_ACCOUNT_NAME_MAX && str_find(name, '\0') < 0 && text_is_utf8(name);
}

int auth_login(struct auth *auth, struct str name, struct str password, bool may_block,
               struct auth_caller *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct meta_account            account = { 0 };
    unsigned char                  key[32];
    char                           yes = 1;

    if (password.n == 0 || password.n > AUTH_PASSWORD_MAX || !could_be_name(name))
        return may_block
                   ? auth_password_check(auth->passwords, STR_NULL, STR("x"), err) < 0 ? -1 : 0
                   : 0;

    int found = find_account(auth, arena, name, &account, err);
    if (found < 0 && err->kind == ERR_INVALID)
        found = 0; /* a name that no row can hold is nobody's */
    if (found < 0)
        return -1;
    if (found == 1) {
        remember_key(auth, &account, password, arena, key);
        if (cache_get(auth->logins, (struct str){ (const char *)key, sizeof(key) },
                      clock_monotonic_us(), &yes)) {
            to_caller(&account, out);
            return 1;
        }
    }
    if (!may_block)
        return 0;

    int right = auth_password_check(auth->passwords, found == 1 ? account.password_hash : STR_NULL,
                                    password, err);
    if (right < 0)
        return -1;
    if (right == 0 || found == 0)
        return 0;

    cache_put(auth->logins, (struct str){ (const char *)key, sizeof(key) },
              clock_monotonic_us() + AUTH_LOGIN_REMEMBERED_US, &yes);
    to_caller(&account, out);
    return 1;
}

int auth_password_make(struct auth *auth, struct arena *arena, struct str password,
                       struct str *out_hash, struct err *err)
{
    return auth_password_hash(auth->passwords, arena, password, out_hash, err);
}

int auth_account_state(struct auth *auth, struct arena *arena, int64_t account_id,
                       struct auth_state *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          account;
    struct str                   key = { (const char *)&account_id, sizeof(account_id) };

    if (cache_get(auth->accounts, key, clock_monotonic_us(), out))
        return 1;

    int64_t read_at = clock_monotonic_us();
    if (db_begin(auth->settings.db, DB_READ, "read account", &tx, err) < 0)
        return -1;
    int found = meta_account_find(tx, arena, account_id, &account, err);
    if (found < 1)
        return found;
    if (account.name.p == NULL || account.name.n >= AUTH_ACCOUNT_NAME_MAX)
        return err_set_corrupt(err, "account %lld has a name of %zu bytes", (long long)account_id,
                               account.name.n);

    *out = (struct auth_state){
        .generation = account.generation,
        .is_admin   = account.is_admin != 0,
        .is_active  = account.is_active != 0,
    };
    memcpy(out->name, account.name.p, account.name.n);
    cache_put(auth->accounts, key, read_at + AUTH_ACCOUNT_AGE_US, out);
    return 1;
}
