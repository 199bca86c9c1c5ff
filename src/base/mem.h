/* base/mem.h: the memory of the house.
 *
 * There are four lifetimes: static, process, request or job (an arena), scope (a local with AUTO).
 * An arena is a talloc context behind a name of its own: what is made in it dies with it, in reverse
 * order, and what is not memory (files, leases, statements) registers a closer. An arena may be used by
 * one thread at a time; it moves between threads only when the former owner has let go of it.
 *
 * Small allocations cannot fail: out of memory ends the process, and the supervisor starts it again
 * (transactions and resumable uploads make that safe). Sizes that come from outside are bounded by the
 * caller before they get here. All memory comes zeroed. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Runs fn when the variable leaves its scope; fn takes the variable's address. */
#define AUTO(fn) __attribute__((cleanup(fn)))

/* Hands a pointer over: yields its value and leaves null behind, so that an AUTO finds nothing to do. */
#define TAKE(p)                      \
    (__extension__({                 \
        __typeof__(p) taken_ = (p);  \
        (p)                  = NULL; \
        taken_;                      \
    }))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A new arena without parent; null `parent` likewise. A child dies with its parent at the latest. */
struct arena *arena_new(void);
struct arena *arena_new_child(struct arena *parent);

/* The same, with room for `size` bytes that are taken from the system in one go; more is found as usual. */
struct arena *arena_new_pool(size_t size);

/* Ends the arena and nulls the pointer; null is accepted. */
void arena_free(struct arena **arena);

/* Bytes that the arena and its children hold at present; walks them. */
size_t arena_size(const struct arena *arena);

/* Calls fn(context) when the arena dies, before older members of the same arena are released. */
void arena_on_free(struct arena *arena, void (*fn)(void *context), void *context);

void *mem_alloc(struct arena *arena, size_t size);
void *mem_array(struct arena *arena, size_t n, size_t size);

/* Grows or shrinks what came from mem_alloc; new bytes are not zeroed. */
void *mem_resize(struct arena *arena, void *old, size_t size);

char *mem_strdup(struct arena *arena, const char *text);
char *mem_strndup(struct arena *arena, const char *text, size_t size);
char *mem_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mem_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Memory of process lifetime that belongs to no arena: pools, servers, stores. mem_free nulls nothing;
 * the type's own free function does. */
void *mem_new_bytes(size_t size);
void  mem_free(void *p);

#define mem_one(arena, type) ((type *)mem_alloc((arena), sizeof(type)))
#define mem_many(arena, n, type) ((type *)mem_array((arena), (n), sizeof(type)))
#define mem_new(type) ((type *)mem_new_bytes(sizeof(type)))

/* Overwrites secrets in a way that the compiler keeps. */
void mem_wipe(void *p, size_t size);

#endif
