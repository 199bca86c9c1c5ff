/* grant_test.c: grants and the levels of teams: what is given is what a decision finds, each change is on record, a
 * level takes the place of the one before, nobody gives or takes more than they have, and a namespace that ends takes
 * along what was granted in it. */
#include "work/grant.h"

#include "fixture.h"
#include "work/account.h"
#include "work/account_import.h"
#include "work/many.h"
#include "work/repository.h"
#include "work/team.h"
#include "work/team_access.h"

static struct auth_account acme;
static struct auth_repo    app, space; /* a repository of acme's, and its namespace as a place */

static int64_t ask(struct fixture *f, const char *query)
{
    return fixture_ask(f, query);
}

int grant_test_setup(void **state)
{
    static const struct work_import all[] = { { .name = STR("acme"), .is_org = true },
                                              { .name = STR("ada"), .is_active = true } };
    struct work_team_change         devs  = { .name = STR("devs") };
    struct work_repo_form           form  = { 0 };
    struct work_repo                ignored_repo; /* its row is asked for */
    struct meta_team                ignored_team;

    fixture_open(state);
    struct fixture *f = *state;
    CHECK_OK(work_accounts_import(f->work, &f->actor, all, ARRAY_LEN(all), &f->err), &f->err);
    acme    = (struct auth_account){ .name = STR("acme"), .kind = STR("organization") };
    acme.id = ask(f, "SELECT id FROM accounts WHERE name = 'acme'");
    CHECK_OK(work_team_create(f->work, f->arena, &f->actor, &acme, &devs, &ignored_team, &f->err),
             &f->err);
    app = (struct auth_repo){ .path = STR("acme/app"), .namespace_id = acme.id, .verbs = AUTH_ALL };
    CHECK_OK(work_repo_create(f->work, f->arena, &f->actor, &app, &form, &ignored_repo, &f->err),
             &f->err);
    app.id     = ask(f, "SELECT id FROM repositories WHERE path = 'acme/app'");
    space      = app;
    space.id   = 0;
    space.path = STR("acme");
    return 0;
}

int grant_test_teardown(void **state)
{
    return fixture_close(state);
}

static const struct work_grantee devs = { .org = STR("acme"), .team = STR("devs") };
static const struct work_grantee ada  = { .account = STR("ada") };

static int give(struct fixture *f, const struct auth_repo *place, const char *role,
                const struct work_grantee *to, struct meta_grant *out)
{
    return work_grant_add(f->work, f->arena, &f->actor, place, str_from(role), to, out, &f->err);
}

static int set_level(struct fixture *f, const struct auth_repo *place, const char *level)
{
    struct work_team_access ignored_access; /* rows are asked for */

    return work_team_access_put(f->work, f->arena, &f->actor, place, STR("devs"), str_from(level),
                                &ignored_access, &f->err);
}

static int64_t n_records(struct fixture *f, const char *action)
{
    return ask(f, mem_printf(f->arena, "SELECT count(*) FROM audit WHERE action = '%s'", action));
}

void test_grant_given_and_taken(void **state)
{
    struct fixture   *f = *state;
    struct meta_grant grant, found;

    CHECK_OK(give(f, &app, "pusher", &devs, &grant), &f->err);
    CHECK_STR(grant.team, "devs");
    CHECK_STR(grant.org, "acme");
    assert_int_equal(grant.repo_id, app.id);
    CHECK_OK(work_grant_find(f->work, f->arena, grant.uuid, &found, &f->err), &f->err);
    CHECK_STR(found.role, "pusher");
    CHECK_FAILS(give(f, &app, "pusher", &devs, &grant), &f->err, ERR_EXISTS);
    assert_string_equal(f->err.code, "GRANT_EXISTS");
    assert_int_equal(n_records(f, "GRANT_CREATED"), 1);
    assert_int_equal(
        ask(f, "SELECT count(*) FROM audit WHERE action = 'GRANT_CREATED' AND path = 'acme/app'"
               " AND value_before IS NULL AND value_after LIKE '%pusher%acme/devs%'"),
        1);

    CHECK_OK(work_grant_remove(f->work, f->arena, &f->actor, &app, found.uuid, &f->err), &f->err);
    CHECK_FAILS(work_grant_remove(f->work, f->arena, &f->actor, &app, found.uuid, &f->err), &f->err,
                ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_GRANT");
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 0);
    assert_int_equal(n_records(f, "GRANT_DELETED"), 1);
}

