/* audit_test.c: the audit log is found by every filter, page by page, the newest first, and nobody reads what happened
 * under a name before it was theirs. */
#include "work/audit.h"

#include "fixture.h"

enum { SEEN_MAX = 64 };

struct seen {
    int64_t ids[SEEN_MAX];
    size_t  n;
};

int audit_test_setup(void **state)
{
    return fixture_open(state);
}

int audit_test_teardown(void **state)
{
    return fixture_close(state);
}

static int see(void *context, const struct meta_audit_row *row, struct err *err)
{
    struct seen *seen = context;

    (void)err;
    assert_true(seen->n < SEEN_MAX);
    seen->ids[seen->n++] = row->id;
    return 0;
}

static int64_t search(struct fixture *f, const struct work_audit_query *query, size_t n_max,
                      struct seen *out)
{
    int64_t next = -1;

    *out = (struct seen){ 0 };
    CHECK_OK(work_audit_search(f->work, query, n_max, see, out, &next, &f->err), &f->err);
    for (size_t i = 1; i < out->n; i++)
        assert_true(out->ids[i] < out->ids[i - 1]);
    return next;
}

static struct work_audit_query everything(void)
{
    return (struct work_audit_query){ .filter = { .to = INT64_MAX } };
}

static size_t count(struct fixture *f, const struct meta_audit_filter *filter)
{
    struct work_audit_query query = { .filter = *filter };
    struct seen             seen;

    if (query.filter.to == 0)
        query.filter.to = INT64_MAX;
    assert_int_equal(search(f, &query, SEEN_MAX, &seen), 0);
    return seen.n;
}

/* `hours` after the first record, by whom, at which path. */
static void add(struct fixture *f, int64_t id, int hours, const char *who, const char *path)
{
    const char *script =
        mem_printf(f->arena,
                   "INSERT INTO audit (id, xid, at, action, outcome, actor_kind, actor_id, "
                   "actor_name, path, namespace, object_kind,"
                   " request_id, address) VALUES (%lld, 0, %lld, 'TAG_PUSH', 'done', 'user', 9, "
                   "'%s', '%s', '%s', 'tag', 'r-%lld',"
                   " '10.0.0.%d')",
                   (long long)id, 1700000000000000LL + hours * 3600000000LL, who, path,
                   str_dup(f->arena, str_sub(str_from(path), 0, 3)), (long long)id, hours);

    fixture_break(f, script);
}

static void fill(struct fixture *f)
{
    fixture_break(f, "DELETE FROM audit");
    add(f, 10, 1, "ann", "org/app");
    add(f, 20, 2, "bob", "org/app/sub");
    add(f, 30, 3, "ann", "org/apple");
    add(f, 5000000, 4, "ann", "pub/app"); /* far beyond one range of ids */
}

void test_audit_is_found_by_each_filter(void **state)
{
    struct fixture *f = *state;

    fill(f);
    assert_int_equal(count(f, &(struct meta_audit_filter){ 0 }), 4);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .account = STR("ann") }), 3);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .account = STR("ann"), .actor_id = 8 }),
                     0);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .namespace = STR("org") }), 3);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .path = STR("org/app") }), 2);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .path = STR("org/app"), .is_exact = 1 }),
                     1);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .request = STR("r-20") }), 1);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .address = STR("10.0.0.3") }), 1);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .action = STR("TAG_PUSH") }), 4);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .action = STR("TAG_DELETE") }), 0);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .outcome = STR("refused") }), 0);
}

void test_audit_between_two_times(void **state)
{
    struct fixture *f    = *state;
    int64_t         hour = INT64_C(3600000000), first = 1700000000000000 + hour;

    fill(f);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .from = first + 1 }), 3);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .from = first, .to = first + hour }), 1);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .to = first }), 0);
    assert_int_equal(count(f, &(struct meta_audit_filter){ .from = first + 9 * hour }), 0);
}

void test_audit_pages_bring_each_record_once(void **state)
{
    struct fixture         *f     = *state;
    struct work_audit_query query = everything();
    struct seen             seen;

    fill(f);
    query.under = search(f, &query, 3, &seen);
    assert_int_equal(seen.n, 3);
    assert_int_equal(query.under, 20);
    assert_int_equal(search(f, &query, 3, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.ids[0], 10);
}

void test_audit_a_full_last_page_has_no_next(void **state)
{
    struct fixture         *f     = *state;
    struct work_audit_query query = everything();
    struct seen             seen;

    fill(f);
    assert_int_equal(search(f, &query, 4, &seen), 0);
    assert_int_equal(seen.n, 4);
}

void test_audit_of_an_empty_log(void **state)
{
    struct fixture *f = *state;

    fixture_break(f, "DELETE FROM audit");
    assert_int_equal(count(f, &(struct meta_audit_filter){ .from = 1, .to = 2 }), 0);
}

void test_audit_of_a_name_begins_with_its_owner(void **state)
{
    struct fixture         *f     = *state;
    struct work_audit_query query = everything();
    struct seen             seen;

    fill(f);
    query.owner = fixture_ask(f, "SELECT id FROM accounts WHERE name = 'admin'");
    fixture_break(f, "UPDATE accounts SET created_at = 1700010800000000 WHERE name = 'admin'");
    assert_int_equal(search(f, &query, SEEN_MAX, &seen), 0);
    assert_int_equal(seen.n, 2);
    query.owner = 4711; /* nobody's */
    assert_int_equal(search(f, &query, SEEN_MAX, &seen), 0);
    assert_int_equal(seen.n, 0);
}
