/* cmd/long.h: the command's end of a verb that takes long: options that are words of its own, the running
 * server when there is one, else a node opened for the moment; text to standard output, progress to a
 * terminal. */
#ifndef CMD_LONG_H
#define CMD_LONG_H

#include <stdbool.h>
#include <stddef.h>

/* An option of a command (`--rehash`) and the verb's argument that it stands for. */
struct long_option {
    const char *option;
    const char *word;
    const char *help;
};

struct long_command {
    const char               *name; /* of the command and of the verb */
    const struct long_option *options;
    size_t                    n_options;
    bool takes_half; /* runs on the parts of a registry that open, when not all do */
};

/* `-o json` and `-o text` are known to all. Returns the exit code. */
int long_main(const struct long_command *command, int argc, char **argv);

#endif
