/* work/collect.c: reviews, and what goes after them. The brakes are in work/brake.c, deleted repositories in
 * work/reap.c, bytes in work/objects.c. */
#include "work/collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/text.h"
#include "meta/collect.h"
#include "meta/object.h"
#include "work/collect_private.h"

#define DAY_US (86400 * INT64_C(1000000))
#define BUSY_US (5 * INT64_C(1000000))
#define FIRST_BACKOFF_US (300 * INT64_C(1000000))

enum { BATCH = 16, FOLLOWING = 64, DOUBLINGS = 8 };

/* -- what a review says ------------------------------------------------------------------------------- */

static void stay(struct collect_verdict *verdict, const char *reason, int64_t next_at)
{
    *verdict = (struct collect_verdict){ .reason = reason, .next_at = next_at };
}

static void go(struct collect_verdict *verdict, const char *reason, int64_t bytes)
{
    *verdict = (struct collect_verdict){ .goes = true, .reason = reason, .bytes = bytes };
}

/* found: 0, META_BUSY or -1. */
static int say_absence(const struct collect_run *run, int found, struct collect_verdict *verdict)
{
    if (found == 0)
        stay(verdict, "it is gone already", 0);
    if (found == META_BUSY)
        stay(verdict, "a push is at it right now", db_now(run->tx) + BUSY_US);
    return found < 0 ? -1 : 0;
}

static int64_t day_at_most(int64_t until, int64_t now)
{
    return until < now + DAY_US ? until : now + DAY_US;
}

/* -- blobs -------------------------------------------------------------------------------------------- */

static int judge_blob(struct collect_run *run, struct str digest, const struct meta_doom *blob,
                      struct collect_verdict *verdict, struct err *err)
{
    int64_t now   = collect_now(run);
    int64_t ready = blob->touched_at + work_policy(run->work)->gc_delay;
    int64_t pinned_until, held_until;
    int     is_used = meta_doom_is_used(run->tx, digest, err);

    if (is_used < 0 || meta_doom_pinned_until(run->tx, digest, &pinned_until, err) < 0 ||
        collect_held_until(run, 0, digest, &held_until, err) < 0)
        return -1;
    if (is_used == 1 && !failpoint_skips(SKIP_USED))
        stay(verdict, "a manifest names it", 0);
    else if (held_until > now && !failpoint_skips(SKIP_HELD))
        stay(verdict, "a hold keeps it", day_at_most(held_until, now));
    else if (pinned_until > now && !failpoint_skips(SKIP_PINNED))
        stay(verdict, "a push relies on it", pinned_until);
    else if (ready > now && !failpoint_skips(SKIP_TOUCHED))
        stay(verdict, "it was touched within gc-delay", ready);
    else
        go(verdict, "nothing names it", blob->size);
    return 0;
}

static int drop_links(struct collect_run *run, struct str digest, struct err *err)
{
    int64_t now = db_now(run->tx);
    int64_t n;

    if ((quota_are_any(&run->use) && meta_quota_append_links(run->tx, digest, now, err) < 0) ||
        meta_doom_links(run->tx, digest, now, &n, err) < 0)
        return -1;
    run->counts.n_links += n;
    return 0;
}

static int doom_blob(struct collect_run *run, struct str digest, const struct meta_doom *blob,
                     struct err *err)
{
    int64_t not_before = db_now(run->tx) + work_policy(run->work)->doom_delay;

    if (drop_links(run, digest, err) < 0 || meta_doom_blob(run->tx, digest, err) < 0 ||
        meta_doomed_add(run->tx, blob->object_key, blob->size, not_before, err) < 0)
        return -1;
    run->counts.n_blobs++;
    run->counts.bytes += blob->size;
    run->counts.free_at = not_before;
    return failpoint(FP_COLLECT_DELETED, err);
}

static int review_blob(struct collect_run *run, const struct meta_review *review,
                       struct collect_verdict *verdict, struct err *err)
{
    struct meta_doom blob;
    int              found = meta_doom_lock(run->tx, run->arena, review->id, &blob, err);

    if (found != 1)
        return say_absence(run, found, verdict);
    if (failpoint(FP_COLLECT_LOCKED, err) < 0 ||
        judge_blob(run, review->id, &blob, verdict, err) < 0 ||
        failpoint(FP_COLLECT_JUDGED, err) < 0)
        return -1;
    if (verdict->goes)
        return doom_blob(run, review->id, &blob, err);
    return drop_links(run, review->id, err);
}

