/* damage_test.c: damage is seen, told, promised away by nobody, and healed by the next push, for everyone. */
#include "work/damage.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/fail.h"
#include "fixture.h"
#include "io/file.h"
#include "work/mount.h"
#include "work/pull.h"
#include "work/push.h"

static const char text[] = "some bytes";

int damage_test_setup(void **state)
{
    return fixture_open(state);
}

int damage_test_teardown(void **state)
{
    return fixture_close(state);
}

static const char *flaw_of(struct fixture *f, const struct oci_digest *digest, bool with_hash)
{
    struct meta_blob   row    = fixture_row(f, digest);
    struct work_object object = { row.digest, row.object_key, row.size };
    struct work_look   look   = { .with_hash = with_hash };
    struct work_flaw   flaw   = { .kind = "untouched" };

    CHECK_OK(work_object_look(f->work, &object, &look, NULL, &flaw, &f->err), &f->err);
    return flaw.kind == NULL ? "none" : flaw.kind;
}

static int64_t n_damaged(struct fixture *f)
{
    int64_t n = -1;

    CHECK_OK(work_damage_count(f->work, &n, &f->err), &f->err);
    return n;
}

/* What a GET gets: 0 and the descriptor is closed again, or -1. */
static int pull(struct fixture *f, const struct auth_repo *repo, const struct oci_digest *digest,
                bool may_write)
{
    AUTO(file_close) int fd = -1;
    struct work_blob     blob;
    bool                 must_write;

    if (work_find_blob(f->work, f->arena, repo, digest, may_write, &blob, &must_write, &f->err) < 0)
        return -1;
    return work_open_blob(f->work, repo, digest, &blob, may_write, &fd, &f->err);
}

void test_damage_of_each_kind_is_seen(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);
    const char       *path   = fixture_object(f, &digest);

    assert_string_equal(flaw_of(f, &digest, true), "none");
    fixture_write(path, "same bytes");
    assert_string_equal(flaw_of(f, &digest, false), "none");
    assert_string_equal(flaw_of(f, &digest, true), "digest");
    fixture_write(path, "short");
    assert_string_equal(flaw_of(f, &digest, false), "size");
    assert_int_equal(unlink(path), 0);
    assert_string_equal(flaw_of(f, &digest, false), "missing");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_string_equal(flaw_of(f, &digest, false), "unreadable");
    rmdir(path);
}

void test_damage_is_not_what_a_store_that_is_away_shows(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);
    const char       *marker = scratch_path(f->folder, "store/assay-store");

    assert_int_equal(unlink(fixture_object(f, &digest)), 0);
    assert_int_equal(rename(marker, scratch_path(f->folder, "away")), 0);
    assert_int_equal(pull(f, &f->reader, &digest, true), -1);
    assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
    assert_int_equal(n_damaged(f), 0);

    assert_int_equal(rename(scratch_path(f->folder, "away"), marker), 0);
    assert_int_equal(pull(f, &f->reader, &digest, true), -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
    assert_int_equal(n_damaged(f), 1);
}

void test_damage_is_not_what_a_medium_that_reads_nothing_shows(void **state)
{
    struct fixture    *f      = *state;
    struct oci_digest  digest = fixture_push(f, text);
    const char        *path   = fixture_object(f, &digest);
    const char        *marker = scratch_path(f->folder, "store/assay-store");
    struct meta_blob   row    = fixture_row(f, &digest);
    struct work_object object = { row.digest, row.object_key, row.size };
    struct work_look   look   = { 0 };
    struct work_flaw   flaw;

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(rename(marker, scratch_path(f->folder, "away")), 0);
    CHECK_FAILS(work_object_look(f->work, &object, &look, NULL, &flaw, &f->err), &f->err,
                ERR_UNAVAILABLE);
    assert_int_equal(rename(scratch_path(f->folder, "away"), marker), 0);
    assert_string_equal(flaw_of(f, &digest, false), "unreadable");
    rmdir(path);
}

