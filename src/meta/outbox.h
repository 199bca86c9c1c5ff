/* meta/outbox.h: readers of the outbox and how far each of them is. A reader gets every event once, in order, and
 * moves its cursor in the transaction in which it acts on them (jobs/outbox.h does both).
 *
 * The order. Events of one repository come in the order in which its changes became so: an event's id is drawn while
 * the rows that it is about are locked. But ids are not in the order of commits: of two writers that overlap, the one
 * that ends last may have drawn the lower id. So on PostgreSQL a reader goes by spans. A span is what one snapshot sees
 * and the one before did not, and is read by id; who was still writing then comes in a later span, whatever its ids.
 * If a snapshot sees a change it sees every change that had to be over before, so spans never part what is in order.
 *
 *     seen ─────────────▶ done     everything that this snapshot sees
 *     span ─────────────▶ open     of what it sees besides: done up to event_id
 *
 * SQLite has one writer: there the id alone is the order, and both snapshots are empty. So they are in a database that
 * was moved from another one (work/move.h): its first span holds all ids above event_id.
 *
 * Functions run in the caller's transaction; results live in the given arena. */
#ifndef META_OUTBOX_H
#define META_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_event_row;

struct meta_outbox_cursor {
    struct str seen; /* snapshots, as the engine prints them */
    struct str span;
    int64_t    event_id;
    struct str now; /* the snapshot of the taking; empty where one writes at a time */
};

/* Makes the reader known, or says that it lives: writes at most once an hour. A new one begins with what happens from
 * now on or, from_start, with the oldest event that is kept. */
int meta_outbox_register(struct db_tx *tx, struct str name, bool from_start, struct err *err);

/* Does anything wait for the reader? 1, 0, -1. Reads only. */
int meta_outbox_is_waiting(struct db_tx *tx, struct str name, struct err *err);

/* The reader's cursor, held to the end of the transaction: 1; 0 when another node holds it, or nobody registered it.
 * First in its transaction: what that writes itself is not yet to be read. */
int meta_outbox_take(struct db_tx *tx, struct arena *arena, struct str name,
                     struct meta_outbox_cursor *out, struct err *err);

/* The events behind the cursor, at most n_max, and *cursor moved past them. None: there are no more at present. */
int meta_outbox_page(struct db_tx *tx, struct arena *arena, struct meta_outbox_cursor *cursor,
                     int64_t n_max, struct meta_event_row **out, size_t *n_out, struct err *err);

int meta_outbox_move(struct db_tx *tx, struct str name, const struct meta_outbox_cursor *cursor,
                     struct err *err);

/* Puts all cursors into the form that holds in any database: the id alone. While nobody writes. A reader may then get
 * again some events that it has had, none is left out. */
int meta_outbox_settle(struct db_tx *tx, struct err *err);

#endif
