/* auth/lockout.c: the counting of failed log-ins and what follows from it. */
#include "auth/lockout.h"

#include "auth/auth_private.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"
#include "db/db.h"
#include "meta/attempt.h"

#define FIRST_LOCK_US (5 * AUTH_SECOND_US)
#define QUIET_US (86400 * AUTH_SECOND_US)

enum { DOUBLINGS_MAX = 30 };

struct str auth_network_of(struct str address)
{
    char   separator = str_find(address, ':') >= 0 ? ':' : '.';
    int    parts     = separator == ':' ? 4 : 3;
    size_t n         = 0;

    while (n < address.n && (address.p[n] != separator || --parts > 0))
        n++;
    return str_sub(address, 0, n);
}

/* Names come from outside: what is no text is counted as one. */
static struct str key_of(struct str name)
{
    return text_is_utf8(name) && str_find(name, '\0') < 0 ? name : STR("?");
}

static struct str text_of(struct str network)
{
    return network.p == NULL ? STR("") : network;
}

int auth_lock_look(struct auth *auth, struct str name, struct str network, bool *out_locked,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_attempt          attempt;

    if (db_begin(auth->settings.db, DB_READ, "is the log-in locked", &tx, err) < 0)
        return -1;
    int found = meta_attempt_find(tx, key_of(name), text_of(network), &attempt, err);
    if (found < 0)
        return -1;
    *out_locked = found == 1 && attempt.locked_until > db_now(tx);
    return 0;
}

static int64_t lock_of(const struct auth *auth, int64_t failures)
{
    int64_t over = failures - atomic_load(&auth->login_failures);
    int64_t most = atomic_load(&auth->login_lock_us);

    if (over < 0 || atomic_load(&auth->login_failures) == 0)
        return 0;
    int64_t lock = FIRST_LOCK_US << (over < DOUBLINGS_MAX ? over : DOUBLINGS_MAX);
    return lock < most ? lock : most;
}

int auth_lock_count(struct auth *auth, struct str name, struct str network, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      failures;

    if (db_begin(auth->settings.db, DB_WRITE, "count failed log-in", &tx, err) < 0)
        return -1;
    int64_t now = db_now(tx);
    if (meta_attempt_add(tx, key_of(name), text_of(network), now, now - QUIET_US, &failures, err) <
        0)
        return -1;
    int64_t lock = lock_of(auth, failures);
    if (lock > 0 && meta_attempt_lock(tx, key_of(name), text_of(network), now + lock, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int auth_lock_history(struct auth *auth, struct str name, int64_t *out_n, int64_t *out_last,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_attempts         attempts;

    if (db_begin(auth->settings.db, DB_LOOK, "how often it failed", &tx, err) < 0 ||
        meta_attempt_sum(tx, key_of(name), &attempts, err) < 0)
        return -1;
    *out_n    = attempts.failures;
    *out_last = attempts.failed_at;
    return 0;
}

int auth_lock_clear(struct auth *auth, struct str name, struct str network, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_attempt          attempt;

    if (db_begin(auth->settings.db, DB_READ, "were there failures", &tx, err) < 0)
        return -1;
    int found = meta_attempt_find(tx, key_of(name), text_of(network), &attempt, err);
    db_abort(&tx);
    if (found < 1)
        return found;
    if (db_begin(auth->settings.db, DB_WRITE, "forget failures", &tx, err) < 0 ||
        meta_attempt_clear(tx, key_of(name), text_of(network), err) < 0)
        return -1;
    return db_commit(&tx, err);
}
