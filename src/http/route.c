/* http/route.c: patterns compiled to segment lists, found by comparing segments.
 *
 * A pattern has at most one hole of several segments. So for a path of a given length every segment of a
 * pattern has one place: those before the hole are counted from the left, those after it from the right,
 * and fitting is one pass without backtracking. Rows are tried in order; the first comparison (number of
 * segments, then the last literal) throws nearly all of them out. Nothing is allocated unless a segment
 * has an escape. */
#include "http/route.h"

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

enum {
    SEGMENTS_MAX      = 32, /* of a pattern */
    PATH_SEGMENTS_MAX = 288 /* of a path: a name of 255 bytes has at most 128 */
};

enum segment_kind { LITERAL, ONE, MANY };

struct segment {
    enum segment_kind kind;
    struct str        text; /* the literal, or the hole's name; terminated */
};

struct row {
    struct http_route route;
    size_t            n;       /* segments */
    size_t            n_left;  /* before the hole of several; all when there is none */
    bool              is_long; /* has such a hole */
    bool              ends_in_slash;
    struct segment    segments[SEGMENTS_MAX];
    struct str        last; /* a literal that must stand last; null view: the last one is a hole */
};

struct http_router {
    struct arena *arena;
    struct row   *rows;
    size_t        n;
};

/* A path, split and decoded. */
struct path {
    struct str segments[PATH_SEGMENTS_MAX];
    size_t     n;
    bool       ends_in_slash;
    bool       has_escapes;
    bool       has_slashes; /* an escaped one inside a segment */
};

/* Patterns */

static int parse_hole(struct row *row, struct arena *arena, struct str text, struct segment *out,
                      struct err *err)
{
    struct str name = str_sub(text, 1, text.n - 2);

    out->kind = ONE;
    if (str_ends(name, STR("..."))) {
        if (row->is_long)
            return err_set(err, ERR_INVALID, "%s has two holes of several segments",
                           row->route.pattern);
        out->kind    = MANY;
        row->is_long = true;
        name.n -= 3;
    }
    if (name.n == 0)
        return err_set(err, ERR_INVALID, "%s has a hole without a name", row->route.pattern);
    out->text = str_copy(arena, name);
    return 0;
}

static int parse_segment(struct row *row, struct arena *arena, struct str text, struct err *err)
{
    if (row->n == SEGMENTS_MAX)
        return err_set(err, ERR_INVALID, "%s has too many segments", row->route.pattern);

    struct segment *segment = &row->segments[row->n++];
    if (text.n > 2 && text.p[0] == '{' && text.p[text.n - 1] == '}')
        return parse_hole(row, arena, text, segment, err);
    if (text.n == 0 || str_find(text, '{') >= 0 || str_find(text, '}') >= 0)
        return err_set(err, ERR_INVALID, "%s has a segment that is neither text nor a hole",
                       row->route.pattern);
    *segment = (struct segment){ .kind = LITERAL, .text = str_copy(arena, text) };
    return 0;
}

static bool has_literal_after_long(const struct row *row)
{
    return row->n_left + 1 == row->n || row->segments[row->n_left + 1].kind == LITERAL;
}

static int check_holes(const struct row *row, struct err *err)
{
    size_t n_holes = 0;

    for (size_t i = 0; i < row->n; i++) {
        if (row->segments[i].kind == LITERAL)
            continue;
        n_holes++;
        for (size_t j = 0; j < i; j++) {
            if (row->segments[j].kind != LITERAL &&
                str_eq(row->segments[i].text, row->segments[j].text))
                return err_set(err, ERR_INVALID, "%s has two holes of one name",
                               row->route.pattern);
        }
    }
    if (n_holes > HTTP_HOLES_MAX)
        return err_set(err, ERR_INVALID, "%s has too many holes", row->route.pattern);
    if (row->is_long && !has_literal_after_long(row))
        return err_set(err, ERR_INVALID, "%s needs a literal after the hole of several segments",
                       row->route.pattern);
    return 0;
}

static int parse_pattern(struct row *row, struct arena *arena, const struct http_route *route,
                         struct err *err)
{
    *row = (struct row){ .route = *route };

