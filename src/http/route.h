/* http/route.h: finds the row of a table for a method and a path.
 *
 * A pattern is a path whose segments are literals or holes:
 *     /v2/{name...}/blobs/uploads/{id}
 * `{x}` takes exactly one segment, `{x...}` one or more (at most one such hole a pattern, and a literal
 * must follow it unless it ends the pattern). The path is split on `/` raw, and each segment is decoded
 * once; an empty segment, `.` or `..`, a bad escape or %00 matches nothing (ERR_INVALID). `%2F` inside a
 * segment is ERR_INVALID too unless the row says HTTP_ROUTE_SLASH. A trailing slash is another path
 * unless the row says HTTP_ROUTE_TRAILING. Where several patterns fit, the one whose literals stand
 * furthest right wins ("a/manifests/b/blobs/x" is a blob of "a/manifests/b"); at start the router refuses
 * tables in which two rows are the same or fit the same paths equally well.
 * Built once, read only, any thread. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stddef.h>

#include "base/str.h"
#include "http/request.h"

struct arena;
struct err;
struct http_router;

enum http_route_flags { HTTP_ROUTE_SLASH = 1, HTTP_ROUTE_TRAILING = 2 };

struct http_route {
    enum http_method method;
    const char      *pattern;
    unsigned         flags;
    const void      *row; /* the owner's row, given back by a match */
};

enum { HTTP_HOLES_MAX = 6 };

struct http_match {
    const void *row;
    size_t      n_holes;
    const char *names[HTTP_HOLES_MAX];
    struct str  values[HTTP_HOLES_MAX]; /* decoded, in the arena or in the path itself */
    unsigned    allowed; /* when the path is known but not with this method: the methods that are */
};

int  http_router_new(const struct http_route *routes, size_t n, struct http_router **out,
                     struct err *err);
void http_router_free(struct http_router **router);

/* 1 found; 0 no row (match->allowed is non-zero when another method has one); -1 ERR_INVALID. HEAD finds
 * the GET row when it has none of its own. */
int http_router_find(const struct http_router *router, struct arena *arena, enum http_method method,
                     struct str path, struct http_match *out, struct err *err);

/* Every row that fits, for paths whose meaning depends on what exists: those whose long hole takes more
 * segments come first. When the row that http_router_find would choose has no such hole, only that one. At
 * most max rows; *out_n says how many, and without any the first match holds what is allowed. Returns as
 * http_router_find does. */
int http_router_find_all(const struct http_router *router, struct arena *arena,
                         enum http_method method, struct str path, struct http_match *out,
                         size_t max, size_t *out_n, struct err *err);

struct str http_match_hole(const struct http_match *match,
                           const char              *name); /* null view: no such hole */

#endif
