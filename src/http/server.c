/* http/server.c: sockets, the library's daemons and their settings, start and stop.
 *
 * Listening sockets are made here and given to the library, so that port 0, backlog and dual stack are ours
 * to say. Draining does not use the library's own way to stop accepting: in 0.9.75 that races with its
 * event threads and can end the process. Instead the listening socket's number is made to mean something
 * else, atomically: nothing listens any more, and the library's threads never notice. */
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/certificate_private.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/peers.h"
#include "http/request_private.h"
#include "io/clock.h"

enum {
    BACKLOG         = 1024,
    CONNECTION_POOL = 32 * 1024,
    STOP_STEP_US    = 20000,
};

static const int64_t SECOND_US = 1000000;

/* TLS 1.2 and 1.3, forward secret, authenticated ciphers only. */
static const char PRIORITIES[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
    "-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

const struct http_limits http_limits_default = {
    .connections        = 8192,
    .connections_per_ip = 0,
    .headers            = 100,
    .header_bytes       = 16 * 1024,
    .url_bytes          = 8 * 1024,
    .header_deadline_us = 10 * 1000000,
    .body_grace_us      = 10 * 1000000,
    .body_min_rate      = 1024,
    .write_stall_us     = 60 * 1000000,
    .idle_us            = 75 * 1000000,
    .workers            = 16,
    .spare_workers      = 64,
    .queue              = 1024,
    .stream_buffers     = 256,
    .discard_bytes      = 16 * 1024 * 1024,
    .discard_us         = 2 * 1000000,
};

/* The library's callbacks that are not a request's */

static size_t keep_escapes(void *context, struct MHD_Connection *handle, char *text)
{
    (void)context;
    (void)handle;
    return strlen(text);
}

static enum MHD_Result may_connect(void *context, const struct sockaddr *socket, socklen_t size)
{
    struct http_server       *server = ((struct http_listener *)context)->server;
    const struct http_limits *limits = &server->limits;
    struct address            address;

    (void)size;
    if (atomic_load(&server->is_draining) ||
        atomic_load(&server->n_connections) >= (int64_t)limits->connections)
        return MHD_NO;
    if (limits->connections_per_ip == 0)
        return MHD_YES;
    address_from_socket(socket, &address);
    return http_peers_count(server->peers, &address) < limits->connections_per_ip ? MHD_YES
                                                                                  : MHD_NO;
}

static void note_connection(void *context, struct MHD_Connection *handle, void **slot,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http_connection *connection = *slot;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = http_connection_open(context, handle);
    } else {
        http_connection_close(&connection);
        *slot = NULL;
    }
}

static int present_certificate(gnutls_session_t session, const gnutls_datum_t *issuers,
                               int n_issuers, const gnutls_pk_algorithm_t *algorithms,
                               int n_algorithms, gnutls_pcert_st **chain, unsigned *n_chain,
                               gnutls_privkey_t *key)
{
    struct MHD_Connection  *handle = gnutls_session_get_ptr(session);
    struct http_connection *connection =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)issuers;
    (void)n_issuers;
    (void)algorithms;
    (void)n_algorithms;
    return http_certificate_present(connection->listener->certificate, chain, n_chain, key);
}

static void panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    assert_failed(reason == NULL ? "libmicrohttpd" : reason, file, (int)line, "libmicrohttpd");
}

/* Listeners */

static int bind_listener(struct http_listener *listener, struct str address, struct err *err)
{
    struct sockaddr_storage socket_address;
    size_t                  size;
    int                     on  = 1;
    int                     off = 0;

    if (address_parse_listen(address, &socket_address, &size, err) < 0)
        return -1;

    struct sockaddr *plain = (struct sockaddr *)(void *)&socket_address;
    listener->fd = socket(plain->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "opening a socket for " STR_FMT, STR_ARGS(address));
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (plain->sa_family == AF_INET6)
        setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(listener->fd, plain, (socklen_t)size) < 0 || listen(listener->fd, BACKLOG) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "listening on " STR_FMT, STR_ARGS(address));

    socklen_t bound = sizeof(socket_address);
    if (getsockname(listener->fd, plain, &bound) < 0)
        return err_set_os(err, ERR_INTERNAL, "asking for the address of a socket");
    address_print_listen(plain, listener->address);
    return 0;
}

static int start_daemon(struct http_listener *listener, size_t n_threads, struct err *err)
{
    bool     is_tls = listener->certificate != NULL;
    unsigned flags  = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    size_t   limit  = (listener->server->limits.connections + 64) * (n_threads + 1);

    struct MHD_OptionItem options[] = {
        { MHD_OPTION_LISTEN_SOCKET, listener->fd, NULL },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_POOL, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limit, NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_exchange_end, listener },
        { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)note_connection, listener },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_exchange_begin, listener },
        { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL },
        { n_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)n_threads, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem tls_options[] = {
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)present_certificate },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES },
        { MHD_OPTION_END, 0, NULL },
    };

    if (is_tls)
        flags |= MHD_USE_TLS;
    listener->daemon =
        MHD_start_daemon(flags, 0, may_connect, listener, http_exchange_advance, listener,
                         MHD_OPTION_ARRAY, is_tls ? tls_options : &tls_options[2], MHD_OPTION_ARRAY,
                         options, MHD_OPTION_END);
    if (listener->daemon == NULL)
        return err_set(err, ERR_UNAVAILABLE, "starting to serve on %s", listener->address);
    return 0;
}

