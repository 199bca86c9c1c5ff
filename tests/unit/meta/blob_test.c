/* blob_test.c: one row a digest whoever wins, links that make visible and pin, and nothing that a manifest
 * names can be taken away. */
#include "meta/blob.h"

#include "fixture.h"
#include "meta/manifest.h"
#include "meta/repo.h"

int blob_test_setup(void **state)
{
    return fixture_open(state);
}

int blob_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct str digest(char letter)
{
    return str_from(fixture_digest(letter));
}

static int64_t pin(struct fixture *f, int64_t repo, char letter, int64_t until, int64_t enough)
{
    int64_t is_written = -1;

    CHECK_OK(meta_blob_pin(f->tx, repo, digest(letter), until, enough, &is_written, &f->err),
             &f->err);
    return is_written;
}

static int is_visible(struct fixture *f, int64_t repo, char letter)
{
    struct meta_blob blob;

    return meta_blob_find_visible(f->tx, f->arena, repo, digest(letter), &blob, &f->err);
}

static int pull(struct fixture *f, int64_t is_public)
{
    struct meta_repo_seen seen = { .id = f->repo, .is_public = is_public };
    struct meta_blob      blob;

    return meta_blob_pull(f->tx, f->arena, &seen, digest('a'), &blob, &f->err);
}

void test_blob_pulls_see_whether_the_repository_is_as_before(void **state)
{
    struct fixture *f = *state;
    struct str      in_force;

    CHECK_OK(meta_blob_put(f->tx, f->arena, digest('a'), 7, STR("objects/1"), &in_force, &f->err),
             &f->err);
    assert_int_equal(pull(f, 0), 0);
    pin(f, f->repo, 'a', 10, 5);
    assert_int_equal(pull(f, 0), 1);
    CHECK_OK(meta_repo_set_public(f->tx, f->repo, 1, &f->err), &f->err);
    assert_int_equal(pull(f, 0), 0);
    assert_int_equal(pull(f, 1), 1);
    assert_int_equal(pull(f, -1), 1);
    CHECK_OK(meta_repo_delete(f->tx, f->repo, &f->err), &f->err);
    assert_int_equal(pull(f, 1), 0);
    assert_int_equal(pull(f, -1), 0);
}

void test_blob_the_first_upload_wins(void **state)
{
    struct fixture  *f = *state;
    struct meta_blob blob;
    struct str       in_force;

    CHECK_OK(meta_blob_put(f->tx, f->arena, digest('a'), 5, STR("key-1"), &in_force, &f->err),
             &f->err);
    CHECK_STR(in_force, "key-1");
    CHECK_OK(meta_blob_put(f->tx, f->arena, digest('a'), 5, STR("key-2"), &in_force, &f->err),
             &f->err);
    CHECK_STR(in_force, "key-1");

    assert_int_equal(meta_blob_find(f->tx, f->arena, digest('a'), &blob, &f->err), 1);
    CHECK_STR(blob.digest, fixture_digest('a'));
    CHECK_STR(blob.object_key, "key-1");
    assert_int_equal(blob.size, 5);
    assert_true(blob.touched_at >= blob.created_at && blob.created_at > 0);
    assert_int_equal(meta_blob_lock(f->tx, f->arena, digest('a'), &blob, &f->err), 1);
    assert_int_equal(meta_blob_lock(f->tx, f->arena, digest('b'), &blob, &f->err), 0);
}

void test_blob_an_object_key_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct str      in_force;

    CHECK_OK(meta_blob_put(f->tx, f->arena, digest('a'), 5, STR("key"), &in_force, &f->err),
             &f->err);
    CHECK_FAILS(meta_blob_put(f->tx, f->arena, digest('b'), 5, STR("key"), &in_force, &f->err),
                &f->err, ERR_EXISTS);
}

void test_blob_a_pin_grows_and_is_not_written_in_vain(void **state)
{
    struct fixture  *f     = *state;
    int64_t          until = 0;
    struct meta_blob before;
    struct meta_blob after;

    fixture_add_blob(f, 'a');
    assert_int_equal(meta_blob_find_pin(f->tx, f->repo, digest('a'), &until, &f->err), 0);
    assert_int_equal(pin(f, f->repo, 'a', 1000, 500), 1);
    assert_int_equal(meta_blob_find_pin(f->tx, f->repo, digest('a'), &until, &f->err), 1);
    assert_int_equal(until, 1000);

    meta_blob_find(f->tx, f->arena, digest('a'), &before, &f->err);
    assert_int_equal(pin(f, f->repo, 'a', 1400, 900), 0);
    assert_int_equal(pin(f, f->repo, 'a', 900, 2000), 0);
    meta_blob_find(f->tx, f->arena, digest('a'), &after, &f->err);
    assert_int_equal(before.touched_at, after.touched_at);

    assert_int_equal(pin(f, f->repo, 'a', 1400, 1000), 1);
    assert_int_equal(meta_blob_find_pin(f->tx, f->repo, digest('a'), &until, &f->err), 1);
    assert_int_equal(until, 1400);
    meta_blob_find(f->tx, f->arena, digest('a'), &after, &f->err);
    assert_true(after.touched_at >= before.touched_at);
}

