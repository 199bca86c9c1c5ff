/* cmd/completion.h: scripts by which shells complete our commands. */
#ifndef CMD_COMPLETION_H
#define CMD_COMPLETION_H

#include "base/str.h"

struct buf;
struct err;

/* shell: bash, zsh or fish; anything else is ERR_INVALID. */
int completion_print(struct str shell, struct buf *out, struct err *err);

#endif
