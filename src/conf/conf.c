/* conf/conf.c: the snapshot: which source wins, what the defaults are, and the values of the rows.
 *
 * A snapshot owns one arena with everything in it, is never changed after it was handed out, and dies with
 * its last owner. A change of one value copies all: there are some dozens of them, and changes are rare. */
#include "conf/conf.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/secret.h"
#include "conf/conf_private.h"
#include "io/file.h"

static struct conf *new_conf(void)
{
    struct conf *conf = mem_new(struct conf);

    atomic_init(&conf->n_owners, 1);
    conf->arena = arena_new();
    return conf;
}

struct conf *conf_ref(struct conf *conf)
{
    atomic_fetch_add(&conf->n_owners, 1);
    return conf;
}

void conf_unref(struct conf **conf)
{
    if (*conf == NULL)
        return;
    if (atomic_fetch_sub(&(*conf)->n_owners, 1) == 1) {
        arena_free(&(*conf)->arena);
        mem_free(*conf);
    }
    *conf = NULL;
}

/* Within one source a list may be given several times; another value once. The first of a source takes
 * the place of what lower sources said. */
static int apply_one(struct conf *conf, const struct conf_given *given, bool *is_given,
                     struct err *err)
{
    const struct conf_row *row   = &conf_table[given->id];
    struct conf_value     *value = &conf->values[given->id];

    if (is_given[given->id] && row->type != CONF_LIST)
        return err_set(err, ERR_INVALID, "%s: is given twice", given->where);
    if (!is_given[given->id])
        *value =
            (struct conf_value){ .is_set = true, .origin = mem_strdup(conf->arena, given->origin) };
    is_given[given->id] = true;

    if (conf_value_parse(conf->arena, row, given->text, given->is_item, value, err) < 0)
        return err_wrap(err, "%s", given->where);
    return 0;
}

int conf_apply(struct conf *conf, const struct conf_givens *givens, struct err *err)
{
    bool is_given[CONF_N_IDS] = { false };

    for (size_t i = 0; i < givens->n; i++) {
        if (apply_one(conf, &givens->items[i], is_given, err) < 0)
            return -1;
    }
    return 0;
}

/* "sqlite:DATA/assay.db" in the data directory. */
static struct str resolve_default(struct conf *conf, struct arena *arena, const char *standard)
{
    const char *at = strstr(standard, "DATA/");

    if (at == NULL)
        return str_from(standard);
    return str_from(mem_printf(arena, "%.*s" STR_FMT "%s", (int)(at - standard), standard,
                               STR_ARGS(conf_text(conf, CONF_DATA)), at + strlen("DATA")));
}

static int apply_default(struct conf *conf, const struct conf_row *row, struct conf_value *value,
                         struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    value->origin = "default";
    if (row->standard == NULL)
        return 0;
    if (conf_value_parse(conf->arena, row, resolve_default(conf, arena, row->standard), false,
                         value, err) < 0)
        return err_wrap(err, "the default of %s", row->key);
    return 0;
}

/* In the order of the table: the data directory stands before those that lie in it. */
static int apply_defaults(struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        if (!conf->values[i].is_set &&
            apply_default(conf, &conf_table[i], &conf->values[i], err) < 0)
            return -1;
    }
    return 0;
}

/* The last flag, else the variable. */
static const struct conf_given *find_config(const struct conf_givens *flags,
                                            const struct conf_givens *variables)
{
    const struct conf_givens *sources[] = { flags, variables };

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        for (size_t k = sources[i]->n; k > 0; k--) {
            if (sources[i]->items[k - 1].id == CONF_CONFIG)
                return &sources[i]->items[k - 1];
        }
    }
    return NULL;
}

static int read_config(const struct conf_given *config, struct conf_givens *givens, struct err *err)
{
    const char *path = str_dup(givens->arena, config->text);
    struct str  text;

    if (file_read_path(path, CONF_FILE_MAX, givens->arena, &text, err) < 0) {
        err->kind = ERR_INVALID; /* whatever it was, the operator named a wrong file */
        return err_wrap(err, "%s", config->where);
    }
    return conf_read_yaml(text, path, givens, err);
}

