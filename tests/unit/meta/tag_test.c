/* tag_test.c: a tag names a manifest of its repository, is moved in place, and is listed in byte order. */
#include "meta/tag.h"

#include "fixture.h"

int tag_test_setup(void **state)
{
    int result = fixture_open(state);

    fixture_add_manifest(*state, 'a');
    fixture_add_manifest(*state, 'b');
    return result;
}

int tag_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct str digest(char letter)
{
    return str_from(fixture_digest(letter));
}

static void put(struct fixture *f, const char *name, char letter)
{
    struct meta_tag tag = { str_from(name), digest(letter), 0, f->account };

    assert_int_equal(meta_tag_add(f->tx, f->repo, &tag, &f->err), 1);
}

void test_tag_is_made_moved_and_removed(void **state)
{
    struct fixture *f = *state;
    struct meta_tag tag;

    assert_int_equal(meta_tag_lock(f->tx, f->arena, f->repo, STR("v1"), &tag, &f->err), 0);
    put(f, "v1", 'a');
    assert_int_equal(meta_tag_lock(f->tx, f->arena, f->repo, STR("v1"), &tag, &f->err), 1);
    CHECK_STR(tag.name, "v1");
    CHECK_STR(tag.digest, fixture_digest('a'));
    assert_int_equal(tag.moved_by, f->account);
    assert_true(tag.moved_at > 0);

    struct meta_tag next = { STR("v1"), digest('b'), 0, f->account };
    assert_int_equal(meta_tag_add(f->tx, f->repo, &next, &f->err), 0);
    assert_int_equal(meta_tag_lock(f->tx, f->arena, f->repo, STR("v1"), &tag, &f->err), 1);
    CHECK_STR(tag.digest, fixture_digest('a'));
    CHECK_OK(meta_tag_move(f->tx, f->repo, &next, &f->err), &f->err);
    assert_int_equal(meta_tag_lock(f->tx, f->arena, f->repo, STR("v1"), &tag, &f->err), 1);
    CHECK_STR(tag.digest, fixture_digest('b'));
    assert_int_equal(meta_tag_remove(f->tx, f->repo, STR("v1"), &f->err), 1);
    assert_int_equal(meta_tag_remove(f->tx, f->repo, STR("v1"), &f->err), 0);
    assert_int_equal(meta_tag_lock(f->tx, f->arena, f->repo, STR("v1"), &tag, &f->err), 0);
}

void test_tag_needs_a_manifest_of_its_repository(void **state)
{
    struct fixture *f       = *state;
    struct meta_tag nowhere = { STR("v1"), digest('z'), 0, 0 };
    struct meta_tag foreign = { STR("v1"), digest('a'), 0, 0 };

    CHECK_FAILS(meta_tag_add(f->tx, f->repo, &nowhere, &f->err), &f->err, ERR_CONFLICT);
    fixture_retry(f);
    CHECK_FAILS(meta_tag_add(f->tx, f->repo + 1, &foreign, &f->err), &f->err, ERR_CONFLICT);
}

static void check_names(const struct str *names, size_t n, const char *const *wanted)
{
    size_t i = 0;

    for (; wanted[i] != NULL; i++) {
        assert_true(i < n);
        CHECK_STR(names[i], wanted[i]);
    }
    assert_int_equal(n, i);
}

static void check_page(struct fixture *f, struct str after, size_t n_max, const char *const *wanted)
{
    struct str *names;
    size_t      n;

    CHECK_OK(meta_tag_page(f->tx, f->arena, f->repo, after, n_max, &names, &n, &f->err), &f->err);
    check_names(names, n, wanted);
}

void test_tag_pages_are_in_byte_order(void **state)
{
    struct fixture *f = *state;
    struct str     *names;
    size_t          n;

    check_page(f, STR_NULL, 10, (const char *[]){ NULL });
    put(f, "v2", 'a');
    put(f, "v10", 'b');
    put(f, "V3", 'a');
    put(f, "latest", 'a');
    check_page(f, STR_NULL, 10, (const char *[]){ "V3", "latest", "v10", "v2", NULL });
    check_page(f, STR_NULL, 2, (const char *[]){ "V3", "latest", NULL });
    check_page(f, STR("latest"), 2, (const char *[]){ "v10", "v2", NULL });
    check_page(f, STR("m"), 1, (const char *[]){ "v10", NULL });
    check_page(f, STR("v2"), 2, (const char *[]){ NULL });
    check_page(f, STR_NULL, 0, (const char *[]){ NULL });

    CHECK_OK(meta_tag_list_of(f->tx, f->arena, f->repo, digest('a'), &names, &n, &f->err), &f->err);
    check_names(names, n, (const char *[]){ "V3", "latest", "v2", NULL });
    CHECK_OK(meta_tag_list_of(f->tx, f->arena, f->repo, digest('z'), &names, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
}
