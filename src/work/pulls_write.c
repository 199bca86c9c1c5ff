/* work/pulls_write.c: what was noted of pulls is folded and written down, some notes a transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/rights.h"
#include "base/cache.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/pull.h"
#include "meta/repo.h"
#include "work/pulls.h"
#include "work/pulls_private.h"
#include "work/work_private.h"

#define LOOK_US (60 * INT64_C(1000000))

enum { BATCH = 64, LOOK_KEY_MAX = OCI_DIGEST_MAX + PULLS_NETWORK_MAX + 64 };

/* One writing. */
struct writing {
    struct work           *work;
    struct arena          *arena;
    struct pull_note     **notes;
    size_t                 n;
    struct meta_pull_rule *rules; /* by path */
    size_t                 n_rules;
    struct db_tx          *tx;
};

/* -- taking ------------------------------------------------------------------------------------------- */

static bool is_written(const struct pull_notes *notes)
{
    for (size_t i = 0; notes != NULL && i < notes->n; i++) {
        if (notes->notes[i].n > 0)
            return false;
    }
    return true;
}

static void clear(struct pull_notes *notes)
{
    if (notes == NULL)
        return;
    notes->n = 0;
    memset(notes->slots, 0, sizeof(notes->slots));
}

/* The notes that nobody adds to any more: those of before when they are still to be written, else today's. */
static struct pull_notes *take(struct pull_stripe *stripe)
{
    if (!is_written(stripe->then))
        return stripe->then;
    clear(stripe->then);
    pthread_mutex_lock(&stripe->lock);
    struct pull_notes *taken = stripe->now;
    stripe->now              = stripe->then;
    pthread_mutex_unlock(&stripe->lock);
    stripe->then = taken;
    return taken;
}

static void gather(struct writing *w)
{
    w->notes = mem_many(w->arena, PULLS_STRIPES * PULLS_NOTES, struct pull_note *);
    for (size_t i = 0; i < PULLS_STRIPES; i++) {
        struct pull_notes *notes = take(&w->work->pulls->stripes[i]);

        for (size_t k = 0; notes != NULL && k < notes->n; k++) {
            if (notes->notes[k].n > 0)
                w->notes[w->n++] = &notes->notes[k];
        }
    }
}

/* -- which tag led to a digest ------------------------------------------------------------------------ */

static struct str look_key(const struct pull_key *key, char out[LOOK_KEY_MAX])
{
    int n = snprintf(out, LOOK_KEY_MAX, "%lld %lld %s %s", (long long)key->repo_id,
                     (long long)key->account_id, key->network, key->digest);

    return (struct str){ out, (size_t)n };
}

static void remember_looks(struct writing *w, int64_t now)
{
    char text[LOOK_KEY_MAX];

    for (size_t i = 0; i < w->n; i++) {
        struct pull_note *note = w->notes[i];

        if (!note->key.is_look)
            continue;
        cache_put(w->work->pulls->looks, look_key(&note->key, text), now + LOOK_US, note->key.tag);
        note->n = 0;
    }
}

static void name_tags(struct writing *w, int64_t now)
{
    char text[LOOK_KEY_MAX];

    for (size_t i = 0; i < w->n; i++) {
        struct pull_key *key = &w->notes[i]->key;

        if (!key->is_look && key->tag[0] == '\0')
            (void)cache_get(w->work->pulls->looks, look_key(key, text), now, key->tag);
    }
}

/* -- folding ------------------------------------------------------------------------------------------ */

static int by_repo(const struct pull_key *a, const struct pull_key *b)
{
    return (a->repo_id > b->repo_id) - (a->repo_id < b->repo_id);
}

/* Those of one event lie together. */
static int by_event(const struct pull_key *a, const struct pull_key *b)
{
    int order = by_repo(a, b);

    if (order == 0)
        order = strcmp(a->tag, b->tag);
    if (order == 0)
        order = strcmp(a->digest, b->digest);
    if (order == 0)
        order = (a->account_id > b->account_id) - (a->account_id < b->account_id);
    return order;
}

static int by_all(const void *a, const void *b)
{
    const struct pull_key *left  = &(*(struct pull_note *const *)a)->key;
    const struct pull_key *right = &(*(struct pull_note *const *)b)->key;
    int                    order = by_event(left, right);

    return order != 0 ? order : memcmp(left, right, sizeof(*left));
}

static void sort(struct writing *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        if (w->notes[i]->n > 0)
            w->notes[n++] = w->notes[i];
    }
    w->n = n;
    qsort(w->notes, n, sizeof(*w->notes), by_all);
}

/* -- where they count --------------------------------------------------------------------------------- */

static int load_rules(struct writing *w, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(w->work->db, DB_LOOK, "where pulls count", &tx, err) < 0)
        return -1;
    return meta_pull_rule_list(tx, w->arena, &w->rules, &w->n_rules, err);
}

/* Of prefixes in order of their bytes a longer one comes later. */
static bool counts(const struct writing *w, struct str path)
{
    bool is_counted = work_policy(w->work)->counts_pulls;

    for (size_t i = 0; i < w->n_rules; i++) {
        if (auth_is_at_or_below(path, w->rules[i].path))
            is_counted = w->rules[i].is_counted != 0;
    }
    return is_counted;
}

