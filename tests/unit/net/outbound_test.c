/* outbound: nothing goes where it may not, whoever says so: a URL, a name, a redirect; what comes back is bounded; and a
 * failure tells nothing about the network. */
#include "net/outbound.h"

#include <stdio.h>

#include "io/clock.h"
#include "net/resolve.h"
#include "other.h"

#define SECOND_US INT64_C(1000000)

static struct arena                *arena;
static struct net_outbound         *outbound;
static struct net_outbound_settings settings;
static struct net_outbound_answer   answer;
static struct other                 first, second;
static struct err                   err;
static char                         told[512];
static const char *names[2]; /* addresses of the test's names, the first and all later times */
static int         n_lookups;

static void hear_cause(void *context, struct str origin, const char *cause)
{
    snprintf(told, sizeof(told), STR_FMT ": %s", STR_ARGS(origin), cause);
}

static int look_up(struct arena *into, struct str host, int64_t timeout_us,
                   struct net_addresses *out, struct err *e)
{
    struct networks list;
    const char     *answers = names[n_lookups++ == 0 ? 0 : 1];

    if (answers == NULL)
        return err_set(e, ERR_UNAVAILABLE, "no resolver");
    if (networks_parse(into, str_from(answers), &list, e) < 0)
        return -1;
    *out =
        (struct net_addresses){ .n = list.n, .list = mem_many(into, list.n + 1, struct address) };
    for (size_t i = 0; i < list.n; i++)
        out->list[i] = list.networks[i].address;
    return 0;
}

static void open_outbound(const char *allow)
{
    static const struct str own[] = { { .p = "registry.example", .n = 16 } };

    net_outbound_free(&outbound);
    settings.agent       = STR("test/1");
    settings.allow       = str_from(allow);
    settings.own_names   = own;
    settings.n_own_names = 1;
    settings.tell        = hear_cause;
    settings.resolve     = look_up;
    CHECK_OK(net_outbound_new(&settings, &outbound, &err), &err);
}

int outbound_test_setup(void **state)
{
    arena = arena_new();
    memset(&settings, 0, sizeof(settings));
    memset(names, 0, sizeof(names));
    n_lookups = 0;
    told[0]   = '\0';
    other_listen(&first);
    other_listen(&second);
    open_outbound("127.0.0.0/8");
    return 0;
}

int outbound_test_teardown(void **state)
{
    other_end(&first);
    other_end(&second);
    net_outbound_free(&outbound);
    arena_free(&arena);
    return 0;
}

static struct net_outbound_request get(const struct other *other, const char *path)
{
    return (struct net_outbound_request){
        .request            = { .method = STR("GET"), .url = other_url(arena, other, path) },
        .skips_verification = true,
    };
}

static int call(const struct net_outbound_request *request)
{
    return net_outbound_call(outbound, arena, request, &answer, &err);
}

static struct str url_at(const char *host, const struct other *other)
{
    return str_from(mem_printf(arena, "http://%s:%d/", host, other->port));
}

void test_outbound_post_and_its_answer(void **state)
{
    struct net_header           headers[] = { { STR("Content-Type"), STR("application/json") },
                                              { STR("X-Empty"), STR("") } };
    struct net_outbound_request request   = get(&first, "/hook?a=b");

    request.request.method    = STR("POST");
    request.request.body      = STR("{}");
    request.request.headers   = headers;
    request.request.n_headers = 2;
    ANSWERS(&first, "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 2\r\n"
                    "Content-Encoding: gzip\r\nConnection: close\r\n\r\nno");
    CHECK_OK(call(&request), &err);
    assert_int_equal(answer.answer.status, 503);
    CHECK_STR(answer.answer.body, "no");
    assert_int_equal(answer.retry_after_us, 7 * SECOND_US);
    assert_non_null(strstr(first.heard[0], "POST /hook?a=b HTTP/1.1\r\n"));
    assert_non_null(strstr(first.heard[0], "X-Empty:"));
    assert_null(strstr(first.heard[0], "Accept-Encoding"));
    assert_null(strstr(first.heard[0], "Expect"));
}

