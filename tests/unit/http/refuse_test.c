/* refuse_test.c: answers that come before the body has: no `100 Continue` goes out, what was sent anyway is
 * discarded for a while, and the connection closes after the answer. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

static struct rig_answer answer;

static struct rig *start_small(void)
{
    struct http_limits limits = http_limits_default;

    limits.discard_bytes = 1024 * 1024;
    limits.discard_us    = 200000;
    return rig_start(&limits, NULL, 0);
}

static void check_refused(int status)
{
    assert_int_equal(answer.status, status);
    assert_true(answer.says_close);
}

void test_no_continue_before_a_refusal(void **state)
{
    static const char *const texts[] = {
        "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "PUT /deny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: "
        "100-continue\r\n\r\n",
        "PUT /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "PUT /whole?4 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "PUT /finish HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    };
    static const int statuses[] = { 401, 401, 200, 413, 400 };
    struct rig      *rig        = rig_start(NULL, NULL, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int fd = rig_connect(rig);

        rig_say(fd, texts[i]);
        rig_hear(fd, "PUT", &answer);
        check_refused(statuses[i]);
        assert_true(rig_is_closed(fd));
        rig_hang_up(&fd);
    }
    assert_int_equal(atomic_load(&rig->n[RIG_FINISH]), 0);
    rig_stop(&rig);
}

void test_continue_when_the_body_is_wanted(void **state)
{
    struct rig *rig = rig_start(NULL, NULL, 0);
    int         fd  = rig_connect(rig);

    (void)state;
    rig_hold(rig, RIG_START);
    rig_say(fd,
            "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    rig_await(rig, &rig->n[RIG_START], 1);
    rig_let_go(rig, RIG_START);
    rig_hear(fd, "PUT", &answer);
    assert_int_equal(answer.status, 100);
    rig_say(fd, "abcde");
    rig_hear(fd, "PUT", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "abcde");
    rig_hang_up(&fd);
    rig_stop(&rig);
}

void test_a_refused_body_is_discarded_first(void **state)
{
    static const char *const heads[] = {
        "PUT /deny HTTP/1.1\r\nHost: x\r\n",     "PUT /fast HTTP/1.1\r\nHost: x\r\n",
        "PUT /whole?10 HTTP/1.1\r\nHost: x\r\n", "PUT /stream?10 HTTP/1.1\r\nHost: x\r\n",
        "PUT /early HTTP/1.1\r\nHost: x\r\n",    "PUT /finish HTTP/1.1\r\nHost: x\r\n"
    };
    static const int statuses[] = { 401, 200, 413, 413, 409, 400 };
    struct rig      *rig        = rig_start(NULL, NULL, 0);
    size_t           size       = 3 * 1024 * 1024;
    char            *body       = calloc(1, size);
    char             length[64];

    (void)state;
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", size);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        int fd = rig_connect(rig);

        rig_say(fd, heads[i]);
        rig_say(fd, length);
        rig_say_bytes(fd, body, size);
        rig_hear(fd, "PUT", &answer);
        check_refused(statuses[i]);
        assert_true(rig_is_closed(fd));
        rig_hang_up(&fd);
    }
    free(body);
    rig_await(rig, &rig->n_complete, (int)ARRAY_LEN(heads));
    rig_stop(&rig);
}

/* An endless body: the answer arrives all the same, though the library would take none in its midst. */
static void refuse_endless(const char *head, int status)
{
    struct rig *rig  = start_small();
    size_t      size = 64 * 1024;
    char       *body = calloc(1, size + 16);
    int         fd   = rig_connect(rig);

    rig_say(fd, head);
    for (int i = 0; i < 64; i++) { /* four times the limit */
        snprintf(body, 16, "%zx\r\n", size);
        rig_say(fd, body);
        memset(body, 0, size);
        memcpy(body + size, "\r\n", 2);
        rig_say_bytes(fd, body, size + 2);
    }
    rig_hear(fd, "PUT", &answer);
    check_refused(status);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
    free(body);
    rig_await(rig, &rig->n_complete, 1);
    rig_stop(&rig);
}

void test_an_endless_body_is_answered_at_the_limit(void **state)
{
    (void)state;
    refuse_endless("PUT /deny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 401);
    refuse_endless("PUT /whole?100 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 413);
    refuse_endless("PUT /stream?100000 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                   413);
    refuse_endless("PUT /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 409);
}

/* A refused body that is promised and does not come: the answer does, when its time is over. */
void test_a_missing_body_is_answered_in_time(void **state)
{
    struct rig *rig   = start_small();
    int         fd    = rig_connect(rig);
    int64_t     since = rig_now_ms();

    (void)state;
    rig_say(fd, "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc");
    rig_hear(fd, "PUT", &answer);
    check_refused(401);
    assert_string_equal(answer.body, "denied");
    assert_in_range(rig_now_ms() - since, 150, 5000);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
    rig_stop(&rig);
}

/* The worker is busy with a piece while the limit is passed: the refusal waits for it. */
void test_a_limit_passed_while_a_piece_runs(void **state)
{
    struct rig *rig  = rig_start(NULL, NULL, 0);
    size_t      size = 300 * 1024;
    char       *body = calloc(1, size);
    int         fd   = rig_connect(rig);

    (void)state;
    rig_hold(rig, RIG_PIECE);
    rig_say(
        fd,
        "PUT /stream?300000 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4b000\r\n");
    rig_say_bytes(fd, body, size - 20000);
    rig_await(rig, &rig->n[RIG_PIECE], 1);
    rig_say_bytes(fd, body, 20000);
    rig_say(fd, "\r\n0\r\n\r\n");
    rig_let_go(rig, RIG_PIECE);
    rig_hear(fd, "PUT", &answer);
    check_refused(413);
    rig_hang_up(&fd);
    free(body);
    rig_stop(&rig);
}

void test_busy_workers_refuse(void **state)
{
    struct http_limits limits = http_limits_default;
    int                fds[3];

    (void)state;
    limits.workers  = 1;
    limits.queue    = 2;
    struct rig *rig = rig_start(&limits, NULL, 0);

    rig_hold(rig, RIG_START);
    for (int i = 0; i < 3; i++) { /* one runs, two wait */
        fds[i] = rig_connect(rig);
        rig_say(fds[i], "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
        rig_await(rig, &rig->n_known, i + 1);
        if (i == 0)
            rig_await(rig, &rig->n[RIG_START], 1);
    }
    rig_ask(rig, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    rig_ask(rig, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 503);
    assert_false(answer.says_close);
    assert_non_null(strstr(answer.head, "\r\nRetry-After: "));
    rig_ask(rig, "PUT /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", &answer);
    check_refused(503);
    rig_let_go(rig, RIG_START);
    for (int i = 0; i < 3; i++) {
        rig_hear(fds[i], "GET", &answer);
        assert_int_equal(answer.status, 200);
        rig_hang_up(&fds[i]);
    }
    rig_stop(&rig);
}
