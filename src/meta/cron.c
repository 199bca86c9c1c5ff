/* meta/cron.c: schedules, the default parameters of actions, and the capacity of workers (meta/job.h). */
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/job.h"
#include "meta/statements.h"

enum {
    PUT,
    ADD,
    FIND,
    LIST,
    REMOVE,
    FIRST,
    DUE,
    MOVE_ON,
    CONFIG_PUT,
    CONFIG_FIND,
    CONFIG_LIST,
    CONFIG_REMOVE,
    CAPACITY_PUT,
    CAPACITY_LIST
};

/* An action has one row at most, and actions are a table of the program. */
enum { LIST_MAX = 1000 };

#define COLUMNS                                                                             \
    "action, uuid, schedule, parameters, capacity, deadline_us, stop_timeout_us, retries, " \
    "next_run, updated_at"
#define INSERT                    \
    "INSERT INTO crons (" COLUMNS \
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (action) DO "

/* clang-format off */
static const struct db_statement sql[] = {
    [PUT]           = { .name   = "cron.put",             .in = "tttttiiiii", .out = "",
                        .sql    = INSERT "UPDATE SET schedule = excluded.schedule, parameters = excluded.parameters,"
                                  " capacity = excluded.capacity, deadline_us = excluded.deadline_us,"
                                  " stop_timeout_us = excluded.stop_timeout_us, retries = excluded.retries,"
                                  " next_run = excluded.next_run, updated_at = excluded.updated_at" },
    [ADD]           = { .name   = "cron.add",             .in = "tttttiiiii", .out = "",
                        .sql    = INSERT "NOTHING" },
    [FIND]          = { .name   = "cron.find",            .in = "t",   .out = "tttttiiiii",
                        .sql    = "SELECT " COLUMNS " FROM crons WHERE action = $1" },
    [LIST]          = { .name   = "cron.list",            .in = "",    .out = "tttttiiiii",
                        .sql    = "SELECT " COLUMNS " FROM crons ORDER BY action" },
    [REMOVE]        = { .name   = "cron.remove",          .in = "t",   .out = "",
                        .sql    = "DELETE FROM crons WHERE action = $1" },
    [FIRST]         = { .name   = "cron.first",           .in = "",    .out = "i",
                        .sql    = "SELECT next_run FROM crons ORDER BY next_run LIMIT 1" },
    [DUE]           = { .name   = "cron.due",             .in = "ti",  .out = "tttttiiiii",
                        .sqlite = "SELECT " COLUMNS " FROM crons WHERE action = $1 AND next_run <= $2",
                        .pg     = "SELECT " COLUMNS " FROM crons WHERE action = $1 AND next_run <= $2 FOR UPDATE SKIP LOCKED" },
    [MOVE_ON]       = { .name   = "cron.move_on",         .in = "ti",  .out = "",
                        .sql    = "UPDATE crons SET next_run = $2 WHERE action = $1" },
    [CONFIG_PUT]    = { .name   = "action_config.put",    .in = "ttti", .out = "",
                        .sql    = "INSERT INTO action_configs (action, uuid, parameters, updated_at) VALUES ($1, $2, $3, $4)"
                                  " ON CONFLICT (action) DO UPDATE SET parameters = excluded.parameters,"
                                  " updated_at = excluded.updated_at" },
    [CONFIG_FIND]   = { .name   = "action_config.find",   .in = "t",   .out = "ttti",
                        .sql    = "SELECT action, uuid, parameters, updated_at FROM action_configs WHERE action = $1" },
    [CONFIG_LIST]   = { .name   = "action_config.list",   .in = "",    .out = "ttti",
                        .sql    = "SELECT action, uuid, parameters, updated_at FROM action_configs ORDER BY action" },
    [CONFIG_REMOVE] = { .name   = "action_config.remove", .in = "t",   .out = "",
                        .sql    = "DELETE FROM action_configs WHERE action = $1" },
    [CAPACITY_PUT]  = { .name   = "capacity.put",         .in = "tti", .out = "",
                        .sql    = "INSERT INTO worker_capacity (worker_id, action, capacity) VALUES ($1, $2, $3)"
                                  " ON CONFLICT (worker_id, action) DO UPDATE SET capacity = excluded.capacity" },
    [CAPACITY_LIST] = { .name   = "capacity.list",        .in = "t",   .out = "ti",
                        .sql    = "SELECT action, capacity FROM worker_capacity WHERE worker_id = $1 ORDER BY action" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_cron, action),
    DB_COL_TEXT(struct meta_cron, uuid),
    DB_COL_TEXT(struct meta_cron, schedule),
    DB_COL_TEXT(struct meta_cron, parameters),
    DB_COL_TEXT(struct meta_cron, capacity),
    DB_COL_INT (struct meta_cron, deadline_us),
    DB_COL_INT (struct meta_cron, stop_timeout_us),
    DB_COL_INT (struct meta_cron, retries),
    DB_COL_INT (struct meta_cron, next_run),
    DB_COL_INT (struct meta_cron, updated_at),
};

