/* work/collect.h: gives space back, online. Whatever may have become useless is in a queue with the time of its
 * review, put there by the transaction that made it so. A review locks the row, reads every condition after that, and
 * lets it go or says why it stays; all in one transaction, so that a push either finds it there and keeps it, or does
 * not find it and sends its bytes again.
 *
 *     manifest: gone when nothing tags it, no index names it, what it refers to is gone, no push has it pinned, no
 *               hold keeps it, and its time is over: the undelete window since it was deleted or untagged. One that
 *               was pushed by digest and never had a tag stays, unless keep-untagged is off.
 *     blob:     gone when no manifest names it, no push has it pinned, no hold keeps it, and gc-delay has passed since
 *               it was last touched. Its row goes, its bytes wait doom-delay for readers and for older backups.
 *     link:     a repository's right to a blob that lives on elsewhere goes when its pin is over and no manifest of
 *               the repository names it.
 *     bytes:    go from the storage when doom-delay is over and, as is looked at once more, no row has their key. What
 *               the storage does not remove is tried again later and holds up nothing else.
 *
 * What was deleted with its repository goes after the window, in small transactions.
 *
 * Brakes stop a run before it takes anything away, and say why: the database's clock and this machine's do not
 * agree, the database's clock went back, another server of the database took over within pin-ttl, a node of an older
 * protocol is alive, objects are missing, an operator said so, or the fuse has blown: more than a tenth of the blobs
 * or a fifth of their bytes within a day (a thousand blobs and 10 GiB are always allowed). They are asked at the
 * beginning and again in each transaction. A jump of the clock is kept for all nodes until an operator resets it. Any
 * doubt means "no". */
#ifndef WORK_COLLECT_H
#define WORK_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/collect.h"

struct db_tx;
struct err;
struct meta_actor;
struct work;

/* One thing that was looked at: "manifest", "blob", "link", "repository" or, of bytes, "object". */
struct work_review {
    struct str  kind;
    struct str  id;
    bool        goes;
    const char *reason; /* a static sentence */
    int64_t
        next_at; /* of one that stays: when it is looked at again, µs; 0: when something happens to it */
    int64_t bytes; /* of one that goes */
};

/* What a run is about: DTR's names for its halves are kept. */
enum work_collect_part {
    COLLECT_ALL,
    COLLECT_METADATA, /* manifests, and what is left of deleted repositories */
    COLLECT_BLOBS     /* blobs, links, and bytes whose wait is over */
};

struct work_collect {
    enum work_collect_part part;
    bool                   is_dry;     /* changes nothing, says what a run would do now */
    bool                   with_later; /* of a dry one: what is not due yet as well */
    bool (*should_stop)(void *context);
    int (*guard)(void *context, struct db_tx *tx,
                 struct err *err); /* first in each transaction; may be null */
    void (*tell)(void                     *context,
                 const struct work_review *review); /* outside of transactions; may be null */
    void *context;
};

struct work_collected {
    int64_t     n_reviews;
    int64_t     n_manifests; /* that went */
    int64_t     n_blobs;
    int64_t     n_links;
    int64_t     n_repos; /* deleted ones that are empty now */
    int64_t     n_kept;
    int64_t     n_failed;
    int64_t     bytes;     /* of the blobs; they come free after doom-delay */
    int64_t     free_at;   /* when the last of them do, µs; 0: nothing went */
    int64_t     n_objects; /* whose bytes came free */
    int64_t     object_bytes;
    int64_t     n_stuck; /* that the storage did not remove; they are tried again */
    const char *brake;   /* static; null: none */
};

/* A run over everything that is due. 0 also when a brake held it; -1 when it could not go on. */
int work_collect(struct work *work, const struct work_collect *collect, struct work_collected *out,
                 struct err *err);

/* -- what there is to know, and to say ---------------------------------------------------------------- */

enum { WORK_BRAKES = 8 };

struct work_brake {
    const char *reason; /* static */
    int64_t     until;  /* µs of the database's clock; 0: until its cause is gone or it is reset */
    bool        can_reset; /* by work_collect_reset */
};

struct work_collect_status {
    struct meta_review_counts counts;
    struct work_brake         brakes[WORK_BRAKES];
    size_t                    n_brakes;
    int64_t                   fuse_n; /* blobs and bytes of the day, and how many there may be */
    int64_t                   fuse_n_max;
    int64_t                   fuse_bytes;
    int64_t                   fuse_bytes_max;
    int64_t                   fuse_until; /* when the day ends, µs; 0: nothing went in it */
    int64_t since; /* since when is counted what went and came free; 0: nothing did */
    int64_t n_manifests;
    int64_t n_blobs;
    int64_t n_objects;
    int64_t object_bytes;
};

/* What was freed, what waits, and what holds it. Counts the queue: not for every request. */
int work_collect_status(struct work *work, struct work_collect_status *out, struct err *err);

/* Lets go of every brake that can be reset: the clock as it is now is believed, the day of the fuse begins anew, a
 * server that took over is trusted, an operator's hold ends. With its audit record. */
int work_collect_reset(struct work *work, const struct meta_actor *actor, struct err *err);

/* Holds collection on all nodes until it is reset, as before a restore. With its audit record. */
int work_collect_hold(struct work *work, const struct meta_actor *actor, struct err *err);

/* What this process did since it started, without asking the database: for metrics. */
struct work_collect_counts {
    int64_t n_reviews;
    int64_t n_manifests;
    int64_t n_blobs;
    int64_t n_objects;
    int64_t object_bytes;
    int64_t n_failed;
    int64_t n_stuck;
    int64_t is_held; /* 1: a brake held the last run */
};

void work_collect_counts(struct work *work, struct work_collect_counts *out);

#endif
