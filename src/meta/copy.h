/* meta/copy.h: whole tables, for moving a registry from one database to another, whatever their engines.
 *
 * The list below names every table of the schema and every column that is moved; from it the statements
 * are made, so that a new table is a new row here (a test compares the list with the database's own
 * catalogue). Tables stand in the order in which foreign keys allow them to be filled. Left out are the
 * table `schema`, which the target's migrations write, and the columns `xid`: they are the engine's own
 * mark of the order of commits, and rows that arrive in one transaction are ordered by their id.
 *
 * A page is some rows in the order of the table's key, as values that live in the arena it was read
 * into. One thread; a struct meta_copy and what is read through it must outlive the databases'
 * connections (statements are known by their address). */
#ifndef META_COPY_H
#define META_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct db_statements;
struct db_tx;
struct db_value;
struct err;
struct meta_copy;

struct meta_copy_table {
    const char *name;
    const char *columns; /* "repo_id, name, …": those of the primary key first, in its order */
    const char *kinds;   /* a letter a column: i int, I int that may be NULL, t text, b blob */
    size_t      n_key;
    size_t      n_page;    /* rows read and written at once: few where rows are large */
    bool        has_id;    /* the key is an identity, whose next value is moved too */
    bool        is_seeded; /* a migration makes its first rows: it is never empty */
};

extern const struct meta_copy_table meta_copy_tables[];
extern const size_t                 meta_copy_n_tables;

/* The statements for all tables. */
struct meta_copy *meta_copy_new(struct arena *arena);

/* Those of one table, for the test that prepares every statement. */
const struct db_statements *meta_copy_table_statements(const struct meta_copy *copy, size_t table);

struct meta_copy_page {
    const struct db_value *values; /* row by row */
    size_t                 n_rows; /* fewer than the table's n_page: the last page */
};

/* A row of a page. */
const struct db_value *meta_copy_row(size_t table, const struct meta_copy_page *page, size_t i);

/* The rows that follow the row `after` in the order of the key; null: the first ones. */
int meta_copy_read(const struct meta_copy *copy, struct db_tx *tx, struct arena *arena,
                   size_t table, const struct db_value *after, struct meta_copy_page *out,
                   struct err *err);

/* Inserts a page as it is, ids included. */
int meta_copy_write(const struct meta_copy *copy, struct db_tx *tx, size_t table,
                    const struct meta_copy_page *page, struct err *err);

int meta_copy_count(const struct meta_copy *copy, struct db_tx *tx, size_t table, int64_t *out,
                    struct err *err);

/* Removes the rows that a fresh database has. Only of tables with is_seeded. */
int meta_copy_clear(const struct meta_copy *copy, struct db_tx *tx, size_t table, struct err *err);

/* The last id that was given out, whether or not its row is still there; 0: none. Only of tables with
 * has_id. On PostgreSQL setting it is not undone by an abort, which does no harm. */
int meta_copy_last_id(struct db_tx *tx, size_t table, int64_t *out, struct err *err);
int meta_copy_set_last_id(struct db_tx *tx, size_t table, int64_t last_id, struct err *err);

/* A row in the canonical form (docs/formats.md): equal rows give equal bytes on every engine. */
void meta_copy_print_row(size_t table, const struct db_value *row, struct buf *out);

/* The key of a row, for people: "repo_id=3 name=latest". */
const char *meta_copy_print_key(struct arena *arena, size_t table, const struct db_value *row);

#endif
