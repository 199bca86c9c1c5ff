/* meta/quota.c: the SQL of quotas. */
#include "meta/quota.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum {
    PLACES,
    VERSION,
    NEXT_VERSION,
    NUMBER,
    ADD,
    REMOVE,
    UPDATE,
    FIND,
    LOOK,
    PAGE,
    SHARE,
    ALONE,
    APPEND,
    SET_BASE,
    APPEND_OVER,
    APPEND_LINKS,
    APPEND_LINK,
    LOCK,
    FOLDS,
    MARK,
    FOLD,
    DROP,
    SWEEP,
    IS_DUE,
    WARN,
    UNWARN,
    REFUSE,
    UNREFUSE,
    ALARMS,
    COUNT,
    SET,
    NODE_SEEN,
    NODES_BEHIND
};

enum { REPOS_A_CHUNK = 200 };

#define ROWS(parallel)                                                                          \
    "SELECT q.id, q.path, coalesce(q.bytes_limit, -1), coalesce(q.tags_limit, -1), "            \
    "q.warn_percent,"                                                                           \
    " q.is_counted, CAST(q.bytes + coalesce(sum(d.bytes), 0) AS bigint),"                       \
    " CAST(q.tags + coalesce(sum(d.tags), 0) AS bigint), count(d.id), q.base_bytes, "           \
    "q.base_tags, " parallel ", coalesce(q.warned_at, 0), coalesce(q.refused_bytes, -1), "      \
    "coalesce(q.refused_tags, -1), q.n_folds,"                                                  \
    " q.created_at, q.changed_at FROM quotas AS q LEFT JOIN quota_deltas AS d ON d.quota_id = " \
    "q.id"
#define ROWS_SQLITE ROWS("0")
#define ROWS_PG ROWS("CAST(current_setting('max_connections') AS bigint)")
#define ROWS_OUT "itiiiiiiiiiiiiiiii"

/* The prefix covers the path. */
#define COVERS(prefix, path)                                                               \
    "(" prefix " = '' OR " path " = " prefix " OR (" path " > " prefix " || '/' AND " path \
    " < " prefix " || '0'))"

/* Deltas that were there at the mark $2. */
#define SEEN_SQLITE "id <= CAST($2 AS bigint)"
#define SEEN_PG "pg_visible_in_snapshot(xid, CAST(CAST($2 AS text) AS pg_snapshot))"
#define FOLD_OF(seen)                                                                            \
    "UPDATE quotas SET n_folds = n_folds + 1, bytes = bytes + CAST(coalesce((SELECT sum(bytes) " \
    "FROM"                                                                                       \
    " quota_deltas WHERE quota_id = $1 AND " seen                                                \
    "), 0) AS bigint), tags = tags + CAST(coalesce((SELECT"                                      \
    " sum(tags) FROM quota_deltas WHERE quota_id = $1 AND " seen "), 0) AS bigint) WHERE id = $1"
#define DROP_OF(seen) "DELETE FROM quota_deltas WHERE quota_id = $1 AND " seen

#define GOING                                                                                \
    "SELECT repo_id FROM repo_blobs WHERE digest = $1 AND pinned_until <= $2 AND NOT EXISTS" \
    " (SELECT 1 FROM manifest_blobs AS mb WHERE mb.digest = $1 AND mb.repo_id = "            \
    "repo_blobs.repo_id)"
#define LINK "SELECT repo_id FROM repo_blobs WHERE digest = $1 AND repo_id = $2"
#define LINKS_OF(going)                                                                     \
    "INSERT INTO quota_deltas (quota_id, bytes, tags) SELECT q.id, -b.size, 0 FROM (" going \
    ") AS l"                                                                                \
    " JOIN blobs AS b ON b.digest = $1 JOIN repositories AS r ON r.id = l.repo_id"          \
    " JOIN quotas AS q ON " COVERS("q.path", "r.path")