void test_grant_to_whom_there_is_not(void **state)
{
    struct fixture     *f = *state;
    struct meta_grant   grant;
    struct work_grantee to = devs;

    CHECK_FAILS(give(f, &app, "king", &devs, &grant), &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_ROLE");
    to.team = STR("nobody");
    CHECK_FAILS(give(f, &app, "admin", &to, &grant), &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_TEAM");
    to.org = STR("none");
    CHECK_FAILS(give(f, &app, "admin", &to, &grant), &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_ACCOUNT");
    to = (struct work_grantee){ .account = STR("acme") };
    CHECK_FAILS(give(f, &app, "admin", &to, &grant), &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_ACCOUNT");
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 0);
}

void test_grant_no_more_than_one_has(void **state)
{
    struct fixture   *f     = *state;
    struct auth_repo  place = app;
    struct meta_grant grant, other;

    CHECK_OK(give(f, &app, "admin", &ada, &grant), &f->err);
    place.verbs = AUTH_VIEW | AUTH_PULL | AUTH_ACCESS;
    CHECK_FAILS(give(f, &place, "read-write", &devs, &other), &f->err, ERR_DENIED);
    CHECK_OK(give(f, &place, "read-only", &devs, &other), &f->err);
    CHECK_FAILS(work_grant_remove(f->work, f->arena, &f->actor, &place, grant.uuid, &f->err),
                &f->err, ERR_DENIED);
    CHECK_FAILS(set_level(f, &place, "admin"), &f->err, ERR_DENIED);
    CHECK_OK(set_level(f, &app, "read-write"), &f->err);
    CHECK_FAILS(set_level(f, &place, "read-only"), &f->err,
                ERR_DENIED); /* it would take more away */
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 2);
}

void test_grant_is_taken_at_its_own_place(void **state)
{
    struct fixture   *f = *state;
    struct meta_grant grant;

    CHECK_OK(give(f, &space, "read-only", &devs, &grant), &f->err);
    CHECK_FAILS(work_grant_remove(f->work, f->arena, &f->actor, &app, grant.uuid, &f->err), &f->err,
                ERR_NOT_FOUND);
    CHECK_OK(work_grant_remove(f->work, f->arena, &f->actor, &space, grant.uuid, &f->err), &f->err);
}

void test_grant_pages(void **state)
{
    static const char *const roles[] = { "read-only", "pusher", "approver", "auditor" };
    struct fixture          *f       = *state;
    struct meta_grant_filter filter  = { .repo_id = app.id };
    struct meta_grant        grant, *rows;
    size_t                   n;

    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        CHECK_OK(give(f, &app, roles[i], &ada, &grant), &f->err);
    CHECK_OK(work_grant_page(f->work, f->arena, &filter, 0, 3, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 3);
    CHECK_STR(rows[0].role, "read-only");
    CHECK_OK(work_grant_page(f->work, f->arena, &filter, rows[2].id, 3, &rows, &n, &f->err),
             &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(rows[0].role, "auditor");
}

void test_grant_level_takes_the_place_of_the_one_before(void **state)
{
    struct fixture         *f = *state;
    struct meta_grant       grant;
    struct work_team_access access;

    CHECK_OK(give(f, &app, "pusher", &devs, &grant), &f->err); /* no level: stays */
    CHECK_OK(set_level(f, &app, "read-only"), &f->err);
    CHECK_OK(set_level(f, &app, "read-only"), &f->err);
    CHECK_OK(set_level(f, &app, "admin"), &f->err);
    CHECK_OK(set_level(f, &space, "read-write"), &f->err);
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 3);
    assert_int_equal(n_records(f, "GRANT_CREATED"), 4);
    assert_int_equal(n_records(f, "GRANT_DELETED"), 1);
    assert_int_equal(work_team_access_find(f->work, f->arena, 0, &app, STR("devs"), &access,
                                           &f->err),
                     1);
    CHECK_STR(access.level, "admin");

    struct work_team_access *list;
    int64_t                  count;
    size_t                   n;
    CHECK_OK(work_team_access_page(f->work, f->arena, 0, &app, STR_NULL, 10, &list, &n, &f->err),
             &f->err);
    assert_int_equal(n, 1);
    CHECK_OK(work_team_access_count(f->work, &app, &count, &f->err), &f->err);
    assert_int_equal(count, 1);

    CHECK_OK(work_team_access_remove(f->work, f->arena, &f->actor, &app, STR("devs"), &f->err),
             &f->err);
    assert_int_equal(work_team_access_find(f->work, f->arena, 0, &app, STR("devs"), &access,
                                           &f->err),
                     0);
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 2);
    CHECK_FAILS(set_level(f, &app, "owner"), &f->err, ERR_INVALID);
}

void test_grant_of_two_levels_counts_as_the_higher(void **state)
{
    struct fixture         *f = *state;
    struct meta_grant       grant;
    struct work_team_access access, *list;
    size_t                  n;

    CHECK_OK(give(f, &app, "read-only", &devs, &grant), &f->err);
    CHECK_OK(give(f, &app, "read-write", &devs, &grant), &f->err);
    assert_int_equal(work_team_access_find(f->work, f->arena, 0, &app, STR("devs"), &access,
                                           &f->err),
                     1);
    CHECK_STR(access.level, "read-write");
    CHECK_OK(work_team_access_page(f->work, f->arena, 0, &app, STR_NULL, 10, &list, &n, &f->err),
             &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(list[0].level, "read-write");
}

void test_grant_repositories_of_a_team(void **state)
{
    struct fixture          *f   = *state;
    struct auth_account      org = acme;
    struct work_team_found   team;
    struct work_repo_access *list;
    size_t                   n;

    CHECK_FAILS(work_team_open(f->work, f->arena, f->actor.account_id, &org, STR("devs"), &team,
                               &f->err),
                &f->err, ERR_DENIED);
    org.is_owner = true;
    CHECK_OK(work_team_open(f->work, f->arena, f->actor.account_id, &org, STR("devs"), &team,
                            &f->err),
             &f->err);
    CHECK_OK(set_level(f, &app, "read-only"), &f->err);
    CHECK_OK(set_level(f, &space, "admin"), &f->err);
    CHECK_OK(work_team_repo_page(f->work, f->arena, &team, STR_NULL, 10, &list, &n, &f->err),
             &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(list[0].repo.path, "acme/app");
    CHECK_STR(list[0].level, "read-only");
    CHECK_OK(work_repo_delete(f->work, &f->actor, &app, &f->err), &f->err);
    CHECK_OK(work_team_repo_page(f->work, f->arena, &team, STR_NULL, 10, &list, &n, &f->err),
             &f->err);
    assert_int_equal(n, 0);
}

void test_grant_ends_with_its_namespace(void **state)
{
    struct fixture   *f     = *state;
    struct auth_repo  below = space, beside = space;
    struct meta_grant grant;

    below.path  = STR("acme/team");
    beside.path = STR("acmeish");
    CHECK_OK(give(f, &space, "admin", &ada, &grant), &f->err);
    CHECK_OK(give(f, &below, "admin", &ada, &grant), &f->err);
    CHECK_OK(give(f, &beside, "admin", &ada, &grant), &f->err);
    CHECK_OK(work_many_clear(f->work, &f->actor, &acme, &f->err), &f->err);
    assert_int_equal(ask(f, "SELECT count(*) FROM grants"), 1);
    assert_int_equal(n_records(f, "GRANT_DELETED"), 2);
    assert_int_equal(n_records(f, "REPO_DELETED"), 1);
    assert_int_equal(
        ask(f, "SELECT count(*) FROM repositories WHERE path LIKE 'acme/%' AND deleted_at IS NULL"),
        0);

    CHECK_OK(give(f, &space, "admin", &ada, &grant), &f->err);
    CHECK_OK(work_account_delete(f->work, &f->actor, STR("acme"), &f->err), &f->err);
    assert_int_equal(ask(f, "SELECT count(*) FROM grants WHERE path = 'acme'"), 0);
}
