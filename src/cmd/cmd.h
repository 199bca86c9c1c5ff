/* cmd/cmd.h: the commands of the program, as rows. A command gets what stands after its name, prints to
 * standard output, complains to standard error, and returns the exit code: 0 done, 1 failed, 2 wrong
 * usage. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/err.h"

enum { CMD_DONE = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

struct cmd {
    const char *name;
    const char *summary; /* one line */
    int (*run)(int argc, char **argv);
    const char *says; /* what `assay NAME --help` prints; null: the command does it itself */
};

/* Ends with an empty row. */
extern const struct cmd cmd_table[];

int cmd_main(int argc, char **argv);

/* "assay serve: reason" on standard error; CMD_USAGE for ERR_INVALID, else CMD_FAILED. */
int cmd_complain(const char *name, const struct err *err);

int cmd_serve(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_admin(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_fsck(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_routes(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

#endif
