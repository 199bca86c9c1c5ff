/* collect_test.c: what nothing needs any more goes, and each single reason to stay keeps it. */
#include "work/collect.h"

#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "blob/fail.h"
#include "faulty_db.h"
#include "fixture.h"
#include "io/clock.h"
#include "meta/collect.h"
#include "oci/digest.h"
#include "work/delete.h"

int collect_test_setup(void **state)
{
    return fixture_open(state);
}

int collect_test_teardown(void **state)
{
    struct err ignored; /* nothing to parse */

    clock_set_offset(0);
    failpoint_arm(NULL, &ignored);
    return fixture_close(state);
}

/* As if a year had passed since everything that was done so far. */
#define A_YEAR_LATER                                                           \
    "UPDATE blobs SET touched_at = 1; UPDATE repo_blobs SET pinned_until = 1;" \
    "UPDATE manifests SET touched_at = 1, pinned_until = 1, pushed_at = 1,"    \
    " deleted_at = CASE WHEN deleted_at IS NULL THEN NULL ELSE 1 END;"         \
    "UPDATE repositories SET deleted_at = 1 WHERE deleted_at IS NOT NULL;"     \
    "UPDATE gc_queue SET review_after = 1; UPDATE doomed_objects SET not_before = 1;"

static struct work_collected run(struct fixture *f)
{
    struct work_collect   collect = { 0 };
    struct work_collected done    = { 0 };

    CHECK_OK(work_collect(f->work, &collect, &done, &f->err), &f->err);
    return done;
}

static int64_t count(struct fixture *f, const char *table)
{
    return fixture_ask(f, mem_printf(f->arena, "SELECT count(*) FROM %s", table));
}

static bool is_there(struct fixture *f, const struct oci_digest *blob)
{
    return fixture_ask(f, mem_printf(f->arena, "SELECT count(*) FROM blobs WHERE digest = '%s'",
                                     blob->text)) == 1;
}

static void queue(struct fixture *f, const struct oci_digest *blob)
{
    fixture_break(f, mem_printf(f->arena,
                                "INSERT OR REPLACE INTO gc_queue VALUES ('blob', '%s', 1, 0, 'x')",
                                blob->text));
}

static void set_the_clock_back(void *context, const struct work_review *review)
{
    (void)context;
    (void)review;
    clock_set_offset(-INT64_C(7200000000));
}

static void delete (struct fixture *f, const char *reference)
{
    struct oci_reference parsed;

    CHECK_OK(oci_reference_parse(str_from(reference), &parsed, &f->err), &f->err);
    CHECK_OK(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &parsed, &f->err),
             &f->err);
}

void test_collect_a_deleted_image_goes_with_all_that_is_its_own(void **state)
{
    struct fixture *f = *state;

    fixture_push_image(f, "v1", "{\"of\":1}", "layer one");
    fixture_push_image(f, "v2", "{\"of\":2}", "layer one");
    fixture_break(f, A_YEAR_LATER);
    struct work_collected done = run(f);
    assert_int_equal(done.n_manifests + done.n_blobs, 0);

    delete (f, "v1");
    fixture_break(f, A_YEAR_LATER);
    done = run(f);
    assert_int_equal(done.n_manifests, 1);
    assert_int_equal(done.n_blobs, 1); /* its config; the layer is v2's too */
    assert_int_equal(done.bytes, strlen("{\"of\":1}"));
    assert_int_equal(count(f, "manifests"), 1);
    assert_int_equal(count(f, "blobs"), 2);
    assert_int_equal(count(f, "doomed_objects"), 1);
    assert_int_equal(count(f, "gc_queue"), 0);

    fixture_break(f, A_YEAR_LATER);
    done = run(f);
    assert_int_equal(done.n_objects, 1);
    assert_int_equal(done.object_bytes, strlen("{\"of\":1}"));
    assert_int_equal(count(f, "doomed_objects"), 0);
}

/* Each condition alone keeps a blob that nothing else keeps. GC-14: without it (the rule for failpoint_arm) the blob is
 * not kept, or, where a foreign key is the second defence, the review fails. */
