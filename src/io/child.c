/* io/child.c: starts with posix_spawn, which is safe whatever other threads hold, and waits in one poll for the
 * three things that can happen: it takes input, it gives output, it ends (a pidfd). What it leaves running behind
 * it may keep the pipe open; the end of the program itself is what counts. */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"

enum { CHUNK = 4096 };

extern char **environ;

struct child {
    const struct child_call *call;
    pid_t                    pid; /* 0: not started, or reaped */
    int                      end; /* pidfd */
    int                      to;
    int                      from;
    struct str               input; /* what is left of it */
    struct buf               output;
};

static void child_end(struct child *child)
{
    if (child->pid > 0) {
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    }
    file_close(&child->end);
    file_close(&child->to);
    file_close(&child->from);
}

/* The child's ends lose close-on-exec by being duplicated onto 0 and 1. */
static int spawn(struct child *child, int its_input, int its_output, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attributes;
    sigset_t                   defaults, mask;

    sigemptyset(&mask);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, its_input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, its_output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &mask);

    char *const *argv =
        (char *const *)(uintptr_t)child->call->argv; /* spawn does not write there */
    errno = posix_spawnp(&child->pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (errno != 0) {
        child->pid = 0;
        return err_set_os(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "starting %s",
                          argv[0]);
    }
    return 0;
}

static int open_pipe(int *out_read, int *out_write, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "making a pipe");
    *out_read  = ends[0];
    *out_write = ends[1];
    return 0;
}

static int start(struct child *child, struct err *err)
{
    AUTO(file_close) int its_input  = -1;
    AUTO(file_close) int its_output = -1;

    if (open_pipe(&its_input, &child->to, err) < 0 ||
        open_pipe(&child->from, &its_output, err) < 0 ||
        spawn(child, its_input, its_output, err) < 0)
        return -1;
    child->end = pidfd_open(child->pid, 0);
    if (child->end < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "watching %s", child->call->argv[0]);
    fcntl(child->to, F_SETFL, O_NONBLOCK);
    fcntl(child->from, F_SETFL, O_NONBLOCK);
    return 0;
}

/* One that does not read its input to the end has its reasons. */
static void give(struct child *child)
{
    ssize_t n = child->input.n == 0 ? 0 : write(child->to, child->input.p, child->input.n);

    if (n > 0)
        child->input = str_from_index(child->input, (size_t)n);
    if (child->input.n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        file_close(&child->to);
}

static void take(struct child *child)
{
    char    room[CHUNK];
    ssize_t n;

    while ((n = read(child->from, room, sizeof(room))) > 0)
        buf_add(&child->output, room, (size_t)n);
    if (n == 0)
        file_close(&child->from);
    mem_wipe(room, sizeof(room));
}

/* Until it has ended, with all that it wrote before. */
static int talk(struct child *child, struct err *err)
{
    int64_t deadline = clock_monotonic_us() + child->call->timeout_us;

    for (;;) {
        struct pollfd fds[] = { { .fd = child->to, .events = POLLOUT },
                                { .fd = child->from, .events = POLLIN },
                                { .fd = child->end, .events = POLLIN } };
        int64_t       left  = deadline - clock_monotonic_us();

        if (left <= 0)
            return err_set(err, ERR_UNAVAILABLE, "%s did not answer within %lld s",
                           child->call->argv[0], (long long)(child->call->timeout_us / 1000000));
        if (poll(fds, ARRAY_LEN(fds), (int)(left / 1000 + 1)) < 0 && errno != EINTR)
            return err_set_os(err, ERR_UNAVAILABLE, "waiting for %s", child->call->argv[0]);
        if (fds[0].revents != 0)
            give(child);
        if (fds[1].revents != 0 || fds[2].revents != 0)
            take(child);
        if (fds[2].revents != 0)
            return 0;
    }
}

static int reap(struct child *child)
{
    int status = 0;

    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(struct arena *arena, const struct child_call *call, struct child_done *out,
              struct err *err)
{
    AUTO(child_end)
    struct child child = { .call = call, .end = -1, .to = -1, .from = -1, .input = call->input };
    struct str   output;

    buf_init(&child.output, arena, call->output_max);
    if (start(&child, err) < 0 || talk(&child, err) < 0)
        return -1;
    int code = reap(&child);
    if (buf_finish(&child.output, &output, err) < 0)
        return err_wrap(err, "the answer of %s", call->argv[0]);
    *out = (struct child_done){ .code = code, .output = output };
    return 0;
}
