/* meta/repo_list.c: pages of repositories. What a caller may see is a list of ranges of paths, and what is public.
 * Both are read as bounded pages and merged: a page costs what it shows, among ten repositories and among a
 * million. Ranges go to the database in batches of as many as rows are wanted, for hardly one of them is empty. */
#include "meta/repo.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/repo_private.h"
#include "meta/statements.h"

enum { PAGE_ALL, PAGE_PUBLIC, PAGE_RANGES, COUNT_ALL, COUNT_PUBLIC, COUNT_RANGES };
enum { BATCH_MIN = 8, BATCH_MAX = 512 };

#define COLUMNS META_REPO_COLUMNS("r.")
#define LIVING "r.deleted_at IS NULL"

/* Above every path: no byte of one is larger than 'z'. */
#define END STR("~")

/* Of two lower bounds SQLite takes one for its index, and reads from there to the other row by row. So there is one,
 * which is never before `after`, and only `after` itself is left out. */
#define AFTER " AND r.path <> $1 AND r.path >= "

/* clang-format off */
static const struct db_statement sql[] = {
    [PAGE_ALL]     = { .name = "repo.page_all",     .in = "ttti",  .out = META_REPO_OUT,
                       .sql  = "SELECT " COLUMNS " FROM repositories AS r WHERE " LIVING
                               AFTER "$2 AND r.path < $3 ORDER BY r.path LIMIT $4" },
    [PAGE_PUBLIC]  = { .name = "repo.page_public",  .in = "ttti",  .out = META_REPO_OUT,
                       .sql  = "SELECT " COLUMNS " FROM repositories AS r WHERE " LIVING " AND r.is_public = 1"
                               AFTER "$2 AND r.path < $3 ORDER BY r.path LIMIT $4" },
    /* The ranges come in order and do not overlap, so one after the other they give the order of paths. */
    [PAGE_RANGES]  = { .name = "repo.page_ranges",  .in = "tti",   .out = META_REPO_OUT,
                       .sqlite = "SELECT " COLUMNS " FROM json_each($2) AS g CROSS JOIN repositories AS r WHERE " LIVING
                                 AFTER "json_extract(g.value, '$[0]')"
                                 " AND r.path < json_extract(g.value, '$[1]') LIMIT $3",
                       .pg     = "SELECT r.* FROM jsonb_array_elements(($2)::text::jsonb) AS g(value) CROSS JOIN LATERAL"
                                 " (SELECT " COLUMNS " FROM repositories AS r WHERE " LIVING
                                 AFTER "(g.value->>0) COLLATE \"C\" AND r.path < (g.value->>1) COLLATE \"C\""
                                 " ORDER BY r.path LIMIT $3) AS r ORDER BY r.path LIMIT $3" },
    [COUNT_ALL]    = { .name = "repo.count_all",    .in = "tt",    .out = "i",
                       .sql  = "SELECT count(*) FROM repositories AS r WHERE " LIVING " AND r.path >= $1 AND r.path < $2" },
    [COUNT_PUBLIC] = { .name = "repo.count_public", .in = "tt",    .out = "i",
                       .sql  = "SELECT count(*) FROM repositories AS r WHERE " LIVING " AND r.is_public = 1"
                               " AND r.path >= $1 AND r.path < $2" },
    [COUNT_RANGES] = { .name = "repo.count_ranges", .in = "ti",    .out = "i",
                       .sqlite = "SELECT count(*) FROM json_each($1) AS g CROSS JOIN repositories AS r WHERE " LIVING
                                 " AND r.path >= json_extract(g.value, '$[0]') AND r.path < json_extract(g.value, '$[1]')"
                                 " AND ($2 = 0 OR r.is_public = 0)",
                       .pg     = "SELECT count(*) FROM jsonb_array_elements(($1)::text::jsonb) AS g(value) JOIN repositories AS r"
                                 " ON r.path >= (g.value->>0) COLLATE \"C\" AND r.path < (g.value->>1) COLLATE \"C\" WHERE " LIVING
                                 " AND ($2 = 0 OR r.is_public = 0)" },
};

static const struct db_column columns[] = { META_REPO_FIELDS };
/* clang-format on */

META_STATEMENTS(repo_list);

