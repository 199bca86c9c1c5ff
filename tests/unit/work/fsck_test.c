/* fsck_test.c: what is whole is clean, also when a look at it fails; each kind of damage has its word, what follows
 * from other rows is made anew and stays so; who listens can stop it. */
#include "work/fsck.h"

#include <string.h>
#include <unistd.h>

#include "blob/fail.h"
#include "fixture.h"
#include "work/damage.h"

enum { FINDINGS_MAX = 16, MANY = 230 };

struct report {
    struct work_finding     list[FINDINGS_MAX];
    size_t                  n;
    struct work_fsck_counts counts;
    size_t                  stop_at; /* the finding at which the listener leaves; 0: never */
    int64_t                 n_progress;
    int64_t                 leave_at; /* the progress at which it leaves */
    struct arena           *arena;    /* for what is kept of findings */
};

int fsck_test_setup(void **state)
{
    return fixture_open(state);
}

int fsck_test_teardown(void **state)
{
    return fixture_close(state);
}

static int found(void *context, const struct work_finding *finding, struct err *err)
{
    struct report *report = context;

    assert_true(report->n < FINDINGS_MAX);
    report->list[report->n]        = *finding;
    report->list[report->n].object = str_copy(report->arena, finding->object);
    report->n++;
    if (report->n == report->stop_at)
        return err_set(err, ERR_UNAVAILABLE, "nobody listens");
    return 0;
}

static int progress(void *context, const char *what, int64_t n, struct err *err)
{
    struct report *report = context;

    assert_non_null(what);
    assert_true(n >= 0);
    if (++report->n_progress == report->leave_at)
        return err_set(err, ERR_UNAVAILABLE, "nobody looks");
    return 0;
}

static int look(struct fixture *f, bool repairs, struct report *report)
{
    struct work_fsck want = { .with_hash = true,
                              .repairs   = repairs,
                              .found     = found,
                              .progress  = progress,
                              .context   = report };

    report->n     = 0;
    report->arena = f->arena;
    return work_fsck(f->work, &want, &report->counts, &f->err);
}

/* The kind of all findings, "" when there is none. */
static const char *kind_of(struct fixture *f, bool repairs)
{
    struct report report = { 0 };

    CHECK_OK(look(f, repairs, &report), &f->err);
    assert_int_equal(report.counts.n_findings, report.n);
    assert_int_equal(report.counts.n_repaired,
                     repairs && report.list[0].is_repaired ? report.n : 0);
    assert_true(!repairs ||
                fixture_ask(f, "SELECT count(*) FROM audit WHERE action = 'REPAIRED'") >=
                    (int64_t)report.counts.n_repaired);
    for (size_t i = 1; i < report.n; i++)
        assert_string_equal(report.list[i].kind, report.list[0].kind);
    return report.n == 0 ? "" : report.list[0].kind;
}

static void push_some(struct fixture *f)
{
    fixture_push_image(f, "v1", "{}", "layer one");
    fixture_push_image(f, "v2", "{}", "layer two");
    fixture_push(f, "lone");
}

void test_fsck_what_is_whole_is_clean_and_counted(void **state)
{
    struct fixture *f      = *state;
    struct report   report = { 0 };

    push_some(f);
    CHECK_OK(look(f, false, &report), &f->err);
    assert_int_equal(report.n, 0);
    assert_int_equal(report.counts.n_blobs, 4);
    /* The config came twice, so one of its objects is doomed. */
    assert_int_equal(report.counts.n_objects, 5);
    assert_int_equal(report.counts.n_manifests, 2);
    assert_int_equal(report.counts.n_tags, 2);
    assert_int_equal(report.counts.n_hashed, report.counts.n_bytes);
    assert_true(report.n_progress > 0);
}

void test_fsck_pages_leave_nothing_out(void **state)
{
    struct fixture   *f      = *state;
    struct report     report = { 0 };
    struct oci_digest last   = { 0 };

    for (int i = 0; i < MANY; i++)
        last = fixture_push(f, mem_printf(f->arena, "blob %d", i));
    assert_int_equal(unlink(fixture_object(f, &last)), 0);
    CHECK_OK(look(f, false, &report), &f->err);
    assert_int_equal(report.counts.n_blobs, MANY);
    assert_int_equal(report.counts.n_objects, MANY - 1);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.list[0].kind, "missing");
    CHECK_STR(report.list[0].object, last.text);
}

