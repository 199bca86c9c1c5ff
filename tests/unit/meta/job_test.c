/* job_test.c: a job is taken once, by who shows its fence; what is over, canceled or dead is so for everybody. */
#include "meta/job.h"

#include "fixture.h"
#include "io/clock.h"

#define SECOND_US INT64_C(1000000)
#define LEASE_US (30 * SECOND_US)

int job_test_setup(void **state)
{
    return fixture_open(state);
}

int job_test_teardown(void **state)
{
    clock_set_offset(0);
    return fixture_close(state);
}

static struct str add(struct fixture *f, const char *action, int64_t scheduled_at)
{
    struct meta_job job = { .action = str_from(action), .scheduled_at = scheduled_at };
    struct str      uuid;

    CHECK_OK(meta_job_add(f->tx, f->arena, &job, &uuid, &f->err), &f->err);
    return uuid;
}

static struct meta_job find(struct fixture *f, struct str uuid)
{
    struct meta_job job;

    assert_int_equal(meta_job_find(f->tx, f->arena, uuid, &job, &f->err), 1);
    return job;
}

static int take(struct fixture *f, const char *action, struct meta_job *out)
{
    return meta_job_take(f->tx, f->arena, str_from(action), STR("node-1"), LEASE_US, out, &f->err);
}

void test_job_the_one_due_for_longest_is_taken_first_and_once(void **state)
{
    struct fixture *f     = *state;
    int64_t         now   = db_now(f->tx);
    struct str      young = add(f, "gc", now - 1);
    struct str      old   = add(f, "gc", now - 2);
    struct meta_job job;

    add(f, "gc", now + 60 * SECOND_US);
    add(f, "scan", now - 5);
    assert_int_equal(take(f, "gc", &job), 1);
    CHECK_STR(job.uuid, old.p);
    CHECK_STR(job.status, "running");
    CHECK_STR(job.worker_id, "node-1");
    assert_int_equal(job.fence, 1);
    assert_true(job.lease_until > now + LEASE_US - SECOND_US);
    assert_int_equal(take(f, "gc", &job), 1);
    CHECK_STR(job.uuid, young.p);
    assert_int_equal(take(f, "gc", &job), 0);
}

void test_job_of_a_unique_key_one_waits(void **state)
{
    struct fixture *f   = *state;
    struct meta_job job = { .action = STR("gc"), .unique_key = STR("cron"), .scheduled_at = 1 };
    struct meta_job taken;
    struct str      uuid;

    CHECK_OK(meta_job_add(f->tx, f->arena, &job, &uuid, &f->err), &f->err);
    assert_int_equal(take(f, "gc", &taken), 1);
    CHECK_OK(meta_job_add(f->tx, f->arena, &job, &uuid, &f->err), &f->err);
    CHECK_FAILS(meta_job_add(f->tx, f->arena, &job, &uuid, &f->err), &f->err, ERR_EXISTS);
    fixture_retry(f);
}

