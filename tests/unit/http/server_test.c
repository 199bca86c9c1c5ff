/* server_test.c: requests that go well: each way of answering, bodies in and out, keep-alive, pipelining. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hash.h"
#include "rig.h"

static struct rig_answer answer;

int server_test_setup(void **state)
{
    *state = rig_start(NULL, NULL, 0);
    return 0;
}

int server_test_teardown(void **state)
{
    struct rig *rig = *state;

    rig_stop(&rig);
    return 0;
}

static void check_answer(int status, const char *body)
{
    assert_int_equal(answer.status, status);
    assert_string_equal(answer.body, body);
}

void test_each_way_of_answering(void **state)
{
    struct rig *rig = *state;

    rig_ask(rig, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(200, "fast");
    rig_ask(rig, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(200, "work");
    rig_ask(rig, "GET /finish HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(200, "finish");
    rig_ask(rig, "GET /mute HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 500);
    rig_await(rig, &rig->n_complete, 4);
    assert_int_equal(atomic_load(&rig->n_lost), 0);
}

void test_what_a_request_says_of_itself(void **state)
{
    struct rig *rig = *state;
    char        wanted[64];

    rig_ask(rig, "GET /facts?a=b%20c HTTP/1.1\r\nHost: registry.example:5000\r\n\r\n", &answer);
    assert_non_null(strstr(answer.body, "method GET\npath /facts\nquery a=b%20c\n"
                                        "host registry.example:5000\npeer 127.0.0.1\n"
                                        "client 127.0.0.1\nlistener 127.0.0.1:"));
    assert_non_null(strstr(answer.body, "\ntls 0\nlength -1\nbody 0\n"));

    const char *id = strstr(answer.body, "\nid ");
    assert_non_null(id);
    assert_int_equal(strspn(id + 4, "0123456789abcdef"), 16);
    snprintf(wanted, sizeof(wanted), "%.20s", id);
    rig_ask(rig, "GET /facts HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_null(strstr(answer.body, wanted));
    rig_ask(rig, "BREW /facts HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_non_null(strstr(answer.body, "method OTHER\n"));
}

void test_the_path_stays_raw(void **state)
{
    struct rig *rig = *state;

    rig_ask(rig, "GET /facts?x=%2F+&&=;y HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_non_null(strstr(answer.body, "\nquery x=%2F+&&=;y\n"));
    rig_ask(rig, "GET /f%61cts HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(200, "finish"); /* not /facts: nobody decoded it */
}

void test_headers(void **state)
{
    struct rig *rig = *state;

    rig_ask(rig,
            "GET /headers?accept HTTP/1.1\r\nHost: x\r\nAccept: a\r\nACCEPT: b "
            ";q=1\r\naccept:c\r\n\r\n",
            &answer);
    check_answer(200, "a, b ;q=1, c");
    rig_ask(rig, "GET /headers?cookie HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
            &answer);
    check_answer(200, "a=1; b=2");
    rig_ask(rig, "GET /headers?x-one HTTP/1.1\r\nHost: x\r\nX-One: \t one two \t \r\n\r\n",
            &answer);
    check_answer(200, "one two");
    rig_ask(rig, "GET /headers?x-one HTTP/1.1\r\nHost: x\r\nX-One:\r\n\r\n", &answer);
    check_answer(200, "");
}

void test_head_tells_the_length_and_sends_nothing(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    rig_say(fd, "HEAD /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "HEAD", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 4\r\n"));
    rig_say(fd, "HEAD /size HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "HEAD", &answer);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 123456\r\n"));
    rig_say(fd, "HEAD /file?16-48 HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "HEAD", &answer);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 48\r\n"));
    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    check_answer(200, "fast");
    rig_hang_up(&fd);
}

