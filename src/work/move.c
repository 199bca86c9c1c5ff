/* work/move.c: the steps of a move, in order: both at one schema, nobody at work, target empty; copy, check,
 * commit. A walk is a table seen row by row, a page at a time. */
#include "work/move.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "db/db.h"
#include "db/migrate.h"
#include "io/clock.h"
#include "meta/copy.h"
#include "meta/outbox.h"
#include "meta/registry.h"

/* Three heartbeats (cmd/upkeep.c). */
#define ALIVE_US (INT64_C(30) * 1000000)

enum { ROW_MAX = 64 * 1024 * 1024 };

struct moving {
    const struct work_move *move;
    struct meta_copy       *copy;
    struct db_tx           *from;
    struct db_tx           *to;
    struct work_move_step   step;
    int64_t                 begun_at;
};

/* -- a table row by row ------------------------------------------------------------------------------- */

struct walk {
    const struct meta_copy *copy;
    struct db_tx           *tx;
    size_t                  table;
    struct arena           *arena; /* of the page */
    struct meta_copy_page   page;
    size_t                  next; /* in the page */
    bool                    is_begun;
    bool                    is_last; /* page */
};

static void walk_end(struct walk *walk)
{
    arena_free(&walk->arena);
}

/* The page before lives until the next one is there: its last row says where that begins. */
static int walk_page(struct walk *walk, struct err *err)
{
    const struct db_value *after = NULL;
    struct arena          *arena = arena_new();

    if (walk->is_begun)
        after = meta_copy_row(walk->table, &walk->page, walk->page.n_rows - 1);
    int done = meta_copy_read(walk->copy, walk->tx, arena, walk->table, after, &walk->page, err);

    arena_free(&walk->arena);
    walk->arena    = arena;
    walk->next     = 0;
    walk->is_begun = true;
    walk->is_last  = done < 0 || walk->page.n_rows < meta_copy_tables[walk->table].n_page;
    return done;
}

/* 1 and a row that lives until the next call, 0, -1. */
static int walk_row(struct walk *walk, const struct db_value **out, struct err *err)
{
    if (walk->next == walk->page.n_rows && !walk->is_last && walk_page(walk, err) < 0)
        return -1;
    if (walk->next == walk->page.n_rows)
        return 0;
    *out = meta_copy_row(walk->table, &walk->page, walk->next++);
    return 1;
}

/* -- telling ------------------------------------------------------------------------------------------ */

static void begin_table(struct moving *m, size_t table, bool is_check)
{
    m->begun_at      = clock_monotonic_us();
    m->step.is_check = is_check;
    m->step.is_done  = false;
    m->step.table    = meta_copy_tables[table].name;
    m->step.n_rows   = 0;
    m->step.sha256   = NULL;
}

static int tell(struct moving *m, int64_t n_more, struct err *err)
{
    m->step.n_rows += n_more;
    m->step.elapsed_us = clock_monotonic_us() - m->begun_at;
    return m->move->report(m->move->context, &m->step, err);
}

static int tell_end(struct moving *m, const char *sha256, struct err *err)
{
    m->step.is_done = true;
    m->step.sha256  = sha256;
    return tell(m, 0, err);
}

/* -- before ------------------------------------------------------------------------------------------- */

/* What a newer program has added to the schema would be left behind. */
static int bring_to_schema(struct db *db, struct err *err)
{
    int to;

    if (db_migrate(db, NULL, &to, err) < 0)
        return -1;
    if (to == db_migrations[db_n_migrations - 1].number)
        return 0;
    return err_set(err, ERR_UNSUPPORTED,
                   "it is at schema %d and this program knows %d: move it with the assay that "
                   "served it last",
                   to, db_migrations[db_n_migrations - 1].number);
}

