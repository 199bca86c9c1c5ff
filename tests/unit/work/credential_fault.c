/* credential_fault.c: the database goes away at operation 1, 2, 3, … of the verbs about sessions, access tokens and service
 * accounts. A failure leaves nothing behind: neither a row nor a record; and the verb works once the database is back. */
#include <stdio.h>

#include "auth/auth.h"
#include "codec/seal.h"
#include "faulty_db.h"
#include "fixture.h"
#include "work/credential.h"
#include "work/service.h"
#include "work/session.h"

enum { OPERATIONS_MAX = 200 };

#define MINUTE_US INT64_C(60000000)

static const unsigned char key[SEAL_KEY_SIZE] = "a key of thirty-two bytes, fixed";

/* A work of its own, which knows an auth, over the fixture's database. */
struct ground {
    struct fixture     *f;
    struct seal_ring   *ring;
    struct auth        *auth;
    struct work        *work;
    struct auth_caller  caller;
    struct auth_account account;
    struct auth_session session;
    struct work_token   token;
    struct work_service service;
    int                 n;
};

int credential_fault_setup(void **state)
{
    struct ground *g = mem_new(struct ground);

    fixture_open((void **)&g->f);
    g->ring                       = seal_ring_new(key, 1);
    struct auth_settings settings = { .db               = g->f->db,
                                      .ring             = g->ring,
                                      .audience         = STR("test"),
                                      .password_threads = 1,
                                      .password_queue   = 4,
                                      .token_life_us    = 5 * MINUTE_US,
                                      .refresh_life_us  = 60 * MINUTE_US };
    CHECK_OK(auth_new(&settings, &g->auth, &g->f->err), &g->f->err);
    struct work_settings with = { .db = g->f->db, .auth = g->auth, .store = g->f->store };
    g->work                   = work_new(&with);
    g->caller                 = (struct auth_caller){
                        .kind = AUTH_ACCOUNT, .account_id = g->f->actor.account_id, .generation = 1, .name = "admin"
    };
    g->account = (struct auth_account){ .id   = g->f->actor.account_id,
                                        .name = STR("admin"),
                                        .kind = STR("user") };
    *state     = g;
    return 0;
}

int credential_fault_teardown(void **state)
{
    struct ground *g = *state;

    work_free(&g->work);
    auth_free(&g->auth);
    seal_ring_free(&g->ring);
    fixture_close((void **)&g->f);
    mem_free(g);
    return 0;
}

typedef int verb(struct ground *g);

static int begin_session(struct ground *g)
{
    struct work_login login = { .caller = &g->caller, .user_agent = STR("test") };
    char              id[AUTH_SECRET_MAX];

    return work_session_begin(g->work, &g->f->actor, &login, id, &g->session, &g->f->err);
}

static int end_session(struct ground *g)
{
    return work_session_end(g->work, &g->f->actor, str_from(g->session.hash), &g->f->err);
}

static int make_token(struct ground *g)
{
    struct work_scope scope   = { .path = STR("admin/app"), .verbs = AUTH_PULL };
    struct work_token_new new = {
        .label = STR("t"), .is_narrowed = true, .scopes = &scope, .n_scopes = 1
    };
    char secret[AUTH_SECRET_MAX];

    return work_token_create(g->work, g->f->arena, &g->f->actor, &g->caller, &g->account, &new,
                             secret, &g->token, &g->f->err);
}

static int change_token(struct ground *g)
{
    struct work_token_change change = { .has_active = true };

    return work_token_change(g->work, g->f->arena, &g->f->actor, 0, g->token.row.hash, &change,
                             &g->token, &g->f->err);
}

static int delete_token(struct ground *g)
{
    return work_token_delete(g->work, &g->f->actor, 0, g->token.row.hash, &g->f->err);
}

static int make_service(struct ground *g)
{
    struct work_service_new new = { .label = str_from(mem_printf(g->f->arena, "ci%d", g->n)),
                                    .role  = STR("read-only") };
    struct auth_repo place      = { .path = STR("admin"), .verbs = AUTH_ALL };
    char             secret[AUTH_SECRET_MAX];

    new.description = STR("");
    return work_service_create(g->work, g->f->arena, &g->f->actor, &g->caller, &g->account, &place,
                               &new, secret, &g->service, &g->f->err);
}

static int rotate_service(struct ground *g)
{
    struct meta_credential row;
    char                   secret[AUTH_SECRET_MAX];

    return work_service_rotate(g->work, g->f->arena, &g->f->actor, &g->caller, &g->service,
                               &(struct work_secret_new){ .user_agent = STR("test") }, secret, &row,
                               &g->f->err);
}

static int delete_service(struct ground *g)
{
    return work_service_delete(g->work, &g->f->actor, &g->service, &g->f->err);
}

/* Everything that a failed verb must not have touched. */
static int64_t sum(struct ground *g)
{
    return fixture_ask(
        g->f, "SELECT (SELECT count(*) FROM sessions) + 100 * (SELECT count(*) FROM credentials)"
              " + 10000 * (SELECT count(*) FROM credential_scopes)"
              " + 1000000 * (SELECT count(*) FROM accounts WHERE deleted_at IS NULL)"
              " + 10000000 * (SELECT count(*) FROM grants)"
              " + 100000000 * (SELECT count(*) FROM events)"
              " + (SELECT sum(is_active) FROM accounts)"
              " + 7 * (SELECT coalesce(sum(is_active), 0) FROM credentials)");
}

/* `ground` is laid anew before each try. */
static void fail_at_each(void **state, verb *lay, verb *run)
{
    struct ground *g = *state;

    for (int n = 1; n < OPERATIONS_MAX; n++) {
        g->n = n;
        if (lay != NULL)
            CHECK_OK(lay(g), &g->f->err);

        int64_t before = sum(g);
        faulty_db_fail_at(g->f->db, n);
        int  done         = run(g);
        bool was_all_well = faulty_db_left > 0;
        faulty_db_heal(g->f->db);
        if (was_all_well) {
            CHECK_OK(done, &g->f->err);
            assert_int_not_equal(sum(g), before);
            return;
        }
        assert_int_equal(done, -1);
        assert_int_equal(g->f->err.kind, ERR_UNAVAILABLE);
        assert_int_equal(sum(g), before);
    }
    fail_msg("the verb never came to its end");
}

/* clang-format off */
void test_fault_to_begin_session(void **state)  { fail_at_each(state, NULL, begin_session); }
void test_fault_to_end_session(void **state)    { fail_at_each(state, begin_session, end_session); }
void test_fault_to_make_token(void **state)     { fail_at_each(state, NULL, make_token); }
void test_fault_to_change_token(void **state)   { fail_at_each(state, make_token, change_token); }
void test_fault_to_delete_token(void **state)   { fail_at_each(state, make_token, delete_token); }
void test_fault_to_make_service(void **state)   { fail_at_each(state, NULL, make_service); }
void test_fault_to_rotate_service(void **state) { fail_at_each(state, make_service, rotate_service); }
void test_fault_to_delete_service(void **state) { fail_at_each(state, make_service, delete_service); }
/* clang-format on */
