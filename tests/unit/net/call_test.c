/* call: what goes out is what was asked, what comes in is bounded, and credentials stay with the host that they are
 * for. The other end is a listener of the test's own that plays its answers in order. */
#include "net/call.h"

#include <stdlib.h>

#include "other.h"

#define SECOND_US INT64_C(1000000)

static struct arena *arena;
static struct net   *net;
static struct other  first, second;
static struct err    err;

static const struct net_settings defaults = {
    .agent      = { .p = "test/1", .n = 6 },
    .connect_us = 60 * SECOND_US,
    .stall_us   = 60 * SECOND_US,
    .total_us   = 60 * SECOND_US,
    .answer_max = 64 * 1024,
};

int call_test_setup(void **state)
{
    arena = arena_new();
    other_listen(&first);
    other_listen(&second);
    return net_open(&defaults, &net, &err);
}

int call_test_teardown(void **state)
{
    other_end(&first);
    other_end(&second);
    net_close(&net);
    arena_free(&arena);
    return 0;
}

static int get(const char *path, bool follows, struct net_answer *out)
{
    struct net_request request = { .method   = STR("GET"),
                                   .url      = other_url(arena, &first, path),
                                   .user     = STR("alice"),
                                   .password = STR("s3cret"),
                                   .follows  = follows };

    return net_call(net, arena, &request, out, &err);
}

static const char *moved_to(const struct other *other, const char *path)
{
    return mem_printf(arena,
                      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d%s\r\n"
                      "Content-Length: 0\r\nConnection: close\r\n\r\n",
                      other->port, path);
}

/* Basic alice:s3cret */
#define AUTHORIZATION "Authorization: Basic YWxpY2U6czNjcmV0\r\n"

