/* http/block.c: a list of free blocks and a line of waiters, of which one is always empty. */
#include "http/block.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <sys/mman.h>

#include "base/assert.h"
#include "base/mem.h"

struct http_blocks {
    pthread_mutex_t           lock;
    struct http_block        *free;
    size_t                    n_free;
    size_t                    n_free_least; /* since the last trim */
    size_t                    n_lent;
    size_t                    n_max;
    struct http_block_waiter *first;
    struct http_block_waiter *last;
    _Atomic size_t            n_waiting;
    bool                      is_stopping;
};

struct http_blocks *http_blocks_new(size_t n_max)
{
    struct http_blocks *blocks = mem_new(struct http_blocks);

    pthread_mutex_init(&blocks->lock, NULL);
    blocks->n_max = n_max < 2 ? 2 : n_max;
    return blocks;
}

static struct http_block *map_block(void)
{
    struct http_block *block =
        mmap(NULL, sizeof(*block), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ASSERT(block != MAP_FAILED);
    return block;
}

static struct http_block *pop_free(struct http_blocks *blocks)
{
    struct http_block *block = blocks->free;

    if (block == NULL)
        return NULL;
    blocks->free = block->next;
    blocks->n_free--;
    if (blocks->n_free < blocks->n_free_least)
        blocks->n_free_least = blocks->n_free;
    return block;
}

void http_blocks_free(struct http_blocks **blocks)
{
    struct http_block *block;

    if (*blocks == NULL)
        return;

    ASSERT((*blocks)->n_lent == 0);
    while ((block = pop_free(*blocks)) != NULL)
        munmap(block, sizeof(*block));
    pthread_mutex_destroy(&(*blocks)->lock);
    mem_free(*blocks);
    *blocks = NULL;
}

static void stand_in_line(struct http_blocks *blocks, struct http_block_waiter *waiter)
{
    waiter->next = NULL;
    if (blocks->last == NULL)
        blocks->first = waiter;
    else
        blocks->last->next = waiter;
    blocks->last = waiter;
    atomic_fetch_add(&blocks->n_waiting, 1);
}

static struct http_block_waiter *first_in_line(struct http_blocks *blocks)
{
    struct http_block_waiter *waiter = blocks->first;

    if (waiter == NULL)
        return NULL;
    blocks->first = waiter->next;
    if (blocks->first == NULL)
        blocks->last = NULL;
    atomic_fetch_sub(&blocks->n_waiting, 1);
    return waiter;
}

static struct http_block *lend(struct http_blocks *blocks)
{
    if (blocks->n_lent == blocks->n_max)
        return NULL;

    struct http_block *block = pop_free(blocks);
    if (block == NULL)
        block = map_block();
    block->n = 0;
    blocks->n_lent++;
    return block;
}

struct http_block *http_blocks_take(struct http_blocks *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    struct http_block *block = lend(blocks);
    pthread_mutex_unlock(&blocks->lock);
    return block;
}

void http_blocks_wait(struct http_blocks *blocks, struct http_block_waiter *waiter)
{
    pthread_mutex_lock(&blocks->lock);
    struct http_block *block   = lend(blocks);
    bool               must_go = block != NULL || blocks->is_stopping;
    if (!must_go)
        stand_in_line(blocks, waiter);
    pthread_mutex_unlock(&blocks->lock);

    if (must_go)
        waiter->granted(waiter, block);
}

void http_blocks_give(struct http_blocks *blocks, struct http_block *block)
{
    pthread_mutex_lock(&blocks->lock);
    struct http_block_waiter *waiter = first_in_line(blocks);
    if (waiter == NULL) {
        block->next  = blocks->free;
        blocks->free = block;
        blocks->n_free++;
        blocks->n_lent--;
    }
    pthread_mutex_unlock(&blocks->lock);

    if (waiter != NULL) {
        block->n = 0;
        waiter->granted(waiter, block);
    }
}

bool http_blocks_are_wanted(struct http_blocks *blocks)
{
    return atomic_load_explicit(&blocks->n_waiting, memory_order_relaxed) > 0;
}

void http_blocks_trim(struct http_blocks *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    for (size_t n = blocks->n_free_least; n > 0; n--) {
        struct http_block *block = pop_free(blocks);

        munmap(block, sizeof(*block));
    }
    blocks->n_free_least = blocks->n_free;
    pthread_mutex_unlock(&blocks->lock);
}

void http_blocks_stop(struct http_blocks *blocks)
{
    struct http_block_waiter *waiter;

    pthread_mutex_lock(&blocks->lock);
    blocks->is_stopping = true;
    while ((waiter = first_in_line(blocks)) != NULL) {
        pthread_mutex_unlock(&blocks->lock);
        waiter->granted(waiter, NULL);
        pthread_mutex_lock(&blocks->lock);
    }
    pthread_mutex_unlock(&blocks->lock);
}

size_t http_blocks_lent(struct http_blocks *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    size_t n = blocks->n_lent;
    pthread_mutex_unlock(&blocks->lock);
    return n;
}
