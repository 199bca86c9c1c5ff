/* http/connection.c: the lists are in shards, so that a sweep over many connections holds up an accept for
 * a short time only. The sweeper's interval follows from the shortest deadline, a second at most.
 *
 * The rules of the phases are in one function a phase. All of them may be late by a sweep. */
#include "http/connection.h"

#include <linux/tcp.h>
#include <microhttpd.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/peers.h"
#include "http/request_private.h"
#include "io/clock.h"

enum { N_SHARDS = 16, SWEEP_MAX_US = 1000000, SWEEP_MIN_US = 20000, WAITED_US = 1000000 };

struct shard {
    pthread_mutex_t         lock;
    struct http_connection *first;
};

struct http_connections {
    struct http_server *server;
    struct shard        shards[N_SHARDS];
    pthread_t           sweeper;
    bool                has_sweeper;
    int64_t             interval_us;
    pthread_mutex_t     lock;
    pthread_cond_t      is_ended;
    bool                is_ending;
};

static struct shard *shard_of(struct http_connections *connections, int fd)
{
    return &connections->shards[(unsigned)fd % N_SHARDS];
}

struct http_connection *http_connection_open(struct http_listener  *listener,
                                             struct MHD_Connection *handle)
{
    struct http_server             *server     = listener->server;
    struct http_connection         *connection = mem_new(struct http_connection);
    const union MHD_ConnectionInfo *info;

    connection->listener = listener;
    connection->handle   = handle;
    connection->mark     = -1;
    info                 = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->fd       = info->connect_fd;
    info                 = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    address_from_socket(info->client_addr, &connection->address);
    address_print(&connection->address, connection->peer);
    connection->is_trusted = networks_have(&server->trusted, &connection->address);
    connection->since_us   = clock_monotonic_us();
    http_peers_add(server->peers, &connection->address);
    atomic_fetch_add(&server->n_connections, 1);
    atomic_fetch_add_explicit(&server->n_accepted, 1, memory_order_relaxed);

    struct shard *shard = shard_of(server->connections, connection->fd);
    pthread_mutex_lock(&shard->lock);
    connection->next = shard->first;
    if (shard->first != NULL)
        shard->first->prev = connection;
    shard->first = connection;
    pthread_mutex_unlock(&shard->lock);
    return connection;
}

void http_connection_close(struct http_connection **slot)
{
    struct http_connection *connection = *slot;
    struct http_server     *server     = connection->listener->server;
    struct shard           *shard      = shard_of(server->connections, connection->fd);

    pthread_mutex_lock(&shard->lock);
    if (connection->next != NULL)
        connection->next->prev = connection->prev;
    if (connection->prev != NULL)
        connection->prev->next = connection->next;
    else
        shard->first = connection->next;
    pthread_mutex_unlock(&shard->lock);

    http_peers_remove(server->peers, &connection->address);
    atomic_fetch_sub(&server->n_connections, 1);
    mem_free(connection);
    *slot = NULL;
}

/* What the kernel counts */

static bool read_tcp(int fd, struct tcp_info *out)
{
    socklen_t size = sizeof(*out);

    memset(out, 0, sizeof(*out));
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, out, &size) == 0 &&
           size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
}

static int64_t bytes_received(int fd)
{
    struct tcp_info info;

    return read_tcp(fd, &info) ? (int64_t)info.tcpi_bytes_received : 0;
}

static int64_t bytes_acknowledged(int fd)
{
    struct tcp_info info;

    return read_tcp(fd, &info) ? (int64_t)info.tcpi_bytes_acked : 0;
}

/* Rules: true when the connection is late. */

static bool has_new_bytes(struct http_connection *connection, int64_t bytes, int64_t now_us)
{
    if (connection->mark == bytes)
        return false;
    connection->mark    = bytes;
    connection->mark_us = now_us;
    return true;
}

