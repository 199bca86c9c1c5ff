/* access_fault.c: the database goes away at operation 1, 2, 3, … of each verb about accounts, until the verb
 * succeeds: what it was about to do did not happen by half, and doing it again works. */
#include "faulty_db.h"
#include "fixture.h"
#include "work/account.h"
#include "work/account_import.h"
#include "work/account_key.h"
#include "work/grant.h"
#include "work/many.h"
#include "work/role.h"
#include "work/team.h"
#include "work/team_access.h"

enum { OPERATIONS_MAX = 200 };

static struct auth_account acme, ada;

int access_fault_setup(void **state)
{
    static const struct work_import all[] = { { .name = STR("acme"), .is_org = true },
                                              { .name = STR("ada"), .is_active = true } };

    fixture_open(state);
    struct fixture *f = *state;
    CHECK_OK(work_accounts_import(f->work, &f->actor, all, ARRAY_LEN(all), &f->err), &f->err);
    acme =
        (struct auth_account){ .name = STR("acme"), .kind = STR("organization"), .by_admin = true };
    acme.id = fixture_ask(f, "SELECT id FROM accounts WHERE name = 'acme'");
    ada     = (struct auth_account){ .name = STR("ada"), .kind = STR("user"), .by_admin = true };
    ada.id  = fixture_ask(f, "SELECT id FROM accounts WHERE name = 'ada'");
    return 0;
}

int access_fault_teardown(void **state)
{
    return fixture_close(state);
}

static int create_org(struct fixture *f)
{
    struct work_account_new new = { .name = STR("made"), .is_org = true };
    struct meta_account_row row;

    return work_account_create(f->work, f->arena, &f->actor, &new, &row, &f->err);
}

static int switch_off(struct fixture *f)
{
    struct work_account_change change = { .has_active = true };
    struct meta_account_row    row;

    return work_account_change(f->work, f->arena, &f->actor, &ada, &change, &row, &f->err);
}

static int delete_account(struct fixture *f)
{
    return work_account_delete(f->work, &f->actor, STR("ada"), &f->err);
}

static int import_two(struct fixture *f)
{
    static const struct work_import two[] = { { .name = STR("one") }, { .name = STR("two") } };

    return work_accounts_import(f->work, &f->actor, two, 2, &f->err);
}

/* A team, a user in it who so becomes a member, and out of both again. */
static int join_and_leave(struct fixture *f)
{
    struct work_team_seat seat = {
        .org = &acme, .team = STR("devs"), .user = STR("ada"), .hand = { .is_manager = true }
    };
    struct work_team_change devs       = { .name = STR("devs") };
    struct work_membership  membership = { 0 };
    struct meta_member      member;
    struct meta_team        team;

    if (fixture_ask(f, "SELECT count(*) FROM teams") == 0 &&
        work_team_create(f->work, f->arena, &f->actor, &acme, &devs, &team, &f->err) < 0)
        return -1;
    if (work_team_member_put(f->work, f->arena, &f->actor, &seat, &membership, &member, &f->err) <
        0)
        return -1;
    return work_member_remove(f->work, &f->actor, &acme, STR("ada"), &f->err);
}

static int add_key(struct fixture *f)
{
    struct work_key_change new = {
        .public_key = STR("-----BEGIN PUBLIC KEY-----\n"
                          "MCowBQYDK2VwAyEAC26dMk6oVC0irIbfNjTV3gmz8Vq1FsEvPUv+xiKycCk=\n"
                          "-----END PUBLIC KEY-----\n")
    };
    struct work_key key;

    return work_key_add(f->work, f->arena, &f->actor, &ada, &new, &key, &f->err);
}

