/* manifest_test.c: manifests come back as the bytes received, by digest and by tag; a tombstone hides them and a
 * push revives them; referrers come in pages, by type. */
#include "meta/manifest.h"

#include "fixture.h"
#include "meta/repo.h"
#include "meta/tag.h"

int manifest_test_setup(void **state)
{
    return fixture_open(state);
}

int manifest_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct str digest(char letter)
{
    return str_from(fixture_digest(letter));
}

static int64_t put(struct fixture *f, const struct meta_manifest_new *manifest)
{
    struct meta_manifest_put put;

    CHECK_OK(meta_manifest_put(f->tx, manifest, &put, &f->err), &f->err);
    return put.is_new;
}

static int find(struct fixture *f, char letter, struct meta_manifest *out)
{
    return meta_manifest_find(f->tx, f->arena, f->repo, digest(letter), out, &f->err);
}

static int pull(struct fixture *f, const struct meta_repo_seen *seen)
{
    struct meta_manifest found;
    int by_digest = meta_manifest_pull(f->tx, f->arena, seen, digest('a'), &found, &f->err);
    int by_tag    = meta_manifest_pull_tag(f->tx, f->arena, seen, STR("latest"), &found, &f->err);

    assert_int_equal(by_digest, by_tag);
    return by_digest;
}

/* A pull that trusts what was seen of the repository a moment ago finds nothing when that holds no longer. */
void test_manifest_pulls_see_whether_the_repository_is_as_before(void **state)
{
    struct fixture       *f      = *state;
    struct meta_repo_seen seen   = { .id = f->repo, .is_public = 0 };
    struct meta_repo_seen blind  = { .id = f->repo, .is_public = -1 };
    struct meta_manifest_new new = { .repo_id    = f->repo,
                                     .digest     = digest('a'),
                                     .media_type = STR("application/vnd.oci.image.index.v1+json"),
                                     .bytes      = STR("{}") };

    assert_int_equal(put(f, &new), 1);
    struct meta_tag latest_tag = { STR("latest"), digest('a'), 0, f->account };
    assert_int_equal(meta_tag_add(f->tx, f->repo, &latest_tag, &f->err), 1);
    assert_int_equal(pull(f, &seen), 1);
    CHECK_OK(meta_repo_set_public(f->tx, f->repo, 1, &f->err), &f->err);
    assert_int_equal(pull(f, &seen), 0);
    assert_int_equal(pull(f, &blind), 1);
    seen.is_public = 1;
    assert_int_equal(pull(f, &seen), 1);
    CHECK_OK(meta_repo_delete(f->tx, f->repo, &f->err), &f->err);
    assert_int_equal(pull(f, &seen), 0);
    assert_int_equal(pull(f, &blind), 0);
}

void test_manifest_bytes_come_back_by_digest_and_by_tag(void **state)
{
    struct fixture *f            = *state;
    char           *bytes        = mem_alloc(f->arena, 4 * 1024 * 1024);
    struct str      large        = { .p = bytes, .n = 4 * 1024 * 1024 };
    struct meta_manifest_new new = { .repo_id    = f->repo,
                                     .digest     = digest('a'),
                                     .media_type = STR("application/vnd.oci.image.index.v1+json"),
                                     .bytes      = large,
                                     .total_size = 99,
                                     .depth      = 2 };
    struct meta_repo_seen seen   = { .id = f->repo, .is_public = -1 };
    struct meta_manifest  found;
    int64_t               depth = -1;

    memset(bytes, '{', large.n);
    assert_int_equal(put(f, &new), 1);
    struct meta_tag latest = { STR("latest"), digest('a'), 0, f->account };
    assert_int_equal(meta_tag_add(f->tx, f->repo, &latest, &f->err), 1);
    fixture_next_tx(f);

    assert_int_equal(find(f, 'a', &found), 1);
    CHECK_STR(found.digest, fixture_digest('a'));
    CHECK_STR(found.media_type, "application/vnd.oci.image.index.v1+json");
    assert_true(str_eq(found.bytes, large));
    memset(&found, 0, sizeof(found));
    assert_int_equal(meta_manifest_pull_tag(f->tx, f->arena, &seen, STR("latest"), &found, &f->err),
                     1);
    CHECK_STR(found.digest, fixture_digest('a'));
    assert_true(str_eq(found.bytes, large));

    assert_int_equal(meta_manifest_lock(f->tx, f->repo, digest('a'), &depth, &f->err), 1);
    assert_int_equal(depth, 2);
    assert_int_equal(find(f, 'b', &found), 0);
    assert_int_equal(meta_manifest_pull_tag(f->tx, f->arena, &seen, STR("no"), &found, &f->err), 0);
    assert_int_equal(meta_manifest_find(f->tx, f->arena, f->repo + 1, digest('a'), &found, &f->err),
                     0);
}

void test_manifest_a_tombstone_hides_and_a_push_revives(void **state)
{
    struct fixture *f            = *state;
    struct meta_manifest_new new = {
        .repo_id = f->repo, .digest = digest('a'), .media_type = STR("m"), .bytes = STR("{}")
    };
    struct meta_manifest found;
    int64_t              depth;

    assert_int_equal(put(f, &new), 1);
    assert_int_equal(put(f, &new), 0);
    assert_int_equal(meta_manifest_delete(f->tx, f->repo, digest('a'), &f->err), 1);
    assert_int_equal(meta_manifest_delete(f->tx, f->repo, digest('a'), &f->err), 0);
    assert_int_equal(find(f, 'a', &found), 0);
    assert_int_equal(meta_manifest_lock(f->tx, f->repo, digest('a'), &depth, &f->err), 0);

    assert_int_equal(put(f, &new), 1);
    assert_int_equal(put(f, &new), 0);
    assert_int_equal(find(f, 'a', &found), 1);
    CHECK_STR(found.bytes, "{}");
}

