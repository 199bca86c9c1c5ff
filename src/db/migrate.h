/* db/migrate.h: brings a database to the schema of this program and refuses those it does not know.
 *
 * Migrations are numbered SQL files (sql/migrations/NNNN-name.sql, one text for both engines where
 * possible; a file NNNN-name.sqlite.sql or .pg.sql stands in for an engine; sql/README.md) that are built
 * into the program. They only go forward, and each runs in one transaction. Schema changes expand first and contract
 * a release later: a database says in its row `schema` which versions of the program may use it
 * (schema_min: oldest program version that still runs on it; schema_max: the version it is at). A program
 * whose own schema number is below schema_min, or a database newer than the program with schema_min above
 * it, is refused with ERR_UNSUPPORTED and a sentence saying what to install. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stdint.h>

struct db;
struct err;

struct db_migration {
    int         number;
    const char *name;
    const char *sqlite; /* the text for each engine */
    const char *pg;
    int         schema_min; /* oldest program schema that can still use the result */
};

/* Generated from sql/migrations at build time. */
extern const struct db_migration db_migrations[];
extern const int                 db_n_migrations;

/* The schema that a database is at, 0 for an empty one. Changes nothing. */
int db_schema(struct db *db, int *out, struct err *err);

/* Applies what is missing; out_from, out_to may be null. out_to is the schema of the database afterwards,
 * which may be newer than ours. */
int db_migrate(struct db *db, int *out_from, int *out_to, struct err *err);

/* The same with a list of one's own, for tests: its last number is the program's schema. */
int db_migrate_list(struct db *db, const struct db_migration *list, int n, int *out_from,
                    int *out_to, struct err *err);

#endif
