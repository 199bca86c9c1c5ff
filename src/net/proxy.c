/* net/proxy.c: libcurl has this too, but then only libcurl knows where a request goes. */
#include "net/proxy.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/url.h"

static bool has_address(struct str item, const struct net_url *url)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct networks                list;
    struct err                     ignored; /* then it is a name */

    return networks_parse(arena, item, &list, &ignored) == 0 && networks_have(&list, &url->address);
}

static bool is_at_or_below(struct str domain, struct str host)
{
    if (str_starts(domain, STR(".")))
        domain = str_from_index(domain, 1);
    if (domain.n == 0 || host.n < domain.n)
        return false;
    size_t head = host.n - domain.n;
    return str_eq_nocase(str_from_index(host, head), domain) &&
           (head == 0 || host.p[head - 1] == '.');
}

static bool has(struct str item, const struct net_url *url)
{
    if (item.n == 0)
        return false;
    if (str_is(item, "*"))
        return true;
    return url->is_literal ? has_address(item, url) : is_at_or_below(item, url->host);
}

bool net_proxy_is_bypassed(struct str no_proxy, const struct net_url *url)
{
    struct str rest = no_proxy, part, item;

    while (no_proxy.n > 0 && str_next(&rest, ',', &part)) {
        while (str_next(&part, ' ', &item)) {
            if (has(str_trim(item), url))
                return true;
        }
    }
    return false;
}
