/* work/activity.h: what happened, as people and DTR's clients are shown it, the newest first: of one repository, or of all
 * that the caller sees. Pulls, promotions and mirrorings are for those who may audit the repository (AUTH_AUDIT),
 * everything else for those who see it; what somebody did himself he sees too, wherever that was. */
#ifndef WORK_ACTIVITY_H
#define WORK_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/repo.h"

struct db_tx;
struct err;
struct meta_activity_row;
struct work;

struct work_activity_query {
    int        verb; /* enum meta_activity_verb; 0: any */
    int        noun; /* enum meta_activity_noun; 0: any */
    bool       no_pulls;
    struct str actor;     /* name or id of an account; null view: anybody */
    int64_t    after_at;  /* µs: younger than that */
    int64_t    before_at; /* older than that, or as old with a smaller id than before_id */
    int64_t    before_id;

    /* Who asks. Of one repository it is decided before; over all, row by row. */
    int64_t                        repo_id;  /* 0: over all */
    bool                           sees_all; /* of the repository, or of the registry */
    const struct meta_repo_filter *seen;
    const struct meta_repo_filter *audited;
    int64_t                        self; /* whose own acts are shown as well; 0: nobody's */
};

/* Where the next page begins; at 0: there is none. */
struct work_activity_place {
    int64_t at;
    int64_t id;
};

/* Calls `each` for at most n_max of them. Over all, one who does not see everything may get fewer, and a place all the
 * same: a search ends after a while and can be gone on with. */
int work_activity_list(struct work *work, const struct work_activity_query *query, size_t n_max,
                       int (*each)(void *context, const struct meta_activity_row *row,
                                   struct err *err),
                       void *context, struct work_activity_place *out_next, struct err *err);

/* How many there are in all: of one repository, or of everything. */
int work_activity_count(struct work *work, const struct work_activity_query *query, int64_t *out,
                        struct err *err);

/* -- the end of what is old --------------------------------------------------------------------------- */

/* Takes a batch of events away that are older than age_us (0: none for their age), or more than n_keep (0: none for
 * their number). `guard` comes first in the transaction (job_guard). *out_n 0: it is done. */
struct work_expiry {
    int64_t age_us;
    int64_t n_keep;
    int64_t surplus; /* 0 before the first batch */
};

int work_events_expire(struct work *work, struct work_expiry *expiry,
                       int (*guard)(void *context, struct db_tx *tx, struct err *err),
                       void *context, int64_t *out_n, struct err *err);

#endif
