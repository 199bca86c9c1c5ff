/* jobs_test.c: what is in the queue is done, by one; what fails is tried again; what is asked to stop stops; what
 * was taken away commits nothing. Two struct jobs on one database are two nodes. */
#include "jobs/jobs.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "codec/text.h"
#include "db/db.h"
#include "db/migrate.h"
#include "io/clock.h"
#include "meta/job.h"
#include "scratch.h"

#define SECOND_US INT64_C(1000000)
#define LEASE_US (600 * 1000)
#define POLL_US (20 * 1000)

struct farm {
    char          folder[SCRATCH_MAX];
    struct arena *arena;
    struct db    *db;
    struct jobs  *one;
    struct jobs  *two;
    struct err    err;

    atomic_int  n_done;
    atomic_int  n_failed;
    atomic_int  n_stopped;
    atomic_int  n_refused; /* commits by who had lost the job */
    atomic_int  n_at_once, n_most;
    atomic_bool may_go;
};

static int run_step(struct job *job, void *context, struct err *err)
{
    struct farm *f   = context;
    int          now = atomic_fetch_add(&f->n_at_once, 1) + 1;

    (void)err;
    if (now > atomic_load(&f->n_most))
        atomic_store(&f->n_most, now);
    job_log(job, "step %s", job_parameter(job, "of").p == NULL ? "-" : "given");
    job_pause(job, 10 * 1000);
    atomic_fetch_sub(&f->n_at_once, 1);
    atomic_fetch_add(&f->n_done, 1);
    return 0;
}

static int run_bad(struct job *job, void *context, struct err *err)
{
    struct farm *f = context;

    (void)job;
    atomic_fetch_add(&f->n_failed, 1);
    return err_set(err, ERR_UNAVAILABLE, "the upstream is away");
}

static int run_long(struct job *job, void *context, struct err *err)
{
    struct farm *f = context;

    while (!job_pause(job, SECOND_US))
        continue;
    atomic_fetch_add(&f->n_stopped, 1);
    return err_set(err, ERR_UNAVAILABLE, "stopped half-way");
}

/* Stands still for longer than its lease, as a node does that was paused, then would commit. */
static int run_sleeper(struct job *job, void *context, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct farm                 *f  = context;

    while (!atomic_load(&f->may_go))
        usleep(10 * 1000);
    if (db_begin(f->db, DB_WRITE, "sleeper", &tx, err) < 0)
        return -1;
    if (job_guard(job, tx, err) < 0) {
        atomic_fetch_add(&f->n_refused, 1);
        return -1;
    }
    atomic_fetch_add(&f->n_done, 1);
    return db_commit(&tx, err);
}

/* Pauses for an hour, and says something that ends within a character. */
static int run_nap(struct job *job, void *context, struct err *err)
{
    struct farm *f = context;
    char         text[5000];

    (void)err;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 1; i + 1 < sizeof(text) - 1; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    job_log(job, "%s", text);
    job_log(job, "\x1b[31m\xff");
    atomic_fetch_add(&f->n_at_once, 1);
    job_pause(job, 3600 * SECOND_US);
    atomic_fetch_sub(&f->n_at_once, 1);
    return 0;
}

static const char *const step_parameters[] = { "of", NULL };

static const struct job_kind kinds[] = {
    { .name       = "step",
      .says       = "a step",
      .capacity   = 2,
      .parameters = step_parameters,
      .run        = run_step },
    { .name = "bad", .says = "fails", .capacity = 1, .run = run_bad },
    { .name = "long", .says = "until it is stopped", .capacity = 1, .run = run_long },
    { .name = "nap", .says = "an hour of nothing", .capacity = 4, .run = run_nap },
    { .name = "sleeper", .says = "stands still", .capacity = 1, .run = run_sleeper },
    { 0 },
};

int jobs_test_setup(void **state)
{
    struct farm *f = mem_new(struct farm);
    char         url[SCRATCH_MAX + 32];

    scratch_make(f->folder);
    snprintf(url, sizeof(url), "sqlite:%s/assay.db", f->folder);
    f->arena                    = arena_new();
    struct db_settings settings = { .url = str_from(url), .n_readers = 4 };
    CHECK_OK(db_open(&settings, &f->db, &f->err), &f->err);
    CHECK_OK(db_migrate(f->db, NULL, NULL, &f->err), &f->err);
    *state = f;
    return 0;
}