void test_blob_a_pin_needs_blob_and_repository(void **state)
{
    struct fixture *f = *state;
    int64_t         ignored;

    CHECK_FAILS(meta_blob_pin(f->tx, f->repo, digest('z'), 1, 1, &ignored, &f->err), &f->err,
                ERR_CONFLICT);
    fixture_retry(f);
    fixture_add_blob(f, 'a');
    CHECK_FAILS(meta_blob_pin(f->tx, 4711, digest('a'), 1, 1, &ignored, &f->err), &f->err,
                ERR_CONFLICT);
}

void test_blob_is_visible_through_its_link_or_a_living_manifest(void **state)
{
    struct fixture *f     = *state;
    int64_t         other = 0;

    CHECK_OK(meta_repo_add(f->tx, STR("admin/other"), f->account, 0, 0, &other, &f->err), &f->err);
    fixture_add_blob(f, 'a');
    assert_int_equal(is_visible(f, f->repo, 'a'), 0);
    pin(f, f->repo, 'a', 1, 1);
    assert_int_equal(is_visible(f, f->repo, 'a'), 1);
    assert_int_equal(is_visible(f, other, 'a'), 0);
    assert_int_equal(is_visible(f, f->repo, 'b'), 0);

    assert_int_equal(meta_blob_unlink(f->tx, f->repo, digest('a'), &f->err), 1);
    assert_int_equal(meta_blob_unlink(f->tx, f->repo, digest('a'), &f->err), 0);
    assert_int_equal(is_visible(f, f->repo, 'a'), 0);

    fixture_add_manifest(f, 'm');
    assert_int_equal(meta_blob_is_used(f->tx, f->repo, digest('a'), &f->err), 0);
    CHECK_OK(meta_manifest_add_blob(f->tx, f->repo, digest('m'), digest('a'), &f->err), &f->err);
    assert_int_equal(is_visible(f, f->repo, 'a'), 1);
    assert_int_equal(meta_blob_is_used(f->tx, f->repo, digest('a'), &f->err), 1);
    assert_int_equal(meta_blob_is_used(f->tx, other, digest('a'), &f->err), 0);

    assert_int_equal(meta_manifest_delete(f->tx, f->repo, digest('m'), &f->err), 1);
    assert_int_equal(is_visible(f, f->repo, 'a'), 0);
    assert_int_equal(meta_blob_is_used(f->tx, f->repo, digest('a'), &f->err), 0);
}

static void check_restricted(struct fixture *f, const char *sql)
{
    CHECK_FAILS(db_run_script(f->tx, str_from(sql), &f->err), &f->err, ERR_CONFLICT);
    fixture_retry(f);
}

void test_blob_what_something_relies_on_cannot_be_removed(void **state)
{
    struct fixture *f = *state;

    fixture_add_blob(f, 'a');
    fixture_add_blob(f, 'b');
    pin(f, f->repo, 'a', 1, 1);
    fixture_add_manifest(f, 'm');
    CHECK_OK(meta_manifest_add_blob(f->tx, f->repo, digest('m'), digest('b'), &f->err), &f->err);
    meta_manifest_delete(f->tx, f->repo, digest('m'), &f->err);
    fixture_next_tx(f);

    check_restricted(f, "DELETE FROM blobs WHERE digest LIKE 'sha256:a%'");
    check_restricted(f, "DELETE FROM blobs WHERE digest LIKE 'sha256:b%'");
    check_restricted(f, "UPDATE blobs SET digest = 'other' WHERE digest LIKE 'sha256:b%'");
    check_restricted(f, "DELETE FROM repositories");
    check_restricted(f, "DELETE FROM accounts");
}

void test_blob_a_source_is_one_that_the_caller_may_pull(void **state)
{
    struct fixture *f     = *state;
    int64_t         found = 0;
    int64_t public        = 0;

    fixture_add_blob(f, 'a');
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 1, 0, &found, &f->err), 0);
    pin(f, f->repo, 'a', 1, 1);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 1, 0, &found, &f->err), 1);
    assert_int_equal(found, f->repo);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, f->account, &found, &f->err), 1);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, 0, &found, &f->err), 0);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, f->account + 1, &found, &f->err),
                     0);

    CHECK_OK(meta_repo_add(f->tx, STR("admin/open"), f->account, 1, 0, &public, &f->err), &f->err);
    pin(f, public, 'a', 1, 1);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, 0, &found, &f->err), 1);
    assert_int_equal(found, public);
    CHECK_OK(meta_repo_delete(f->tx, public, &f->err), &f->err);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, 0, &found, &f->err), 0);

    meta_blob_unlink(f->tx, f->repo, digest('a'), &f->err);
    fixture_add_manifest(f, 'm');
    CHECK_OK(meta_manifest_add_blob(f->tx, f->repo, digest('m'), digest('a'), &f->err), &f->err);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 0, f->account, &found, &f->err), 1);
    assert_int_equal(found, f->repo);
    meta_manifest_delete(f->tx, f->repo, digest('m'), &f->err);
    assert_int_equal(meta_blob_find_source(f->tx, digest('a'), 1, 0, &found, &f->err), 0);
}
