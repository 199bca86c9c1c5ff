/* cmd/verb.h: the verbs of `assay admin`, as rows. They run against an open node: the server's own, when one
 * is running (through DATA/admin.sock), or one that the command opens for the moment. */
#ifndef CMD_VERB_H
#define CMD_VERB_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "cmd/node.h"

enum { VERB_ARGS_MAX = 4 };

struct verb {
    const char *name;
    const char *args; /* for help */
    const char *help;
    size_t      n_args;
    bool wants_secret; /* one more argument, read from standard input: never on a command line */
    int (*run)(struct node *node, const struct str *args, struct buf *out, struct err *err);
};

extern const struct verb verb_table[]; /* ends with an empty row */

const struct verb *verb_find(struct str name);

/* Checks the number of arguments and runs it; `out` gets what is to be printed. */
int verb_run(struct node *node, struct str name, const struct str *args, size_t n_args,
             struct buf *out, struct err *err);

#endif
