/* meta/collect.h: what collection asks and does: the queue of what may have become useless, the conditions under
 * which a blob, a link or a manifest may go, read after its row was locked, and the going itself. The rules are
 * in work/collect.h; here is their SQL. Times are µs of the database's clock. */
#ifndef META_COLLECT_H
#define META_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* -- the queue ---------------------------------------------------------------------------------------- */

struct meta_review {
    struct str kind; /* "blob", "link", "manifest" */
    struct str id;   /* digest, or repository id and digest with a colon between */
    int64_t    review_after;
    int64_t    attempts; /* that failed */
    struct str event;    /* the last that asked for it */
};

enum meta_review_which { META_REVIEW_ALL, META_REVIEW_MANIFESTS, META_REVIEW_BLOBS };

/* Those due for longest, at most n_max, locked to the transaction's end; what another node holds is left out. */
int meta_review_due(struct db_tx *tx, struct arena *arena, enum meta_review_which which,
                    size_t n_max, struct meta_review **out, size_t *n_out, struct err *err);

/* Is a review due, a repository that was deleted until then to be reaped, or an object's wait over? 1, 0, -1. */
int meta_review_is_due(struct db_tx *tx, int64_t deleted_until, struct err *err);

/* In the order of kind and id after the given one, for a look without effect: those due, or with_later all. */
int meta_review_page(struct db_tx *tx, struct arena *arena, enum meta_review_which which,
                     const struct meta_review *after, bool with_later, size_t n_max,
                     struct meta_review **out, size_t *n_out, struct err *err);

/* Those that are due, and not before `since`. */
int meta_review_follows(struct db_tx *tx, struct arena *arena, int64_t since, size_t n_max,
                        struct meta_review **out, size_t *n_out, struct err *err);

int meta_review_remove(struct db_tx *tx, const struct meta_review *review, struct err *err);
int meta_review_move(struct db_tx *tx, const struct meta_review *review, int64_t review_after,
                     int64_t attempts, struct err *err);

struct meta_review_counts {
    int64_t n_waiting; /* all */
    int64_t n_due;
    int64_t n_failing;    /* with attempts */
    int64_t first_at;     /* when the first is due; 0: there is none */
    int64_t n_doomed;     /* objects whose bytes wait */
    int64_t n_bytes;      /* of them */
    int64_t n_due_bytes;  /* of those that may go now */
    int64_t last_free_at; /* when the last of them may; 0: there is none */
};

int meta_review_counts(struct db_tx *tx, struct meta_review_counts *out, struct err *err);

/* -- blobs -------------------------------------------------------------------------------------------- */

struct meta_doom {
    int64_t    size;
    struct str object_key;
    int64_t    touched_at;
};

/* Locks the row to the transaction's end: 1, 0 gone, META_BUSY a push has it right now, -1. What follows is read after
 * it. Collection waits for nobody: a push that holds the row may be about to put it into the queue, where collection
 * holds the place. */
enum { META_BUSY = 2 };

int meta_doom_lock(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_doom *out,
                   struct err *err);
int meta_doom_is_used(struct db_tx *tx, struct str digest, struct err *err); /* by a manifest */
int meta_doom_pinned_until(struct db_tx *tx, struct str digest, int64_t *out, struct err *err);

/* Links of the blob whose pin is over and whose repository has no manifest that names it. */
int meta_doom_links(struct db_tx *tx, struct str digest, int64_t now, int64_t *out_n,
                    struct err *err);
int meta_doom_blob(struct db_tx *tx, struct str digest, struct err *err);

/* -- manifests ---------------------------------------------------------------------------------------- */

struct meta_fate {
    int64_t    deleted_at; /* 0: it lives */
    int64_t    touched_at;
    int64_t    pinned_until;
    struct str subject; /* null view: it refers to nothing */
    int64_t    is_tagged;
    int64_t    has_parent;
    int64_t    has_subject; /* it refers to something that is there */
};

/* As meta_doom_lock. */
int meta_fate_lock(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                   struct meta_fate *out, struct err *err);

/* What the manifest names (blobs), its children, and what refers to it. */
enum meta_named { META_NAMED_BLOBS, META_NAMED_CHILDREN, META_NAMED_REFERRERS };

int meta_fate_named(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                    enum meta_named which, struct str **out, size_t *n_out, struct err *err);
int meta_fate_drop(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* -- deleted repositories ----------------------------------------------------------------------------- */

/* Ids of those deleted until then and not reaped, after `after`. */
int meta_reap_repos(struct db_tx *tx, struct arena *arena, int64_t deleted_until, int64_t after,
                    size_t n_max, int64_t **out, size_t *n_out, struct err *err);

/* Before anything of one goes, in the transaction in which it goes: holds its row, and marks it as one that cannot come
 * back. 1; 0 it was brought back, or deleted after that time; -1. */
int meta_reap_begin(struct db_tx *tx, int64_t repo_id, int64_t deleted_until, struct err *err);

/* At most n_max tags go. */
int meta_reap_tags(struct db_tx *tx, int64_t repo_id, size_t n_max, int64_t *out_n,
                   struct err *err);

/* Manifests that no index names, after `after`. */
int meta_reap_roots(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                    size_t n_max, struct str **out, size_t *n_out, struct err *err);

/* Links whose blob no manifest of the repository names. */
int meta_reap_links(struct db_tx *tx, struct arena *arena, int64_t repo_id, size_t n_max,
                    struct str **out, size_t *n_out, struct err *err);
int meta_reap_link(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err);

/* When nothing is left in it: what hung on it goes, and it is marked. 1 done, 0 something is left, -1. */
int meta_reap_end(struct db_tx *tx, int64_t repo_id, struct err *err);

/* -- brakes ------------------------------------------------------------------------------------------- */

/* All blobs and their bytes. Walks an index. */
int meta_blob_totals(struct db_tx *tx, int64_t *out_n, int64_t *out_bytes, struct err *err);

/* Objects that are known to be missing and not healed. */
int meta_missing_count(struct db_tx *tx, int64_t *out, struct err *err);

/* Nodes that announced themselves since then and speak an older protocol. */
int meta_old_nodes(struct db_tx *tx, int64_t since, int64_t protocol, int64_t *out,
                   struct err *err);

/* A number that changes when another server of a PostgreSQL cluster became the primary; 0 on SQLite. */
int meta_timeline(struct db_tx *tx, int64_t *out, struct err *err);

#endif
