/* vet: addresses that are not public are refused unless they are listed; those that give out credentials must be
 * listed one by one. */
#include "net/vet.h"

#include "check.h"

static struct arena *arena;
static struct err    err;

int vet_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int vet_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static bool may(const char *listed, const char *text, bool only_listed)
{
    struct net_vet vet = { .allow = { .n = 0 } };
    struct address address;

    CHECK_OK(networks_parse(arena, str_from(listed), &vet.allow, &err), &err);
    CHECK_OK(networks_parse(arena, STR("1.1.1.1"), &vet.own, &err), &err);
    assert_true(address_parse(str_from(text), &address));
    return net_vet_address(&vet, &address, only_listed);
}

void test_vet_addresses_that_are_not_public(void **state)
{
    static const char *const inside[] = {
        "0.0.0.0",       "0.1.2.3",          "10.0.0.1",
        "100.64.0.1",    "127.0.0.1",        "127.255.255.254",
        "169.254.0.1",   "169.254.169.254",  "100.100.100.200",
        "168.63.129.16", "172.16.0.1",       "172.31.255.255",
        "192.0.0.192",   "192.0.2.1",        "192.168.1.1",
        "198.18.0.1",    "198.19.255.255",   "198.51.100.1",
        "203.0.113.1",   "224.0.0.1",        "239.255.255.255",
        "240.0.0.1",     "255.255.255.255",  "::",
        "::1",           "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1",   "64:ff9b::7f00:1",  "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",  "100::1",           "2001::1",
        "2001:db8::1",   "2002:7f00:1::",    "3fff::1",
        "fc00::1",       "fd00:ec2::254",    "fe80::1",
        "fec0::1",       "ff02::1",          "1.1.1.1",
    };

    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        if (may("", inside[i], false))
            fail_msg("open: %s", inside[i]);
    }
}

void test_vet_addresses_that_are(void **state)
{
    static const char *const outside[] = {
        "1.0.0.1",        "8.8.8.8",     "172.15.255.255",   "172.32.0.1",
        "100.63.255.255", "100.128.0.1", "192.0.1.1",        "223.255.1.1",
        "2606:4700::1",   "2a00::1",     "64:ff9b::808:808",
    };

    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        if (!may("", outside[i], false))
            fail_msg("closed: %s", outside[i]);
        assert_false(may("", outside[i], true));
    }
}

void test_vet_what_is_listed(void **state)
{
    assert_true(may("10.0.0.0/8", "10.1.2.3", true));
    assert_false(may("10.0.0.0/8", "192.168.0.1", false));
    assert_true(may("127.0.0.0/8, ::1", "::ffff:127.0.0.1", false));
    assert_true(may("127.0.0.0/8, ::1", "::1", false));
    assert_true(may("8.8.8.0/24", "8.8.8.8", true));
    assert_true(may("1.1.1.1", "1.1.1.1", false));
    assert_true(may("10.0.0.0/8", "64:ff9b::a01:203", false));
}

void test_vet_metadata_is_listed_by_itself(void **state)
{
    assert_false(may("0.0.0.0/0, ::/0", "169.254.169.254", false));
    assert_false(may("169.254.0.0/16", "169.254.169.254", false));
    assert_false(may("fd00::/8", "fd00:ec2::254", false));
    assert_true(may("169.254.0.0/16", "169.254.1.1", false));
    assert_true(may("169.254.169.254", "169.254.169.254", false));
    assert_true(may("fd00:ec2::254/128", "fd00:ec2::254", false));
}

void test_vet_everything_listed(void **state)
{
    static const struct {
        const char *listed;
        bool        is_open;
    } rows[] = { { "", false },
                 { "10.0.0.0/8", false },
                 { "fd00::/8", false },
                 { "0.0.0.0/1", false },
                 { "0.0.0.0/0", true },
                 { "::/0", true },
                 { "10.0.0.1,::/0", true } };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_vet vet = { .own = { .n = 0 } };

        CHECK_OK(networks_parse(arena, str_from(rows[i].listed), &vet.allow, &err), &err);
        assert_int_equal(net_vet_is_open(&vet), rows[i].is_open);
    }
}

void test_vet_ports(void **state)
{
    static const uint16_t closed[] = { 0,    22,   25,   53,   110,   389,  445,
                                       3306, 5432, 6379, 6667, 11211, 27017 };
    static const uint16_t open[]   = { 80, 443, 444, 5000, 8080, 8443, 49152, 65535 };

    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        assert_false(net_vet_port(closed[i]));
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_true(net_vet_port(open[i]));
}