void test_collect_each_condition_alone_keeps_a_blob(void **state)
{
    static const struct {
        const char *script; /* after the year */
        bool        goes;
        const char *without;
    } cases[] = {
        { "", true },
        { "INSERT INTO manifest_blobs SELECT repo_id, digest, (SELECT digest FROM blobs WHERE size "
          "= 7)"
          " FROM manifests LIMIT 1",
          false, "skip:used" },
        { "UPDATE repo_blobs SET pinned_until = 9e15", false, "skip:pinned" },
        { "UPDATE repo_blobs SET pinned_until = 9e15 WHERE repo_id <> 1", true },
        { "INSERT INTO holds (repo_id, digest, reason, owner) SELECT NULL, digest, 'court', 'law' "
          "FROM blobs"
          " WHERE size = 7",
          false, "skip:held" },
        { "INSERT INTO holds (repo_id, digest, reason, owner, until) SELECT NULL, digest, 'court', "
          "'law', 5"
          " FROM blobs WHERE size = 7",
          true },
        { "UPDATE blobs SET touched_at = 9e15", false, "skip:touched" },
        { "INSERT INTO damage VALUES ('k', 0, 'sha256:x', 'missing', 'read', 1, NULL)", false,
          "skip:brakes" },
    };
    struct fixture *f = *state;

    fixture_push_image(f, "v1", "{}", "some layer");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oci_digest digest = fixture_push(f, mem_printf(f->arena, "blob %02zu", i));

        fixture_break(f, A_YEAR_LATER);
        fixture_break(f, cases[i].script);
        run(f);
        if (is_there(f, &digest) == cases[i].goes)
            fail_msg("case %zu: %s", i, cases[i].script);
        if (cases[i].without != NULL) {
            CHECK_OK(failpoint_arm(cases[i].without, &f->err), &f->err);
            queue(f, &digest);
            struct work_collected done = run(f);
            if (is_there(f, &digest) && done.n_failed == 0)
                fail_msg("case %zu: nothing is seen of %s", i, cases[i].without);
            CHECK_OK(failpoint_arm(NULL, &f->err), &f->err);
        }
        fixture_break(
            f, "DELETE FROM holds; DELETE FROM damage; DELETE FROM manifest_blobs WHERE digest IN"
               " (SELECT digest FROM blobs WHERE size = 7);" A_YEAR_LATER);
        queue(f, &digest);
        run(f);
    }
}

