/* meta/size.c: sizes by rows.
 *
 * A manifest stays while a tag, a hold, or something that stays and names it (an index; the subject that it refers to)
 * keeps it. It waits while it could be brought back or was pushed a moment ago. Both are closures over what names what,
 * each begun at the manifests that stay or wait for a reason of their own; a blob is as its best manifest. The engines
 * differ in how a recursion follows two kinds of edges. */
#include "meta/size.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { ROWS, SUM };

/* clang-format off */
/* $1 path, $2 and $3 the range, $4 deleted ones too; $5 now, $6 undelete window, $7 gc delay, $8 keep untagged. */
#define REPOS(gone_at, condition, state) \
    "SELECT id, " gone_at " FROM repositories WHERE " condition " AND deleted_at " state
#define LIVING "IS NULL"
#define GONE   "IS NOT NULL AND reaped_at IS NULL AND $4 = 1"
#define BELOW  "path >= $2 AND path < $3"
#define SCOPE \
    "scope (id, gone_at) AS (" REPOS("0", "path = $1", LIVING) " UNION ALL " REPOS("0", BELOW, LIVING) \
    " UNION ALL " REPOS("deleted_at", "path = $1", GONE) " UNION ALL " REPOS("deleted_at", BELOW, GONE) ")"

#define IS_HELD(repo, digest) \
    "EXISTS (SELECT 1 FROM holds AS h WHERE h.digest = " digest \
    " AND (h.repo_id IS NULL OR h.repo_id = " repo ") AND (h.until IS NULL OR h.until > $5))"
#define QUEUED(condition) \
    "EXISTS (SELECT 1 FROM gc_queue AS q WHERE q.kind = 'manifest' AND q.id = m.repo_id || ':' || m.digest AND " condition ")"

/* 2 it stays, 1 it waits, 0 it may go, for reasons of its own. */
#define OWN_LEVEL \
    "CASE WHEN " IS_HELD("m.repo_id", "m.digest") " THEN 2" \
    " WHEN s.gone_at > 0 THEN CASE WHEN s.gone_at + $6 > $5 THEN 1 ELSE 0 END" \
    " WHEN m.deleted_at IS NOT NULL THEN CASE WHEN m.deleted_at + $6 > $5 THEN 1 ELSE 0 END" \
    " WHEN EXISTS (SELECT 1 FROM tags AS t WHERE t.repo_id = m.repo_id AND t.digest = m.digest) THEN 2" \
    " WHEN $8 = 1 AND NOT " QUEUED("q.event <> 'push'") " THEN 2" \
    " WHEN m.pinned_until > $5 OR m.touched_at + $7 > $5 OR " QUEUED("q.review_after > $5") " THEN 1 ELSE 0 END"
#define ROOTS \
    "roots (repo_id, digest, level) AS (SELECT m.repo_id, m.digest, " OWN_LEVEL \
    " FROM scope AS s JOIN manifests AS m ON m.repo_id = s.id)"

#define CHILDREN_OF(name) \
    "SELECT c.repo_id, c.child FROM " name " AS k JOIN manifest_children AS c ON c.repo_id = k.repo_id AND c.parent = k.digest"
#define REFERRERS_OF(name) \
    "SELECT r.repo_id, r.digest FROM " name " AS k JOIN manifests AS r ON r.repo_id = k.repo_id" \
    " AND r.subject = k.digest AND r.deleted_at IS NULL"
#define NAMED_BY_PG(name) \
    "SELECT k.repo_id, n.digest FROM " name " AS k CROSS JOIN LATERAL (SELECT c.child AS digest FROM manifest_children AS c" \
    " WHERE c.repo_id = k.repo_id AND c.parent = k.digest UNION ALL SELECT r.digest FROM manifests AS r" \
    " WHERE r.repo_id = k.repo_id AND r.subject = k.digest AND r.deleted_at IS NULL) AS n"

#define FROM_LEVEL(name, level) \
    name " (repo_id, digest) AS (SELECT repo_id, digest FROM roots WHERE level >= " level " UNION "
#define CLOSURE_SQLITE(name, level) FROM_LEVEL(name, level) CHILDREN_OF(name) " UNION " REFERRERS_OF(name) ")"
#define CLOSURE_PG(name, level)     FROM_LEVEL(name, level) NAMED_BY_PG(name) ")"

#define BLOBS_OF(name, level) \
    "SELECT b.digest, " level ", 0 FROM " name " AS k JOIN manifest_blobs AS b ON b.repo_id = k.repo_id AND b.manifest = k.digest"
#define BYTES_OF(name) \
    "(SELECT CAST(coalesce(sum(length(m.bytes)), 0) AS bigint) FROM " name " AS k JOIN manifests AS m" \
    " ON m.repo_id = k.repo_id AND m.digest = k.digest)"
