/* address_test.c: addresses in all their spellings, networks, and whom to believe about the client. */
#include "codec/address.h"

#include <stdio.h>

#include "check.h"

void test_addresses_print_as_one_spelling(void **state)
{
    static const char *const pairs[][2] = {
        { "192.0.2.1", "192.0.2.1" },           { "192.0.2.1:80", "192.0.2.1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },    { "2001:DB8:0:0::1", "2001:db8::1" },
        { "[2001:db8::1]:443", "2001:db8::1" }, { "[::1]", "::1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct address address;
        char           text[ADDRESS_TEXT_MAX];

        assert_true(address_parse(str_from(pairs[i][0]), &address));
        address_print(&address, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

void test_what_is_no_address(void **state)
{
    static const char *const bad[] = {
        "",  "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "0x7f.1",   "127.1",        "1.2.3.256",
        "[", "[]",      "[::1",    ":",     "::1::",     "1.2.3.4 ", "fe80::1%eth0",
    };
    struct address address;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(address_parse(str_from(bad[i]), &address));
}

static bool is_in(const char *networks, const char *address)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct networks                list;
    struct address                 parsed;
    struct err                     err;

    CHECK_OK(networks_parse(arena, str_from(networks), &list, &err), &err);
    assert_true(address_parse(str_from(address), &parsed));
    return networks_have(&list, &parsed);
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
    struct networks                list;
    struct err                     err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(networks_parse(arena, str_from(bad[i]), &list, &err), &err, ERR_INVALID);
}

static void check_client(const char *trusted, const char *forwarded_for, const char *wanted)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct networks                list;
    struct address                 peer;
    struct address                 client;
    struct err                     err;
    char                           text[ADDRESS_TEXT_MAX];

    CHECK_OK(networks_parse(arena, str_from(trusted), &list, &err), &err);
    assert_true(address_parse(STR("10.0.0.1"), &peer));
    client = networks_client(&list, &peer, str_from(forwarded_for));
    address_print(&client, text);
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
