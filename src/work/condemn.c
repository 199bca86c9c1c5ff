/* work/condemn.c: the steps of collection that reviews and the emptying of deleted repositories share: a transaction, and a
 * manifest that goes. */
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/collect.h"
#include "meta/manifest.h"
#include "meta/object.h"
#include "meta/repo.h"
#include "meta/tag_rule.h"
#include "work/change.h"
#include "work/collect_private.h"

bool collect_is_over(const struct collect_run *run)
{
    return run->counts.brake != NULL ||
           (run->collect->should_stop != NULL && run->collect->should_stop(run->collect->context));
}

int64_t collect_now(const struct collect_run *run)
{
    return failpoint_skips(SKIP_DATABASE_TIME) ? clock_utc_us() : db_now(run->tx);
}

int collect_begin(struct collect_run *run, struct arena *arena, struct db_tx **tx, struct err *err)
{
    quota_end(&run->use);
    if (quota_begin(run->work, STR_NULL, &run->use, err) < 0 ||
        db_begin(run->work->db, DB_WRITE, "collect", tx, err) < 0)
        return -1;
    run->arena = arena;
    run->tx    = *tx;
    if (run->collect->is_dry)
        return 0;
    if ((run->collect->guard != NULL && run->collect->guard(run->collect->context, *tx, err) < 0) ||
        collect_look(run, err) < 0)
        return -1;
    if (run->counts.brake != NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s", run->counts.brake);
    return 0;
}

int collect_held_until(struct collect_run *run, int64_t repo_id, struct str digest, int64_t *out,
                       struct err *err)
{
    struct work_change change = { .kind = WORK_COLLECT, .repo_id = repo_id, .digest = digest };
    struct work_rule   rule   = { 0 };

    if (meta_rules_share(run->tx, err) < 0 ||
        (repo_id != 0 && meta_repo_path(run->tx, run->arena, repo_id, &change.path, err) < 0))
        return -1;
    int may = work_may_change(run->work, run->tx, run->arena, &change, &rule, err);
    *out    = may == 0 ? rule.until : 0;
    return may < 0 ? -1 : 0;
}

static int queue_all(struct collect_run *run, int64_t repo_id, const struct str *digests, size_t n,
                     int64_t review_after, const char *event, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (work_queue_manifest(run->tx, run->arena, repo_id, digests[i], review_after, event,
                                err) < 0)
            return -1;
    }
    return 0;
}

/* Of two who take it away one counts it: the other finds no row under its lock. */
static int uncount_manifest(struct collect_run *run, int64_t repo_id, struct str digest,
                            struct err *err)
{
    struct meta_quota_sum change = { 0 };

    if (!quota_are_any(&run->use))
        return 0;
    int found = meta_manifest_size(run->tx, repo_id, digest, &change.bytes, err);
    if (found < 1)
        return found;
    change.bytes = -change.bytes;
    return meta_quota_append_over(run->tx, repo_id, &change, err);
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
        uncount_manifest(run, repo_id, digest, err) < 0 ||
        meta_fate_drop(run->tx, repo_id, digest, err) < 0)
        return -1;
    for (size_t i = 0; i < n_blobs; i++) {
        if (meta_gc_queue_put(run->tx, "blob", blobs[i], db_now(run->tx), "manifest gone", err) < 0)
            return -1;
    }
    /* What referred to it may be about something that is pushed again soon. */
    int64_t now = db_now(run->tx), later = now + work_policy(run->work)->gc_delay;
    if (queue_all(run, repo_id, children, n_children, now, "index gone", err) < 0 ||
        queue_all(run, repo_id, referrers, n_referrers, later, "subject gone", err) < 0)
        return -1;
    run->counts.n_manifests++;
    return failpoint(FP_COLLECT_DELETED, err);
}