void test_collect_each_tie_alone_keeps_a_manifest(void **state)
{
    static const struct {
        const char *script; /* on a deleted tag's manifest; %s: its digest */
        bool        goes;
    } cases[] = {
        { "", true },
        { "INSERT INTO tags (repo_id, name, digest, moved_at, moved_by) VALUES (1, 'again', '%s', "
          "1, 1)",
          false },
        { "INSERT INTO manifest_children SELECT 1, (SELECT digest FROM tags LIMIT 1), '%s'",
          false },
        { "UPDATE manifests SET pinned_until = 9e15 WHERE digest = '%s'", false },
        { "UPDATE manifests SET touched_at = 9e15 WHERE digest = '%s'", false },
        { "UPDATE manifests SET deleted_at = 9e15 WHERE digest = '%s'", false },
        { "UPDATE manifests SET subject = (SELECT digest FROM tags LIMIT 1), referrer = '{}' WHERE "
          "digest = '%s'",
          false },
        { "UPDATE manifests SET subject = 'sha256:gone', referrer = '{}' WHERE digest = '%s'",
          true },
        { "INSERT INTO holds (repo_id, digest, reason, owner) VALUES (1, '%s', 'court', 'law')",
          false },
        { "INSERT INTO holds (repo_id, digest, reason, owner) VALUES (2, '%s', 'court', 'law')",
          true },
        { "INSERT INTO holds (kind, path, digest, reason, owner) VALUES ('prefix', 'admin', '', "
          "'x', 'law'); -- %s",
          false },
        { "INSERT INTO holds (kind, path, digest, reason, owner) VALUES ('prefix', 'admin/ap', '', "
          "'x', 'law'); -- %s",
          true },
        { "INSERT INTO holds (kind, path, digest, reason, owner, until) VALUES ('prefix', '', '', "
          "'x', 'law', 2); -- %s",
          true },
        { "INSERT INTO holds (kind, path, days, digest, reason, owner) VALUES ('prefix', "
          "'admin/app', 30000, '', 'x', 'law'); -- %s",
          false },
        { "INSERT INTO holds (kind, path, days, digest, reason, owner) VALUES ('prefix', "
          "'admin/app', 7, '', 'x', 'law'); -- %s",
          true },
        { "UPDATE gc_queue SET event = 'push' WHERE kind = 'manifest'; -- %s", false },
    };
    struct fixture    *f      = *state;
    struct work_policy policy = *work_policy(f->work);

    policy.keep_untagged = true;
    work_set_policy(f->work, &policy);
    fixture_push_image(f, "anchor", "{}", "anchor");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oci_digest digest =
            fixture_push_image(f, "v1", mem_printf(f->arena, "{\"n\":%zu}", i), "layer");
        char script[1024];

        delete (f, "v1");
        fixture_break(f, A_YEAR_LATER);
        int n = snprintf(script, sizeof(script), "%s", cases[i].script);
        assert_in_range(n, 0, sizeof(script) - 1);
        char *hole = strstr(script, "%s");
        if (hole != NULL)
            fixture_break(f, mem_printf(f->arena, "%.*s%s%s", (int)(hole - script), script,
                                        digest.text, hole + 2));
        run(f);
        bool is_there =
            fixture_ask(f,
                        mem_printf(f->arena, "SELECT count(*) FROM manifests WHERE digest = '%s'",
                                   digest.text)) == 1;
        if (is_there == cases[i].goes)
            fail_msg("case %zu: %s", i, cases[i].script);
        fixture_break(f, "DELETE FROM holds; DELETE FROM tags WHERE name = 'again';"
                         "DELETE FROM manifest_children");
    }
}

void test_collect_what_was_pushed_by_digest_stays_unless_that_is_switched_off(void **state)
{
    struct fixture    *f      = *state;
    struct work_policy policy = *work_policy(f->work);

    policy.keep_untagged = true;
    work_set_policy(f->work, &policy);
    fixture_push_image(f, "", "{}", "layer");
    fixture_break(f, A_YEAR_LATER);
    assert_int_equal(run(f).n_manifests, 0);

    policy.keep_untagged = false;
    work_set_policy(f->work, &policy);
    fixture_push_image(f, "", "{}", "layer");
    fixture_break(f, A_YEAR_LATER);
    assert_int_equal(run(f).n_manifests, 1);
}

void test_collect_a_trial_says_what_a_run_does_and_changes_nothing(void **state)
{
    struct fixture       *f   = *state;
    struct work_collect   dry = { .is_dry = true };
    struct work_collected tried, done;

    fixture_push_image(f, "v1", "{\"of\":1}", "layer one");
    fixture_push(f, "alone");
    delete (f, "v1");
    fixture_break(f, A_YEAR_LATER);
    int64_t before = count(f, "gc_queue");
    CHECK_OK(work_collect(f->work, &dry, &tried, &f->err), &f->err);
    assert_int_equal(count(f, "gc_queue"), before);
    assert_int_equal(count(f, "blobs"), 3);
    assert_int_equal(tried.n_manifests, 1);
    assert_int_equal(tried.n_blobs, 3); /* those that only the manifest named among them */
    done = run(f);
    assert_int_equal(done.n_manifests, 1);
    assert_int_equal(done.n_blobs, 3);
}

