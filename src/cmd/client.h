/* cmd/client.h: the client commands as the program runs them: environment in, text and exit status out. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

struct client_group;

/* argv: what stands after the group's name. Returns the exit code. */
int cmd_client(const struct client_group *group, int argc, char **argv);

#endif
