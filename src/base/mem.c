/* base/mem.c: talloc behind the house's names. The one decision here is that running out of memory ends
 * the process: every branch that would handle it elsewhere could never be tested. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

struct closer {
    void (*fn)(void *context);
    void *context;
};

static void *must(void *p, size_t size)
{
    if (p != NULL)
        return p;

    fprintf(stderr, "out of memory asking for %zu bytes\n", size);
    abort();
}

struct arena *arena_new(void)
{
    return must(talloc_new(NULL), 0);
}

struct arena *arena_new_pool(size_t size)
{
    return must(talloc_pool(NULL, size), size);
}

struct arena *arena_new_child(struct arena *parent)
{
    return must(talloc_new(parent), 0);
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;

    talloc_free(*arena);
    *arena = NULL;
}

size_t arena_size(const struct arena *arena)
{
    return talloc_total_size(arena);
}

static int run_closer(struct closer *closer)
{
    closer->fn(closer->context);
    return 0;
}

void arena_on_free(struct arena *arena, void (*fn)(void *context), void *context)
{
    struct closer *closer = mem_one(arena, struct closer);

    closer->fn      = fn;
    closer->context = context;
    talloc_set_destructor(closer, run_closer);
}

void *mem_alloc(struct arena *arena, size_t size)
{
    return must(talloc_zero_size(arena, size), size);
}

void *mem_array(struct arena *arena, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        must(NULL, SIZE_MAX);
    return mem_alloc(arena, total);
}

void *mem_resize(struct arena *arena, void *old, size_t size)
{
    return must(talloc_realloc_size(arena, old, size), size);
}

char *mem_strdup(struct arena *arena, const char *text)
{
    return must(talloc_strdup(arena, text), 0);
}

char *mem_strndup(struct arena *arena, const char *text, size_t size)
{
    char *copy = must(talloc_size(arena, size + 1), size);

    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *mem_vprintf(struct arena *arena, const char *format, va_list args)
{
    return must(talloc_vasprintf(arena, format, args), 0);
}

char *mem_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = mem_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void *mem_new_bytes(size_t size)
{
    return must(calloc(1, size), size);
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe(void *p, size_t size)
{
    explicit_bzero(p, size);
}
