/* net/proxy.h: which proxy a request goes through. Pure; any thread. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>

#include "base/str.h"

struct net_url;

/* Is the URL's host in the list? Commas or blanks between: "*", a host, a domain (with or without a dot in front; what
 * lies below it too), an address, a network. */
bool net_proxy_is_bypassed(struct str no_proxy, const struct net_url *url);

#endif
