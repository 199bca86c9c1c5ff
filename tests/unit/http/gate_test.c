/* gate_test.c: heads that must not pass, as bytes on the wire: what the gate sees and what the library
 * smooths over or answers before the gate sees it. */
#include "http/gate.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

static struct rig_answer answer;

int gate_test_setup(void **state)
{
    *state = rig_start(NULL, NULL, 0);
    return 0;
}

int gate_test_teardown(void **state)
{
    struct rig *rig = *state;

    rig_stop(&rig);
    return 0;
}

#define H "Host: x\r\n"

struct attack {
    const char *text;
    size_t      size; /* 0: the text's length */
    int         status;
    const char *body; /* begins with; null: the library's own page */
};

#define BYTES(text) text, sizeof(text) - 1

/* clang-format off */
static const struct attack attacks[] = {
    /* What frames a request must be said once and plainly. */
    { "GET /fast HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",                                   0, 400, "INVALID: there are two Host" },
    { "GET /fast HTTP/1.1\r\nHost: x\r\nhOST: x\r\n\r\n",                                   0, 400, "INVALID: there are two Host" },
    { "GET /fast HTTP/1.1\r\n\r\n",                                                         0, 400, "INVALID: the Host header is missing" },
    { "GET /fast HTTP/1.1\r\nHost:\r\n\r\n",                                                0, 400, "INVALID: the Host header is not a host" },
    { "GET /fast HTTP/1.1\r\nHost: a b\r\n\r\n",                                            0, 400, "INVALID: the Host header is not a host" },
    { "GET /fast HTTP/1.1\r\nHost: a@b\r\n\r\n",                                            0, 400, "INVALID: the Host header is not a host" },
    { "GET /fast HTTP/1.1\r\nHost: a/b\r\n\r\n",                                            0, 400, "INVALID: the Host header is not a host" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",     0, 400, "INVALID: there are two Content-Length" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",     0, 400, "INVALID: there are two Content-Length" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, "INVALID: there are both" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 0, 400, "INVALID: there are both" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, "INVALID: there are two Transfer-Encoding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\nabc",                0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",     0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",  0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",           0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",          0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n0\r\n\r\n",                   0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",       0, 400, "INVALID: the only transfer coding" },
    { "POST /whole HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",           0, 400, "INVALID: HTTP/1.0 knows no" },
    { "GET /fast HTTP/1.1\r\n" H "Authorization: Basic YTph\r\nauthorization: Basic YTpi\r\n\r\n", 0, 400, "INVALID: there are two Authorization" },
    { "GET /fast HTTP/1.1\r\n" H "Expect: the unexpected\r\n\r\n",                          0, 417, "UNSUPPORTED" },

    /* Versions and targets. */
    { "GET /fast HTTP/1.2\r\n" H "\r\n",                                                    0, 400, "INVALID: the protocol is neither" },
    { "GET /fast HTTP/1.9\r\n" H "\r\n",                                                    0, 400, "INVALID: the protocol is neither" },
    { "GET http://x/fast HTTP/1.1\r\n" H "\r\n",                                            0, 400, "INVALID: the request target is not a path" },
    { "GET x HTTP/1.1\r\n" H "\r\n",                                                        0, 400, "INVALID: the request target is not a path" },
    { "CONNECT x:443 HTTP/1.1\r\n" H "\r\n",                                                0, 400, "INVALID: the request target is not a path" },
    { "GET * HTTP/1.1\r\n" H "\r\n",                                                        0, 400, "INVALID: the request target is not a path" },
    { "GET /fast#x HTTP/1.1\r\n" H "\r\n",                                                  0, 400, "INVALID: the request target has a byte" },
    { "GET /fa st HTTP/1.1\r\n" H "\r\n",                                                   0, 400, "INVALID: the request target has a byte" },
    { "GET /f\x80st HTTP/1.1\r\n" H "\r\n",                                                 0, 400, "INVALID: the request target has a byte" },
    { "GET /f\tst HTTP/1.1\r\n" H "\r\n",                                                   0, 400, "INVALID: the request target has a byte" },
    { "GE(T /fast HTTP/1.1\r\n" H "\r\n",                                                   0, 400, "INVALID: the method is not a token" },

    /* Names and values. */
    { "GET /fast HTTP/1.1\r\n" H "X_Remote_User: sysadm\r\n\r\n",                           0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n" H "X Y: z\r\n\r\n",                                          0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n" H ": z\r\n\r\n",                                             0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\r\n" H "X(Y: z\r\n\r\n",                                          0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n" H "X\x80: z\r\n\r\n",                                        0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\x01z\r\n\r\n",                                       0, 400, "INVALID: a header's value" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n",                                        0, 400, "INVALID: a header's value" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\rb\r\n\r\n",                                         0, 400, "INVALID: a header's value" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\r\r\n\r\n",                                          0, 400, "INVALID: a header's value" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 0, 415, "UNSUPPORTED" },
    { "GET /fast HTTP/1.1\r\n" H "Content-Encoding: br\r\n\r\n",                            0, 415, "UNSUPPORTED" },

    /* What the library smooths over, and the shape of the head gives away. */
    { "GET /fast HTTP/1.1\r\nHost : x\r\n\r\n",                                             0, 400, "INVALID: a header's name" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length : 3\r\n\r\nabc",                         0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n Host: x\r\n\r\n",                                             0, 400, "INVALID: a header's name" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n",                                      0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\r\n" H "X: a\r\n\tb\r\nY: c\r\n\r\n",                             0, 400, "INVALID: the head has" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",       0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\nHost: x\r\n\r\n",                                                0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\r\nHost: x\n\r\n",                                                0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\r\nHost: x\r\n\n",                                                0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\r\nX: a\nHost: x\r\n\r\n",                                        0, 400, "INVALID: the head has" },
    { "GET /fast HTTP/1.1\nHost: x\n\n",                                                    0, 400, "INVALID: the head has" },
    { BYTES("GET /fast HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"),                               400, "INVALID: the head has" },
    { BYTES("GET /fast HTTP/1.1\r\nHost: x\0y\r\n\r\n"),                                       400, "INVALID: the head has" },
    { BYTES("GET /fast\0x HTTP/1.1\r\nHost: x\r\n\r\n"),                                       400, "INVALID: the head has" },
    { BYTES("GET\0X /fast HTTP/1.1\r\nHost: x\r\n\r\n"),                                       400, "INVALID: the head has" },
    { "GET  /fast HTTP/1.1\r\n" H "\r\n",                                                   0, 400, "INVALID: the head has" },
    { "GET /fast  HTTP/1.1\r\n" H "\r\n",                                                   0, 400, "INVALID: the request target" },

    /* The library's own answers. */
    { "GET /fast HTTP/1.1\r\n" H "nonsense\r\n\r\n",                                        0, 400, NULL },
    { "GET /fast HTTP/2.0\r\n" H "\r\n",                                                    0, 505, NULL },
    { "GET /fast HTTP/0.9\r\n" H "\r\n",                                                    0, 505, NULL },
    { "GET /fast http/1.1\r\n" H "\r\n",                                                    0, 400, NULL },
    { "GET /fast HTTP/1.1 \r\n" H "\r\n",                                                   0, 400, NULL },
    { "GET /fast HTTP/1.10\r\n" H "\r\n",                                                   0, 400, NULL },
    { "GET /fast\r\n" H "\r\n",                                                             0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n",                            0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc",                         0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc",                       0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 3 \r\n\r\nabc",                         0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc",                        0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length:\r\n\r\n",                               0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n",          0, 413, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",             0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n",              0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", 0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",    0, 400, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", 0, 413, NULL },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n",           0, 413, "SIZE_INVALID" },

    /* And what passes, as it should. */
    { "GET /fast HTTP/1.1\r\n" H "Content-Encoding: identity\r\n\r\n",                      0, 200, "fast" },
    { "GET /fast HTTP/1.1\r\n" H "Content-Encoding:\r\n\r\n",                               0, 200, "fast" },
    { "\r\n\r\nGET /fast HTTP/1.1\r\n" H "\r\n",                                            0, 200, "fast" },
    { "GET /fast HTTP/1.1\r\nhOsT:x\r\n\r\n",                                               0, 200, "fast" },
    { "GET /fast HTTP/1.1\r\nHost:  [::1]:5000 \t\r\n\r\n",                                 0, 200, "fast" },
    { "GET /fast HTTP/1.1\r\n" H "X: \xc3\xa4\t!\r\n\r\n",                                  0, 200, "fast" },
    { "GET /fast HTTP/1.1\r\n" H "Expect: 100-Continue\r\n\r\n",                            0, 100, "" },
    { "GET /fast HTTP/1.1\r\n" H "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n", 0, 200, "fast" },
    { "OPTIONS * HTTP/1.1\r\n" H "\r\n",                                                    0, 200, "finish" },
    { "POST /whole HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc",                        0, 200, "abc" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n03\r\nabc\r\n0\r\n\r\n", 0, 200, "abc" },
    { "POST /whole HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",       0, 200, "abc" },
};
/* clang-format on */

static bool begins(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

/* The library's own pages are HTML (one of them comes with its head twice). */
static bool is_as_wanted(const struct attack *attack)
{
    bool has_body = attack->body == NULL ? strstr(answer.body, "<html>") != NULL
                                         : begins(answer.body, attack->body);

    return answer.status == attack->status && has_body &&
           answer.says_close == (answer.status >= 400);
}

static bool meet(const struct rig *rig, const struct attack *attack)
{
    int fd = rig_connect(rig);

    rig_say_bytes(fd, attack->text, attack->size == 0 ? strlen(attack->text) : attack->size);
    rig_hear(fd, "GET", &answer);
    bool is_met = is_as_wanted(attack) && (answer.status < 400 || rig_is_closed(fd));
    if (!is_met)
        print_error("%d '%s', not %d '%s': %s\n", answer.status, answer.body, attack->status,
                    attack->body == NULL ? "(the library's)" : attack->body, attack->text);
    rig_hang_up(&fd);
    return is_met;
}

void test_heads(void **state)
{
    struct rig *rig   = *state;
    size_t      n_met = 0;

    for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
        n_met += meet(rig, &attacks[i]);
    assert_int_equal(n_met, ARRAY_LEN(attacks));
}

/* The proof that a head came as it should rests on where the library keeps it: whatever its parts. */
void test_a_head_that_comes_byte_by_byte(void **state)
{
    struct rig *rig  = *state;
    const char *text = "POST /whole?a=b HTTP/1.1\r\nHost: x\r\nX-A:b\r\nX-C:  d \r\n"
                       "Content-Length: 4\r\n\r\nabcd";
    int         fd   = rig_connect(rig);
    int         on   = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (const char *at = text; *at != '\0'; at++)
        rig_say_bytes(fd, at, 1);
    rig_hear(fd, "POST", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "abcd");
    rig_hang_up(&fd);
}

/* "GET /fast?aaa… HTTP/1.1" with a target of that size, or n fields of that size. */
static void ask_large(struct rig *rig, size_t target, size_t n, size_t size)
{
    char  *text = malloc(target + n * (size + 16) + 256);
    size_t at   = 0;

    at += (size_t)snprintf(text, 64, "GET /fast?");
    while (at < target + 4)
        text[at++] = 'a';
    at += (size_t)snprintf(text + at, 64, " HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, 16, "X-%zu: ", i);
        memset(text + at, 'b', size);
        at += size;
        at += (size_t)snprintf(text + at, 16, "\r\n");
    }
    snprintf(text + at, 16, "\r\n");
    rig_ask(rig, text, &answer);
    free(text);
}

static void check_own(int status, const char *body)
{
    assert_int_equal(answer.status, status);
    assert_int_equal(strncmp(answer.body, body, strlen(body)), 0);
}

void test_sizes_at_their_limits(void **state)
{
    struct rig *rig = *state;

    ask_large(rig, 8 * 1024, 0, 0);
    check_own(200, "fast");
    ask_large(rig, 8 * 1024 + 1, 0, 0);
    check_own(414, "INVALID: the request target is too long");
    ask_large(rig, 10, 99, 10);
    check_own(200, "fast");
    ask_large(rig, 10, 100, 10);
    check_own(400, "INVALID: there are too many headers");
    ask_large(rig, 10, 1, 15 * 1024);
    check_own(200, "fast");
    ask_large(rig, 10, 1, 17 * 1024);
    check_own(431, "INVALID: the request's head is too large");
}

/* Beyond the 32 KiB of a connection the library answers by itself. */
void test_sizes_beyond_the_library(void **state)
{
    struct rig *rig = *state;

    ask_large(rig, 64 * 1024, 0, 0);
    check_own(414, "<html>");
    ask_large(rig, 10, 1, 64 * 1024);
    check_own(431, "<html>");
    ask_large(rig, 10, 10000, 3);
    check_own(431, "<html>");
}

/* The whole of a large head, its answer too, fits a connection. */
void test_a_large_head_leaves_room_for_a_large_answer(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 20; i++) {
        ask_large(rig, 7000, 90, 80);
        check_own(200, "fast");
    }
}
