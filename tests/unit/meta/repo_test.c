/* repo_test.c: a path is unique among the living, a tombstone hides at once, and pages show what may be
 * seen, in byte order. */
#include "meta/repo.h"

#include "base/buf.h"
#include "fixture.h"
#include "meta/account.h"

int repo_test_setup(void **state)
{
    return fixture_open(state);
}

int repo_test_teardown(void **state)
{
    return fixture_close(state);
}

static int64_t add(struct fixture *f, const char *path, int64_t namespace_id, int64_t is_public)
{
    int64_t id = 0;

    CHECK_OK(meta_repo_add(f->tx, str_from(path), namespace_id, is_public, f->account, &id,
                           &f->err),
             &f->err);
    return id;
}

void test_repo_is_found_by_path_and_id(void **state)
{
    struct fixture  *f = *state;
    struct meta_repo repo;

    assert_int_equal(meta_repo_find(f->tx, f->arena, STR("admin/app"), &repo, &f->err), 1);
    assert_int_equal(repo.id, f->repo);
    assert_int_equal(repo.namespace_id, f->account);
    assert_int_equal(repo.created_by, f->account);
    assert_int_equal(repo.is_public, 0);
    assert_int_equal(repo.uuid.n, 36);
    assert_int_equal(meta_repo_find(f->tx, f->arena, STR("admin/App"), &repo, &f->err), 0);

    CHECK_OK(meta_repo_set_public(f->tx, f->repo, 1, &f->err), &f->err);
    assert_int_equal(meta_repo_find_id(f->tx, f->arena, f->repo, &repo, &f->err), 1);
    CHECK_STR(repo.path, "admin/app");
    assert_int_equal(repo.is_public, 1);
    assert_int_equal(meta_repo_find_id(f->tx, f->arena, 4711, &repo, &f->err), 0);
}

void test_repo_a_path_is_unique_among_the_living(void **state)
{
    struct fixture  *f    = *state;
    int64_t          id   = 77;
    int64_t          when = 77;
    struct meta_repo repo;

    CHECK_FAILS(meta_repo_add(f->tx, STR("admin/app"), f->account, 0, 0, &id, &f->err), &f->err,
                ERR_EXISTS);
    assert_int_equal(id, 77);
    fixture_retry(f);
    assert_int_equal(meta_repo_last_deleted(f->tx, STR("admin/app"), &when, &f->err), 0);

    CHECK_OK(meta_repo_delete(f->tx, f->repo, &f->err), &f->err);
    assert_int_equal(meta_repo_find(f->tx, f->arena, STR("admin/app"), &repo, &f->err), 0);
    assert_int_equal(meta_repo_find_id(f->tx, f->arena, f->repo, &repo, &f->err), 0);
    assert_int_equal(meta_repo_last_deleted(f->tx, STR("admin/app"), &when, &f->err), 1);
    int64_t first = when;
    CHECK_FAILS(meta_repo_delete(f->tx, f->repo, &f->err), &f->err, ERR_NOT_FOUND);
    fixture_retry(f);
    CHECK_OK(meta_repo_delete(f->tx, f->repo, &f->err), &f->err);

    id = add(f, "admin/app", f->account, 0);
    assert_true(id > f->repo);
    CHECK_OK(meta_repo_delete(f->tx, id, &f->err), &f->err);
    assert_int_equal(meta_repo_last_deleted(f->tx, STR("admin/app"), &when, &f->err), 1);
    assert_true(when >= first);
}

static void check_page(struct fixture *f, int is_all, int64_t namespace_id, struct str after,
                       size_t n_max, const char *wanted)
{
    struct meta_account     owner  = { 0 };
    struct meta_range       range  = { 0 };
    struct meta_repo_filter filter = { .is_all = is_all, .with_public = true };
    struct meta_repo       *repos;
    size_t                  n;
    struct buf              joined;

    if (namespace_id != 0) {
        assert_int_equal(meta_account_find(f->tx, f->arena, namespace_id, &owner, &f->err), 1);
        range = (struct meta_range){
            str_from(mem_printf(f->arena, STR_FMT "/", STR_ARGS(owner.name))),
            str_from(mem_printf(f->arena, STR_FMT "0", STR_ARGS(owner.name))),
        };
        filter.ranges   = &range;
        filter.n_ranges = 1;
    }
    CHECK_OK(meta_repo_page(f->tx, f->arena, &filter, after, n_max, &repos, &n, &f->err), &f->err);
    buf_init(&joined, f->arena, 1000);
    for (size_t i = 0; i < n; i++) {
        buf_text(&joined, i == 0 ? "" : " ");
        buf_str(&joined, repos[i].path);
    }
    CHECK_STR(buf_view(&joined), wanted);
}

void test_repo_pages_show_what_may_be_seen(void **state)
{
    struct fixture     *f   = *state;
    struct meta_account org = { .name = STR("org"), .kind = STR("organization") };
    int64_t             org_id;

    CHECK_OK(meta_account_add(f->tx, &org, &org_id, &f->err), &f->err);
    add(f, "org/secret", org_id, 0);
    add(f, "org/open", org_id, 1);
    add(f, "admin/open", f->account, 1);
    add(f, "admin/app/deep", f->account, 0);
    int64_t gone = add(f, "admin/gone", f->account, 1);
    CHECK_OK(meta_repo_delete(f->tx, gone, &f->err), &f->err);

    check_page(f, 1, 0, STR_NULL, 10, "admin/app admin/app/deep admin/open org/open org/secret");
    check_page(f, 1, 0, STR_NULL, 2, "admin/app admin/app/deep");
    check_page(f, 1, 0, STR("admin/app/deep"), 2, "admin/open org/open");
    check_page(f, 1, 0, STR("org/secret"), 2, "");
    check_page(f, 0, 0, STR_NULL, 10, "admin/open org/open");
    check_page(f, 0, org_id, STR_NULL, 10, "admin/open org/open org/secret");
    check_page(f, 0, org_id, STR_NULL, 1, "admin/open");
    check_page(f, 0, org_id, STR("admin/open"), 1, "org/open");
    check_page(f, 0, f->account, STR_NULL, 10, "admin/app admin/app/deep admin/open org/open");
    check_page(f, 0, f->account, STR_NULL, 3, "admin/app admin/app/deep admin/open");
}
