/* cmd/socket.h: DATA/admin.sock, by which `assay admin` speaks to a running server. A Unix socket of mode
 * 0600 whose other end must be root or the server's own user (SO_PEERCRED); one JSON line asks, one JSON
 * line answers, then it closes. A verb that takes long (cmd/verb.h) sends lines with a `part` before the
 * answer, runs on a thread of its own, one at a time, and ends when its connection or the server does. */
#ifndef CMD_SOCKET_H
#define CMD_SOCKET_H

#include "base/str.h"

struct arena;
struct err;
struct node;
struct socket_server;
struct verb_out;

int  socket_server_start(struct node *node, struct socket_server **out, struct err *err);
void socket_server_free(struct socket_server **server);

/* From the command: 1 the server answered, *out_text is its words and *out_exit its exit code; 0 nobody
 * listens; -1. */
int socket_ask(struct arena *arena, struct str data, struct str verb, const struct str *args,
               size_t n_args, int *out_exit, struct str *out_text, struct err *err);

/* The same for a verb that takes long: what it says meanwhile goes to `out`. */
int socket_ask_long(struct arena *arena, struct str data, struct str verb, const struct str *args,
                    size_t n_args, struct verb_out *out, int *out_exit, struct str *out_text,
                    struct err *err);

#endif
