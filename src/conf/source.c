/* conf/source.c: settings as flags and variables say them: texts with their keys, meaning nothing yet. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_private.h"

enum { NAME_SHOWN_MAX = 80 };

void conf_givens_add(struct conf_givens *givens, const struct conf_given *given)
{
    if (givens->n == givens->room) {
        givens->room  = givens->room == 0 ? 32 : 2 * givens->room;
        givens->items = mem_resize(givens->arena, givens->items, givens->room * sizeof(*given));
    }
    givens->items[givens->n++] = *given;
}

static bool is_flag(const char *argument)
{
    return str_starts(str_from(argument), STR("--")) && argument[2] != '\0';
}

/* The value of a flag that came without "=": the next argument, or "on" for a switch. Returns how many
 * arguments were used, or -1. */
static int find_value(const struct conf_given *given, int argc, char **argv, struct str *out,
                      struct err *err)
{
    if (conf_table[given->id].type == CONF_SWITCH) {
        *out = STR("on");
        return 0;
    }
    if (argc == 0 || is_flag(argv[0]))
        return err_set(err, ERR_INVALID, "%s: needs a value", given->where);
    *out = str_from(argv[0]);
    return 1;
}

/* One argument; returns how many more it used, or -1. */
static int read_flag(struct conf_givens *givens, int argc, char **argv, char **rest, int *n_rest,
                     struct err *err)
{
    struct conf_given given = { .origin = "flag" };
    struct str        key;

    given.text = str_from_index(str_from(argv[0]), 2);
    str_next(&given.text, '=', &key);
    if (!is_flag(argv[0]) || conf_find(key, &given.id) == 0) {
        rest[(*n_rest)++] = argv[0];
        return 0;
    }

    int used    = 0;
    given.where = mem_printf(givens->arena, "flag --%s", conf_table[given.id].key);
    if (given.text.p == NULL)
        used = find_value(&given, argc - 1, argv + 1, &given.text, err);
    if (used >= 0)
        conf_givens_add(givens, &given);
    return used;
}

int conf_read_flags(int argc, char **argv, struct conf_givens *givens, char **rest, int *n_rest,
                    struct err *err)
{
    int i = 0;

    *n_rest = 0;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        int used = read_flag(givens, argc - i, argv + i, rest, n_rest, err);

        if (used < 0)
            return -1;
        i += 1 + used;
    }
    for (i++; i < argc; i++)
        rest[(*n_rest)++] = argv[i];
    return 0;
}

/* Variables with our prefix that are no settings: one secret that must not be a flag, what the client commands
 * look at, what tests set, and what Kubernetes puts into each container for a service named "assay". */
static bool is_no_setting(struct str name)
{
    return str_is(name, "ADMIN_PASSWORD") || str_is(name, "SERVER") || str_is(name, "CACERT") ||
           str_is(name, "HELPER_TIMEOUT") || str_starts(name, STR("TEST_")) ||
           str_is(name, "PORT") || str_starts(name, STR("PORT_")) ||
           str_starts(name, STR("SERVICE_"));
}

/* TLS_CERT is tls-cert; anything else than capitals, digits and _ is no key. */
static bool key_of_variable(struct str name, char *key, size_t room)
{
    if (name.n >= room)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c >= 'A' && c <= 'Z')
            key[i] = (char)(c - 'A' + 'a');
        else if (c == '_')
            key[i] = '-';
        else
            return false;
    }
    key[name.n] = '\0';
    return true;
}

static int read_variable(struct conf_givens *givens, struct str name, struct str text,
                         struct err *err)
{
    struct conf_given given = { .text = text };
    char              key[64];

    if (is_no_setting(name))
        return 0;
    if (!key_of_variable(name, key, sizeof(key)) || conf_find(str_from(key), &given.id) == 0)
        return err_set(err, ERR_INVALID, "variable ASSAY_" STR_FMT ": there is no such setting",
                       STR_ARGS(str_sub(name, 0, NAME_SHOWN_MAX)));
    if (text.n == 0)
        return 0;
    given.where  = mem_printf(givens->arena, "variable ASSAY_" STR_FMT, STR_ARGS(name));
    given.origin = given.where + strlen("variable ");
    conf_givens_add(givens, &given);
    return 0;
}

int conf_read_variables(char **environment, struct conf_givens *givens, struct err *err)
{
    struct str prefix = STR("ASSAY_");

    for (; *environment != NULL; environment++) {
        struct str text = str_from(*environment);
        struct str name;

        if (!str_starts(text, prefix))
            continue;
        str_next(&text, '=', &name);
        if (text.p != NULL && read_variable(givens, str_from_index(name, prefix.n), text, err) < 0)
            return -1;
    }
    return 0;
}
