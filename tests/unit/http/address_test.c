/* address_test.c: addresses in all their spellings, networks, and whom to believe about the client. */
#include "http/address.h"

#include <stdio.h>

#include "rig.h"

static struct rig_answer answer;

void test_addresses_print_as_one_spelling(void **state)
{
    static const char *const pairs[][2] = {
        { "192.0.2.1", "192.0.2.1" },           { "192.0.2.1:80", "192.0.2.1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },    { "2001:DB8:0:0::1", "2001:db8::1" },
        { "[2001:db8::1]:443", "2001:db8::1" }, { "[::1]", "::1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct http_address address;
        char                text[HTTP_ADDRESS_TEXT_MAX];

        assert_true(http_address_parse(str_from(pairs[i][0]), &address));
        http_address_print(&address, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

void test_what_is_no_address(void **state)
{
    static const char *const bad[] = {
        "",  "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "0x7f.1",   "127.1",        "1.2.3.256",
        "[", "[]",      "[::1",    ":",     "::1::",     "1.2.3.4 ", "fe80::1%eth0",
    };
    struct http_address address;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(http_address_parse(str_from(bad[i]), &address));
}

static bool is_in(const char *networks, const char *address)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct http_networks           list;
    struct http_address            parsed;
    struct err                     err;

    CHECK_OK(http_networks_parse(arena, str_from(networks), &list, &err), &err);
    assert_true(http_address_parse(str_from(address), &parsed));
    return http_networks_have(&list, &parsed);
}

void test_networks(void **state)
{
    (void)state;
    assert_true(is_in("10.0.0.0/8", "10.255.1.2"));
    assert_false(is_in("10.0.0.0/8", "11.0.0.0"));
    assert_true(is_in("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert_true(is_in("192.0.2.64/26", "192.0.2.127"));
    assert_false(is_in("192.0.2.64/26", "192.0.2.128"));
    assert_true(is_in("192.0.2.7", "192.0.2.7"));
    assert_false(is_in("192.0.2.7", "192.0.2.6"));
    assert_true(is_in("0.0.0.0/0", "1.2.3.4"));
    assert_false(is_in("0.0.0.0/0", "2001:db8::1"));
    assert_true(is_in("::/0", "2001:db8::1"));
    assert_true(is_in("fd00::/8, 2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(is_in("fd00::/8,2001:db8::/33", "2001:db8:8000::1"));
    assert_false(is_in("", "127.0.0.1"));
}

void test_networks_that_are_none(void **state)
{
    static const char *const       bad[] = { "x",      "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                                             "::/129", "10.0.0/8",    "10.0.0.1,x" };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct http_networks           list;
    struct err                     err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(http_networks_parse(arena, str_from(bad[i]), &list, &err), &err, ERR_INVALID);
}

static void check_client(const char *trusted, const char *forwarded_for, const char *wanted)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct http_networks           list;
    struct http_address            peer;
    struct http_address            client;
    struct err                     err;
    char                           text[HTTP_ADDRESS_TEXT_MAX];

    CHECK_OK(http_networks_parse(arena, str_from(trusted), &list, &err), &err);
    assert_true(http_address_parse(STR("10.0.0.1"), &peer));
    client = http_networks_client(&list, &peer, str_from(forwarded_for));
    http_address_print(&client, text);
    assert_string_equal(text, wanted);
}

void test_the_rightmost_untrusted_address_is_the_client(void **state)
{
    (void)state;
    check_client("10.0.0.0/8", "192.0.2.1", "192.0.2.1");
    check_client("10.0.0.0/8", "198.51.100.9, 192.0.2.1", "192.0.2.1");
    check_client("10.0.0.0/8", "198.51.100.9, 192.0.2.1, 10.0.0.2", "192.0.2.1");
    check_client("10.0.0.0/8", "10.0.0.3, 10.0.0.2", "10.0.0.3");
    check_client("10.0.0.0/8", "127.0.0.1, nonsense, 10.0.0.2", "10.0.0.2");
    check_client("10.0.0.0/8", "nonsense", "10.0.0.1");
    check_client("10.0.0.0/8", "", "10.0.0.1");
    check_client("10.0.0.0/8", " , ,", "10.0.0.1");
    check_client("10.0.0.0/8", "[2001:db8::1]:4711", "2001:db8::1");
    check_client("10.0.0.0/8", "::ffff:192.0.2.1", "192.0.2.1");
    check_client("192.0.2.0/24", "127.0.0.1", "10.0.0.1"); /* the peer itself is nobody */
}

static void ask_facts(const char *trusted, const char *headers)
{
    struct rig *rig = rig_start(NULL, trusted, 0);
    char        text[512];

    snprintf(text, sizeof(text), "GET /facts HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    rig_ask(rig, text, &answer);
    assert_int_equal(answer.status, 200);
    rig_stop(&rig);
}

void test_only_trusted_peers_are_believed(void **state)
{
    const char *headers = "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n";

    (void)state;
    ask_facts(NULL, headers);
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("10.0.0.0/8", headers);
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("127.0.0.0/8", headers);
    assert_non_null(strstr(answer.body, "\npeer 127.0.0.1\nclient 192.0.2.9\n"));
    assert_non_null(strstr(answer.body, "\ntls 1\n"));
    ask_facts("127.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n"
                             "X-Forwarded-Proto: https, http\r\n");
    assert_non_null(strstr(answer.body, "\nclient 192.0.2.2\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("127.0.0.0/8", "X-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.2;proto=https\r\n");
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
}
