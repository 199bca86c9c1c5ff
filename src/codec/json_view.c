/* codec/json_view.c: finds where values begin and end. The pre-scan has seen the text, so that brackets match and
 * strings end; what is left is to count the one and step over the other. */
#include "codec/json_view.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_private.h"
#include "codec/json_write.h"

enum { ESCAPE_MAX = 6, MEMBERS_MAX = 8 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str skip_blanks(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_from_index(s, 1);
    return s;
}

/* The size of the string that `s` begins with, quotes included. */
static size_t size_of_string(struct str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return s.n;
}

static size_t size_of_container(struct str s)
{
    size_t depth = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '"')
            i += size_of_string(str_from_index(s, i)) - 1;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return s.n;
}

static size_t size_of_word(struct str s)
{
    size_t n = 0;

    while (n < s.n && !is_blank(s.p[n]) && strchr(",]}", s.p[n]) == NULL)
        n++;
    return n;
}

/* Takes the value off the front of *rest. */
static struct str take_value(struct str *rest)
{
    struct str s = skip_blanks(*rest);
    size_t     n = s.n == 0                         ? 0
                   : s.p[0] == '"'                  ? size_of_string(s)
                   : s.p[0] == '{' || s.p[0] == '[' ? size_of_container(s)
                                                    : size_of_word(s);

    *rest = str_from_index(s, n);
    return str_sub(s, 0, n);
}

struct str json_view_of(struct str text)
{
    return take_value(&text);
}

static bool begins_with(struct str value, char c)
{
    return value.n > 0 && value.p[0] == c;
}

bool json_view_is_object(struct str value)
{
    return begins_with(value, '{');
}

bool json_view_is_list(struct str value)
{
    return begins_with(value, '[');
}

bool json_view_is_string(struct str value)
{
    return begins_with(value, '"');
}

struct json_view_each json_view_each(struct str value)
{
    struct json_view_each each = { .rest = STR_NULL };

    if (json_view_is_object(value) || json_view_is_list(value))
        each.rest = str_sub(value, 1, value.n - 2);
    each.key = json_view_is_object(value) ? STR("") : STR_NULL;
    return each;
}

bool json_view_next(struct json_view_each *each)
{
    bool has_keys = each->key.p != NULL;

    each->rest = skip_blanks(each->rest);
    if (begins_with(each->rest, ','))
        each->rest = skip_blanks(str_from_index(each->rest, 1));
    if (each->rest.n == 0)
        return false;

    if (has_keys) {
        each->key  = take_value(&each->rest);
        each->rest = str_from_index(skip_blanks(each->rest), 1); /* the colon */
    }
    each->value = take_value(&each->rest);
    return true;
}

struct str json_view_text(struct arena *arena, struct str value)
{
    struct json_node *tree;
    struct err        ignored; /* the pre-scan has let it through */

    if (value.p == NULL || str_is(value, "null"))
        return STR_NULL;
    if (!json_view_is_string(value))
        return value;
    if (memchr(value.p, '\\', value.n) == NULL)
        return str_sub(value, 1, value.n - 2);

    int parsed = json_tree_parse(value, &tree, &ignored);
    ASSERT(parsed == 0);
    struct str text = str_copy(arena, json_node_str(tree));
    json_tree_free(&tree);
    return text;
}

struct str json_view_quote(struct arena *arena, struct str text)
{
    struct json_write w;
    struct buf        out;

    buf_init(&out, arena, ESCAPE_MAX * text.n + 3);
    json_write_init(&w, &out);
    json_write_str(&w, text);
    return buf_view(&out);
}

static bool is_key(struct str key, struct str wanted)
{
    AUTO(arena_free) struct arena *scratch = NULL;

    if (memchr(key.p, '\\', key.n) == NULL)
        return str_eq(str_sub(key, 1, key.n - 2), wanted);
    scratch = arena_new();
    return str_eq(json_view_text(scratch, key), wanted);
}

static bool find_member(struct str object, struct str key, struct json_view_each *out)
{
    if (!json_view_is_object(object))
        return false;
    *out = json_view_each(object);
    while (json_view_next(out)) {
        if (is_key(out->key, key))
            return true;
    }
    return false;
}

struct str json_view_at(struct str value, struct str key)
{
    struct json_view_each member;

    return find_member(value, key, &member) ? member.value : STR_NULL;
}

/* -- changing one member -------------------------------------------------------------------------- */

static struct str between(const char *from, const char *to)
{
    return (struct str){ .p = from, .n = (size_t)(to - from) };
}

