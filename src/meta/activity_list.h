/* meta/activity_list.h: pages of activities, the newest first. A page costs what it shows times the classes that it may
 * be of, among ten events and among ten million. One transaction; results live in the given arena. */
#ifndef META_ACTIVITY_LIST_H
#define META_ACTIVITY_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_activity_filter {
    int64_t        repo_id;  /* 0: of any */
    int64_t        actor_id; /* 0: of any */
    const int64_t *classes;
    size_t         n_classes;
    int64_t        after_at;  /* µs: younger than that */
    int64_t        before_at; /* µs: older than that, or as old with an id below before_id */
    int64_t        before_id;
};

struct meta_activity_row {
    int64_t id;
    int64_t at;
    int64_t class;
    struct str type;
    struct str actor_kind;
    int64_t    actor_id;
    struct str actor; /* name of the account, or the null view */
    int64_t    repo_id;
    struct str path;
    struct str repo_uuid; /* null view: it is gone for good */
    int64_t    is_living; /* the repository is there, */
    int64_t    is_public; /* and all may see it */
    struct str object_name;
    struct str digest;
    struct str target;
    int64_t    n;
};

int meta_activity_page(struct db_tx *tx, struct arena *arena,
                       const struct meta_activity_filter *filter, size_t n_max,
                       struct meta_activity_row **out, size_t *n_out, struct err *err);

/* How many there are in all: walks an index over them. */
int meta_activity_count(struct db_tx *tx, struct arena *arena,
                        const struct meta_activity_filter *filter, int64_t *out, struct err *err);

/* -- retention ---------------------------------------------------------------------------------------- */

/* The youngest id that is one too many when n_keep are kept; 0: none is. Walks the ids that stay. */
int meta_event_surplus(struct db_tx *tx, int64_t n_keep, int64_t *out, struct err *err);

/* Takes away events older than `before` (µs) or with an id up to `surplus`, the oldest first, at most n_max a call; never
 * one that a living reader of the outbox has not had (meta/outbox.h). None: what comes next is to stay. */
int meta_event_expire(struct db_tx *tx, int64_t before, int64_t surplus, int64_t n_max,
                      int64_t *out_n, struct err *err);

#endif