#define COUNT_OF(length)                                                                           \
    "SELECT coalesce(max(id), 0), CAST(coalesce(sum(bytes), 0) AS bigint), "                       \
    "CAST(coalesce(sum(tags), 0) AS bigint)"                                                       \
    " FROM (SELECT r.id AS id, coalesce((SELECT sum(b.size) FROM repo_blobs AS l JOIN blobs AS b " \
    "ON b.digest = l.digest"                                                                       \
    " WHERE l.repo_id = r.id), 0) + coalesce((SELECT sum(" length "(m.bytes)) FROM manifests AS m" \
    " WHERE m.repo_id = r.id), 0) AS bytes, (SELECT count(*) FROM tags AS t WHERE t.repo_id = "    \
    "r.id) AS tags"                                                                                \
    " FROM repositories AS r WHERE r.id > $2 AND " COVERS(                                         \
        "$1", "r.path") " ORDER BY r.id LIMIT $3) AS sums"

/* Where there is one writer there is nothing to lock. */
#define NOTHING "DELETE FROM quota_deltas WHERE id = $1 AND id < 0"

/* clang-format off */
static const struct db_statement sql[] = {
    [PLACES]       = { .name = "quota.places",       .in = "i",     .out = "it",
                       .sql  = "SELECT id, path FROM quotas ORDER BY path LIMIT $1" },
    [VERSION]      = { .name = "quota.version",      .in = "",      .out = "i",
                       .sql  = "SELECT version FROM quotas_version WHERE id = 1" },
    [NEXT_VERSION] = { .name = "quota.next_version", .in = "",      .out = "i",
                       .sql  = "INSERT INTO quotas_version (id, version) VALUES (1, 1)"
                               " ON CONFLICT (id) DO UPDATE SET version = quotas_version.version + 1 RETURNING version" },
    [NUMBER]       = { .name = "quota.number",       .in = "",      .out = "i",
                       .sql  = "SELECT count(*) FROM quotas" },
    [ADD]          = { .name = "quota.add",          .in = "tiiiiii", .out = "i",
                       .sql  = "INSERT INTO quotas (path, bytes_limit, tags_limit, warn_percent, version, created_at, changed_at,"
                               " created_by) VALUES ($1, nullif($2, -1), nullif($3, -1), $4, $5, $6, $6, $7) RETURNING id" },
    [REMOVE]       = { .name = "quota.remove",       .in = "i",     .out = "",
                       .sql  = "DELETE FROM quotas WHERE id = $1" },
    [UPDATE]       = { .name = "quota.update",       .in = "iiiii", .out = "",
                       .sql  = "UPDATE quotas SET bytes_limit = nullif($2, -1), tags_limit = nullif($3, -1), warn_percent = $4,"
                               " changed_at = $5, warned_at = NULL, refused_bytes = NULL, refused_tags = NULL WHERE id = $1" },
    [FIND]         = { .name = "quota.find",         .in = "t",     .out = ROWS_OUT,
                       .sqlite = ROWS_SQLITE " WHERE q.path = $1 GROUP BY q.id",
                       .pg     = ROWS_PG " WHERE q.path = $1 GROUP BY q.id" },
    [LOOK]         = { .name = "quota.look",         .in = "t",     .out = ROWS_OUT,
                       .sqlite = ROWS_SQLITE " WHERE q.id IN (SELECT value FROM json_each($1)) GROUP BY q.id ORDER BY q.path",
                       .pg     = ROWS_PG " WHERE q.id IN (SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS text) AS jsonb))"
                                 " AS bigint)) GROUP BY q.id ORDER BY q.path" },
    [PAGE]         = { .name = "quota.page",         .in = "ttii",  .out = ROWS_OUT,
                       .sqlite = ROWS_SQLITE " WHERE (q.path > $2 OR $4 = 1) AND " COVERS("$1", "q.path")
                                 " GROUP BY q.id, q.path ORDER BY q.path LIMIT $3",
                       .pg     = ROWS_PG " WHERE (q.path > $2 OR $4 = 1) AND " COVERS("$1", "q.path")
                                 " GROUP BY q.id, q.path ORDER BY q.path LIMIT $3" },
    [SHARE]        = { .name = "quota.share",        .in = "i",     .out = "",
                       .sqlite = NOTHING,
                       .pg     = "SELECT FROM pg_advisory_xact_lock_shared(499121638, CAST($1 % 2147483647 AS integer))" },
    [ALONE]        = { .name = "quota.alone",        .in = "i",     .out = "",
                       .sqlite = NOTHING,
                       .pg     = "SELECT FROM pg_advisory_xact_lock(499121638, CAST($1 % 2147483647 AS integer))" },
    [APPEND]       = { .name = "quota.append",       .in = "iii",   .out = "",
                       .sql  = "INSERT INTO quota_deltas (quota_id, bytes, tags) VALUES ($1, $2, $3)" },
    [SET_BASE]     = { .name = "quota.set_base",     .in = "iii",   .out = "",
                       .sql  = "UPDATE quotas SET base_bytes = $2, base_tags = $3 WHERE id = $1" },
    [APPEND_OVER]  = { .name = "quota.append_over",  .in = "iii",   .out = "",
                       .sql  = "INSERT INTO quota_deltas (quota_id, bytes, tags) SELECT q.id, $2, $3 FROM repositories AS r"
                               " JOIN quotas AS q ON " COVERS("q.path", "r.path") " WHERE r.id = $1",
                       .pg   = "INSERT INTO quota_deltas (quota_id, bytes, tags) SELECT q.id, CAST($2 AS bigint), CAST($3 AS bigint)"
                               " FROM repositories AS r JOIN quotas AS q ON " COVERS("q.path", "r.path") " WHERE r.id = $1" },
    [APPEND_LINKS] = { .name = "quota.append_links", .in = "ti",    .out = "",
                       .sqlite = LINKS_OF(GOING), .pg = LINKS_OF(GOING " FOR UPDATE") },
    [APPEND_LINK]  = { .name = "quota.append_link",  .in = "ti",    .out = "",
                       .sqlite = LINKS_OF(LINK), .pg = LINKS_OF(LINK " FOR UPDATE") },
    [LOCK]         = { .name = "quota.lock",         .in = "i",     .out = "i",
                       .sqlite = "SELECT n_folds FROM quotas WHERE id = $1",
                       .pg     = "SELECT n_folds FROM quotas WHERE id = $1 FOR NO KEY UPDATE" },
    [FOLDS]        = { .name = "quota.folds",        .in = "i",     .out = "i",
                       .sql  = "SELECT n_folds FROM quotas WHERE id = $1" },
    [MARK]         = { .name = "quota.mark",         .in = "",      .out = "t",
                       .sqlite = "SELECT CAST(coalesce(max(id), 0) AS text) FROM quota_deltas",
                       .pg     = "SELECT CAST(pg_current_snapshot() AS text)" },
    [FOLD]         = { .name = "quota.fold",         .in = "it",    .out = "",
                       .sqlite = FOLD_OF(SEEN_SQLITE), .pg = FOLD_OF(SEEN_PG) },
    [DROP]         = { .name = "quota.drop",         .in = "it",    .out = "",
                       .sqlite = DROP_OF(SEEN_SQLITE), .pg = DROP_OF(SEEN_PG) },
    [SWEEP]        = { .name = "quota.sweep",        .in = "",      .out = "",
                       .sql  = "DELETE FROM quota_deltas WHERE NOT EXISTS (SELECT 1 FROM quotas AS q WHERE q.id = quota_id)" },
    [IS_DUE]       = { .name = "quota.is_due",       .in = "",      .out = "i",
                       .sql  = "SELECT CASE WHEN EXISTS (SELECT 1 FROM quota_deltas) OR EXISTS"
                               " (SELECT 1 FROM quotas WHERE is_counted = 0) THEN 1 ELSE 0 END" },
    [WARN]         = { .name = "quota.warn",         .in = "ii",    .out = "",
                       .sql  = "UPDATE quotas SET warned_at = $2 WHERE id = $1 AND warned_at IS NULL" },
    [UNWARN]       = { .name = "quota.unwarn",       .in = "i",     .out = "",
                       .sql  = "UPDATE quotas SET warned_at = NULL WHERE id = $1 AND warned_at IS NOT NULL" },
    [REFUSE]       = { .name = "quota.refuse",       .in = "iii",   .out = "",
                       .sql  = "UPDATE quotas SET refused_bytes = $2, refused_tags = $3 WHERE id = $1 AND refused_bytes IS NULL" },
    [UNREFUSE]     = { .name = "quota.unrefuse",     .in = "i",     .out = "",
                       .sql  = "UPDATE quotas SET refused_bytes = NULL, refused_tags = NULL WHERE id = $1"
                               " AND refused_bytes IS NOT NULL" },
    [ALARMS]       = { .name = "quota.alarms",       .in = "",      .out = "iit",
                       .sql  = "SELECT count(warned_at), count(refused_bytes), min(path) FROM quotas"
                               " WHERE warned_at IS NOT NULL OR refused_bytes IS NOT NULL" },
    [COUNT]        = { .name = "quota.count",        .in = "tii",   .out = "iii",
                       .sqlite = COUNT_OF("length"), .pg = COUNT_OF("octet_length") },
    [SET]          = { .name = "quota.set",          .in = "iiii",  .out = "",
                       .sql  = "UPDATE quotas SET bytes = $2, tags = $3, n_folds = n_folds + 1, is_counted = 1"
                               " WHERE id = $1 AND n_folds = $4" },
    [NODE_SEEN]    = { .name = "quota.node_seen",    .in = "ti",    .out = "",
                       .sql  = "UPDATE nodes SET quotas_version = $2 WHERE id = $1" },
    [NODES_BEHIND] = { .name = "quota.nodes_behind", .in = "tii",   .out = "i",
                       .sql  = "SELECT count(*) FROM nodes WHERE id <> $1 AND heartbeat_at >= $2 AND quotas_version < $3" },
};

