/* work/activity.c: goes through activities in chunks, from the newest down, and shows those that the caller may see. */
#include "work/activity.h"

#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/activity.h"
#include "meta/activity_list.h"
#include "work/work_private.h"

#define PATIENCE_US (INT64_C(1000000) / 2)

enum { CHUNK = 500, CLASSES = 64, EXPIRE_BATCH = 500 };

struct search {
    const struct work_activity_query *query;
    struct meta_activity_filter       filter;
    int64_t                           classes[CLASSES];
    size_t                            n_left;
    bool                              has_more;
    struct work_activity_place        last;
    int (*each)(void *context, const struct meta_activity_row *row, struct err *err);
    void *context;
};

/* -- what is asked ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct work_activity_query *query, int64_t class)
{
    int verb = (int)(class / 100), noun = (int)(class % 100);

    if ((query->verb != 0 && verb != query->verb) || (query->noun != 0 && noun != query->noun) ||
        (query->no_pulls && verb == META_ACTIVITY_GET))
        return false;
    return query->repo_id == 0 || query->sees_all || query->self != 0 ||
           !meta_activity_is_for_admins(class);
}

static void fill_filter(struct search *s)
{
    const struct work_activity_query *query = s->query;

    for (size_t i = 0; meta_activity_classes[i] != 0 && s->filter.n_classes < CLASSES; i++) {
        if (is_wanted(query, meta_activity_classes[i]))
            s->classes[s->filter.n_classes++] = meta_activity_classes[i];
    }
    s->filter.classes   = s->classes;
    s->filter.repo_id   = query->repo_id;
    s->filter.after_at  = query->after_at;
    s->filter.before_at = query->before_at;
    s->filter.before_id = query->before_id;
}

/* 1, 0 there is no such account and so nothing to show, -1. */
static int find_actor(struct db_tx *tx, struct arena *arena, struct search *s, struct err *err)
{
    struct meta_account account;

    if (s->query->actor.p == NULL)
        return 1;
    int found = meta_account_find_any(tx, arena, s->query->actor, &account, err);
    if (found == 1)
        s->filter.actor_id = account.id;
    return found;
}

/* -- who may see it ----------------------------------------------------------------------------------- */

static bool holds(const struct meta_repo_filter *filter, const struct meta_activity_row *row)
{
    if (filter->is_all || (filter->with_public && row->is_public != 0))
        return true;
    for (size_t i = 0; i < filter->n_ranges; i++) {
        if (str_cmp(row->path, filter->ranges[i].low) >= 0 &&
            str_cmp(row->path, filter->ranges[i].high) < 0)
            return true;
    }
    return false;
}

static bool may_see(const struct work_activity_query *query, const struct meta_activity_row *row)
{
    bool is_for_admins = meta_activity_is_for_admins(row->class);

    if (query->sees_all || (query->self != 0 && row->actor_id == query->self))
        return true;
    if (query->repo_id != 0)
        return !is_for_admins;
    if (row->path.p == NULL || row->is_living == 0)
        return false;
    return holds(is_for_admins ? query->audited : query->seen, row);
}

/* -- the search --------------------------------------------------------------------------------------- */

static int show(struct search *s, const struct meta_activity_row *rows, size_t n, struct err *err)
{
    for (size_t i = 0; i < n && !s->has_more; i++) {
        if (may_see(s->query, &rows[i])) {
            if (s->n_left == 0) {
                s->has_more = true;
                return 0;
            }
            s->n_left--;
            if (s->each(s->context, &rows[i], err) < 0)
                return -1;
        }
        s->last = (struct work_activity_place){ .at = rows[i].at, .id = rows[i].id };
    }
    return 0;
}

/* One chunk; *out_any: there may be more behind it. */
static int look(struct db_tx *tx, struct search *s, bool *out_any, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    size_t n_max = s->query->sees_all && s->n_left < CHUNK ? s->n_left + 1 : CHUNK;
    struct meta_activity_row *rows;
    size_t                    n;

    if (meta_activity_page(tx, arena, &s->filter, n_max, &rows, &n, err) < 0 ||
        show(s, rows, n, err) < 0)
        return -1;
    if (n > 0) {
        s->filter.before_at = rows[n - 1].at;
        s->filter.before_id = rows[n - 1].id;
    }
    *out_any = n == n_max && !s->has_more;
    return 0;
}

int work_activity_list(struct work *work, const struct work_activity_query *query, size_t n_max,
                       int (*each)(void *context, const struct meta_activity_row *row,
                                   struct err *err),
                       void *context, struct work_activity_place *out_next, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct search s       = { .query = query, .n_left = n_max, .each = each, .context = context };
    int64_t       until   = clock_monotonic_us() + PATIENCE_US;
    bool          has_any = true;

    *out_next = (struct work_activity_place){ 0 };
    fill_filter(&s);
    if (db_begin(work->db, DB_READ, "list activities", &tx, err) < 0)
        return -1;
    int found = find_actor(tx, arena, &s, err);
    if (found < 1 || s.filter.n_classes == 0)
        return found < 0 ? -1 : 0;
    while (has_any && (query->sees_all || clock_monotonic_us() < until)) {
        if (look(tx, &s, &has_any, err) < 0)
            return -1;
    }
    if (s.has_more || has_any)
        *out_next = s.last;
    return 0;
}

int work_activity_count(struct work *work, const struct work_activity_query *query, int64_t *out,
                        struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct search                  s     = { .query = query };

    *out = 0;
    fill_filter(&s);
    if (db_begin(work->db, DB_READ, "count activities", &tx, err) < 0)
        return -1;
    int found = find_actor(tx, arena, &s, err);
    if (found < 1 || s.filter.n_classes == 0)
        return found < 0 ? -1 : 0;
    return meta_activity_count(tx, arena, &s.filter, out, err);
}

/* -- the end of what is old --------------------------------------------------------------------------- */

int work_events_expire(struct work *work, struct work_expiry *expiry,
                       int (*guard)(void *context, struct db_tx *tx, struct err *err),
                       void *context, int64_t *out_n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "forget old events", &tx, err) < 0 ||
        guard(context, tx, err) < 0 ||
        (expiry->n_keep > 0 && expiry->surplus == 0 &&
         meta_event_surplus(tx, expiry->n_keep, &expiry->surplus, err) < 0) ||
        meta_event_expire(tx, expiry->age_us > 0 ? db_now(tx) - expiry->age_us : 0, expiry->surplus,
                          EXPIRE_BATCH, out_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}
