/* call: what goes out is what was asked, what comes in is bounded, and credentials stay with the host that they are
 * for. The other end is a listener of the test's own that plays its answers in order. */
#include "net/call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { TALKS_MAX = 8, HEARD_MAX = 16 * 1024 };

#define SECOND_US INT64_C(1000000)

/* One that answers a request after the other, each on a connection of its own. */
struct other {
    int         listener;
    int         port;
    pthread_t   thread;
    const char *answers[TALKS_MAX]; /* null: silence until the asker goes */
    size_t      n_answers;
    char        heard[TALKS_MAX][HEARD_MAX];
};

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

static void hear(int fd, char *heard)
{
    size_t      n = 0, wanted = 0;
    const char *end = NULL;

    while (n + 1 < HEARD_MAX && (end == NULL || n < wanted)) {
        ssize_t got = read(fd, heard + n, HEARD_MAX - n - 1);

        if (got <= 0)
            return;
        n += (size_t)got;
        heard[n] = '\0';
        end      = strstr(heard, "\r\n\r\n");
        if (end != NULL) {
            const char *size = strcasestr(heard, "Content-Length: ");

            wanted = (size_t)(end + 4 - heard) +
                     (size == NULL ? 0 : strtoul(size + strlen("Content-Length: "), NULL, 10));
        }
    }
}

static void *play(void *context)
{
    struct other *other = context;

    for (size_t i = 0; i < other->n_answers; i++) {
        int  fd = accept(other->listener, NULL, NULL);
        char rest[64];

        if (fd < 0)
            break;
        hear(fd, other->heard[i]);
        if (other->answers[i] == NULL)
            while (read(fd, rest, sizeof(rest)) > 0)
                ;
        else
            send(fd, other->answers[i], strlen(other->answers[i]), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void listen_first(struct other *other)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          size    = sizeof(address);

    memset(other, 0, sizeof(*other));
    other->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other->listener, 8), 0);
    assert_int_equal(getsockname(other->listener, (struct sockaddr *)&address, &size), 0);
    other->port = ntohs(address.sin_port);
}

static void answers(struct other *other, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        other->answers[i] = list[i];
    other->n_answers = n;
    assert_int_equal(pthread_create(&other->thread, NULL, play, other), 0);
}

#define ANSWERS(other, ...)                                \
    answers((other), (const char *const[]){ __VA_ARGS__ }, \
            ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static void end(struct other *other)
{
    shutdown(other->listener, SHUT_RDWR);
    if (other->n_answers > 0)
        pthread_join(other->thread, NULL);
    close(other->listener);
}

int call_test_setup(void **state)
{
    arena = arena_new();
    listen_first(&first);
    listen_first(&second);
    return net_open(&defaults, &net, &err);
}

int call_test_teardown(void **state)
{
    end(&first);
    end(&second);
    net_close(&net);
    arena_free(&arena);
    return 0;
}

static struct str url_of(const struct other *other, const char *path)
{
    return str_from(mem_printf(arena, "http://127.0.0.1:%d%s", other->port, path));
}

static int get(const char *path, bool follows, struct net_answer *out)
{
    struct net_request request = { .method   = STR("GET"),
                                   .url      = url_of(&first, path),
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

#define OK_TWO "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
/* Basic alice:s3cret */
#define AUTHORIZATION "Authorization: Basic YWxpY2U6czNjcmV0\r\n"

void test_a_request_goes_out_as_it_was_asked(void **state)
{
    struct net_header  headers[] = { { STR("Content-Type"), STR("application/json") } };
    struct net_request request   = { .method    = STR("PATCH"),
                                     .url       = url_of(&first, "/a%2Fb?c=d"),
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
    struct net_request head = { .method = STR("HEAD"), .url = url_of(&first, "/h") };
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
    struct net_request request = { .method = STR("POST"), .url = url_of(&first, "/") };
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
                                   .url       = url_of(&first, "/"),
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
    struct net_request post = {
        .method = STR("POST"), .url = url_of(&first, "/"), .body = STR("x"), .follows = true
    };
    struct net_answer answer;

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
    answers(&first, replies, ARRAY_LEN(places));
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

    struct net_request request = { .method = STR("GET"), .url = url_of(&first, "/") };
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
    struct net_request          request = { .method = STR("GET"), .url = url_of(&first, "/") };

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
    struct net_request request = {
        .method = STR("GET"), .url = url_of(&first, "/"), .headers = &header, .n_headers = 1
    };
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
    settings.proxy     = url_of(&second, "");
    settings.may_plain = true;
    CHECK_OK(net_open(&settings, &through, &err), &err);
    ANSWERS(&first, OK_TWO, OK_TWO);
    ANSWERS(&second, OK_TWO);

    CHECK_OK(get("/", false, &answer), &err);
    struct net_request near = { .method = STR("GET"), .url = url_of(&first, "/") };
    CHECK_OK(net_call(through, arena, &near, &answer, &err), &err);
    CHECK_OK(net_call(through, arena, &far, &answer, &err), &err);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_non_null(strstr(second.heard[0], "GET http://registry.invalid/x HTTP/1.1\r\n"));
}
