/* login_test.c: access tokens and service secrets in the place of a password and as bearers: who they are, until when, and
 * what their use leaves behind. */
#include "auth/auth.h"

#include <pthread.h>
#include <stdio.h>

#include "auth/rights.h"
#include "auth/secret.h"
#include "check.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/attempt.h"
#include "meta/credential.h"

#include "ground.h"

#define DAY_US (1440 * MINUTE_US)

struct world {
    struct ground g;
    int64_t       ada, machine;
    char          personal[AUTH_SECRET_MAX], service[AUTH_SECRET_MAX];
    int64_t       personal_id, service_id;
};

static void begin(struct world *w)
{
    ground_begin(&w->g);
}

static void commit(struct world *w)
{
    ground_commit(&w->g);
}

static int64_t add_secret(struct world *w, enum auth_secret_kind kind, int64_t account,
                          int64_t expires_at, char out[AUTH_SECRET_MAX])
{
    char    hash[AUTH_SECRET_HASH_MAX];
    int64_t id;

    auth_secret_make(kind, out);
    auth_secret_hash(str_from(out), hash);
    struct meta_credential row = { .hash       = str_from(hash),
                                   .account_id = account,
                                   .kind       = kind == AUTH_SECRET_SERVICE ? STR("service")
                                                                             : STR("personal"),
                                   .slot       = kind == AUTH_SECRET_SERVICE ? 1 : 0,
                                   .is_active  = 1,
                                   .created_by = account,
                                   .expires_at = expires_at };
    CHECK_OK(meta_credential_add(w->g.tx, &row, &id, &w->g.err), &w->g.err);
    return id;
}

