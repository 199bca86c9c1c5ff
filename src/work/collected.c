/* work/collected.c: what collection did, what waits and what holds it; and what an operator says to its brakes. */
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/collect.h"
#include "meta/registry.h"
#include "work/collect_private.h"

#define DAY_US (86400 * INT64_C(1000000))

/* -- sums --------------------------------------------------------------------------------------------- */

/* Of the whole registry since it first collected; the first is the time of that. */
enum { SUM_SINCE, SUM_MANIFESTS, SUM_BLOBS, SUM_OBJECTS, SUM_BYTES, N_KEPT_SUMS };

static const char SUMS[] = "collect.sums";

/* Of this process. */
enum {
    OWN_REVIEWS,
    OWN_MANIFESTS,
    OWN_BLOBS,
    OWN_OBJECTS,
    OWN_BYTES,
    OWN_FAILED,
    OWN_STUCK,
    OWN_HELD
};

static void remember_here(struct work *work, const struct work_collected *did)
{
    const int64_t more[] = { [OWN_REVIEWS] = did->n_reviews,  [OWN_MANIFESTS] = did->n_manifests,
                             [OWN_BLOBS] = did->n_blobs,      [OWN_OBJECTS] = did->n_objects,
                             [OWN_BYTES] = did->object_bytes, [OWN_FAILED] = did->n_failed,
                             [OWN_STUCK] = did->n_stuck };

    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        atomic_fetch_add(&work->collect_sums[i], more[i]);
    atomic_store(&work->collect_sums[OWN_HELD], did->brake != NULL);
}

int collect_remember(struct collect_run *run, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    const struct work_collected   *did   = &run->counts;
    int64_t                        sums[N_KEPT_SUMS];

    remember_here(run->work, did);
    if (did->n_manifests + did->n_blobs + did->n_objects == 0)
        return 0;
    if (db_begin(run->work->db, DB_WRITE, "remember a collection", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0 ||
        meta_registry_numbers(tx, arena, SUMS, sums, N_KEPT_SUMS, err) < 0)
        return -1;
    if (sums[SUM_SINCE] == 0)
        sums[SUM_SINCE] = db_now(tx);
    sums[SUM_MANIFESTS] += did->n_manifests;
    sums[SUM_BLOBS] += did->n_blobs;
    sums[SUM_OBJECTS] += did->n_objects;
    sums[SUM_BYTES] += did->object_bytes;
    if (meta_registry_set_numbers(tx, SUMS, sums, N_KEPT_SUMS, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

void work_collect_counts(struct work *work, struct work_collect_counts *out)
{
    _Atomic(int64_t) *sums = work->collect_sums;

    *out = (struct work_collect_counts){ .n_reviews    = atomic_load(&sums[OWN_REVIEWS]),
                                         .n_manifests  = atomic_load(&sums[OWN_MANIFESTS]),
                                         .n_blobs      = atomic_load(&sums[OWN_BLOBS]),
                                         .n_objects    = atomic_load(&sums[OWN_OBJECTS]),
                                         .object_bytes = atomic_load(&sums[OWN_BYTES]),
                                         .n_failed     = atomic_load(&sums[OWN_FAILED]),
                                         .n_stuck      = atomic_load(&sums[OWN_STUCK]),
                                         .is_held      = atomic_load(&sums[OWN_HELD]) };
}

/* -- the state of things ------------------------------------------------------------------------------ */

int work_collect_status(struct work *work, struct work_collect_status *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work_collect            look  = { .is_dry = true };
    struct collect_run             run   = { .work = work, .collect = &look };
    int64_t                        sums[N_KEPT_SUMS];

    *out = (struct work_collect_status){ 0 };
    if (collect_brake(&run, err) < 0 ||
        db_begin(work->db, DB_READ, "look at collection", &tx, err) < 0 ||
        meta_review_counts(tx, &out->counts, err) < 0 ||
        meta_registry_numbers(tx, arena, SUMS, sums, N_KEPT_SUMS, err) < 0)
        return -1;
    memcpy(out->brakes, run.brakes, sizeof(out->brakes));
    out->n_brakes       = run.n_brakes;
    out->fuse_n         = run.fuse.n;
    out->fuse_n_max     = run.fuse.n_max;
    out->fuse_bytes     = run.fuse.bytes;
    out->fuse_bytes_max = run.fuse.bytes_max;
    out->fuse_until     = run.fuse.n > 0 ? run.fuse.began_at + DAY_US : 0;
    out->since          = sums[SUM_SINCE];
    out->n_manifests    = sums[SUM_MANIFESTS];
    out->n_blobs        = sums[SUM_BLOBS];
    out->n_objects      = sums[SUM_OBJECTS];
    out->object_bytes   = sums[SUM_BYTES];
    return 0;
}

/* -- an operator's word ------------------------------------------------------------------------------- */

static int let_go(struct db_tx *tx, struct arena *arena, struct err *err)
{
    int64_t now = db_now(tx), n_resets, timeline[2] = { 0 }, fuse = now;

    if (meta_registry_numbers(tx, arena, "collect.resets", &n_resets, 1, err) < 0 ||
        meta_timeline(tx, &timeline[0], err) < 0)
        return -1;
    n_resets++;
    if (meta_registry_set(tx, "collect.brake", STR(""), err) < 0 ||
        meta_registry_set_numbers(tx, "collect.resets", &n_resets, 1, err) < 0 ||
        meta_registry_set_numbers(tx, "collect.clock", &now, 1, err) < 0 ||
        meta_registry_set_numbers(tx, "collect.timeline", timeline, 2, err) < 0)
        return -1;
    return meta_registry_set_numbers(tx, "collect.fuse", &fuse, 1, err);
}

static int hold(struct db_tx *tx, struct arena *arena, struct err *err)
{
    (void)arena;
    return meta_registry_set(tx, "collect.brake", STR("operator"), err);
}

static int say(struct work *work, const struct meta_actor *actor, const char *type,
               int (*change)(struct db_tx *tx, struct arena *arena, struct err *err),
               struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_event              event = { .type        = type,
                                             .object_kind = "collection",
                                             .object_name = STR("brake") };

    if (db_begin(work->db, DB_WRITE, "brakes of collection", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0 || change(tx, arena, err) < 0 ||
        meta_event_add(tx, actor, &event, err) < 0 || failpoint(FP_ACCESS_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

int work_collect_reset(struct work *work, const struct meta_actor *actor, struct err *err)
{
    return say(work, actor, "COLLECTION_RESET", let_go, err);
}

int work_collect_hold(struct work *work, const struct meta_actor *actor, struct err *err)
{
    return say(work, actor, "COLLECTION_HELD", hold, err);
}
