/* client/helper.h: the protocol of Docker's credential helpers: docker-credential-NAME get|store|erase, asked on
 * standard input, answering on standard output, exit status 1 with a sentence when it failed. A secret goes through
 * the pipe only, never on a command line. */
#ifndef CLIENT_HELPER_H
#define CLIENT_HELPER_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

struct client_helper {
    struct arena *arena;
    struct str    name; /* that client_helper_check has let through */
    int64_t       timeout_us;
};

/* The name becomes part of a program's: letters, digits, `-`, `_` and `.` only. */
int client_helper_check(struct str name, struct err *err);

/* 1, 0 when it knows none for that host, -1. */
int client_helper_get(const struct client_helper *helper, struct str host, struct str *out_user,
                      struct str *out_secret, struct err *err);
int client_helper_store(const struct client_helper *helper, struct str host, struct str user,
                        struct str secret, struct err *err);
int client_helper_erase(const struct client_helper *helper, struct str host, struct err *err);

#endif
