/* stop_test.c: draining and stopping, with requests in every state; and the limits on connections. */
#include "http/server.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

static struct rig_answer answer;

static const int64_t LONG_US = 20 * 1000000;

static bool is_refused(struct rig *rig)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port   = htons((uint16_t)rig->port),
                                         .sin_addr   = { htonl(INADDR_LOOPBACK) } };
    int                      fd      = socket(AF_INET, SOCK_STREAM, 0);
    int result = connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address));

    close(fd);
    return result < 0;
}

struct draining {
    struct rig *rig;
    int64_t     patience_us;
    atomic_int  n_done;
};

static void *drain(void *context)
{
    struct draining *draining = context;

    http_server_drain(draining->rig->server, draining->patience_us);
    atomic_fetch_add(&draining->n_done, 1);
    return NULL;
}

void test_draining_waits_for_running_requests(void **state)
{
    struct rig     *rig      = rig_start(NULL, NULL, 0);
    struct draining draining = { .rig = rig, .patience_us = LONG_US };
    int             busy     = rig_connect(rig);
    int             upload   = rig_connect(rig);
    pthread_t       thread;

    (void)state;
    rig_hold(rig, RIG_FINISH);
    rig_say(busy, "GET /finish HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_say(upload, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    rig_await(rig, &rig->n[RIG_FINISH], 1);
    rig_await(rig, &rig->n[RIG_START], 2);
    pthread_create(&thread, NULL, drain, &draining);
    while (!is_refused(rig))
        continue;
    assert_int_equal(atomic_load(&draining.n_done), 0);
    rig_say(upload, "def");
    rig_let_go(rig, RIG_FINISH);
    rig_hear(busy, "GET", &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.says_close);
    rig_hear(upload, "PUT", &answer);
    assert_int_equal(answer.status, 201);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&rig->n_lost), 0);
    rig_hang_up(&busy);
    rig_hang_up(&upload);
    rig_stop(&rig);
}

void test_idle_connections_do_not_hold_up_a_drain(void **state)
{
    struct rig *rig = rig_start(NULL, NULL, 0);
    int         fd  = rig_connect(rig);

    (void)state;
    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "GET", &answer);

    int64_t since = rig_now_ms();
    http_server_drain(rig->server, LONG_US);
    assert_true(rig_now_ms() - since < 2000);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
    rig_stop(&rig);
}

void test_patience_ends(void **state)
{
    struct rig *rig   = rig_start(NULL, NULL, 0);
    int         fd    = rig_connect(rig);
    int64_t     since = 0;

    (void)state;
    rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    rig_await(rig, &rig->n[RIG_START], 1);
    since = rig_now_ms();
    http_server_drain(rig->server, 100000);
    assert_in_range(rig_now_ms() - since, 90, 5000);
    rig_stop(&rig);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
}

/* Everything at once: heads, held starts, waiting jobs, bodies with and without blocks, answers that nobody
 * reads. rig_stop checks that each known request was ended once. */
/* The count rises meanwhile: no value of it can be waited for. */
static void await_any(const atomic_int *count)
{
    while (atomic_load(count) == 0)
        sched_yield();
}

void test_stopping_in_the_midst(void **state)
{
    static const char *const texts[] = {
        "GET /wo",
        "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /file HTTP/1.1\r\nHost: x\r\n\r\nGET /file HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /file HTTP/1.1\r\nHost: x\r\n\r\nGET /file HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /work HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc",
        "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc",
        "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc",
        "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n",
    };
    enum { N = 64 };
    int                fds[N];
    struct http_limits limits = http_limits_default;

    (void)state;
    limits.workers        = 2;
    limits.stream_buffers = 2;
    for (int round = 0; round < 20; round++) {
        struct rig *rig = rig_start(&limits, NULL, 0);

        for (size_t i = 0; i < N; i++) {
            fds[i] = rig_connect(rig);
            rig_say(fds[i], texts[i % ARRAY_LEN(texts)]);
        }
        if (round % 2 == 0)
            await_any(&rig->n_known);
        rig_stop(&rig);
        for (size_t i = 0; i < N; i++)
            rig_hang_up(&fds[i]);
    }
}

void test_stopping_while_blocks_are_waited_for(void **state)
{
    struct http_limits limits = http_limits_default;
    int                fds[6];

    (void)state;
    limits.stream_buffers = 2;
    limits.workers        = 1;
    struct rig *rig       = rig_start(&limits, NULL, 0);

    rig_hold(rig, RIG_PIECE);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(rig);
        rig_say(fds[i], "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    }
    rig_await(rig, &rig->n_known, (int)ARRAY_LEN(fds));
    rig_stop(&rig);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        rig_hang_up(&fds[i]);
}

void test_connections_beyond_the_limit(void **state)
{
    struct http_limits limits = http_limits_default;
    int                fds[4];
    int                fd;

    (void)state;
    limits.connections = 4;
    struct rig *rig    = rig_start(&limits, NULL, 0);

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(rig);
        rig_say(fds[i], "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
        rig_hear(fds[i], "GET", &answer);
    }
    fd = rig_connect(rig);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
    rig_say(fds[0], "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(rig_is_closed(fds[0]));

    struct http_server_counts counts;
    do
        http_server_counts(rig->server, &counts);
    while (counts.connections == 4);
    rig_ask(rig, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        rig_hang_up(&fds[i]);
    rig_stop(&rig);
}

void test_connections_of_one_peer(void **state)
{
    struct http_limits limits = http_limits_default;
    int                fds[3];

    (void)state;
    limits.connections_per_ip = 3;
    struct rig *rig           = rig_start(&limits, NULL, 0);

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(rig);
        rig_say(fds[i], "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
        rig_hear(fds[i], "GET", &answer);
    }
    int fd = rig_connect(rig);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        rig_hang_up(&fds[i]);
    rig_stop(&rig);
}