void test_collect_a_link_goes_when_the_blob_lives_on_elsewhere(void **state)
{
    struct fixture *f = *state;

    fixture_push_image(f, "v1", "{}", "shared");
    fixture_break(
        f,
        "INSERT INTO repositories (uuid, path, namespace_id, created_at, created_by)"
        " VALUES ('u', 'admin/other', 1, 1, 1);"
        "INSERT INTO repo_blobs SELECT 2, digest, 1 FROM blobs;"
        "INSERT OR IGNORE INTO gc_queue SELECT 'blob', digest, 1, 0, 'x' FROM blobs;" A_YEAR_LATER);
    assert_int_equal(run(f).n_links, 2);
    assert_int_equal(count(f, "repo_blobs"), 2);
    assert_int_equal(count(f, "blobs"), 2);
}

void test_collect_a_deleted_repository_is_emptied_after_the_window(void **state)
{
    struct fixture *f = *state;

    fixture_push_image(f, "v1", "{}", "layer");
    fixture_push_image(f, "v2", "{\"a\":1}", "layer");
    fixture_push(f, "alone");
    fixture_break(f, A_YEAR_LATER "UPDATE repositories SET deleted_at = 9e15");
    assert_int_equal(run(f).n_repos, 0);
    assert_int_equal(count(f, "manifests"), 2);

    fixture_break(f, A_YEAR_LATER);
    struct work_collected done = run(f);
    assert_int_equal(done.n_repos, 1);
    assert_int_equal(done.n_manifests, 2);
    assert_int_equal(count(f, "manifests") + count(f, "tags") + count(f, "repo_blobs"), 0);
    assert_int_equal(count(f, "blobs"), 0);
    assert_int_equal(run(f).n_repos, 0);
}

