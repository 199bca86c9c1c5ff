/* http/request_private.h: the bodies of request, connection and server, for the files of this folder. */
#ifndef HTTP_REQUEST_PRIVATE_H
#define HTTP_REQUEST_PRIVATE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "codec/address.h"
#include "http/block.h"
#include "http/gate.h"
#include "http/request.h"
#include "http/server.h"
#include "http/worker.h"

struct MHD_Connection;
struct MHD_Daemon;
struct http_certificate;
struct http_connections;
struct http_peers;
struct http_stream;

/* An answer in the making. */
enum http_reply_body {
    HTTP_REPLY_EMPTY,
    HTTP_REPLY_BYTES,
    HTTP_REPLY_FILE,
    HTTP_REPLY_STREAM,
    HTTP_REPLY_SIZE_ONLY
};

struct http_reply_field {
    const char *name;
    const char *value;
};

struct http_reply {
    int                      status; /* 0: not answered yet */
    struct http_reply_field *fields;
    size_t                   n;
    size_t                   room;
    enum http_reply_body     body;
    struct str               bytes;
    int                      fd;     /* ours until the library takes it; -1 otherwise */
    struct http_stream      *stream; /* a share of it */
    int64_t                  from;
    int64_t                  size;
};

/* Where a request stands, from the point of view of the event thread, which alone moves it.
 *
 *   HEAD ──▶ READY ──▶ STARTING ──▶ BODY ──▶ FINISHING ──▶ REPLYING
 *              │           │          │          ▲
 *              └▶REPLYING  └──▶ DISCARDING ──────┤
 *                                     └──▶ LINGERING
 *
 *   HEAD        the request line is known; the library has not called with the whole head
 *   READY       passed the gate and has no body; the library's second call may be answered without closing
 *   STARTING    suspended; `start` runs or waits for a worker
 *   BODY        bytes flow to where `start` wanted them
 *   DISCARDING  an answer is made or being made, the body goes nowhere
 *   LINGERING   the answer went out past the library, for its body did not end in time
 *   FINISHING   suspended at the end of the body, until there is an answer
 *   REPLYING    the answer is the library's
 */
enum http_stage {
    HTTP_STAGE_HEAD,
    HTTP_STAGE_READY,
    HTTP_STAGE_STARTING,
    HTTP_STAGE_BODY,
    HTTP_STAGE_DISCARDING,
    HTTP_STAGE_LINGERING,
    HTTP_STAGE_FINISHING,
    HTTP_STAGE_REPLYING
};

struct http_request {
    struct http_job          job;    /* put while is_working */
    struct http_block_waiter waiter; /* in line while suspended in BODY without any block */
    struct http_server      *server;
    struct http_connection  *connection; /* event thread only; gone once the request is lost */
    struct arena            *arena;

    /* What came; written before anyone else sees the request. */
    struct http_head       head;
    struct http_gate_facts facts;
    enum http_method       method;
    struct str             path;
    struct str             query;
    bool                   has_body;
    bool                   is_tls;
    char                   id[17];
    char                   peer[ADDRESS_TEXT_MAX];
    struct str             client;
    struct str             listener;
    int64_t                started_us;

    /* The owner's, that is the worker's while one runs, else the event thread's. */
    void               *state;
    struct http_reply   reply;
    enum http_body_mode body_mode;
    int64_t             body_limit;
    bool                wants_body;
    struct buf          whole;
    struct http_refusal refusal; /* to be worded by the next who owns the request; status 0: none */

    /* The event thread's. */
    enum http_stage    stage;
    bool               is_counted;   /* among the server's running requests */
    bool               is_known;     /* to the application: fast was called, so end must be */
    bool               is_submitted; /* to a worker, once at least */
    bool               is_streaming;
    bool               must_close;
    bool               is_complete; /* the answer went out whole */
    struct http_block *fill;        /* being filled */
    int64_t            discarded;
    int64_t            deadline_us; /* of DISCARDING and LINGERING */

    _Atomic int64_t bytes_in; /* of the body */
    _Atomic int64_t bytes_out;