/* -- writing ------------------------------------------------------------------------------------------ */

static int tell(struct writing *w, const struct meta_repo *repo, const struct pull_key *key,
                int64_t n, bool is_one_credential, struct err *err)
{
    bool              is_tag = key->tag[0] != '\0';
    struct meta_actor actor  = { .kind       = key->is_user ? "user" : "anonymous",
                                 .account_id = key->account_id };
    struct meta_event event  = {
         .type        = is_tag ? "TAG_PULL" : "MANIFEST_PULL",
         .repo_id     = repo->id,
         .path        = repo->path,
         .object_kind = is_tag ? "tag" : "manifest",
         .object_name = str_from(is_tag ? key->tag : key->digest),
         .digest      = str_from(key->digest),
         .n           = n,
    };

    if (is_one_credential && key->credential[0] != '\0')
        actor.credential_id = str_from(key->credential);
    if (meta_event_tell(w->tx, &actor, &event, err) < 0 ||
        (is_tag && meta_pull_tag(w->tx, repo->id, event.object_name, n, err) < 0))
        return -1;
    return meta_pull_manifest(w->tx, repo->id, event.digest, n, err);
}

static int add_day(struct writing *w, const struct pull_note *note, struct err *err)
{
    struct meta_pull_day day = {
        .digest     = str_from(note->key.digest),
        .repo_id    = note->key.repo_id,
        .account_id = note->key.account_id,
        .network    = str_from(note->key.network),
        .n          = note->n,
    };

    return meta_pull_day_add(w->tx, &day, err);
}

/* The notes of one event, from i on; returns the index behind them, or -1. */
static int64_t write_event(struct writing *w, const struct meta_repo *repo, size_t i, size_t end,
                           int64_t *n_pulls, struct err *err)
{
    const struct pull_key *key               = &w->notes[i]->key;
    bool                   is_one_credential = true;
    int64_t                n                 = 0;

    for (; i < end && by_event(key, &w->notes[i]->key) == 0; i++) {
        n += w->notes[i]->n;
        is_one_credential =
            is_one_credential && strcmp(key->credential, w->notes[i]->key.credential) == 0;
        if (add_day(w, w->notes[i], err) < 0)
            return -1;
    }
    *n_pulls += n;
    return tell(w, repo, key, n, is_one_credential, err) < 0 ? -1 : (int64_t)i;
}

/* The notes of one repository, from i on. Its count comes last, as with pushes: whoever holds that row waits for
 * nothing else. */
static int64_t write_repo(struct writing *w, size_t i, size_t end, struct err *err)
{
    const struct pull_key  *first = &w->notes[i]->key;
    struct meta_repo_counts more  = { 0 };
    struct meta_repo        repo;
    int64_t                 next  = (int64_t)i;
    int                     found = meta_repo_find_id(w->tx, w->arena, first->repo_id, &repo, err);

    if (found < 0)
        return -1;
    if (found == 0 || !counts(w, repo.path)) {
        while (i < end && by_repo(first, &w->notes[i]->key) == 0)
            i++;
        return (int64_t)i;
    }
    while (next >= 0 && (size_t)next < end && by_repo(first, &w->notes[next]->key) == 0)
        next = write_event(w, &repo, (size_t)next, end, &more.pulls, err);
    if (next < 0 || meta_repo_counts_add(w->tx, repo.id, &more, err) < 0)
        return -1;
    return next;
}

static int write_batch(struct writing *w, size_t from, size_t end, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    int64_t                      next = (int64_t)from;

    if (db_begin(w->work->db, DB_WRITE, "write pulls", &tx, err) < 0)
        return -1;
    w->tx = tx;
    while (next >= 0 && (size_t)next < end)
        next = write_repo(w, (size_t)next, end, err);
    if (next < 0 || failpoint(FP_PULLS_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    for (size_t i = from; i < end; i++)
        w->notes[i]->n = 0;
    return failpoint(FP_PULLS_COUNTED, err);
}

static int write_all(struct writing *w, struct err *err)
{
    for (size_t from = 0; from < w->n; from += BATCH) {
        size_t end     = from + BATCH < w->n ? from + BATCH : w->n;
        int    n_tries = 0, done;

        do
            done = write_batch(w, from, end, err);
        while (done < 0 && db_again(err, &n_tries));
        if (done < 0)
            return -1;
    }
    return 0;
}

static void tell_dropped(struct pulls *pulls)
{
    long long n = atomic_exchange(&pulls->n_dropped, 0);

    if (n > 0)
        log_event(LOG_WARNING, NULL, "pulls.dropped", LOG_FIELDS(LOG_I("n", n)),
                  "more pulls than there was room to note until they could be written");
}

int work_pulls_write(struct work *work, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct writing                 w     = { .work = work, .arena = arena };
    int64_t                        now   = clock_monotonic_us();

    tell_dropped(work->pulls);
    gather(&w);
    remember_looks(&w, now);
    name_tags(&w, now);
    sort(&w);
    if (w.n == 0)
        return 0;
    if (load_rules(&w, err) < 0)
        return -1;
    return write_all(&w, err);
}