void test_files_and_their_parts(void **state)
{
    struct rig *rig = *state;

    rig_ask(rig, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.n, 256 * 1024);
    for (size_t i = 0; i < answer.n; i++)
        assert_int_equal(answer.body[i], rig_file_text[i % 16]);
    rig_ask(rig, "GET /file?3-5 HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(206, "34567");
    rig_ask(rig, "GET /file?262143-1 HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(206, "f");
    rig_ask(rig, "GET /file?7-0 HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    check_answer(206, "");
}

void test_keep_alive_and_close(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    for (int i = 0; i < 50; i++) {
        rig_say(fd, i % 2 ? "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
                          : "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
        rig_hear(fd, "GET", &answer);
        check_answer(200, i % 2 ? "fast" : "work");
        assert_false(answer.says_close);
    }
    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    assert_true(answer.says_close);
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
}

void test_http_1_0(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    rig_say(fd, "GET /fast HTTP/1.0\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    check_answer(200, "fast");
    assert_true(rig_is_closed(fd));
    rig_hang_up(&fd);
}

void test_pipelined_requests_are_answered_in_order(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    rig_say(fd, "GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
                "POST /whole?10 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                "POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                "GET /finish HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    check_answer(200, "work");
    rig_hear(fd, "GET", &answer);
    check_answer(200, "fast");
    rig_hear(fd, "POST", &answer);
    check_answer(200, "abc");
    rig_hear(fd, "POST", &answer);
    check_answer(201, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    rig_hear(fd, "GET", &answer);
    check_answer(200, "finish");
    rig_hang_up(&fd);
}

void test_whole_bodies_up_to_the_limit(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    rig_say(fd, "POST /whole?5 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
    rig_hear(fd, "POST", &answer);
    check_answer(200, "abcde");
    rig_say(fd, "POST /whole?5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer-Field: x\r\n\r\n");
    rig_hear(fd, "POST", &answer);
    check_answer(200, "abcde");
    rig_say(fd, "POST /whole?5 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    rig_hear(fd, "POST", &answer);
    check_answer(200, "");
    assert_false(answer.says_close);
    rig_hang_up(&fd);

    rig_ask(rig, "POST /whole?5 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef", &answer);
    check_answer(413, "SIZE_INVALID: the body is too large");
    assert_true(answer.says_close);
    rig_ask(rig,
            "POST /whole?5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "6\r\nabcdef\r\n0\r\n\r\n",
            &answer);
    check_answer(413, "SIZE_INVALID: the body is too large");
    assert_true(answer.says_close);
}

void test_streams_up_to_the_limit(void **state)
{
    struct rig *rig = *state;

    rig_ask(rig, "POST /stream?3 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", &answer);
    check_answer(201, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rig_ask(rig,
            "POST /stream?3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
            &answer);
    check_answer(201, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rig_ask(rig, "POST /stream?3 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", &answer);
    assert_int_equal(answer.status, 413);
    assert_int_equal(atomic_load(&rig->n[RIG_PIECE]), 2);
    rig_ask(rig,
            "POST /stream?3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
            &answer);
    assert_int_equal(answer.status, 413);
}

enum { UPLOAD_SIZE = 100 * 1024 * 1024 };

static void hash_upload(char out[HASH_HEX_MAX], const char *block, size_t size)
{
    struct hash hash;

    hash_init(&hash, HASH_SHA256);
    for (size_t n = 0; n < UPLOAD_SIZE; n += size)
        hash_add(&hash, block, size);
    hash_finish_hex(&hash, out);
}

void test_a_stream_of_100_mib(void **state)
{
    struct rig *rig   = *state;
    size_t      n     = 1024 * 1024;
    char       *block = malloc(n);
    char        wanted[HASH_HEX_MAX];
    char        head[128];
    int         fd = rig_connect(rig);

    for (size_t i = 0; i < n; i++)
        block[i] = (char)(i * 2654435761u >> 13);
    hash_upload(wanted, block, n);
    snprintf(head, sizeof(head), "PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
             UPLOAD_SIZE);
    rig_say(fd, head);
    for (size_t i = 0; i < UPLOAD_SIZE; i += n)
        rig_say_bytes(fd, block, n);
    rig_hear(fd, "PUT", &answer);
    check_answer(201, wanted);
    assert_true(atomic_load(&rig->n[RIG_PIECE]) >= UPLOAD_SIZE / (256 * 1024));
    assert_true(atomic_load(&rig->n[RIG_PIECE]) <= UPLOAD_SIZE / (256 * 1024) + 8);
    free(block);
    rig_hang_up(&fd);
}

void test_counts(void **state)
{
    struct rig               *rig = *state;
    struct http_server_counts counts;
    int                       fd = rig_connect(rig);

    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(fd, "GET", &answer);
    rig_ask(rig, "GET /fast HTTP/1.1\r\n\r\n", &answer);
    rig_hold(rig, RIG_START);
    rig_say(fd, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_await(rig, &rig->n[RIG_START], 1);
    http_server_counts(rig->server, &counts);
    assert_int_equal(counts.requests, 3);
    assert_int_equal(counts.refused_by_gate, 1);
    assert_int_equal(counts.in_workers, 1);
    assert_int_equal(counts.queued, 0);
    assert_int_equal(counts.streams, 0);
    assert_true(counts.connections >= 1);
    rig_let_go(rig, RIG_START);
    rig_hear(fd, "GET", &answer);
    check_answer(200, "work");
    rig_hang_up(&fd);
}

void test_listeners_that_cannot_be(void **state)
{
    struct rig              *rig    = *state;
    static const char *const bad[]  = { "",          ":5000",       "localhost",  "example.org:80",
                                        "127.0.0.1", "127.0.0.1:x", "[::1:5000",  "127.0.0.1:65536",
                                        "::1:5000",  "1.2.3:80",    "[1.2.3.4]:0" };
    struct http_listen       listen = { .certificate = NULL };
    struct http_server_settings settings = {
        .listens = &listen, .n_listens = 1, .event_threads = 1, .limits = http_limits_default
    };
    struct http_server *server = NULL;
    char                taken[64];
    struct err          err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        print_message("%s\n", bad[i]);
        listen.address = str_from(bad[i]);
        CHECK_FAILS(http_server_start(&settings, &rig->app, &server, &err), &err, ERR_INVALID);
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", rig->port);
    listen.address = str_from(taken);
    CHECK_FAILS(http_server_start(&settings, &rig->app, &server, &err), &err, ERR_UNAVAILABLE);
    listen.address           = STR("127.0.0.1:0");
    settings.trusted_proxies = STR("10.0.0.0/33");
    CHECK_FAILS(http_server_start(&settings, &rig->app, &server, &err), &err, ERR_INVALID);
    assert_null(server);
}

void test_ipv6(void **state)
{
    struct rig                 *rig      = *state;
    struct http_listen          listen   = { .address = STR("[::1]:0") };
    struct http_server_settings settings = {
        .listens = &listen, .n_listens = 1, .event_threads = 1, .limits = http_limits_default
    };
    struct http_server *server = NULL;
    struct err          err;

    if (http_server_start(&settings, &rig->app, &server, &err) < 0)
        skip(); /* a machine without IPv6 */
    assert_true(str_starts(http_server_address(server, 0), STR("[::1]:")));
    http_server_free(&server);
}