static const struct db_column place_columns[] = {
    DB_COL_INT (struct meta_quota_place, id),
    DB_COL_TEXT(struct meta_quota_place, path),
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_quota, id),
    DB_COL_TEXT(struct meta_quota, path),
    DB_COL_INT (struct meta_quota, limit.bytes),
    DB_COL_INT (struct meta_quota, limit.tags),
    DB_COL_INT (struct meta_quota, warn_percent),
    DB_COL_INT (struct meta_quota, is_counted),
    DB_COL_INT (struct meta_quota, used.bytes),
    DB_COL_INT (struct meta_quota, used.tags),
    DB_COL_INT (struct meta_quota, n_deltas),
    DB_COL_INT (struct meta_quota, base.bytes),
    DB_COL_INT (struct meta_quota, base.tags),
    DB_COL_INT (struct meta_quota, parallel),
    DB_COL_INT (struct meta_quota, warned_at),
    DB_COL_INT (struct meta_quota, refused.bytes),
    DB_COL_INT (struct meta_quota, refused.tags),
    DB_COL_INT (struct meta_quota, n_folds),
    DB_COL_INT (struct meta_quota, created_at),
    DB_COL_INT (struct meta_quota, changed_at),
};

static const struct db_column alarm_columns[] = {
    DB_COL_INT (struct meta_quota_alarms, n_near),
    DB_COL_INT (struct meta_quota_alarms, n_refusing),
    DB_COL_TEXT(struct meta_quota_alarms, path),
};