int login_test_setup(void **state)
{
    struct world *w = mem_new(struct world);

    ground_open(&w->g, 16);

    begin(w);
    struct meta_account user = {
        .name = STR("ada"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };
    CHECK_OK(meta_account_add(w->g.tx, &user, &w->ada, &w->g.err), &w->g.err);
    struct meta_account machine = { .name      = STR("ada+ci"),
                                    .kind      = STR("service"),
                                    .is_active = 1,
                                    .owner_id  = w->ada,
                                    .maker_id  = w->ada,
                                    .prefix    = STR("ada") };
    CHECK_OK(meta_account_add(w->g.tx, &machine, &w->machine, &w->g.err), &w->g.err);
    w->personal_id = add_secret(w, AUTH_SECRET_PERSONAL, w->ada, 0, w->personal);
    w->service_id  = add_secret(w, AUTH_SECRET_SERVICE, w->machine, 0, w->service);
    commit(w);
    *state = w;
    return 0;
}

int login_test_teardown(void **state)
{
    struct world *w = *state;

    ground_close(&w->g);
    mem_free(w);
    return 0;
}

static int log_in(struct world *w, const char *name, const char *secret, struct auth_caller *out)
{
    int found = auth_login(w->g.auth, str_from(name), str_from(secret), STR("127.0.0.1"), true, out,
                           &w->g.err);

    assert_true(found >= 0);
    return found;
}

static int bear(struct world *w, const char *secret)
{
    struct auth_caller caller;
    int found = auth_secret_accept(w->g.auth, str_from(secret), true, &caller, &w->g.err);

    assert_true(found >= 0);
    return found;
}

void test_login_by_an_access_token_is_its_owner(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;
    char               id[40];

    assert_int_equal(log_in(w, "ada", w->personal, &caller), 1);
    snprintf(id, sizeof(id), "token-%lld", (long long)w->personal_id);
    assert_int_equal(caller.account_id, w->ada);
    assert_int_equal(caller.credential, w->personal_id);
    assert_string_equal(caller.credential_id, id);
    assert_true(caller.is_admin && !caller.is_narrowed && !caller.has_token && !caller.is_session);
}

void test_login_by_a_service_secret_is_the_machine(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;

    assert_int_equal(log_in(w, "ada+ci", w->service, &caller), 1);
    assert_int_equal(caller.account_id, w->machine);
    assert_false(caller.is_admin);
    assert_int_equal(auth_secret_accept(w->g.auth, str_from(w->service), true, &caller, &w->g.err),
                     1);
    assert_string_equal(caller.name, "ada+ci");
}

void test_login_under_another_name_is_refused(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;

    assert_int_equal(log_in(w, "ada+ci", w->personal, &caller), 0);
    assert_int_equal(log_in(w, "ada", w->service, &caller), 0);
    assert_int_equal(log_in(w, "nobody", w->personal, &caller), 0);
    assert_int_equal(log_in(w, "", w->personal, &caller), 0);
}

void test_login_by_a_secret_that_nobody_has_is_refused(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;
    char               other[AUTH_SECRET_MAX];

    auth_secret_make(AUTH_SECRET_PERSONAL, other);
    assert_int_equal(log_in(w, "ada", other, &caller), 0);
    auth_secret_make(AUTH_SECRET_SESSION, other);
    assert_int_equal(log_in(w, "ada", other, &caller), 0);
    assert_int_equal(bear(w, other), 0);
    assert_int_equal(log_in(w, "ada", "assay_", &caller), 0);
}

void test_login_by_a_token_that_is_off_is_refused(void **state)
{
    struct world *w = *state;

    begin(w);
    CHECK_OK(meta_credential_update(w->g.tx, w->personal_id, STR_NULL, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(bear(w, w->personal), 0);
    assert_int_equal(bear(w, w->service), 1);
}

void test_login_ends_when_the_token_does(void **state)
{
    struct world *w = *state;
    char          short_lived[AUTH_SECRET_MAX];

    begin(w);
    add_secret(w, AUTH_SECRET_PERSONAL, w->ada, db_now(w->g.tx) + DAY_US, short_lived);
    commit(w);
    assert_int_equal(bear(w, short_lived), 1);
    clock_set_offset(DAY_US - MINUTE_US);
    assert_int_equal(bear(w, short_lived), 1);
    clock_set_offset(DAY_US + MINUTE_US);
    assert_int_equal(bear(w, short_lived), 0);
    assert_int_equal(bear(w, w->personal), 1);
}

/* The longest life is a matter of people's tokens; machines have their rotation. */
void test_login_the_longest_life_counts_for_tokens_made_before(void **state)
{
    struct world      *w      = *state;
    struct auth_policy policy = { .credential_life_us = DAY_US };

    clock_set_offset(2 * DAY_US);
    assert_int_equal(bear(w, w->personal), 1);
    auth_set_policy(w->g.auth, &policy);
    assert_int_equal(bear(w, w->personal), 0);
    assert_int_equal(bear(w, w->service), 1);
    clock_set_offset(DAY_US - MINUTE_US);
    assert_int_equal(bear(w, w->personal), 1);
}

void test_login_ends_with_the_account_and_the_maker(void **state)
{
    struct world *w = *state;

    begin(w);
    CHECK_OK(meta_account_set_active(w->g.tx, w->machine, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(bear(w, w->service), 0);
    assert_int_equal(bear(w, w->personal), 1);
    begin(w);
    CHECK_OK(meta_account_set_active(w->g.tx, w->machine, 1, &w->g.err), &w->g.err);
    CHECK_OK(meta_account_set_active(w->g.tx, w->ada, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(bear(w, w->service), 0);
    assert_int_equal(bear(w, w->personal), 0);
}

static int64_t used_at(struct world *w)
{
    struct meta_credential row;

    begin(w);
    assert_int_equal(meta_credential_find_id(w->g.tx, w->g.arena, w->personal_id, &row, &w->g.err),
                     1);
    commit(w);
    return row.used_at;
}

/* An event thread does not write: the first use in a minute is a worker's. */
void test_login_notes_its_use_once_a_minute_and_on_workers(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;

    assert_int_equal(used_at(w), 0);
    assert_int_equal(auth_secret_accept(w->g.auth, str_from(w->personal), false, &caller,
                                        &w->g.err),
                     0);
    assert_int_equal(used_at(w), 0);
    assert_int_equal(bear(w, w->personal), 1);
    int64_t first = used_at(w);
    assert_true(first > 0);
    assert_int_equal(auth_secret_accept(w->g.auth, str_from(w->personal), false, &caller,
                                        &w->g.err),
                     1);
    assert_int_equal(bear(w, w->personal), 1);
    assert_int_equal(used_at(w), first);
    clock_set_offset(2 * MINUTE_US);
    assert_int_equal(bear(w, w->personal), 1);
    assert_true(used_at(w) > first);
}

/* -- guesses that run at once ----------------------------------------------------------------------- */

enum { FILLERS = 6 };

static void *fill(void *context)
{
    struct world                  *w     = context;
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     hash;
    struct err                     err;

    CHECK_OK(auth_password_make(w->g.auth, arena, STR("something else"), &hash, &err), &err);
    return NULL;
}

struct guess {
    struct world *w;
    int           found;
};

static void *guess_right(void *context)
{
    struct guess      *guess = context;
    struct auth_caller caller;
    struct err         err;

    guess->found = auth_login(guess->w->g.auth, STR("bob"), STR("right"), STR("192.0.2.1"), true,
                              &caller, &err);
    return NULL;
}

/* The right password waits behind others for its hash when the wrong ones before it bring the lock: whether it looked
 * before that or after, it is refused. */
void test_login_a_right_guess_finds_the_lock_that_came_while_it_waited(void **state)
{
    struct world       *w     = *state;
    struct guess        guess = { .w = w, .found = -2 };
    struct meta_account bob   = { .name = STR("bob"), .kind = STR("user"), .is_active = 1 };
    pthread_t           fillers[FILLERS], right;
    int64_t             id, n;

    CHECK_OK(auth_password_make(w->g.auth, w->g.arena, STR("right"), &bob.password_hash, &w->g.err),
             &w->g.err);
    begin(w);
    CHECK_OK(meta_account_add(w->g.tx, &bob, &id, &w->g.err), &w->g.err);
    commit(w);
    for (int i = 0; i < FILLERS; i++)
        assert_int_equal(pthread_create(&fillers[i], NULL, fill, w), 0);
    assert_int_equal(pthread_create(&right, NULL, guess_right, &guess), 0);
    begin(w);
    CHECK_OK(meta_attempt_add(w->g.tx, STR("bob"), STR("192.0.2"), db_now(w->g.tx), 0, &n,
                              &w->g.err),
             &w->g.err);
    CHECK_OK(meta_attempt_lock(w->g.tx, STR("bob"), STR("192.0.2"), db_now(w->g.tx) + DAY_US,
                               &w->g.err),
             &w->g.err);
    commit(w);
    pthread_join(right, NULL);
    for (int i = 0; i < FILLERS; i++)
        pthread_join(fillers[i], NULL);
    assert_int_equal(guess.found, 0);
}
