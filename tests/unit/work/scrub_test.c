/* scrub_test.c: the passes find what is damaged, go on where they were stopped, belong to one node, and keep to
 * their interval. */
#include "work/scrub.h"

#include <unistd.h>

#include "blob/fail.h"
#include "fixture.h"
#include "work/damage.h"

#define HOUR_US (3600 * INT64_C(1000000))

struct waiting {
    int64_t n;       /* pauses so far */
    int64_t stop_at; /* stop at that pause; 0: never */
    int64_t total_us;
};

int scrub_test_setup(void **state)
{
    fixture_open(state);
    fixture_set_scrub(*state, INT64_C(1) << 40, HOUR_US);
    return 0;
}

int scrub_test_teardown(void **state)
{
    return fixture_close(state);
}

/* Nobody waits in a test; how long it would have been is counted. */
static bool count_pause(void *context, int64_t us)
{
    struct waiting *waiting = context;

    waiting->n++;
    waiting->total_us += us;
    return waiting->stop_at != 0 && waiting->n >= waiting->stop_at;
}

static void run(struct fixture *f, const char *owner, struct waiting *waiting)
{
    struct work_scrub scrub = { .owner   = str_from(owner),
                                .pause   = count_pause,
                                .context = waiting };

    CHECK_OK(work_scrub(f->work, &scrub, &f->err), &f->err);
}

static int64_t n_damaged(struct fixture *f)
{
    int64_t n = -1;

    CHECK_OK(work_damage_count(f->work, &n, &f->err), &f->err);
    return n;
}

static bool is_finished(struct fixture *f, const char *kind)
{
    int64_t at = -1;

    CHECK_OK(work_scrub_finished(f->work, kind, &at, &f->err), &f->err);
    return at > 0;
}

void test_scrub_finds_what_is_damaged_once_an_interval(void **state)
{
    struct fixture   *f       = *state;
    struct waiting    waiting = { 0 };
    struct oci_digest gone    = fixture_push(f, "gone");
    struct oci_digest flipped = fixture_push(f, "flipped");

    fixture_push(f, "whole");
    fixture_push_image(f, "v1", "{}", "a layer");
    assert_int_equal(unlink(fixture_object(f, &gone)), 0);
    fixture_write(fixture_object(f, &flipped), "flippee");
    fixture_break(f, "UPDATE manifests SET bytes = x'7B7D'");

    run(f, "node-1", &waiting);
    assert_int_equal(n_damaged(f), 3);
    assert_true(is_finished(f, "size") && is_finished(f, "hash") && is_finished(f, "manifest"));
    assert_int_equal(fixture_ask(f, "SELECT n_objects FROM scrubs WHERE kind = 'hash'"), 5);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM events WHERE type LIKE '%_DAMAGED'"), 3);

    /* Not again within the interval, whatever comes to be damaged meanwhile. */
    struct oci_digest later = fixture_push(f, "later");
    assert_int_equal(unlink(fixture_object(f, &later)), 0);
    run(f, "node-1", &waiting);
    assert_int_equal(n_damaged(f), 3);
    fixture_set_scrub(f, INT64_C(1) << 40, 1);
    run(f, "node-1", &waiting);
    assert_int_equal(n_damaged(f), 4);
}

void test_scrub_keeps_to_its_rate(void **state)
{
    struct fixture *f       = *state;
    struct waiting  waiting = { 0 };

    fixture_push(f, "0123456789");
    fixture_set_scrub(f, 10, HOUR_US);
    run(f, "node-1", &waiting);
    assert_in_range(waiting.total_us, 1000000, 1100000);
    assert_true(waiting.n >= 5);
}

void test_scrub_hashes_nothing_when_it_is_off(void **state)
{
    struct fixture *f       = *state;
    struct waiting  waiting = { 0 };

    fixture_push(f, "0123456789");
    fixture_set_scrub(f, 0, HOUR_US);
    run(f, "node-1", &waiting);
    assert_true(is_finished(f, "size"));
    assert_false(is_finished(f, "hash"));
}

void test_scrub_goes_on_where_it_was_stopped(void **state)
{
    struct fixture *f       = *state;
    struct waiting  waiting = { 0 };
    char            text[2] = "a";

    for (; text[0] <= 'j'; text[0]++)
        fixture_push(f, text);
    fixture_set_scrub(f, 1, HOUR_US); /* a second a byte: five pauses a blob */
    waiting.stop_at = 23;
    run(f, "node-1", &waiting);
    assert_false(is_finished(f, "hash"));
    int64_t first = fixture_ask(f, "SELECT n_objects FROM scrubs WHERE kind = 'hash'");
    assert_in_range(first, 1, 9);

    /* Another node takes it up, and each blob is looked at once. */
    waiting = (struct waiting){ 0 };
    run(f, "node-2", &waiting);
    assert_true(is_finished(f, "hash"));
    assert_int_equal(fixture_ask(f, "SELECT n_objects FROM scrubs WHERE kind = 'hash'"), 10);
    assert_in_range(waiting.total_us, (10 - first) * 1000000, (11 - first) * 1000000 + 100000);
}

void test_scrub_of_another_node_is_left_alone(void **state)
{
    struct fixture *f       = *state;
    struct waiting  waiting = { 0 };

    fixture_push(f, "text");
    fixture_break(f,
                  "UPDATE scrubs SET owner = 'node-2', lease_until = 9000000000000000, fence = 7");
    run(f, "node-1", &waiting);
    assert_false(is_finished(f, "size") || is_finished(f, "hash"));
    fixture_break(f, "UPDATE scrubs SET lease_until = 5");
    run(f, "node-1", &waiting);
    assert_true(is_finished(f, "size") && is_finished(f, "hash"));
    assert_int_equal(fixture_ask(f, "SELECT min(fence) FROM scrubs"), 8);
}

void test_scrub_that_fails_keeps_its_place(void **state)
{
    struct fixture   *f       = *state;
    struct waiting    waiting = { 0 };
    struct work_scrub scrub   = { .owner = STR("n"), .pause = count_pause, .context = &waiting };

    fixture_push(f, "one");
    fixture_push(f, "two");
    blob_fail_at(f->store, 2, BLOB_FAIL_ONWARDS);
    CHECK_FAILS(work_scrub(f->work, &scrub, &f->err), &f->err, ERR_UNAVAILABLE);
    assert_int_equal(n_damaged(f), 0);
    blob_fail_at(f->store, 0, BLOB_FAIL_ONCE);
    run(f, "n", &waiting);
    assert_true(is_finished(f, "size"));
    assert_int_equal(fixture_ask(f, "SELECT n_objects FROM scrubs WHERE kind = 'size'"), 2);
}

void test_scrub_ends_damage_that_is_gone(void **state)
{
    struct fixture   *f       = *state;
    struct waiting    waiting = { 0 };
    struct oci_digest digest  = fixture_push(f, "text");
    const char       *path    = fixture_object(f, &digest);

    fixture_write(path, "tex!");
    run(f, "node-1", &waiting);
    assert_int_equal(n_damaged(f), 1);
    fixture_write(path, "text");
    fixture_set_scrub(f, INT64_C(1) << 40, 1);
    run(f, "node-1", &waiting);
    assert_int_equal(n_damaged(f), 0);
}