void test_outbound_keeps_a_connection_for_its_own_kind(void **state)
{
    struct net_outbound_request request = get(&first, "/");
    const char                 *kept    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    first.keeps = true;
    ANSWERS(&first, kept, kept);
    ANSWERS(&second, kept);
    CHECK_OK(call(&request), &err);
    assert_false(answer.times.is_reused);
    CHECK_OK(call(&request), &err);
    assert_true(answer.times.is_reused);

    /* other credentials, another connection, which nobody answers any more */
    request.request.user     = STR("alice");
    request.request.password = STR("s3cret");
    request.first_byte_us    = SECOND_US / 10;
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_true(other_was_called(&first));
}

void test_outbound_address_that_is_not_listed_is_not_called(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "[::ffff:127.0.0.1]" };

    open_outbound("10.0.0.0/8");
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct net_outbound_request request = get(&first, "/");

        request.request.url = url_at(hosts[i], &first);
        CHECK_FAILS(net_outbound_check(outbound, request.request.url, true, &err), &err,
                    ERR_INVALID);
        CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
        assert_non_null(strstr(told, "not allowed"));
    }
    assert_false(other_was_called(&first));
}

void test_outbound_plain_http_must_be_meant(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    request.skips_verification = false;
    CHECK_FAILS(call(&request), &err, ERR_INVALID);
    CHECK_FAILS(net_outbound_check(outbound, request.request.url, false, &err), &err, ERR_INVALID);
    CHECK_OK(net_outbound_check(outbound, request.request.url, true, &err), &err);
    names[0] = names[1] = "8.8.8.8";
    CHECK_FAILS(net_outbound_check(outbound, STR("http://far.example/"), true, &err), &err,
                ERR_INVALID);
    CHECK_OK(net_outbound_check(outbound, STR("https://far.example/"), true, &err), &err);
    assert_false(other_was_called(&first));
}

void test_outbound_own_name_is_not_public(void **state)
{
    names[0] = names[1] = "8.8.8.8";
    CHECK_FAILS(net_outbound_check(outbound, STR("https://Registry.Example/"), false, &err), &err,
                ERR_INVALID);
    open_outbound("8.8.8.8");
    CHECK_OK(net_outbound_check(outbound, STR("https://Registry.Example/"), false, &err), &err);
}

void test_outbound_port_of_something_else(void **state)
{
    CHECK_FAILS(net_outbound_check(outbound, STR("https://127.0.0.1:6379/"), false, &err), &err,
                ERR_INVALID);
    CHECK_OK(net_outbound_check(outbound, STR("https://127.0.0.1:6380/"), false, &err), &err);
}

void test_outbound_name_that_has_one_forbidden_address(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    names[0] = names[1] = "127.0.0.1, 10.0.0.1";
    request.request.url = url_at("two.example", &first);
    CHECK_FAILS(net_outbound_check(outbound, request.request.url, true, &err), &err, ERR_INVALID);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_false(other_was_called(&first));
}

/* The name leads to the listener once, and elsewhere from then on: what is kept goes where it was vetted, what is new is
 * vetted anew. */
void test_outbound_name_that_changes_its_mind(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    names[0]            = "127.0.0.1";
    names[1]            = "10.0.0.1";
    request.request.url = url_at("changes.example", &first);
    ANSWERS(&first, OK_TWO, OK_TWO);
    CHECK_OK(call(&request), &err);
    CHECK_OK(call(&request), &err);
    assert_int_equal(n_lookups, 1);
    request.request.user = STR("alice");
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_int_equal(n_lookups, 2);
    assert_non_null(strstr(told, "10.0.0.1"));
}

void test_outbound_failures_read_alike(void **state)
{
    struct net_outbound_request request = get(&first, "/secret-path?token=x");
    char                        closed[ERR_TEXT_MAX];
    struct other                gone;

    other_listen(&gone);
    other_end(&gone);
    request.request.url = url_at("127.0.0.1", &gone);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    snprintf(closed, sizeof(closed), "no answer from http://127.0.0.1:%d", gone.port);
    assert_string_equal(err.text, closed);

    request = get(&first, "/secret-path?token=x");
    snprintf(closed, sizeof(closed), "no answer from http://127.0.0.1:%d", first.port);
    request.first_byte_us = SECOND_US / 10;
    ANSWERS(&first, "220 mail.example ESMTP\r\n", NULL);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_string_equal(err.text, closed);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_string_equal(err.text, closed);
}

