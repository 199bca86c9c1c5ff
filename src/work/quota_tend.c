/* work/quota_tend.c: the work that quotas leave for later. Every step can be done twice, or by two nodes at once: the
 * row's lock and its n_folds say who came first. */
#include "work/quota_tend.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "work/quota_private.h"

enum { PAGE = 200 };

/* A node that was not heard of for so long has no transaction open any more: the list that it goes by may be
 * QUOTA_STALE_US old, and the database ends a transaction that stands still. */
#define DEAD_AFTER_US INT64_C(60000000)

/* -- near the limit ----------------------------------------------------------------------------------- */

static bool is_near(int64_t limit, int64_t used, int64_t percent)
{
    if (limit == META_QUOTA_NONE || used <= 0)
        return false;
    return used >= limit / 100 * percent + limit % 100 * percent / 100;
}

bool work_quota_is_near(const struct meta_quota *quota)
{
    return is_near(quota->limit.bytes, quota->used.bytes, quota->warn_percent) ||
           is_near(quota->limit.tags, quota->used.tags, quota->warn_percent);
}

static bool has_given_back(const struct meta_quota *quota)
{
    return quota->refused.bytes != META_QUOTA_NONE &&
           (quota->used.bytes < quota->refused.bytes || quota->used.tags < quota->refused.tags);
}

static int tell_near(struct db_tx *tx, const struct meta_quota *quota, struct err *err)
{
    struct meta_actor actor = { .kind = "system", .name = STR("quotas") };
    struct meta_event event = { .type        = "QUOTA_WARNING",
                                .path        = quota->path.n > 0 ? quota->path : STR_NULL,
                                .object_kind = "quota",
                                .object_name = quota->path };

    return meta_event_add(tx, &actor, &event, err);
}

/* Of several who see the crossing one tells it. */
static int cross(struct db_tx *tx, const struct meta_quota *quota, struct err *err)
{
    bool is_over = work_quota_is_near(quota);

    if (has_given_back(quota) && meta_quota_refused(tx, quota->id, NULL, err) < 0)
        return -1;
    if (is_over == (quota->warned_at != 0))
        return 0;
    int is_first = meta_quota_warned(tx, quota->id, is_over, err);
    if (is_first < 1 || !is_over)
        return is_first < 0 ? -1 : 0;
    return tell_near(tx, quota, err);
}

static bool wants_crossing(const struct meta_quota *quota)
{
    return has_given_back(quota) || work_quota_is_near(quota) != (quota->warned_at != 0);
}

int quota_rebase(struct db_tx *tx, struct arena *arena, struct str path, struct err *err)
{
    struct meta_quota quota;
    int               found = meta_quota_find(tx, arena, path, &quota, err);

    if (found < 1)
        return found;
    if (meta_quota_set_base(tx, quota.id, &quota.used, err) < 0)
        return -1;
    return quota.is_counted != 0 ? cross(tx, &quota, err) : 0;
}

/* -- counting ----------------------------------------------------------------------------------------- */

static int begin(struct work *work, const struct work_quota_tend *tend, const char *who,
                 struct db_tx **tx, struct err *err)
{
    if (db_begin(work->db, DB_WRITE, who, tx, err) < 0)
        return -1;
    return tend != NULL && tend->guard != NULL ? tend->guard(tend->context, *tx, err) : 0;
}

static int count_rows(struct work *work, struct arena *arena, const struct meta_quota *quota,
                      struct meta_quota_count *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count a quota", &tx, err) < 0)
        return -1;
    return meta_quota_count(tx, arena, quota->id, quota->path, out, err);
}

static int set_count(struct work *work, struct arena *arena, const struct meta_quota *quota,
                     const struct meta_quota_count *count, const struct work_quota_tend *tend,
                     struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (begin(work, tend, "set a quota's sum", &tx, err) < 0 ||
        meta_quota_alone(tx, quota->id, err) < 0)
        return -1;
    int is_set = meta_quota_set(tx, quota->id, count, err);
    if (is_set < 1)
        return is_set;
    if (quota_rebase(tx, arena, quota->path, err) < 0 ||
        failpoint(FP_QUOTA_COUNT_WRITTEN, err) < 0 || db_commit(&tx, err) < 0 ||
        failpoint(FP_QUOTA_COUNTED, err) < 0)
        return -1;
    return 1;
}

