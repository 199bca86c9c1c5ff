/* codec/json.c: the door: scan, parse, bind. Binding walks the tree along the tables, so its recursion is
 * as deep as the tables are and the pre-scan's limit on depth bounds it once more. Everything is bound
 * into scratch memory of the table's size and copied out at the end: a failure leaves *out untouched. */
#include "codec/json.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_private.h"

enum { BIG_TEXT = 256 * 1024, FIELDS_MAX = 64, PATH_MAX_SIZE = 200, NAME_SHOWN = 48 };

const struct json_limits json_limits_default = {
    .size   = 4 * 1024 * 1024,
    .values = 20000,
    .depth  = 64,
    .key    = 1024,
};

/* How many of the big texts may still come in. */
static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  big_left = PTHREAD_COND_INITIALIZER;
static int             n_big    = JSON_BIG_PARSES;

/* A step from the outermost value to the one at hand: a member or an item. Lives on the stack. */
struct path {
    const struct path *up;
    struct str         name; /* the null view: an item */
    size_t             index;
};

struct bind {
    struct arena        *arena;
    struct arena        *scratch;
    enum json_unknown    unknown;
    struct json_ignored *ignored;
    struct err          *err;
};

static int bind_object(struct bind *b, const struct path *path, const struct json_node *node,
                       const struct json_table *table, void *out);

void json_init(void)
{
    json_tree_init();
}

static void enter_big(size_t size)
{
    if (size <= BIG_TEXT)
        return;

    pthread_mutex_lock(&big_lock);
    while (n_big == 0)
        pthread_cond_wait(&big_left, &big_lock);
    n_big--;
    pthread_mutex_unlock(&big_lock);
}

static void leave_big(size_t size)
{
    if (size <= BIG_TEXT)
        return;

    pthread_mutex_lock(&big_lock);
    n_big++;
    pthread_cond_signal(&big_left);
    pthread_mutex_unlock(&big_lock);
}

static void print_path(struct buf *buf, const struct path *path)
{
    if (path == NULL)
        return;
    print_path(buf, path->up);
    if (path->name.p == NULL)
        buf_printf(buf, "[%zu]", path->index);
    else
        buf_printf(buf, "%s" STR_FMT, path->up == NULL ? "" : ".",
                   STR_ARGS(str_sub(path->name, 0, NAME_SHOWN)));
}

/* "layers[2].size is not an integer"; the outermost value goes by its table's name. */
static int refuse(struct bind *b, const struct path *path, const char *outermost,
                  const char *reason)
{
    struct buf buf;

    buf_init(&buf, b->scratch, PATH_MAX_SIZE);
    print_path(&buf, path);
    return err_set_code(b->err, ERR_INVALID, NULL, buf_view(&buf), "%s %s",
                        path == NULL ? outermost : buf_view(&buf).p, reason);
}

static int refuse_longer(struct bind *b, const struct path *path, size_t max, const char *of_what)
{
    char reason[64];

    snprintf(reason, sizeof(reason), "has more than %zu %s", max, of_what);
    return refuse(b, path, "", reason);
}

static int bind_str(struct bind *b, const struct path *path, const struct json_node *node,
                    size_t max, struct str *out)
{
    if (json_node_kind(node) != NODE_STRING)
        return refuse(b, path, "", "is not a string");
    if (max != 0 && json_node_str(node).n > max)
        return refuse_longer(b, path, max, "bytes");

    *out = str_copy(b->arena, json_node_str(node));
    return 0;
}

static int bind_integer(struct bind *b, const struct path *path, const struct json_node *node,
                        int64_t *out)
{
    if (json_node_kind(node) != NODE_INTEGER)
        return refuse(b, path, "", "is not an integer");

    *out = json_node_integer(node);
    return 0;
}

static int bind_bool(struct bind *b, const struct path *path, const struct json_node *node,
                     bool *out)
{
    if (json_node_kind(node) != NODE_BOOL)
        return refuse(b, path, "", "is neither true nor false");

    *out = json_node_is_true(node);
    return 0;
}