/* Who waits to be accepted is counted by the kernel as a listening socket's unacknowledged segments. */
static bool has_somebody_waiting(struct http_listener *listener, int64_t now_us)
{
    struct tcp_info info;

    if (listener->looked_at_us == now_us)
        return listener->waited_since_us != 0;
    listener->looked_at_us = now_us;
    if (!read_tcp(listener->fd, &info) || info.tcpi_unacked == 0)
        listener->waited_since_us = 0;
    else if (listener->waited_since_us == 0)
        listener->waited_since_us = now_us;
    return listener->waited_since_us != 0;
}

/* Out of descriptors, an event thread of the library accepts nobody until one of its connections ends, and
 * that may be never. So when somebody waits for long, those who want nothing at present make room. */
static bool must_make_room(const struct http_connection *connection, int64_t now_us)
{
    struct http_listener *listener = connection->listener;

    return now_us - connection->since_us > WAITED_US && has_somebody_waiting(listener, now_us) &&
           now_us - listener->waited_since_us > WAITED_US;
}

static bool is_idle_too_long(struct http_connection *connection, int64_t now_us)
{
    const struct http_server *server = connection->listener->server;
    const struct http_limits *limits = &server->limits;
    bool                      is_new = connection->mark < 0;

    if (atomic_load_explicit(&server->is_draining, memory_order_relaxed))
        return true;
    if (has_new_bytes(connection, bytes_received(connection->fd), now_us) && !is_new) {
        /* The next head has begun; its deadline does not start anew with every byte. */
        http_connection_move_from(connection, connection->seen_phase, HTTP_PHASE_HEAD);
        return false;
    }
    return now_us - connection->since_us > limits->idle_us || must_make_room(connection, now_us);
}

static bool is_body_too_slow(struct http_connection *connection, int64_t now_us)
{
    const struct http_limits *limits = &connection->listener->server->limits;
    int64_t received = atomic_load_explicit(&connection->received, memory_order_relaxed);
    int64_t time_us  = now_us - connection->mark_us;

    if (connection->mark >= 0 && time_us < limits->body_grace_us)
        return false;

    bool is_slow = connection->mark >= 0 &&
                   (received - connection->mark) < limits->body_min_rate * time_us / 1000000;
    connection->mark    = received;
    connection->mark_us = now_us;
    return is_slow;
}

static bool is_write_stalled(struct http_connection *connection, int64_t now_us)
{
    const struct http_limits *limits = &connection->listener->server->limits;

    return !has_new_bytes(connection, bytes_acknowledged(connection->fd), now_us) &&
           now_us - connection->mark_us > limits->write_stall_us;
}

static bool is_late(struct http_connection *connection, enum http_phase phase, int64_t now_us)
{
    const struct http_limits *limits   = &connection->listener->server->limits;
    int64_t                   phase_us = now_us - connection->since_us;

    switch (phase) {
    case HTTP_PHASE_HEAD:
        return phase_us > limits->header_deadline_us;
    case HTTP_PHASE_IDLE:
        return is_idle_too_long(connection, now_us);
    case HTTP_PHASE_WORK:
        return false;
    case HTTP_PHASE_BODY:
        return is_body_too_slow(connection, now_us);
    case HTTP_PHASE_DISCARD:
    case HTTP_PHASE_LINGER:
        return phase_us > limits->discard_us;
    case HTTP_PHASE_WRITE:
        return is_write_stalled(connection, now_us);
    }
    return false;
}

/* Ends what is late. A refused body that does not come is ended for reading only: the library then reports
 * the loss while the answer can still be written. Who does not read gets a reset, so that the kernel keeps
 * nothing for him. */
static void shut(struct http_connection *connection, enum http_phase phase)
{
    static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    atomic_store(&connection->is_late, true);
    atomic_fetch_add(&connection->listener->server->n_timed_out, 1);
    if (phase == HTTP_PHASE_WRITE)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    shutdown(connection->fd, phase == HTTP_PHASE_DISCARD ? SHUT_RD : SHUT_RDWR);
}

