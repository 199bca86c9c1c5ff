/* outbox_test.c: each reader gets each event once, in order, in the transaction that moves its cursor; one that fails
 * gets them again and holds up no other. Two struct outbox on one database are two nodes. */
#include "jobs/outbox.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "db/db.h"
#include "db/migrate.h"
#include "io/clock.h"
#include "meta/event.h"
#include "meta/registry.h"
#include "scratch.h"

#define POLL_US (10 * 1000)
#define PATIENCE_US INT64_C(30000000)

struct post {
    char           folder[SCRATCH_MAX];
    struct arena  *arena;
    struct db     *db;
    struct outbox *one;
    struct outbox *two;
    struct err     err;

    atomic_llong last;  /* number that the good reader had last */
    atomic_int   n_bad; /* events in the wrong order, or twice */
    atomic_int   n_done;
    atomic_int   n_refusals; /* that the failing reader still has to make */
    atomic_int   n_late;     /* events that the failing reader has had */
};

/* Names of events are numbers from 1 on. */
static long long number_of(const struct meta_event_row *event)
{
    int64_t number = 0;

    assert_true(str_to_int(event->object_name, &number));
    return number;
}

static int read_good(void *context, struct db_tx *tx, struct arena *arena,
                     const struct meta_event_row *events, size_t n, struct err *err)
{
    struct post *p = context;

    (void)arena;
    assert_in_range(n, 1, OUTBOX_PAGE);
    for (size_t i = 0; i < n; i++) {
        long long number = number_of(&events[i]);

        if (atomic_exchange(&p->last, number) != number - 1)
            atomic_fetch_add(&p->n_bad, 1);
    }
    return meta_registry_set(tx, "good", events[n - 1].object_name, err);
}

static void done_good(void *context)
{
    struct post *p = context;

    atomic_fetch_add(&p->n_done, 1);
}

/* Writes first and fails then: what it wrote must be gone. */
static int read_failing(void *context, struct db_tx *tx, struct arena *arena,
                        const struct meta_event_row *events, size_t n, struct err *err)
{
    struct post *p = context;
    struct str   before;
    int          found = meta_registry_get(tx, arena, "failing", &before, err);

    if (found < 0 ||
        meta_registry_set(tx, "failing",
                          str_from(mem_printf(arena, STR_FMT "%zu,",
                                              STR_ARGS(found == 1 ? before : STR("")), n)),
                          err) < 0)
        return -1;
    (void)events;
    if (atomic_load(&p->n_refusals) > 0) {
        atomic_fetch_sub(&p->n_refusals, 1);
        return err_set(err, ERR_UNAVAILABLE, "not yet");
    }
    atomic_fetch_add(&p->n_late, (int)n);
    return 0;
}

static const struct outbox_reader readers[] = {
    { .name = "failing", .says = "fails now and then", .read = read_failing },
    { .name = "good", .says = "counts", .from_start = true, .read = read_good, .done = done_good },
    { 0 },
};

int outbox_test_setup(void **state)
{
    struct post *p = mem_new(struct post);
    char         url[SCRATCH_MAX + 32];

    scratch_make(p->folder);
    snprintf(url, sizeof(url), "sqlite:%s/assay.db", p->folder);
    p->arena                    = arena_new();
    struct db_settings settings = { .url = str_from(url), .n_readers = 4 };
    CHECK_OK(db_open(&settings, &p->db, &p->err), &p->err);
    CHECK_OK(db_migrate(p->db, NULL, NULL, &p->err), &p->err);
    *state = p;
    return 0;
}

int outbox_test_teardown(void **state)
{
    struct post *p = *state;

    outbox_stop(&p->one);
    outbox_stop(&p->two);
    db_close(&p->db);
    arena_free(&p->arena);
    scratch_remove(p->folder);
    mem_free(p);
    return 0;
}

static struct outbox *start(struct post *p)
{
    struct outbox_settings settings = {
        .db = p->db, .readers = readers, .context = p, .poll_us = POLL_US
    };
    struct outbox *outbox = NULL;

    CHECK_OK(outbox_start(&settings, &outbox, &p->err), &p->err);
    return outbox;
}

static void tell(struct post *p, int from, int to)
{
    struct meta_actor actor = { .kind = "system" };
    struct db_tx     *tx    = NULL;

    CHECK_OK(db_begin(p->db, DB_WRITE, "test", &tx, &p->err), &p->err);
    for (int i = from; i <= to; i++) {
        struct meta_event event = { .type        = "TEST",
                                    .object_kind = "test",
                                    .object_name = str_from(mem_printf(p->arena, "%d", i)) };

        CHECK_OK(meta_event_tell(tx, &actor, &event, &p->err), &p->err);
    }
    CHECK_OK(db_commit(&tx, &p->err), &p->err);
}

static void wait_until(struct post *p, long long last, int n_late)
{
    int64_t deadline = clock_monotonic_us() + PATIENCE_US;

    while (clock_monotonic_us() < deadline &&
           (atomic_load(&p->last) < last || atomic_load(&p->n_late) < n_late))
        usleep(1000);
    assert_int_equal(atomic_load(&p->last), last);
    assert_int_equal(atomic_load(&p->n_late), n_late);
}

static struct str kept(struct post *p, const char *name)
{
    struct db_tx *tx    = NULL;
    struct str    value = STR("");

    CHECK_OK(db_begin(p->db, DB_LOOK, "test", &tx, &p->err), &p->err);
    CHECK_OK(meta_registry_get(tx, p->arena, name, &value, &p->err), &p->err);
    db_abort(&tx);
    return value;
}

void test_outbox_gives_each_event_once_in_order(void **state)
{
    struct post *p = *state;

    tell(p, 1, 10);
    p->one = start(p);
    wait_until(p, 10, 0); /* of before its registration the other gets nothing */
    tell(p, 11, 350);
    outbox_wake(p->one);
    wait_until(p, 350, 340);
    outbox_stop(&p->one);
    assert_int_equal(atomic_load(&p->n_bad), 0);
    assert_in_range(atomic_load(&p->n_done), 4, 350);
    CHECK_STR(kept(p, "good"), "350");

    tell(p, 351, 360);
    p->one = start(p); /* goes on where it was */
    wait_until(p, 360, 350);
    assert_int_equal(atomic_load(&p->n_bad), 0);
}

void test_outbox_gives_again_what_a_reader_failed_at(void **state)
{
    struct post *p = *state;

    p->one = start(p);
    atomic_store(&p->n_refusals, 2);
    tell(p, 1, 7);
    wait_until(p, 7, 0); /* the other one does not wait for it */
    wait_until(p, 7, 7);
    outbox_stop(&p->one);                /* the page at hand is committed then */
    CHECK_STR(kept(p, "failing"), "7,"); /* of the tries that failed nothing is left */
}

void test_outbox_two_nodes_act_as_one(void **state)
{
    struct post *p = *state;

    p->one = start(p);
    p->two = start(p);
    for (int i = 0; i < 40; i++)
        tell(p, i * 10 + 1, i * 10 + 10);
    wait_until(p, 400, 400);
    assert_int_equal(atomic_load(&p->n_bad), 0);
}

void test_outbox_a_turn_without_events_writes_nothing(void **state)
{
    struct post     *p = *state;
    struct db_counts before, after;
    size_t           n = 1;

    p->one = start(p);
    outbox_stop(&p->one);
    db_counts(p->db, &before);
    CHECK_OK(outbox_turn(p->db, &readers[1], p, &n, &p->err), &p->err);
    assert_int_equal(n, 0);
    db_counts(p->db, &after);
    assert_int_equal(after.n_transactions, before.n_transactions);
}
