/* team_test.c: teams and memberships: who is put into a team is in the organisation, who leaves that is in no team;
 * owners may all, admins of a team its ordinary members, each change on record. */
#include "work/team.h"

#include "fixture.h"
#include "work/account_import.h"

struct place {
    struct fixture     *f;
    struct auth_account acme;
};

static struct place place;

int team_test_setup(void **state)
{
    static const struct work_import all[] = { { .name = STR("acme"), .is_org = true },
                                              { .name = STR("chief"), .is_active = true },
                                              { .name = STR("ada"), .is_active = true },
                                              { .name = STR("bob"), .is_active = true } };
    struct work_team_change devs = { .name = STR("devs"), .description = STR("they make it") };
    struct meta_team        ignored_team; /* looked up where it matters */

    fixture_open(state);
    struct fixture *f = *state;
    CHECK_OK(work_accounts_import(f->work, &f->actor, all, ARRAY_LEN(all), &f->err), &f->err);
    place = (struct place){ .f = f, .acme = { .name = STR("acme"), .kind = STR("organization") } };
    place.acme.id = fixture_ask(f, "SELECT id FROM accounts WHERE name = 'acme'");
    CHECK_OK(work_team_create(f->work, f->arena, &f->actor, &place.acme, &devs, &ignored_team,
                              &f->err),
             &f->err);
    return 0;
}

int team_test_teardown(void **state)
{
    return fixture_close(state);
}

static const struct work_team_hand owner = { .is_manager = true };

static struct work_team_hand hand_of(const char *name)
{
    const char *query =
        mem_printf(place.f->arena, "SELECT id FROM accounts WHERE name = '%s'", name);

    return (struct work_team_hand){ .account_id = fixture_ask(place.f, query) };
}

static struct work_team_seat seat_of(const struct work_team_hand *hand, const char *user)
{
    return (struct work_team_seat){
        .org = &place.acme, .team = STR("devs"), .user = str_from(user), .hand = *hand
    };
}

/* is_admin: negative leaves it. */
static int put(const struct work_team_hand *hand, const char *user, int is_admin)
{
    struct fixture        *f          = place.f;
    struct work_team_seat  seat       = seat_of(hand, user);
    struct work_membership membership = { .has_admin = is_admin >= 0, .is_admin = is_admin > 0 };
    struct meta_member     member;

    return work_team_member_put(f->work, f->arena, &f->actor, &seat, &membership, &member, &f->err);
}

static int take_out(const struct work_team_hand *hand, const char *user)
{
    struct work_team_seat seat = seat_of(hand, user);

    return work_team_member_remove(place.f->work, &place.f->actor, &seat, &place.f->err);
}

static int64_t n_in(const char *table)
{
    return fixture_ask(place.f, mem_printf(place.f->arena, "SELECT count(*) FROM %s", table));
}

void test_team_member_is_in_the_organisation(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(put(&owner, "ada", -1), &f->err);
    assert_int_equal(n_in("org_members"), 1);
    CHECK_OK(take_out(&owner, "ada"), &f->err);
    assert_int_equal(n_in("org_members"), 1);
    CHECK_OK(put(&owner, "ada", 1), &f->err);
    CHECK_OK(work_member_remove(f->work, &f->actor, &place.acme, STR("ada"), &f->err), &f->err);
    assert_int_equal(n_in("org_members") + n_in("team_members"), 0);
    CHECK_FAILS(take_out(&owner, "ada"), &f->err, ERR_NOT_FOUND);
    CHECK_FAILS(put(&owner, "nobody", 0), &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_USER");
    CHECK_FAILS(put(&owner, "acme", 0), &f->err, ERR_NOT_FOUND);
}

void test_team_admin_changes_ordinary_members(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(put(&owner, "chief", 1), &f->err);
    struct work_team_hand chief = hand_of("chief"), ada = hand_of("ada");
    CHECK_FAILS(put(&chief, "ada", -1), &f->err, ERR_DENIED); /* no member of the organisation */
    CHECK_OK(put(&owner, "ada", -1), &f->err);
    CHECK_FAILS(put(&chief, "ada", 1), &f->err, ERR_DENIED);
    CHECK_OK(put(&chief, "ada", 0), &f->err);
    CHECK_OK(put(&owner, "bob", 1), &f->err);
    CHECK_FAILS(take_out(&chief, "bob"), &f->err, ERR_DENIED);
    CHECK_FAILS(put(&chief, "bob", 0), &f->err, ERR_DENIED);
    CHECK_FAILS(take_out(&ada, "chief"), &f->err, ERR_DENIED);
    CHECK_FAILS(put(&ada, "ada", 1), &f->err, ERR_DENIED);
    CHECK_FAILS(put(&(struct work_team_hand){ 0 }, "ada", 0), &f->err, ERR_DENIED);
    CHECK_OK(take_out(&chief, "ada"), &f->err);
    CHECK_OK(take_out(&chief, "chief"), &f->err);
    CHECK_FAILS(put(&chief, "ada", 0), &f->err, ERR_DENIED);
}

void test_team_membership_is_on_record_with_before_and_after(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(put(&owner, "ada", 0), &f->err);
    CHECK_OK(put(&owner, "ada", 1), &f->err);
    CHECK_OK(take_out(&owner, "ada"), &f->err);
    assert_int_equal(
        fixture_ask(f,
                    "SELECT count(*) FROM audit WHERE path = 'acme' AND object_name = 'ada'"
                    " AND target = 'devs' AND action || '/' || coalesce(value_before, '') || '/' ||"
                    " coalesce(value_after, '') IN ('TEAM_MEMBER_ADDED//{\"isAdmin\":false}',"
                    " 'TEAM_MEMBER_CHANGED/{\"isAdmin\":false}/{\"isAdmin\":true}',"
                    " 'TEAM_MEMBER_REMOVED/{\"isAdmin\":true}/')"),
        3);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM audit WHERE action = 'MEMBER_ADDED'"), 1);
}

void test_team_changes_what_is_said_and_no_more(void **state)
{
    struct fixture         *f    = *state;
    struct work_team_change name = { .name = STR("makers") }, text = { .description = STR("") };
    struct meta_team        team;

    CHECK_OK(work_team_change(f->work, f->arena, &f->actor, &place.acme, STR("devs"), &name, &team,
                              &f->err),
             &f->err);
    CHECK_STR(team.name, "makers");
    CHECK_STR(team.description, "they make it");
    CHECK_OK(work_team_change(f->work, f->arena, &f->actor, &place.acme, team.uuid, &text, &team,
                              &f->err),
             &f->err);
    CHECK_STR(team.name, "makers");
    CHECK_STR(team.description, "");
    CHECK_FAILS(work_team_create(f->work, f->arena, &f->actor, &place.acme, &name, &team, &f->err),
                &f->err, ERR_EXISTS);
    CHECK_OK(work_team_delete(f->work, &f->actor, &place.acme, STR("makers"), &f->err), &f->err);
    CHECK_FAILS(work_team_get(f->work, f->arena, &place.acme, STR("makers"), &team, &f->err),
                &f->err, ERR_NOT_FOUND);
}

void test_team_names(void **state)
{
    static const char *const good[] = { "a", "Devs", "a b", "x_SCIM", "1.2-3" };
    static const char *const bad[]  = {
         "", " a", "a ", "-a", "a/b", "a\t", "\xc3\xa4", "01a21313-abf3-7c97-9570-9c8198880acf"
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK_OK(work_team_name_check(str_from(good[i]), &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(work_team_name_check(str_from(bad[i]), &err), &err, ERR_INVALID);
}