static int find(struct work *work, struct arena *arena, struct str path, struct meta_quota *out,
                struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find quota", &tx, err) < 0)
        return -1;
    return meta_quota_find(tx, arena, path, out, err);
}

int quota_recount(struct work *work, struct arena *arena, struct str path,
                  const struct work_quota_tend *tend, struct err *err)
{
    struct meta_quota       quota;
    struct meta_quota_count count;
    int                     found = find(work, arena, path, &quota, err);

    if (found < 1)
        return found;
    if (count_rows(work, arena, &quota, &count, err) < 0)
        return -1;
    return set_count(work, arena, &quota, &count, tend, err);
}

/* Here, nothing may go by an older list; elsewhere, neither. 1, 0, -1. */
static int is_known(struct work *work, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      version, n_behind;

    if (db_begin(work->db, DB_READ, "who knows the quotas", &tx, err) < 0 ||
        meta_quota_version(tx, &version, err) < 0 ||
        meta_quota_nodes_behind(tx, str_from(work->node_id), db_now(tx) - DEAD_AFTER_US, version,
                                &n_behind, err) < 0)
        return -1;
    return n_behind == 0 && quota_is_drained(work, version);
}

int quota_count(struct work *work, struct arena *arena, struct str path,
                const struct work_quota_tend *tend, struct err *err)
{
    struct meta_quota quota;
    int               found = find(work, arena, path, &quota, err);

    if (found < 1)
        return found < 0 ? -1 : 1;
    if (quota.is_counted != 0)
        return 1;
    int known = is_known(work, err);
    if (known < 1)
        return known;
    return quota_recount(work, arena, path, tend, err);
}

/* -- the job ------------------------------------------------------------------------------------------ */

static int fold(struct work *work, struct arena *arena, const struct meta_quota *quota,
                const struct work_quota_tend *tend, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (begin(work, tend, "fold a quota", &tx, err) < 0 ||
        (quota->n_deltas > 0 && meta_quota_fold(tx, arena, quota->id, err) < 0) ||
        (quota->is_counted != 0 && cross(tx, quota, err) < 0) ||
        failpoint(FP_QUOTA_FOLD_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_QUOTA_FOLDED, err);
}

static int tend_one(struct work *work, struct arena *arena, const struct meta_quota *quota,
                    const struct work_quota_tend *tend, int64_t *n, struct err *err)
{
    bool waits = quota->is_counted == 0;

    *n += quota->n_deltas + waits;
    if (waits && quota_count(work, arena, quota->path, tend, err) < 0)
        return -1;
    if (quota->n_deltas == 0 && (waits || !wants_crossing(quota)))
        return 0;
    return fold(work, arena, quota, tend, err);
}

static int sweep(struct work *work, const struct work_quota_tend *tend, int64_t *out_n,
                 struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (begin(work, tend, "sweep quotas", &tx, err) < 0 || meta_quota_sweep(tx, out_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int work_quota_page(struct work *work, struct arena *arena, struct str prefix, struct str after,
                    size_t n_max, struct meta_quota **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list quotas", &tx, err) < 0)
        return -1;
    return meta_quota_page(tx, arena, prefix, after, n_max, out, n_out, err);
}

int work_quota_tend(struct work *work, const struct work_quota_tend *tend, int64_t *out_n,
                    struct err *err)
{
    AUTO(arena_free) struct arena *places = arena_new();
    struct str                     after  = STR_NULL;
    int64_t                        n_done = 0, n_swept;
    size_t                         n;

    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_quota             *rows;

        if (work_quota_page(work, arena, STR(""), after, PAGE, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (tend_one(work, arena, &rows[i], tend, &n_done, err) < 0)
                return err_wrap(err, "quota " STR_FMT, STR_ARGS(rows[i].path));
        }
        if (n > 0)
            after = str_copy(places, rows[n - 1].path);
    } while (n == PAGE);
    if (sweep(work, tend, &n_swept, err) < 0)
        return -1;
    *out_n = n_done + n_swept;
    return 0;
}

int work_quota_is_due(struct work *work, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "are quotas due", &tx, err) < 0)
        return -1;
    return meta_quota_is_due(tx, err);
}