static const struct db_column config_columns[] = {
    DB_COL_TEXT(struct meta_action_config, action),
    DB_COL_TEXT(struct meta_action_config, uuid),
    DB_COL_TEXT(struct meta_action_config, parameters),
    DB_COL_INT (struct meta_action_config, updated_at),
};

static const struct db_column capacity_columns[] = {
    DB_COL_TEXT(struct meta_capacity, action),
    DB_COL_INT (struct meta_capacity, capacity),
};
/* clang-format on */

META_STATEMENTS(cron);

static struct db_value json(struct str text)
{
    return db_text(text.p == NULL ? STR("{}") : text);
}

static int insert(struct db_tx *tx, const struct db_statement *statement,
                  const struct meta_cron *cron, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    return db_run(tx, statement,
                  DB_ARGS(db_text(cron->action), db_text(str_from(uuid)), db_text(cron->schedule),
                          json(cron->parameters), json(cron->capacity), db_int(cron->deadline_us),
                          db_int(cron->stop_timeout_us), db_int(cron->retries),
                          db_int(cron->next_run), db_int(db_now(tx))),
                  NULL, err);
}

int meta_cron_put(struct db_tx *tx, const struct meta_cron *cron, struct err *err)
{
    return insert(tx, &sql[PUT], cron, err);
}

int meta_cron_add(struct db_tx *tx, const struct meta_cron *cron, struct err *err)
{
    return insert(tx, &sql[ADD], cron, err);
}

int meta_cron_find(struct db_tx *tx, struct arena *arena, struct str action, struct meta_cron *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(action)), columns, out, err);
}

int meta_cron_list(struct db_tx *tx, struct arena *arena, struct meta_cron **out, size_t *n_out,
                   struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[LIST], DB_NO_ARGS, columns, sizeof(**out), LIST_MAX, &list,
                         n_out, err);

    *out = list;
    return done;
}

int meta_cron_remove(struct db_tx *tx, struct str action, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_text(action)), out_n, err);
}

int meta_cron_first(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[FIRST], DB_NO_ARGS, out, err);
}

int meta_cron_due(struct db_tx *tx, struct arena *arena, struct str action, struct meta_cron *out,
                  struct err *err)
{
    return db_find(tx, arena, &sql[DUE], DB_ARGS(db_text(action), db_int(db_now(tx))), columns, out,
                   err);
}

int meta_cron_move_on(struct db_tx *tx, struct str action, int64_t next_run, struct err *err)
{
    return db_run(tx, &sql[MOVE_ON], DB_ARGS(db_text(action), db_int(next_run)), NULL, err);
}

int meta_action_config_put(struct db_tx *tx, struct str action, struct str parameters,
                           struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    return db_run(tx, &sql[CONFIG_PUT],
                  DB_ARGS(db_text(action), db_text(str_from(uuid)), json(parameters),
                          db_int(db_now(tx))),
                  NULL, err);
}

int meta_action_config_find(struct db_tx *tx, struct arena *arena, struct str action,
                            struct meta_action_config *out, struct err *err)
{
    return db_find(tx, arena, &sql[CONFIG_FIND], DB_ARGS(db_text(action)), config_columns, out,
                   err);
}

int meta_action_config_list(struct db_tx *tx, struct arena *arena, struct meta_action_config **out,
                            size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[CONFIG_LIST], DB_NO_ARGS, config_columns, sizeof(**out),
                         LIST_MAX, &list, n_out, err);

    *out = list;
    return done;
}

int meta_action_config_remove(struct db_tx *tx, struct str action, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[CONFIG_REMOVE], DB_ARGS(db_text(action)), out_n, err);
}

int meta_capacity_put(struct db_tx *tx, struct str worker_id, struct str action, int64_t capacity,
                      struct err *err)
{
    return db_run(tx, &sql[CAPACITY_PUT],
                  DB_ARGS(db_text(worker_id), db_text(action), db_int(capacity)), NULL, err);
}

int meta_capacity_list(struct db_tx *tx, struct arena *arena, struct str worker_id,
                       struct meta_capacity **out, size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[CAPACITY_LIST], DB_ARGS(db_text(worker_id)),
                         capacity_columns, sizeof(**out), LIST_MAX, &list, n_out, err);

    *out = list;
    return done;
}