void test_manifest_a_living_parent_is_found(void **state)
{
    struct fixture *f = *state;
    struct str      parent;

    fixture_add_manifest(f, 'c');
    fixture_add_manifest(f, 'p');
    assert_int_equal(meta_manifest_find_parent(f->tx, f->arena, f->repo, digest('c'), &parent,
                                               &f->err),
                     0);
    CHECK_OK(meta_manifest_add_child(f->tx, f->repo, digest('p'), digest('c'), &f->err), &f->err);
    CHECK_OK(meta_manifest_add_child(f->tx, f->repo, digest('p'), digest('c'), &f->err), &f->err);
    assert_int_equal(meta_manifest_find_parent(f->tx, f->arena, f->repo, digest('c'), &parent,
                                               &f->err),
                     1);
    CHECK_STR(parent, fixture_digest('p'));
    meta_manifest_delete(f->tx, f->repo, digest('p'), &f->err);
    assert_int_equal(meta_manifest_find_parent(f->tx, f->arena, f->repo, digest('c'), &parent,
                                               &f->err),
                     0);
}

static void check_restricted(struct fixture *f, const char *sql)
{
    CHECK_FAILS(db_run_script(f->tx, str_from(sql), &f->err), &f->err, ERR_CONFLICT);
    fixture_retry(f);
}

void test_manifest_what_something_names_cannot_be_removed(void **state)
{
    struct fixture *f = *state;

    fixture_add_manifest(f, 'c');
    fixture_add_manifest(f, 'p');
    fixture_add_manifest(f, 't');
    CHECK_OK(meta_manifest_add_child(f->tx, f->repo, digest('p'), digest('c'), &f->err), &f->err);
    struct meta_tag tag = { STR("t"), digest('t'), 0, 0 };
    assert_int_equal(meta_tag_add(f->tx, f->repo, &tag, &f->err), 1);
    fixture_next_tx(f);

    check_restricted(f, "DELETE FROM manifests WHERE digest LIKE 'sha256:c%'");
    check_restricted(f, "DELETE FROM manifests WHERE digest LIKE 'sha256:t%'");
    CHECK_FAILS(meta_manifest_add_child(f->tx, f->repo, digest('p'), digest('z'), &f->err), &f->err,
                ERR_CONFLICT);
    fixture_retry(f);
    CHECK_FAILS(meta_manifest_add_blob(f->tx, f->repo, digest('p'), digest('z'), &f->err), &f->err,
                ERR_CONFLICT);
    fixture_retry(f);
    CHECK_OK(db_run_script(f->tx,
                           STR("DELETE FROM manifests WHERE digest LIKE 'sha256:p%';"
                               "DELETE FROM manifests WHERE digest LIKE 'sha256:c%'"),
                           &f->err),
             &f->err);
}

static void add_referrer(struct fixture *f, char letter, const char *type)
{
    struct meta_manifest_new new = { .repo_id       = f->repo,
                                     .digest        = digest(letter),
                                     .media_type    = STR("m"),
                                     .artifact_type = str_from(type),
                                     .bytes         = STR("{}"),
                                     .subject       = digest('s'),
                                     .referrer =
                                         str_from(mem_printf(f->arena, "{\"%c\":1}", letter)) };

    put(f, &new);
}

static void check_page(struct fixture *f, struct str type, struct str after, size_t n_max,
                       const char *wanted)
{
    struct meta_referrer *page;
    size_t                n;

    CHECK_OK(meta_referrer_page(f->tx, f->arena, f->repo, digest('s'), type, after, n_max, &page,
                                &n, &f->err),
             &f->err);
    assert_int_equal(n, strlen(wanted));
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(page[i].digest, fixture_digest(wanted[i]));
        CHECK_STR(page[i].descriptor, mem_printf(f->arena, "{\"%c\":1}", wanted[i]));
    }
}

void test_manifest_referrers_come_in_pages_and_by_type(void **state)
{
    struct fixture *f = *state;

    check_page(f, STR_NULL, STR_NULL, 10, "");
    add_referrer(f, 'd', "sbom");
    add_referrer(f, 'a', "sig");
    add_referrer(f, 'c', "sig");
    add_referrer(f, 'b', "");
    fixture_add_manifest(f, 'e');

    check_page(f, STR_NULL, STR_NULL, 10, "abcd");
    check_page(f, STR_NULL, STR_NULL, 2, "ab");
    check_page(f, STR_NULL, digest('b'), 2, "cd");
    check_page(f, STR_NULL, digest('d'), 2, "");
    check_page(f, STR("sig"), STR_NULL, 10, "ac");
    check_page(f, STR("sig"), digest('a'), 10, "c");
    check_page(f, STR("sbom"), STR_NULL, 1, "d");
    check_page(f, STR("none"), STR_NULL, 10, "");

    meta_manifest_delete(f->tx, f->repo, digest('c'), &f->err);
    check_page(f, STR_NULL, STR_NULL, 10, "abd");
    check_page(f, STR("sig"), STR_NULL, 10, "a");
}