int jobs_test_teardown(void **state)
{
    struct farm *f = *state;

    atomic_store(&f->may_go, true);
    jobs_stop(&f->one);
    jobs_stop(&f->two);
    db_close(&f->db);
    arena_free(&f->arena);
    scratch_remove(f->folder);
    mem_free(f);
    return 0;
}

static struct jobs *start(struct farm *f, const char *worker)
{
    struct jobs_settings settings = {
        .db        = f->db,
        .worker_id = str_from(worker),
        .kinds     = kinds,
        .context   = f,
        .lease_us  = LEASE_US,
        .poll_us   = POLL_US,
    };
    struct jobs *jobs = NULL;

    CHECK_OK(jobs_start(&settings, &jobs, &f->err), &f->err);
    return jobs;
}

static struct str add(struct farm *f, struct meta_job job)
{
    struct db_tx *tx = NULL;
    struct str    uuid;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(jobs_add(tx, f->arena, kinds, &job, &uuid, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    return uuid;
}

static struct meta_job find(struct farm *f, struct str uuid)
{
    struct db_tx   *tx = NULL;
    struct meta_job job;

    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    assert_int_equal(meta_job_find(tx, f->arena, uuid, &job, &f->err), 1);
    db_abort(&tx);
    return job;
}

/* Waits until the job is in that state. */
static struct meta_job await(struct farm *f, struct str uuid, const char *status)
{
    int64_t         deadline = clock_monotonic_us() + 30 * SECOND_US;
    struct meta_job job      = find(f, uuid);

    while (!str_is(job.status, status)) {
        if (clock_monotonic_us() > deadline)
            fail_msg("the job is " STR_FMT ", not %s: " STR_FMT, STR_ARGS(job.status), status,
                     STR_ARGS(job.message));
        usleep(5 * 1000);
        job = find(f, uuid);
    }
    return job;
}

void test_jobs_are_done_and_never_more_at_once_than_they_may(void **state)
{
    struct farm *f = *state;
    struct str   uuids[20];

    for (size_t i = 0; i < ARRAY_LEN(uuids); i++)
        uuids[i] = add(f, (struct meta_job){ .action     = STR("step"),
                                             .parameters = STR("{\"of\":\"many\"}") });
    f->one = start(f, "node-1");
    for (size_t i = 0; i < ARRAY_LEN(uuids); i++)
        await(f, uuids[i], "done");
    assert_int_equal(atomic_load(&f->n_done), ARRAY_LEN(uuids));
    assert_int_equal(atomic_load(&f->n_most), 2);

    struct meta_job_line *lines;
    struct db_tx         *tx = NULL;
    size_t                n;
    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_log_page(tx, f->arena, find(f, uuids[0]).id, 0, 10, &lines, &n, &f->err),
             &f->err);
    db_abort(&tx);
    assert_int_equal(n, 1);
    CHECK_STR(lines[0].data, "step given");
}

void test_jobs_what_fails_is_tried_again_as_a_new_job(void **state)
{
    struct farm *f = *state;
    struct str   uuid =
        add(f, (struct meta_job){ .action = STR("bad"), .retries_total = 2, .retries_left = 2 });
    struct meta_job_filter all = { .is_running = -1 };
    struct meta_job       *list;
    struct db_tx          *tx = NULL;
    size_t                 n;

    f->one = start(f, "node-1");
    CHECK_STR(await(f, uuid, "errored").message, "the upstream is away");
    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_page(tx, f->arena, &all, 0, 10, &list, &n, &f->err), &f->err);
    db_abort(&tx);
    assert_int_equal(n, 2);
    CHECK_STR(list[0].status, "waiting");
    CHECK_STR(list[0].retry_of, uuid.p);
    assert_int_equal(list[0].retries_left, 1);
    assert_true(list[0].scheduled_at >= list[1].ended_at + 5 * SECOND_US);
    assert_int_equal(atomic_load(&f->n_failed), 1);
}

