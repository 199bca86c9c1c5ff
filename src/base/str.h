/* base/str.h: a view of bytes, never owned, passed by value. Whoever makes one sees to it that the
 * bytes outlive it; parsing code cuts views out of a request and allocates nothing. A view need not be
 * terminated and may hold any byte. The null view (p == NULL) means "absent", unlike the empty one. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *p;
    size_t      n;
};

/* A view of a literal; for printing: printf("%.*s", STR_ARGS(s)). */
#define STR(literal) ((struct str){ .p = "" literal, .n = sizeof(literal) - 1 })
#define STR_NULL ((struct str){ .p = NULL, .n = 0 })
#define STR_FMT "%.*s"
#define STR_ARGS(s) (int)(s).n, (s).p

/* A view of a terminated text; of null, the null view. */
struct str str_from(const char *text);

/* A terminated copy in the arena; null for the null view. A NUL inside is copied like any byte. */
char      *str_dup(struct arena *arena, struct str s);
struct str str_copy(struct arena *arena, struct str s);

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
bool str_is(struct str a, const char *text);
bool str_starts(struct str s, struct str head);
bool str_ends(struct str s, struct str tail);
int  str_cmp(struct str a, struct str b); /* by bytes, as memcmp; a prefix comes first */

/* Equality in time that depends on the lengths only. For secrets. */
bool str_eq_secret(struct str a, struct str b);

/* Index of the first or last such byte, or -1. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_find_last(struct str s, char c);

/* A part; from and n are cut to what is there. */
struct str str_sub(struct str s, size_t from, size_t n);
struct str str_from_index(struct str s, size_t from);
struct str str_trim(struct str s); /* blanks and tabs at both ends */

/* Takes the part before the next separator off the front of *rest. Returns false when *rest is the null
 * view; after the last part *rest is the null view. "a,,b" gives "a", "", "b". */
bool str_next(struct str *rest, char separator, struct str *part);

/* Decimal digits only, no sign, no blanks, no overflow of int64. Returns false for anything else. */
bool str_to_int(struct str s, int64_t *out);

#endif