static struct str splice(struct arena *arena, struct str text, struct str old, struct str new)
{
    size_t     head = (size_t)(old.p - text.p);
    struct buf out;

    buf_init(&out, arena, text.n - old.n + new.n + 1);
    buf_str(&out, str_sub(text, 0, head));
    buf_str(&out, new);
    buf_str(&out, str_from_index(text, head + old.n));
    return buf_view(&out);
}

static void add_tabs(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_char(out, '\t');
}

/* A value below objects of one member each, for what is missing of a path. depth: of the outermost. */
static struct str nest(struct arena *arena, const struct str *path, size_t n_path, struct str value,
                       size_t depth)
{
    struct buf out;

    if (n_path == 0)
        return value;

    struct str key   = json_view_quote(arena, path[0]);
    struct str inner = nest(arena, path + 1, n_path - 1, value, depth + 1);
    buf_init(&out, arena, key.n + inner.n + 2 * depth + 16);
    buf_text(&out, "{\n");
    add_tabs(&out, depth + 1);
    buf_printf(&out, STR_FMT ": ", STR_ARGS(key));
    buf_str(&out, inner);
    buf_char(&out, '\n');
    add_tabs(&out, depth);
    buf_char(&out, '}');
    return buf_view(&out);
}

/* Behind the last member, with the blanks that stand before the first one. */
static struct str append(struct arena *arena, struct str text, struct str object, struct str key,
                         struct str value)
{
    struct json_view_each each   = json_view_each(object);
    struct str            quoted = json_view_quote(arena, key);
    struct buf            member;

    json_view_next(&each);
    struct str blanks = between(object.p + 1, each.key.p);
    while (json_view_next(&each))
        ;
    const char *end = each.value.p + each.value.n;

    buf_init(&member, arena, blanks.n + quoted.n + value.n + 8);
    buf_char(&member, ',');
    buf_str(&member, blanks);
    buf_str(&member, quoted);
    buf_text(&member, ": ");
    buf_str(&member, value);
    return splice(arena, text, between(end, end), buf_view(&member));
}

static bool is_empty(struct str object)
{
    struct json_view_each each = json_view_each(object);

    return !json_view_next(&each);
}

/* With the comma after it, or the one before it when it is the last. */
static struct str remove_member(struct arena *arena, struct str text, struct str object,
                                const struct json_view_each *member)
{
    struct json_view_each each = *member;
    const char           *from = member->key.p;
    const char           *to   = member->value.p + member->value.n;

    if (json_view_next(&each))
        return splice(arena, text, between(from, each.key.p), STR(""));
    while (from > object.p + 1 && (is_blank(from[-1]) || from[-1] == ','))
        from--;
    if (from == object.p + 1)
        to = object.p + object.n - 1;
    return splice(arena, text, between(from, to), STR(""));
}

int json_view_put(struct arena *arena, struct str text, const struct str *path, size_t n_path,
                  struct str value, struct str *out, struct err *err)
{
    struct str            at = json_view_of(text);
    struct json_view_each member;
    size_t                depth = 0;

    ASSERT(n_path > 0 && n_path <= MEMBERS_MAX);
    while (depth < n_path && find_member(at, path[depth], &member) &&
           (depth + 1 == n_path || json_view_is_object(member.value))) {
        if (++depth < n_path)
            at = member.value;
    }
    if (!json_view_is_object(at))
        return err_set(err, ERR_INVALID, "it is no JSON object");

    bool is_there = depth == n_path;
    bool is_null  = !is_there && find_member(at, path[depth], &member);
    if (is_null && !str_is(member.value, "null"))
        return err_set(err, ERR_INVALID, "`" STR_FMT "` is no object", STR_ARGS(path[depth]));

    if (value.p == NULL) {
        *out = is_there ? remove_member(arena, text, at, &member) : text;
        return 0;
    }
    if (is_there) {
        *out = splice(arena, text, member.value, value);
        return 0;
    }

    const struct str *missing   = path + depth;
    size_t            n_missing = n_path - depth;
    if (is_null)
        *out = splice(arena, text, member.value,
                      nest(arena, missing + 1, n_missing - 1, value, depth + 1));
    else if (is_empty(at))
        *out = splice(arena, text, at, nest(arena, missing, n_missing, value, depth));
    else
        *out = append(arena, text, at, missing[0],
                      nest(arena, missing + 1, n_missing - 1, value, depth + 1));
    return 0;
}
