/* route_fuzz.c: whatever path comes, no hole holds a NUL, an empty part or one of dots; and the path that is
 * put together again from the row and its holes finds the same row with the same holes. */
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const struct http_route routes[] = {
    { HTTP_GET,    "/v2/",                                                HTTP_ROUTE_TRAILING, "/v2/" },
    { HTTP_GET,    "/v2/{name...}/tags/list",                             0, "/v2/{name...}/tags/list" },
    { HTTP_GET,    "/v2/{name...}/manifests/{ref}",                       0, "/v2/{name...}/manifests/{ref}" },
    { HTTP_GET,    "/v2/{name...}/blobs/{digest}",                        0, "/v2/{name...}/blobs/{digest}" },
    { HTTP_GET,    "/v2/{name...}/blobs/uploads/",                        HTTP_ROUTE_TRAILING, "/v2/{name...}/blobs/uploads/" },
    { HTTP_GET,    "/v2/{name...}/blobs/uploads/{id}",                    0, "/v2/{name...}/blobs/uploads/{id}" },
    { HTTP_GET,    "/api/v0/repositories/{ns}/{repo}/tags/{tag}",         HTTP_ROUTE_SLASH, "/api/v0/repositories/{ns}/{repo}/tags/{tag}" },
    { HTTP_GET,    "/ui/{path...}",                                       HTTP_ROUTE_SLASH, "/ui/{path...}" },
};
/* clang-format on */

static const struct http_router *the_router(void)
{
    static struct http_router *router;
    struct err                 err;

    if (router == NULL)
        ASSERT(http_router_new(routes, ARRAY_LEN(routes), &router, &err) == 0);
    return router;
}

static void check_hole(struct str value)
{
    struct str rest = value;
    struct str part;

    ASSERT(value.n > 0 && memchr(value.p, '\0', value.n) == NULL);
    while (str_next(&rest, '/', &part))
        ASSERT(part.n > 0 && !str_is(part, ".") && !str_is(part, ".."));
}

/* The path of the row with these holes; slashes of a hole of several are slashes. */
static struct str print_path(struct arena *arena, const char *pattern,
                             const struct http_match *match)
{
    struct str rest = str_from(pattern);
    struct str part;
    size_t     hole     = 0;
    bool       is_first = true;
    struct buf out;

    buf_init(&out, arena, 1 << 20);
    while (str_next(&rest, '/', &part)) {
        if (!is_first)
            buf_char(&out, '/');
        is_first = false;
        if (part.n == 0 || part.p[0] != '{') {
            buf_str(&out, part);
        } else if (!str_ends(part, STR("...}"))) {
            text_url_encode(&out, match->values[hole++]);
        } else {
            struct str parts = match->values[hole++];
            struct str one;

            while (str_next(&parts, '/', &one)) {
                text_url_encode(&out, one);
                if (parts.p != NULL)
                    buf_char(&out, '/');
            }
        }
    }
    return buf_view(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     path  = { .p = (const char *)data, .n = size };
    struct http_match              match;
    struct http_match              again;
    struct err                     err;

    int found = http_router_find(the_router(), arena, HTTP_GET, path, &match, &err);
    ASSERT(found < 0 ? err.kind == ERR_INVALID : true);
    if (found != 1)
        return 0;

    for (size_t i = 0; i < match.n_holes; i++)
        check_hole(match.values[i]);
    if (size > 256) /* escaped slashes become segments, of which a path has so many at most */
        return 0;

    struct str other = print_path(arena, match.row, &match);
    ASSERT(http_router_find(the_router(), arena, HTTP_GET, other, &again, &err) == 1);
    ASSERT(again.row == match.row && again.n_holes == match.n_holes);
    for (size_t i = 0; i < match.n_holes; i++)
        ASSERT(str_eq(again.values[i], match.values[i]));
    return 0;
}
