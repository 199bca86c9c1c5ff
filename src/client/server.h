/* client/server.h: the registry that a command speaks to, as people write it: HOST, HOST:PORT or a URL. */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H

#include <stdbool.h>

#include "base/str.h"

struct arena;
struct err;

enum { CLIENT_HOST_MAX = 255 };

struct client_server {
    struct str
        host; /* as in image names and in Docker's configuration: "reg.example.com", "127.0.0.1:5000" */
    struct str url; /* "https://reg.example.com", without a slash at the end */
    bool       is_plain;
    bool       is_loopback;
    bool       is_guess; /* the scheme was not said: HTTP on this machine, HTTPS anywhere else */
};

/* ERR_INVALID for anything else than a host: a path, a user, an image. */
int client_server_parse(struct arena *arena, struct str text, struct client_server *out,
                        struct err *err);

/* The same host by the other scheme. */
struct client_server client_server_other(struct arena *arena, const struct client_server *server);

#endif