void test_job_a_lease_that_is_over_gives_it_to_the_next(void **state)
{
    struct fixture *f    = *state;
    struct str      uuid = add(f, "gc", 1);
    struct meta_job first, second;
    int64_t         n;
    bool            is_canceled;

    assert_int_equal(take(f, "gc", &first), 1);
    CHECK_OK(meta_job_bury(f->tx, 5, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    CHECK_OK(meta_job_guard(f->tx, first.id, first.fence, &f->err), &f->err);

    clock_set_offset(LEASE_US + SECOND_US);
    CHECK_OK(meta_job_bury(f->tx, 5, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(find(f, uuid).status, "worker_dead");
    CHECK_FAILS(meta_job_guard(f->tx, first.id, first.fence, &f->err), &f->err, ERR_CONFLICT);

    assert_int_equal(take(f, "gc", &second), 1);
    assert_int_equal(second.fence, 2);
    assert_int_equal(meta_job_renew(f->tx, first.id, first.fence, LEASE_US, &is_canceled, &f->err),
                     0);
    CHECK_FAILS(meta_job_guard(f->tx, first.id, first.fence, &f->err), &f->err, ERR_CONFLICT);
    CHECK_FAILS(meta_job_end(f->tx, first.id, first.fence, "done", STR(""), &f->err), &f->err,
                ERR_CONFLICT);
    CHECK_OK(meta_job_end(f->tx, second.id, second.fence, "done", STR("all well"), &f->err),
             &f->err);
    CHECK_STR(find(f, uuid).status, "done");
    CHECK_STR(find(f, uuid).message, "all well");
}

void test_job_what_kills_every_worker_ends(void **state)
{
    struct fixture *f    = *state;
    struct str      uuid = add(f, "gc", 1);
    struct meta_job job;
    int64_t         n;

    for (int i = 1; i <= 2; i++) {
        clock_set_offset(i * (LEASE_US + SECOND_US));
        assert_int_equal(take(f, "gc", &job), 1);
        clock_set_offset((i + 1) * (LEASE_US + SECOND_US));
        CHECK_OK(meta_job_bury(f->tx, 2, &n, &f->err), &f->err);
        assert_int_equal(n, 1);
    }
    CHECK_STR(find(f, uuid).status, "errored");
    assert_int_equal(take(f, "gc", &job), 0);
}

void test_job_cancel_is_at_once_or_asks_the_worker(void **state)
{
    struct fixture *f       = *state;
    struct str      waiting = add(f, "gc", 1), running = add(f, "scan", 1);
    struct meta_job job;
    bool            is_canceled;
    int64_t         n;

    CHECK_OK(meta_job_cancel(f->tx, waiting, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(find(f, waiting).status, "canceled");
    CHECK_OK(meta_job_cancel(f->tx, waiting, &n, &f->err), &f->err);
    assert_int_equal(n, 0);

    assert_int_equal(take(f, "scan", &job), 1);
    assert_int_equal(meta_job_renew(f->tx, job.id, job.fence, LEASE_US, &is_canceled, &f->err), 1);
    assert_false(is_canceled);
    CHECK_OK(meta_job_remove(f->tx, running, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    CHECK_OK(meta_job_cancel(f->tx, running, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(find(f, running).status, "cancel_request");
    assert_int_equal(meta_job_renew(f->tx, job.id, job.fence, LEASE_US, &is_canceled, &f->err), 1);
    assert_true(is_canceled);
    CHECK_OK(meta_job_end(f->tx, job.id, job.fence, "canceled", STR(""), &f->err), &f->err);
    CHECK_OK(meta_job_remove(f->tx, running, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
}

void test_job_given_back_it_is_taken_again(void **state)
{
    struct fixture *f = *state;
    struct meta_job job;

    add(f, "gc", 1);
    assert_int_equal(take(f, "gc", &job), 1);
    CHECK_OK(meta_job_release(f->tx, job.id, job.fence, &f->err), &f->err);
    assert_int_equal(take(f, "gc", &job), 1);
    assert_int_equal(job.fence, 2);
    assert_int_equal(job.n_taken, 1);
}

void test_job_pages_and_logs(void **state)
{
    struct fixture        *f = *state;
    struct meta_job       *list;
    struct meta_job        job;
    struct meta_job_line  *lines;
    struct meta_job_filter all = { .is_running = -1 }, running = { .is_running = 1 },
                           gc   = { .is_running = -1, .action = STR("gc") },
                           mine = { .is_running = -1, .worker_id = STR("node-1") };
    size_t n;

    for (int i = 0; i < 3; i++)
        add(f, "gc", 1);
    add(f, "scan", 1);
    assert_int_equal(take(f, "scan", &job), 1);
    CHECK_OK(meta_job_page(f->tx, f->arena, &all, 1, 2, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    assert_true(list[0].id > list[1].id);
    CHECK_OK(meta_job_page(f->tx, f->arena, &running, 0, 10, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_OK(meta_job_page(f->tx, f->arena, &gc, 0, 10, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 3);
    CHECK_OK(meta_job_page(f->tx, f->arena, &mine, 0, 10, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 1);

    for (int i = 1; i <= 3; i++) {
        struct meta_job_line line = { .line = i, .at = i, .data = STR("step") };
        CHECK_OK(meta_job_log(f->tx, job.id, &line, &f->err), &f->err);
    }
    CHECK_OK(meta_job_log_page(f->tx, f->arena, job.id, 1, 10, &lines, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    assert_int_equal(lines[0].line, 2);
}

void test_job_history_goes_by_age_and_number(void **state)
{
    struct fixture         *f = *state;
    struct meta_job         job;
    struct meta_job_dropped gone = { 0 };

    for (int i = 0; i < 4; i++) {
        struct meta_job_line line = { .line = 1, .data = STR("step") };

        add(f, "gc", 1);
        assert_int_equal(take(f, "gc", &job), 1);
        CHECK_OK(meta_job_log(f->tx, job.id, &line, &f->err), &f->err);
        CHECK_OK(meta_job_end(f->tx, job.id, job.fence, "done", STR(""), &f->err), &f->err);
    }
    add(f, "gc", 1);
    CHECK_OK(meta_job_expire(f->tx, 5, &gone, &f->err), &f->err);
    assert_int_equal(gone.n_jobs + gone.n_lines, 0);
    CHECK_OK(meta_job_trim(f->tx, 3, &gone, &f->err), &f->err);
    assert_int_equal(gone.n_jobs, 1);
    assert_int_equal(gone.n_lines, 1);
    CHECK_OK(meta_job_trim(f->tx, 3, &gone, &f->err), &f->err);
    assert_int_equal(gone.n_jobs, 1);
    CHECK_OK(meta_job_expire(f->tx, INT64_MAX, &gone, &f->err), &f->err);
    assert_int_equal(gone.n_jobs, 4);
    assert_int_equal(gone.n_lines, 4);
    assert_int_equal(take(f, "gc", &job), 1);
}

void test_job_crons_and_defaults(void **state)
{
    struct fixture  *f    = *state;
    struct meta_cron cron = { .action = STR("gc"), .schedule = STR("@daily"), .next_run = 5 };
    struct meta_cron due, *list;
    struct meta_action_config config;
    size_t                    n;
    int64_t                   n_gone;

    CHECK_OK(meta_cron_put(f->tx, &cron, &f->err), &f->err);
    assert_int_equal(meta_cron_due(f->tx, f->arena, STR("gc"), &due, &f->err), 1);
    CHECK_STR(due.schedule, "@daily");
    CHECK_OK(meta_cron_move_on(f->tx, STR("gc"), INT64_MAX, &f->err), &f->err);
    assert_int_equal(meta_cron_due(f->tx, f->arena, STR("gc"), &due, &f->err), 0);
    cron.schedule = STR("@hourly");
    CHECK_OK(meta_cron_add(f->tx, &cron, &f->err), &f->err);
    CHECK_OK(meta_cron_list(f->tx, f->arena, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    CHECK_STR(list[0].schedule, "@daily");
    CHECK_OK(meta_cron_remove(f->tx, STR("gc"), &n_gone, &f->err), &f->err);
    assert_int_equal(n_gone, 1);

    CHECK_OK(meta_action_config_put(f->tx, STR("gc"), STR("{\"a\":\"1\"}"), &f->err), &f->err);
    CHECK_OK(meta_action_config_put(f->tx, STR("gc"), STR("{\"a\":\"2\"}"), &f->err), &f->err);
    assert_int_equal(meta_action_config_find(f->tx, f->arena, STR("gc"), &config, &f->err), 1);
    CHECK_STR(config.parameters, "{\"a\":\"2\"}");
}
