/* lost_test.c: connections that are lost at every point of a request's life. Each known request is ended
 * once, never while a step runs; rig_stop checks both. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rig.h"

static struct rig_answer answer;

int lost_test_setup(void **state)
{
    *state = rig_start(NULL, NULL, 0);
    return 0;
}

int lost_test_teardown(void **state)
{
    struct rig *rig = *state;

    if (rig != NULL)
        rig_stop(&rig);
    return 0;
}

/* Says text, waits for the step to begin, hangs up, lets the step go on, waits for the end. */
static void lose_in(struct rig *rig, enum rig_step step, const char *text)
{
    int n_begun = atomic_load(&rig->n[step]);
    int n_ended = atomic_load(&rig->n[RIG_END]);
    int fd      = rig_connect(rig);

    rig_hold(rig, step);
    rig_say(fd, text);
    rig_await(rig, &rig->n[step], n_begun + 1);
    rig_hang_up(&fd);
    rig_let_go(rig, step);
    rig_await(rig, &rig->n[RIG_END], n_ended + 1);
}

void test_lost_in_the_head(void **state)
{
    struct rig *rig = *state;
    int         fd;

    fd = rig_connect(rig);
    rig_hang_up(&fd);
    fd = rig_connect(rig);
    rig_say(fd, "GET");
    rig_hang_up(&fd);
    fd = rig_connect(rig);
    rig_say(fd, "GET /work HTTP/1.1\r\nHost: x\r\n");
    rig_hang_up(&fd);
    rig_ask(rig, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    rig_await(rig, &rig->n_complete, 1);
    assert_int_equal(atomic_load(&rig->n_known), 1);
}

void test_lost_in_each_step(void **state)
{
    struct rig *rig = *state;

    lose_in(rig, RIG_FAST, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    lose_in(rig, RIG_START, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    lose_in(rig, RIG_START, "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
    lose_in(rig, RIG_START, "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    lose_in(rig, RIG_START, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    lose_in(rig, RIG_FINISH, "GET /finish HTTP/1.1\r\nHost: x\r\n\r\n");
    lose_in(rig, RIG_FINISH, "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    lose_in(rig, RIG_FINISH, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    lose_in(rig, RIG_PIECE, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    lose_in(rig, RIG_PIECE, "PUT /early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    lose_in(rig, RIG_REFUSE, "PUT /whole?1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
}

/* The step goes on, the loss is noticed meanwhile, `end` waits for the step. */
void test_the_end_waits_for_the_piece(void **state)
{
    struct rig *rig  = *state;
    size_t      size = 256 * 1024 + 1;
    char       *body = calloc(1, size);
    int         fd   = rig_connect(rig);

    rig_hold(rig, RIG_PIECE);
    rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
    rig_say_bytes(fd, body, size);
    rig_await(rig, &rig->n[RIG_PIECE], 1);
    rig_hang_up(&fd);

    struct http_server_counts counts;
    do
        http_server_counts(rig->server, &counts);
    while (counts.connections > 0);
    assert_int_equal(atomic_load(&rig->n[RIG_END]), 0);
    rig_let_go(rig, RIG_PIECE);
    rig_await(rig, &rig->n_lost, 1);
    assert_int_equal(atomic_load(&rig->n[RIG_PIECE]), 1);
    free(body);
}

/* Between the steps: bytes were taken, none is on its way to a worker. */
void test_lost_between_bytes(void **state)
{
    static const char *const texts[] = {
        "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: "
        "y\r\n",
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int fd = rig_connect(rig);

        rig_say(fd, texts[i]);
        rig_await(rig, &rig->n[RIG_START], (int)i + 1);
        rig_hang_up(&fd);
        rig_await(rig, &rig->n_lost, (int)i + 1);
    }
    assert_int_equal(atomic_load(&rig->n_complete), 0);
}

/* Both blocks are full, the connection is suspended, the worker is held: nobody may notice the loss yet. */
void test_lost_while_both_blocks_are_full(void **state)
{
    struct rig *rig  = *state;
    size_t      size = 4 * 1024 * 1024;
    char       *body = calloc(1, size);
    int         fd   = rig_connect(rig);
    int         room = 64 * 1024;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    rig_hold(rig, RIG_PIECE);
    rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
    rig_say_bytes(fd, body, 600 * 1024);
    rig_await(rig, &rig->n[RIG_PIECE], 1);
    rig_hang_up(&fd);
    rig_let_go(rig, RIG_PIECE);
    rig_await(rig, &rig->n_lost, 1);
    free(body);
}

void test_lost_while_the_answer_goes_out(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 20; i++) {
        int fd   = rig_connect(rig);
        int room = 4096;

        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        for (int j = 0; j < 20; j++)
            rig_say(fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(recv(fd, &room, 1, 0), 1);
        rig_hang_up(&fd);
    }
    rig_ask(rig, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
}

/* Many at once, hanging up anywhere. */
static void *hang_up_anywhere(void *context)
{
    struct rig *rig  = context;
    char       *body = calloc(1, 600 * 1024);
    unsigned    seed = (unsigned)(uintptr_t)&body;

    for (int i = 0; i < 60; i++) {
        static const char *const paths[] = { "stream", "whole", "deny", "early", "finish", "work" };
        int                      fd      = rig_connect(rig);
        char                     head[128];

        seed = seed * 1103515245 + 12345;
        snprintf(head, sizeof(head),
                 "PUT /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 614400\r\n\r\n",
                 paths[(seed >> 16) % ARRAY_LEN(paths)]);
        rig_say(fd, head);
        seed = seed * 1103515245 + 12345;
        rig_say_bytes(fd, body, (seed >> 8) % (600 * 1024));
        rig_hang_up(&fd);
    }
    free(body);
    return NULL;
}

void test_many_that_hang_up_anywhere(void **state)
{
    struct rig *rig = *state;
    pthread_t   threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hang_up_anywhere, rig), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    rig_ask(rig, "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", &answer);
    assert_string_equal(answer.body, "abc");
}

/* Fewer blocks than uploads: those that find none stand in line, and all are served. */
static void *upload(void *context)
{
    struct rig        *rig  = context;
    size_t             size = 2 * 1024 * 1024;
    char              *body = calloc(1, size);
    struct rig_answer *own  = malloc(sizeof(*own));

    for (int i = 0; i < 3; i++) {
        int fd = rig_connect(rig);

        rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n\r\n");
        rig_say_bytes(fd, body, size);
        rig_hear(fd, "PUT", own);
        if (own->status != 201)
            fail_msg("%d", own->status);
        rig_hang_up(&fd);
    }
    free(own);
    free(body);
    return NULL;
}

void test_uploads_share_few_blocks(void **state)
{
    struct rig        *idle   = *state;
    struct http_limits limits = http_limits_default;
    pthread_t          threads[8];

    *state = NULL;
    rig_stop(&idle);
    limits.stream_buffers = 3;
    limits.workers        = 2;
    struct rig *rig       = rig_start(&limits, NULL, 0);
    int         idler     = rig_connect(rig);

    /* One that holds a block and sends no more does not stop the others. */
    rig_say(idler, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, upload, rig), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    rig_await(rig, &rig->n_complete, 24);
    rig_hang_up(&idler);
    rig_await(rig, &rig->n_lost, 1);
    rig_stop(&rig);
}