    struct str rest = str_from(route->pattern);
    if (rest.n == 0 || rest.p[0] != '/')
        return err_set(err, ERR_INVALID, "%s does not begin with a slash", route->pattern);
    rest = str_from_index(rest, 1);
    if (rest.n > 0 && rest.p[rest.n - 1] == '/') {
        row->ends_in_slash = true;
        rest.n--;
    }

    struct str part;
    bool       is_root = rest.n == 0;
    while (!is_root && str_next(&rest, '/', &part)) {
        if (parse_segment(row, arena, part, err) < 0)
            return -1;
    }
    while (row->n_left < row->n && row->segments[row->n_left].kind != MANY)
        row->n_left++;
    if (row->n > 0 && row->segments[row->n - 1].kind == LITERAL)
        row->last = row->segments[row->n - 1].text;
    return check_holes(row, err);
}

/* The segment of a row that stands at place i of a path of n segments; null inside the long hole. */
static const struct segment *segment_at(const struct row *row, size_t n, size_t i)
{
    if (i < row->n_left)
        return &row->segments[i];
    if (!row->is_long)
        return NULL;

    size_t from_right = n - i;
    return from_right < row->n - row->n_left ? &row->segments[row->n - from_right] : NULL;
}

static bool is_literal_at(const struct row *row, size_t n, size_t i)
{
    const struct segment *segment = segment_at(row, n, i);

    return segment != NULL && segment->kind == LITERAL;
}

static bool takes_length(const struct row *row, size_t n)
{
    return row->is_long ? n >= row->n : n == row->n;
}

/* Rank */

/* Positive when a's literals stand further right than b's in a path of n segments. */
static int compare_rank(const struct row *a, const struct row *b, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        int difference = (int)is_literal_at(a, n, i) - (int)is_literal_at(b, n, i);

        if (difference != 0)
            return difference;
    }
    return 0;
}

static bool agree_at_length(const struct row *a, const struct row *b, size_t n)
{
    if (!takes_length(a, n) || !takes_length(b, n) || compare_rank(a, b, n) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_literal_at(a, n, i) && !str_eq(segment_at(a, n, i)->text, segment_at(b, n, i)->text))
            return false;
    }
    return true;
}

static bool take_same_end(const struct row *a, const struct row *b)
{
    return a->ends_in_slash == b->ends_in_slash ||
           ((a->route.flags | b->route.flags) & HTTP_ROUTE_TRAILING) != 0;
}

/* Is there a path that both fit equally well? Beyond the sum of both lengths nothing new happens. */
static bool is_ambiguous(const struct row *a, const struct row *b)
{
    if (a->route.method != b->route.method || !take_same_end(a, b))
        return false;
    for (size_t n = 0; n <= a->n + b->n + 1; n++) {
        if (agree_at_length(a, b, n))
            return true;
    }
    return false;
}

static int check_ambiguity(const struct http_router *router, struct err *err)
{
    for (size_t i = 0; i < router->n; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct row *a = &router->rows[j];
            const struct row *b = &router->rows[i];

            if (is_ambiguous(a, b))
                return err_set(err, ERR_INVALID, "the routes %s %s and %s fit the same paths",
                               http_method_name(a->route.method), a->route.pattern,
                               b->route.pattern);
        }
    }
    return 0;
}

int http_router_new(const struct http_route *routes, size_t n, struct http_router **out,
                    struct err *err)
{
    AUTO(http_router_free) struct http_router *router = mem_new(struct http_router);

    router->arena = arena_new();
    router->rows  = mem_many(router->arena, n, struct row);
    router->n     = n;
    for (size_t i = 0; i < n; i++) {
        if (parse_pattern(&router->rows[i], router->arena, &routes[i], err) < 0)
            return -1;
    }
    if (check_ambiguity(router, err) < 0)
        return -1;
    *out = TAKE(router);
    return 0;
}

void http_router_free(struct http_router **router)
{
    if (*router == NULL)
        return;

    arena_free(&(*router)->arena);
    mem_free(*router);
    *router = NULL;
}

/* Paths */

static bool is_dots(struct str part)
{
    return (part.n == 1 && part.p[0] == '.') ||
           (part.n == 2 && part.p[0] == '.' && part.p[1] == '.');
}

