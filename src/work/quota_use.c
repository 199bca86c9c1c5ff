/* work/quota_use.c: the list of quotas in memory, and the one place where room is given or refused. */
#include "work/quota_private.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "io/clock.h"

enum {
    FOLD_AT  = 16, /* deltas that whoever has the quota alone folds on its way */
    TOLD_MAX = 512
};

/* -- the list ----------------------------------------------------------------------------------------- */

void quota_init(struct work *work)
{
    pthread_mutex_init(&work->quota_lock, NULL);
}

void quota_fini(struct work *work)
{
    struct quota_view *view = work->quotas;

    while (view != NULL) {
        struct quota_view *older = view->older;

        ASSERT(view->n_uses == 0);
        arena_free(&view->arena);
        mem_free(view);
        view = older;
    }
    pthread_mutex_destroy(&work->quota_lock);
}

static int read_view(struct work *work, struct quota_view **out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    int64_t                        now   = clock_monotonic_us();
    struct meta_quota_place       *rows;
    size_t                         n;
    int64_t                        version;

    if (db_begin(work->db, DB_READ, "list quotas", &tx, err) < 0 ||
        meta_quota_places(tx, arena, &rows, &n, &version, err) < 0)
        return -1;

    struct quota_view *view = mem_new(struct quota_view);
    view->places            = mem_array(arena, n + 1, sizeof(*view->places));
    view->n                 = n;
    view->version           = version;
    view->seen_at           = now;
    for (size_t i = 0; i < n; i++) {
        view->places[i].id   = rows[i].id;
        view->places[i].path = rows[i].path;
        atomic_init(&view->places[i].share_bytes, INT64_MAX);
        atomic_init(&view->places[i].share_tags, INT64_MAX);
        atomic_init(&view->places[i].is_single, false);
    }
    view->arena = TAKE(arena);
    *out        = view;
    return 0;
}

/* Older ones that nobody goes by any more; with the lock. True: none is left. */
static bool forget_older(struct work *work)
{
    struct quota_view **at = work->quotas == NULL ? NULL : &work->quotas->older;

    while (at != NULL && *at != NULL) {
        struct quota_view *view = *at;

        if (view->n_uses > 0) {
            at = &view->older;
            continue;
        }
        *at = view->older;
        arena_free(&view->arena);
        mem_free(view);
    }
    return at == NULL || work->quotas->older == NULL;
}

static int newest_version(struct work *work, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "version of quotas", &tx, err) < 0)
        return -1;
    return meta_quota_version(tx, out, err);
}

/* 1: the list in memory is the newest as of `now`. */
static int confirm(struct work *work, int64_t now, int64_t version)
{
    pthread_mutex_lock(&work->quota_lock);
    bool is_same = work->quotas != NULL && work->quotas->version == version;
    if (is_same && work->quotas->seen_at < now)
        work->quotas->seen_at = now;
    pthread_mutex_unlock(&work->quota_lock);
    return is_same;
}

static int update(struct work *work, struct err *err)
{
    struct quota_view *view;
    int64_t            now = clock_monotonic_us();
    int64_t            version;

    if (newest_version(work, &version, err) < 0)
        return -1;
    if (confirm(work, now, version))
        return 0;
    if (read_view(work, &view, err) < 0)
        return -1;
    pthread_mutex_lock(&work->quota_lock);
    view->older  = work->quotas;
    work->quotas = view;
    (void)forget_older(work);
    pthread_mutex_unlock(&work->quota_lock);
    return 0;
}

/* Tells the registry that this node goes by that version: 1; 0, it is not on the list of nodes yet; -1. */
static int tell_seen(struct work *work, int64_t version, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "quotas seen", &tx, err) < 0)
        return -1;
    int told = meta_quota_node_seen(tx, str_from(work->node_id), version, err);
    if (told < 1)
        return told;
    return db_commit(&tx, err) < 0 ? -1 : 1;
}

int work_quota_refresh(struct work *work, struct err *err)
{
    if (update(work, err) < 0)
        return -1;

    pthread_mutex_lock(&work->quota_lock);
    bool    is_drained = forget_older(work);
    int64_t version    = work->quotas->version;
    bool    is_told    = version == work->quotas_told || work->node_id[0] == '\0';
    pthread_mutex_unlock(&work->quota_lock);
    if (!is_drained || is_told)
        return 0;

    int told = tell_seen(work, version, err);
    if (told == 1) {
        pthread_mutex_lock(&work->quota_lock);
        work->quotas_told = version;
        pthread_mutex_unlock(&work->quota_lock);
    }
    return told < 0 ? -1 : 0;
}