/* -- manifests ---------------------------------------------------------------------------------------- */

/* "12:sha256:…" */
static int read_place(struct str id, int64_t *out_repo, struct str *out_digest, struct err *err)
{
    ptrdiff_t colon = str_find(id, ':');
    int64_t   repo  = 0;

    for (ptrdiff_t i = 0; i < colon; i++) {
        if (id.p[i] < '0' || id.p[i] > '9' || repo > INT64_MAX / 10 - 1)
            colon = 0;
        else
            repo = repo * 10 + (id.p[i] - '0');
    }
    if (colon < 1)
        return err_set_corrupt(err, "\"" STR_FMT "\" in the queue of collection", STR_ARGS(id));
    *out_repo   = repo;
    *out_digest = str_from_index(id, (size_t)colon + 1);
    return 0;
}

static bool is_kept_untagged(const struct collect_run *run, const struct meta_review *review,
                             const struct meta_fate *fate)
{
    return fate->deleted_at == 0 && fate->subject.p == NULL && str_is(review->event, "push") &&
           work_policy(run->work)->keep_untagged;
}

static void judge_manifest(struct collect_run *run, const struct meta_review *review,
                           const struct meta_fate *fate, int64_t held_until,
                           struct collect_verdict *verdict)
{
    const struct work_policy *policy = work_policy(run->work);
    int64_t                   now    = collect_now(run);
    int64_t                   ready  = fate->touched_at + policy->gc_delay;

    if (fate->deleted_at != 0)
        ready = fate->deleted_at + policy->undelete_window;
    if (fate->is_tagged != 0)
        stay(verdict, "a tag names it", 0);
    else if (fate->has_parent != 0)
        stay(verdict, "an index names it", 0);
    else if (fate->deleted_at == 0 && fate->has_subject != 0)
        stay(verdict, "it refers to a manifest that is there", 0);
    else if (held_until > now)
        stay(verdict, "a hold keeps it", day_at_most(held_until, now));
    else if (fate->deleted_at == 0 && fate->pinned_until > now)
        stay(verdict, "a push relies on it", fate->pinned_until);
    else if (ready > now)
        stay(verdict,
             fate->deleted_at != 0 ? "it can be brought back" : "it was touched within gc-delay",
             ready);
    else if (is_kept_untagged(run, review, fate))
        stay(verdict, "it was pushed by digest and never had a tag", 0);
    else
        go(verdict, fate->deleted_at != 0 ? "it was deleted" : "nothing names it", 0);
}

static int review_manifest(struct collect_run *run, const struct meta_review *review,
                           struct collect_verdict *verdict, struct err *err)
{
    struct meta_fate fate;
    struct str       digest;
    int64_t          repo_id, held_until;

    if (read_place(review->id, &repo_id, &digest, err) < 0)
        return -1;
    int found = meta_fate_lock(run->tx, run->arena, repo_id, digest, &fate, err);
    if (found != 1)
        return say_absence(run, found, verdict);
    if (failpoint(FP_COLLECT_LOCKED, err) < 0 ||
        collect_held_until(run, repo_id, digest, &held_until, err) < 0)
        return -1;
    judge_manifest(run, review, &fate, held_until, verdict);
    if (failpoint(FP_COLLECT_JUDGED, err) < 0)
        return -1;
    return verdict->goes ? collect_drop_manifest(run, repo_id, digest, err) : 0;
}

/* A link is reviewed with its blob. */
static int review_link(struct collect_run *run, const struct meta_review *review,
                       struct collect_verdict *verdict, struct err *err)
{
    struct meta_review of_blob = *review;
    int64_t            repo_id;

    if (read_place(review->id, &repo_id, &of_blob.id, err) < 0)
        return -1;
    return review_blob(run, &of_blob, verdict, err);
}

static const struct {
    const char *kind;
    int (*review)(struct collect_run *run, const struct meta_review *review,
                  struct collect_verdict *verdict, struct err *err);
} kinds[] = {
    { "blob", review_blob },
    { "link", review_link },
    { "manifest", review_manifest },
};

