/* io/terminal.c: questions go to /dev/tty, so that `assay … | less` and `… < file` can still ask. What is typed
 * without being shown is guarded against an interrupt half-way: the terminal is put back before the signal has its
 * way. */
#include "io/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/file.h"

enum { CTRL_C = '\x03' };

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

size_t terminal_width(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return TERMINAL_WIDTH;
    return size.ws_col;
}

struct line {
    char  *p;
    size_t n;
};

static void wipe_line(void *context)
{
    struct line *line = context;

    mem_wipe(line->p, line->n);
}

/* Up to a line end, or to that byte, which stays in the line (0: none). */
static int read_until(struct arena *arena, int fd, char last, struct str *out, struct err *err)
{
    struct line *line = mem_one(arena, struct line);
    bool         ends = false;
    size_t       n    = 0;

    line->p = mem_alloc(arena, TERMINAL_LINE_MAX + 1);
    line->n = TERMINAL_LINE_MAX + 1;
    arena_on_free(arena, wipe_line, line);
    while (!ends && n <= TERMINAL_LINE_MAX) {
        ssize_t got = read(fd, line->p + n, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_os(err, ERR_UNAVAILABLE, "reading a line");
        if (got == 0 && n == 0)
            return err_set(err, ERR_NOT_FOUND, "there was nothing to read");
        ends = got == 0 || line->p[n] == '\n' || (last != 0 && line->p[n] == last);
        n += ends && (got == 0 || line->p[n] == '\n') ? 0 : 1;
    }
    if (!ends)
        return err_set(err, ERR_TOO_LARGE, "a line is longer than %d bytes", TERMINAL_LINE_MAX);
    if (n > 0 && line->p[n - 1] == '\r')
        n--;
    *out = (struct str){ .p = line->p, .n = n };
    return 0;
}

int terminal_read_line(struct arena *arena, int fd, struct str *out, struct err *err)
{
    return read_until(arena, fd, 0, out, err);
}

/* Signals that would leave the terminal silent wait until it is itself again. */
static void hold_signals(sigset_t *before)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
    sigset_t         held;

    sigemptyset(&held);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        sigaddset(&held, ends[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

static int ask_openly(struct arena *arena, int tty, const char *question, struct str *out,
                      struct err *err)
{
    if (file_write_all(tty, str_from(question), -1, err) < 0)
        return -1;
    return terminal_read_line(arena, tty, out, err);
}

/* Silent before it asks, for people type fast. Ctrl-C comes as a byte that ends the line while the terminal is
 * told not to make signals. */
static int ask_silently(struct arena *arena, int tty, const char *question, struct str *out,
                        struct err *err)
{
    struct termios before, silent;
    sigset_t       mask;

    if (tcgetattr(tty, &before) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "asking the terminal");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = CTRL_C;
    hold_signals(&mask);
    tcsetattr(tty, TCSAFLUSH, &silent);
    int asked = file_write_all(tty, str_from(question), -1, err);
    if (asked == 0)
        asked = read_until(arena, tty, CTRL_C, out, err);
    tcsetattr(tty, TCSAFLUSH, &before);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return asked < 0 ? -1 : file_write_all(tty, STR("\n"), -1, err);
}

int terminal_ask(struct arena *arena, const char *question, bool is_secret, struct str *out,
                 struct err *err)
{
    AUTO(file_close)
    int        tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY); /* lint: calls: a device */
    struct str line;

    if (tty < 0)
        return err_set(err, ERR_UNAVAILABLE, "there is no terminal to ask on");
    int asked = is_secret ? ask_silently(arena, tty, question, &line, err)
                          : ask_openly(arena, tty, question, &line, err);
    if (asked < 0)
        return err_wrap(err, "no answer");
    if (str_find(line, CTRL_C) >= 0)
        return err_set(err, ERR_UNAVAILABLE, "interrupted");
    *out = line;
    return 0;
}