/* GC-08, GC-09 and the fuse: with a brake on, nothing goes. */
void test_collect_brakes_hold(void **state)
{
    static const struct {
        const char *script, *undo, *about;
    } cases[] = {
        { "INSERT INTO nodes VALUES ('0123456789ab', 'old', 0, 1, 9e15, 0)", "DELETE FROM nodes",
          "older version" },
        { "INSERT INTO damage VALUES ('k', 0, 'sha256:x', 'missing', 'read', 1, NULL)",
          "DELETE FROM damage", "missing" },
        { "INSERT OR REPLACE INTO registry VALUES ('collect.clock', '9000000000000000')",
          "DELETE FROM registry WHERE name = 'collect.clock'", "behind" },
        { "INSERT OR REPLACE INTO registry VALUES ('collect.fuse', '8999999999999999 1000 5')",
          "DELETE FROM registry WHERE name = 'collect.fuse'", "fuse" },
        { "INSERT OR REPLACE INTO registry VALUES ('collect.timeline', '7 9000000000000000')",
          "DELETE FROM registry WHERE name = 'collect.timeline'", "took over" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_push(f, "alone");
        fixture_break(f, A_YEAR_LATER);
        fixture_break(f, cases[i].script);
        struct work_collected done = run(f);
        if (done.brake == NULL || strstr(done.brake, cases[i].about) == NULL)
            fail_msg("case %zu: %s", i, done.brake == NULL ? "no brake" : done.brake);
        assert_int_equal(count(f, "blobs"), 1);
        fixture_break(f, cases[i].undo);
    }

    assert_null(run(f).brake);
    for (int hours = -48; hours <= 48; hours += 96) {
        fixture_push(f, "alone");
        fixture_break(f, A_YEAR_LATER);
        clock_set_offset(hours * INT64_C(3600000000));
        int64_t n_doomed = count(f, "doomed_objects");
        assert_non_null(run(f).brake);
        assert_int_equal(count(f, "blobs"), 1);
        assert_int_equal(count(f, "doomed_objects"), n_doomed);
        clock_set_offset(0);
        assert_non_null(run(f).brake); /* until an operator says so */
        CHECK_OK(work_collect_reset(f->work, &f->actor, &f->err), &f->err);
        assert_int_equal(run(f).n_blobs, 1);
    }
}

void test_collect_the_fuse_counts_what_went_in_a_day(void **state)
{
    struct fixture *f = *state;

    fixture_break(f, "INSERT OR REPLACE INTO registry VALUES ('collect.fuse', '0 0 0')");
    fixture_push(f, "alone");
    fixture_break(f, A_YEAR_LATER);
    assert_int_equal(run(f).n_blobs, 1);
    assert_int_equal(
        fixture_ask(f, "SELECT value LIKE '% 1 5 0' FROM registry WHERE name = 'collect.fuse'"), 1);

    /* Nearly used up: of two that may go only as many do as it allows. */
    fixture_break(f, "UPDATE registry SET value = substr(value, 1, 16) || ' 999 5'"
                     " WHERE name = 'collect.fuse'");
    fixture_push(f, "one");
    fixture_push(f, "two");
    fixture_break(f, A_YEAR_LATER);
    assert_non_null(run(f).brake);
    assert_true(count(f, "blobs") >= 1);
}

/* A brake that comes on in the midst of a run ends it there, and is there for the next. */
void test_collect_a_brake_is_seen_in_the_midst_of_a_run(void **state)
{
    struct fixture       *f       = *state;
    struct work_collect   collect = { .tell = set_the_clock_back, .context = f };
    struct work_collected done;

    for (int i = 0; i < 40; i++)
        fixture_push(f, mem_printf(f->arena, "blob %d", i));
    fixture_break(f, A_YEAR_LATER);
    CHECK_OK(work_collect(f->work, &collect, &done, &f->err), &f->err);
    assert_non_null(done.brake);
    assert_in_range(done.n_blobs, 1, 39);
    assert_int_equal(count(f, "blobs"), 40 - done.n_blobs);
    assert_int_equal(done.n_objects, 0);
    clock_set_offset(0);
    assert_int_equal(run(f).n_blobs, 0);
}

void test_collect_a_hold_of_the_operator_lasts_until_it_is_reset(void **state)
{
    struct fixture            *f = *state;
    struct work_collect_status status;

    fixture_push(f, "alone");
    fixture_break(f, A_YEAR_LATER);
    CHECK_OK(work_collect_hold(f->work, &f->actor, &f->err), &f->err);
    assert_non_null(run(f).brake);
    CHECK_OK(work_collect_status(f->work, &status, &f->err), &f->err);
    assert_int_equal(status.n_brakes, 1);
    assert_true(status.brakes[0].can_reset);
    assert_int_equal(status.counts.n_due, 1);
    CHECK_OK(work_collect_reset(f->work, &f->actor, &f->err), &f->err);
    assert_int_equal(run(f).n_blobs, 1);
    assert_int_equal(
        fixture_ask(
            f,
            "SELECT count(*) FROM audit WHERE action IN ('COLLECTION_HELD', 'COLLECTION_RESET')"),
        2);
    CHECK_OK(work_collect_status(f->work, &status, &f->err), &f->err);
    assert_int_equal(status.n_brakes, 0);
    assert_int_equal(status.n_blobs, 1);
    assert_int_equal(status.counts.n_bytes, strlen("alone"));
}

/* What referred to a manifest that is gone has gc-delay from then on. */
void test_collect_a_referrer_outlives_its_subject_by_the_delay(void **state)
{
    struct fixture    *f      = *state;
    struct work_policy policy = *work_policy(f->work);
    struct oci_digest  of     = fixture_push_image(f, "subject", "{}", "layer");
    struct oci_digest  to     = fixture_push_image(f, "", "{\"r\":1}", "signature");

    policy.gc_delay = INT64_C(3600000000);
    work_set_policy(f->work, &policy);
    fixture_break(
        f, mem_printf(f->arena,
                      "UPDATE manifests SET subject = '%s', referrer = '{}' WHERE digest = '%s'",
                      of.text, to.text));
    delete (f, "subject");
    fixture_break(f, A_YEAR_LATER);
    assert_int_equal(run(f).n_manifests, 1);
    fixture_break(f, "UPDATE manifests SET touched_at = 1, pinned_until = 1");
    assert_int_equal(run(f).n_manifests, 0);
    fixture_break(f, A_YEAR_LATER);
    assert_int_equal(run(f).n_manifests, 1);
}

/* GC-06: whichever operation of the database fails, once, what is taken away is taken away whole, and what stays is
 * taken the next time; when all fail from some point on, nothing goes. */
void test_collect_each_operation_of_the_database_fails_once(void **state)
{
    struct fixture *f      = *state;
    int             failed = 0;

    for (int n = 1;; n++) {
        struct work_collect   collect = { 0 };
        struct work_collected done;

        fixture_push_image(f, "v1", "{\"of\":1}", "layer");
        delete (f, "v1");
        fixture_break(f, A_YEAR_LATER "DELETE FROM registry WHERE name = 'collect.fuse'");
        faulty_db_fail_at(f->db, n);
        int  result  = work_collect(f->work, &collect, &done, &f->err);
        bool is_over = faulty_db_left > 0; /* it never came to the n-th */
        faulty_db_heal(f->db);

        assert_int_equal(fixture_ask(f, "SELECT count(*) FROM manifest_blobs WHERE digest NOT IN"
                                        " (SELECT digest FROM blobs)"),
                         0);
        assert_int_equal(fixture_ask(f, "SELECT count(*) FROM doomed_objects WHERE object_key IN"
                                        " (SELECT object_key FROM blobs)"),
                         0);
        failed += result < 0 || done.n_failed > 0;
        if (is_over)
            break;
        fixture_break(f, A_YEAR_LATER);
        run(f);
        assert_int_equal(count(f, "blobs") + count(f, "manifests") + count(f, "gc_queue"), 0);
    }
    assert_true(failed > 20);
}

void test_collect_takes_nothing_while_the_database_fails(void **state)
{
    struct fixture       *f       = *state;
    struct work_collect   collect = { 0 };
    struct work_collected done;

    fixture_push(f, "alone");
    fixture_break(f, A_YEAR_LATER);
    for (int n = 1; n < 12; n++) {
        faulty_db_fail_from(f->db, n);
        CHECK_FAILS(work_collect(f->work, &collect, &done, &f->err), &f->err, ERR_UNAVAILABLE);
        faulty_db_heal(f->db);
        assert_int_equal(count(f, "blobs"), 1);
        assert_int_equal(count(f, "doomed_objects"), 0);
    }
}

/* GC-05: a removal that the storage did and did not tell, that it did not do, and one among many. */
void test_collect_removals_that_fail_are_repeated(void **state)
{
    static const unsigned ways[] = { BLOB_FAIL_ONCE, BLOB_FAIL_ONCE | BLOB_FAIL_AFTER,
                                     BLOB_FAIL_ONWARDS };
    struct fixture       *f      = *state;

    for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
        for (int i = 0; i < 5; i++)
            fixture_push(f, mem_printf(f->arena, "of %zu %d", way, i));
        fixture_break(f, A_YEAR_LATER);
        assert_int_equal(run(f).n_blobs, 5);
        fixture_break(f, A_YEAR_LATER);
        blob_fail_at(f->store, 3, ways[way]);
        struct work_collected done = run(f);
        assert_int_equal(done.n_stuck, ways[way] == BLOB_FAIL_ONWARDS ? 3 : 1);
        assert_int_equal(count(f, "doomed_objects"), done.n_stuck);
        blob_fail_at(f->store, 0, BLOB_FAIL_ONCE);
        assert_int_equal(run(f).n_objects, 0); /* not at once */
        fixture_break(f, A_YEAR_LATER);
        assert_int_equal(run(f).n_objects, done.n_stuck);
        assert_int_equal(count(f, "doomed_objects"), 0);
    }
}

/* The list of doomed objects is not believed over a blob's own row. */
void test_collect_an_object_that_a_blob_is_stored_in_stays(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push(f, "in use");

    fixture_break(f, "INSERT INTO doomed_objects SELECT object_key, size, 1 FROM blobs;"
                     "UPDATE gc_queue SET review_after = 9e15");
    struct work_collected done = run(f);
    assert_int_equal(done.n_objects, 0);
    assert_int_equal(done.n_stuck, 1);
    assert_int_equal(access(fixture_object(f, &digest), F_OK), 0);
}
