/* slow_test.c: clients that keep the server waiting are cut off in each phase, each by its own deadline;
 * those that are merely slow, or wait for us, are not. The limits are those of design, much shortened. */
#include "http/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "rig.h"

static struct rig_answer answer;

enum { HEADER_MS = 200, IDLE_MS = 1200, GRACE_MS = 200, STALL_MS = 300, RATE = 1000 };

int slow_test_setup(void **state)
{
    struct http_limits limits = http_limits_default;

    limits.header_deadline_us = HEADER_MS * 1000;
    limits.idle_us            = IDLE_MS * 1000;
    limits.body_grace_us      = GRACE_MS * 1000;
    limits.body_min_rate      = RATE;
    limits.write_stall_us     = STALL_MS * 1000;
    *state                    = rig_start(&limits, NULL, 0);
    return 0;
}

int slow_test_teardown(void **state)
{
    struct rig *rig = *state;

    rig_stop(&rig);
    return 0;
}

static void rest(int ms)
{
    const struct timespec time = { .tv_nsec = ms * 1000000L };

    nanosleep(&time, NULL);
}

/* Dribbles until the server ends it; says after how long it did. */
static int64_t dribble(struct rig *rig, const char *head, const char *drop, int every_ms)
{
    int     fd    = rig_connect(rig);
    int64_t since = rig_now_ms();
    char    byte;

    rig_say(fd, head);
    while (rig_now_ms() - since < 5000) {
        if (recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != 0))
            break;
        rig_say(fd, drop);
        rest(every_ms);
    }
    rig_hang_up(&fd);
    return rig_now_ms() - since;
}

void test_a_head_that_dribbles(void **state)
{
    assert_in_range(dribble(*state, "GET /fast HTTP/1.1\r\nX: ", "a", 20), HEADER_MS, 3000);
    assert_in_range(dribble(*state, "", "G", 20), HEADER_MS, 3000);
    assert_in_range(dribble(*state, "", "", 20), HEADER_MS, 3000); /* says nothing at all */
}

void test_a_second_head_that_dribbles(void **state)
{
    struct rig *rig   = *state;
    int         fd    = rig_connect(rig);
    int64_t     since = 0;

    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    rest(150);
    since = rig_now_ms();
    rig_say(fd, "GET /");
    assert_true(rig_is_closed(fd));
    assert_in_range(rig_now_ms() - since, HEADER_MS, IDLE_MS - 100);
    rig_hang_up(&fd);
}

void test_idle_between_requests(void **state)
{
    struct rig *rig   = *state;
    int         fd    = rig_connect(rig);
    int64_t     since = 0;

    for (int i = 0; i < 3; i++) { /* longer than a head may take */
        rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
        rig_hear(fd, "GET", &answer);
        assert_int_equal(answer.status, 200);
        rest(HEADER_MS + 100);
    }
    since = rig_now_ms();
    assert_true(rig_is_closed(fd));
    assert_true(rig_now_ms() - since < 5000);
    rig_hang_up(&fd);
}

void test_a_body_that_dribbles(void **state)
{
    struct rig *rig = *state;

    assert_in_range(dribble(rig, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
                            "a", 20),
                    GRACE_MS, 4000);
    assert_in_range(dribble(rig, "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
                            "a", 20),
                    GRACE_MS, 4000);
    rig_await(rig, &rig->n_lost, 2);
    assert_int_equal(atomic_load(&rig->n_complete), 0);
}

void test_a_body_that_is_just_fast_enough(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);
    char        part[101];

    memset(part, 'a', sizeof(part) - 1);
    part[100] = '\0';
    rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        rig_say(fd, part);
        rest(40);
    }
    rig_hear(fd, "PUT", &answer);
    assert_int_equal(answer.status, 201);
    rig_hang_up(&fd);
}

void test_who_waits_for_us_is_not_late(void **state)
{
    static const enum rig_step steps[] = { RIG_START, RIG_PIECE, RIG_FINISH };
    struct rig                *rig     = *state;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        int fd = rig_connect(rig);

        rig_hold(rig, steps[i]);
        rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        rest(2 * STALL_MS);
        rig_let_go(rig, steps[i]);
        rig_hear(fd, "PUT", &answer);
        assert_int_equal(answer.status, 201);
        rig_hang_up(&fd);
    }
}

/* We are the slow ones: the client's bytes lie in the socket while both blocks are full. */
void test_a_body_that_we_are_too_slow_for(void **state)
{
    struct rig *rig  = *state;
    size_t      size = 600 * 1024;
    char       *body = calloc(1, size);
    int         fd   = rig_connect(rig);

    rig_hold(rig, RIG_PIECE);
    rig_say(fd, "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 614400\r\n\r\n");
    rig_say_bytes(fd, body, size);
    rest(3 * GRACE_MS);
    rig_let_go(rig, RIG_PIECE);
    rig_hear(fd, "PUT", &answer);
    assert_int_equal(answer.status, 201);
    rig_hang_up(&fd);
    free(body);
}

void test_a_client_that_does_not_read(void **state)
{
    struct rig *rig   = *state;
    int64_t     since = rig_now_ms();
    int         fd    = rig_connect(rig);
    int         room  = 4096;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    for (int i = 0; i < 60; i++)
        rig_say(fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_await(rig, &rig->n_lost, 1);
    assert_in_range(rig_now_ms() - since, STALL_MS, 5000);
    rig_hang_up(&fd);
}

void test_a_client_that_reads_slowly(void **state)
{
    struct rig *rig  = *state;
    int         fd   = rig_connect(rig);
    int         room = 32 * 1024;
    size_t      n    = 0;
    ssize_t     part = 0;
    char        bytes[16 * 1024];

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    rig_say(fd, "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    while ((part = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        n += (size_t)part;
        rest(30);
    }
    assert_true(n > 256 * 1024);
    rig_hang_up(&fd);
}

void test_counted(void **state)
{
    struct rig               *rig = *state;
    struct http_server_counts counts;
    int                       fd = rig_connect(rig);

    assert_true(rig_is_closed(fd));
    http_server_counts(rig->server, &counts);
    assert_int_equal(counts.timed_out, 1);
    rig_hang_up(&fd);
}