/* Cursors that only the source's engine understands would be lost on the way. */
static int settle_cursors(struct db *db, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(db, DB_WRITE, "settle cursors", &tx, err) < 0 || meta_outbox_settle(tx, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int prepare(const struct work_move *move, struct err *err)
{
    int schema = 0;

    if (db_schema(move->from, &schema, err) < 0)
        return err_wrap(err, "source");
    if (schema == 0)
        return err_set(err, ERR_NOT_FOUND, "source: there is no registry in this database");
    if (bring_to_schema(move->from, err) < 0 || settle_cursors(move->from, err) < 0)
        return err_wrap(err, "source");
    if (bring_to_schema(move->to, err) < 0)
        return err_wrap(err, "target");
    return 0;
}

static bool is_own(const struct work_move *move, struct str node)
{
    for (size_t i = 0; i < move->n_own_nodes; i++) {
        if (str_eq(move->own_nodes[i], node))
            return true;
    }
    return false;
}

static int check_stopped(struct moving *m, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                    *nodes;
    size_t                         n;

    if (meta_node_list_alive(m->from, arena, db_now(m->from) - ALIVE_US, &nodes, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!is_own(m->move, nodes[i]))
            return err_set(err, ERR_CONFLICT,
                           "source: node " STR_FMT
                           " serves it, or was killed less than %d s ago: stop every server first",
                           STR_ARGS(nodes[i]), (int)(ALIVE_US / 1000000));
    }
    return 0;
}

static int check_empty(struct moving *m, struct err *err)
{
    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_copy_page          page;

        if (meta_copy_tables[i].is_seeded)
            continue;
        if (meta_copy_read(m->copy, m->to, arena, i, NULL, &page, err) < 0)
            return -1;
        if (page.n_rows > 0)
            return err_set(err, ERR_CONFLICT,
                           "target: the database is not empty: table %s has rows; a move wants a "
                           "database of its own",
                           meta_copy_tables[i].name);
    }
    return 0;
}

/* -- copying ------------------------------------------------------------------------------------------ */

static int copy_rows(struct moving *m, struct walk *walk, struct err *err)
{
    do {
        if (walk_page(walk, err) < 0 ||
            meta_copy_write(m->copy, m->to, walk->table, &walk->page, err) < 0 ||
            tell(m, (int64_t)walk->page.n_rows, err) < 0)
            return -1;
    } while (!walk->is_last);
    return 0;
}

/* The next id goes on where the source was, even when its last rows are gone. */
static int copy_last_id(struct moving *m, size_t table, struct err *err)
{
    int64_t wanted = 0;
    int64_t got    = 0;

    if (!meta_copy_tables[table].has_id)
        return 0;
    if (meta_copy_last_id(m->from, table, &wanted, err) < 0)
        return -1;
    if (wanted > 0 && meta_copy_set_last_id(m->to, table, wanted, err) < 0)
        return -1;
    if (meta_copy_last_id(m->to, table, &got, err) < 0)
        return -1;
    return got == wanted ? 0
                         : err_set_corrupt(err, "the last id is %lld and should be %lld",
                                           (long long)got, (long long)wanted);
}

static int copy_table(struct moving *m, size_t table, struct err *err)
{
    AUTO(walk_end) struct walk walk = { .copy = m->copy, .tx = m->from, .table = table };

    begin_table(m, table, false);
    if (meta_copy_tables[table].is_seeded && meta_copy_clear(m->copy, m->to, table, err) < 0)
        return -1;
    if (meta_copy_count(m->copy, m->from, table, &m->step.n_total, err) < 0 ||
        copy_rows(m, &walk, err) < 0 || copy_last_id(m, table, err) < 0)
        return -1;
    return tell_end(m, NULL, err);
}

/* -- checking ----------------------------------------------------------------------------------------- */

/* A database in the comparison: where it is, the row at hand, and what it has told so far. */
struct side {
    struct walk            walk;
    const struct db_value *row;
    struct arena          *arena;
    struct buf             form; /* of the row */
    struct hash            hash;
    int64_t                n_rows;
};

static void side_init(struct side *side, const struct moving *m, struct db_tx *tx, size_t table)
{
    *side       = (struct side){ .walk = { .copy = m->copy, .tx = tx, .table = table } };
    side->arena = arena_new();
    buf_init(&side->form, side->arena, ROW_MAX);
    hash_init(&side->hash, HASH_SHA256);
}

static void side_end(struct side *side)
{
    walk_end(&side->walk);
    arena_free(&side->arena);
}

/* 1, 0, -1 */
static int side_next(struct side *side, struct err *err)
{
    struct str form;
    int        got = walk_row(&side->walk, &side->row, err);

    if (got <= 0)
        return got;
    buf_reset(&side->form);
    meta_copy_print_row(side->walk.table, side->row, &side->form);
    if (buf_finish(&side->form, &form, err) < 0)
        return -1;
    hash_add(&side->hash, form.p, form.n);
    side->n_rows++;
    return 1;
}

static int tell_difference(const struct side *at, const char *what, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    return err_set_corrupt(err, "row %s %s", meta_copy_print_key(arena, at->walk.table, at->row),
                           what);
}

/* The next row of both: 1 they are equal, 0 there is none, -1. */
static int check_row(struct side *from, struct side *to, struct err *err)
{
    int got_from = side_next(from, err);
    int got_to   = got_from < 0 ? -1 : side_next(to, err);

    if (got_to < 0)
        return -1;
    if (got_from < got_to)
        return tell_difference(to, "is in the target and not in the source", err);
    if (got_from > got_to)
        return tell_difference(from, "did not arrive", err);
    if (got_from == 0 || str_eq(buf_view(&from->form), buf_view(&to->form)))
        return got_from;
    return tell_difference(from, "is another one in the target", err);
}

static int check_rows(struct moving *m, struct side *from, struct side *to, struct err *err)
{
    char sha256[2][HASH_HEX_MAX];
    int  got;

    while ((got = check_row(from, to, err)) > 0) {
        if (tell(m, 1, err) < 0)
            return -1;
    }
    if (got < 0)
        return -1;

    hash_finish_hex(&from->hash, sha256[0]);
    hash_finish_hex(&to->hash, sha256[1]);
    if (from->n_rows != m->step.n_total || to->n_rows != from->n_rows ||
        !str_eq(str_from(sha256[0]), str_from(sha256[1])))
        return err_set_corrupt(err, "%lld rows of %lld in the target, sha256 %s and %s",
                               (long long)to->n_rows, (long long)m->step.n_total, sha256[1],
                               sha256[0]);
    return tell_end(m, sha256[1], err);
}

static int check_table(struct moving *m, size_t table, struct err *err)
{
    AUTO(side_end) struct side from = { 0 };
    AUTO(side_end) struct side to   = { 0 };

    begin_table(m, table, true);
    side_init(&from, m, m->from, table);
    side_init(&to, m, m->to, table);
    if (meta_copy_count(m->copy, m->from, table, &m->step.n_total, err) < 0)
        return -1;
    return check_rows(m, &from, &to, err);
}

/* -- all of it ---------------------------------------------------------------------------------------- */

static int each_table(struct moving *m, int (*run)(struct moving *m, size_t table, struct err *err),
                      int64_t *out_rows, struct err *err)
{
    *out_rows = 0;
    for (size_t i = 0; i < meta_copy_n_tables; i++) {
        if (run(m, i, err) < 0)
            return err_wrap(err, "table %s", meta_copy_tables[i].name);
        *out_rows += m->step.n_rows;
    }
    return 0;
}

int work_move(const struct work_move *move, struct work_move_sum *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *from = NULL;
    AUTO(db_abort) struct db_tx *to   = NULL;
    struct moving                m    = { .move = move };
    int64_t                      n_copied, n_checked;

    if (prepare(move, err) < 0 || db_begin(move->from, DB_READ, "move from", &from, err) < 0 ||
        db_begin(move->to, DB_WRITE, "move to", &to, err) < 0)
        return -1;
    m.copy = meta_copy_new(move->arena);
    m.from = from;
    m.to   = to;
    if (check_stopped(&m, err) < 0 || check_empty(&m, err) < 0 ||
        each_table(&m, copy_table, &n_copied, err) < 0 ||
        each_table(&m, check_table, &n_checked, err) < 0)
        return -1;
    ASSERT(n_copied == n_checked);
    if (db_commit(&to, err) < 0)
        return err_wrap(err, "target");
    *out = (struct work_move_sum){ .n_tables = meta_copy_n_tables, .n_rows = n_checked };
    return 0;
}