bool quota_is_drained(struct work *work, int64_t version)
{
    pthread_mutex_lock(&work->quota_lock);
    bool is = forget_older(work) && work->quotas != NULL && work->quotas->version >= version;
    pthread_mutex_unlock(&work->quota_lock);
    return is;
}

/* -- a use -------------------------------------------------------------------------------------------- */

static struct quota_place *find_place(const struct quota_view *view, struct str path)
{
    size_t low = 0, high = view->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int    order  = str_cmp(view->places[middle].path, path);

        if (order == 0)
            return &view->places[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* From the registry down: of prefixes of one path the shorter comes first. */
static void find_over(struct quota_use *use, struct str path)
{
    for (size_t n = 0; n <= path.n && use->n < QUOTA_LEVELS_MAX; n++) {
        if (n > 0 && n < path.n && path.p[n] != '/')
            continue;

        struct quota_place *place = find_place(use->view, str_sub(path, 0, n));
        if (place != NULL)
            use->over[use->n++] = place;
    }
}

/* The list in force, which stays until quota_end; null when it would be too old before a transaction has ended. */
static struct quota_view *hold_view(struct work *work)
{
    int64_t now = clock_monotonic_us();

    pthread_mutex_lock(&work->quota_lock);
    struct quota_view *view = work->quotas;
    if (view != NULL && now - view->seen_at > QUOTA_STALE_US / 2)
        view = NULL;
    if (view != NULL)
        view->n_uses++;
    pthread_mutex_unlock(&work->quota_lock);
    return view;
}

int quota_begin(struct work *work, struct str path, struct quota_use *out, struct err *err)
{
    out->work = work;
    while ((out->view = hold_view(work)) == NULL) {
        if (update(work, err) < 0)
            return err_wrap(err, "quotas");
    }
    if (out->view->n > 0 && path.p != NULL)
        find_over(out, path);
    return 0;
}

void quota_end(struct quota_use *use)
{
    if (use->view == NULL)
        return;
    pthread_mutex_lock(&use->work->quota_lock);
    use->view->n_uses--;
    pthread_mutex_unlock(&use->work->quota_lock);
    use->view = NULL;
}

bool quota_are_any(const struct quota_use *use)
{
    return use->view->n > 0;
}

/* A node that stood still may have missed a new quota, and that it was counted without it. */
static bool is_stale(struct quota_use *use)
{
    int64_t now = clock_monotonic_us();

    pthread_mutex_lock(&use->work->quota_lock);
    bool is = now - use->view->seen_at > QUOTA_STALE_US;
    pthread_mutex_unlock(&use->work->quota_lock);
    return is;
}

/* -- the decision ------------------------------------------------------------------------------------- */

/* Bytes or tags of one quota: the same arithmetic for both. */
struct side {
    const char *what;
    int64_t     limit;
    int64_t     used;
    int64_t     base;
    int64_t     delta;
};

static void sides_of(const struct meta_quota *quota, const struct meta_quota_sum *change,
                     struct side out[2])
{
    out[0] = (struct side){ "bytes", quota->limit.bytes, quota->used.bytes, quota->base.bytes,
                            change->bytes };
    out[1] = (struct side){ "tags", quota->limit.tags, quota->used.tags, quota->base.tags,
                            change->tags };
}

static bool is_bound(const struct side *side)
{
    return side->limit != META_QUOTA_NONE && side->delta > 0;
}

/* Sums are not negative unless rows were changed by hand, and then there is room. */
static bool has_room(const struct side *side)
{
    int64_t used = side->used > 0 ? side->used : 0;

    return side->delta <= side->limit - used;
}

/* The largest delta that may be appended beside others. */
static int64_t share_of(const struct side *side, int64_t parallel)
{
    int64_t rest;

    if (side->limit == META_QUOTA_NONE || parallel == 0)
        return INT64_MAX;
    if (__builtin_sub_overflow(side->limit, side->base, &rest) || rest <= 0 ||
        side->used - side->base > rest / 2)
        return 0;
    return rest / (2 * parallel);
}

static void remember_share(struct quota_place *place, const struct side sides[2], int64_t parallel)
{
    atomic_store(&place->share_bytes, share_of(&sides[0], parallel));
    atomic_store(&place->share_tags, share_of(&sides[1], parallel));
}

static bool is_shareable(const struct quota_use *use, const struct quota_place *place)
{
    return use->change.bytes <= atomic_load(&place->share_bytes) &&
           use->change.tags <= atomic_load(&place->share_tags);
}

static int refuse(struct quota_use *use, const struct meta_quota *quota, const struct side *side,
                  struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w;
    struct buf                     detail;

    use->refused_id      = quota->id;
    use->refused_used    = quota->used;
    use->is_refused_anew = quota->refused.bytes == META_QUOTA_NONE;

    buf_init(&detail, arena, TOLD_MAX);
    json_write_init(&w, &detail);
    json_write_object(&w);
    json_write_str_at(&w, "quota", quota->path);
    json_write_text_at(&w, "of", side->what);
    json_write_int_at(&w, "limit", side->limit);
    json_write_int_at(&w, "used", side->used);
    json_write_end(&w);
    return err_set_code(err, ERR_CONFLICT, "QUOTA_EXCEEDED", buf_view(&detail),
                        "the quota of %s" STR_FMT
                        " allows %lld %s, %lld are in use, and this needs %lld more",
                        quota->path.n == 0 ? "the registry" : "", STR_ARGS(quota->path),
                        (long long)side->limit, side->what, (long long)side->used,
                        (long long)side->delta);
}

static const struct side *find_full(const struct side sides[2])
{
    for (int i = 0; i < 2; i++) {
        if (is_bound(&sides[i]) && !has_room(&sides[i]))
            return &sides[i];
    }
    return NULL;
}

/* Far enough from the base that the next ones could not go beside each other, or needlessly carefully. */
static bool wants_base(const struct side *side)
{
    int64_t rest;

    if (side->limit == META_QUOTA_NONE)
        return false;
    if (__builtin_sub_overflow(side->limit, side->base, &rest) || rest <= 0)
        return true;
    int64_t moved = side->used + side->delta - side->base;
    return moved > rest / 4 || moved < -rest / 4;
}

/* The caller has it alone until its transaction ends. */
static int set_base(struct quota_use *use, struct db_tx *tx, struct quota_place *place,
                    const struct meta_quota *quota, struct side sides[2], struct err *err)
{
    if (wants_base(&sides[0]) || wants_base(&sides[1])) {
        struct meta_quota_sum base = { sides[0].used + use->change.bytes,
                                       sides[1].used + use->change.tags };

        if (meta_quota_set_base(tx, quota->id, &base, err) < 0)
            return -1;
        sides[0].base = base.bytes;
        sides[1].base = base.tags;
    }
    remember_share(place, sides, quota->parallel);
    return 0;
}

static int decide(struct quota_use *use, struct db_tx *tx, struct quota_place *place,
                  const struct meta_quota *quota, bool is_alone, bool *out_again, struct err *err)
{
    AUTO(arena_free) struct arena *arena = NULL;
    struct side                    sides[2];

    if (quota->is_counted == 0)
        return 0;
    sides_of(quota, &use->change, sides);

    const struct side *full = find_full(sides);
    if (full != NULL) {
        use->refused_path = place->path;
        return refuse(use, quota, full, err);
    }
    atomic_store(&place->is_single, quota->parallel == 0);
    if (quota->parallel > 0 && !is_alone) {
        remember_share(place, sides, quota->parallel);
        *out_again |= !is_shareable(use, place);
        return 0;
    }
    if (quota->n_deltas >= FOLD_AT) {
        arena = arena_new();
        if (meta_quota_fold(tx, arena, quota->id, err) < 0)
            return -1;
    }
    return quota->parallel == 0 ? 0 : set_base(use, tx, place, quota, sides, err);
}

static int decide_all(struct quota_use *use, struct db_tx *tx, const bool *is_alone,
                      struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    int64_t                        ids[QUOTA_LEVELS_MAX];
    struct meta_quota             *rows;
    size_t                         n;
    bool                           again = false;

    for (size_t i = 0; i < use->n; i++)
        ids[i] = use->over[i]->id;
    if (meta_quota_look(tx, arena, ids, use->n, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0, k = 0; k < n; i++) {
        if (use->over[i]->id != rows[k].id)
            continue; /* it was taken away */
        if (decide(use, tx, use->over[i], &rows[k], is_alone[i], &again, err) < 0)
            return -1;
        k++;
    }
    if (!again)
        return 0;
    err_set(err, ERR_UNAVAILABLE, "a quota is nearly used up, and this push must look at it alone");
    err->may_repeat = true;
    return -1;
}

static int append_all(struct quota_use *use, struct db_tx *tx, struct err *err)
{
    for (size_t i = 0; i < use->n; i++) {
        if (meta_quota_append(tx, use->over[i]->id, &use->change, err) < 0)
            return -1;
    }
    return 0;
}

static int lock_all(struct quota_use *use, struct db_tx *tx, bool *is_alone, struct err *err)
{
    for (size_t i = 0; i < use->n; i++) {
        is_alone[i] = !is_shareable(use, use->over[i]);
        if (atomic_load(&use->over[i]->is_single))
            continue;
        if ((is_alone[i] ? meta_quota_alone : meta_quota_share)(tx, use->over[i]->id, err) < 0)
            return -1;
    }
    return 0;
}

int quota_settle(struct quota_use *use, struct db_tx *tx, struct err *err)
{
    const struct meta_quota_sum *change = &use->change;
    bool                         is_alone[QUOTA_LEVELS_MAX];

    if (change->bytes == 0 && change->tags == 0)
        return 0;
    if (is_stale(use)) {
        err_set(err, ERR_UNAVAILABLE, "the list of quotas is too old to go by");
        err->may_repeat = true;
        return -1;
    }
    if (use->n == 0)
        return 0;
    if ((change->bytes > 0 || change->tags > 0) &&
        (lock_all(use, tx, is_alone, err) < 0 || decide_all(use, tx, is_alone, err) < 0))
        return -1;
    return append_all(use, tx, err);
}

/* -- refusals ----------------------------------------------------------------------------------------- */

static int tell_refused(struct quota_use *use, const struct meta_actor *actor, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(use->work->db, DB_WRITE, "quota exceeded", &tx, err) < 0)
        return -1;
    int is_first = meta_quota_refused(tx, use->refused_id, &use->refused_used, err);
    if (is_first < 1)
        return is_first;

    struct meta_event event = { .type = "QUOTA_EXCEED",
                                .path = use->refused_path.n > 0 ? use->refused_path : STR_NULL,
                                .object_kind = "quota",
                                .object_name = use->refused_path };
    if (meta_event_add(tx, actor, &event, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

void quota_tell_refused(struct quota_use *use, const struct meta_actor *actor)
{
    struct err err;

    if (use->refused_id != 0 && use->is_refused_anew && tell_refused(use, actor, &err) < 0)
        log_event(LOG_WARNING, NULL, "quota.untold", LOG_NO_FIELDS, "%s", err.text);
    use->refused_id = 0;
}

/* -- before the bytes come ---------------------------------------------------------------------------- */

/* What is committed now; nobody is kept from anything. */
static int look(struct quota_use *use, struct arena *arena, struct meta_quota **out, size_t *out_n,
                struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      ids[QUOTA_LEVELS_MAX];

    for (size_t i = 0; i < use->n; i++)
        ids[i] = use->over[i]->id;
    if (db_begin(use->work->db, DB_LOOK, "look at quotas", &tx, err) < 0)
        return -1;
    return meta_quota_look(tx, arena, ids, use->n, out, out_n, err);
}

int quota_room(struct work *work, struct str path, int64_t *out, struct err *err)
{
    AUTO(arena_free) struct arena   *arena = arena_new();
    AUTO(quota_end) struct quota_use use   = { 0 };
    struct meta_quota               *rows;
    size_t                           n    = 0;
    int64_t                          room = INT64_MAX;

    if (quota_begin(work, path, &use, err) < 0 ||
        (use.n > 0 && look(&use, arena, &rows, &n, err) < 0))
        return -1;
    for (size_t i = 0; i < n; i++) {
        int64_t used = rows[i].used.bytes > 0 ? rows[i].used.bytes : 0;

        if (rows[i].is_counted == 0 || rows[i].limit.bytes == META_QUOTA_NONE)
            continue;
        if (rows[i].limit.bytes - used < room)
            room = rows[i].limit.bytes - used;
    }
    *out = room;
    return 0;
}

int quota_may_add(struct work *work, const struct meta_actor *actor, struct str path, int64_t bytes,
                  struct err *err)
{
    AUTO(arena_free) struct arena   *arena = arena_new();
    AUTO(quota_end) struct quota_use use   = { .change = { .bytes = bytes } };
    struct meta_quota               *rows;
    size_t                           n = 0;

    if (quota_begin(work, path, &use, err) < 0 ||
        (use.n > 0 && look(&use, arena, &rows, &n, err) < 0))
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct side        sides[2];
        const struct side *full;

        sides_of(&rows[i], &use.change, sides);
        full = find_full(sides);
        if (rows[i].is_counted == 0 || full == NULL)
            continue;
        use.refused_path = rows[i].path;
        (void)refuse(&use, &rows[i], full, err);
        quota_tell_refused(&use, actor);
        return -1;
    }
    return 0;
}