void test_outbound_failures_take_alike(void **state)
{
    struct net_outbound_request request = get(&first, "/");
    int64_t                     start   = clock_monotonic_us();

    request.request.url = STR("http://10.0.0.1/");
    request.pad_us      = SECOND_US / 2;
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_true(clock_monotonic_us() - start >= SECOND_US / 2);
}

static const char *moved_to(const char *location)
{
    return mem_printf(arena,
                      "HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n",
                      location);
}

void test_outbound_follows_no_redirect_unasked(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    ANSWERS(&first, moved_to(other_url(arena, &second, "/").p),
            moved_to(other_url(arena, &second, "/").p));
    CHECK_OK(call(&request), &err);
    assert_int_equal(answer.answer.status, 307);
    request.request.method  = STR("POST");
    request.request.follows = true;
    CHECK_OK(call(&request), &err);
    assert_int_equal(answer.answer.status, 307);
    assert_false(other_was_called(&second));
}

void test_outbound_redirects_are_vetted(void **state)
{
    static const char *const places[] = { "http://10.0.0.1/", "file:///etc/passwd",
                                          "http://0x7f.1/", "http://u:p@127.0.0.1/",
                                          "gopher://127.0.0.1/" };
    const char              *replies[ARRAY_LEN(places)];

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        replies[i] = moved_to(places[i]);
    other_answers(&first, replies, ARRAY_LEN(places));
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct net_outbound_request request = get(&first, "/");

        request.request.follows = true;
        assert_int_equal(call(&request), -1);
    }
}

void test_outbound_credentials_stay_at_home(void **state)
{
    struct net_header           headers[] = { { STR("Authorization"), STR("Bearer tell-nobody") },
                                              { STR("X-Other"), STR("1") } };
    struct net_outbound_request request   = get(&first, "/");

    request.request.follows   = true;
    request.request.headers   = headers;
    request.request.n_headers = 2;
    ANSWERS(&first, moved_to("/again"), moved_to(other_url(arena, &second, "/x").p));
    ANSWERS(&second, OK_TWO);
    CHECK_OK(call(&request), &err);
    CHECK_STR(answer.origin, mem_printf(arena, "http://127.0.0.1:%d", second.port));
    assert_non_null(strstr(first.heard[1], "tell-nobody"));
    assert_null(strstr(second.heard[0], "tell-nobody"));
    assert_non_null(strstr(second.heard[0], "X-Other"));
}

void test_outbound_redirects_end(void **state)
{
    struct net_outbound_request request = get(&first, "/");
    const char                 *round   = moved_to("/");

    request.request.follows = true;
    ANSWERS(&first, round, round, round, round);
    CHECK_FAILS(call(&request), &err, ERR_DENIED);
}

