/* meta/registry.c: named values, settings and nodes. */
#include "meta/registry.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    LOCK,
    GET,
    SET,
    SETTING_LIST,
    SETTING_GET,
    SETTING_PUT,
    SETTING_ADD,
    VERSION,
    NEXT_VERSION,
    NODE_BEAT,
    NODE_REMOVE,
    NODE_ALIVE,
    NODE_LIST
};

enum { SETTINGS_MAX = 10000, NODES_MAX = 1000 };

/* clang-format off */
static const struct db_statement sql[] = {
    [LOCK]         = { .name   = "registry.lock",       .in = "",     .out = "i",
                       .sqlite = "SELECT 1",
                       .pg     = "SELECT 1 FROM pg_advisory_xact_lock(4991216381)" },
    [GET]          = { .name = "registry.get",          .in = "t",    .out = "t",
                       .sql  = "SELECT value FROM registry WHERE name = $1" },
    [SET]          = { .name = "registry.set",          .in = "tt",   .out = "",
                       .sql  = "INSERT INTO registry (name, value) VALUES ($1, $2)"
                               " ON CONFLICT (name) DO UPDATE SET value = excluded.value" },
    [SETTING_LIST] = { .name = "setting.list",          .in = "",     .out = "ttii",
                       .sql  = "SELECT key, value, version, changed_at FROM settings ORDER BY key" },
    [SETTING_GET]  = { .name = "setting.get",           .in = "t",    .out = "t",
                       .sql  = "SELECT value FROM settings WHERE key = $1" },
    [SETTING_PUT]  = { .name = "setting.put",           .in = "ttii", .out = "",
                       .sql  = "INSERT INTO settings (key, value, version, changed_at) VALUES ($1, $2, $3, $4)"
                               " ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version,"
                               " changed_at = excluded.changed_at" },
    [SETTING_ADD]  = { .name = "setting.add",           .in = "tti",  .out = "",
                       .sql  = "INSERT INTO settings (key, value, version, changed_at) VALUES ($1, $2,"
                               " coalesce((SELECT version FROM settings_version WHERE id = 1), 0) + 1, $3)"
                               " ON CONFLICT (key) DO NOTHING" },
    [VERSION]      = { .name = "settings_version.get",  .in = "",     .out = "i",
                       .sql  = "SELECT version FROM settings_version WHERE id = 1" },
    [NEXT_VERSION] = { .name = "settings_version.next", .in = "",     .out = "i",
                       .sql  = "INSERT INTO settings_version (id, version) VALUES (1, 1)"
                               " ON CONFLICT (id) DO UPDATE SET version = settings_version.version + 1 RETURNING version" },
    [NODE_BEAT]    = { .name = "node.beat",             .in = "ttii", .out = "",
                       .sql  = "INSERT INTO nodes (id, version, protocol, started_at, heartbeat_at) VALUES ($1, $2, $3, $4, $4)"
                               " ON CONFLICT (id) DO UPDATE SET version = excluded.version, protocol = excluded.protocol,"
                               " heartbeat_at = excluded.heartbeat_at" },
    [NODE_REMOVE]  = { .name = "node.remove",           .in = "t",    .out = "",
                       .sql  = "DELETE FROM nodes WHERE id = $1" },
    [NODE_ALIVE]   = { .name = "node.list_alive",       .in = "i",    .out = "t",
                       .sql  = "SELECT id FROM nodes WHERE heartbeat_at >= $1 ORDER BY id" },
    [NODE_LIST]    = { .name = "node.list",             .in = "i",    .out = "ttii",
                       .sql  = "SELECT id, version, started_at, heartbeat_at FROM nodes WHERE heartbeat_at >= $1 ORDER BY id" },
};

static const struct db_column setting_columns[] = {
    DB_COL_TEXT(struct meta_setting, key),
    DB_COL_TEXT(struct meta_setting, value),
    DB_COL_INT (struct meta_setting, version),
    DB_COL_INT (struct meta_setting, changed_at),
};
static const struct db_column node_columns[] = {
    DB_COL_TEXT(struct meta_node, id),
    DB_COL_TEXT(struct meta_node, version),
    DB_COL_INT (struct meta_node, started_at),
    DB_COL_INT (struct meta_node, seen_at),
};
/* clang-format on */

META_STATEMENTS(registry);

