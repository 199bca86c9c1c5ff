/* http/server.h: the server on libmicrohttpd: sockets, TLS, the header gate, deadlines, worker threads
 * and the transport of bodies. What a request means is not known here: an application of five functions
 * is given at start.
 *
 * The life of a request (design, section 5):
 *
 *   headers ──gate──▶ fast(event thread) ──answered──────────────────────────────▶ sent ─▶ end
 *                        │ not
 *                        ▼ suspend
 *                     start(worker) ──answered (refusal before any 100 Continue)──▶ sent ─▶ end
 *                        │ wants the body                 (no body to come: finish at once)
 *                        ▼ resume, bytes flow
 *                     piece(worker)*  only for HTTP_BODY_STREAM: 256 KiB buffers, two a request, lent by a
 *                        │            bounded pool; the connection suspends only while both are full
 *                        ▼
 *                     finish(worker) ──answered──▶ sent ─▶ end
 *
 *   connection lost at any point after start ─▶ end(was_complete = false), on a worker
 *
 * `end` comes exactly once for every request for which `fast` was called, after the answer was handed to
 * the kernel or the connection died, and never while another step of the same request runs. A piece or
 * start that answers while body bytes are still to come makes the server discard up to 16 MiB or 2 s of
 * them and close.
 *
 * The gate, the sweeper's deadlines and all numbers are in struct http_limits; docs/security.md lists
 * what libmicrohttpd 0.9.75 normalises or answers before the gate sees it. This floor never logs: faults
 * come out through `http_server_counts` and `end`. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/request.h"

struct err;
struct http_server;
struct http_certificate; /* http/certificate.h */

enum http_body_mode {
    HTTP_BODY_NONE, /* a body that comes all the same is refused with 413/400 by the caller's choice */
    HTTP_BODY_WHOLE, /* collected in memory up to a limit, then finish */
    HTTP_BODY_STREAM /* handed over in pieces, then finish */
};

/* In `start` only: how the body is to come. limit: bytes; beyond it the request is answered through
 * `too_large` (below). A body that is announced larger is refused before it is read. */
void http_want_body(struct http_request *req, enum http_body_mode mode, int64_t limit);

struct http_app {
    void *context;

    /* Event thread; must not block for more than a point read. True: it has answered. */
    bool (*fast)(void *context, struct http_request *req);

    /* Worker. Answers, or calls http_want_body. */
    void (*start)(void *context, struct http_request *req);

    /* Worker. The next bytes of a streamed body, in order. Answering here ends the taking of bytes. */
    void (*piece)(void *context, struct http_request *req, struct str bytes);

    /* Worker. The body is complete; must answer. */
    void (*finish)(void *context, struct http_request *req);

    /* Worker or event thread. The server refuses by itself (limits, gate, timeouts where an answer is
     * still possible, no worker free): status, a registry code and a sentence; the application words the
     * answer in the form of its API. Only headers that passed so far may be looked at. */
    void (*refuse)(void *context, struct http_request *req, int status, const char *code,
                   const char *sentence);

    /* Event thread or worker; the request dies after it. was_complete: the answer went out whole. */
    void (*end)(void *context, struct http_request *req, bool was_complete);
};

struct http_limits {
    size_t  connections;        /* in all; more are accepted and closed */
    size_t  connections_per_ip; /* 0: no limit */
    size_t  headers;            /* 100 */
    size_t  header_bytes; /* head as a whole; the 32 KiB pool of a connection bounds it too: 431 */
    size_t  url_bytes;    /* 8 KiB; beyond: 414 */
    int64_t header_deadline_us; /* 10 s */
    int64_t body_grace_us;      /* 10 s, then */
    int64_t body_min_rate;      /* bytes/s: 1024 */
    int64_t write_stall_us;     /* 60 s */
    int64_t idle_us;            /* keep-alive without a request: 75 s */
    size_t  workers;            /* threads */
    size_t  spare_workers;      /* more, in place of those that wait for a password's hash: 64 */
    size_t  queue;              /* requests waiting for a worker; more: 503 with Retry-After */
    size_t  stream_buffers; /* of 256 KiB, lent two a streamed body; none free: the body waits */
    int64_t discard_bytes;  /* 16 MiB */
    int64_t discard_us;     /* 2 s */
};

extern const struct http_limits http_limits_default;

struct http_listen {
    struct str               address;     /* "127.0.0.1:5000", "[::1]:0", port 0: any free one */
    struct http_certificate *certificate; /* null: plain */
};

struct http_server_settings {
    const struct http_listen *listens;
    size_t                    n_listens;
    size_t                    event_threads;   /* a listener */
    struct str                trusted_proxies; /* CIDR, comma separated; empty: none */
    struct http_limits        limits;
};

struct http_server_counts {
    int64_t connections, accepted, requests, refused_by_gate, refused_busy, timed_out, in_workers,
        queued, streams;
};

/* Listens and serves. app must outlive the server. ERR_INVALID for an address that does not parse,
 * ERR_UNAVAILABLE when it cannot be bound. */
int http_server_start(const struct http_server_settings *settings, const struct http_app *app,
                      struct http_server **out, struct err *err);

/* "127.0.0.1:41234": the address really bound by listener i. */
struct str http_server_address(const struct http_server *server, size_t i);

void http_server_counts(struct http_server *server, struct http_server_counts *out);

/* Stops accepting, lets running requests end for at most `patience_us`, then closes what is left. */
void http_server_drain(struct http_server *server, int64_t patience_us);

/* After drain, or at once. */
void http_server_free(struct http_server **server);

#endif
