/* meta/activity_list.c: pages of activities. The statements differ in the index that leads; of each class the youngest
 * are read from it, and merged. */
#include "meta/activity_list.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

#define LIVING_US (7 * INT64_C(86400) * 1000000)

enum { ALL, REPO, ACTOR, REPO_ACTOR, N_LEADS };
enum { PAGE = 0, COUNT = N_LEADS, SURPLUS = 2 * N_LEADS, EXPIRE };

#define OUT      \
    "iiittititt" \
    "iittti"
#define COLUMNS                                                                                 \
    "e.id, e.at, e.class, e.type, e.actor_kind, e.actor_id, a.name, e.repo_id, e.path, r.uuid," \
    " CASE WHEN r.deleted_at IS NULL AND r.id IS NOT NULL THEN 1 ELSE 0 END, "                  \
    "coalesce(r.is_public, 0),"                                                                 \
    " e.object_name, e.digest, e.target, e.n"
#define JOINS                                                                              \
    " LEFT JOIN accounts AS a ON a.id = e.actor_id LEFT JOIN repositories AS r ON r.id = " \
    "e.repo_id"

#define CLASSES_PG "(SELECT jsonb_array_elements_text(($1)::text::jsonb)::bigint AS value) AS c"
#define WHERE(lead) \
    " WHERE " lead  \
    "x.class = c.value AND x.class > 0 AND x.at > $2 AND x.at <= $3 AND (x.at < $3 OR x.id < $4)"
#define NEWEST(t) " ORDER BY " t ".at DESC, " t ".id DESC LIMIT $5"

/* clang-format off */
#define PAGE_OF(its_name, its_in, lead)                                                                                  \
    { .name   = its_name, .in = its_in, .out = OUT,                                                                     \
      .sqlite = "SELECT " COLUMNS " FROM json_each($1) AS c CROSS JOIN events AS e" JOINS                               \
                " WHERE e.id IN (SELECT x.id FROM events AS x" WHERE(lead) NEWEST("x") ")" NEWEST("e"),                  \
      .pg     = "SELECT " COLUMNS " FROM (SELECT y.* FROM " CLASSES_PG " CROSS JOIN LATERAL"                             \
                " (SELECT x.* FROM events AS x" WHERE(lead) NEWEST("x") ") AS y" NEWEST("y") ") AS e" JOINS NEWEST("e") }
#define COUNT_OF(its_name, its_in, lead)                                                                                 \
    { .name   = its_name, .in = its_in, .out = "i",                                                                     \
      .sqlite = "SELECT count(*) FROM json_each($1) AS c CROSS JOIN events AS x" WHERE(lead) " AND $5 > 0",              \
      .pg     = "SELECT count(*) FROM " CLASSES_PG " JOIN events AS x ON true" WHERE(lead) " AND $5 > 0" }

static const struct db_statement sql[] = {
    [PAGE + ALL]         = PAGE_OF("activity.page",             "tiiii",   ""),
    [PAGE + REPO]        = PAGE_OF("activity.page_repo",        "tiiiii",  "x.repo_id = $6 AND "),
    [PAGE + ACTOR]       = PAGE_OF("activity.page_actor",       "tiiiii",  "x.actor_id = $6 AND "),
    [PAGE + REPO_ACTOR]  = PAGE_OF("activity.page_repo_actor",  "tiiiiii", "x.repo_id = $6 AND x.actor_id = $7 AND "),
    [COUNT + ALL]        = COUNT_OF("activity.count",            "tiiii",   ""),
    [COUNT + REPO]       = COUNT_OF("activity.count_repo",       "tiiiii",  "x.repo_id = $6 AND "),
    [COUNT + ACTOR]      = COUNT_OF("activity.count_actor",      "tiiiii",  "x.actor_id = $6 AND "),
    [COUNT + REPO_ACTOR] = COUNT_OF("activity.count_repo_actor", "tiiiiii", "x.repo_id = $6 AND x.actor_id = $7 AND "),
    [SURPLUS]            = { .name   = "event.surplus", .in = "i", .out = "i",
                             .sql    = "SELECT e.id FROM events AS e ORDER BY e.id DESC LIMIT 1 OFFSET $1" },
    /* Ids rise with age well enough: the oldest ids are looked at, and of them those go that may. */
    [EXPIRE]             = { .name   = "event.expire", .in = "iiii", .out = "",
                             .sqlite = "DELETE FROM events WHERE id IN (SELECT e.id FROM events AS e ORDER BY e.id LIMIT $3)"
                                       " AND (at < $1 OR id <= $2)"
                                       " AND NOT EXISTS (SELECT 1 FROM outbox_readers AS o WHERE o.alive_at > $4 AND o.event_id < events.id)",
                             .pg     = "DELETE FROM events AS d WHERE d.id IN (SELECT e.id FROM events AS e ORDER BY e.id LIMIT $3)"
                                       " AND (d.at < $1 OR d.id <= $2)"
                                       " AND NOT EXISTS (SELECT 1 FROM outbox_readers AS o WHERE o.alive_at > $4 AND NOT CASE"
                                       " WHEN o.span = '' THEN d.id <= o.event_id"
                                       " WHEN pg_visible_in_snapshot(d.xid, o.seen::pg_snapshot) THEN true"
                                       " ELSE pg_visible_in_snapshot(d.xid, o.span::pg_snapshot) AND d.id <= o.event_id END)" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_activity_row, id),
    DB_COL_INT (struct meta_activity_row, at),
    DB_COL_INT (struct meta_activity_row, class),
    DB_COL_TEXT(struct meta_activity_row, type),
    DB_COL_TEXT(struct meta_activity_row, actor_kind),
    DB_COL_INT (struct meta_activity_row, actor_id),
    DB_COL_TEXT(struct meta_activity_row, actor),
    DB_COL_INT (struct meta_activity_row, repo_id),
    DB_COL_TEXT(struct meta_activity_row, path),
    DB_COL_TEXT(struct meta_activity_row, repo_uuid),
    DB_COL_INT (struct meta_activity_row, is_living),
    DB_COL_INT (struct meta_activity_row, is_public),
    DB_COL_TEXT(struct meta_activity_row, object_name),
    DB_COL_TEXT(struct meta_activity_row, digest),
    DB_COL_TEXT(struct meta_activity_row, target),
    DB_COL_INT (struct meta_activity_row, n),
};
/* clang-format on */

