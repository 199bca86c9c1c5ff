/* net/vet.c: the tables come from IANA's registries of special-purpose addresses (RFC 6890 and what followed it), the ports
 * from the list that browsers share (fetch.spec.whatwg.org, "bad port") and the databases beside which registries
 * run. */
#include "net/vet.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"

struct special {
    const char *network;
    const char *kind;
    bool        is_metadata; /* must be listed by itself */
};

/* The first that has an address says what it is. */
/* clang-format off */
static const struct special specials[] = {
    { "169.254.169.254/32",  "metadata", true },
    { "169.254.170.2/32",    "metadata", true },
    { "169.254.170.23/32",   "metadata", true },
    { "100.100.100.200/32",  "metadata", true },
    { "168.63.129.16/32",    "metadata", true },
    { "192.0.0.192/32",      "metadata", true },
    { "fd00:ec2::254/128",   "metadata", true },
    { "fd00:ec2::23/128",    "metadata", true },
    { "fd20:ce::254/128",    "metadata", true },

    { "0.0.0.0/8",           "unspecified" },
    { "10.0.0.0/8",          "private" },
    { "100.64.0.0/10",       "shared" },
    { "127.0.0.0/8",         "loopback" },
    { "169.254.0.0/16",      "link-local" },
    { "172.16.0.0/12",       "private" },
    { "192.0.0.0/24",        "reserved" },
    { "192.0.2.0/24",        "documentation" },
    { "192.31.196.0/24",     "reserved" },
    { "192.52.193.0/24",     "reserved" },
    { "192.88.99.0/24",      "reserved" },
    { "192.168.0.0/16",      "private" },
    { "192.175.48.0/24",     "reserved" },
    { "198.18.0.0/15",       "benchmark" },
    { "198.51.100.0/24",     "documentation" },
    { "203.0.113.0/24",      "documentation" },
    { "224.0.0.0/4",         "multicast" },
    { "240.0.0.0/4",         "reserved" },
    { "::ffff:0:0/96",       NULL }, /* the rest of IPv4 */

    { "::1/128",             "loopback" },
    { "::/128",              "unspecified" },
    { "fe80::/10",           "link-local" },
    { "fc00::/7",            "private" },
    { "ff00::/8",            "multicast" },
    { "2001::/23",           "reserved" },
    { "2001:db8::/32",       "documentation" },
    { "2002::/16",           "reserved" },
    { "2620:4f:8000::/48",   "reserved" },
    { "3fff::/20",           "documentation" },
    { "2000::/3",            NULL }, /* the rest is what is given out */
    { "::/0",                "reserved" },
};

static const uint16_t ports[] = {
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2181, 3306, 3389, 3659,
    4045, 4190, 5060, 5061, 5432, 5672, 5900, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 10080,
    11211, 27017,
};
/* clang-format on */

static struct network networks[ARRAY_LEN(specials)];
static struct network nat64;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct network network_of(struct arena *arena, const char *text)
{
    struct networks list = { .n = 0 };
    struct err      err;

    ASSERT(networks_parse(arena, str_from(text), &list, &err) == 0 && list.n == 1);
    return list.networks[0];
}

static void read_tables(void)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(specials); i++)
        networks[i] = network_of(arena, specials[i].network);
    nat64 = network_of(arena, "64:ff9b::/96");
}

static bool is_in(struct network *network, const struct address *address)
{
    struct networks one = { .networks = network, .n = 1 };

    return networks_have(&one, address);
}

/* Where NAT64 (RFC 6052) leads to. */
static struct address carried(const struct address *address)
{
    struct address out = { .bytes = { [10] = 0xff, [11] = 0xff } };

    memcpy(out.bytes + 12, address->bytes + 12, 4);
    return out;
}

static const struct special *find_special(const struct address *address)
{
    pthread_once(&once, read_tables);
    struct address target = is_in(&nat64, address) ? carried(address) : *address;

    for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
        if (is_in(&networks[i], &target))
            return &specials[i];
    }
    ASSERT_NEVER("the last row has every address");
}

const char *net_vet_kind(const struct address *address)
{
    return find_special(address)->kind;
}

static bool is_listed(const struct networks *list, const struct address *address, bool by_itself)
{
    for (size_t i = 0; i < list->n; i++) {
        if ((!by_itself || list->networks[i].n_bits == 128) && is_in(&list->networks[i], address))
            return true;
    }
    return false;
}

bool net_vet_address(const struct net_vet *vet, const struct address *address, bool only_listed)
{
    const struct special *special = find_special(address);
    struct address        inner   = carried(address);

    if (is_listed(&vet->allow, address, special->is_metadata) ||
        (is_in(&nat64, address) && is_listed(&vet->allow, &inner, special->is_metadata)))
        return true;
    return !only_listed && special->kind == NULL && !networks_have(&vet->own, address);
}

bool net_vet_is_open(const struct net_vet *vet)
{
    static const struct address one = { .bytes = { [10] = 0xff, [11] = 0xff, [12] = 1 } };
    static const struct address far = { .bytes = { [10] = 0xff, [11] = 0xff, [12] = 0xfe } };

    /* No network but those of all of IPv4 and wider ones has both. */
    for (size_t i = 0; i < vet->allow.n; i++) {
        if (is_in(&vet->allow.networks[i], &one) && is_in(&vet->allow.networks[i], &far))
            return true;
    }
    return false;
}

bool net_vet_port(uint16_t port)
{
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        if (ports[i] == port)
            return false;
    }
    return port != 0;
}