void test_a_request_goes_out_as_it_was_asked(void **state)
{
    struct net_header  headers[] = { { STR("Content-Type"), STR("application/json") } };
    struct net_request request   = { .method    = STR("PATCH"),
                                     .url       = other_url(arena, &first, "/a%2Fb?c=d"),
                                     .user      = STR("alice"),
                                     .password  = STR("s3cret"),
                                     .headers   = headers,
                                     .n_headers = 1,
                                     .body      = STR("{}") };
    struct net_answer  answer;

    ANSWERS(&first,
            "HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 201 Created\r\nX-Next: a:b \r\n"
            "x-next: c\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes");
    CHECK_OK(net_call(net, arena, &request, &answer, &err), &err);
    assert_int_equal(answer.status, 201);
    CHECK_STR(answer.body, "yes");
    CHECK_STR(net_header(&answer, "X-NEXT"), "a:b");
    assert_null(net_header(&answer, "X-Old").p);
    assert_ptr_equal(strstr(first.heard[0], "PATCH /a%2Fb?c=d HTTP/1.1\r\n"), first.heard[0]);
    assert_non_null(strstr(first.heard[0], AUTHORIZATION));
    assert_non_null(strstr(first.heard[0], "User-Agent: test/1\r\n"));
    assert_non_null(strstr(first.heard[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(first.heard[0], "\r\n\r\n{}"));
    assert_null(strstr(first.heard[0], "Expect"));
}

void test_nothing_of_a_request_stays_for_the_next(void **state)
{
    struct net_request head = { .method = STR("HEAD"), .url = other_url(arena, &first, "/h") };
    struct net_answer  answer;

    ANSWERS(&first, OK_TWO,
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", OK_TWO);
    CHECK_OK(get("/", false, &answer), &err);
    CHECK_OK(net_call(net, arena, &head, &answer, &err), &err);
    CHECK_STR(answer.body, "");
    assert_null(strstr(first.heard[1], "Authorization"));
    CHECK_OK(get("/", false, &answer), &err);
    CHECK_STR(answer.body, "ok");
}

void test_no_body_is_said_to_be_none(void **state)
{
    struct net_request request = { .method = STR("POST"), .url = other_url(arena, &first, "/") };
    struct net_answer  answer;

    ANSWERS(&first, OK_TWO, OK_TWO);
    CHECK_OK(net_call(net, arena, &request, &answer, &err), &err);
    assert_non_null(strstr(first.heard[0], "Content-Length: 0\r\n"));
    assert_null(strstr(first.heard[0], "Content-Type"));
    request.method = STR("DELETE");
    CHECK_OK(net_call(net, arena, &request, &answer, &err), &err);
    assert_null(strstr(first.heard[1], "Content-Length"));
}

void test_credentials_stay_with_their_host(void **state)
{
    struct net_header cookie = { STR("cookie"), STR("a=b") };
    struct net_answer answer;

    ANSWERS(&first, moved_to(&first, "/same"), moved_to(&second, "/other"));
    ANSWERS(&second, OK_TWO);
    struct net_request request = { .method    = STR("GET"),
                                   .url       = other_url(arena, &first, "/"),
                                   .user      = STR("alice"),
                                   .password  = STR("s3cret"),
                                   .headers   = &cookie,
                                   .n_headers = 1,
                                   .follows   = true };
    CHECK_OK(net_call(net, arena, &request, &answer, &err), &err);
    CHECK_STR(answer.body, "ok");
    assert_non_null(strstr(first.heard[1], "GET /same"));
    assert_non_null(strstr(first.heard[1], AUTHORIZATION));
    assert_non_null(strstr(second.heard[0], "GET /other"));
    assert_null(strcasestr(second.heard[0], "Authorization"));
    assert_null(strcasestr(second.heard[0], "Cookie"));
}

void test_only_a_question_that_may_be_asked_again_is(void **state)
{
    struct net_request post = { .method  = STR("POST"),
                                .url     = other_url(arena, &first, "/"),
                                .body    = STR("x"),
                                .follows = true };
    struct net_answer  answer;

    ANSWERS(&first, moved_to(&second, "/"), moved_to(&second, "/"));
    CHECK_OK(net_call(net, arena, &post, &answer, &err), &err);
    assert_int_equal(answer.status, 302);
    CHECK_OK(get("/", false, &answer), &err);
    assert_int_equal(answer.status, 302);
}

void test_being_sent_round_ends(void **state)
{
    struct net_answer answer;
    const char       *round = moved_to(&first, "/");

    ANSWERS(&first, round, round, round, round, round, round);
    CHECK_FAILS(get("/", true, &answer), &err, ERR_UNAVAILABLE);
}

void test_a_redirect_obeys_the_rules_of_addresses(void **state)
{
    static const char *const places[] = { "http://192.0.2.1/", "file:///etc/passwd",
                                          "http://u:p@127.0.0.1/" };
    struct net_answer        answer;
    const char              *replies[ARRAY_LEN(places)];

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        replies[i] = mem_printf(arena,
                                "HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n",
                                places[i]);
    other_answers(&first, replies, ARRAY_LEN(places));
    CHECK_FAILS(get("/", true, &answer), &err, ERR_DENIED);
    assert_string_equal(err_code(&err), NET_PLAIN);
    CHECK_FAILS(get("/", true, &answer), &err, ERR_INVALID);
    CHECK_FAILS(get("/", true, &answer), &err, ERR_INVALID);
}

void test_an_answer_is_bounded(void **state)
{
    struct net_settings         small  = defaults;
    AUTO(net_close) struct net *strict = NULL;
    struct net_answer           answer;
    char                       *head = mem_alloc(arena, NET_HEAD_MAX + 3000);

    small.answer_max = 2;
    CHECK_OK(net_open(&small, &strict, &err), &err);
    memset(head, 'x', NET_HEAD_MAX + 2900);
    memcpy(head, "HTTP/1.1 200 OK\r\nX: ", 20);
    for (size_t i = 1000; i < NET_HEAD_MAX + 2900; i += 1000)
        memcpy(head + i, "\r\nX: ", 5);
    ANSWERS(&first, OK_TWO, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
            head);

    struct net_request request = { .method = STR("GET"), .url = other_url(arena, &first, "/") };
    CHECK_OK(net_call(strict, arena, &request, &answer, &err), &err);
    CHECK_FAILS(net_call(strict, arena, &request, &answer, &err), &err, ERR_TOO_LARGE);
    CHECK_FAILS(net_call(strict, arena, &request, &answer, &err), &err, ERR_TOO_LARGE);
}

void test_half_an_answer_is_none(void **state)
{
    struct net_answer answer;

    ANSWERS(&first, "HTTP/1.1 200 OK\r\nX-Half: wa",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf");
    CHECK_FAILS(get("/", false, &answer), &err, ERR_UNAVAILABLE);
    CHECK_FAILS(get("/", false, &answer), &err, ERR_UNAVAILABLE);
}

void test_silence_has_an_end(void **state)
{
    struct net_settings         hasty  = defaults;
    AUTO(net_close) struct net *strict = NULL;
    struct net_answer           answer;
    struct net_request request = { .method = STR("GET"), .url = other_url(arena, &first, "/") };

    hasty.total_us = SECOND_US / 10;
    CHECK_OK(net_open(&hasty, &strict, &err), &err);
    ANSWERS(&first, NULL);
    CHECK_FAILS(net_call(strict, arena, &request, &answer, &err), &err, ERR_UNAVAILABLE);
}

void test_plain_http_goes_no_further_than_this_machine(void **state)
{
    struct net_answer  answer;
    struct net_request request = { .method = STR("GET"), .url = STR("http://192.0.2.1/") };

    CHECK_FAILS(net_call(net, arena, &request, &answer, &err), &err, ERR_DENIED);
    assert_string_equal(err_code(&err), NET_PLAIN);

    request.url = str_from(mem_printf(arena, "http://localhost:%d/", first.port));
    ANSWERS(&first, OK_TWO);
    CHECK_OK(net_call(net, arena, &request, &answer, &err), &err);

    assert_true(net_is_loopback(STR("127.9.9.9")));
    assert_true(net_is_loopback(STR("LOCALHOST")));
    assert_true(net_is_loopback(STR("[::1]")));
    assert_false(net_is_loopback(STR("127.0.0.1.example.com")));
    assert_false(net_is_loopback(STR("127.0.0.999")));
    assert_false(net_is_loopback(STR("10.0.0.1")));
}

void test_what_is_no_address_is_refused(void **state)
{
    static const char *const addresses[] = { "",
                                             "127.0.0.1",
                                             "ftp://127.0.0.1/",
                                             "http://",
                                             "http://a:b@127.0.0.1/",
                                             "http://127.0.0.1:99999/" };
    struct net_header        header      = { STR("X"), STR("a\r\nEvil: 1") };
    struct net_answer        answer;

    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct net_request request = { .method = STR("GET"), .url = str_from(addresses[i]) };

        CHECK_FAILS(net_call(net, arena, &request, &answer, &err), &err, ERR_INVALID);
    }
    struct net_request request = { .method    = STR("GET"),
                                   .url       = other_url(arena, &first, "/"),
                                   .headers   = &header,
                                   .n_headers = 1 };
    CHECK_FAILS(net_call(net, arena, &request, &answer, &err), &err, ERR_INVALID);
}

/* The environment's proxy is not looked at; the one of the settings is, but never for this machine. */
void test_a_proxy_is_one_that_was_given(void **state)
{
    struct net_settings         settings = defaults;
    AUTO(net_close) struct net *through  = NULL;
    struct net_answer           answer;
    struct net_request far = { .method = STR("GET"), .url = STR("http://registry.invalid/x") };

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    settings.proxy     = other_url(arena, &second, "");
    settings.may_plain = true;
    CHECK_OK(net_open(&settings, &through, &err), &err);
    ANSWERS(&first, OK_TWO, OK_TWO);
    ANSWERS(&second, OK_TWO);

    CHECK_OK(get("/", false, &answer), &err);
    struct net_request near = { .method = STR("GET"), .url = other_url(arena, &first, "/") };
    CHECK_OK(net_call(through, arena, &near, &answer, &err), &err);
    CHECK_OK(net_call(through, arena, &far, &answer, &err), &err);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_non_null(strstr(second.heard[0], "GET http://registry.invalid/x HTTP/1.1\r\n"));
}
