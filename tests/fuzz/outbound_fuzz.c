/* outbound_fuzz.c: URLs to which something is sent, redirects, and lists of networks and of hosts without a proxy. The input
 * is cut at its line feeds: networks, a URL, a Location, a no-proxy list.
 *
 * What is taken has one spelling: it reads the same when it is read again, its host holds nothing that a parser could stop
 * at, and an address is what the system's own strict reader makes of it. What is not public is refused unless a network
 * has it, whatever else is listed. A redirect obeys the same. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/proxy.h"
#include "net/url.h"
#include "net/vet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const struct net_url *url)
{
    for (size_t i = 0; i < url->host.n; i++) {
        char c = url->host.p[i];

        ASSERT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               strchr(url->is_literal ? ".:" : "-._", c) != NULL);
    }
    unsigned char room[16];
    bool          is_address =
        inet_pton(AF_INET, url->host.p, room) == 1 || inet_pton(AF_INET6, url->host.p, room) == 1;
    ASSERT(url->is_literal == is_address);
    struct in_addr loose; /* what a kind reader would take for an address is one or is refused */
    ASSERT(url->is_literal || inet_aton(url->host.p, &loose) == 0);
}

static bool check_url(struct arena *arena, struct str text, struct net_url *out)
{
    struct net_url again;
    struct err     err;

    if (net_url_parse(arena, text, out, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID && err.text[0] != '\0');
        return false;
    }
    ASSERT(out->host.n > 0 && out->port > 0 && strlen(out->host.p) == out->host.n);
    ASSERT(out->is_plain == str_starts(out->origin, STR("http://")));
    check_host(out);
    ASSERT(net_url_parse(arena, out->text, &again, &err) == 0);
    ASSERT(str_eq(again.text, out->text) && str_eq(again.origin, out->origin) &&
           str_eq(again.host, out->host) && again.port == out->port);
    ASSERT(net_url_parse(arena, out->origin, &again, &err) == 0 &&
           str_eq(again.origin, out->origin));
    return true;
}

static void check_vet(const struct networks *allow, const struct net_url *url)
{
    struct net_vet vet = { .allow = *allow };

    if (!url->is_literal)
        return;
    bool        is_listed = networks_have(allow, &url->address);
    const char *kind      = net_vet_kind(&url->address);
    bool        may       = net_vet_address(&vet, &url->address, false);
    bool        is_nat64  = memcmp(url->address.bytes, "\0\x64\xff\x9b\0\0\0\0\0\0\0", 12) == 0;

    if (!is_listed && !is_nat64)
        ASSERT(may == (kind == NULL) && !net_vet_address(&vet, &url->address, true));
    if (is_listed && (kind == NULL || strcmp(kind, "metadata") != 0))
        ASSERT(may && net_vet_address(&vet, &url->address, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct networks                allow = { .n = 0 };
    struct str                     rest  = { .p = (const char *)data, .n = size };
    struct str                     list, text, location;
    struct net_url                 url, next;
    struct err                     err;

    if (size == 0 || size > 4000)
        return 0;
    str_next(&rest, '\n', &list);
    if (!str_next(&rest, '\n', &text) || !check_url(arena, text, &url))
        return 0;
    if (networks_parse(arena, list, &allow, &err) == 0)
        check_vet(&allow, &url);
    if (!str_next(&rest, '\n', &location))
        return 0;
    if (net_url_join(arena, &url, location, &next, &err) == 0) {
        check_url(arena, next.text, &next);
        check_vet(&allow, &next);
    }
    if (rest.p != NULL)
        (void)net_proxy_is_bypassed(rest, &url);
    return 0;
}