#define SUM_OF(condition) "CAST(coalesce(sum(CASE WHEN " condition " THEN size ELSE 0 END), 0) AS bigint)"

#define SUMS \
    ", named (digest, level, is_link) AS (" BLOBS_OF("stays", "2") " UNION ALL " BLOBS_OF("waits", "1") \
    " UNION ALL SELECT l.digest, CASE WHEN l.pinned_until > $5 THEN 1 ELSE 0 END, 1 FROM scope AS s" \
    " JOIN repo_blobs AS l ON l.repo_id = s.id)," \
    " grouped (digest, level, n_links) AS (SELECT digest, max(level), sum(is_link) FROM named GROUP BY digest)," \
    " judged (size, level, is_own) AS (SELECT b.size, CASE WHEN g.level = 2 OR " IS_HELD("0", "b.digest") " THEN 2" \
    " WHEN g.level = 1 OR b.touched_at + $7 > $5 THEN 1 ELSE 0 END," \
    " CASE WHEN g.n_links = (SELECT count(*) FROM repo_blobs AS o WHERE o.digest = g.digest) THEN 1 ELSE 0 END" \
    " FROM grouped AS g JOIN blobs AS b ON b.digest = g.digest WHERE g.n_links > 0)" \
    " SELECT count(*), " SUM_OF("1 = 1") ", " SUM_OF("is_own = 1") ", " SUM_OF("is_own = 1 AND level = 0") ", " \
    SUM_OF("is_own = 1 AND level = 1") ", (SELECT count(*) FROM roots), " BYTES_OF("roots") ", " BYTES_OF("waits") ", " \
    BYTES_OF("stays") ", (SELECT count(*) FROM scope AS s JOIN tags AS t ON t.repo_id = s.id WHERE s.gone_at = 0)," \
    " (SELECT count(*) FROM scope WHERE gone_at = 0) FROM judged"

static const struct db_statement sql[] = {
    [ROWS] = { .name   = "size.rows", .in = "tttii",    .out = "i",
               .sql    = "WITH " SCOPE " SELECT (SELECT count(*) FROM (SELECT 1 FROM scope AS s JOIN manifests AS m ON m.repo_id = s.id"
                         " LIMIT $5) AS x) + (SELECT count(*) FROM (SELECT 1 FROM scope AS s JOIN repo_blobs AS l ON l.repo_id = s.id"
                         " LIMIT $5) AS y)" },
    [SUM]  = { .name   = "size.sum",  .in = "tttiiiii", .out = "iiiiiiiiiii",
               .sqlite = "WITH RECURSIVE " SCOPE ", " ROOTS ", " CLOSURE_SQLITE("stays", "2") ", " CLOSURE_SQLITE("waits", "1") SUMS,
               .pg     = "WITH RECURSIVE " SCOPE ", " ROOTS ", " CLOSURE_PG("stays", "2") ", " CLOSURE_PG("waits", "1") SUMS },
};

static const struct db_column columns[] = {
    DB_COL_INT(struct meta_size, n_blobs),
    DB_COL_INT(struct meta_size, blobs),
    DB_COL_INT(struct meta_size, own_blobs),
    DB_COL_INT(struct meta_size, own_blobs_now),
    DB_COL_INT(struct meta_size, own_blobs_later),
    DB_COL_INT(struct meta_size, n_manifests),
    DB_COL_INT(struct meta_size, manifests),
    DB_COL_INT(struct meta_size, manifests_waiting),
    DB_COL_INT(struct meta_size, manifests_staying),
    DB_COL_INT(struct meta_size, n_tags),
    DB_COL_INT(struct meta_size, n_repos),
};
/* clang-format on */

META_STATEMENTS(size);

static struct str or_empty(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

int meta_size_rows(struct db_tx *tx, const struct meta_size_of *of, int64_t n_max, int64_t *out,
                   struct err *err)
{
    return db_find_int(tx, &sql[ROWS],
                       DB_ARGS(db_text(or_empty(of->path)), db_text(or_empty(of->below.low)),
                               db_text(or_empty(of->below.high)), db_int(of->gone_too),
                               db_int(n_max)),
                       out, err) < 0
               ? -1
               : 0;
}

int meta_size_sum(struct db_tx *tx, const struct meta_size_of *of, struct meta_size *out,
                  struct err *err)
{
    return db_find(tx, NULL, &sql[SUM],
                   DB_ARGS(db_text(or_empty(of->path)), db_text(or_empty(of->below.low)),
                           db_text(or_empty(of->below.high)), db_int(of->gone_too),
                           db_int(db_now(tx)), db_int(of->undelete_window), db_int(of->gc_delay),
                           db_int(of->keep_untagged)),
                   columns, out, err) < 0
               ? -1
               : 0;
}
