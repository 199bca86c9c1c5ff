/* codec/cookie.c: reads one cookie out of many. Other cookies on the same host are none of our business, whatever
 * they look like. */
#include "codec/cookie.h"

int cookie_find(struct str header, const char *name, struct str *out)
{
    struct str found = STR_NULL;
    struct str pair;

    while (str_next(&header, ';', &pair)) {
        ptrdiff_t equals = str_find(pair, '=');

        if (equals < 0 || !str_is(str_trim(str_sub(pair, 0, (size_t)equals)), name))
            continue;

        struct str value = str_trim(str_from_index(pair, (size_t)equals + 1));
        if (found.p != NULL && !str_eq(found, value))
            return 0;
        found = value;
    }
    if (found.p == NULL)
        return 0;
    *out = found;
    return 1;
}
