/* net/vet.h: which addresses and ports something outside may have. Values and tables; any thread.
 *
 * Everything that is not public unicast is refused unless a listed network has it: loopback, private, shared, link-local,
 * multicast, documentation, benchmark and reserved addresses of both families, the unspecified address, and addresses
 * of IPv6 that carry one of IPv4 (6to4, Teredo; NAT64 by what it carries). Addresses at which clouds give out
 * credentials must be listed one by one, as /32 or /128: a wide network does not open them. */
#ifndef NET_VET_H
#define NET_VET_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/address.h"

struct net_vet {
    struct networks allow; /* listed */
    struct networks own;   /* of this node: as if they were not public */
};

/* What an address is that is not public ("loopback"), or null when it is. */
const char *net_vet_kind(const struct address *address);

/* May it be gone to? only_listed: public is not enough (plain HTTP, this registry's own name). */
bool net_vet_address(const struct net_vet *vet, const struct address *address, bool only_listed);

/* Are all addresses listed, so that there is nothing to vet? */
bool net_vet_is_open(const struct net_vet *vet);

/* Ports at which something else than HTTP listens are refused, as browsers do, and those of databases. */
bool net_vet_port(uint16_t port);

#endif
