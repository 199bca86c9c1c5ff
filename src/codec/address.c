/* codec/address.c: inet_pton does the reading; what is ours is the mapping, the prefix compare and the
 * walk through X-Forwarded-For from the right. */
#include "codec/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void from_v4(const void *bytes, struct address *out)
{
    memcpy(out->bytes, mapped, sizeof(mapped));
    memcpy(out->bytes + sizeof(mapped), bytes, 4);
}

static bool is_v4(const struct address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static bool parse_bare(struct str text, struct address *out)
{
    char          copy[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (text.n == 0 || text.n >= sizeof(copy) || str_find(text, '\0') >= 0)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';

    if (inet_pton(AF_INET, copy, bytes) == 1) {
        from_v4(bytes, out);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    memcpy(out->bytes, bytes, sizeof(out->bytes));
    return true;
}

bool address_parse(struct str text, struct address *out)
{
    ptrdiff_t colon = str_find(text, ':');

    if (text.n > 0 && text.p[0] == '[') {
        ptrdiff_t end = str_find(text, ']');

        return end > 0 && parse_bare(str_sub(text, 1, (size_t)end - 1), out);
    }
    if (colon >= 0 && colon == str_find_last(text, ':'))
        return parse_bare(str_sub(text, 0, (size_t)colon), out);
    return parse_bare(text, out);
}

void address_from_socket(const struct sockaddr *socket, struct address *out)
{
    *out = (struct address){ .bytes = { 0 } };
    if (socket->sa_family == AF_INET)
        from_v4(&((const struct sockaddr_in *)(const void *)socket)->sin_addr, out);
    else if (socket->sa_family == AF_INET6)
        memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, 16);
}

void address_print(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
    out[0] = '\0';
    if (is_v4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(mapped), out, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_MAX);
}

/* Of a port or a prefix: as the settings have it, at most five digits (conf/form.c). */
static bool parse_number(struct str text, int64_t max, int64_t *out)
{
    return text.n <= 5 && str_to_int(text, out) && *out <= max;
}

/* Listeners */

static int fill_v4(struct str host, uint16_t port, struct sockaddr_storage *out, size_t *out_size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    char                copy[INET_ADDRSTRLEN];

    if (str_eq(host, STR("localhost")))
        host = STR("127.0.0.1");
    if (host.n >= sizeof(copy))
        return -1;
    memcpy(copy, host.p, host.n);
    copy[host.n] = '\0';

    *v4       = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    *out_size = sizeof(*v4);
    return inet_pton(AF_INET, copy, &v4->sin_addr) == 1 ? 0 : -1;
}

static int fill_v6(struct str host, uint16_t port, struct sockaddr_storage *out, size_t *out_size)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    char                 copy[INET6_ADDRSTRLEN];

    if (host.n < 2 || host.p[host.n - 1] != ']' || host.n - 2 >= sizeof(copy))
        return -1;
    memcpy(copy, host.p + 1, host.n - 2);
    copy[host.n - 2] = '\0';

    *v6       = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
    *out_size = sizeof(*v6);
    return inet_pton(AF_INET6, copy, &v6->sin6_addr) == 1 ? 0 : -1;
}

int address_parse_listen(struct str text, struct sockaddr_storage *out, size_t *out_size,
                         struct err *err)
{
    ptrdiff_t               colon  = str_find_last(text, ':');
    int64_t                 port   = -1;
    int                     result = -1;
    struct sockaddr_storage socket = { .ss_family = AF_UNSPEC };
    size_t                  size   = 0;

    if (colon > 0 && parse_number(str_from_index(text, (size_t)colon + 1), 65535, &port)) {
        struct str host = str_sub(text, 0, (size_t)colon);

        result = host.p[0] == '[' ? fill_v6(host, (uint16_t)port, &socket, &size)
                                  : fill_v4(host, (uint16_t)port, &socket, &size);
    }
    if (result < 0)
        return err_set(err, ERR_INVALID,
                       "'" STR_FMT "' is no address to listen on: ADDRESS:PORT, [ADDRESS]:PORT or "
                       "localhost:PORT",
                       STR_ARGS(text));
    *out      = socket;
    *out_size = size;
    return 0;
}

void address_print_listen(const struct sockaddr *socket, char out[ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";

    if (socket->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)socket;

        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)socket;

        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(v4->sin_port));
    }
}

/* Networks */

static int parse_network(struct str text, struct network *out, struct err *err)
{
    ptrdiff_t slash  = str_find(text, '/');
    int64_t   n_bits = -1;
    unsigned  n_max;

    if (!parse_bare(slash < 0 ? text : str_sub(text, 0, (size_t)slash), &out->address))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no network", STR_ARGS(text));

    n_max = is_v4(&out->address) && str_find(text, ':') < 0 ? 32 : 128;
    if (slash < 0)
        n_bits = n_max;
    else if (!parse_number(str_from_index(text, (size_t)slash + 1), n_max, &n_bits))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' has no prefix of 0 to %u bits",
                       STR_ARGS(text), n_max);
    out->n_bits = (unsigned)n_bits + (128 - n_max);
    return 0;
}

int networks_parse(struct arena *arena, struct str text, struct networks *out, struct err *err)
{
    struct networks networks = { .n = 0 };
    struct str      rest     = text;
    struct str      part;
    size_t          n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',';
    networks.networks = mem_many(arena, n, struct network);

    while (text.n > 0 && str_next(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.n == 0)
            continue;
        if (parse_network(part, &networks.networks[networks.n++], err) < 0)
            return -1;
    }
    *out = networks;
    return 0;
}

static bool is_within(const struct network *network, const struct address *address)
{
    size_t   n_bytes = network->n_bits / 8;
    unsigned n_rest  = network->n_bits % 8;

    if (memcmp(network->address.bytes, address->bytes, n_bytes) != 0)
        return false;
    if (n_rest == 0)
        return true;

    unsigned difference = network->address.bytes[n_bytes] ^ address->bytes[n_bytes];
    return difference >> (8 - n_rest) == 0;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->n; i++) {
        if (is_within(&networks->networks[i], address))
            return true;
    }
    return false;
}

struct address networks_client(const struct networks *trusted, const struct address *peer,
                               struct str forwarded_for)
{
    struct address client = *peer;
    struct str     rest   = forwarded_for;

    while (rest.n > 0 && networks_have(trusted, &client)) {
        ptrdiff_t      comma = str_find_last(rest, ',');
        struct str     last  = str_from_index(rest, comma < 0 ? 0 : (size_t)comma + 1);
        struct address next;

        if (!address_parse(str_trim(last), &next))
            break;
        client = next;
        rest   = comma < 0 ? STR("") : str_sub(rest, 0, (size_t)comma);
    }
    return client;
}
