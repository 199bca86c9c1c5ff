/* http/peers.c: chains over a hash that is keyed, because peers choose their addresses. */
#include "http/peers.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/address.h"
#include "io/random.h"

enum { N_CHAINS = 4096 };

struct peer {
    struct peer *next;
    uint64_t     key[2];
    size_t       n;
};

struct http_peers {
    pthread_mutex_t lock;
    uint64_t        secret[4];
    struct peer    *chains[N_CHAINS];
};

struct http_peers *http_peers_new(void)
{
    struct http_peers *peers = mem_new(struct http_peers);

    pthread_mutex_init(&peers->lock, NULL);
    random_bytes(peers->secret, sizeof(peers->secret));
    return peers;
}

void http_peers_free(struct http_peers **peers)
{
    if (*peers == NULL)
        return;

    for (size_t i = 0; i < N_CHAINS; i++) {
        for (struct peer *peer = (*peers)->chains[i], *next; peer != NULL; peer = next) {
            next = peer->next;
            mem_free(peer);
        }
    }
    pthread_mutex_destroy(&(*peers)->lock);
    mem_free(*peers);
    *peers = NULL;
}

static void key_of(const struct address *address, uint64_t key[2])
{
    memcpy(key, address->bytes, sizeof(address->bytes));
    if (key[0] != 0)
        key[1] = 0; /* mapped IPv4 begins with zeros and counts whole; of IPv6 the /64 counts */
}

/* Two multiplications of 64 x 64 bits with secret factors; good enough against chosen keys for chains. */
static struct peer **chain_of(struct http_peers *peers, const uint64_t key[2])
{
    unsigned __int128 a = (unsigned __int128)(key[0] ^ peers->secret[0]) * (peers->secret[1] | 1);
    unsigned __int128 b = (unsigned __int128)(key[1] ^ peers->secret[2]) * (peers->secret[3] | 1);
    uint64_t          hash = (uint64_t)a ^ (uint64_t)(a >> 64) ^ (uint64_t)b ^ (uint64_t)(b >> 64);

    return &peers->chains[(hash ^ hash >> 32) % N_CHAINS];
}

static struct peer **find(struct http_peers *peers, const struct address *address, uint64_t key[2])
{
    key_of(address, key);

    struct peer **at = chain_of(peers, key);
    while (*at != NULL && ((*at)->key[0] != key[0] || (*at)->key[1] != key[1]))
        at = &(*at)->next;
    return at;
}

void http_peers_add(struct http_peers *peers, const struct address *address)
{
    uint64_t key[2];

    pthread_mutex_lock(&peers->lock);
    struct peer **at = find(peers, address, key);
    if (*at == NULL) {
        *at = mem_new(struct peer);
        memcpy((*at)->key, key, sizeof(key));
    }
    (*at)->n++;
    pthread_mutex_unlock(&peers->lock);
}

void http_peers_remove(struct http_peers *peers, const struct address *address)
{
    uint64_t key[2];

    pthread_mutex_lock(&peers->lock);
    struct peer **at   = find(peers, address, key);
    struct peer  *peer = *at;
    ASSERT(peer != NULL && peer->n > 0);
    peer->n--;
    if (peer->n == 0) {
        *at = peer->next;
        mem_free(peer);
    }
    pthread_mutex_unlock(&peers->lock);
}

size_t http_peers_count(struct http_peers *peers, const struct address *address)
{
    uint64_t key[2];

    pthread_mutex_lock(&peers->lock);
    struct peer **at = find(peers, address, key);
    size_t        n  = *at == NULL ? 0 : (*at)->n;
    pthread_mutex_unlock(&peers->lock);
    return n;
}