struct chunk {
    int64_t               last;
    struct meta_quota_sum sum;
};

static const struct db_column chunk_columns[] = {
    DB_COL_INT(struct chunk, last),
    DB_COL_INT(struct chunk, sum.bytes),
    DB_COL_INT(struct chunk, sum.tags),
};
/* clang-format on */

META_STATEMENTS(quota);

static struct str or_empty(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

/* 1 when it changed a row, 0, -1. */
static int change(struct db_tx *tx, int statement, const struct db_value *args, size_t n_args,
                  struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[statement], args, n_args, &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

/* -- the list ----------------------------------------------------------------------------------------- */

int meta_quota_version(struct db_tx *tx, int64_t *out, struct err *err)
{
    int64_t version = 0;

    if (db_find_int(tx, &sql[VERSION], DB_NO_ARGS, &version, err) < 0)
        return -1;
    *out = version;
    return 0;
}

/* The version comes first: a list that is newer than its version is only read again. */
int meta_quota_places(struct db_tx *tx, struct arena *arena, struct meta_quota_place **out,
                      size_t *n_out, int64_t *out_version, struct err *err)
{
    void *list;

    if (meta_quota_version(tx, out_version, err) < 0 ||
        db_list(tx, arena, &sql[PLACES], DB_ARGS(db_int(META_QUOTAS_MAX)), place_columns,
                sizeof(**out), META_QUOTAS_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_quota_number(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[NUMBER], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_quota_add(struct db_tx *tx, const struct meta_quota *quota, int64_t created_by,
                   int64_t *out_id, int64_t *out_version, struct err *err)
{
    if (db_find_int(tx, &sql[NEXT_VERSION], DB_NO_ARGS, out_version, err) < 0)
        return -1;
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(quota->path), db_int(quota->limit.bytes),
                               db_int(quota->limit.tags), db_int(quota->warn_percent),
                               db_int(*out_version), db_int(db_now(tx)), db_int(created_by)),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_quota_remove(struct db_tx *tx, int64_t id, int64_t *out_version, struct err *err)
{
    if (db_find_int(tx, &sql[NEXT_VERSION], DB_NO_ARGS, out_version, err) < 0)
        return -1;
    return change(tx, REMOVE, DB_ARGS(db_int(id)), err);
}

int meta_quota_update(struct db_tx *tx, const struct meta_quota *quota, struct err *err)
{
    return db_run(tx, &sql[UPDATE],
                  DB_ARGS(db_int(quota->id), db_int(quota->limit.bytes), db_int(quota->limit.tags),
                          db_int(quota->warn_percent), db_int(db_now(tx))),
                  NULL, err);
}

int meta_quota_find(struct db_tx *tx, struct arena *arena, struct str path, struct meta_quota *out,
                    struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(path)), columns, out, err);
}

int meta_quota_look(struct db_tx *tx, struct arena *arena, const int64_t *ids, size_t n,
                    struct meta_quota **out, size_t *n_out, struct err *err)
{
    enum { DIGITS = 21 };
    struct buf text;
    void      *list;

    buf_init(&text, arena, 8 + n * DIGITS);
    buf_text(&text, "[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%lld", i > 0 ? "," : "", (long long)ids[i]);
    buf_text(&text, "]");
    if (db_list(tx, arena, &sql[LOOK], DB_ARGS(db_text(buf_view(&text))), columns, sizeof(**out), n,
                &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_quota_page(struct db_tx *tx, struct arena *arena, struct str prefix, struct str after,
                    size_t n_max, struct meta_quota **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_text(prefix), db_text(or_empty(after)), db_int((int64_t)n_max),
                        db_int(after.p == NULL)),
                columns, sizeof(**out), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

/* -- changes ------------------------------------------------------------------------------------------ */

int meta_quota_share(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_send(tx, &sql[SHARE], DB_ARGS(db_int(id)), err);
}

int meta_quota_alone(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_send(tx, &sql[ALONE], DB_ARGS(db_int(id)), err);
}

int meta_quota_append(struct db_tx *tx, int64_t id, const struct meta_quota_sum *delta,
                      struct err *err)
{
    return db_send(tx, &sql[APPEND], DB_ARGS(db_int(id), db_int(delta->bytes), db_int(delta->tags)),
                   err);
}

int meta_quota_set_base(struct db_tx *tx, int64_t id, const struct meta_quota_sum *base,
                        struct err *err)
{
    return db_send(tx, &sql[SET_BASE], DB_ARGS(db_int(id), db_int(base->bytes), db_int(base->tags)),
                   err);
}

int meta_quota_append_over(struct db_tx *tx, int64_t repo_id, const struct meta_quota_sum *delta,
                           struct err *err)
{
    return db_run(tx, &sql[APPEND_OVER],
                  DB_ARGS(db_int(repo_id), db_int(delta->bytes), db_int(delta->tags)), NULL, err);
}

int meta_quota_append_links(struct db_tx *tx, struct str digest, int64_t now, struct err *err)
{
    return db_run(tx, &sql[APPEND_LINKS], DB_ARGS(db_text(digest), db_int(now)), NULL, err);
}

int meta_quota_append_link(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    return db_run(tx, &sql[APPEND_LINK], DB_ARGS(db_text(digest), db_int(repo_id)), NULL, err);
}

/* With the row locked, what is seen once is seen by the statements that follow, and by no other folder. */
int meta_quota_fold(struct db_tx *tx, struct arena *arena, int64_t id, struct err *err)
{
    struct str mark;
    int64_t    n_folds;
    int        found = db_find_int(tx, &sql[LOCK], DB_ARGS(db_int(id)), &n_folds, err);

    if (found < 1)
        return found;
    if (db_find_text(tx, arena, &sql[MARK], DB_NO_ARGS, &mark, err) < 0 ||
        db_run(tx, &sql[FOLD], DB_ARGS(db_int(id), db_text(mark)), NULL, err) < 0)
        return -1;
    return db_run(tx, &sql[DROP], DB_ARGS(db_int(id), db_text(mark)), NULL, err);
}

int meta_quota_sweep(struct db_tx *tx, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[SWEEP], DB_NO_ARGS, out_n, err);
}

int meta_quota_is_due(struct db_tx *tx, struct err *err)
{
    int64_t is_due = 0;

    if (db_find_int(tx, &sql[IS_DUE], DB_NO_ARGS, &is_due, err) < 0)
        return -1;
    return is_due != 0;
}

int meta_quota_warned(struct db_tx *tx, int64_t id, bool is_over, struct err *err)
{
    if (!is_over)
        return change(tx, UNWARN, DB_ARGS(db_int(id)), err);
    return change(tx, WARN, DB_ARGS(db_int(id), db_int(db_now(tx))), err);
}

int meta_quota_refused(struct db_tx *tx, int64_t id, const struct meta_quota_sum *used,
                       struct err *err)
{
    if (used == NULL)
        return change(tx, UNREFUSE, DB_ARGS(db_int(id)), err);
    return change(tx, REFUSE, DB_ARGS(db_int(id), db_int(used->bytes), db_int(used->tags)), err);
}

int meta_quota_alarms(struct db_tx *tx, struct arena *arena, struct meta_quota_alarms *out,
                      struct err *err)
{
    return db_find(tx, arena, &sql[ALARMS], DB_NO_ARGS, alarm_columns, out, err) < 0 ? -1 : 0;
}

/* -- counting ----------------------------------------------------------------------------------------- */

int meta_quota_count(struct db_tx *tx, struct arena *arena, int64_t id, struct str prefix,
                     struct meta_quota_count *out, struct err *err)
{
    struct meta_quota_count count = { .sum = { 0 } };
    struct chunk            chunk = { .last = 0 };
    int64_t                 last;

    if (db_find_text(tx, arena, &sql[MARK], DB_NO_ARGS, &count.mark, err) < 0 ||
        (id != 0 && db_find_int(tx, &sql[FOLDS], DB_ARGS(db_int(id)), &count.n_folds, err) < 0))
        return -1;
    do {
        last = chunk.last;
        if (db_find(tx, NULL, &sql[COUNT],
                    DB_ARGS(db_text(prefix), db_int(last), db_int(REPOS_A_CHUNK)), chunk_columns,
                    &chunk, err) < 0)
            return -1;
        count.sum.bytes += chunk.sum.bytes;
        count.sum.tags += chunk.sum.tags;
    } while (chunk.last != 0);
    *out = count;
    return 0;
}

int meta_quota_set(struct db_tx *tx, int64_t id, const struct meta_quota_count *count,
                   struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[SET],
               DB_ARGS(db_int(id), db_int(count->sum.bytes), db_int(count->sum.tags),
                       db_int(count->n_folds)),
               &n_changed, err) < 0)
        return -1;
    if (n_changed == 0)
        return 0;
    return db_run(tx, &sql[DROP], DB_ARGS(db_int(id), db_text(count->mark)), NULL, err) < 0 ? -1
                                                                                            : 1;
}

/* -- nodes -------------------------------------------------------------------------------------------- */

int meta_quota_node_seen(struct db_tx *tx, struct str node, int64_t version, struct err *err)
{
    return change(tx, NODE_SEEN, DB_ARGS(db_text(node), db_int(version)), err);
}

int meta_quota_nodes_behind(struct db_tx *tx, struct str node, int64_t since, int64_t version,
                            int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[NODES_BEHIND],
                       DB_ARGS(db_text(node), db_int(since), db_int(version)), out, err) < 0
               ? -1
               : 0;
}