static int bind_list(struct bind *b, const struct path *path, const struct json_node *node,
                     const struct json_field *field, struct json_list *out)
{
    if (json_node_kind(node) != NODE_LIST)
        return refuse(b, path, "", "is not a list");

    size_t n    = json_node_n_items(node);
    size_t size = field->table == NULL ? sizeof(struct str) : field->table->size;
    if (field->max != 0 && n > field->max)
        return refuse_longer(b, path, field->max, "entries");

    char *items = n == 0 ? NULL : mem_array(b->arena, n, size);
    for (size_t i = 0; i < n; i++) {
        const struct json_node *item    = json_node_item(node, i);
        struct path             at_item = { .up = path, .index = i };
        void                   *to      = items + i * size;

        int done = field->table == NULL ? bind_str(b, &at_item, item, 0, to)
                                        : bind_object(b, &at_item, item, field->table, to);
        if (done < 0)
            return -1;
    }
    *out = (struct json_list){ .items = items, .n = n };
    return 0;
}

/* The members of an object that is a map. */
static int open_map(struct bind *b, const struct path *path, const struct json_node *node,
                    size_t max, struct json_member **out, size_t *out_n)
{
    if (json_node_kind(node) != NODE_OBJECT)
        return refuse(b, path, "", "is not an object");
    *out = json_node_members(b->scratch, node, out_n);
    if (max != 0 && *out_n > max)
        return refuse_longer(b, path, max, "entries");
    return 0;
}

static int bind_map(struct bind *b, const struct path *path, const struct json_node *node,
                    size_t max, struct json_map *out)
{
    size_t              n;
    struct json_member *members;

    if (open_map(b, path, node, max, &members, &n) < 0)
        return -1;
    struct json_pair *pairs = n == 0 ? NULL : mem_many(b->arena, n, struct json_pair);
    for (size_t i = 0; i < n; i++) {
        struct path at_value = { .up = path, .name = members[i].name };

        pairs[i].key = str_copy(b->arena, members[i].name);
        if (bind_str(b, &at_value, members[i].value, 0, &pairs[i].value) < 0)
            return -1;
    }
    *out = (struct json_map){ .pairs = pairs, .n = n };
    return 0;
}

static int bind_numbers(struct bind *b, const struct path *path, const struct json_node *node,
                        size_t max, struct json_numbers *out)
{
    size_t              n;
    struct json_member *members;

    if (open_map(b, path, node, max, &members, &n) < 0)
        return -1;
    struct json_number *pairs = n == 0 ? NULL : mem_many(b->arena, n, struct json_number);
    for (size_t i = 0; i < n; i++) {
        struct path at_value = { .up = path, .name = members[i].name };

        pairs[i].key = str_copy(b->arena, members[i].name);
        if (bind_integer(b, &at_value, members[i].value, &pairs[i].value) < 0)
            return -1;
    }
    *out = (struct json_numbers){ .pairs = pairs, .n = n };
    return 0;
}

static int bind_value(struct bind *b, const struct path *path, const struct json_node *node,
                      const struct json_field *field, void *to)
{
    switch (field->kind) {
    case JSON_STRING:
        return bind_str(b, path, node, field->max, to);
    case JSON_INTEGER:
        return bind_integer(b, path, node, to);
    case JSON_BOOL:
        return bind_bool(b, path, node, to);
    case JSON_OBJECT:
        return bind_object(b, path, node, field->table, to);
    case JSON_LIST:
        return bind_list(b, path, node, field, to);
    case JSON_MAP:
        return bind_map(b, path, node, field->max, to);
    case JSON_NUMBERS:
        return bind_numbers(b, path, node, field->max, to);
    case JSON_ANY:
        *(bool *)to = true;
        return 0;
    case JSON_RAW:
        ASSERT_NEVER("a member that is never read");
    }
    ASSERT_NEVER("a kind of field that the table does not have");
}

/* The index of the field of that name, or the number of fields. */
static size_t find_field(const struct json_table *table, struct str name)
{
    size_t i = 0;

    while (i < table->n_fields && !str_is(name, table->fields[i].name))
        i++;
    return i;
}