    /* What event thread and worker share, under the lock. */
    pthread_mutex_t        lock;
    struct MHD_Connection *handle;       /* null: lost */
    bool                   is_working;   /* a job is put or runs; its run decides what is next */
    bool                   is_suspended; /* by us; whoever wakes it clears this */
    bool                   is_in_line;   /* for a block; then only the pool wakes it */
    bool                   is_started;
    bool                   is_body_done;
    struct http_block     *full[2]; /* waiting for a worker, in order */
    size_t                 n_full;
    size_t                 n_lent; /* blocks that are filled, full or in a worker's hands */
};

/* A connection. The sweeper reads what is atomic and owns what is below it. */
enum http_phase {
    HTTP_PHASE_HEAD, /* from accept, or from the first byte of a later request, to the end of the head */
    HTTP_PHASE_IDLE, /* between requests */
    HTTP_PHASE_WORK, /* suspended: the client waits for us */
    HTTP_PHASE_BODY,
    HTTP_PHASE_DISCARD,
    HTTP_PHASE_LINGER,
    HTTP_PHASE_WRITE
};

struct http_connection {
    struct http_connection *next;
    struct http_connection *prev;
    struct http_listener   *listener;
    struct MHD_Connection  *handle;
    int                     fd;
    struct address          address;
    char                    peer[ADDRESS_TEXT_MAX];
    bool                    is_trusted; /* a proxy that may speak for others */

    _Atomic uint64_t phase;    /* the phase in the low byte, above it how often it was moved */
    _Atomic int64_t  received; /* body bytes */
    _Atomic bool     is_late;  /* the sweeper has given up on it */

    uint64_t seen_phase;
    int64_t  since_us; /* of the phase, as the sweeper saw it */
    int64_t  mark;     /* bytes at mark_us; -1: none yet */
    int64_t  mark_us;
};

struct http_listener {
    struct http_server      *server;
    struct http_certificate *certificate; /* null: plain */
    struct MHD_Daemon       *daemon;
    int                      fd;
    char                     address[ADDRESS_TEXT_MAX];

    /* The sweeper's: since when somebody waits to be accepted, 0 nobody; and when it last looked. */
    int64_t waited_since_us;
    int64_t looked_at_us;
};

struct http_server {
    struct http_app          app;
    struct http_limits       limits;
    struct arena            *arena;
    struct networks          trusted;
    struct http_listener    *listeners;
    size_t                   n_listeners;
    struct http_workers     *workers;
    struct http_blocks      *blocks;
    struct http_connections *connections;
    struct http_peers       *peers;

    _Atomic bool    is_draining;
    _Atomic bool    is_stopping; /* nothing may be suspended any more */
    _Atomic int64_t n_suspended;
    _Atomic int64_t n_running; /* requests between their head and their end */
    _Atomic int64_t n_streams;
    _Atomic int64_t n_connections;
    _Atomic int64_t n_accepted;
    _Atomic int64_t n_requests;
    _Atomic int64_t n_refused_by_gate;
    _Atomic int64_t n_refused_busy;
    _Atomic int64_t n_timed_out;

    /* The last running request has ended while the server drains; nobody is suspended while it stops. */
    pthread_mutex_t lock;
    pthread_cond_t  is_calm;
};

void http_server_tell_calm(struct http_server *server);

static inline enum http_phase http_connection_phase(const struct http_connection *connection)
{
    return (enum http_phase)(atomic_load(&connection->phase) & 0xff);
}

/* Moves on if nobody else has since `seen` was read. */
static inline bool http_connection_move_from(struct http_connection *connection, uint64_t seen,
                                             enum http_phase phase)
{
    return atomic_compare_exchange_strong(&connection->phase, &seen, ((seen | 0xff) + 1) | phase);
}

static inline void http_connection_move(struct http_connection *connection, enum http_phase phase)
{
    while (!http_connection_move_from(connection, atomic_load(&connection->phase), phase))
        continue;
}

/* request.c */
struct http_request *http_request_new(struct http_connection *connection, struct str target);
void                 http_request_set_head(struct http_request *req, struct http_head head,
                                           const struct http_gate_facts *facts);
void                 http_request_free(struct http_request **req);
bool                 http_reply_has_header(const struct http_request *req, const char *name);

#endif