static int load(struct conf *conf, int argc, char **argv, char **environment, char **rest,
                int *n_rest, struct err *err)
{
    AUTO(arena_free) struct arena *arena     = arena_new();
    struct conf_givens             flags     = { .arena = arena };
    struct conf_givens             variables = { .arena = arena };
    struct conf_givens             file      = { .arena = arena };

    if (conf_read_flags(argc, argv, &flags, rest, n_rest, err) < 0 ||
        conf_read_variables(environment, &variables, err) < 0)
        return -1;

    const struct conf_given *config = find_config(&flags, &variables);
    if (config != NULL && read_config(config, &file, err) < 0)
        return -1;
    if (conf_apply(conf, &file, err) < 0 || conf_apply(conf, &variables, err) < 0 ||
        conf_apply(conf, &flags, err) < 0)
        return -1;
    return apply_defaults(conf, err);
}

int conf_load(int argc, char **argv, char **environment, struct conf **out, char ***rest,
              int *n_rest, struct err *err)
{
    struct conf *conf = new_conf();
    char       **left = mem_many(conf->arena, (size_t)argc + 1, char *);
    int          n_left;

    if (load(conf, argc, argv, environment, left, &n_left, err) < 0) {
        conf_unref(&conf);
        return -1;
    }
    *rest   = left;
    *n_rest = n_left;
    *out    = conf;
    return 0;
}

static struct conf_value copy_value(struct arena *arena, const struct conf_row *row,
                                    const struct conf_value *value)
{
    struct conf_value copy = *value;

    copy.text   = row->is_secret ? secret_copy(arena, value->text) : str_copy(arena, value->text);
    copy.origin = mem_strdup(arena, value->origin);
    copy.items  = NULL;
    if (value->items != NULL)
        copy.items = mem_many(arena, CONF_ITEMS_MAX, struct str);
    for (size_t i = 0; i < value->n_items; i++)
        copy.items[i] = str_copy(arena, value->items[i]);
    return copy;
}

int conf_with(struct conf *conf, enum conf_id id, struct str value, struct conf **out,
              struct err *err)
{
    const struct conf_row *row     = &conf_table[id];
    struct conf_value      changed = { .is_set = true, .origin = "database" };
    struct conf           *copy    = new_conf();

    ASSERT(row->home == CONF_REGISTRY);
    if (conf_value_parse(copy->arena, row, value, false, &changed, err) < 0) {
        conf_unref(&copy);
        return err_wrap(err, "setting %s", row->key);
    }
    for (size_t i = 0; i < CONF_N_IDS; i++)
        copy->values[i] = copy_value(copy->arena, &conf_table[i], &conf->values[i]);
    copy->values[id] = changed;
    *out             = copy;
    return 0;
}

struct str conf_text(const struct conf *conf, enum conf_id id)
{
    ASSERT(conf_table[id].type == CONF_TEXT || conf_table[id].type == CONF_PATH);
    return conf->values[id].text;
}

int64_t conf_number(const struct conf *conf, enum conf_id id)
{
    enum conf_type type = conf_table[id].type;

    ASSERT(type == CONF_INT || type == CONF_SIZE || type == CONF_DURATION);
    return conf->values[id].number;
}

bool conf_switch(const struct conf *conf, enum conf_id id)
{
    ASSERT(conf_table[id].type == CONF_SWITCH);
    return conf->values[id].number != 0;
}

size_t conf_list_len(const struct conf *conf, enum conf_id id)
{
    ASSERT(conf_table[id].type == CONF_LIST);
    return conf->values[id].n_items;
}

struct str conf_list(const struct conf *conf, enum conf_id id, size_t i)
{
    ASSERT(i < conf_list_len(conf, id));
    return conf->values[id].items[i];
}

struct str conf_print(const struct conf *conf, enum conf_id id, struct arena *arena)
{
    return conf_value_print(arena, &conf_table[id], &conf->values[id]);
}

const char *conf_origin(const struct conf *conf, enum conf_id id)
{
    return conf->values[id].origin;
}

bool conf_is_set(const struct conf *conf, enum conf_id id)
{
    return conf->values[id].is_set;
}
