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
    const char *
        flag; /* that it knows, null: none; an argument after the others, empty when it is not given */
};

extern const struct verb verb_table[]; /* ends with an empty row */

/* A verb that takes its time and speaks meanwhile: a command of its own (`assay fsck`), in the running server
 * when there is one, else in the command's process. write returns -1 when nobody listens any more or the
 * server ends; then the verb ends too. */
enum verb_part { VERB_TEXT, VERB_PROGRESS };

struct verb_out {
    int (*write)(struct verb_out *out, enum verb_part part, struct str text, struct err *err);
    bool (*is_stopping)(struct verb_out *out);
};

/* is_beside: other processes' requests are served meanwhile. trouble: what kept parts of the node from opening,
 * null: nothing, and always so for verbs whose command does not ask for half a node (cmd/long.h). 0 with
 * *out_exit; -1. */
struct verb_call {
    struct node      *node;
    const struct err *trouble;
    const struct str *args;
    size_t            n_args;
    bool              is_beside;
    struct verb_out  *out;
};

struct verb_long {
    const char *name;
    int (*run)(const struct verb_call *call, int *out_exit, struct err *err);
};

extern const struct verb_long verb_long_table[]; /* ends with an empty row */

const struct verb_long *verb_long_find(struct str name);

const struct verb *verb_find(struct str name);

/* Checks the number of arguments and runs it; `out` gets what is to be printed. */
int verb_run(struct node *node, struct str name, const struct str *args, size_t n_args,
             struct buf *out, struct err *err);

#endif
