/* base/str.c: views of bytes. Everything here is total: no input is out of contract. */
#include "base/str.h"

#include <string.h>

#include "base/mem.h"

struct str str_from(const char *text)
{
    if (text == NULL)
        return STR_NULL;
    return (struct str){ .p = text, .n = strlen(text) };
}

char *str_dup(struct arena *arena, struct str s)
{
    return s.p == NULL ? NULL : mem_strndup(arena, s.p, s.n);
}

struct str str_copy(struct arena *arena, struct str s)
{
    return (struct str){ .p = str_dup(arena, s), .n = s.n };
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (to_lower(a.p[i]) != to_lower(b.p[i]))
            return false;
    }
    return true;
}

bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_from(text));
}

bool str_starts(struct str s, struct str head)
{
    return s.n >= head.n && str_eq(str_sub(s, 0, head.n), head);
}

bool str_ends(struct str s, struct str tail)
{
    return s.n >= tail.n && str_eq(str_from_index(s, s.n - tail.n), tail);
}

int str_cmp(struct str a, struct str b)
{
    size_t shared = a.n < b.n ? a.n : b.n;
    int    order  = shared == 0 ? 0 : memcmp(a.p, b.p, shared);

    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_eq_secret(struct str a, struct str b)
{
    unsigned difference = a.n != b.n;
    size_t   shared     = a.n < b.n ? a.n : b.n;

    for (size_t i = 0; i < shared; i++)
        difference |= (unsigned char)(a.p[i] ^ b.p[i]);
    return difference == 0;
}

ptrdiff_t str_find(struct str s, char c)
{
    const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

    return at == NULL ? -1 : at - s.p;
}

ptrdiff_t str_find_last(struct str s, char c)
{
    const char *at = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

    return at == NULL ? -1 : at - s.p;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){ .p = s.p == NULL ? NULL : s.p + from, .n = n };
}

struct str str_from_index(struct str s, size_t from)
{
    return str_sub(s, from, s.n);
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool str_next(struct str *rest, char separator, struct str *part)
{
    if (rest->p == NULL)
        return false;

    ptrdiff_t at = str_find(*rest, separator);
    if (at < 0) {
        *part = *rest;
        *rest = STR_NULL;
        return true;
    }
    *part = str_sub(*rest, 0, (size_t)at);
    *rest = str_from_index(*rest, (size_t)at + 1);
    return true;
}

bool str_to_int(struct str s, int64_t *out)
{
    int64_t value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.p[i] - '0', &value))
            return false;
    }
    *out = value;
    return true;
}
