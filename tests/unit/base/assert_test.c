/* assert_test.c: a failed assert ends the process at once and says where it stood. */
#include "base/assert.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Runs fn in a child; what it wrote to standard error ends in `said`. */
static int status_of(void (*fn)(void), char *said, size_t size)
{
    int pipe_ends[2];

    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }

    int     status;
    ssize_t n;
    close(pipe_ends[1]);
    n       = read(pipe_ends[0], said, size - 1);
    said[n] = '\0';
    close(pipe_ends[0]);
    waitpid(child, &status, 0);
    return status;
}

static void break_a_rule(void)
{
    ASSERT(1 + 1 == 3);
}

static void keep_a_rule(void)
{
    ASSERT(1 + 1 == 2);
}

static void reach_the_unreachable(void)
{
    ASSERT_NEVER("a third kind");
}

void test_assert_ends_the_process_and_says_where(void **state)
{
    char said[512];
    int  status = status_of(break_a_rule, said, sizeof(said));

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "1 + 1 == 3"));
    assert_non_null(strstr(said, "break_a_rule"));
}

void test_assert_never_says_why(void **state)
{
    char said[512];

    assert_true(WIFSIGNALED(status_of(reach_the_unreachable, said, sizeof(said))));
    assert_non_null(strstr(said, "never: a third kind"));
}

void test_assert_is_silent_when_it_holds(void **state)
{
    char said[512];

    assert_int_equal(status_of(keep_a_rule, said, sizeof(said)), 0);
    assert_string_equal(said, "");
}