static int list(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, size_t n_max, struct meta_repo **out, size_t *n_out, struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[statement], args, n_args, columns, sizeof(struct meta_repo), n_max,
                &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str low_of(const struct meta_repo_filter *filter)
{
    return filter->within.low.p == NULL ? STR("") : filter->within.low;
}

static struct str later(struct str a, struct str b)
{
    return str_cmp(a, b) < 0 ? b : a;
}

static struct str high_of(const struct meta_repo_filter *filter)
{
    return filter->within.high.p == NULL ? END : filter->within.high;
}

/* The ranges from `from` on as a JSON list of pairs, cut to the bounds, at most n_batch that hold anything after
 * `after`. Returns the index of the first that was not looked at. Paths need no escapes. */
static size_t print_ranges(struct arena *arena, const struct meta_repo_filter *filter,
                           struct str after, size_t from, size_t n_batch, struct str *out,
                           size_t *n_out)
{
    struct buf text;
    struct str low = later(low_of(filter), after), high = high_of(filter);
    size_t     i = from, n = 0;

    buf_init(&text, arena, 16 + n_batch * 1024);
    buf_text(&text, "[");
    for (; i < filter->n_ranges && n < n_batch; i++) {
        struct str a = later(filter->ranges[i].low, low), b = filter->ranges[i].high;

        if (str_cmp(b, high) > 0)
            b = high;
        if (str_cmp(a, b) >= 0)
            continue;
        buf_printf(&text, "%s[\"" STR_FMT "\",\"" STR_FMT "\"]", n++ > 0 ? "," : "", STR_ARGS(a),
                   STR_ARGS(b));
    }
    buf_text(&text, "]");
    *out   = buf_view(&text);
    *n_out = n;
    return i;
}

static int list_ranges(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                       struct str after, size_t n_max, struct meta_repo *out, size_t *n_out,
                       struct err *err)
{
    size_t next = 0, n = 0;

    while (next < filter->n_ranges && n < n_max) {
        size_t            batch = n_max - n < BATCH_MIN   ? BATCH_MIN
                                  : n_max - n > BATCH_MAX ? BATCH_MAX
                                                          : n_max - n;
        struct meta_repo *rows;
        struct str        ranges;
        size_t            n_ranges, n_rows;

        next = print_ranges(arena, filter, after, next, batch, &ranges, &n_ranges);
        if (n_ranges == 0)
            continue;
        if (list(tx, arena, PAGE_RANGES,
                 DB_ARGS(db_text(after), db_text(ranges), db_int((int64_t)(n_max - n))), n_max - n,
                 &rows, &n_rows, err) < 0)
            return -1;
        for (size_t i = 0; i < n_rows; i++)
            out[n++] = rows[i];
    }
    *n_out = n;
    return 0;
}

/* Two lists in order become one without doubles. */
static size_t merge(const struct meta_repo *a, size_t n_a, const struct meta_repo *b, size_t n_b,
                    struct meta_repo *out, size_t n_max)
{
    size_t i = 0, k = 0, n = 0;

    while (n < n_max && (i < n_a || k < n_b)) {
        int order = i == n_a ? 1 : k == n_b ? -1 : str_cmp(a[i].path, b[k].path);

        out[n++] = order <= 0 ? a[i] : b[k];
        i += order <= 0;
        k += order >= 0;
    }
    return n;
}

int meta_repo_page(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                   struct str after, size_t n_max, struct meta_repo **out, size_t *n_out,
                   struct err *err)
{
    struct str        from   = after.p == NULL ? STR("") : after;
    struct meta_repo *open   = NULL, *mine;
    size_t            n_open = 0, n_mine;
    int               which  = filter->is_all ? PAGE_ALL : PAGE_PUBLIC;

    if ((filter->is_all || filter->with_public) &&
        list(tx, arena, which,
             DB_ARGS(db_text(from), db_text(later(low_of(filter), from)), db_text(high_of(filter)),
                     db_int((int64_t)n_max)),
             n_max, &open, &n_open, err) < 0)
        return -1;
    if (filter->is_all || filter->n_ranges == 0) {
        *out   = open;
        *n_out = n_open;
        return 0;
    }

    /* What comes after a page that is full already is not looked at. */
    struct meta_repo_filter before = *filter;
    if (n_open == n_max && n_max > 0 && str_cmp(open[n_max - 1].path, high_of(filter)) < 0)
        before.within.high = open[n_max - 1].path;
    mine = mem_many(arena, n_max, struct meta_repo);
    if (list_ranges(tx, arena, &before, from, n_max, mine, &n_mine, err) < 0)
        return -1;
    *out   = mem_many(arena, n_max, struct meta_repo);
    *n_out = merge(mine, n_mine, open, n_open, *out, n_max);
    return 0;
}

int meta_repo_count(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                    int64_t *out, struct err *err)
{
    int     which = filter->is_all ? COUNT_ALL : COUNT_PUBLIC;
    int64_t total = 0, n_mine;
    size_t  next  = 0;

    if ((filter->is_all || filter->with_public) &&
        db_find_int(tx, &sql[which], DB_ARGS(db_text(low_of(filter)), db_text(high_of(filter))),
                    &total, err) < 0)
        return -1;
    while (!filter->is_all && next < filter->n_ranges) {
        struct str ranges;
        size_t     n_ranges;

        next = print_ranges(arena, filter, STR(""), next, BATCH_MAX, &ranges, &n_ranges);
        if (db_find_int(tx, &sql[COUNT_RANGES],
                        DB_ARGS(db_text(ranges), db_int(filter->with_public)), &n_mine, err) < 0)
            return -1;
        total += n_mine;
    }
    *out = total;
    return 0;
}