static int read_number(const char *name, struct str word, int64_t *out, struct err *err)
{
    *out = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9' || *out > INT64_MAX / 10 - 1)
            return err_set_corrupt(err, "the registry's value %s", name);
        *out = *out * 10 + (word.p[i] - '0');
    }
    return 0;
}

int meta_registry_numbers(struct db_tx *tx, struct arena *arena, const char *name, int64_t *out,
                          size_t n, struct err *err)
{
    struct str text, word;
    int        found = meta_registry_get(tx, arena, name, &text, err);

    memset(out, 0, n * sizeof(*out));
    if (found < 1)
        return found;
    for (size_t i = 0; i < n && str_next(&text, ' ', &word); i++) {
        if (read_number(name, word, &out[i], err) < 0)
            return -1;
    }
    return 1;
}

int meta_registry_set_numbers(struct db_tx *tx, const char *name, const int64_t *numbers, size_t n,
                              struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     text;

    buf_init(&text, arena, 256);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%lld", i == 0 ? "" : " ", (long long)numbers[i]);
    return meta_registry_set(tx, name, buf_view(&text), err);
}

int meta_registry_lock(struct db_tx *tx, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[LOCK], DB_NO_ARGS, &one, err) < 0 ? -1 : 0;
}

int meta_registry_get(struct db_tx *tx, struct arena *arena, const char *name, struct str *out,
                      struct err *err)
{
    return db_find_text(tx, arena, &sql[GET], DB_ARGS(db_text(str_from(name))), out, err);
}

int meta_registry_set(struct db_tx *tx, const char *name, struct str value, struct err *err)
{
    return db_run(tx, &sql[SET], DB_ARGS(db_text(str_from(name)), db_text(value)), NULL, err);
}

int meta_setting_list(struct db_tx *tx, struct arena *arena, struct meta_setting **out,
                      size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[SETTING_LIST], DB_NO_ARGS, setting_columns,
                sizeof(struct meta_setting), SETTINGS_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_setting_get(struct db_tx *tx, struct arena *arena, struct str key, struct str *out,
                     struct err *err)
{
    return db_find_text(tx, arena, &sql[SETTING_GET], DB_ARGS(db_text(key)), out, err);
}

int meta_setting_put(struct db_tx *tx, struct str key, struct str value, struct err *err)
{
    int64_t version = 0;

    if (db_find_int(tx, &sql[NEXT_VERSION], DB_NO_ARGS, &version, err) < 0)
        return -1;
    return db_run(tx, &sql[SETTING_PUT],
                  DB_ARGS(db_text(key), db_text(value), db_int(version), db_int(db_now(tx))), NULL,
                  err);
}

int meta_setting_add(struct db_tx *tx, struct str key, struct str value, struct err *err)
{
    int64_t n_changed = 0;
    int64_t version   = 0;

    if (db_run(tx, &sql[SETTING_ADD], DB_ARGS(db_text(key), db_text(value), db_int(db_now(tx))),
               &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return 0;
    return db_find_int(tx, &sql[NEXT_VERSION], DB_NO_ARGS, &version, err) < 0 ? -1 : 0;
}

int meta_setting_version(struct db_tx *tx, int64_t *out, struct err *err)
{
    int64_t version = 0;

    if (db_find_int(tx, &sql[VERSION], DB_NO_ARGS, &version, err) < 0)
        return -1;
    *out = version;
    return 0;
}

int meta_node_beat(struct db_tx *tx, struct str id, struct str version, int64_t protocol,
                   struct err *err)
{
    return db_run(tx, &sql[NODE_BEAT],
                  DB_ARGS(db_text(id), db_text(version), db_int(protocol), db_int(db_now(tx))),
                  NULL, err);
}

int meta_node_remove(struct db_tx *tx, struct str id, struct err *err)
{
    return db_run(tx, &sql[NODE_REMOVE], DB_ARGS(db_text(id)), NULL, err);
}

int meta_node_list(struct db_tx *tx, struct arena *arena, int64_t since, struct meta_node **out,
                   size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[NODE_LIST], DB_ARGS(db_int(since)), node_columns,
                sizeof(struct meta_node), NODES_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_node_list_alive(struct db_tx *tx, struct arena *arena, int64_t since, struct str **out,
                         size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[NODE_ALIVE], DB_ARGS(db_int(since)), NODES_MAX, out, n_out,
                        err);
}
