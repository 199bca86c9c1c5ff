/* work/audit.c: goes through the log range of ids by range of ids, from the newest down, so that a search that finds
 * nothing costs a bounded statement at a time and can stop between two of them. Ranges grow while little is found.
 *
 * Times become ids first, by halving: ids and times rise together but for writers that overlap, which SLACK covers;
 * the exact comparison of times is the statement's. */
#include "work/audit.h"

#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/account.h"
#include "work/work_private.h"

#define SLACK_US INT64_C(60000000)
#define PATIENCE_US INT64_C(1000000)

enum { CHUNK = 500, RANGE_MIN = 1 << 14, RANGE_MAX = 1 << 20 };

struct search {
    struct meta_audit_filter filter;
    int64_t                  above; /* what is left: above < id < under */
    int64_t                  under;
    int64_t                  range;
    size_t                   left; /* records still wanted */
    int64_t                  last; /* id of the last that was given */
    bool                     has_more;
    work_audit_each         *each;
    void                    *context;
};

/* The least id from which on records are of that time or later, `top` + 1 when none is. */
static int find_time(struct db_tx *tx, int64_t top, int64_t time, int64_t *out, struct err *err)
{
    int64_t low = 1, high = top + 1;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int64_t id, at;
        int     found = meta_audit_at(tx, middle, &id, &at, err);

        if (found < 0)
            return -1;
        if (found == 0 || at < time)
            low = middle + 1;
        else
            high = id;
    }
    *out = low;
    return 0;
}

static int find_bounds(struct db_tx *tx, struct search *s, struct err *err)
{
    int64_t top   = 0, at, first;
    int     found = meta_audit_at(tx, INT64_MAX, &top, &at, err);

    if (found < 0)
        return -1;
    s->above = 0;
    if (s->under == 0 || s->under > top + 1)
        s->under = top + 1;
    if (s->filter.from > 0) {
        if (find_time(tx, top, s->filter.from - SLACK_US, &first, err) < 0)
            return -1;
        s->above = first - 1;
    }
    if (s->filter.to < INT64_MAX - SLACK_US) {
        if (find_time(tx, top, s->filter.to + SLACK_US, &first, err) < 0)
            return -1;
        s->under = first < s->under ? first : s->under;
    }
    return 0;
}

/* A new account of an old name did not do, and does not own, what the old one did. */
static int not_before_owner(struct db_tx *tx, struct arena *arena, int64_t owner,
                            struct meta_audit_filter *filter, struct err *err)
{
    struct meta_account account;

    if (owner == 0)
        return 0;
    int found = meta_account_find(tx, arena, owner, &account, err);
    if (found < 0)
        return -1;
    int64_t since = found == 1 ? account.created_at : INT64_MAX;
    if (filter->from < since)
        filter->from = since;
    return 0;
}

/* One statement's worth. */
static int look(struct db_tx *tx, struct search *s, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    int64_t low  = s->under - 1 - s->range > s->above ? s->under - 1 - s->range : s->above;
    size_t  want = s->left + 1 < CHUNK ? s->left + 1 : CHUNK;
    struct meta_audit_row *rows;
    size_t                 n;

    if (meta_audit_page(tx, arena, &s->filter, low, s->under, want, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        s->has_more = s->left == 0;
        if (s->has_more)
            return 0;
        if (s->each(s->context, &rows[i], err) < 0)
            return -1;
        s->last = rows[i].id;
        s->left--;
    }
    if (n == want) {
        s->under = rows[n - 1].id;
    } else {
        s->under = low + 1;
        s->range = s->range < RANGE_MAX ? 2 * s->range : RANGE_MAX;
    }
    return 0;
}

int work_audit_search(struct work *work, const struct work_audit_query *query, size_t n_max,
                      work_audit_each *each, void *context, int64_t *out_next, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct search                  s     = {
                             .filter  = query->filter,
                             .under   = query->under,
                             .range   = RANGE_MIN,
                             .left    = n_max,
                             .each    = each,
                             .context = context,
    };

    if (db_begin(work->db, DB_READ, "search audit log", &tx, err) < 0 ||
        not_before_owner(tx, arena, query->owner, &s.filter, err) < 0 ||
        find_bounds(tx, &s, err) < 0)
        return -1;
    int64_t until = clock_monotonic_us() + PATIENCE_US;
    while (s.under - 1 > s.above && !s.has_more) {
        if (look(tx, &s, err) < 0)
            return -1;
        if (clock_monotonic_us() > until && s.left > 0)
            break;
    }
    *out_next = s.has_more ? s.last : s.under - 1 > s.above ? s.under : 0;
    return 0;
}