static int start_listeners(struct http_server *server, const struct http_server_settings *settings,
                           struct err *err)
{
    server->listeners = mem_many(server->arena, settings->n_listens, struct http_listener);
    for (size_t i = 0; i < settings->n_listens; i++) {
        server->listeners[i].server      = server;
        server->listeners[i].certificate = settings->listens[i].certificate;
        server->listeners[i].fd          = -1;
    }
    server->n_listeners = settings->n_listens;

    /* All are bound before the first one serves. */
    for (size_t i = 0; i < settings->n_listens; i++) {
        if (bind_listener(&server->listeners[i], settings->listens[i].address, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < settings->n_listens; i++) {
        if (start_daemon(&server->listeners[i], settings->event_threads, err) < 0)
            return -1;
    }
    return 0;
}

/* Start */

static void init_calm(struct http_server *server)
{
    pthread_condattr_t clock;

    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&server->is_calm, &clock);
    pthread_condattr_destroy(&clock);
}

static int start_parts(struct http_server *server, const struct http_server_settings *settings,
                       struct err *err)
{
    const struct http_limits *limits = &settings->limits;

    if (networks_parse(server->arena, settings->trusted_proxies, &server->trusted, err) < 0)
        return err_wrap(err, "trusted proxies");
    server->peers  = http_peers_new();
    server->blocks = http_blocks_new(limits->stream_buffers);
    if (http_workers_new(limits->workers, limits->spare_workers, limits->queue, &server->workers,
                         err) < 0)
        return -1;
    if (http_connections_new(server, &server->connections, err) < 0)
        return -1;
    return start_listeners(server, settings, err);
}

int http_server_start(const struct http_server_settings *settings, const struct http_app *app,
                      struct http_server **out, struct err *err)
{
    AUTO(http_server_free) struct http_server *server = mem_new(struct http_server);
    sigset_t                                   all;
    sigset_t                                   before;

    server->arena  = arena_new();
    server->app    = *app;
    server->limits = settings->limits;
    init_calm(server);
    MHD_set_panic_func(panic, NULL);
    signal(SIGPIPE, SIG_IGN);

    /* Threads inherit the mask: signals are for the one that waits for them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = start_parts(server, settings, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result < 0)
        return -1;
    *out = TAKE(server);
    return 0;
}

struct str http_server_address(const struct http_server *server, size_t i)
{
    ASSERT(i < server->n_listeners);
    return str_from(server->listeners[i].address);
}

void http_server_counts(struct http_server *server, struct http_server_counts *out)
{
    size_t n_running;
    size_t n_waiting;

    http_workers_count(server->workers, &n_running, &n_waiting);
    *out = (struct http_server_counts){
        .connections     = atomic_load(&server->n_connections),
        .accepted        = atomic_load(&server->n_accepted),
        .requests        = atomic_load(&server->n_requests),
        .refused_by_gate = atomic_load(&server->n_refused_by_gate),
        .refused_busy    = atomic_load(&server->n_refused_busy),
        .timed_out       = atomic_load(&server->n_timed_out),
        .in_workers      = (int64_t)n_running,
        .queued          = (int64_t)n_waiting,
        .streams         = atomic_load(&server->n_streams),
    };
}

/* Stop */

void http_server_tell_calm(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    pthread_cond_broadcast(&server->is_calm);
    pthread_mutex_unlock(&server->lock);
}

/* Waits until the count is zero, or that time. */
static void wait_for_none(struct http_server *server, _Atomic int64_t *count, int64_t until_us)
{
    struct timespec until = { .tv_sec  = until_us / SECOND_US,
                              .tv_nsec = until_us % SECOND_US * 1000 };

    pthread_mutex_lock(&server->lock);
    while (atomic_load(count) > 0 &&
           pthread_cond_timedwait(&server->is_calm, &server->lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&server->lock);
}

static void stop_listening(struct http_listener *listener)
{
    int nothing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (nothing < 0)
        return;
    dup3(nothing, listener->fd, O_CLOEXEC);
    close(nothing);
}

void http_server_drain(struct http_server *server, int64_t patience_us)
{
    int64_t until_us = clock_monotonic_us() + patience_us;

    if (!atomic_exchange(&server->is_draining, true)) {
        for (size_t i = 0; i < server->n_listeners; i++) {
            if (server->listeners[i].daemon != NULL)
                stop_listening(&server->listeners[i]);
        }
    }
    wait_for_none(server, &server->n_running, until_us);
}

/* The library must not be stopped while it has suspended connections. */
static void wake_all(struct http_server *server)
{
    atomic_store(&server->is_stopping, true);
    http_blocks_stop(server->blocks);
    http_connections_shut(server->connections);
    while (atomic_load(&server->n_suspended) > 0)
        wait_for_none(server, &server->n_suspended, clock_monotonic_us() + STOP_STEP_US);
}

static void stop_listener(struct http_listener *listener)
{
    if (listener->daemon != NULL)
        MHD_stop_daemon(listener->daemon); /* closes the socket too */
    else if (listener->fd >= 0)
        close(listener->fd);
}

void http_server_free(struct http_server **slot)
{
    struct http_server *server = *slot;

    if (server == NULL)
        return;

    http_server_drain(server, 0);
    if (server->connections != NULL)
        wake_all(server);
    for (size_t i = 0; i < server->n_listeners; i++)
        stop_listener(&server->listeners[i]);

    /* The library has reported the loss of what was left; the workers end it. */
    http_workers_free(&server->workers);
    http_connections_free(&server->connections);
    http_blocks_free(&server->blocks);
    http_peers_free(&server->peers);
    pthread_cond_destroy(&server->is_calm);
    pthread_mutex_destroy(&server->lock);
    arena_free(&server->arena);
    mem_free(server);
    *slot = NULL;
}
