/* http/peers.h: how many connections each peer has. An IPv6 peer is its /64, which is what one house
 * gets. Any thread. */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include <stddef.h>

struct address;
struct http_peers;

struct http_peers *http_peers_new(void);
void               http_peers_free(struct http_peers **peers);

void   http_peers_add(struct http_peers *peers, const struct address *address);
void   http_peers_remove(struct http_peers *peers, const struct address *address);
size_t http_peers_count(struct http_peers *peers, const struct address *address);

#endif
