/* jobs/outbox.h: acts on what happened. A reader is a row: a name, which keeps its place in the database, and what it
 * does with a page of events. The list of readers stands above (cmd/readers.c); this is the mechanism.
 *
 * Each reader gets each event once, in the order of its repository (meta/outbox.h), whatever node it was made by. What
 * it does and the move of its cursor are one transaction, under a lock on the cursor's row: one node at a time acts for
 * a reader, a node that dies has done a page whole or not at all, and one that stood still has lost its transaction. So
 * the effect is rows: whatever goes out of the house is another's work, who reads those rows (at least once then).
 *
 * Readers do not wait for each other longer than for a page. A reader that fails is tried again each second and logged
 * once until it works again; its events wait, and retention leaves them alone as long as a program that has the reader
 * runs, and for a week after. So `read` fails for reasons of the moment only, never for an event's content.
 *
 * One struct outbox a process, with a thread of its own; any thread may call. */
#ifndef JOBS_OUTBOX_H
#define JOBS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;
struct db_tx;
struct err;
struct meta_event_row;
struct outbox;

enum { OUTBOX_PAGE = 100 }; /* events at most */

struct outbox_reader {
    const char *name; /* "webhooks"; for good: another name is another place */
    const char *says; /* what it does, for people */

    /* The first time that a registry has it: begin with the oldest event that is kept, not with what happens now. */
    bool from_start;

    /* The effect of n events, 1 to OUTBOX_PAGE, in order, in the transaction that moves the cursor: short, point
     * reads and writes only. The arena lives as long. What it writes into the outbox itself comes round later. */
    int (*read)(void *context, struct db_tx *tx, struct arena *arena,
                const struct meta_event_row *events, size_t n, struct err *err);

    /* After the commit, on the outbox's thread: wakes whoever works with what was written. May be null. */
    void (*done)(void *context);
};

struct outbox_settings {
    struct db                  *db;
    const struct outbox_reader *readers; /* ends with a row without name */
    void                       *context; /* for their read and done */
    int64_t                     poll_us; /* 0: 500 ms */
};

/* Registers the readers and begins to act. */
int outbox_start(const struct outbox_settings *settings, struct outbox **out, struct err *err);

/* Ends after the page at hand. */
void outbox_stop(struct outbox **outbox);

/* Looks now: something happened that should not wait for the poll. */
void outbox_wake(struct outbox *outbox);

/* One page for one reader, as the thread does it: for tests. *out_n: how many events it was. */
int outbox_turn(struct db *db, const struct outbox_reader *reader, void *context, size_t *out_n,
                struct err *err);

#endif
