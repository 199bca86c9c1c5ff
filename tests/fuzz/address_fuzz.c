/* address_fuzz.c: addresses of peers and listeners, lists of networks, and X-Forwarded-For. The input is cut
 * at its line feeds: a list of networks, an address, a header.
 *
 * Accepted addresses print as text that reads the same; a network has exactly the addresses that agree with
 * it bit by bit; the settings and the server agree on what a network and a listener look like; and what a
 * header says is believed only as far as trusted hands passed it on. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/address.h"
#include "conf/conf_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool check_address(struct str text, struct address *out)
{
    char           printed[ADDRESS_TEXT_MAX];
    struct address again;

    if (!address_parse(text, out))
        return false;
    address_print(out, printed);
    ASSERT(address_parse(str_from(printed), &again) && is_same(&again, out));
    return true;
}

static bool agrees(const struct network *network, const struct address *address)
{
    for (unsigned i = 0; i < network->n_bits; i++) {
        unsigned mask = 0x80u >> i % 8;

        if ((network->address.bytes[i / 8] & mask) != (address->bytes[i / 8] & mask))
            return false;
    }
    return true;
}

static void check_networks(const struct networks *networks, const struct address *address)
{
    bool is_within = false;

    for (size_t i = 0; i < networks->n; i++) {
        ASSERT(networks->networks[i].n_bits <= 128);
        is_within |= agrees(&networks->networks[i], address);
    }
    ASSERT(networks_have(networks, address) == is_within);
}

/* The settings check one item, the server reads the list: a node must not start with what it cannot use,
 * nor refuse what it could. */
static void check_settings(struct arena *arena, struct str item)
{
    struct networks         networks;
    struct sockaddr_storage socket;
    char                    printed[ADDRESS_TEXT_MAX];
    size_t                  size;
    struct err              err;

    if (item.n == 0 || str_find(item, '\0') >= 0 || str_find(item, ',') >= 0 ||
        str_trim(item).n != item.n)
        return;
    ASSERT(conf_form_network(item) == (networks_parse(arena, item, &networks, &err) == 0));
    bool is_listen = address_parse_listen(item, &socket, &size, &err) == 0;
    ASSERT(conf_form_listen(item) == is_listen);
    if (is_listen) {
        address_print_listen((const struct sockaddr *)&socket, printed);
        ASSERT(conf_form_listen(str_from(printed)));
    }
}

static void check_client(const struct networks *trusted, const struct address *peer,
                         struct str header)
{
    struct address client       = networks_client(trusted, peer, header);
    bool           is_in_header = false;
    struct str     part;

    if (!networks_have(trusted, peer))
        ASSERT(is_same(&client, peer));
    for (struct str rest = header; str_next(&rest, ',', &part);) {
        struct address address;

        is_in_header |= address_parse(str_trim(part), &address) && is_same(&address, &client);
    }
    ASSERT(is_in_header || is_same(&client, peer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct networks                networks = { .n = 0 };
    struct address                 peer     = { .bytes = { 0 } };
    struct str                     rest     = { .p = (const char *)data, .n = size };
    struct str                     list, address;
    struct err                     err;

    if (size == 0 || size > 1000)
        return 0;
    str_next(&rest, '\n', &list);
    check_settings(arena, list);
    bool has_networks = networks_parse(arena, list, &networks, &err) == 0;
    if (!str_next(&rest, '\n', &address) || !check_address(address, &peer) || !has_networks)
        return 0;
    check_networks(&networks, &peer);
    check_client(&networks, &peer, rest.p == NULL ? STR("") : rest);
    return 0;
}
