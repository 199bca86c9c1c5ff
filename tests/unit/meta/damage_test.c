/* damage_test.c: damage is known by the key that it was seen under, shows at the blob that has that key, ends by
 * healing, and a pass of scrubbing belongs to one node at a time. */
#include "meta/damage.h"

#include "fixture.h"
#include "meta/blob.h"
#include "meta/manifest.h"

int damage_test_setup(void **state)
{
    return fixture_open(state);
}

int damage_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct str digest(char letter)
{
    return str_from(fixture_digest(letter));
}

static struct str key(struct fixture *f, char letter)
{
    return str_from(mem_printf(f->arena, "blobs/%s.0", fixture_digest(letter)));
}

static int64_t put(struct fixture *f, struct str object_key, char letter, const char *kind)
{
    struct meta_damage damage = { .object_key = object_key,
                                  .digest     = digest(letter),
                                  .kind       = str_from(kind),
                                  .found_by   = STR("scrub") };
    int64_t            is_new = -1;

    CHECK_OK(meta_damage_put(f->tx, &damage, &is_new, &f->err), &f->err);
    return is_new;
}

static int64_t count(struct fixture *f)
{
    int64_t n = -1;

    CHECK_OK(meta_damage_count(f->tx, &n, &f->err), &f->err);
    return n;
}

void test_damage_is_news_once_and_again_after_healing(void **state)
{
    struct fixture    *f = *state;
    struct meta_damage found;

    fixture_add_blob(f, 'a');
    assert_int_equal(put(f, key(f, 'a'), 'a', "missing"), 1);
    assert_int_equal(put(f, key(f, 'a'), 'a', "size"), 0);
    assert_int_equal(meta_damage_find(f->tx, f->arena, key(f, 'a'), &found, &f->err), 1);
    CHECK_STR(found.kind, "missing");
    assert_true(found.found_at > 0);

    assert_int_equal(meta_damage_heal(f->tx, key(f, 'a'), &f->err), 1);
    assert_int_equal(meta_damage_heal(f->tx, key(f, 'a'), &f->err), 0);
    assert_int_equal(meta_damage_find(f->tx, f->arena, key(f, 'a'), &found, &f->err), 0);
    assert_int_equal(put(f, key(f, 'a'), 'a', "digest"), 1);
    assert_int_equal(meta_damage_find(f->tx, f->arena, key(f, 'a'), &found, &f->err), 1);
    CHECK_STR(found.kind, "digest");
}

void test_damage_shows_at_the_blob_and_goes_with_its_key(void **state)
{
    struct fixture  *f = *state;
    struct meta_blob blob;

    fixture_add_blob(f, 'a');
    assert_int_equal(meta_blob_find(f->tx, f->arena, digest('a'), &blob, &f->err), 1);
    assert_int_equal(blob.is_damaged, 0);
    put(f, key(f, 'a'), 'a', "digest");
    assert_int_equal(meta_blob_lock(f->tx, f->arena, digest('a'), &blob, &f->err), 1);
    assert_int_equal(blob.is_damaged, 1);
    assert_int_equal(count(f), 1);

    assert_int_equal(meta_blob_replace(f->tx, digest('a'), STR("other"), STR("new"), 5, &f->err),
                     0);
    assert_int_equal(meta_blob_replace(f->tx, digest('a'), key(f, 'a'), STR("new"), 5, &f->err), 1);
    assert_int_equal(meta_blob_find(f->tx, f->arena, digest('a'), &blob, &f->err), 1);
    CHECK_STR(blob.object_key, "new");
    assert_int_equal(blob.size, 5);
    assert_int_equal(blob.is_damaged, 0);
    assert_int_equal(count(f), 0);
}

void test_damage_of_what_is_gone_does_not_count(void **state)
{
    struct fixture *f = *state;

    put(f, key(f, 'z'), 'z', "missing");
    assert_int_equal(count(f), 0);
}

void test_damage_comes_in_pages_of_what_is_open(void **state)
{
    struct fixture     *f = *state;
    struct meta_damage *list;
    size_t              n;

    for (char letter = 'a'; letter <= 'e'; letter++)
        put(f, key(f, letter), letter, "missing");
    meta_damage_heal(f->tx, key(f, 'b'), &f->err);
    CHECK_OK(meta_damage_page(f->tx, f->arena, key(f, 'a'), 2, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    assert_true(str_eq(list[0].object_key, key(f, 'c')));
    assert_true(str_eq(list[1].object_key, key(f, 'd')));
}

void test_damage_of_a_manifest_ends_when_its_bytes_come_again(void **state)
{
    struct fixture          *f      = *state;
    struct str               key    = meta_damage_manifest_key(f->arena, f->repo, digest('m'));
    struct meta_damage       damage = { .object_key = key,
                                        .repo_id    = f->repo,
                                        .digest     = digest('m'),
                                        .kind       = STR("digest"),
                                        .found_by   = STR("read") };
    struct meta_manifest     row;
    int64_t                  is_new;
    struct meta_manifest_put put;

    fixture_add_manifest(f, 'm');
    CHECK_OK(meta_damage_put(f->tx, &damage, &is_new, &f->err), &f->err);
    assert_int_equal(count(f), 1);

    struct meta_manifest_new again = { .repo_id    = f->repo,
                                       .digest     = digest('m'),
                                       .media_type = STR("application/x"),
                                       .bytes      = STR("{\"a\":1}"),
                                       .total_size = 7 };
    CHECK_OK(meta_manifest_put(f->tx, &again, &put, &f->err), &f->err);
    assert_false(put.is_new);
    assert_int_equal(meta_manifest_find(f->tx, f->arena, f->repo, digest('m'), &row, &f->err), 1);
    CHECK_STR(row.bytes, "{\"a\":1}");
    CHECK_STR(row.media_type, "application/x");
    assert_int_equal(count(f), 0);
}

void test_scrub_belongs_to_one_node_at_a_time(void **state)
{
    struct fixture   *f     = *state;
    int64_t           later = db_now(f->tx) + 3600 * INT64_C(1000000);
    struct meta_scrub first, second;

    assert_int_equal(meta_scrub_take(f->tx, f->arena, STR("hash"), STR("node-1"), later, &first,
                                     &f->err),
                     1);
    assert_int_equal(first.position.n, 0);
    assert_int_equal(meta_scrub_take(f->tx, f->arena, STR("hash"), STR("node-2"), later, &second,
                                     &f->err),
                     0);
    assert_int_equal(meta_scrub_take(f->tx, f->arena, STR("size"), STR("node-2"), later, &second,
                                     &f->err),
                     1);

    /* It lets go with what it stands at; the next one goes on from there, and the first finds its fence gone. */
    first.position  = STR("sha256:aa");
    first.n_objects = 7;
    assert_int_equal(meta_scrub_save(f->tx, STR("hash"), &first, 0, &f->err), 1);
    assert_int_equal(meta_scrub_take(f->tx, f->arena, STR("hash"), STR("node-2"), later, &second,
                                     &f->err),
                     1);
    CHECK_STR(second.position, "sha256:aa");
    assert_int_equal(second.n_objects, 7);
    first.position = STR("sha256:bb");
    assert_int_equal(meta_scrub_save(f->tx, STR("hash"), &first, later, &f->err), 0);
    CHECK_OK(meta_scrub_find(f->tx, f->arena, STR("hash"), &second, &f->err), &f->err);
    CHECK_STR(second.position, "sha256:aa");
}