void test_outbound_answers_are_bounded(void **state)
{
    struct net_outbound_request request = get(&first, "/");
    const char *five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfive!";

    request.answer_max = 4;
    ANSWERS(&first, five, five, five,
            "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nfive!",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n");
    CHECK_FAILS(call(&request), &err, ERR_TOO_LARGE);
    request.cuts = true;
    CHECK_OK(call(&request), &err);
    CHECK_STR(answer.answer.body, "five");
    assert_true(answer.is_cut);
    request.answer_max = 5;
    CHECK_OK(call(&request), &err);
    assert_false(answer.is_cut);
    request.answer_max = 100;
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
}

/* -- streams ------------------------------------------------------------------------------------------ */

struct stream {
    const char *text;
    size_t      at;
    int         status;
    char        taken[64];
    size_t      n_taken;
    size_t      n_most; /* then the sink has enough */
};

static ssize_t give(void *context, void *to, size_t size, struct err *e)
{
    struct stream *stream = context;
    size_t         n      = strlen(stream->text) - stream->at;

    n = n > 3 ? 3 : n;
    memcpy(to, stream->text + stream->at, n);
    stream->at += n;
    return (ssize_t)n;
}

static int begin(void *context, const struct net_answer *head, struct err *e)
{
    ((struct stream *)context)->status = head->status;
    return 0;
}

static int take(void *context, struct str bytes, struct err *e)
{
    struct stream *stream = context;

    if (stream->n_taken + bytes.n > stream->n_most)
        return err_set(e, ERR_FULL, "enough");
    memcpy(stream->taken + stream->n_taken, bytes.p, bytes.n);
    stream->n_taken += bytes.n;
    return 0;
}

void test_outbound_streams(void **state)
{
    struct stream               stream  = { .text = "abcdefgh", .n_most = 2 };
    struct net_source           source  = { .size = 8, .read = give, .context = &stream };
    struct net_sink             sink    = { .begin = begin, .write = take, .context = &stream };
    struct net_outbound_request request = get(&first, "/");

    request.request.method = STR("PUT");
    request.source         = &source;
    request.sink           = &sink;
    ANSWERS(&first, OK_TWO, "HTTP/1.1 404 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig",
            "HTTP/1.1 204 None\r\nConnection: close\r\n\r\n");
    CHECK_OK(call(&request), &err);
    assert_non_null(strstr(first.heard[0], "Content-Length: 8\r\n"));
    assert_non_null(strstr(first.heard[0], "\r\n\r\nabcdefgh"));
    assert_int_equal(stream.status, 200);
    assert_memory_equal(stream.taken, "ok", 2);

    request.source         = NULL;
    request.request.method = STR("GET");
    stream.status          = 0;
    CHECK_OK(call(&request), &err);
    CHECK_STR(answer.answer.body, "no");
    assert_int_equal(stream.status, 0);

    stream.n_taken = 0;
    CHECK_FAILS(call(&request), &err, ERR_FULL);
    CHECK_OK(call(&request), &err);
    assert_int_equal(stream.status, 204);
}

static bool always(void *context)
{
    return true;
}

void test_outbound_stops_when_asked(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    request.should_stop = always;
    ANSWERS(&first, NULL);
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
}

/* -- proxies ------------------------------------------------------------------------------------------ */

void test_outbound_proxy_does_not_lead_inside(void **state)
{
    struct net_outbound_request request = get(&first, "/");

    settings.http_proxy = settings.https_proxy = other_url(arena, &second, "");
    settings.no_proxy                          = STR("localhost, .near.example");
    open_outbound("127.0.0.0/8, 192.0.2.0/24");
    request.request.url = STR("http://10.0.0.1/");
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    names[0] = names[1] = "10.0.0.1";
    request.request.url = STR("https://inside.example/");
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    names[0] = names[1] = NULL;
    request.request.url = STR("https://unknown.example/");
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_false(other_was_called(&second));

    ANSWERS(&first, OK_TWO);
    ANSWERS(&second, OK_TWO, "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    request.request.url = STR("http://192.0.2.1/x");
    CHECK_OK(call(&request), &err);
    assert_non_null(strstr(second.heard[0], "GET http://192.0.2.1/x HTTP/1.1\r\n"));
    request.request.url = STR("https://192.0.2.1/x");
    CHECK_FAILS(call(&request), &err, ERR_UNAVAILABLE);
    assert_non_null(strstr(second.heard[1], "CONNECT 192.0.2.1:443 HTTP/1.1\r\n"));
    names[0] = names[1] = "127.0.0.1";
    request.request.url = url_at("a.near.example", &first);
    CHECK_OK(call(&request), &err);
    assert_non_null(strstr(first.heard[0], "GET / HTTP/1.1\r\n"));
}

/* -- authorities -------------------------------------------------------------------------------------- */

void test_outbound_authorities_are_certificates(void **state)
{
    CHECK_FAILS(net_outbound_check_ca(STR(""), &err), &err, ERR_INVALID);
    CHECK_FAILS(net_outbound_check_ca(STR("hello"), &err), &err, ERR_INVALID);
    CHECK_FAILS(net_outbound_check_ca(STR("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                          "-----END CERTIFICATE-----\n"),
                                      &err),
                &err, ERR_INVALID);
    CHECK_FAILS(net_outbound_set_ca(outbound,
                                    STR("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                        "-----END PRIVATE KEY-----\n"),
                                    &err),
                &err, ERR_INVALID);
    CHECK_OK(net_outbound_set_ca(outbound, STR_NULL, &err), &err);
}