/* Would a reader that matches without case take the name for one of the table's? */
static bool is_variant(struct bind *b, const struct json_table *table, struct str name)
{
    char      *copy   = str_dup(b->scratch, name);
    struct str folded = { .p = copy, .n = json_fold(copy, name.n) };

    for (size_t i = 0; i < table->n_fields; i++) {
        if (str_eq_nocase(folded, str_from(table->fields[i].name)))
            return true;
    }
    return false;
}

static void keep_ignored(struct bind *b, const struct path *path)
{
    struct buf buf;

    if (b->ignored->n < JSON_IGNORED_MAX) {
        buf_init(&buf, b->arena, PATH_MAX_SIZE);
        print_path(&buf, path);
        b->ignored->paths[b->ignored->n] = buf_view(&buf);
    }
    b->ignored->n++;
}

static int bind_unknown(struct bind *b, const struct path *path, const struct json_table *table)
{
    if (is_variant(b, table, path->name))
        return refuse(b, path, "", "is written in another case than the member of that name");
    if (b->unknown == JSON_REFUSE_UNKNOWN ||
        (b->unknown == JSON_AS_THE_TABLE_SAYS && table->is_closed))
        return refuse(b, path, "", "is not known here");
    if (b->ignored != NULL)
        keep_ignored(b, path);
    return 0;
}

static int bind_object(struct bind *b, const struct path *path, const struct json_node *node,
                       const struct json_table *table, void *out)
{
    bool                is_there[FIELDS_MAX] = { false };
    size_t              n;
    struct json_member *members;

    ASSERT(table->n_fields <= FIELDS_MAX);
    if (json_node_kind(node) != NODE_OBJECT)
        return refuse(b, path, table->name, "is not an object");

    members = json_node_members(b->scratch, node, &n);
    for (size_t i = 0; i < n; i++) {
        struct path              at    = { .up = path, .name = members[i].name };
        size_t                   row   = find_field(table, members[i].name);
        const struct json_field *field = &table->fields[row];

        if (row == table->n_fields) {
            if (bind_unknown(b, &at, table) < 0)
                return -1;
            continue;
        }
        if (json_node_kind(members[i].value) == NODE_NULL)
            continue;
        if (bind_value(b, &at, members[i].value, field, (char *)out + field->offset) < 0)
            return -1;
        if (field->has_offset != 0)
            *(bool *)((char *)out + field->has_offset) = true;
        is_there[row] = true;
    }

    for (size_t row = 0; row < table->n_fields; row++) {
        struct path at = { .up = path, .name = str_from(table->fields[row].name) };

        if ((table->fields[row].flags & JSON_REQUIRED) != 0 && !is_there[row])
            return refuse(b, &at, "", "is missing");
    }
    return 0;
}

static int read_checked(struct bind *b, struct str text, const struct json_table *table, void *out)
{
    AUTO(json_tree_free) struct json_node *tree  = NULL;
    void                                  *bound = mem_alloc(b->scratch, table->size);

    if (json_tree_parse(text, &tree, b->err) < 0 || bind_object(b, NULL, tree, table, bound) < 0)
        return -1;
    memcpy(out, bound, table->size);
    return 0;
}

int json_read_as(struct arena *arena, struct str text, const struct json_limits *limits,
                 const struct json_table *table, enum json_unknown unknown, void *out,
                 struct json_ignored *ignored, struct err *err)
{
    AUTO(arena_free) struct arena *scratch = arena_new();
    struct json_ignored            found   = { .n = 0 };
    struct bind                    bind    = {
                              .arena   = arena,
                              .scratch = scratch,
                              .unknown = unknown,
                              .ignored = ignored == NULL ? NULL : &found,
                              .err     = err,
    };

    if (json_check(text, limits, err) < 0)
        return -1;

    enter_big(text.n);
    int done = read_checked(&bind, text, table, out);
    leave_big(text.n);
    if (done == 0 && ignored != NULL)
        *ignored = found;
    return done;
}

int json_read(struct arena *arena, struct str text, const struct json_limits *limits,
              const struct json_table *table, void *out, struct err *err)
{
    return json_read_as(arena, text, limits, table, JSON_AS_THE_TABLE_SAYS, out, NULL, err);
}
