/* codec/address.h: addresses of peers and listeners, and whose word about the client counts.
 *
 * An address is 16 bytes; IPv4 stands in the mapped range of IPv6 (::ffff:0:0/96), so that both compare
 * as one. Values; any thread. */
#ifndef CODEC_ADDRESS_H
#define CODEC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct sockaddr;
struct sockaddr_storage;

enum { ADDRESS_TEXT_MAX = 64 }; /* "[v6%scope]:65535" */

struct address {
    unsigned char bytes[16];
};

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; a port after a colon is cut off where it is clear. */
bool address_parse(struct str text, struct address *out);
void address_from_socket(const struct sockaddr *socket, struct address *out);
void address_print(const struct address *address, char out[ADDRESS_TEXT_MAX]);

/* "127.0.0.1:5000", "[::1]:0", "localhost:5000" to bind to. Names other than localhost are ERR_INVALID. */
int address_parse_listen(struct str text, struct sockaddr_storage *out, size_t *out_size,
                         struct err *err);
/* The other way, of a bound socket. */
void address_print_listen(const struct sockaddr *socket, char out[ADDRESS_TEXT_MAX]);

/* Networks, as "10.0.0.0/8, ::1". */
struct network {
    struct address address;
    unsigned       n_bits;
};

struct networks {
    struct network *networks;
    size_t          n;
};

int  networks_parse(struct arena *arena, struct str text, struct networks *out, struct err *err);
bool networks_have(const struct networks *networks, const struct address *address);

/* The client of a request that a trusted peer passed on: the rightmost address of X-Forwarded-For that
 * is not trusted itself. Where the list ends or stops making sense, the last one that did. */
struct address networks_client(const struct networks *trusted, const struct address *peer,
                               struct str forwarded_for);

#endif