static int review_one(struct collect_run *run, const struct meta_review *review, struct err *err)
{
    struct collect_verdict verdict = { 0 };
    int                    done    = -1;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_is(review->kind, kinds[i].kind))
            done = kinds[i].review(run, review, &verdict, err);
    }
    if (done < 0)
        return -1;
    if (verdict.next_at == 0)
        done = meta_review_remove(run->tx, review, err);
    else
        done = meta_review_move(run->tx, review, verdict.next_at, 0, err);
    if (done < 0)
        return -1;
    run->counts.n_reviews++;
    run->counts.n_kept += !verdict.goes;
    run->said[run->n_said++] = (struct work_review){ .kind    = review->kind,
                                                     .id      = review->id,
                                                     .goes    = verdict.goes,
                                                     .reason  = verdict.reason,
                                                     .next_at = verdict.next_at,
                                                     .bytes   = verdict.bytes };
    return 0;
}

/* Room for what the next n_max reviews say, in the transaction's arena. */
static void listen(struct collect_run *run, size_t n_max)
{
    run->said   = mem_many(run->arena, n_max, struct work_review);
    run->n_said = 0;
}

/* After the transaction: whoever is told may be slow, and what was rolled back did not happen. */
static void tell_all(struct collect_run *run)
{
    for (size_t i = 0; i < run->n_said && run->collect->tell != NULL; i++)
        run->collect->tell(run->collect->context, &run->said[i]);
}

/* -- batches ------------------------------------------------------------------------------------------ */

/* "12:sha256:…" and "sha256:…" to the latter. */
static struct str digest_of(struct str id)
{
    ptrdiff_t colon = str_find(id, ':');

    return colon > 0 && id.p[0] >= '0' && id.p[0] <= '9' ? str_from_index(id, (size_t)colon + 1)
                                                         : id;
}

/* Rows are locked in the order in which pushes lock them, blobs by digest and then manifests, so that the two do not
 * wait for each other. */
static int by_lock(const void *a, const void *b)
{
    const struct meta_review *x = a, *y = b;
    bool is_x = str_is(x->kind, "manifest"), is_y = str_is(y->kind, "manifest");

    if (is_x != is_y)
        return is_x ? 1 : -1;
    int order = is_x ? str_cmp(x->id, y->id) : str_cmp(digest_of(x->id), digest_of(y->id));
    return order != 0 ? order : str_cmp(x->kind, y->kind);
}

static void remember_place(struct collect_run *run, const struct meta_review *review)
{
    arena_free(&run->kept);
    run->kept = arena_new();
    run->at   = (struct meta_review){ .kind     = str_copy(run->kept, review->kind),
                                      .id       = str_copy(run->kept, review->id),
                                      .attempts = review->attempts };
}

static int review_list(struct collect_run *run, struct meta_review *due, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (review_one(run, &due[i], err) < 0) {
            remember_place(run, &due[i]);
            return -1;
        }
    }
    return 0;
}

static int review_batch(struct collect_run *run, size_t n_max, size_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    AUTO(db_abort) struct db_tx   *tx     = NULL;
    struct work_collected          before = run->counts;
    struct meta_review            *due;

    *out_n = 0;
    if (collect_begin(run, arena, &tx, err) < 0 ||
        meta_review_due(tx, arena, run->which, n_max, &due, out_n, err) < 0 ||
        (*out_n > 0 && failpoint(FP_COLLECT_TAKEN, err) < 0))
        return -1;
    if (*out_n == 0)
        return 0;
    if (n_max == 1)
        remember_place(run, due);
    listen(run, *out_n);
    qsort(due, *out_n, sizeof(*due), by_lock);
    if (review_list(run, due, *out_n, err) < 0 || collect_fuse_burn(run, &before, err) < 0 ||
        db_commit(&tx, err) < 0) {
        run->counts = before;
        return -1;
    }
    tell_all(run);
    return failpoint(FP_COLLECT_COMMITTED, err);
}

