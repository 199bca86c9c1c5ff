/* rights_test.c: rights add up from ownership, grants and visibility; the decision, the explanation and the list of who
 * can say the same; narrowed credentials and service accounts get no more; guessing is slowed down. */
#include "auth/rights.h"

#include <stdio.h>

#include "auth/auth.h"
#include "auth/verb.h"
#include "check.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/credential.h"
#include "meta/grant.h"
#include "meta/org.h"
#include "meta/repo.h"
#include "meta/role.h"
#include "meta/team.h"

#include "ground.h"

struct world {
    struct ground g;
    int64_t       org, team, repo;
};

static int64_t add_account(struct world *w, struct meta_account account)
{
    int64_t id = 0;

    account.is_active = 1;
    CHECK_OK(meta_account_add(w->g.tx, &account, &id, &w->g.err), &w->g.err);
    return id;
}

static int64_t find_id(struct world *w, const char *name)
{
    struct meta_account account;

    assert_int_equal(meta_account_find_name(w->g.tx, w->g.arena, str_from(name), &account,
                                            &w->g.err),
                     1);
    return account.id;
}

static void begin(struct world *w)
{
    ground_begin(&w->g);
}

static void commit(struct world *w)
{
    ground_commit(&w->g);
}

static void grant(struct world *w, const char *role, int64_t team, int64_t account,
                  const char *path, int64_t repo)
{
    struct meta_role  row;
    struct meta_grant added = {
        .team_id = team, .account_id = account, .path = str_from(path), .repo_id = repo
    };
    struct str ignored_uuid; /* not asked for again */

    assert_int_equal(meta_role_find(w->g.tx, w->g.arena, str_from(role), &row, &w->g.err), 1);
    added.role_id = row.id;
    CHECK_OK(meta_grant_add(w->g.tx, w->g.arena, &added, 1, &ignored_uuid, &w->g.err), &w->g.err);
}

int rights_test_setup(void **state)
{
    struct world *w = mem_new(struct world);

    ground_open(&w->g, 4);

    begin(w);
    add_account(w,
                (struct meta_account){ .name = STR("root"), .kind = STR("user"), .is_admin = 1 });
    w->org =
        add_account(w, (struct meta_account){ .name = STR("org"), .kind = STR("organization") });
    static const char *const users[] = { "owner", "member", "outsider" };
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        add_account(w, (struct meta_account){ .name = str_from(users[i]), .kind = STR("user") });
    struct meta_team team = { .org_id = w->org, .name = STR("devs") };
    CHECK_OK(meta_team_add(w->g.tx, &team, &w->team, &w->g.err), &w->g.err);
    CHECK_OK(meta_org_member_put(w->g.tx, w->org, find_id(w, "owner"), 1, &w->g.err), &w->g.err);
    CHECK_OK(meta_org_member_put(w->g.tx, w->org, find_id(w, "member"), 0, &w->g.err), &w->g.err);
    CHECK_OK(meta_team_member_put(w->g.tx, w->team, find_id(w, "member"), 0, &w->g.err), &w->g.err);
    CHECK_OK(meta_repo_add(w->g.tx, STR("org/app"), w->org, 0, 1, &w->repo, &w->g.err), &w->g.err);
    int64_t other;
    CHECK_OK(meta_repo_add(w->g.tx, STR("org/app/deep"), w->org, 0, 1, &other, &w->g.err),
             &w->g.err);
    CHECK_OK(meta_repo_add(w->g.tx, STR("org/open"), w->org, 1, 1, &other, &w->g.err), &w->g.err);
    commit(w);
    *state = w;
    return 0;
}

int rights_test_teardown(void **state)
{
    struct world *w = *state;

    ground_close(&w->g);
    mem_free(w);
    return 0;
}

static struct auth_caller caller_of(struct world *w, const char *name)
{
    struct auth_caller  caller = { .kind = AUTH_ACCOUNT };
    struct meta_account account;
    struct db_tx       *tx = NULL;

