/* role_test.c: roles are made, changed and deleted with a record each; built-in ones and those in use stay. */
#include "work/role.h"

#include "auth/verb.h"
#include "fixture.h"

int role_test_setup(void **state)
{
    return fixture_open(state);
}

int role_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct work_role_form form(const char *name, unsigned verbs)
{
    return (struct work_role_form){ .name = str_from(name), .has_verbs = true, .verbs = verbs };
}

static void add(struct fixture *f, const char *name, unsigned verbs)
{
    struct work_role_form wanted = form(name, verbs);
    struct meta_role      role;

    CHECK_OK(work_role_add(f->work, f->arena, &f->actor, &wanted, &role, &f->err), &f->err);
    CHECK_STR(role.name, name);
}

void test_role_of_ones_own_is_made_changed_and_deleted_on_record(void **state)
{
    struct fixture       *f       = *state;
    struct work_role_form changes = { .has_description = true, .description = STR("moves tags") };
    struct meta_role      role;

    add(f, "mover", AUTH_VIEW | AUTH_TAG_MOVE);
    CHECK_OK(work_role_change(f->work, f->arena, &f->actor, STR("mover"), &changes, &role, &f->err),
             &f->err);
    CHECK_STR(role.verbs, "view move-tag");
    CHECK_STR(role.description, "moves tags");
    CHECK_OK(work_role_remove(f->work, f->arena, &f->actor, STR("mover"), &f->err), &f->err);
    CHECK_FAILS(work_role_get(f->work, f->arena, STR("mover"), &role, &f->err), &f->err,
                ERR_NOT_FOUND);

    assert_int_equal(
        fixture_ask(
            f, "SELECT count(*) FROM audit WHERE object_kind = 'role' AND object_name = 'mover'"),
        3);
    assert_int_equal(fixture_ask(f,
                                 "SELECT count(*) FROM audit WHERE action = 'ROLE_UPDATED' AND"
                                 " value_before LIKE '%\"\"%' AND value_after LIKE '%moves tags%'"),
                     1);
}

void test_role_that_is_built_in_stays(void **state)
{
    struct fixture       *f       = *state;
    struct work_role_form changes = form("", AUTH_ALL);
    struct meta_role      role;

    CHECK_FAILS(work_role_change(f->work, f->arena, &f->actor, STR("pusher"), &changes, &role,
                                 &f->err),
                &f->err, ERR_CONFLICT);
    assert_string_equal(err_code(&f->err), "ROLE_IS_BUILT_IN");
    CHECK_FAILS(work_role_remove(f->work, f->arena, &f->actor, STR("pusher"), &f->err), &f->err,
                ERR_CONFLICT);
}

void test_role_in_use_says_by_how_many(void **state)
{
    struct fixture *f = *state;

    add(f, "used", AUTH_VIEW);
    fixture_break(
        f, "INSERT INTO grants (uuid, role_id, account_id, path, created_at, created_by)"
           " SELECT 'g' || a.id || p.path, r.id, a.id, p.path, 0, 0 FROM roles AS r, accounts AS a,"
           " (SELECT 'one' AS path UNION SELECT 'two') AS p WHERE r.name = 'used'");
    CHECK_FAILS(work_role_remove(f->work, f->arena, &f->actor, STR("used"), &f->err), &f->err,
                ERR_CONFLICT);
    assert_string_equal(err_code(&f->err), "ROLE_IN_USE");
    assert_non_null(strstr(f->err.text, "2 grants"));
}

void test_role_fields_are_checked(void **state)
{
    static const char *const bad[] = { "", "-a", "a-", "A", "a b", "a/b", "a_b" };
    struct fixture          *f     = *state;
    struct meta_role         role;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct work_role_form wanted = form(bad[i], AUTH_VIEW);

        CHECK_FAILS(work_role_add(f->work, f->arena, &f->actor, &wanted, &role, &f->err), &f->err,
                    ERR_INVALID);
        CHECK_STR(str_from(f->err.about), "name");
    }
    struct work_role_form empty = form("empty", AUTH_NONE);
    CHECK_FAILS(work_role_add(f->work, f->arena, &f->actor, &empty, &role, &f->err), &f->err,
                ERR_INVALID);
    add(f, "once", AUTH_VIEW);
    struct work_role_form again = form("once", AUTH_VIEW);
    CHECK_FAILS(work_role_add(f->work, f->arena, &f->actor, &again, &role, &f->err), &f->err,
                ERR_EXISTS);
}
