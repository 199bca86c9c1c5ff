/* child: one question to another program: it gets its input, its answer is bounded, and it may not take for ever. */
#include "io/child.h"

#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "io/clock.h"

#define SECOND_US INT64_C(1000000)

static struct arena *arena;
static struct err    err;

int child_test_setup(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    arena = arena_new();
    return 0;
}

int child_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static int run(const char *script, struct str input, size_t output_max, int64_t timeout_us,
               struct child_done *out)
{
    const char *const argv[] = { "sh", "-c", script, NULL };

    return child_run(arena,
                     &(struct child_call){ .argv       = argv,
                                           .input      = input,
                                           .output_max = output_max,
                                           .timeout_us = timeout_us },
                     out, &err);
}

void test_it_reads_answers_and_ends(void **state)
{
    struct child_done done;

    CHECK_OK(run("read line; echo \"got $line\"; exit 3", STR("hello\n"), 100, 60 * SECOND_US,
                 &done),
             &err);
    CHECK_STR(done.output, "got hello\n");
    assert_int_equal(done.code, 3);

    CHECK_OK(run("kill -TERM $$", STR(""), 100, 60 * SECOND_US, &done), &err);
    assert_int_equal(done.code, 128 + SIGTERM);
}

void test_more_than_a_pipe_holds_goes_both_ways(void **state)
{
    enum { SIZE = 1024 * 1024 };
    char             *bytes = mem_alloc(arena, SIZE);
    struct child_done done;

    memset(bytes, 'x', SIZE);
    CHECK_OK(run("cat", (struct str){ .p = bytes, .n = SIZE }, SIZE, 60 * SECOND_US, &done), &err);
    assert_int_equal(done.output.n, SIZE);
    assert_memory_equal(done.output.p, bytes, SIZE);

    /* It may as well not read at all. */
    CHECK_OK(run("echo no", (struct str){ .p = bytes, .n = SIZE }, 100, 60 * SECOND_US, &done),
             &err);
    CHECK_STR(done.output, "no\n");
}

void test_too_long_an_answer_is_none(void **state)
{
    struct child_done done;

    CHECK_OK(run("printf 12345", STR(""), 5, 60 * SECOND_US, &done), &err);
    CHECK_FAILS(run("printf 123456", STR(""), 5, 60 * SECOND_US, &done), &err, ERR_TOO_LARGE);
}

void test_one_that_hangs_is_ended_with_all_it_started(void **state)
{
    struct child_done done;
    int64_t           begun_at = clock_monotonic_us();

    CHECK_FAILS(run("sleep 600 & sleep 600", STR(""), 100, SECOND_US / 10, &done), &err,
                ERR_UNAVAILABLE);
    assert_true(clock_monotonic_us() - begun_at < 300 * SECOND_US);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

void test_what_it_leaves_behind_is_not_waited_for(void **state)
{
    struct child_done done;

    CHECK_OK(run("(exec sleep 2) 2>/dev/null & echo done", STR(""), 100, 60 * SECOND_US, &done),
             &err);
    CHECK_STR(done.output, "done\n");
}

void test_a_program_that_is_not_there_is_said_to_be_so(void **state)
{
    const char *const argv[] = { "assay-no-such-program", NULL };
    struct child_done done;

    CHECK_FAILS(child_run(arena,
                          &(struct child_call){
                              .argv = argv, .output_max = 10, .timeout_us = SECOND_US },
                          &done, &err),
                &err, ERR_NOT_FOUND);
}
