/* client/session.h: a command's way to its server: which one is meant, how it is trusted, who asks.
 *
 * A server is named by --server, ASSAY_SERVER, or the last `assay login`, in this order; its CA by --cacert,
 * ASSAY_CACERT, the log-in, or Docker's certs.d/HOST/ca.crt. Credentials are those of client/store.h; an identity
 * token, which is what a log-in leaves, is changed for a token of five minutes when the first call needs it. */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/server.h"
#include "client/store.h"
#include "net/call.h"

/* What the process knows of the world around it; texts that are not set are null views. */
struct client_env {
    struct str docker_config; /* $DOCKER_CONFIG, else ~/.docker */
    struct str certs;         /* /etc/docker/certs.d */
    struct str server;        /* ASSAY_SERVER */
    struct str cacert;        /* ASSAY_CACERT */
    struct str http_proxy;
    struct str https_proxy;
    struct str no_proxy;
    struct str machine; /* our host name, for labels of tokens */
    int64_t    helper_timeout_us;
    size_t     width; /* columns of the terminal that standard output is; 0: it is none */
    int (*print)(struct str text, struct err *err); /* to standard output, at once */
};

/* What the command line says about the way. */
struct client_way {
    struct str server;
    struct str cacert;
    bool       may_plain; /* --insecure-http */
};

struct client_session {
    struct arena            *arena;
    const struct client_env *env;
    struct client_store      store;
    struct client_server     server;
    struct str               cacert; /* as it was chosen; the null view: the system's */
    bool                     may_plain;
    struct net              *net;
    struct client_credential credential;
    bool                     has_credential;
    bool                     is_anonymous; /* asks without, whatever is kept */
    struct str               bearer;       /* bought with an identity token */
};

/* Nothing is sent, but for finding out whether a server on this machine speaks TLS when nobody said. */
int  client_session_open(struct arena *arena, const struct client_env *env,
                         const struct client_way *way, struct client_session *out, struct err *err);
void client_session_close(struct client_session *session);

/* Reads what is kept for the server; none is no failure. Called by the first client_send. */
int client_session_identify(struct client_session *session, struct err *err);

struct client_request {
    const char              *method;
    struct str               path;  /* "/api/v0/…", with its query */
    struct str               body;  /* the null view: none */
    const char              *media; /* of the body; null: JSON */
    const struct net_header *headers;
    size_t                   n_headers;
};

/* Any status is an answer. */
int client_send(struct client_session *session, const struct client_request *request,
                struct net_answer *out, struct err *err);

/* A refusal (400 and above) is an error: what the server says, and what to do about it. */
int client_ask(struct client_session *session, const struct client_request *request,
               struct net_answer *out, struct err *err);

/* The error of a refusal; -1. */
int client_refusal(const struct client_session *session, const struct net_answer *answer,
                   struct err *err);

#endif
