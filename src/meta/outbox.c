/* meta/outbox.c: readers of the outbox: spans, pages, cursors. */
#include "meta/outbox.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/event.h"
#include "meta/statements.h"

enum { REGISTER, IS_WAITING, TAKE, SNAPSHOT, FIRST, PAGE, MOVE, SETTLE };

/* The snapshot that sees nothing. */
#define NOTHING STR("1:1:")

#define OF_TEXT(text) "(" text ")::text::pg_snapshot"
#define NOT_BEFORE(text) "e.xid > '0' AND e.xid >= pg_snapshot_xmin(" OF_TEXT(text) ")"
#define SEEN_BY(text) "pg_visible_in_snapshot(e.xid, " OF_TEXT(text) ")"

#define AGAIN                                                                             \
    " ON CONFLICT (name) DO UPDATE SET alive_at = excluded.alive_at WHERE outbox_readers" \
    ".alive_at < excluded.alive_at - 3600000000"

/* clang-format off */
static const struct db_statement sql[] = {
    [REGISTER]   = { .name   = "outbox.register",   .in = "tii",  .out = "",
                     .sqlite = "INSERT INTO outbox_readers (name, event_id, alive_at) VALUES ($1, CASE WHEN $2 = 1 THEN 0"
                               " ELSE coalesce((SELECT max(id) FROM events), 0) END, $3)" AGAIN,
                     .pg     = "INSERT INTO outbox_readers (name, seen, span, alive_at)"
                               " SELECT $1, s.now, s.now, $3 FROM (SELECT CASE WHEN $2 = 1 THEN ''"
                               " ELSE pg_current_snapshot()::text END AS now) AS s" AGAIN },
    [IS_WAITING] = { .name   = "outbox.is_waiting", .in = "t",    .out = "i",
                     .sqlite = "SELECT 1 FROM outbox_readers AS r WHERE r.name = $1"
                               " AND EXISTS (SELECT 1 FROM events AS e WHERE e.id > r.event_id)",
                     .pg     = "SELECT 1 FROM outbox_readers AS r WHERE r.name = $1 AND CASE WHEN r.seen <> r.span OR r.span = ''"
                               " THEN true ELSE EXISTS (SELECT 1 FROM events AS e WHERE " NOT_BEFORE("r.span")
                               " AND NOT " SEEN_BY("r.span") ") END" },
    [TAKE]       = { .name   = "outbox.take",       .in = "tt",   .out = "ttit",
                     .sqlite = "SELECT seen, span, event_id, $2 FROM outbox_readers WHERE name = $1",
                     .pg     = "SELECT seen, span, event_id, ($2)::text FROM outbox_readers WHERE name = $1"
                               " FOR UPDATE SKIP LOCKED" },
    [SNAPSHOT]   = { .name   = "outbox.snapshot",   .in = "",     .out = "t",
                     .sqlite = "SELECT ''",
                     .pg     = "SELECT pg_current_snapshot()::text" },
    /* The fence keeps the planner from walking all ids from the oldest on. */
    [FIRST]      = { .name   = "outbox.first",      .in = "tt",   .out = "i",
                     .sqlite = "SELECT 0 WHERE $1 = $2",
                     .pg     = "SELECT min(n.id) FROM (SELECT e.id FROM events AS e WHERE " NOT_BEFORE("$1")
                               " AND NOT " SEEN_BY("$1") " AND " SEEN_BY("$2") " OFFSET 0) AS n HAVING count(*) > 0" },
    [PAGE]       = { .name   = "outbox.page",       .in = "ttii", .out = META_EVENT_KINDS,
                     .sqlite = "SELECT " META_EVENT_COLUMNS " FROM events AS e WHERE $1 = $2 AND e.id > $3 ORDER BY e.id LIMIT $4",
                     .pg     = "SELECT " META_EVENT_COLUMNS " FROM events AS e WHERE NOT " SEEN_BY("$1") " AND " SEEN_BY("$2")
                               " AND e.id > $3 ORDER BY e.id LIMIT $4" },
    [MOVE]       = { .name   = "outbox.move",       .in = "ttti", .out = "",
                     .sql    = "UPDATE outbox_readers SET seen = $2, span = $3, event_id = $4 WHERE name = $1" },
    [SETTLE]     = { .name   = "outbox.settle",     .in = "",     .out = "",
                     .sqlite = "UPDATE outbox_readers SET seen = '', span = '' WHERE span <> ''",
                     .pg     = "UPDATE outbox_readers AS r SET seen = '', span = '', event_id = coalesce("
                               "(SELECT min(e.id) - 1 FROM events AS e WHERE " NOT_BEFORE("r.seen")
                               " AND NOT " SEEN_BY("r.seen") " AND (e.id > r.event_id OR NOT " SEEN_BY("r.span") ")),"
                               " (SELECT max(e.id) FROM events AS e), 0) WHERE r.span <> ''" },
};