/* One that cannot be reviewed waits longer each time, and the others go on. */
static int put_off(struct collect_run *run, const struct err *why, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (collect_begin(run, arena, &tx, err) < 0)
        return -1;
    int64_t doublings = run->at.attempts < DOUBLINGS ? run->at.attempts : DOUBLINGS;
    if (meta_review_move(tx, &run->at, db_now(tx) + (FIRST_BACKOFF_US << doublings),
                         run->at.attempts + 1, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    run->counts.n_failed++;
    log_event(LOG_WARNING, NULL, "collect.put-off",
              LOG_FIELDS(LOG_S("kind", run->at.kind), LOG_S("id", run->at.id)), "%s", why->text);
    return 0;
}

static bool is_lost(const struct err *err)
{
    return err->kind == ERR_CONFLICT && err->code != NULL && strcmp(err->code, "JOB_LOST") == 0;
}

/* After a batch that failed, one by one until the one is found that does. */
static int review_all(struct collect_run *run, struct err *err)
{
    size_t     n = 1, n_max = BATCH;
    struct err why;

    while (n > 0 && !collect_is_over(run)) {
        run->at = (struct meta_review){ 0 };
        if (review_batch(run, n_max, &n, &why) == 0) {
            n_max = BATCH;
            continue;
        }
        if (run->is_blown)
            run->counts.brake = "the fuse has blown during the run";
        if (run->counts.brake != NULL)
            return 0;
        /* Without one that is to blame it is the database that does not answer. */
        if (is_lost(&why) || (n_max == 1 && run->at.id.p == NULL)) {
            *err = why;
            return -1;
        }
        if (n_max == 1 && put_off(run, &why, err) < 0)
            return -1;
        n     = 1;
        n_max = 1;
    }
    return 0;
}

/* What follows from the page's own manifests: queued by this transaction since it began; of very many a part. */
static int try_what_follows(struct collect_run *run, int64_t since, struct err *err)
{
    struct meta_review *due;
    size_t              n = 1;

    for (int round = 0; n > 0 && round < FOLLOWING; round++) {
        if (meta_review_follows(run->tx, run->arena, since, BATCH, &due, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (review_one(run, &due[i], err) < 0)
                return -1;
        }
    }
    return 0;
}

/* Each page in a transaction that is taken back, so that the trial is the run. What only several pages together would
 * free is not seen. */
static int try_all(struct collect_run *run, struct err *err)
{
    size_t n = 1;

    run->at = (struct meta_review){ .kind = STR(""), .id = STR("") };
    while (n > 0 && (run->collect->should_stop == NULL ||
                     !run->collect->should_stop(run->collect->context))) {
        AUTO(arena_free) struct arena *arena = arena_new();
        AUTO(db_abort) struct db_tx   *tx    = NULL;
        struct meta_review            *due;

        if (collect_begin(run, arena, &tx, err) < 0)
            return -1;
        int64_t began_at = db_now(tx);
        if (meta_review_page(tx, arena, run->which, &run->at, run->collect->with_later, BATCH, &due,
                             &n, err) < 0)
            return -1;
        listen(run, BATCH * (1 + FOLLOWING));
        if (n == 0)
            return 0;
        if (review_list(run, due, n, err) < 0 || try_what_follows(run, began_at, err) < 0)
            return -1;
        db_abort(&tx);
        tell_all(run);
        remember_place(run, &due[n - 1]);
    }
    return 0;
}

/* -- a run -------------------------------------------------------------------------------------------- */

static int go_through(struct collect_run *run, struct err *err)
{
    enum work_collect_part part = run->collect->part;

    if (run->collect->is_dry)
        return try_all(run, err);
    if ((part != COLLECT_BLOBS && collect_reap_repos(run, err) < 0) || review_all(run, err) < 0)
        return -1;
    return part != COLLECT_METADATA ? collect_objects(run, err) : 0;
}

int work_collect(struct work *work, const struct work_collect *collect, struct work_collected *out,
                 struct err *err)
{
    static const enum meta_review_which which[] = { [COLLECT_ALL]      = META_REVIEW_ALL,
                                                    [COLLECT_METADATA] = META_REVIEW_MANIFESTS,
                                                    [COLLECT_BLOBS]    = META_REVIEW_BLOBS };
    struct collect_run run = { .work = work, .collect = collect, .which = which[collect->part] };
    struct err         ignored; /* the run's own failure is the one to tell */

    if (collect_brake(&run, err) < 0)
        return err_wrap(err, "collection");
    bool was_held = run.counts.brake != NULL;
    int  done     = was_held && !collect->is_dry ? 0 : go_through(&run, err);

    arena_free(&run.kept);
    if (run.counts.brake != NULL && !was_held)
        done =
            collect_brake(&run, err); /* what came on in the midst of it is for the others, too */
    if (!collect->is_dry && collect_remember(&run, done < 0 ? &ignored : err) < 0)
        done = -1;
    quota_end(&run.use);
    *out = run.counts;
    return done < 0 ? err_wrap(err, "collection") : 0;
}