/* A decoded segment may hold slashes; none of the parts between them may be empty or lead upwards. */
static bool is_clean(struct str segment, bool *has_slashes)
{
    struct str rest = segment;
    struct str part;

    if (str_find(segment, '/') < 0)
        return !is_dots(segment);

    *has_slashes = true;
    while (str_next(&rest, '/', &part)) {
        if (part.n == 0 || is_dots(part))
            return false;
    }
    return true;
}

static int add_segment(struct path *path, struct arena *arena, struct str raw, struct err *err)
{
    struct str segment = raw;

    if (raw.n == 0)
        return err_set(err, ERR_INVALID, "the path has an empty segment");
    if (path->n == PATH_SEGMENTS_MAX)
        return err_set(err, ERR_INVALID, "the path has too many segments");
    if (str_find(raw, '%') >= 0) {
        path->has_escapes = true;
        if (text_url_decode(arena, raw, &segment, err) < 0)
            return -1;
    }
    if (!is_clean(segment, &path->has_slashes))
        return err_set(err, ERR_INVALID, "the path has a segment of dots or an empty one");

    path->segments[path->n++] = segment;
    return 0;
}

static int split_path(struct path *path, struct arena *arena, struct str text, struct err *err)
{
    path->n             = 0;
    path->ends_in_slash = false;
    path->has_escapes   = false;
    path->has_slashes   = false;

    if (text.n == 0 || text.p[0] != '/')
        return err_set(err, ERR_INVALID, "the path does not begin with a slash");
    if (str_find(text, '\0') >= 0)
        return err_set(err, ERR_INVALID, "the path has a NUL");
    struct str rest = str_from_index(text, 1);
    if (rest.n > 0 && rest.p[rest.n - 1] == '/') {
        path->ends_in_slash = true;
        rest.n--;
        if (rest.n == 0)
            return err_set(err, ERR_INVALID, "the path has an empty segment");
    }

    struct str part;
    bool       is_root = rest.n == 0;
    while (!is_root && str_next(&rest, '/', &part)) {
        if (add_segment(path, arena, part, err) < 0)
            return -1;
    }
    return 0;
}

/* Search */

static bool fits(const struct row *row, const struct path *path)
{
    size_t n_right = row->n - row->n_left; /* the long hole and what follows it */

    if (!takes_length(row, path->n))
        return false;
    if (row->last.p != NULL && !str_eq(row->last, path->segments[path->n - 1]))
        return false;
    if (row->ends_in_slash != path->ends_in_slash && (row->route.flags & HTTP_ROUTE_TRAILING) == 0)
        return false;

    for (size_t i = 0; i < row->n_left; i++) {
        if (row->segments[i].kind == LITERAL && !str_eq(row->segments[i].text, path->segments[i]))
            return false;
    }
    for (size_t i = 1; i < n_right; i++) {
        const struct segment *segment = &row->segments[row->n - i];

        if (segment->kind == LITERAL && !str_eq(segment->text, path->segments[path->n - i]))
            return false;
    }
    return true;
}

static bool answers(const struct row *row, enum http_method method)
{
    return row->route.method == method || (method == HTTP_HEAD && row->route.method == HTTP_GET);
}

static bool is_better(const struct row *row, const struct row *best, size_t n)
{
    if (best == NULL)
        return true;

    int rank = compare_rank(row, best, n);
    return rank > 0 || (rank == 0 && row->route.method == HTTP_HEAD);
}

static const struct row *find_row(const struct http_router *router, const struct path *path,
                                  enum http_method method, unsigned *allowed)
{
    const struct row *best = NULL;

    *allowed = 0;
    for (size_t i = 0; i < router->n; i++) {
        const struct row *row = &router->rows[i];

        if (!fits(row, path))
            continue;
        *allowed |= row->route.method;
        if (answers(row, method) && is_better(row, best, path->n))
            best = row;
    }
    if ((*allowed & HTTP_GET) != 0)
        *allowed |= HTTP_HEAD;
    return best;
}

/* The segments [from, to) as one text. Without escapes it stands in the path already. */
static struct str join(const struct path *path, struct arena *arena, size_t from, size_t to)
{
    if (!path->has_escapes || to - from == 1) {
        const char *p = path->segments[from].p;

        return (struct str){
            .p = p, .n = (size_t)(path->segments[to - 1].p - p) + path->segments[to - 1].n
        };
    }

