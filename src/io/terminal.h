/* io/terminal.h: the terminal of a command that a person runs. */
#ifndef IO_TERMINAL_H
#define IO_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum { TERMINAL_WIDTH = 80 }; /* of one that does not say */

bool terminal_is(int fd);

/* Columns of the terminal at that descriptor; TERMINAL_WIDTH when it does not say. */
size_t terminal_width(int fd);

/* Asks on the terminal itself, wherever standard input and output lead, and reads one line; is_secret: without
 * showing it. ERR_UNAVAILABLE when there is no terminal or the answer was broken off. The answer is wiped with
 * the arena when it is secret. */
int terminal_ask(struct arena *arena, const char *question, bool is_secret, struct str *out,
                 struct err *err);

/* One line of a descriptor, without its end; read byte by byte, so that what follows stays there. At most
 * TERMINAL_LINE_MAX bytes, more is ERR_TOO_LARGE; nothing at all is ERR_NOT_FOUND. */
enum { TERMINAL_LINE_MAX = 16 * 1024 };
int terminal_read_line(struct arena *arena, int fd, struct str *out, struct err *err);

#endif
