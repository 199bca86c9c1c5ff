/* work/condemn.c: the steps of collection that reviews and the emptying of deleted repositories share: a transaction, and a
 * manifest that goes. */
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/collect.h"
#include "meta/object.h"
#include "work/collect_private.h"

int collect_begin(struct collect_run *run, struct arena *arena, struct db_tx **tx, struct err *err)
{
    if (db_begin(run->work->db, DB_WRITE, "collect", tx, err) < 0)
        return -1;
    run->arena = arena;
    run->tx    = *tx;
    if (run->collect->guard != NULL && !run->collect->is_dry)
        return run->collect->guard(run->collect->context, *tx, err);
    return 0;
}

static int queue_all(struct collect_run *run, int64_t repo_id, const struct str *digests, size_t n,
                     const char *event, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (work_queue_manifest(run->tx, run->arena, repo_id, digests[i], db_now(run->tx), event,
                                err) < 0)
            return -1;
    }
    return 0;
}

int collect_drop_manifest(struct collect_run *run, int64_t repo_id, struct str digest,
                          struct err *err)
{
    struct str *blobs, *children, *referrers;
    size_t      n_blobs, n_children, n_referrers;

    if (meta_fate_named(run->tx, run->arena, repo_id, digest, META_NAMED_BLOBS, &blobs, &n_blobs,
                        err) < 0 ||
        meta_fate_named(run->tx, run->arena, repo_id, digest, META_NAMED_CHILDREN, &children,
                        &n_children, err) < 0 ||
        meta_fate_named(run->tx, run->arena, repo_id, digest, META_NAMED_REFERRERS, &referrers,
                        &n_referrers, err) < 0 ||
        meta_fate_drop(run->tx, repo_id, digest, err) < 0)
        return -1;
    for (size_t i = 0; i < n_blobs; i++) {
        if (meta_gc_queue_put(run->tx, "blob", blobs[i], db_now(run->tx), "manifest gone", err) < 0)
            return -1;
    }
    if (queue_all(run, repo_id, children, n_children, "index gone", err) < 0 ||
        queue_all(run, repo_id, referrers, n_referrers, "subject gone", err) < 0)
        return -1;
    run->counts.n_manifests++;
    return failpoint(FP_COLLECT_DELETED, err);
}
