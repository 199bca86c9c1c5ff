/* pulls_test.c: pulls are noted by many threads and written down by one: what is the same becomes one event with a
 * count, nothing is counted twice or left out, and what cannot be written waits. */
#include "work/pulls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "fixture.h"
#include "meta/pull.h"
#include "oci/name.h"
#include "work/work_private.h"

enum { THREADS = 4, PULLS_A_THREAD = 5000, MANY = 6000 };

static void set_counting(struct fixture *f, bool is_on)
{
    struct work_policy policy = *work_policy(f->work);

    policy.counts_pulls = is_on;
    work_set_policy(f->work, &policy);
}

int pulls_test_setup(void **state)
{
    int done = fixture_open(state);

    set_counting(*state, true);
    return done;
}

int pulls_test_teardown(void **state)
{
    CHECK_OK(failpoint_arm(NULL, &((struct fixture *)*state)->err),
             &((struct fixture *)*state)->err);
    return fixture_close(state);
}

static struct meta_actor actor_at(struct fixture *f, const char *address)
{
    struct meta_actor actor = f->actor;

    actor.address = str_from(address);
    return actor;
}

static struct oci_reference by_tag(const char *tag)
{
    return (struct oci_reference){ .tag = str_from(tag) };
}

static void note(struct fixture *f, const char *address, const struct oci_reference *reference,
                 const struct oci_digest *digest, bool is_look)
{
    struct meta_actor actor = actor_at(f, address);

    work_pull_note(f->work, &actor, &f->reader, reference, oci_digest_str(digest), is_look);
}

static void note_tag(struct fixture *f, const char *address, const char *tag,
                     const struct oci_digest *digest)
{
    struct oci_reference reference = by_tag(tag);

    note(f, address, &reference, digest, false);
}

static void note_digest(struct fixture *f, const struct oci_digest *digest)
{
    struct oci_reference reference = { .is_digest = true, .digest = *digest };

    note(f, "192.0.2.1", &reference, digest, false);
}

static int64_t n_pulls(struct fixture *f)
{
    return fixture_ask(f, "SELECT coalesce(sum(pulls), 0) FROM repository_counts");
}

void test_pulls_of_a_second_are_one_event(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");

    for (int i = 0; i < 3; i++)
        note_tag(f, "192.0.2.1", "v1", &digest);
    note_tag(f, "192.0.2.77", "v1", &digest);
    note_tag(f, "198.51.100.1", "v1", &digest);
    note_digest(f, &digest);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);

    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type LIKE '%_PULL'"), 2);
    assert_int_equal(
        fixture_ask(f, "SELECT n FROM events WHERE type = 'TAG_PULL' AND object_name = 'v1'"), 5);
    assert_int_equal(fixture_ask(f, "SELECT n FROM events WHERE type = 'MANIFEST_PULL'"), 1);
    assert_int_equal(n_pulls(f), 6);
    assert_int_equal(fixture_ask(f, "SELECT n FROM tag_pulls WHERE name = 'v1' AND pulled_at > 0"),
                     5);
    assert_int_equal(fixture_ask(f, "SELECT n FROM manifest_pulls"), 6);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM pulls"), 2);
    assert_int_equal(fixture_ask(f, "SELECT n FROM pulls WHERE network = '192.0.2'"), 5);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM audit WHERE action LIKE '%_PULL'"), 0);

    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 6);
}

/* Of who asked where the tag leads, and only of him. */
void test_pulls_by_a_digest_that_a_tag_led_to_are_of_the_tag(void **state)
{
    struct fixture      *f      = *state;
    struct oci_digest    digest = fixture_push_image(f, "v1", "{}", "layer");
    struct oci_reference v1 = by_tag("v1"), itself = { .is_digest = true, .digest = digest };

    note(f, "192.0.2.1", &v1, &digest, true);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 0);
    note(f, "192.0.2.9", &itself, &digest, false);
    note(f, "198.51.100.1", &itself, &digest, false);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(fixture_ask(f, "SELECT n FROM events WHERE type = 'TAG_PULL'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT n FROM events WHERE type = 'MANIFEST_PULL'"), 1);
}

void test_pulls_count_where_they_shall(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");

    CHECK_OK(work_pull_rule_put(f->work, &f->actor, STR("admin"), false, &f->err), &f->err);
    note_digest(f, &digest);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM pulls"), 0);

    CHECK_OK(work_pull_rule_put(f->work, &f->actor, STR("admin/app"), true, &f->err), &f->err);
    note_digest(f, &digest);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 1);

    CHECK_OK(work_pull_rule_remove(f->work, &f->actor, STR("admin/app"), &f->err), &f->err);
    CHECK_OK(work_pull_rule_remove(f->work, &f->actor, STR("admin"), &f->err), &f->err);
    CHECK_FAILS(work_pull_rule_remove(f->work, &f->actor, STR("admin"), &f->err), &f->err,
                ERR_NOT_FOUND);
    set_counting(f, false);
    note_digest(f, &digest);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 1);
    assert_int_equal(fixture_ask(f,
                                 "SELECT count(*) FROM audit WHERE action = 'PULL_RULE_CHANGED'"),
                     4);
}

void test_pulls_that_cannot_be_written_wait(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");

    note_digest(f, &digest);
    CHECK_OK(failpoint_arm("pulls.written:error=EIO", &f->err), &f->err);
    assert_int_equal(work_pulls_write(f->work, &f->err), -1);
    note_digest(f, &digest);
    assert_int_equal(work_pulls_write(f->work, &f->err), -1);
    assert_int_equal(n_pulls(f), 0);
    CHECK_OK(failpoint_arm(NULL, &f->err), &f->err);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), 2);
}

/* More kinds of pulls than there is room for cost what is beyond it, and no memory. */
void test_pulls_are_bounded(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");

    for (int i = 0; i < MANY; i++)
        note_tag(f, mem_printf(f->arena, "10.%d.%d.1", i / 256, i % 256), "v1", &digest);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    int64_t n = n_pulls(f);
    assert_in_range(n, 4000, MANY - 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM pulls"), n);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type = 'TAG_PULL'"),
                     (n + 63) / 64);
}

struct crowd {
    struct fixture          *f;
    const struct oci_digest *digest;
    atomic_bool              is_over;
};

static void *run_puller(void *context)
{
    struct crowd *crowd = context;

    for (int i = 0; i < PULLS_A_THREAD; i++)
        note_digest(crowd->f, crowd->digest);
    return NULL;
}

static void *run_writer(void *context)
{
    struct crowd *crowd = context;
    struct err    err;

    while (!atomic_load(&crowd->is_over)) {
        work_pulls_wait(crowd->f->work, 1000);
        CHECK_OK(work_pulls_write(crowd->f->work, &err), &err);
    }
    return NULL;
}

void test_pulls_of_many_threads_add_up(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");
    struct crowd      crowd  = { .f = f, .digest = &digest };
    pthread_t         pullers[THREADS], writer;

    assert_int_equal(pthread_create(&writer, NULL, run_writer, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&pullers[i], NULL, run_puller, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(pullers[i], NULL);
    atomic_store(&crowd.is_over, true);
    work_pulls_wake(f->work);
    pthread_join(writer, NULL);
    CHECK_OK(work_pulls_write(f->work, &f->err), &f->err);
    assert_int_equal(n_pulls(f), THREADS * PULLS_A_THREAD);
}
