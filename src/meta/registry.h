/* meta/registry.h: what the instance as a whole knows of itself: a few named values (the store's id, the
 * key file's fingerprint, …), the registry settings with their version, and the nodes that are alive.
 * As everywhere in meta/: functions run inside the given transaction, results live in the given arena,
 * a find returns 1, 0 or -1, and nothing here decides anything. */
#ifndef META_REGISTRY_H
#define META_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

int meta_registry_get(struct db_tx *tx, struct arena *arena, const char *name, struct str *out,
                      struct err *err);
int meta_registry_set(struct db_tx *tx, const char *name, struct str value, struct err *err);

/* A value that is a row of numbers, none of them below 0: 1, 0 all of them are 0, -1. */
int meta_registry_numbers(struct db_tx *tx, struct arena *arena, const char *name, int64_t *out,
                          size_t n, struct err *err);
int meta_registry_set_numbers(struct db_tx *tx, const char *name, const int64_t *numbers, size_t n,
                              struct err *err);

/* Until the transaction ends no other node is between asking what the instance has and writing it. */
int meta_registry_lock(struct db_tx *tx, struct err *err);

struct meta_setting {
    struct str key;
    struct str value;
    int64_t    version;
    int64_t    changed_at;
};

int meta_setting_list(struct db_tx *tx, struct arena *arena, struct meta_setting **out,
                      size_t *n_out, struct err *err);
int meta_setting_get(struct db_tx *tx, struct arena *arena, struct str key, struct str *out,
                     struct err *err);
/* Inserts or replaces; every change moves the one version of all settings on by one. */
int meta_setting_put(struct db_tx *tx, struct str key, struct str value, struct err *err);
/* Only when it is not there yet (first start). */
int meta_setting_add(struct db_tx *tx, struct str key, struct str value, struct err *err);
int meta_setting_version(struct db_tx *tx, int64_t *out,
                         struct err *err); /* 0 when there is none */

/* A node announces itself, and goes. id: 12 hex digits, stable on its data directory. */
int meta_node_beat(struct db_tx *tx, struct str id, struct str version, int64_t protocol,
                   struct err *err);
int meta_node_remove(struct db_tx *tx, struct str id, struct err *err);

struct meta_node {
    struct str id;
    struct str version;
    int64_t    started_at;
    int64_t    seen_at;
};

/* Those that announced themselves since then, by id. */
int meta_node_list(struct db_tx *tx, struct arena *arena, int64_t since, struct meta_node **out,
                   size_t *n_out, struct err *err);

/* The ids of those that announced themselves since then (µs of the database's clock). */
int meta_node_list_alive(struct db_tx *tx, struct arena *arena, int64_t since, struct str **out,
                         size_t *n_out, struct err *err);

#endif
