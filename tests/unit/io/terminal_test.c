/* terminal: its width is known or assumed; a question is answered on the terminal itself, unseen when it is about a
 * secret. The terminal is a pseudo-terminal of the test's own. */
#include "io/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "check.h"
#include "io/file.h"

static struct arena *arena;
static struct err    err;

int terminal_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int terminal_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static int open_master(char name[64])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, name, 64), 0);
    return master;
}

void test_width_is_asked_or_assumed(void **state)
{
    char                 name[64];
    AUTO(file_close) int master = open_master(name);
    AUTO(file_close) int slave  = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize       size   = { .ws_row = 24, .ws_col = 132 };

    assert_true(terminal_is(slave));
    assert_int_equal(terminal_width(slave), TERMINAL_WIDTH);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    assert_int_equal(terminal_width(slave), 132);

    AUTO(file_close) int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_false(terminal_is(file));
    assert_int_equal(terminal_width(file), TERMINAL_WIDTH);
}

void test_a_line_is_read_and_no_more(void **state)
{
    int        ends[2];
    struct str line;
    char       rest;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "one\r\ntwo\n\nlast", 14), 14);
    CHECK_OK(terminal_read_line(arena, ends[0], &line, &err), &err);
    CHECK_STR(line, "one");
    CHECK_OK(terminal_read_line(arena, ends[0], &line, &err), &err);
    CHECK_STR(line, "two");
    CHECK_OK(terminal_read_line(arena, ends[0], &line, &err), &err);
    CHECK_STR(line, "");
    assert_int_equal(read(ends[0], &rest, 1), 1);
    assert_int_equal(rest, 'l');
    file_close(&ends[1]);
    CHECK_OK(terminal_read_line(arena, ends[0], &line, &err), &err);
    CHECK_STR(line, "ast");
    CHECK_FAILS(terminal_read_line(arena, ends[0], &line, &err), &err, ERR_NOT_FOUND);
    file_close(&ends[0]);
}

void test_too_long_a_line_is_refused(void **state)
{
    int        ends[2];
    char       bytes[1024];
    struct str line;

    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i <= TERMINAL_LINE_MAX / 1024; i++)
        assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
    file_close(&ends[1]);
    CHECK_FAILS(terminal_read_line(arena, ends[0], &line, &err), &err, ERR_TOO_LARGE);
    file_close(&ends[0]);
}

/* What the person sees until it ends with `until`. */
static void see(int master, const char *until, char *seen, size_t room)
{
    size_t n = 0;

    while (n + 1 < room) {
        ssize_t got = read(master, seen + n, room - n - 1);

        if (got < 0 && errno == EIO)
            break;
        assert_true(got > 0);
        n += (size_t)got;
        seen[n] = '\0';
        if (strstr(seen, until) != NULL)
            break;
    }
}

/* In a session of its own, whose terminal is the other end. Exit: 0 the answer is as wanted, 3 refused. */
static void ask_in_child(const char *name, bool is_secret, const char *wanted)
{
    struct str answer;
    struct err failure;

    setsid();
    int slave = open(name, O_RDWR | O_CLOEXEC);
    if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
        _exit(2);
    if (terminal_ask(arena, "secret? ", is_secret, &answer, &failure) < 0)
        _exit(3);
    _exit(str_is(answer, wanted) ? 0 : 1);
}

static int ask(bool is_secret, const char *typed, const char *wanted, char *seen, size_t room)
{
    char                 name[64];
    AUTO(file_close) int master = open_master(name);
    int                  status;
    pid_t                pid = fork();

    if (pid == 0)
        ask_in_child(name, is_secret, wanted);
    see(master, "secret? ", seen, room);
    assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
    see(master, "\n", seen, room);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void test_a_secret_is_not_shown(void **state)
{
    char seen[256];

    assert_int_equal(ask(true, "hush hush\n", "hush hush", seen, sizeof(seen)), 0);
    assert_null(strstr(seen, "hush"));
    assert_int_equal(ask(false, "alice\n", "alice", seen, sizeof(seen)), 0);
    assert_non_null(strstr(seen, "alice"));
}

void test_an_interrupt_is_no_answer(void **state)
{
    char seen[256];

    assert_int_equal(ask(true, "half\x03", "half", seen, sizeof(seen)), 3);
}