    CHECK_OK(db_begin(w->g.db, DB_READ, "test", &tx, &w->g.err), &w->g.err);
    assert_int_equal(meta_account_find_name(tx, w->g.arena, str_from(name), &account, &w->g.err),
                     1);
    db_abort(&tx);
    caller.account_id = account.id;
    caller.generation = account.generation;
    snprintf(caller.name, sizeof(caller.name), "%s", name);
    return caller;
}

static unsigned verbs_of_caller(struct world *w, const struct auth_caller *caller, const char *path)
{
    unsigned verbs = 0;

    for (size_t i = 0; i < auth_n_verbs; i++) {
        struct auth_repo  repo;
        enum auth_verdict verdict;

        CHECK_OK(auth_repo_open(w->g.auth, w->g.arena, caller, str_from(path),
                                auth_verb_table[i].verb, &repo, &verdict, &w->g.err),
                 &w->g.err);
        verbs |= verdict == AUTH_YES ? auth_verb_table[i].verb : 0u;
    }
    return verbs;
}

/* What the decision gives, and that the explanation and the list of who can agree verb by verb. */
static const char *rights(struct world *w, const char *name, const char *path)
{
    struct auth_caller caller = caller_of(w, name);
    unsigned           verbs  = verbs_of_caller(w, &caller, path);

    for (size_t i = 0; i < auth_n_verbs; i++) {
        enum auth_verb          verb = auth_verb_table[i].verb;
        struct auth_explanation why;
        struct auth_who        *who;
        struct str              next;
        size_t                  n;
        bool                    is_listed = false, is_public;

        CHECK_OK(auth_explain(w->g.auth, w->g.arena, str_from(name), str_from(path), verb, &why,
                              &w->g.err),
                 &w->g.err);
        assert_int_equal(why.is_yes, (verbs & (unsigned)verb) != 0);
        assert_int_equal(why.missing.p == NULL, why.is_yes);
        CHECK_OK(auth_who(w->g.auth, w->g.arena, str_from(path), verb, STR_NULL, 100, &who, &n,
                          &next, &is_public, &w->g.err),
                 &w->g.err);
        for (size_t k = 0; k < n; k++)
            is_listed |= str_is(who[k].account, name);
        assert_int_equal(is_listed || is_public, why.is_yes);
    }
    return auth_verbs_print(w->g.arena, verbs).p;
}

#define ALL auth_verbs_print(w->g.arena, AUTH_ALL).p

void test_rights_without_grants(void **state)
{
    struct world *w = *state;

    assert_string_equal(rights(w, "root", "org/app"), ALL);
    assert_string_equal(rights(w, "owner", "org/app"), ALL);
    assert_string_equal(rights(w, "member", "org/app"), "");
    assert_string_equal(rights(w, "outsider", "org/app"), "");
    assert_string_equal(rights(w, "outsider", "org/open"), "view pull");
}

