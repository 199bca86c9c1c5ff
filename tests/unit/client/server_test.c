/* server: one spelling a server, and nothing that is none. */
#include "client/server.h"

#include "check.h"

static struct arena *arena;
static struct err    err;

int server_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int server_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static struct client_server parse(const char *text)
{
    struct client_server server;

    CHECK_OK(client_server_parse(arena, str_from(text), &server, &err), &err);
    return server;
}

void test_a_host_is_https_elsewhere_and_http_here(void **state)
{
    struct client_server server = parse("Registry.Example.com");

    CHECK_STR(server.host, "registry.example.com");
    CHECK_STR(server.url, "https://registry.example.com");
    assert_true(server.is_guess && !server.is_plain && !server.is_loopback);

    server = parse("127.0.0.1:5000");
    CHECK_STR(server.host, "127.0.0.1:5000");
    CHECK_STR(server.url, "http://127.0.0.1:5000");
    assert_true(server.is_guess && server.is_plain && server.is_loopback);
    server = client_server_other(arena, &server);
    CHECK_STR(server.url, "https://127.0.0.1:5000");

    CHECK_STR(parse("[::1]:5000").url, "http://[::1]:5000");
    CHECK_STR(parse("[2001:db8::1]").url, "https://[2001:db8::1]");
}

void test_a_url_says_how(void **state)
{
    struct client_server server = parse("https://127.0.0.1:5000/");

    CHECK_STR(server.url, "https://127.0.0.1:5000");
    CHECK_STR(server.host, "127.0.0.1:5000");
    assert_false(server.is_guess);
    assert_true(parse("http://registry.example.com").is_plain);
}

void test_what_is_no_server_is_refused(void **state)
{
    static const char *const texts[] = {
        "",           "/",          "https://",         "ftp://x",
        "alice@host", "host/alice", "host:0",           "host:65536",
        "host:x",     "host:",      "http://host/path", "a b",
        "[::1",       "[::1]x",     "ho\nst",           "https://u:p@host",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct client_server server;

        CHECK_FAILS(client_server_parse(arena, str_from(texts[i]), &server, &err), &err,
                    ERR_INVALID);
    }
}
