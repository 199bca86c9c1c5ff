/* client/store.h: credentials where Docker keeps them, so that one log-in serves both: config.json in
 * $DOCKER_CONFIG, or ~/.docker, with its credential helpers.
 *
 * For a host the first of these is taken, as Docker does: the helper that `credHelpers` names for it, the one of
 * `credsStore`, the entry in `auths`. A helper is a program docker-credential-NAME that is asked on standard input
 * and answers on standard output (https://github.com/docker/docker-credential-helpers); one that does not answer in
 * time is ended. The file is replaced as a whole, mode 0600, with every other member as it was, to the byte; a
 * link to it stays a link. Two of our commands do not write at once; Docker knows no lock.
 *
 * What Docker does not know stands below plugins.assay, the place that Docker keeps for such: which server a
 * command means that names none, and how to trust it. Results live in the store's arena, secrets wiped with it. */
#ifndef CLIENT_STORE_H
#define CLIENT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

enum {
    CLIENT_CONFIG_MAX = 4 * 1024 * 1024,
    CLIENT_HELPER_MAX = 64 * 1024, /* bytes of an answer */
};

struct client_store {
    struct arena *arena;
    struct str    directory; /* "/home/alice/.docker"; the null view: nowhere */
    int64_t       helper_timeout_us;
};

struct client_credential {
    struct str user; /* empty: unknown */
    struct str
         secret; /* a password or access token; or the identity token that Docker got for one */
    bool is_identity;
};

/* 1 found, 0 none for that host, -1: the file is damaged, the helper is missing, failed or hung. */
int client_store_find(struct client_store *store, struct str host, struct client_credential *out,
                      struct err *err);

/* *out_place says where it went: a path, or "credential helper NAME"; *out_is_plain: into a file that is not
 * encrypted. */
int client_store_put(struct client_store *store, struct str host,
                     const struct client_credential *credential, struct str *out_place,
                     bool *out_is_plain, struct err *err);

/* 1 removed, 0 there was none, -1. */
int client_store_remove(struct client_store *store, struct str host, struct err *err);

/* A member of plugins.assay: the null view when it is not there; setting it to that removes it. */
int client_store_get(struct client_store *store, struct str key, struct str *out, struct err *err);
int client_store_set(struct client_store *store, struct str key, struct str value, struct err *err);

#endif