void test_rights_of_every_built_in_role_are_its_verbs(void **state)
{
    struct world     *w = *state;
    struct meta_role *roles;
    size_t            n;

    begin(w);
    CHECK_OK(meta_role_list(w->g.tx, w->g.arena, &roles, &n, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(n, 8);
    for (size_t i = 0; i < n; i++) {
        const char *user = mem_printf(w->g.arena, "user%zu", i);

        begin(w);
        int64_t id =
            add_account(w, (struct meta_account){ .name = str_from(user), .kind = STR("user") });
        grant(w, roles[i].name.p, 0, id, "org/app", w->repo);
        commit(w);
        assert_string_equal(rights(w, user, "org/app"), roles[i].verbs.p);
        assert_string_equal(rights(w, user, "org/app/deep"), "");
    }
}

void test_rights_of_a_prefix_are_inherited_and_add_up(void **state)
{
    struct world *w = *state;

    begin(w);
    grant(w, "read-only", w->team, 0, "org/app", 0);
    grant(w, "approver", 0, find_id(w, "member"), "org", 0);
    commit(w);
    assert_string_equal(rights(w, "member", "org/app/deep"), "view pull approve");
    assert_string_equal(rights(w, "member", "org/open"), "view pull approve");
    assert_string_equal(rights(w, "outsider", "org/app/deep"), "");

    /* A removed member has nothing from the next decision on. */
    begin(w);
    int64_t n;
    CHECK_OK(meta_org_member_remove(w->g.tx, w->org, find_id(w, "member"), &n, &w->g.err),
             &w->g.err);
    CHECK_OK(meta_grant_remove_of(w->g.tx, find_id(w, "member"), &w->g.err), &w->g.err);
    commit(w);
    assert_string_equal(rights(w, "member", "org/app/deep"), "");
}

void test_rights_of_a_repository_end_with_it(void **state)
{
    struct world *w = *state;
    int64_t       again;

    begin(w);
    grant(w, "admin", w->team, 0, "org/app", w->repo);
    CHECK_OK(meta_repo_delete(w->g.tx, w->repo, &w->g.err), &w->g.err);
    CHECK_OK(meta_repo_add(w->g.tx, STR("org/app"), w->org, 0, 1, &again, &w->g.err), &w->g.err);
    commit(w);
    assert_string_equal(rights(w, "member", "org/app"), "");
}

void test_rights_of_anyone_can_be_switched_off(void **state)
{
    struct world      *w         = *state;
    struct auth_caller anonymous = { .kind = AUTH_ANONYMOUS };
    struct auth_policy policy    = { .may_anonymous = false };

    assert_int_equal(verbs_of_caller(w, &anonymous, "org/open"), AUTH_VIEW | AUTH_PULL);
    auth_set_policy(w->g.auth, &policy);
    assert_int_equal(verbs_of_caller(w, &anonymous, "org/open"), 0);
    assert_string_equal(rights(w, "outsider", "org/open"), "view pull");
}

static const char *view_of(struct world *w, const struct auth_caller *caller)
{
    struct auth_view  view;
    enum auth_verdict verdict;
    struct meta_repo *repos;
    struct db_tx     *tx = NULL;
    size_t            n;
    const char       *out = "";

    CHECK_OK(auth_catalog_open(w->g.auth, w->g.arena, caller, &view, &verdict, &w->g.err),
             &w->g.err);
    assert_int_equal(verdict, AUTH_YES);
    CHECK_OK(db_begin(w->g.db, DB_READ, "test", &tx, &w->g.err), &w->g.err);
    CHECK_OK(meta_repo_page(tx, w->g.arena, &view.repos, STR_NULL, 10, &repos, &n, &w->g.err),
             &w->g.err);
    int64_t count;
    CHECK_OK(meta_repo_count(tx, w->g.arena, &view.repos, &count, &w->g.err), &w->g.err);
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++)
        out =
            mem_printf(w->g.arena, "%s%s" STR_FMT, out, i > 0 ? " " : "", STR_ARGS(repos[i].path));
    db_abort(&tx);
    return out;
}

void test_rights_listings_show_what_may_be_viewed(void **state)
{
    struct world      *w      = *state;
    struct auth_caller caller = caller_of(w, "member");

    assert_string_equal(view_of(w, &caller), "org/open");
    begin(w);
    grant(w, "auditor", w->team, 0, "org/app", w->repo);
    commit(w);
    assert_string_equal(view_of(w, &caller), "org/app org/open");
    begin(w);
    grant(w, "read-only", w->team, 0, "org", 0);
    commit(w);
    assert_string_equal(view_of(w, &caller), "org/app org/app/deep org/open");
    caller = caller_of(w, "owner");
    assert_string_equal(view_of(w, &caller), "org/app org/app/deep org/open");
}

static int64_t add_secret(struct world *w, const char *name, const char *secret, const char *kind,
                          const struct meta_scope *scope)
{
    unsigned char hash[32];
    char          hex[65];
    int64_t       id = 0;

    hash_sha256(str_from(secret), hash);
    text_hex_print(hash, sizeof(hash), hex);
    struct meta_credential row = { .hash        = str_from(hex),
                                   .account_id  = find_id(w, name),
                                   .kind        = str_from(kind),
                                   .slot        = kind[0] == 's',
                                   .is_active   = 1,
                                   .is_narrowed = scope != NULL,
                                   .created_by  = 1 };
    CHECK_OK(meta_credential_add(w->g.tx, &row, &id, &w->g.err), &w->g.err);
    if (scope != NULL)
        CHECK_OK(meta_scope_add(w->g.tx, id, scope, &w->g.err), &w->g.err);
    return id;
}

static int log_in(struct world *w, const char *name, const char *secret, struct auth_caller *out)
{
    return auth_login(w->g.auth, str_from(name), str_from(secret), STR("10.1.2.3"), true, out,
                      &w->g.err);
}

void test_rights_of_a_narrowed_token_are_its_scopes_for_admins_too(void **state)
{
    struct world      *w     = *state;
    struct meta_scope  scope = { .path = STR("org/app"), .verbs = STR("pull") };
    struct auth_caller caller;

    begin(w);
    int64_t id = add_secret(w, "root", "assay_secret", "personal", &scope);
    commit(w);
    assert_int_equal(log_in(w, "root", "assay_secret", &caller), 1);
    assert_int_equal(log_in(w, "owner", "assay_secret", &(struct auth_caller){ 0 }), 0);
    assert_int_equal(verbs_of_caller(w, &caller, "org/app"), AUTH_PULL | AUTH_VIEW);
    assert_int_equal(verbs_of_caller(w, &caller, "org/open"), 0);
    assert_string_equal(view_of(w, &caller), "org/app org/app/deep");

    enum auth_verdict verdict;
    CHECK_OK(auth_instance_open(w->g.auth, &caller, &verdict, &w->g.err), &w->g.err);
    assert_int_not_equal(verdict, AUTH_YES);

    begin(w);
    CHECK_OK(meta_credential_update(w->g.tx, id, STR_NULL, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(verbs_of_caller(w, &caller, "org/app"), 0);
    assert_int_equal(log_in(w, "root", "assay_secret", &caller), 0);
}

void test_rights_of_a_service_account_end_with_its_makers(void **state)
{
    struct world      *w = *state;
    struct auth_caller caller;

    begin(w);
    int64_t maker = find_id(w, "owner");
    int64_t id    = add_account(w, (struct meta_account){ .name     = STR("org+ci"),
                                                          .kind     = STR("service"),
                                                          .owner_id = w->org,
                                                          .maker_id = maker,
                                                          .prefix   = STR("org/app") });
    grant(w, "read-write", 0, id, "org", 0);
    add_secret(w, "org+ci", "assay_robot", "service", NULL);
    commit(w);
    assert_int_equal(log_in(w, "org+ci", "assay_robot", &caller), 1);
    assert_true((verbs_of_caller(w, &caller, "org/app/deep") & AUTH_PUSH) != 0);
    assert_int_equal(verbs_of_caller(w, &caller, "org/open"), AUTH_VIEW | AUTH_PULL);
    assert_string_equal(rights(w, "org+ci", "org/app"),
                        "view pull push create-tag move-tag delete-tag delete scan");

    begin(w);
    CHECK_OK(meta_org_member_put(w->g.tx, w->org, maker, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(verbs_of_caller(w, &caller, "org/app"), 0);

    begin(w);
    CHECK_OK(meta_account_set_active(w->g.tx, maker, 0, &w->g.err), &w->g.err);
    commit(w);
    assert_int_equal(log_in(w, "org+ci", "assay_robot", &caller), 0);
}

/* Whose password is "right password". */
static void add_alice(struct world *w)
{
    struct meta_account account = { .name = STR("alice"), .kind = STR("user") };

    CHECK_OK(auth_password_make(w->g.auth, w->g.arena, STR("right password"),
                                &account.password_hash, &w->g.err),
             &w->g.err);
    begin(w);
    add_account(w, account);
    commit(w);
}

void test_rights_guessing_locks_one_name_in_one_network(void **state)
{
    struct world      *w      = *state;
    struct auth_policy policy = { .login_failures = 2, .login_lock_us = MINUTE_US };
    struct auth_caller caller;

    auth_set_policy(w->g.auth, &policy);
    add_alice(w);
    static const char *const guesses[] = { "123456", "password", "letmein" };
    for (size_t i = 0; i < ARRAY_LEN(guesses); i++) {
        assert_int_equal(log_in(w, "alice", guesses[i], &caller), 0);
        assert_int_equal(log_in(w, "nobody", guesses[i], &caller), 0);
    }
    assert_int_equal(log_in(w, "alice", "right password", &caller), 0);
    assert_int_equal(auth_login(w->g.auth, STR("alice"), STR("right password"), STR("10.1.3.3"),
                                true, &caller, &w->g.err),
                     1);
}

/* A machine that was not told of a new password says the old one all day, and its user still gets in. */
void test_rights_the_same_wrong_password_is_one_guess(void **state)
{
    struct world      *w      = *state;
    struct auth_policy policy = { .login_failures = 2, .login_lock_us = MINUTE_US };
    struct auth_caller caller;

    auth_set_policy(w->g.auth, &policy);
    add_alice(w);
    for (int i = 0; i < 4; i++)
        assert_int_equal(log_in(w, "alice", "of yesterday", &caller), 0);
    assert_int_equal(log_in(w, "alice", "right password", &caller), 1);
}

static bool recall(struct world *w, struct auth_caller *caller, struct auth_repo *out)
{
    return auth_repo_recall(w->g.auth, w->g.arena, caller, STR("org/app"), out);
}

/* The token of `caller` for that repository, just bought. */
static void buy(struct auth_caller *caller, int64_t repo_id, unsigned verbs)
{
    caller->has_token = true;
    caller->issued_at = clock_utc_us();
    caller->n_access  = 1;
    caller->access[0] =
        (struct auth_access){ .path = "org/app", .repo_id = repo_id, .verbs = verbs };
}

void test_rights_a_pull_is_recalled_for_as_long_as_nothing_changes(void **state)
{
    struct world      *w      = *state;
    struct auth_caller caller = caller_of(w, "owner");
    struct auth_repo   repo, seen;
    enum auth_verdict  verdict;

    buy(&caller, w->repo, AUTH_PULL);
    assert_false(recall(w, &caller, &seen));
    CHECK_OK(auth_repo_open(w->g.auth, w->g.arena, &caller, STR("org/app"), AUTH_PULL, &repo,
                            &verdict, &w->g.err),
             &w->g.err);
    assert_int_equal(verdict, AUTH_YES);
    assert_false(repo.is_recalled);

    assert_true(recall(w, &caller, &seen));
    assert_true(seen.is_recalled);
    assert_int_equal(seen.id, w->repo);
    assert_int_equal(seen.verbs, AUTH_PULL);
    assert_int_equal(seen.created_at, repo.created_at);
    CHECK_STR(seen.path, "org/app");

    /* It is what was seen that is remembered: each token is bounded by what it says itself. */
    buy(&caller, w->repo, AUTH_PUSH);
    assert_false(recall(w, &caller, &seen));
    buy(&caller, w->repo + 1, AUTH_PULL);
    assert_false(recall(w, &caller, &seen));
    buy(&caller, w->repo, AUTH_PULL | AUTH_PUSH);
    assert_true(recall(w, &caller, &seen));
    assert_int_equal(seen.verbs, AUTH_PULL | AUTH_PUSH);
    struct auth_caller other = caller_of(w, "outsider");
    buy(&other, w->repo, AUTH_PULL);
    assert_false(recall(w, &other, &seen));
    caller.generation++;
    assert_false(recall(w, &caller, &seen));
    caller.generation--;
    assert_true(recall(w, &caller, &seen));
    auth_changed(w->g.auth);
    assert_false(recall(w, &caller, &seen));
}

void test_rights_a_refusal_is_never_recalled(void **state)
{
    struct world      *w      = *state;
    struct auth_caller caller = caller_of(w, "outsider");
    struct auth_repo   repo;
    enum auth_verdict  verdict;

    buy(&caller, w->repo, AUTH_PULL);
    CHECK_OK(auth_repo_open(w->g.auth, w->g.arena, &caller, STR("org/app"), AUTH_PULL, &repo,
                            &verdict, &w->g.err),
             &w->g.err);
    assert_int_equal(verdict, AUTH_TOO_FEW);
    assert_false(recall(w, &caller, &repo));
}
