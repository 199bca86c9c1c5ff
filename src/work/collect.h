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
 *
 * What was deleted with its repository goes after the window, in small transactions.
 *
 * Brakes stop a run before it takes anything away, and say why: the database's clock and this machine's do not
 * agree, the database's clock went back, another server of the database took over within pin-ttl, a node of an older
 * protocol is alive, objects are missing, or the fuse has blown: more than a tenth of the blobs or a fifth of their
 * bytes within a day (a thousand blobs and 10 GiB are always allowed). Any doubt means "no". */
#ifndef WORK_COLLECT_H
#define WORK_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_review_counts;
struct work;

/* One thing that was looked at. */
struct work_review {
    struct str  kind;
    struct str  id;
    bool        goes;
    const char *reason; /* a static sentence */
    int64_t
        next_at; /* of one that stays: when it is looked at again, µs; 0: when something happens to it */
    int64_t bytes; /* of one that goes */
};

struct work_collect {
    bool is_dry; /* changes nothing, says what a run would do now */
    bool (*should_stop)(void *context);
    int (*guard)(void *context, struct db_tx *tx,
                 struct err *err); /* first in each transaction; may be null */
    void (*tell)(void *context, const struct work_review *review); /* may be null */
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
    int64_t     bytes; /* of the blobs; they come free after doom-delay */
    const char *brake; /* static; null: none */
};

/* A run over everything that is due. 0 also when a brake held it; -1 when it could not go on. */
int work_collect(struct work *work, const struct work_collect *collect, struct work_collected *out,
                 struct err *err);

/* What waits. */
int work_collect_counts(struct work *work, struct meta_review_counts *out, struct err *err);

#endif