    size_t n = to - from - 1;
    for (size_t i = from; i < to; i++)
        n += path->segments[i].n;

    char  *text = mem_alloc(arena, n + 1);
    size_t used = 0;
    for (size_t i = from; i < to; i++) {
        if (i > from)
            text[used++] = '/';
        memcpy(text + used, path->segments[i].p, path->segments[i].n);
        used += path->segments[i].n;
    }
    return (struct str){ .p = text, .n = used };
}

static void add_hole(struct http_match *match, struct str name, struct str value)
{
    ASSERT(match->n_holes < HTTP_HOLES_MAX);
    match->names[match->n_holes]    = name.p;
    match->values[match->n_holes++] = value;
}

static void fill_holes(const struct row *row, const struct path *path, struct arena *arena,
                       struct http_match *out)
{
    size_t n_long = path->n - row->n + 1; /* segments that the long hole takes */

    for (size_t i = 0; i < row->n_left; i++) {
        if (row->segments[i].kind != LITERAL)
            add_hole(out, row->segments[i].text, path->segments[i]);
    }
    if (!row->is_long)
        return;
    add_hole(out, row->segments[row->n_left].text,
             join(path, arena, row->n_left, row->n_left + n_long));
    for (size_t i = row->n_left + 1; i < row->n; i++) {
        if (row->segments[i].kind != LITERAL)
            add_hole(out, row->segments[i].text, path->segments[i + n_long - 1]);
    }
}

static int fill_match(const struct row *row, const struct path *path, struct arena *arena,
                      struct http_match *out, struct err *err)
{
    struct http_match match = { .row = row->route.row, .allowed = out->allowed };

    if (path->has_slashes && (row->route.flags & HTTP_ROUTE_SLASH) == 0)
        return err_set(err, ERR_INVALID, "the path has an escaped slash");
    fill_holes(row, path, arena, &match);
    *out = match;
    return 1;
}

int http_router_find(const struct http_router *router, struct arena *arena, enum http_method method,
                     struct str path, struct http_match *out, struct err *err)
{
    struct path       parts;
    struct http_match match = { .row = NULL };

    if (split_path(&parts, arena, path, err) < 0)
        return -1;

    const struct row *row = find_row(router, &parts, method, &match.allowed);
    if (row != NULL && fill_match(row, &parts, arena, &match, err) < 0)
        return -1;
    *out = match;
    return row != NULL;
}

/* Puts a row into the list, of n rows so far, behind those whose long hole takes at least as much. A shorter
 * pattern leaves more segments to its hole. */
static void insert_row(const struct row **list, size_t n, const struct row *row)
{
    size_t at = n;

    while (at > 0 && list[at - 1]->n > row->n) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = row;
}

int http_router_find_all(const struct http_router *router, struct arena *arena,
                         enum http_method method, struct str path, struct http_match *out,
                         size_t max, size_t *out_n, struct err *err)
{
    const struct row **list = mem_many(arena, router->n + 1, const struct row *);
    struct http_match  none = { .row = NULL };
    struct path        parts;
    size_t             n = 0;

    ASSERT(max > 0);
    if (split_path(&parts, arena, path, err) < 0)
        return -1;

    const struct row *best = find_row(router, &parts, method, &none.allowed);
    for (size_t i = 0; best != NULL && best->is_long && i < router->n; i++) {
        const struct row *row = &router->rows[i];

        if (row->is_long && answers(row, method) && fits(row, &parts))
            insert_row(list, n++, row);
    }
    if (best != NULL && n == 0)
        list[n++] = best;

    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++) {
        out[i] = none;
        if (fill_match(list[i], &parts, arena, &out[i], err) < 0)
            return -1;
    }
    if (n == 0)
        out[0] = none;
    *out_n = n;
    return n > 0;
}

struct str http_match_hole(const struct http_match *match, const char *name)
{
    for (size_t i = 0; i < match->n_holes; i++) {
        if (str_is(str_from(name), match->names[i]))
            return match->values[i];
    }
    return STR_NULL;
}
