/* work/move.h: moves the metadata of a stopped registry into another, empty database of any engine, and
 * proves that it arrived.
 *
 * The source is read in one transaction, the target filled in another. Before that one is committed every
 * table is read again on both sides in the order of its key, compared row by row in the canonical form
 * (docs/formats.md), counted and hashed. So the target has everything or stays empty: an error, a
 * difference or a stop by `report` aborts, and a process that dies leaves nothing that counts.
 * Both databases are brought to the program's schema first. The caller holds the locks of the data
 * directories; nodes elsewhere are known by their heartbeats. One thread. */
#ifndef WORK_MOVE_H
#define WORK_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db;
struct err;

/* How far it is. A table ends with is_done, once in each phase. */
struct work_move_step {
    bool        is_check; /* the second phase: compares what the first one copied */
    bool        is_done;
    const char *table;
    int64_t     n_rows;
    int64_t     n_total;
    int64_t     elapsed_us; /* of this table in this phase */
    const char *sha256;     /* hex, over all rows in canonical form; null until the check is done */
};

struct work_move {
    struct arena     *arena; /* of the statements: outlives both databases */
    struct db        *from;
    struct db        *to;
    const struct str *own_nodes; /* ids of nodes that the caller knows to be stopped */
    size_t            n_own_nodes;

    /* -1 with err filled stops the move. */
    int (*report)(void *context, const struct work_move_step *step, struct err *err);
    void *context;
};

struct work_move_sum {
    size_t  n_tables;
    int64_t n_rows;
};

/* ERR_NOT_FOUND: the source holds no registry; ERR_CONFLICT: a node is alive, or the target is not empty;
 * ERR_UNSUPPORTED: a database newer than the program; ERR_CORRUPT: a difference, naming table and key. */
int work_move(const struct work_move *move, struct work_move_sum *out, struct err *err);

#endif
