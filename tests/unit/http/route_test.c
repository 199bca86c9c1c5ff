/* route_test.c: the router's grammar, what it refuses at start, and which of several rows wins. */
#include "http/route.h"

#include <stdio.h>

#include "check.h"

enum row { ROOT, TAGS, MANIFEST_GET, MANIFEST_PUT, BLOB, UPLOADS, UPLOAD, REPO, SLASHED, N_ROWS };

/* clang-format off */
static const char rows[N_ROWS];
static const struct http_route routes[] = {
    { HTTP_GET,    "/v2/",                                  HTTP_ROUTE_TRAILING, &rows[ROOT] },
    { HTTP_GET,    "/v2/{name...}/tags/list",               0,                   &rows[TAGS] },
    { HTTP_GET,    "/v2/{name...}/manifests/{ref}",         0,                   &rows[MANIFEST_GET] },
    { HTTP_PUT,    "/v2/{name...}/manifests/{ref}",         0,                   &rows[MANIFEST_PUT] },
    { HTTP_GET,    "/v2/{name...}/blobs/{digest}",          0,                   &rows[BLOB] },
    { HTTP_POST,   "/v2/{name...}/blobs/uploads/",          HTTP_ROUTE_TRAILING, &rows[UPLOADS] },
    { HTTP_PATCH,  "/v2/{name...}/blobs/uploads/{id}",      0,                   &rows[UPLOAD] },
    { HTTP_GET,    "/api/v0/repositories/{ns}/{repo}",      0,                   &rows[REPO] },
    { HTTP_DELETE, "/api/v0/repositories/{ns}/{repo}/tags/{tag}", HTTP_ROUTE_SLASH, &rows[SLASHED] },
};
/* clang-format on */

struct fixture {
    struct arena       *arena;
    struct http_router *router;
    struct http_match   match;
    struct err          err;
};

int route_test_setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);

    f->arena = arena_new();
    *state   = f;
    if (http_router_new(routes, ARRAY_LEN(routes), &f->router, &f->err) == 0)
        return 0;
    print_error("%s\n", f->err.text);
    return -1;
}

int route_test_teardown(void **state)
{
    struct fixture *f = *state;

    http_router_free(&f->router);
    arena_free(&f->arena);
    mem_free(f);
    return 0;
}

static int find(struct fixture *f, enum http_method method, const char *path)
{
    return http_router_find(f->router, f->arena, method, str_from(path), &f->match, &f->err);
}

static void check_row(struct fixture *f, enum http_method method, const char *path, enum row row)
{
    if (find(f, method, path) != 1)
        fail_msg("%s %s is not found", http_method_name(method), path);
    assert_int_equal((const char *)f->match.row - rows, row);
}

static void check_hole(struct fixture *f, const char *name, const char *wanted)
{
    CHECK_STR(http_match_hole(&f->match, name), wanted);
}

void test_literals_and_holes(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_GET, "/v2/a/app/manifests/v1", MANIFEST_GET);
    check_hole(f, "name", "a/app");
    check_hole(f, "ref", "v1");
    assert_null(http_match_hole(&f->match, "digest").p);
    check_row(f, HTTP_GET, "/v2/a/tags/list", TAGS);
    check_hole(f, "name", "a");
    check_row(f, HTTP_GET, "/api/v0/repositories/a/b", REPO);
    check_hole(f, "ns", "a");
    check_hole(f, "repo", "b");
}

void test_many_segments_in_one_hole(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_GET, "/v2/a/b/c/d/e/f/blobs/sha256:00", BLOB);
    check_hole(f, "name", "a/b/c/d/e/f");
}

void test_hole_of_several_takes_at_least_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(find(f, HTTP_GET, "/v2/manifests/v1"), 0);
    assert_int_equal(f->match.allowed, 0);
}