META_STATEMENTS(activity);

enum { CLASSES_SIZE = 1024, ARGS_MAX = 7 };

static struct str print_classes(struct arena *arena, const struct meta_activity_filter *filter)
{
    struct buf text;

    buf_init(&text, arena, CLASSES_SIZE);
    buf_text(&text, "[");
    for (size_t i = 0; i < filter->n_classes; i++)
        buf_printf(&text, "%s%lld", i > 0 ? "," : "", (long long)filter->classes[i]);
    buf_text(&text, "]");
    return buf_view(&text);
}

static int lead_of(const struct meta_activity_filter *filter)
{
    if (filter->repo_id != 0)
        return filter->actor_id != 0 ? REPO_ACTOR : REPO;
    return filter->actor_id != 0 ? ACTOR : ALL;
}

static size_t fill_args(struct arena *arena, const struct meta_activity_filter *filter,
                        int64_t n_max, struct db_value args[ARGS_MAX])
{
    size_t n = 0;

    args[n++] = db_text(print_classes(arena, filter));
    args[n++] = db_int(filter->after_at);
    args[n++] = db_int(filter->before_at);
    args[n++] = db_int(filter->before_id);
    args[n++] = db_int(n_max);
    if (filter->repo_id != 0)
        args[n++] = db_int(filter->repo_id);
    if (filter->actor_id != 0)
        args[n++] = db_int(filter->actor_id);
    return n;
}

int meta_activity_page(struct db_tx *tx, struct arena *arena,
                       const struct meta_activity_filter *filter, size_t n_max,
                       struct meta_activity_row **out, size_t *n_out, struct err *err)
{
    struct db_value args[ARGS_MAX];
    size_t          n = fill_args(arena, filter, (int64_t)n_max, args);
    void           *list;

    if (db_list(tx, arena, &sql[PAGE + lead_of(filter)], args, n, columns,
                sizeof(struct meta_activity_row), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_activity_count(struct db_tx *tx, struct arena *arena,
                        const struct meta_activity_filter *filter, int64_t *out, struct err *err)
{
    struct db_value args[ARGS_MAX];
    size_t          n = fill_args(arena, filter, 1, args);

    return db_find_int(tx, &sql[COUNT + lead_of(filter)], args, n, out, err) < 0 ? -1 : 0;
}

int meta_event_surplus(struct db_tx *tx, int64_t n_keep, int64_t *out, struct err *err)
{
    *out = 0;
    return db_find_int(tx, &sql[SURPLUS], DB_ARGS(db_int(n_keep)), out, err) < 0 ? -1 : 0;
}

int meta_event_expire(struct db_tx *tx, int64_t before, int64_t surplus, int64_t n_max,
                      int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[EXPIRE],
                  DB_ARGS(db_int(before), db_int(surplus), db_int(n_max),
                          db_int(db_now(tx) - LIVING_US)),
                  out_n, err);
}
