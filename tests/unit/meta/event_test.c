/* event_test.c: each event has its audit record, and readers get every event once, in order. */
#include "meta/event.h"

#include "fixture.h"
#include "meta/activity.h"
#include "meta/activity_list.h"
#include "meta/outbox.h"

/* clang-format off */
static const struct db_statement
audits   = { .name = "audits",   .in = "t", .out = "i", .sql = "SELECT count(*) FROM audit WHERE outcome = $1" },
same     = { .name = "same",     .in = "",  .out = "i",
             .sql = "SELECT count(*) FROM audit AS a JOIN events AS e ON e.request_id = a.request_id AND e.type = a.action"
                    " AND e.at = a.at AND e.digest = a.digest AND a.actor_name = 'admin' AND a.address = '192.0.2.1'" };
/* clang-format on */

int event_test_setup(void **state)
{
    return fixture_open(state);
}

int event_test_teardown(void **state)
{
    return fixture_close(state);
}

static const struct meta_actor actor = { .kind          = "user",
                                         .account_id    = 1,
                                         .name          = STR("admin"),
                                         .credential_id = STR("jti"),
                                         .address       = STR("192.0.2.1"),
                                         .request_id    = STR("r-1") };

static void add(struct fixture *f, const char *tag)
{
    struct meta_event event = { .type        = "TAG_PUSH",
                                .repo_id     = f->repo,
                                .path        = STR("admin/app"),
                                .object_kind = "tag",
                                .object_name = str_from(tag),
                                .digest      = str_from(fixture_digest('a')) };

    CHECK_OK(meta_event_add(f->tx, &actor, &event, &f->err), &f->err);
}

static int64_t count(struct fixture *f, const char *outcome)
{
    int64_t n = -1;

    assert_int_equal(db_find_int(f->tx, &audits, DB_ARGS(db_text(str_from(outcome))), &n, &f->err),
                     1);
    return n;
}

static void read_all(struct fixture *f, struct meta_event_row **rows, size_t *n)
{
    struct meta_outbox_cursor cursor = { .seen = STR(""), .span = STR(""), .now = STR("") };

    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 100, rows, n, &f->err), &f->err);
}

void test_event_has_its_audit_record(void **state)
{
    struct fixture *f = *state;
    int64_t         n = -1;

    add(f, "v1");
    assert_int_equal(count(f, "done"), 1);
    assert_int_equal(db_find_int(f->tx, &same, DB_NO_ARGS, &n, &f->err), 1);
    assert_int_equal(n, 1);
}

void test_event_a_refusal_is_audited_alone(void **state)
{
    struct fixture        *f         = *state;
    struct meta_actor      anonymous = { .kind = "anonymous" };
    struct meta_event      event     = { .type = "LOGIN", .object_kind = "account" };
    struct meta_event_row *rows;
    size_t                 n;

    CHECK_OK(meta_audit_add(f->tx, &anonymous, &event, "refused", STR("bad password"), &f->err),
             &f->err);
    assert_int_equal(count(f, "refused"), 1);
    read_all(f, &rows, &n);
    assert_int_equal(n, 0);
}

void test_event_readers_get_each_once_in_order(void **state)
{
    struct fixture           *f      = *state;
    struct meta_outbox_cursor cursor = { .seen = STR(""), .span = STR(""), .now = STR("") };
    struct meta_event_row    *rows;
    size_t                    n;

    add(f, "v1");
    add(f, "v2");
    fixture_next_tx(f);
    add(f, "v3");
    fixture_next_tx(f);

    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 2, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_STR(rows[0].object_name, "v1");
    CHECK_STR(rows[1].object_name, "v2");
    CHECK_STR(rows[0].type, "TAG_PUSH");
    CHECK_STR(rows[0].actor_kind, "user");
    CHECK_STR(rows[0].credential_id, "jti");
    CHECK_STR(rows[0].path, "admin/app");
    CHECK_STR(rows[0].object_kind, "tag");
    CHECK_STR(rows[0].digest, fixture_digest('a'));
    CHECK_STR(rows[0].request_id, "r-1");
    assert_int_equal(rows[0].repo_id, f->repo);
    assert_int_equal(rows[0].actor_id, 1);
    assert_null(rows[0].old_digest.p);
    assert_null(rows[0].target.p);
    assert_true(rows[0].at > 0);
    assert_int_equal(rows[0].n, 1);

    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 10, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(rows[0].object_name, "v3");
    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 10, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
}

void test_event_is_gone_with_its_transaction(void **state)
{
    struct fixture        *f = *state;
    struct meta_event_row *rows;
    size_t                 n;

    add(f, "v1");
    fixture_retry(f);
    read_all(f, &rows, &n);
    assert_int_equal(n, 0);
    assert_int_equal(count(f, "done"), 0);
}

static int64_t expire(struct fixture *f, int64_t before, int64_t surplus)
{
    int64_t n = -1;

    CHECK_OK(meta_event_expire(f->tx, before, surplus, 100, &n, &f->err), &f->err);
    return n;
}

/* By age or by number; what a living reader has not had stays. */
void test_event_old_ones_go_when_all_readers_had_them(void **state)
{
    struct fixture           *f = *state;
    struct meta_outbox_cursor cursor;
    struct meta_event_row    *rows;
    size_t                    n;
    int64_t                   surplus;

    for (int i = 1; i <= 6; i++)
        add(f, mem_printf(f->arena, "v%d", i));
    CHECK_OK(meta_outbox_register(f->tx, STR("reader"), true, &f->err), &f->err);
    assert_int_equal(expire(f, INT64_MAX, 0), 0);

    assert_int_equal(meta_outbox_take(f->tx, f->arena, STR("reader"), &cursor, &f->err), 1);
    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 4, &rows, &n, &f->err), &f->err);
    CHECK_OK(meta_outbox_move(f->tx, STR("reader"), &cursor, &f->err), &f->err);
    assert_int_equal(expire(f, 0, 0), 0);
    CHECK_OK(meta_event_surplus(f->tx, 3, &surplus, &f->err), &f->err);
    assert_int_equal(surplus, rows[2].id);
    assert_int_equal(expire(f, 0, surplus), 3);
    assert_int_equal(expire(f, INT64_MAX, 0), 1);
    assert_int_equal(expire(f, INT64_MAX, INT64_MAX), 0);
    CHECK_OK(meta_outbox_page(f->tx, f->arena, &cursor, 10, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
}

/* A tag that is moved is changed, not made; what came back is made; what is no activity is in no list. */
void test_event_classes_are_the_words_of_lists(void **state)
{
    static const struct {
        struct meta_event event;
        const char       *verb, *noun;
    } cases[] = {
        { { .type = "TAG_PUSH" }, "CREATE", "TAG" },
        { { .type = "TAG_PUSH", .old_digest = STR("sha256:0") }, "UPDATE", "TAG" },
        { { .type = "TAG_UNDELETE" }, "CREATE", "TAG" },
        { { .type = "REPO_UNDELETE" }, "CREATE", "REPOSITORY" },
        { { .type = "MANIFEST_UNDELETE" }, "CREATE", "MANIFEST" },
        { { .type = "MANIFEST_PULL" }, "GET", "MANIFEST" },
    };
    struct meta_event other = { .type = "SETTING_CHANGED" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t class = meta_activity_of(&cases[i].event);

        assert_string_equal(meta_activity_verb(class), cases[i].verb);
        assert_string_equal(meta_activity_noun(class), cases[i].noun);
    }
    assert_int_equal(meta_activity_of(&other), 0);
}