/* A team gets a level, another in its place, and none; then the namespace is cleared of what else was granted. */
static int grant_and_clear(struct fixture *f)
{
    struct work_team_change devs = { .name = STR("devs") };
    struct work_grantee     to   = { .account = STR("ada") };
    struct auth_repo place = { .path = STR("acme"), .namespace_id = acme.id, .verbs = AUTH_ALL };
    struct work_team_access  access;
    struct meta_grant        grant;
    struct meta_team         team;
    static const char *const levels[] = { "read-only", "admin" };

    if (fixture_ask(f, "SELECT count(*) FROM teams") == 0 &&
        work_team_create(f->work, f->arena, &f->actor, &acme, &devs, &team, &f->err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (work_team_access_put(f->work, f->arena, &f->actor, &place, STR("devs"),
                                 str_from(levels[i]), &access, &f->err) < 0)
            return -1;
    }
    if (fixture_ask(f, "SELECT count(*) FROM grants WHERE account_id IS NOT NULL") == 0 &&
        work_grant_add(f->work, f->arena, &f->actor, &place, STR("auditor"), &to, &grant, &f->err) <
            0)
        return -1;
    return work_many_clear(f->work, &f->actor, &acme, &f->err);
}

/* A role is made, changed and deleted; what an earlier try has left is where this one goes on. */
static int make_and_end_role(struct fixture *f)
{
    struct work_role_form form = { .name      = STR("mover"),
                                   .has_verbs = true,
                                   .verbs     = AUTH_TAG_MOVE };
    struct meta_role      role;

    if (fixture_ask(f, "SELECT count(*) FROM roles WHERE name = 'mover'") == 0 &&
        work_role_add(f->work, f->arena, &f->actor, &form, &role, &f->err) < 0)
        return -1;
    form.verbs = AUTH_ALL;
    if (work_role_change(f->work, f->arena, &f->actor, form.name, &form, &role, &f->err) < 0)
        return -1;
    return work_role_remove(f->work, f->arena, &f->actor, form.name, &f->err);
}

static void check_no_half(struct fixture *f, const char *name, int n)
{
    static const char *const wrongs[] = {
        "SELECT count(*) FROM pragma_foreign_key_check",
        "SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM audit WHERE outcome = "
        "'done')",
        "SELECT count(*) FROM team_members AS m JOIN teams AS t ON t.id = m.team_id WHERE NOT "
        "EXISTS"
        " (SELECT 1 FROM org_members AS o WHERE o.org_id = t.org_id AND o.account_id = "
        "m.account_id)",
        "SELECT count(*) % 2 FROM accounts WHERE name IN ('one', 'two')",
        "SELECT count(*) > 1 FROM grants WHERE team_id IS NOT NULL", /* a level takes another's place */
    };

    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        int64_t n_wrong = fixture_ask(f, wrongs[i]);

        if (n_wrong != 0)
            fail_msg("%s, operation %d: %lld for %s", name, n, (long long)n_wrong, wrongs[i]);
    }
}

static void fail_at_each(void **state, const char *name, int (*run)(struct fixture *f))
{
    struct fixture *f    = *state;
    int             n    = 0;
    int             done = -1;

    while (n < OPERATIONS_MAX) {
        faulty_db_fail_at(f->db, ++n);
        done             = run(f);
        bool was_in_time = faulty_db_left > 0;
        faulty_db_heal(f->db);
        if (done < 0 && f->err.kind != ERR_UNAVAILABLE)
            fail_msg("%s, operation %d: %s", name, n, f->err.text);
        check_no_half(f, name, n);
        if (was_in_time)
            break;
    }
    assert_true(n > 1 && n < OPERATIONS_MAX);
    if (done < 0)
        fail_msg("%s: %s", name, f->err.text);
}

/* clang-format off */
void test_fault_create_org(void **state)      { fail_at_each(state, "create organisation", create_org); }
void test_fault_switch_off(void **state)      { fail_at_each(state, "switch off", switch_off); }
void test_fault_delete_account(void **state)  { fail_at_each(state, "delete account", delete_account); }
void test_fault_import(void **state)          { fail_at_each(state, "import", import_two); }
void test_fault_join_and_leave(void **state)  { fail_at_each(state, "join and leave", join_and_leave); }
void test_fault_add_key(void **state)         { fail_at_each(state, "add key", add_key); }
void test_fault_grant_and_clear(void **state) { fail_at_each(state, "grant and clear", grant_and_clear); }
void test_fault_role(void **state)            { fail_at_each(state, "make and end role", make_and_end_role); }
/* clang-format on */
