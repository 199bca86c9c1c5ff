/* account_test.c: accounts are made, changed and deleted with a record each; names are names, the last system admin
 * and whoever has repositories stay, and what belongs to an account goes with it. */
#include "work/account.h"

#include "fixture.h"
#include "work/account_import.h"
#include "work/org.h"
#include "work/repository.h"
#include "work/team.h"

int account_test_setup(void **state)
{
    return fixture_open(state);
}

int account_test_teardown(void **state)
{
    return fixture_close(state);
}

static void bring(struct fixture *f, struct work_import import)
{
    CHECK_OK(work_accounts_import(f->work, &f->actor, &import, 1, &f->err), &f->err);
}

/* As a system admin gets it from the decision. */
static struct auth_account handle(struct fixture *f, const char *name)
{
    struct auth_account account = { .name = str_from(name), .by_admin = true };
    const char         *of      = mem_printf(f->arena, "FROM accounts WHERE name = '%s'", name);

    account.id   = fixture_ask(f, mem_printf(f->arena, "SELECT id %s", of));
    account.kind = fixture_ask(f, mem_printf(f->arena, "SELECT kind = 'user' %s", of))
                       ? STR("user")
                       : STR("organization");
    return account;
}

static int change(struct fixture *f, const char *name, struct work_account_change change)
{
    struct auth_account     account = handle(f, name);
    struct meta_account_row row;

    return work_account_change(f->work, f->arena, &f->actor, &account, &change, &row, &f->err);
}