static void sweep_connection(struct http_connection *connection, int64_t now_us)
{
    uint64_t        seen  = atomic_load(&connection->phase);
    enum http_phase phase = (enum http_phase)(seen & 0xff);

    if (seen != connection->seen_phase) {
        connection->seen_phase = seen;
        connection->since_us   = now_us;
        connection->mark       = -1;
        connection->mark_us    = now_us;
        atomic_store(&connection->is_late, false);
    }
    if (!atomic_load(&connection->is_late) && is_late(connection, phase, now_us))
        shut(connection, phase);
}

static void sweep(struct http_connections *connections)
{
    for (size_t i = 0; i < N_SHARDS; i++) {
        struct shard *shard  = &connections->shards[i];
        int64_t       now_us = clock_monotonic_us();

        pthread_mutex_lock(&shard->lock);
        for (struct http_connection *at = shard->first; at != NULL; at = at->next)
            sweep_connection(at, now_us);
        pthread_mutex_unlock(&shard->lock);
    }
    http_blocks_trim(connections->server->blocks);
}

static void *sweep_on(void *context)
{
    struct http_connections *connections = context;

    pthread_setname_np(pthread_self(), "http-sweeper");
    pthread_mutex_lock(&connections->lock);
    while (!connections->is_ending) {
        int64_t         until_us = clock_monotonic_us() + connections->interval_us;
        struct timespec until    = { .tv_sec  = until_us / 1000000,
                                     .tv_nsec = until_us % 1000000 * 1000 };

        pthread_cond_timedwait(&connections->is_ended, &connections->lock, &until);
        pthread_mutex_unlock(&connections->lock);
        sweep(connections);
        pthread_mutex_lock(&connections->lock);
    }
    pthread_mutex_unlock(&connections->lock);
    return NULL;
}

static int64_t interval_for(const struct http_limits *limits)
{
    int64_t deadlines[] = { limits->header_deadline_us, limits->body_grace_us,
                            limits->write_stall_us, limits->idle_us, limits->discard_us * 2 };
    int64_t interval_us = SWEEP_MAX_US;

    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++) {
        if (deadlines[i] / 4 < interval_us)
            interval_us = deadlines[i] / 4;
    }
    return interval_us < SWEEP_MIN_US ? SWEEP_MIN_US : interval_us;
}

int http_connections_new(struct http_server *server, struct http_connections **out, struct err *err)
{
    AUTO(http_connections_free)
    struct http_connections *connections = mem_new(struct http_connections);
    pthread_condattr_t       clock;

    connections->server      = server;
    connections->interval_us = interval_for(&server->limits);
    for (size_t i = 0; i < N_SHARDS; i++)
        pthread_mutex_init(&connections->shards[i].lock, NULL);
    pthread_mutex_init(&connections->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&connections->is_ended, &clock);
    pthread_condattr_destroy(&clock);

    if (pthread_create(&connections->sweeper, NULL, sweep_on, connections) != 0)
        return err_set(err, ERR_UNAVAILABLE, "starting the sweeper thread");
    connections->has_sweeper = true;
    *out                     = TAKE(connections);
    return 0;
}

void http_connections_free(struct http_connections **connections)
{
    if (*connections == NULL)
        return;

    pthread_mutex_lock(&(*connections)->lock);
    (*connections)->is_ending = true;
    pthread_cond_signal(&(*connections)->is_ended);
    pthread_mutex_unlock(&(*connections)->lock);
    if ((*connections)->has_sweeper)
        pthread_join((*connections)->sweeper, NULL);

    for (size_t i = 0; i < N_SHARDS; i++)
        pthread_mutex_destroy(&(*connections)->shards[i].lock);
    pthread_cond_destroy(&(*connections)->is_ended);
    pthread_mutex_destroy(&(*connections)->lock);
    mem_free(*connections);
    *connections = NULL;
}

void http_connections_shut(struct http_connections *connections)
{
    for (size_t i = 0; i < N_SHARDS; i++) {
        struct shard *shard = &connections->shards[i];

        pthread_mutex_lock(&shard->lock);
        for (struct http_connection *at = shard->first; at != NULL; at = at->next)
            shutdown(at->fd, SHUT_RDWR);
        pthread_mutex_unlock(&shard->lock);
    }
}
