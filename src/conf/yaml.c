/* conf/yaml.c: the settings file. One document with one mapping from keys to a value or a sequence of
 * values. What YAML has beyond that is refused rather than interpreted: a setting must not depend on
 * whether its reader knows about aliases, tags or the third spelling of "no".
 *
 * Read by libyaml's events, which are flat, so nesting costs no stack; the text is bounded by the caller. */
#include <string.h>

#include <yaml.h>

#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_private.h"

enum { KEY_SHOWN_MAX = 80 };

struct reader {
    yaml_parser_t       parser;
    yaml_event_t        event; /* the one being looked at */
    const char         *path;
    struct conf_givens *givens;
    size_t              key_line[CONF_N_IDS]; /* where the key stands; 0: not yet seen */
};

static size_t line_of(const struct reader *reader)
{
    return reader->event.start_mark.line + 1;
}

static int refuse(const struct reader *reader, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s:%zu: %s", reader->path, line_of(reader), why);
}

static int refuse_key(const struct reader *reader, struct str key, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s:%zu: " STR_FMT ": %s", reader->path, line_of(reader),
                   STR_ARGS(str_sub(key, 0, KEY_SHOWN_MAX)), why);
}

/* Anchors and tags of the events that can carry them. */
static int check_plain(const struct reader *reader, const yaml_char_t *anchor,
                       const yaml_char_t *tag, struct err *err)
{
    if (anchor != NULL)
        return refuse(reader, "anchors and aliases are not taken", err);
    if (tag != NULL)
        return refuse(reader, "tags are not taken", err);
    return 0;
}

static int check_event(const struct reader *reader, struct err *err)
{
    const yaml_event_t *event = &reader->event;

    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(reader, "anchors and aliases are not taken", err);
    case YAML_SCALAR_EVENT:
        return check_plain(reader, event->data.scalar.anchor, event->data.scalar.tag, err);
    case YAML_SEQUENCE_START_EVENT:
        return check_plain(reader, event->data.sequence_start.anchor,
                           event->data.sequence_start.tag, err);
    case YAML_MAPPING_START_EVENT:
        return check_plain(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                           err);
    default:
        return 0;
    }
}

static int next(struct reader *reader, struct err *err)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        const char *problem = reader->parser.problem;

        return err_set(err, ERR_INVALID, "%s:%zu: %s", reader->path,
                       reader->parser.problem_mark.line + 1,
                       problem == NULL ? "is not YAML" : problem);
    }
    return check_event(reader, err);
}

static struct str scalar(const struct reader *reader)
{
    return (struct str){ .p = (const char *)reader->event.data.scalar.value,
                         .n = reader->event.data.scalar.length };
}

/* "key:", "key: ~" and "key: null" forget the value; a text in quotes does not. */
static bool is_null(const struct reader *reader)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

    if (reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        if (str_is(scalar(reader), nulls[i]))
            return true;
    }
    return false;
}

static void add(struct reader *reader, enum conf_id id, struct str text, bool is_item)
{
    struct arena *arena = reader->givens->arena;
    const char   *key   = conf_table[id].key;

    conf_givens_add(reader->givens, &(struct conf_given){
                                        .id      = id,
                                        .text    = str_copy(arena, text),
                                        .where   = mem_printf(arena, "%s:%zu: %s", reader->path,
                                                              line_of(reader), key),
                                        .origin  = mem_printf(arena, "file %s:%zu", reader->path,
                                                              reader->key_line[id]),
                                        .is_item = is_item,
                                    });
}

static int read_scalar(struct reader *reader, enum conf_id id, bool is_item, struct err *err)
{
    if (is_null(reader))
        return refuse_key(reader, str_from(conf_table[id].key), "has no value", err);
    add(reader, id, scalar(reader), is_item);
    return 0;
}

static int read_sequence(struct reader *reader, enum conf_id id, struct err *err)
{
    struct str key     = str_from(conf_table[id].key);
    size_t     n_items = 0;

    if (conf_table[id].type != CONF_LIST)
        return refuse_key(reader, key, "takes one value, not a list", err);
    for (;; n_items++) {
        if (next(reader, err) < 0)
            return -1;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (reader->event.type != YAML_SCALAR_EVENT)
            return refuse_key(reader, key, "values are not nested", err);
        if (read_scalar(reader, id, true, err) < 0)
            return -1;
    }
    if (n_items == 0)
        add(reader, id, STR("off"), false);
    return 0;
}

static int read_value(struct reader *reader, enum conf_id id, struct err *err)
{
    if (next(reader, err) < 0)
        return -1;
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, id, false, err);
    case YAML_SEQUENCE_START_EVENT:
        return read_sequence(reader, id, err);
    default:
        return refuse_key(reader, str_from(conf_table[id].key), "values are not nested", err);
    }
}

static int read_key(struct reader *reader, enum conf_id *out, struct err *err)
{
    enum conf_id id = CONF_N_IDS;

    if (reader->event.type != YAML_SCALAR_EVENT)
        return refuse(reader, "a key is a word", err);
    if (conf_find(scalar(reader), &id) == 0)
        return refuse_key(reader, scalar(reader), "there is no such setting", err);
    if (id == CONF_CONFIG)
        return refuse_key(reader, scalar(reader), "a file does not name another one", err);
    if (reader->key_line[id] != 0)
        return err_set(err, ERR_INVALID, "%s:%zu: %s: is given on line %zu already", reader->path,
                       line_of(reader), conf_table[id].key, reader->key_line[id]);
    reader->key_line[id] = line_of(reader);
    *out                 = id;
    return 0;
}

static int read_mapping(struct reader *reader, struct err *err)
{
    enum conf_id id = CONF_N_IDS;

    for (;;) {
        if (next(reader, err) < 0)
            return -1;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (read_key(reader, &id, err) < 0 || read_value(reader, id, err) < 0)
            return -1;
    }
}

/* A document of comments alone has an empty scalar for its root. */
static int read_root(struct reader *reader, struct err *err)
{
    if (next(reader, err) < 0)
        return -1;
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, err);
    if (reader->event.type == YAML_SCALAR_EVENT && is_null(reader))
        return 0;
    return refuse(reader, "a settings file holds \"key: value\" lines", err);
}

static int read_stream(struct reader *reader, struct err *err)
{
    if (next(reader, err) < 0 || next(reader, err) < 0)
        return -1;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (read_root(reader, err) < 0 || next(reader, err) < 0 || next(reader, err) < 0)
        return -1;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return refuse(reader, "a settings file holds one document", err);
    return 0;
}

int conf_read_yaml(struct str text, const char *path, struct conf_givens *givens, struct err *err)
{
    struct reader reader = { .path = path, .givens = givens };

    if (!yaml_parser_initialize(&reader.parser))
        return err_set(err, ERR_INTERNAL, "the YAML parser cannot be made");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.p, text.n);

    int result = read_stream(&reader, err);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return result;
}
