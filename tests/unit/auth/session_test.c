/* session_test.c: a session is good until it expires, its account or its token changes, or it is ended; use renews it,
 * but not for ever. */
#include "auth/session.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/rights.h"
#include "check.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/credential.h"
#include "meta/session.h"

#include "ground.h"

struct world {
    struct ground g;
    int64_t       user;
    int64_t       token;
    char          id[AUTH_SECRET_MAX];
};

static void begin(struct world *w)
{
    ground_begin(&w->g);
}

static void commit(struct world *w)
{
    ground_commit(&w->g);
}

static void set_policy(struct world *w, int64_t renewal_us, int64_t most_us)
{
    struct auth_policy policy = {
        .sessions = { .life_us = 60 * MINUTE_US, .renewal_us = renewal_us, .most_us = most_us }
    };

    auth_set_policy(w->g.auth, &policy);
}

/* A session of the user, begun now; with the access token when `credential` is set. */
static void add_session(struct world *w, int64_t credential)
{
    struct auth_session        named;
    struct auth_session_policy policy = auth_session_policy(w->g.auth);

    auth_secret_make(AUTH_SECRET_SESSION, w->id);
    auth_session_name(str_from(w->id), &named);
    begin(w);
    int64_t             now = db_now(w->g.tx);
    struct meta_session row = { .hash                  = str_from(named.hash),
                                .account_id            = w->user,
                                .generation            = 1,
                                .credential            = credential,
                                .credential_generation = credential == 0 ? 0 : 1,
                                .method                = STR("password"),
                                .address               = STR(""),
                                .user_agent            = STR(""),
                                .created_at            = now,
                                .used_at               = now,
                                .expires_at            = auth_session_end(&policy, now, now) };
    CHECK_OK(meta_session_add(w->g.tx, &row, &w->g.err), &w->g.err);
    commit(w);
}

int session_test_setup(void **state)
{
    struct world *w = mem_new(struct world);

    ground_open(&w->g, 4);

    struct meta_account account = {
        .name = STR("ada"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };
    begin(w);
    CHECK_OK(meta_account_add(w->g.tx, &account, &w->user, &w->g.err), &w->g.err);
    struct meta_credential token = { .hash        = STR("h"),
                                     .account_id  = w->user,
                                     .kind        = STR("personal"),
                                     .is_active   = 1,
                                     .is_narrowed = 1,
                                     .created_by  = w->user };
    CHECK_OK(meta_credential_add(w->g.tx, &token, &w->token, &w->g.err), &w->g.err);
    commit(w);
    set_policy(w, 20 * MINUTE_US, 0);
    *state = w;
    return 0;
}

int session_test_teardown(void **state)
{
    struct world *w = *state;

    ground_close(&w->g);
    mem_free(w);
    return 0;
}

static int accept(struct world *w, struct auth_caller *caller, struct auth_session *session)
{
    return auth_session_accept(w->g.auth, w->g.arena, str_from(w->id), caller, session, &w->g.err);
}

static bool is_good(struct world *w)
{
    struct auth_caller  caller;
    struct auth_session session;
    int                 found = accept(w, &caller, &session);

    assert_true(found == 0 || found == 1);
    return found == 1;
}

void test_session_says_who_and_with_what(void **state)
{
    struct world       *w = *state;
    struct auth_caller  caller;
    struct auth_session session, named;

    add_session(w, 0);
    auth_session_name(str_from(w->id), &named);
    assert_int_equal(accept(w, &caller, &session), 1);
    assert_int_equal(caller.kind, AUTH_ACCOUNT);
    assert_int_equal(caller.account_id, w->user);
    assert_string_equal(caller.name, "ada");
    assert_true(caller.is_admin && !caller.is_narrowed && !caller.has_token);
    assert_string_equal(session.method, "password");
    assert_string_equal(session.csrf, named.csrf);
    assert_int_equal(strlen(session.csrf), 64);
    assert_string_not_equal(session.csrf, session.hash);
    assert_false(session.is_renewed);
}

void test_session_of_another_id_is_none(void **state)
{
    struct world *w = *state;

    add_session(w, 0);
    w->id[AUTH_SECRET_MAX - 2] ^= 1;
    assert_false(is_good(w));
    w->id[20] = 0;
    assert_false(is_good(w));
}

void test_session_expires(void **state)
{
    struct world *w = *state;

    set_policy(w, 0, 0);
    add_session(w, 0);
    clock_set_offset(59 * MINUTE_US);
    assert_true(is_good(w));
    clock_set_offset(61 * MINUTE_US);
    assert_false(is_good(w));
}

void test_session_is_renewed_by_use_when_little_is_left(void **state)
{
    struct world       *w = *state;
    struct auth_caller  caller;
    struct auth_session session;

    add_session(w, 0);
    clock_set_offset(30 * MINUTE_US);
    assert_int_equal(accept(w, &caller, &session), 1);
    assert_false(session.is_renewed);
    clock_set_offset(45 * MINUTE_US);
    assert_int_equal(accept(w, &caller, &session), 1);
    assert_true(session.is_renewed);
    assert_true(session.expires_at - session.used_at == 60 * MINUTE_US);
    assert_int_equal(accept(w, &caller, &session), 1);
    assert_false(session.is_renewed);
    clock_set_offset(100 * MINUTE_US);
    assert_true(is_good(w));
}

void test_session_is_not_renewed_for_ever(void **state)
{
    struct world *w = *state;

    set_policy(w, 20 * MINUTE_US, 90 * MINUTE_US);
    add_session(w, 0);
    clock_set_offset(45 * MINUTE_US);
    assert_true(is_good(w));
    clock_set_offset(89 * MINUTE_US);
    assert_true(is_good(w));
    clock_set_offset(91 * MINUTE_US);
    assert_false(is_good(w));
}

void test_session_ends_with_the_account_s_generation(void **state)
{
    struct world *w = *state;

    add_session(w, 0);
    assert_true(is_good(w));
    begin(w);
    CHECK_OK(meta_account_revoke(w->g.tx, w->user, &w->g.err), &w->g.err);
    commit(w);
    assert_false(is_good(w));
}

void test_session_ends_with_its_account(void **state)
{
    struct world *w = *state;

    add_session(w, 0);
    begin(w);
    CHECK_OK(meta_account_set_active(w->g.tx, w->user, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_false(is_good(w));
}

void test_session_by_an_access_token_has_its_bounds_and_ends_with_it(void **state)
{
    struct world       *w = *state;
    struct auth_caller  caller;
    struct auth_session session;

    add_session(w, w->token);
    assert_int_equal(accept(w, &caller, &session), 1);
    assert_true(caller.is_narrowed && !caller.is_admin);
    assert_int_equal(caller.credential, w->token);
    begin(w);
    CHECK_OK(meta_credential_update(w->g.tx, w->token, STR_NULL, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_false(is_good(w));
}

void test_session_use_is_remembered(void **state)
{
    struct world       *w = *state;
    struct auth_session named;

    add_session(w, 0);
    auth_session_name(str_from(w->id), &named);
    assert_int_equal(auth_session_used_at(w->g.auth, str_from(named.hash)), 0);
    assert_true(is_good(w));
    assert_true(auth_session_used_at(w->g.auth, str_from(named.hash)) > 0);
}
