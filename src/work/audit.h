/* work/audit.h: searching the audit log, the newest first. */
#ifndef WORK_AUDIT_H
#define WORK_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "meta/audit.h"

struct err;
struct work;

struct work_audit_query {
    struct meta_audit_filter filter;
    int64_t
        owner; /* id of the account in whose name the reader reads: nothing from before it was made,
                                       when its name was somebody else's; 0: everything */
    int64_t under; /* the page begins below that id; 0: with the newest */
};

/* What it is given lives until it returns; a failure ends the search. */
typedef int work_audit_each(void *context, const struct meta_audit_row *row, struct err *err);

/* Calls `each` at most n_max times. *out_next is the id under which the next page begins, 0 at the end of the log. A
 * search that finds little ends after about a second, with fewer records than were asked for and a next page. */
int work_audit_search(struct work *work, const struct work_audit_query *query, size_t n_max,
                      work_audit_each *each, void *context, int64_t *out_next, struct err *err);

#endif
