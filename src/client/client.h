/* client/client.h: the client commands from outside: their words in, their text out. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/buf.h"
#include "client/command.h"
#include "client/session.h"

/* What a command said, in the caller's arena; filled on failure too. */
struct client_said {
    struct buf  out;   /* for standard output */
    struct buf  notes; /* for standard error */
    const char *name;  /* of the command, for complaints: "user create" */
};

/* Brings the first word that is no option to the front, past the options of every command and their values: those
 * may stand before a command's name as well as behind it. group: the word is the name of one of its commands; null:
 * of a group. */
void client_word_first(const struct client_group *group, int argc, char **argv);

/* argv: what stands after the group's name. ERR_INVALID is wrong usage. */
int client_main(struct arena *arena, const struct client_env *env, const struct client_group *group,
                int argc, char **argv, struct client_said *said, struct err *err);

/* The help of a group or, when argv names one, of a command of it. */
int client_help(const struct client_group *group, int argc, char **argv, struct buf *out,
                struct err *err);

/* One line a group, for `assay help`. */
void client_help_groups(struct buf *out);

#endif