void test_damage_is_told_to_who_pulls_and_unknown_to_who_may_push(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);

    fixture_write(fixture_object(f, &digest), "short");
    assert_int_equal(pull(f, &f->reader, &digest, false), -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
    assert_int_equal(n_damaged(f), 0);
    assert_int_equal(pull(f, &f->repo, &digest, true), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "BLOB_UNKNOWN");
    assert_int_equal(n_damaged(f), 1);
    assert_int_equal(pull(f, &f->reader, &digest, true), -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type = 'BLOB_DAMAGED'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM audit WHERE action = 'BLOB_DAMAGED'"), 1);
}

void test_damage_in_the_bytes_shows_when_reads_are_verified(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);

    fixture_write(fixture_object(f, &digest), "same bytes");
    assert_int_equal(pull(f, &f->reader, &digest, true), 0);
    fixture_set_verify(f, true);
    assert_int_equal(pull(f, &f->reader, &digest, true), -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
    assert_int_equal(n_damaged(f), 1);
}

void test_damage_ends_when_the_bytes_are_pushed_again(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);
    struct meta_blob  old    = fixture_row(f, &digest);

    fixture_write(fixture_object(f, &digest), "same bytes");
    fixture_set_verify(f, true);
    assert_int_equal(pull(f, &f->reader, &digest, true), -1);
    fixture_push(f, text);
    assert_int_equal(pull(f, &f->reader, &digest, true), 0);
    assert_int_equal(pull(f, &f->repo, &digest, true), 0);
    assert_int_equal(n_damaged(f), 0);

    struct meta_blob now = fixture_row(f, &digest);
    assert_false(str_eq(now.object_key, old.object_key));
    assert_int_equal(fixture_ask(f, mem_printf(f->arena,
                                               "SELECT count(*) FROM doomed_objects WHERE"
                                               " object_key = '" STR_FMT "'",
                                               STR_ARGS(old.object_key))),
                     1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type = 'BLOB_HEALED'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM pending_objects"), 0);

    /* A push of what is whole changes nothing. */
    fixture_push(f, text);
    assert_true(str_eq(fixture_row(f, &digest).object_key, now.object_key));
}

void test_damage_of_another_generation_is_dropped(void **state)
{
    struct fixture    *f      = *state;
    struct oci_digest  digest = fixture_push(f, text);
    struct meta_blob   row    = fixture_row(f, &digest);
    struct work_object stale  = { row.digest, STR("blobs/sha256/00/another"), row.size };
    struct work_flaw   flaw   = { .kind = "missing", .text = "is missing" };

    assert_int_equal(work_damage_record(f->work, &stale, &flaw, "scrub", &f->err), 0);
    assert_int_equal(n_damaged(f), 0);
}

void test_damage_ends_when_the_object_is_whole_again(void **state)
{
    struct fixture    *f      = *state;
    struct oci_digest  digest = fixture_push(f, text);
    struct meta_blob   row    = fixture_row(f, &digest);
    struct work_object object = { row.digest, row.object_key, row.size };
    struct work_flaw   flaw   = { .kind = "missing", .text = "is missing" };

    assert_int_equal(work_damage_record(f->work, &object, &flaw, "scrub", &f->err), 1);
    assert_int_equal(n_damaged(f), 1);
    CHECK_OK(work_damage_clear(f->work, row.object_key, row.digest, &f->err), &f->err);
    CHECK_OK(work_damage_clear(f->work, row.object_key, row.digest, &f->err), &f->err);
    assert_int_equal(n_damaged(f), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type = 'BLOB_HEALED'"), 1);
}

static void know_as_damaged(struct fixture *f, const struct oci_digest *digest)
{
    assert_int_equal(unlink(fixture_object(f, digest)), 0);
    assert_int_equal(pull(f, &f->reader, digest, true), -1);
    assert_int_equal(n_damaged(f), 1);
}

void test_damage_lets_nothing_be_mounted(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, text);
    struct auth_repo  other  = f->repo;
    struct auth_view  view   = { .is_all = true };

    other.id   = 0;
    other.path = STR("admin/other");
    know_as_damaged(f, &digest);
    assert_int_equal(work_mount(f->work, f->arena, &f->actor, &other, &f->repo, &view, &digest,
                                &f->err),
                     0);
    fixture_push(f, text);
    assert_int_equal(work_mount(f->work, f->arena, &f->actor, &other, &f->repo, &view, &digest,
                                &f->err),
                     1);
}

void test_damage_lets_no_manifest_name_the_blob(void **state)
{
    struct fixture    *f      = *state;
    struct oci_digest  digest = fixture_push(f, text);
    struct work_pushed pushed;
    struct work_push   push = { .media_type = STR("application/vnd.oci.image.manifest.v1+json") };

    push.bytes = str_from(mem_printf(f->arena,
                                     "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
                                     "vnd.oci.image.config.v1+json\","
                                     "\"digest\":\"%s\",\"size\":%zu},\"layers\":[]}",
                                     digest.text, sizeof(text) - 1));
    CHECK_OK(oci_reference_parse(STR("v1"), &push.reference, &f->err), &f->err);
    know_as_damaged(f, &digest);
    assert_int_equal(work_push_manifest(f->work, f->arena, &f->actor, &f->repo, &push, &pushed,
                                        &f->err),
                     -1);
    assert_string_equal(f->err.code, "MANIFEST_BLOB_UNKNOWN");
    fixture_push(f, text);
    CHECK_OK(work_push_manifest(f->work, f->arena, &f->actor, &f->repo, &push, &pushed, &f->err),
             &f->err);
}

void test_damage_of_a_manifest_shows_and_is_healed_by_a_push(void **state)
{
    struct fixture      *f      = *state;
    struct oci_digest    digest = fixture_push_image(f, "v1", "{}", text);
    struct oci_reference tag;
    struct meta_manifest found;

    CHECK_OK(oci_reference_parse(STR("v1"), &tag, &f->err), &f->err);
    fixture_break(
        f, "UPDATE manifests SET bytes = CAST(replace(CAST(bytes AS TEXT), '2', '3') AS BLOB)");
    CHECK_OK(work_pull_manifest(f->work, f->arena, &f->reader, &tag, true, &found, &f->err),
             &f->err);
    fixture_set_verify(f, true);
    assert_int_equal(work_pull_manifest(f->work, f->arena, &f->reader, &tag, true, &found, &f->err),
                     -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
    assert_int_equal(n_damaged(f), 1);

    assert_true(oci_digest_eq(&digest, &(struct oci_digest){ 0 }) == false);
    fixture_push_image(f, "v1", "{}", text);
    CHECK_OK(work_pull_manifest(f->work, f->arena, &f->reader, &tag, true, &found, &f->err),
             &f->err);
    assert_true(str_eq(found.digest, oci_digest_str(&digest)));
    assert_int_equal(n_damaged(f), 0);
}

/* Whatever operation of the store fails, nothing is called damaged that is not. */
void test_damage_is_no_name_for_a_store_that_fails(void **state)
{
    struct fixture    *f      = *state;
    struct oci_digest  digest = fixture_push(f, text);
    struct meta_blob   row    = fixture_row(f, &digest);
    struct work_object object = { row.digest, row.object_key, row.size };
    struct work_look   look   = { .with_hash = true };
    struct work_flaw   flaw;
    int                done = -1;

    for (int64_t n = 1; done < 0 && n < 10; n++) {
        blob_fail_at(f->store, n, BLOB_FAIL_ONCE);
        done = work_object_look(f->work, &object, &look, NULL, &flaw, &f->err);
        assert_true(done == 0 || f->err.kind == ERR_UNAVAILABLE);
    }
    blob_fail_at(f->store, 0, BLOB_FAIL_ONCE);
    assert_int_equal(done, 0);
    assert_null(flaw.kind);
}
