/* http/block.h: the 256 KiB blocks that carry streamed bodies from the event threads to the workers.
 *
 * There are at most so many of them, so that uploads cannot eat the memory. Who finds none waits in a
 * line and is handed the next one that is given back. Blocks are pages of their own: what is not needed
 * for a while goes back to the system. Any thread. */
#ifndef HTTP_BLOCK_H
#define HTTP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct http_blocks;

enum { HTTP_BLOCK_SIZE = 256 * 1024 };

struct http_block {
    char               bytes[HTTP_BLOCK_SIZE]; /* first, so that they begin with a page */
    size_t             n;                      /* in use */
    struct http_block *next;
};

/* Part of what waits. `granted` comes once for each wait, outside the pool's lock: at once, or in the thread
 * that gave a block back; with null when the pool is stopped. */
struct http_block_waiter {
    struct http_block_waiter *next;
    void (*granted)(struct http_block_waiter *waiter, struct http_block *block);
};

struct http_blocks *http_blocks_new(size_t n_max);
void                http_blocks_free(struct http_blocks **blocks);

/* An empty block, or null. */
struct http_block *http_blocks_take(struct http_blocks *blocks);
void               http_blocks_wait(struct http_blocks *blocks, struct http_block_waiter *waiter);
void               http_blocks_give(struct http_blocks *blocks, struct http_block *block);

/* Does anybody stand in line? A guess that needs no lock. */
bool http_blocks_are_wanted(struct http_blocks *blocks);

/* Each second: pages that nobody needed since the last call go back to the system. */
void http_blocks_trim(struct http_blocks *blocks);

/* Nobody waits from now on; those who do get null. */
void http_blocks_stop(struct http_blocks *blocks);

size_t http_blocks_lent(struct http_blocks *blocks);

#endif