void test_the_rightmost_literal_wins(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_GET, "/v2/a/manifests/b/blobs/x", BLOB);
    check_hole(f, "name", "a/manifests/b");
    check_row(f, HTTP_GET, "/v2/a/blobs/b/manifests/x", MANIFEST_GET);
    check_hole(f, "name", "a/blobs/b");
    check_row(f, HTTP_GET, "/v2/blobs/manifests/tags/list", TAGS);
    check_hole(f, "name", "blobs/manifests");
    check_row(f, HTTP_PATCH, "/v2/a/blobs/uploads/blobs/uploads/x", UPLOAD);
    check_hole(f, "name", "a/blobs/uploads");
}

void test_methods(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_PUT, "/v2/a/manifests/v1", MANIFEST_PUT);
    check_row(f, HTTP_HEAD, "/v2/a/manifests/v1", MANIFEST_GET);
    assert_int_equal(find(f, HTTP_DELETE, "/v2/a/manifests/v1"), 0);
    assert_int_equal(f->match.allowed, HTTP_GET | HTTP_HEAD | HTTP_PUT);
    assert_int_equal(find(f, HTTP_GET, "/v1/x"), 0);
    assert_int_equal(f->match.allowed, 0);
}

void test_head_has_a_row_of_its_own(void **state)
{
    struct fixture         *f     = *state;
    const struct http_route own[] = {
        { HTTP_GET, "/x/{a}", 0, &rows[0] },
        { HTTP_HEAD, "/x/{a}", 0, &rows[1] },
    };
    struct http_router *router = NULL;

    CHECK_OK(http_router_new(own, ARRAY_LEN(own), &router, &f->err), &f->err);
    assert_int_equal(http_router_find(router, f->arena, HTTP_HEAD, STR("/x/1"), &f->match, &f->err),
                     1);
    assert_ptr_equal(f->match.row, &rows[1]);
    http_router_free(&router);
}

void test_a_trailing_slash_is_another_path(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_GET, "/v2/", ROOT);
    check_row(f, HTTP_GET, "/v2", ROOT);
    check_row(f, HTTP_POST, "/v2/a/blobs/uploads/", UPLOADS);
    check_row(f, HTTP_POST, "/v2/a/blobs/uploads", UPLOADS);
    assert_int_equal(find(f, HTTP_GET, "/v2/a/tags/list/"), 0);
    assert_int_equal(find(f, HTTP_GET, "/v2/a/manifests/v1/"), 0);
}

void test_segments_are_decoded_once(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_GET, "/v2/a%2dpp/b/m%61nifests/v%31", MANIFEST_GET);
    check_hole(f, "name", "a-pp/b");
    check_hole(f, "ref", "v1");
    check_row(f, HTTP_GET, "/v2/a/manifests/%252e", MANIFEST_GET);
    check_hole(f, "ref", "%2e");
    check_row(f, HTTP_GET, "/v2/a/manifests/a+b", MANIFEST_GET);
    check_hole(f, "ref", "a+b");
}

void test_paths_that_no_row_may_see(void **state)
{
    static const char *const bad[] = {
        "",
        "v2",
        "//",
        "/v2//tags/list",
        "/v2/a//tags/list",
        "//v2/a/tags/list",
        "/v2/a/tags/list//",
        "/v2/./tags/list",
        "/v2/../tags/list",
        "/v2/a/../tags/list",
        "/v2/a/%2e%2e/tags/list",
        "/v2/%2e/tags/list",
        "/v2/a%00/tags/list",
        "/v2/a%/tags/list",
        "/v2/a%2/tags/list",
        "/v2/a%zz/tags/list",
        "/v2/a%2fb/tags/list",
        "/v2/a/manifests/..%2f..%2fetc%2fpasswd",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        print_message("%s\n", bad[i]);
        CHECK_FAILS(find(f, HTTP_GET, bad[i]), &f->err, ERR_INVALID);
    }
}

void test_a_raw_nul(void **state)
{
    struct fixture *f = *state;

    CHECK_FAILS(http_router_find(f->router, f->arena, HTTP_GET, STR("/v2/a/blobs/b\0"), &f->match,
                                 &f->err),
                &f->err, ERR_INVALID);
}

