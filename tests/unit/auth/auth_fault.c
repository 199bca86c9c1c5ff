/* auth_fault.c: the database goes away at operation 1, 2, 3, … of logging in, buying and using tokens, deciding,
 * and changing keys. None of it ever ends in a yes: it fails and says so, and works once the database is back. */
#include <stdio.h>

#include "auth/auth.h"
#include "auth/verb.h"
#include "codec/seal.h"
#include "db/db.h"
#include "db/migrate.h"
#include "faulty_db.h"
#include "meta/account.h"
#include "meta/event.h"
#include "meta/repo.h"

#include "scratch.h"

enum { OPERATIONS_MAX = 100 };

#define MINUTE_US INT64_C(60000000)

struct fixture {
    char                folder[SCRATCH_MAX];
    struct arena       *arena;
    struct seal_ring   *ring;
    struct db          *db;
    struct auth        *auth;
    struct auth_caller  caller;
    struct auth_granted granted;
    struct err          err;
};

static const unsigned char key[SEAL_KEY_SIZE] = "a key of thirty-two bytes, fixed";

static void open_auth(struct fixture *f)
{
    struct auth_settings settings = {
        .db               = f->db,
        .ring             = f->ring,
        .audience         = STR("test"),
        .password_threads = 1,
        .password_queue   = 4,
        .token_life_us    = 5 * MINUTE_US,
        .refresh_life_us  = 60 * MINUTE_US,
    };

    CHECK_OK(auth_new(&settings, &f->auth, &f->err), &f->err);
}

static void add_admin(struct fixture *f)
{
    struct db_tx       *tx      = NULL;
    struct meta_account account = {
        .name = STR("admin"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };
    int64_t id, repo;

    CHECK_OK(auth_password_make(f->auth, f->arena, STR("secret"), &account.password_hash, &f->err),
             &f->err);
    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_account_add(tx, &account, &id, &f->err), &f->err);
    CHECK_OK(meta_repo_add(tx, STR("admin/app"), id, 0, id, &repo, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
}

static const struct meta_actor nobody = { .kind = "system" };

static int buy(struct fixture *f)
{
    struct auth_refresh_wish wish   = { .client_id = STR("test"), .actor = &nobody };
    struct auth_scopes       scopes = { 0 };

    auth_scopes_add(f->arena, STR("repository:admin/app:pull,push repository:admin/new:push"),
                    &scopes);
    return auth_token_issue(f->auth, f->arena, &f->caller, &scopes, &wish, &f->granted, &f->err);
}

int auth_fault_setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    char            url[SCRATCH_MAX + 32];

    scratch_make(f->folder);
    f->arena = arena_new();
    f->ring  = seal_ring_new(key, 1);
    snprintf(url, sizeof(url), "sqlite:%s/assay.db", f->folder);
    struct db_settings settings = { .url = str_from(url), .n_readers = 2 };
    CHECK_OK(db_open(&settings, &f->db, &f->err), &f->err);
    CHECK_OK(db_migrate(f->db, NULL, NULL, &f->err), &f->err);
    open_auth(f);
    add_admin(f);
    assert_int_equal(auth_login(f->auth, STR("admin"), STR("secret"), STR("127.0.0.1"), true,
                                &f->caller, &f->err),
                     1);
    CHECK_OK(buy(f), &f->err);
    *state = f;
    return 0;
}

int auth_fault_teardown(void **state)
{
    struct fixture *f = *state;

    auth_free(&f->auth);
    db_close(&f->db);
    seal_ring_free(&f->ring);
    arena_free(&f->arena);
    scratch_remove(f->folder);
    mem_free(f);
    return 0;
}

typedef int step(struct fixture *f);

static int log_in(struct fixture *f)
{
    struct auth_caller caller;

    return auth_login(f->auth, STR("admin"), STR("secret"), STR("127.0.0.1"), true, &caller,
                      &f->err);
}

static int decide(struct fixture *f)
{
    struct auth_repo  repo;
    enum auth_verdict verdict;

    if (auth_repo_open(f->auth, f->arena, &f->caller, STR("admin/app"), AUTH_PULL, &repo, &verdict,
                       &f->err) < 0)
        return -1;
    assert_int_equal(verdict, AUTH_YES);
    return 0;
}

/* With a token the tombstones of the path count, too. */
static int decide_by_token(struct fixture *f)
{
    struct auth_caller caller;
    struct auth_repo   repo;
    enum auth_verdict  verdict;

    assert_int_equal(auth_token_accept(f->auth, f->arena, f->granted.token, &caller, &f->err), 1);
    if (auth_repo_open(f->auth, f->arena, &caller, STR("admin/new"), AUTH_PUSH, &repo, &verdict,
                       &f->err) < 0)
        return -1;
    assert_int_equal(verdict, AUTH_YES);
    return 0;
}

static int use_refresh(struct fixture *f)
{
    struct auth_caller caller;

    return auth_refresh_accept(f->auth, f->arena, f->granted.refresh, &caller, &f->err);
}

static int rotate(struct fixture *f)
{
    struct str kid;

    return auth_key_rotate(f->auth, &nobody, &kid, f->arena, &f->err);
}

static int load(struct fixture *f)
{
    return auth_keys_load(f->auth, &f->err);
}

static int reseal(struct fixture *f)
{
    int n;

    return auth_keys_reseal(f->auth, f->ring, &nobody, &n, &f->err);
}

/* What is remembered of the account would hide the database, and each rotation leaves a key behind; each try
 * begins without them. */
static void forget(struct fixture *f)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(f->db, DB_WRITE, "forget", &tx, &f->err), &f->err);
    CHECK_OK(db_run_script(tx, STR("DELETE FROM token_keys WHERE state = 'retired'"), &f->err),
             &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    auth_free(&f->auth);
    open_auth(f);
}

static void fail_at_each(void **state, const char *name, step *run)
{
    struct fixture *f = *state;
    int             n = 0;
    bool            was_in_time;
    int             done;

    do {
        forget(f);
        faulty_db_fail_at(f->db, ++n);
        done        = run(f);
        was_in_time = faulty_db_left > 0;
        faulty_db_heal(f->db);
        if (!was_in_time && done >= 0)
            fail_msg("%s: operation %d failed and nobody said so", name, n);
        if (done < 0 && f->err.kind != ERR_UNAVAILABLE)
            fail_msg("%s, operation %d: %s", name, n, f->err.text);
    } while (!was_in_time && n < OPERATIONS_MAX);
    assert_true(done >= 0 && n > 1);
}

/* clang-format off */
void test_fault_log_in(void **state)          { fail_at_each(state, "log in", log_in); }
void test_fault_buy_token(void **state)       { fail_at_each(state, "buy a token", buy); }
void test_fault_decide(void **state)          { fail_at_each(state, "decide", decide); }
void test_fault_decide_by_token(void **state) { fail_at_each(state, "decide by token", decide_by_token); }
void test_fault_use_refresh(void **state)     { fail_at_each(state, "use a refresh token", use_refresh); }
void test_fault_rotate_key(void **state)      { fail_at_each(state, "rotate the key", rotate); }
void test_fault_load_keys(void **state)       { fail_at_each(state, "load keys", load); }
void test_fault_reseal_keys(void **state)     { fail_at_each(state, "reseal keys", reseal); }
/* clang-format on */
