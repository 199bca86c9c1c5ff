/* work/scrub.h: looks for damage in the background, slowly and for ever.
 *
 *     size      every blob's object is there and has its size      each quarter of scrub_interval, ≤ 7 days
 *     hash      every blob's object hashes to its digest           each scrub_interval (≤ 30 days)
 *     manifest  every manifest's bytes hash to its digest          the same
 *
 * A pass goes through the rows in their order. Where it stands is a row of the database, written every few
 * seconds, so that it goes on after a restart, or on another node: one node at a time has a pass, by a lease
 * that it renews as it writes; its fence keeps out a node that was stopped for longer than that. What is
 * found damaged is recorded as work/damage.h says. Hashing keeps to the policy's scrub_rate, 0 is off. */
#ifndef WORK_SCRUB_H
#define WORK_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct work;

struct work_scrub {
    struct str owner; /* the node's id */

    /* Waits that long; true when it shall stop. Called many times a second. */
    bool (*pause)(void *context, int64_t us);
    void *context;
};

/* Runs every pass that is due and that no other node has, to its end or until it shall stop: 0. -1 when the
 * store or the database do not answer; what was looked at until then is kept. */
int work_scrub(struct work *work, const struct work_scrub *scrub, struct err *err);

/* When a pass of that kind last came to its end, µs; 0: never. */
int work_scrub_finished(struct work *work, const char *kind, int64_t *out, struct err *err);

#endif