void test_an_escaped_slash_where_the_row_allows_it(void **state)
{
    struct fixture *f = *state;

    check_row(f, HTTP_DELETE, "/api/v0/repositories/a/b%2Fc/tags/x", SLASHED);
    check_hole(f, "repo", "b/c");
    CHECK_FAILS(find(f, HTTP_DELETE, "/api/v0/repositories/a/b%2F..%2Fc/tags/x"), &f->err,
                ERR_INVALID);
    CHECK_FAILS(find(f, HTTP_DELETE, "/api/v0/repositories/a/%2Fc/tags/x"), &f->err, ERR_INVALID);
    CHECK_FAILS(find(f, HTTP_DELETE, "/api/v0/repositories/a/b%2F/tags/x"), &f->err, ERR_INVALID);
    CHECK_FAILS(find(f, HTTP_GET, "/api/v0/repositories/a/b%2Fc"), &f->err, ERR_INVALID);
}

void test_a_path_of_too_many_segments(void **state)
{
    struct fixture *f = *state;
    char            path[2048];
    size_t          n = 0;

    n += (size_t)snprintf(path, sizeof(path), "/v2");
    for (int i = 0; i < 300; i++)
        n += (size_t)snprintf(path + n, sizeof(path) - n, "/a");
    snprintf(path + n, sizeof(path) - n, "/tags/list");
    CHECK_FAILS(find(f, HTTP_GET, path), &f->err, ERR_INVALID);
}

void test_tables_that_are_refused(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        unsigned    flags;
    } bad[] = {
        { "/a/{x}", "/a/{y}", 0 },
        { "/a/b", "/a/b", 0 },
        { "/v/{x...}/b", "/v/{x}/{y}/b", 0 },
        { "/v/{x...}/b/{c}", "/v/{y...}/b/{d}", 0 },
        { "/{x...}", "/{a}/{b}", 0 },
        { "/a/", "/a", HTTP_ROUTE_TRAILING },
        { "/a/{x...}/{y}/z", "/b", 0 }, /* a literal must follow the long hole */
        { "/a/{x...}/b/{y...}", "/b", 0 },
        { "/a/{x}/{x}", "/b", 0 },
        { "/a/{}", "/b", 0 },
        { "/a/x{y}", "/b", 0 },
        { "a/b", "/b", 0 },
        { "", "/b", 0 },
        { "/a//b", "/b", 0 },
        { "/{a}/{b}/{c}/{d}/{e}/{f}/{g}", "/b", 0 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct http_route pair[] = {
            { HTTP_GET, bad[i].a, bad[i].flags, &rows[0] },
            { HTTP_GET, bad[i].b, 0, &rows[1] },
        };
        struct http_router *router = NULL;

        print_message("%s %s\n", bad[i].a, bad[i].b);
        CHECK_FAILS(http_router_new(pair, 2, &router, &f->err), &f->err, ERR_INVALID);
        assert_null(router);
    }
}

void test_tables_that_only_look_ambiguous(void **state)
{
    static const struct http_route fine[] = {
        { HTTP_GET, "/v/{x...}/a/{y}", 0, &rows[0] },
        { HTTP_GET, "/v/{x...}/b/{y}", 0, &rows[1] },
        { HTTP_PUT, "/v/{x...}/b/{y}", 0, &rows[2] },
        { HTTP_GET, "/v/{x...}/b/c", 0, &rows[3] },
        { HTTP_GET, "/a/", 0, &rows[4] },
        { HTTP_GET, "/a", 0, &rows[5] },
        { HTTP_GET, "/", 0, &rows[6] },
    };
    struct fixture     *f      = *state;
    struct http_router *router = NULL;

    CHECK_OK(http_router_new(fine, ARRAY_LEN(fine), &router, &f->err), &f->err);
    assert_int_equal(http_router_find(router, f->arena, HTTP_GET, STR("/v/1/b/c"), &f->match,
                                      &f->err),
                     1);
    assert_ptr_equal(f->match.row, &rows[3]);
    assert_int_equal(http_router_find(router, f->arena, HTTP_GET, STR("/"), &f->match, &f->err), 1);
    assert_ptr_equal(f->match.row, &rows[6]);
    http_router_free(&router);
}

