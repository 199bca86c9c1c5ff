/* db/migrate.c: one transaction a migration, and in it the row that says so. Several programs may start on
 * one database: each step waits for its turn, reads the row again and does what is still missing. */
#include "db/migrate.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/driver.h"

struct version {
    int64_t schema_min;
    int64_t schema_max;
};

enum { HAS_SCHEMA, READ_SCHEMA, WRITE_SCHEMA };

/* clang-format off */
static const struct db_statement sql[] = {
    [HAS_SCHEMA]   = { .name = "schema.has",   .in = "",    .out = "i",
                       .sqlite = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema'",
                       .pg     = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema'" },
    [READ_SCHEMA]  = { .name = "schema.read",  .in = "",    .out = "ii",
                       .sql    = "SELECT schema_min, schema_max FROM schema WHERE id = 1",
                       .pg     = "SELECT schema_min, schema_max FROM schema WHERE id = 1 FOR UPDATE" },
    [WRITE_SCHEMA] = { .name = "schema.write", .in = "iii", .out = "",
                       .sql    = "INSERT INTO schema (id, schema_min, schema_max, migrated_at) VALUES (1, $1, $2, $3)"
                                 " ON CONFLICT (id) DO UPDATE SET schema_min = excluded.schema_min,"
                                 " schema_max = excluded.schema_max, migrated_at = excluded.migrated_at" },
};

static const struct db_column version_columns[] = {
    DB_COL_INT(struct version, schema_min),
    DB_COL_INT(struct version, schema_max),
};
/* clang-format on */

/* Several nodes may come to an empty PostgreSQL at once, where there is no row to lock yet. As a script it has
 * no deadline: a migration may be long. The number is any, and the same in all releases. */
static const char turn_pg[] = "SELECT pg_advisory_xact_lock(4991216380)";

static int take_turn(struct db_tx *tx, const struct db *db, struct err *err)
{
    return db->driver == &db_sqlite ? 0 : db_run_script(tx, str_from(turn_pg), err);
}

/* An empty database is at 0. */
static int read_version(struct db_tx *tx, struct version *out, struct err *err)
{
    int64_t has = 0;

    if (db_find_int(tx, &sql[HAS_SCHEMA], DB_NO_ARGS, &has, err) < 0)
        return -1;
    if (has == 0) {
        *out = (struct version){ .schema_max = 0 };
        return 0;
    }

    int found = db_find(tx, NULL, &sql[READ_SCHEMA], DB_NO_ARGS, version_columns, out, err);
    if (found == 0)
        return err_set_corrupt(err, "the database has a table schema without its row");
    return found < 0 ? -1 : 0;
}

int db_schema(struct db *db, int *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct version               version;

    /* Reading it locks the row, which a transaction that only reads may not. */
    if (db_begin(db, DB_WRITE, "read schema", &tx, err) < 0 || read_version(tx, &version, err) < 0)
        return -1;
    *out = (int)version.schema_max;
    return 0;
}

static int refuse_newer(const struct version *version, int64_t ours, struct err *err)
{
    if (version->schema_min <= ours)
        return 0;
    return err_set(
        err, ERR_UNSUPPORTED,
        "the database is at schema %lld and needs a program of schema %lld or later, this one "
        "has %lld: install a newer assay",
        (long long)version->schema_max, (long long)version->schema_min, (long long)ours);
}

static const struct db_migration *find_next(const struct db_migration *list, int n, int64_t version)
{
    for (int i = 0; i < n; i++) {
        if (list[i].number > version)
            return &list[i];
    }
    return NULL;
}

static int apply(struct db_tx *tx, const struct db *db, const struct db_migration *migration,
                 struct err *err)
{
    bool        is_sqlite = db->driver == &db_sqlite;
    const char *script    = is_sqlite ? migration->sqlite : migration->pg;

    if (db_run_script(tx, str_from(script), err) < 0 ||
        db_run(tx, &sql[WRITE_SCHEMA],
               DB_ARGS(db_int(migration->schema_min), db_int(migration->number),
                       db_int(db_now(tx))),
               NULL, err) < 0)
        return err_wrap(err, "migration %d (%s)", migration->number, migration->name);
    return 0;
}

/* One step: 1 applied, 0 nothing was missing, -1. `version` is what was there before it. */
static int step(struct db *db, const struct db_migration *list, int n, struct version *version,
                struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (failpoint(FP_MIGRATE, err) < 0 || db_begin(db, DB_WRITE, "migrate", &tx, err) < 0 ||
        take_turn(tx, db, err) < 0 || read_version(tx, version, err) < 0 ||
        refuse_newer(version, list[n - 1].number, err) < 0)
        return -1;

    const struct db_migration *missing = find_next(list, n, version->schema_max);
    if (missing == NULL)
        return 0;
    if (apply(tx, db, missing, err) < 0 || failpoint(FP_MIGRATE_APPLIED, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_MIGRATED, err) < 0)
        return -1;
    return 1;
}

int db_migrate_list(struct db *db, const struct db_migration *list, int n, int *out_from,
                    int *out_to, struct err *err)
{
    struct version version;
    int            from = -1;
    int            did;

    ASSERT(n > 0);
    do {
        did = step(db, list, n, &version, err);
        if (did < 0)
            return -1;
        if (from < 0)
            from = (int)version.schema_max;
    } while (did > 0);

    if (out_from != NULL)
        *out_from = from;
    if (out_to != NULL)
        *out_to = (int)version.schema_max;
    return 0;
}

int db_migrate(struct db *db, int *out_from, int *out_to, struct err *err)
{
    return db_migrate_list(db, db_migrations, db_n_migrations, out_from, out_to, err);
}