void test_account_names(void **state)
{
    static const char *const good[] = {
        "a", "a1", "a.b", "a_b", "a__b", "a---b", "docker-datacenter", "0"
    };
    static const char *const bad[] = {
        "",         "A",         "a b",      "a..b",
        "a___b",    ".a",        "a.",       "a/b",
        "a+b",      "a#b",       "\xc3\xa4", "system",
        "everyone", "anonymous", "language", "01a21313-abf3-7c97-9570-9c8198880acf"
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK_OK(work_account_name_check(str_from(good[i]), &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_FAILS(work_account_name_check(str_from(bad[i]), &err), &err, ERR_INVALID);
        assert_string_equal(err.about, "name");
        assert_string_equal(err.code, "INVALID_PARAMETERS");
    }

    char name[102];
    memset(name, 'x', sizeof(name));
    CHECK_OK(work_account_name_check((struct str){ name, 100 }, &err), &err);
    CHECK_FAILS(work_account_name_check((struct str){ name, 101 }, &err), &err, ERR_INVALID);
    CHECK_OK(work_full_name_check(STR("Ada, Countess of L\xc3\xb6velace"), &err), &err);
    CHECK_FAILS(work_full_name_check(STR("a\x7f"), &err), &err, ERR_INVALID);
    CHECK_FAILS(work_full_name_check(STR("a\xff"), &err), &err, ERR_INVALID);
}

void test_account_last_admin_stays(void **state)
{
    struct fixture *f = *state;

    bring(f, (struct work_import){ .name = STR("off"), .is_admin = true });
    bring(f, (struct work_import){ .name = STR("ada"), .is_active = true });
    CHECK_FAILS(change(f, "admin", (struct work_account_change){ .has_admin = true }), &f->err,
                ERR_CONFLICT);
    assert_string_equal(f->err.code, "LAST_ADMIN");
    CHECK_FAILS(change(f, "admin", (struct work_account_change){ .has_active = true }), &f->err,
                ERR_CONFLICT);
    fixture_break(f, "UPDATE repositories SET deleted_at = 1");
    CHECK_FAILS(work_account_delete(f->work, &f->actor, STR("admin"), &f->err), &f->err,
                ERR_CONFLICT);

    /* One who is switched off is no help, and may itself be demoted. */
    CHECK_OK(change(f, "off", (struct work_account_change){ .has_admin = true }), &f->err);
    CHECK_OK(change(f, "ada", (struct work_account_change){ .has_admin = true, .is_admin = true }),
             &f->err);
    CHECK_OK(change(f, "admin", (struct work_account_change){ .has_admin = true }), &f->err);
    CHECK_FAILS(work_account_delete(f->work, &f->actor, STR("ada"), &f->err), &f->err,
                ERR_CONFLICT);
}

void test_account_rank_and_state_are_for_admins(void **state)
{
    struct fixture *f = *state;

    bring(f, (struct work_import){ .name = STR("ada"), .is_active = true });
    struct auth_account        ada  = handle(f, "ada");
    struct work_account_change more = { .has_admin = true, .is_admin = true };
    struct work_account_change same = { .full_name     = STR("A"),
                                        .has_full_name = true,
                                        .has_admin     = true,
                                        .has_active    = true,
                                        .is_active     = true };
    struct meta_account_row    row;

    ada.by_admin = false;
    ada.is_self  = true;
    CHECK_FAILS(work_account_change(f->work, f->arena, &f->actor, &ada, &more, &row, &f->err),
                &f->err, ERR_DENIED);
    CHECK_OK(work_account_change(f->work, f->arena, &f->actor, &ada, &same, &row, &f->err),
             &f->err);
    CHECK_STR(row.account.full_name, "A");
    assert_null(row.account.password_hash.p);
    assert_int_equal(row.account.generation, 1);
}

void test_account_that_is_switched_off_loses_sessions_and_tokens(void **state)
{
    struct fixture *f = *state;

    bring(f, (struct work_import){ .name = STR("ada"), .is_active = true });
    fixture_break(f,
                  "INSERT INTO sessions (hash, account_id, generation, method, created_at, used_at,"
                  " expires_at) SELECT 'h', id, 1, 'password', 1, 1, 1 FROM accounts WHERE name = "
                  "'ada'");
    CHECK_OK(change(f, "ada", (struct work_account_change){ .has_active = true }), &f->err);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM sessions"), 0);
    assert_int_equal(fixture_ask(f, "SELECT generation FROM accounts WHERE name = 'ada'"), 2);
    assert_int_equal(
        fixture_ask(
            f, "SELECT count(*) FROM audit WHERE action = 'ACCOUNT_CHANGED' AND path = 'ada'"
               " AND value_before = '{\"fullName\":\"\",\"isAdmin\":false,\"isActive\":true}'"
               " AND value_after = '{\"fullName\":\"\",\"isAdmin\":false,\"isActive\":false}'"),
        1);
}

void test_account_with_repositories_stays(void **state)
{
    struct fixture *f = *state;

    bring(f, (struct work_import){ .name = STR("acme"), .is_org = true });
    CHECK_OK(work_create_repo(f->work, &f->actor, STR("acme/one"), 0, &f->err), &f->err);
    CHECK_FAILS(work_account_delete(f->work, &f->actor, STR("acme"), &f->err), &f->err,
                ERR_CONFLICT);
    assert_string_equal(f->err.code, "ACCOUNT_HAS_REPOSITORIES");
    assert_non_null(strstr(f->err.text, "1 repository"));
    CHECK_OK(work_delete_repo(f->work, &f->actor, STR("acme/one"), &f->err), &f->err);
    CHECK_OK(work_account_delete(f->work, &f->actor, STR("acme"), &f->err), &f->err);
    CHECK_FAILS(work_account_delete(f->work, &f->actor, STR("acme"), &f->err), &f->err,
                ERR_NOT_FOUND);
    CHECK_FAILS(work_create_repo(f->work, &f->actor, STR("acme/two"), 0, &f->err), &f->err,
                ERR_NOT_FOUND);
}

void test_account_takes_what_is_its_own_along(void **state)
{
    struct fixture        *f          = *state;
    struct work_membership membership = { 0 };
    struct meta_member     member;
    struct meta_team       team;

    bring(f, (struct work_import){ .name = STR("acme"), .is_org = true });
    bring(f, (struct work_import){ .name = STR("ada"), .is_active = true });
    struct auth_account acme    = handle(f, "acme");
    struct work_team_change new = { .name = STR("devs") };
    CHECK_OK(work_team_create(f->work, f->arena, &f->actor, &acme, &new, &team, &f->err), &f->err);
    struct work_team_seat seat = {
        .org = &acme, .team = STR("devs"), .user = STR("ada"), .hand = { .is_manager = true }
    };
    CHECK_OK(work_team_member_put(f->work, f->arena, &f->actor, &seat, &membership, &member,
                                  &f->err),
             &f->err);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM org_members"), 1);

    CHECK_OK(work_account_delete(f->work, &f->actor, STR("ada"), &f->err), &f->err);
    assert_int_equal(
        fixture_ask(
            f, "SELECT (SELECT count(*) FROM org_members) + (SELECT count(*) FROM team_members)"),
        0);
    CHECK_OK(work_account_delete(f->work, &f->actor, STR("acme"), &f->err), &f->err);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM teams"), 0);
    bring(f, (struct work_import){ .name = STR("acme"), .is_org = true });
}

void test_account_import_is_all_or_nothing(void **state)
{
    struct fixture    *f     = *state;
    struct work_import two[] = { { .name = STR("ada") }, { .name = STR("admin") } };

    CHECK_FAILS(work_accounts_import(f->work, &f->actor, two, 2, &f->err), &f->err, ERR_EXISTS);
    assert_non_null(strstr(f->err.text, "accounts[1]"));
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM accounts"), 1);
    two[1] = (struct work_import){ .name = STR("bob"), .password_hash = STR("$6$salt$hash") };
    CHECK_FAILS(work_accounts_import(f->work, &f->actor, two, 2, &f->err), &f->err, ERR_INVALID);
    two[1].password_hash = STR("$argon2id$v=19$m=4096,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    CHECK_OK(work_accounts_import(f->work, &f->actor, two, 2, &f->err), &f->err);
    assert_int_equal(
        fixture_ask(f, "SELECT count(*) FROM accounts WHERE is_imported = 1 AND is_active = 0"), 2);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type = 'ACCOUNT_CREATED'"),
                     2);
}