void test_nothing_is_allocated_without_escapes(void **state)
{
    struct fixture *f      = *state;
    size_t          before = arena_size(f->arena);

    check_row(f, HTTP_GET, "/v2/a/b/c/manifests/v1", MANIFEST_GET);
    assert_int_equal(arena_size(f->arena), before);
}

/* Deep names in paths of the management API. */

enum deep { REPOSITORY, ITS_TAGS, ITS_TAG, PROMOTION, N_DEEP };

/* clang-format off */
static const char deep_rows[N_DEEP];
static const struct http_route deep_routes[] = {
    { HTTP_GET, "/r/{ns}/{name...}",                     HTTP_ROUTE_SLASH, &deep_rows[REPOSITORY] },
    { HTTP_GET, "/r/{ns}/{name...}/tags",                HTTP_ROUTE_SLASH, &deep_rows[ITS_TAGS] },
    { HTTP_GET, "/r/{ns}/{name...}/tags/{tag}",          HTTP_ROUTE_SLASH, &deep_rows[ITS_TAG] },
    { HTTP_PUT, "/r/{ns}/{name...}/tags/{tag}/promote",  HTTP_ROUTE_SLASH, &deep_rows[PROMOTION] },
    { HTTP_GET, "/r/all/of/them",                        0,                &deep_rows[PROMOTION] },
};
/* clang-format on */

void test_every_reading_of_a_path_is_found(void **state)
{
    struct fixture                            *f      = *state;
    AUTO(http_router_free) struct http_router *router = NULL;
    struct http_match                          found[4];
    size_t                                     n;

    CHECK_OK(http_router_new(deep_routes, ARRAY_LEN(deep_routes), &router, &f->err), &f->err);

    assert_int_equal(http_router_find_all(router, f->arena, HTTP_GET, STR("/r/a/b/tags/c"), found,
                                          4, &n, &f->err),
                     1);
    assert_int_equal(n, 2);
    assert_ptr_equal(found[0].row, &deep_rows[REPOSITORY]);
    CHECK_STR(http_match_hole(&found[0], "name"), "b/tags/c");
    assert_ptr_equal(found[1].row, &deep_rows[ITS_TAG]);
    CHECK_STR(http_match_hole(&found[1], "name"), "b");
    CHECK_STR(http_match_hole(&found[1], "tag"), "c");

    assert_int_equal(http_router_find_all(router, f->arena, HTTP_GET, STR("/r/a/b%2Fc/tags"), found,
                                          4, &n, &f->err),
                     1);
    assert_int_equal(n, 2);
    CHECK_STR(http_match_hole(&found[0], "name"), "b/c/tags");
    CHECK_STR(http_match_hole(&found[1], "name"), "b/c");
}

void test_what_is_plain_has_one_reading(void **state)
{
    struct fixture                            *f      = *state;
    AUTO(http_router_free) struct http_router *router = NULL;
    struct http_match                          found[4];
    size_t                                     n;

    CHECK_OK(http_router_new(deep_routes, ARRAY_LEN(deep_routes), &router, &f->err), &f->err);

    assert_int_equal(http_router_find_all(router, f->arena, HTTP_GET, STR("/r/all/of/them"), found,
                                          4, &n, &f->err),
                     1);
    assert_int_equal(n, 1);
    assert_ptr_equal(found[0].row, &deep_rows[PROMOTION]);

    assert_int_equal(http_router_find_all(router, f->arena, HTTP_PUT, STR("/r/a/b/tags"), found, 4,
                                          &n, &f->err),
                     0);
    assert_int_equal(found[0].allowed, HTTP_GET | HTTP_HEAD);
}
