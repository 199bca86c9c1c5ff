/* conf/conf_private.h: the parts of a snapshot and the way from a source into it. Included by the files of
 * this folder only.
 *
 * Every source (flags, variables, file, database) makes `given`s: this key, this text, from there. What
 * they mean is decided in one place, value.c, and which of them wins in another, conf.c. */
#ifndef CONF_CONF_PRIVATE_H
#define CONF_CONF_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/conf.h"

enum { CONF_VALUE_MAX = 4096, CONF_ITEMS_MAX = 256, CONF_FILE_MAX = 64 * 1024 };

/* A parsed value; the row's type says which member holds it. */
struct conf_value {
    struct str  text;   /* TEXT, PATH; the null view: not set */
    int64_t     number; /* INT, SIZE, DURATION; SWITCH: 0, 1 */
    struct str *items;  /* LIST */
    size_t      n_items;
    const char *origin;
    bool        is_set;
};

struct conf {
    atomic_int    n_owners; /* requests and jobs that run under it, and whoever hands it to them */
    struct arena *arena;
    struct conf_value values[CONF_N_IDS];
};

/* One setting as its source has it. */
struct conf_given {
    enum conf_id id;
    struct str   text;
    const char  *where;   /* for errors: "flag --workers", "x.yaml:3: workers" */
    const char  *origin;  /* for conf_origin */
    bool         is_item; /* one of a YAML sequence: no comma separates it further */
};

struct conf_givens {
    struct arena      *arena; /* what the members point to */
    struct conf_given *items;
    size_t             n;
    size_t             room;
};

void conf_givens_add(struct conf_givens *givens, const struct conf_given *given);

/* The three sources. Texts stay where they are. */
int conf_read_flags(int argc, char **argv, struct conf_givens *givens, char **rest, int *n_rest,
                    struct err *err);
int conf_read_variables(char **environment, struct conf_givens *givens, struct err *err);
int conf_read_yaml(struct str text, const char *path, struct conf_givens *givens, struct err *err);

/* Values made of one source, over those of the sources before. */
int conf_apply(struct conf *conf, const struct conf_givens *givens, struct err *err);

/* Text to value; the error begins with the quoted text, or with what is wrong. Of a list: adds the items
 * to those that are there. The value's memory is the arena's. */
int conf_value_parse(struct arena *arena, const struct conf_row *row, struct str text, bool is_item,
                     struct conf_value *value, struct err *err);

/* Value to text. */
struct str conf_value_print(struct arena *arena, const struct conf_row *row,
                            const struct conf_value *value);

/* The forms of rows. */
bool conf_form_listen(struct str value);
bool conf_form_network(struct str value);
bool conf_form_url(struct str value);
bool conf_form_database(struct str value);
bool conf_form_storage(struct str value);
bool conf_form_banner(struct str value);
bool conf_form_proxy(struct str value);
bool conf_form_certificates(struct str value);

#endif