void test_jobs_cancel_and_deadline_stop_them(void **state)
{
    struct farm  *f    = *state;
    struct str    uuid = add(f, (struct meta_job){ .action = STR("long") });
    struct db_tx *tx   = NULL;
    int64_t       n;

    f->one = start(f, "node-1");
    await(f, uuid, "running");
    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_cancel(tx, uuid, &n, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    await(f, uuid, "canceled");

    uuid = add(f, (struct meta_job){ .action = STR("long"), .deadline_us = 50 * 1000 });
    assert_non_null(strstr(await(f, uuid, "errored").message.p, "deadline"));
    assert_int_equal(atomic_load(&f->n_stopped), 2);
}

void test_jobs_a_node_that_stops_gives_back_what_it_had(void **state)
{
    struct farm *f    = *state;
    struct str   uuid = add(f, (struct meta_job){ .action = STR("long") });

    f->one = start(f, "node-1");
    await(f, uuid, "running");
    jobs_stop(&f->one);
    assert_int_equal(atomic_load(&f->n_stopped), 1);
    CHECK_STR(find(f, uuid).status, "worker_dead");

    f->two = start(f, "node-2");
    CHECK_STR(await(f, uuid, "running").worker_id, "node-2");
}

/* MN-06 in small: the lease ran out while its node stood still. */
void test_jobs_who_lost_a_job_commits_nothing(void **state)
{
    struct farm  *f    = *state;
    struct str    uuid = add(f, (struct meta_job){ .action = STR("sleeper") });
    struct db_tx *tx   = NULL;
    int64_t       n;

    f->one                = start(f, "node-1");
    struct meta_job first = await(f, uuid, "running");

    /* What the other nodes would see after the lease: the row, without waiting for it. */
    clock_set_offset(3600 * SECOND_US);
    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_bury(tx, 5, &n, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    clock_set_offset(0);
    assert_int_equal(n, 1);

    f->two                 = start(f, "node-2");
    struct meta_job second = await(f, uuid, "running");
    assert_true(second.fence > first.fence);
    CHECK_STR(second.worker_id, "node-2");
    atomic_store(&f->may_go, true);
    await(f, uuid, "done");
    while (atomic_load(&f->n_refused) == 0)
        usleep(5 * 1000);
    assert_int_equal(atomic_load(&f->n_done), 1);
}

void test_jobs_what_is_no_job_is_refused(void **state)
{
    const struct {
        struct meta_job job;
        const char     *about;
    } cases[] = {
        { { .action = STR("fly") }, "fly" },
        { { .action = STR("step"), .parameters = STR("{\"to\":\"x\"}") }, "takes no \"to\"" },
        { { .action = STR("step"), .parameters = STR("{\"of\":1}") }, "of" },
        { { .action = STR("step"), .parameters = STR("[]") }, "parameters" },
        { { .action = STR("step"), .deadline_us = -1 }, "deadline" },
        { { .action = STR("step"), .retries_total = 101 }, "retries" },
    };
    struct farm *f = *state;
    struct str   uuid;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct db_tx *tx = NULL;

        CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
        CHECK_FAILS(jobs_add(tx, f->arena, kinds, &cases[i].job, &uuid, &f->err), &f->err,
                    ERR_INVALID);
        if (strstr(f->err.text, cases[i].about) == NULL)
            fail_msg("case %zu: %s", i, f->err.text);
        db_abort(&tx);
    }
}

void test_jobs_crons_add_one_at_a_time_with_their_defaults(void **state)
{
    struct farm     *f    = *state;
    struct meta_cron cron = { .action = STR("step"), .schedule = STR("@every 1s"), .next_run = 1 };
    struct meta_job_filter step = { .is_running = -1, .action = STR("step") };
    struct meta_job       *list;
    struct db_tx          *tx = NULL;
    size_t                 n;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_cron_put(tx, &cron, &f->err), &f->err);
    CHECK_OK(meta_action_config_put(tx, STR("step"), STR("{\"of\":\"config\"}"), &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    f->one = start(f, "node-1");
    while (atomic_load(&f->n_done) == 0)
        usleep(5 * 1000);
    jobs_stop(&f->one);
    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_page(tx, f->arena, &step, 0, 10, &list, &n, &f->err), &f->err);
    db_abort(&tx);
    assert_in_range(n, 1, 3);
    CHECK_STR(list[0].parameters, "{\"of\":\"config\"}");
}

static void set_capacity(struct farm *f, const char *worker, const char *name, int64_t n)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_capacity_put(tx, str_from(worker), str_from(name), n, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
}

static void cancel(struct farm *f, struct str uuid)
{
    struct db_tx *tx = NULL;
    int64_t       n;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_cancel(tx, uuid, &n, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    assert_int_equal(n, 1);
}

/* Long before its lease is to be renewed, and though it pauses; what it said is text that every engine takes. */
void test_jobs_a_cancel_wakes_who_pauses(void **state)
{
    struct farm          *f    = *state;
    struct str            uuid = add(f, (struct meta_job){ .action = STR("nap") });
    struct meta_job_line *lines;
    struct db_tx         *tx = NULL;
    size_t                n;

    f->one = start(f, "node-1");
    await(f, uuid, "running");
    cancel(f, uuid);
    struct meta_job job = await(f, uuid, "canceled");
    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_job_log_page(tx, f->arena, job.id, 0, 10, &lines, &n, &f->err), &f->err);
    db_abort(&tx);
    assert_int_equal(n, 2);
    assert_int_equal(lines[0].data.n, 4095);
    assert_true(text_is_utf8(lines[0].data));
    CHECK_STR(lines[1].data, " [31m?");
}

void test_jobs_past_its_deadline_it_is_woken_too(void **state)
{
    struct farm *f    = *state;
    struct str   uuid = add(f, (struct meta_job){ .action = STR("nap"), .deadline_us = 50 * 1000 });

    f->one = start(f, "node-1");
    CHECK_STR(await(f, uuid, "errored").message, "it ran past its deadline");
}

/* One that stands still is given up, and keeps its node neither from renewing nor from taking others. */
void test_jobs_who_does_not_stop_is_given_up(void **state)
{
    struct farm *f = *state;
    struct str   stuck =
        add(f, (struct meta_job){ .action = STR("sleeper"), .stop_timeout_us = 50 * 1000 });

    f->one = start(f, "node-1");
    await(f, stuck, "running");
    cancel(f, stuck);
    CHECK_STR(await(f, stuck, "canceled").message, "it was canceled and did not stop");
    struct str step = add(f, (struct meta_job){ .action = STR("step") });
    await(f, step, "done");
    atomic_store(&f->may_go, true);
    while (atomic_load(&f->n_refused) == 0)
        usleep(5 * 1000);
    CHECK_STR(find(f, stuck).status, "canceled");
}

/* A job takes what it says of what its worker has; of what that has no number for there is enough. */
void test_jobs_need_capacity_by_name(void **state)
{
    struct farm *f   = *state;
    struct str   big = add(f, (struct meta_job){ .action   = STR("nap"),
                                                 .capacity = STR("{\"nap\":9,\"disk\":1}") });

    f->one = start(f, "node-1");
    await(f, big, "running"); /* more than there is: all of it */
    struct str small = add(f, (struct meta_job){ .action = STR("nap") });
    struct str step  = add(f, (struct meta_job){ .action = STR("step") });
    await(f, step, "done");
    CHECK_STR(find(f, small).status, "waiting");
    set_capacity(f, "node-1", "nap", 10);
    await(f, small, "running");
    set_capacity(f, "node-1", "disk", 1);
    struct str disk = add(f, (struct meta_job){ .action   = STR("nap"),
                                                .capacity = STR("{\"disk\":1,\"nap\":0}") });
    await(f, add(f, (struct meta_job){ .action = STR("step") }), "done");
    CHECK_STR(find(f, disk).status, "waiting");
    cancel(f, big);
    await(f, disk, "running");
}

/* One whose parameters are not taken any more, and one of an action that this program does not know. */
void test_jobs_a_bad_cron_keeps_no_other_from_its_turn(void **state)
{
    struct farm     *f     = *state;
    struct meta_cron bad   = { .action     = STR("long"),
                               .schedule   = STR("@every 1s"),
                               .parameters = STR("{\"old\":\"x\"}"),
                               .next_run   = 1 };
    struct meta_cron other = { .action   = STR("newer"),
                               .schedule = STR("@every 1s"),
                               .next_run = 1 };
    struct meta_cron good  = { .action = STR("step"), .schedule = STR("@every 1s"), .next_run = 2 };
    struct db_tx    *tx    = NULL;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_cron_put(tx, &bad, &f->err), &f->err);
    CHECK_OK(meta_cron_put(tx, &other, &f->err), &f->err);
    CHECK_OK(meta_cron_put(tx, &good, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
    f->one = start(f, "node-1");
    while (atomic_load(&f->n_done) == 0)
        usleep(5 * 1000);
    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    assert_int_equal(meta_cron_find(tx, f->arena, STR("newer"), &other, &f->err), 1);
    assert_int_equal(meta_cron_find(tx, f->arena, STR("long"), &bad, &f->err), 1);
    db_abort(&tx);
    assert_int_equal(other.next_run, 1);
    assert_true(bad.next_run > 1);
}
