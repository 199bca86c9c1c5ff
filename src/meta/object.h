/* meta/object.h: keys of the object store whose fate is open: written before an object is made
 * (pending), or when no row holds it any longer (doomed). With these two no object is ever unknown. */
#ifndef META_OBJECT_H
#define META_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

int meta_pending_add(struct db_tx *tx, struct str object_key, int64_t expires_at, struct err *err);
/* Gives it another deadline, and makes it known again should it be gone. */
int meta_pending_move(struct db_tx *tx, struct str object_key, int64_t expires_at, struct err *err);

/* 1 removed, 0 it was gone (fenced: the object is not ours any longer), -1. */
int meta_pending_remove(struct db_tx *tx, struct str object_key, struct err *err);

/* Removes it when it is there. */
int meta_pending_forget(struct db_tx *tx, struct str object_key, struct err *err);
int meta_pending_due(struct db_tx *tx, struct arena *arena, int64_t now, size_t n_max,
                     struct str **out_keys, size_t *n_out, struct err *err);

int meta_doomed_add(struct db_tx *tx, struct str object_key, int64_t size, int64_t not_before,
                    struct err *err);

struct meta_doomed {
    struct str key;
    int64_t    size;
};

/* Those whose wait is over, the longest first. */
int meta_doomed_due(struct db_tx *tx, struct arena *arena, int64_t now, size_t n_max,
                    struct meta_doomed **out, size_t *n_out, struct err *err);
int meta_doomed_put_off(struct db_tx *tx, struct str object_key, int64_t not_before,
                        struct err *err);

/* Has a blob this key, so that its object must stay? 1, 0, -1. */
int meta_doomed_is_used(struct db_tx *tx, struct str object_key, struct err *err);
int meta_doomed_remove(struct db_tx *tx, struct str object_key, struct err *err);

/* What collection shall look at again and when. kind: "blob" (id: digest), "link" (id: repo:digest),
 * "manifest" (id: repo:digest). A row that is there has its review moved forward, never back. */
int meta_gc_queue_put(struct db_tx *tx, const char *kind, struct str id, int64_t review_after,
                      const char *event, struct err *err);

#endif
