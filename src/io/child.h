/* io/child.h: another program, run for one question: what it is told on standard input, what it answers on
 * standard output, and a deadline.
 *
 * The program is looked up in PATH and started without a shell, in a process group of its own, which is killed as
 * a whole when the deadline passes; its standard error is ours. It inherits no descriptors but these. Any thread;
 * SIGPIPE must be ignored by the process. */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

struct child_call {
    const char *const *argv; /* ends with null */
    struct str         input;
    size_t             output_max; /* bytes; more is ERR_TOO_LARGE */
    int64_t            timeout_us;
};

struct child_done {
    int        code; /* exit status; 128 + signal when it was killed */
    struct str output;
};

/* Runs it to its end. ERR_NOT_FOUND: there is no such program; ERR_UNAVAILABLE: it did not end in time, or could
 * not be started. An exit status other than 0 is an answer, no failure. */
int child_run(struct arena *arena, const struct child_call *call, struct child_done *out,
              struct err *err);

#endif