void test_fsck_rows_that_follow_from_others_are_made_anew(void **state)
{
    /* clang-format off */
    static const struct { const char *kind, *script; } breaks[] = {
        { "manifest-blobs",   "DELETE FROM manifest_blobs" },
        { "manifest-columns", "UPDATE manifests SET total_size = 1" },
        { "manifest-columns", "UPDATE manifests SET depth = 5" },
        { "manifest-columns", "UPDATE manifests SET artifact_type = 'x'" },
        { "doomed-in-use",    "INSERT INTO doomed_objects SELECT object_key, 1, 9000000000000000 FROM blobs LIMIT 1" },
        { "pending-in-use",   "INSERT INTO pending_objects SELECT object_key, 9000000000000000 FROM blobs LIMIT 1" },
    };
    /* clang-format on */
    struct fixture *f = *state;

    push_some(f);
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        fixture_break(f, breaks[i].script);
        assert_string_equal(kind_of(f, false), breaks[i].kind);
        assert_string_equal(kind_of(f, true), breaks[i].kind);
        assert_string_equal(kind_of(f, true), "");
    }
}

void test_fsck_what_nothing_can_make_anew_stays_told(void **state)
{
    /* clang-format off */
    static const struct { const char *kind, *breaks, *mends; } damage[] = {
        { "manifest-digest", "UPDATE manifests SET bytes = CAST(bytes || ' ' AS BLOB)",
                             "UPDATE manifests SET bytes = CAST(rtrim(CAST(bytes AS TEXT)) AS BLOB)" },
        { "tag-target",      "UPDATE manifests SET deleted_at = 1", "UPDATE manifests SET deleted_at = NULL" },
    };
    /* clang-format on */
    struct fixture *f = *state;

    push_some(f);
    for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
        fixture_break(f, damage[i].breaks);
        assert_string_equal(kind_of(f, true), damage[i].kind);
        assert_string_equal(kind_of(f, true), damage[i].kind);
        fixture_break(f, damage[i].mends);
        assert_string_equal(kind_of(f, false), "");
    }
}

/* A look that fails tells nothing about what it did not see. */
void test_fsck_a_store_that_fails_has_no_findings(void **state)
{
    static const unsigned flags[] = { BLOB_FAIL_ONCE, BLOB_FAIL_ONWARDS };
    struct fixture       *f       = *state;
    struct report         report  = { 0 };
    int64_t               n       = 0;

    push_some(f);
    blob_fail_at(f->store, 0, 0);
    CHECK_OK(look(f, false, &report), &f->err);
    int64_t n_operations = blob_fail_count(f->store);
    assert_true(n_operations > 4);

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        for (int64_t at = 1; at <= n_operations; at++) {
            blob_fail_at(f->store, at, flags[i]);
            CHECK_FAILS(look(f, true, &report), &f->err, ERR_UNAVAILABLE);
            assert_int_equal(report.n, 0);
        }
    }
    blob_fail_at(f->store, 0, 0);
    CHECK_OK(work_damage_count(f->work, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    assert_string_equal(kind_of(f, false), "");
}

void test_fsck_ends_when_nobody_listens(void **state)
{
    struct fixture *f      = *state;
    struct report   report = { .stop_at = 1 };

    push_some(f);
    fixture_break(f, "DELETE FROM manifest_blobs");
    CHECK_FAILS(look(f, false, &report), &f->err, ERR_UNAVAILABLE);
    assert_int_equal(report.n, 1);
    report = (struct report){ .leave_at = 1 };
    CHECK_FAILS(look(f, false, &report), &f->err, ERR_UNAVAILABLE);
    assert_int_equal(report.n, 0);
}

void test_fsck_an_image_that_suffers_is_named(void **state)
{
    struct fixture   *f      = *state;
    struct report     report = { 0 };
    struct oci_digest layer;

    fixture_push_image(f, "v1", "{}", "layer one");
    oci_digest_of(STR("layer one"), HASH_SHA256, &layer);
    fixture_write(fixture_object(f, &layer), "layer two");
    CHECK_OK(look(f, false, &report), &f->err);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.list[0].kind, "digest");
    assert_int_equal(report.list[0].n_images, 1);
    fixture_push(f, "layer one");
    assert_string_equal(kind_of(f, false), "");
}