static const struct db_column cursor_columns[] = {
    DB_COL_TEXT(struct meta_outbox_cursor, seen),
    DB_COL_TEXT(struct meta_outbox_cursor, span),
    DB_COL_INT (struct meta_outbox_cursor, event_id),
    DB_COL_TEXT(struct meta_outbox_cursor, now),
};
/* clang-format on */

META_STATEMENTS(outbox);

int meta_outbox_register(struct db_tx *tx, struct str name, bool from_start, struct err *err)
{
    return db_run(tx, &sql[REGISTER],
                  DB_ARGS(db_text(name), db_int(from_start), db_int(db_now(tx))), NULL, err);
}

int meta_outbox_is_waiting(struct db_tx *tx, struct str name, struct err *err)
{
    int64_t ignored_one; /* only whether there is a row */

    return db_find_int(tx, &sql[IS_WAITING], DB_ARGS(db_text(name)), &ignored_one, err);
}

/* The snapshot comes before the lock, which makes the transaction one of those that write: of that it would believe
 * that its own events are to be read already. */
int meta_outbox_take(struct db_tx *tx, struct arena *arena, struct str name,
                     struct meta_outbox_cursor *out, struct err *err)
{
    struct str now;

    if (db_find_text(tx, arena, &sql[SNAPSHOT], DB_NO_ARGS, &now, err) < 0)
        return -1;
    return db_find(tx, arena, &sql[TAKE], DB_ARGS(db_text(name), db_text(now)), cursor_columns, out,
                   err);
}

/* 1 the cursor has a span to read, or needs none; 0 nothing has become readable; -1. Another node may have moved the
 * cursor since `now` was looked at: then nothing is new in it. */
static int open_span(struct db_tx *tx, struct meta_outbox_cursor *cursor, struct err *err)
{
    bool    is_first = cursor->span.n == 0;
    int64_t first;

    if (cursor->now.n == 0 || !str_eq(cursor->seen, cursor->span))
        return 1;
    cursor->span = cursor->now;
    if (is_first) {
        cursor->seen = NOTHING;
        return 1;
    }
    int found = db_find_int(tx, &sql[FIRST], DB_ARGS(db_text(cursor->seen), db_text(cursor->span)),
                            &first, err);
    if (found == 1)
        cursor->event_id = first - 1;
    return found;
}

static void close_span(struct meta_outbox_cursor *cursor)
{
    if (cursor->span.n == 0)
        return;
    cursor->seen     = cursor->span;
    cursor->event_id = 0;
}

int meta_outbox_page(struct db_tx *tx, struct arena *arena, struct meta_outbox_cursor *cursor,
                     int64_t n_max, struct meta_event_row **out, size_t *n_out, struct err *err)
{
    struct meta_outbox_cursor next = *cursor;
    int                       open = open_span(tx, &next, err);
    void                     *list = NULL;

    *n_out = 0;
    if (open < 1)
        return open;
    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_text(next.seen), db_text(next.span), db_int(next.event_id),
                        db_int(n_max)),
                meta_event_fields, sizeof(struct meta_event_row), (size_t)n_max, &list, n_out,
                err) < 0)
        return -1;
    *out = list;
    if (*n_out > 0)
        next.event_id = (*out)[*n_out - 1].id;
    if ((int64_t)*n_out < n_max)
        close_span(&next);
    *cursor = next;
    return 0;
}

int meta_outbox_move(struct db_tx *tx, struct str name, const struct meta_outbox_cursor *cursor,
                     struct err *err)
{
    return db_run(tx, &sql[MOVE],
                  DB_ARGS(db_text(name), db_text(cursor->seen), db_text(cursor->span),
                          db_int(cursor->event_id)),
                  NULL, err);
}

int meta_outbox_settle(struct db_tx *tx, struct err *err)
{
    return db_run(tx, &sql[SETTLE], DB_NO_ARGS, NULL, err);
}
