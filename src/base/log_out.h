/* base/log_out.h: the way of finished log lines to standard error.
 *
 * At first each line is written by the thread that made it. After log_out_begin the lines of a busy server are
 * gathered and a thread of their own writes them a moment later: one call for many, and no request waits for
 * the file's lock. Lines that cannot wait (warnings, errors) take along all that came before them, so the
 * order on the file is that of the calls. A full buffer is written by who finds it full: nothing is dropped,
 * and memory is bounded. Any thread. */
#ifndef BASE_LOG_OUT_H
#define BASE_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>

/* Once, before the second thread starts. What is gathered is written at exit() too. Without a thread to be had
 * lines go on being written at once. */
void log_out_begin(void);

void log_out_line(const char *line, size_t size, bool can_wait);

/* Writes what is gathered, now. */
void log_out_flush(void);

/* The same for the end of a process that found itself wrong: does nothing while another thread is writing. */
void log_out_rescue(void);

#endif
