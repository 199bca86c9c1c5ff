/* meta/audit.h: reading the audit log: pages of records, the newest first. Writing is event.h's, in the transaction of
 * what is recorded.
 *
 * A page is found by one index: of the request, the account, the namespace or the ids themselves, whichever the
 * filter gives first; the rest of the filter is applied to what that index brings. So a search looks through a range
 * of ids and no more, and whoever searches goes from range to range (work/audit.h). */
#ifndef META_AUDIT_H
#define META_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* What a null view, or 0, stands for: any. */
struct meta_audit_filter {
    struct str
        account; /* who, by the name that they had; of a failed log-in the name that was given */
    int64_t    actor_id;  /* who, beyond doubt */
    struct str action;    /* "TAG_PUSH", "LOGIN_FAILED", a route's name for what was refused */
    struct str outcome;   /* "done", "refused" */
    struct str namespace; /* the account whose name paths and objects begin with */
    struct str path;      /* of the repository, or a prefix */
    int64_t    is_exact;  /* at the path alone, and not below it */
    struct str request;
    struct str address;
    int64_t    from; /* µs, inclusive */
    int64_t    to;   /* µs, exclusive; INT64_MAX: any */
};

struct meta_audit_row {
    int64_t    id;
    int64_t    at;
    struct str action;
    struct str outcome;
    struct str reason;
    struct str actor_kind;
    int64_t    actor_id;
    struct str actor_name;
    struct str credential_id;
    struct str address;
    int64_t    repo_id;
    struct str path;
    struct str object_kind;
    struct str object_name;
    struct str digest;
    struct str old_digest;
    struct str target;
    struct str request_id;
    struct str before;
    struct str after;
};

/* Records with above < id < under by the filter, at most n_max, the newest first. */
int meta_audit_page(struct db_tx *tx, struct arena *arena, const struct meta_audit_filter *filter,
                    int64_t above, int64_t under, size_t n_max, struct meta_audit_row **out,
                    size_t *n_out, struct err *err);

/* The newest record with an id of at most that: 1 and its id and time, 0 none, -1. */
int meta_audit_at(struct db_tx *tx, int64_t id, int64_t *out_id, int64_t *out_at, struct err *err);

#endif
