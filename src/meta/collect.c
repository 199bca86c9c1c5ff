/* meta/collect.c: the SQL of collection. */
#include "meta/collect.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/search.h"
#include "meta/statements.h"

/* What one manifest names is bounded by its size (4 MiB); what refers to one is taken a part at a time. */
enum { NAMED_MAX = 100000 };

enum {
    DUE,
    DUE_MANIFESTS,
    DUE_BLOBS,
    IS_DUE,
    PAGE,
    FOLLOWS,
    REMOVE,
    MOVE,
    COUNTS,
    LOCK_BLOB,
    HAS_BLOB,
    IS_USED,
    PINNED,
    DROP_LINKS,
    DROP_BLOB,
    LOCK_FATE,
    HAS_FATE,
    TIES,
    BLOBS,
    CHILDREN,
    REFERRERS,
    DROP_MANIFEST,
    REPOS,
    REAP_BEGIN,
    REAP_TAGS,
    ROOTS,
    LINKS,
    DROP_LINK,
    IS_EMPTY,
    DROP_GRANTS,
    DROP_README,
    DROP_COUNTS,
    MARK,
    TOTALS,
    MISSING,
    OLD_NODES,
    TIMELINE
};

#define REVIEW \
    "SELECT kind, id, review_after, attempts, event FROM gc_queue WHERE review_after <= $1"
/* "+kind" in SQLite: the rows come by the index of times, not by that of names. */
#define DUE_FIRST " ORDER BY review_after LIMIT $2"
#define SKIP_TAKEN " FOR UPDATE SKIP LOCKED"
#define BLOB "SELECT size, object_key, touched_at FROM blobs WHERE digest = $1"
#define FATE                                                                           \
    "SELECT coalesce(deleted_at, 0), touched_at, pinned_until, subject FROM manifests" \
    " WHERE repo_id = $1 AND digest = $2"
#define IS_THERE(query) "CASE WHEN EXISTS (" query ") THEN 1 ELSE 0 END"

/* clang-format off */
static const struct db_statement sql[] = {
    [DUE]           = { .name = "review.due",           .in = "ii", .out = "ttiit",
                        .sqlite = REVIEW DUE_FIRST,
                        .pg     = REVIEW DUE_FIRST SKIP_TAKEN },
    [DUE_MANIFESTS] = { .name = "review.due_manifests", .in = "ii", .out = "ttiit",
                        .sqlite = REVIEW " AND +kind = 'manifest'" DUE_FIRST,
                        .pg     = REVIEW " AND kind = 'manifest'" DUE_FIRST SKIP_TAKEN },
    [DUE_BLOBS]     = { .name = "review.due_blobs",     .in = "ii", .out = "ttiit",
                        .sqlite = REVIEW " AND +kind <> 'manifest'" DUE_FIRST,
                        .pg     = REVIEW " AND kind <> 'manifest'" DUE_FIRST SKIP_TAKEN },
    [IS_DUE]        = { .name = "review.is_due",    .in = "ii",   .out = "i",
                        .sql  = "SELECT CASE WHEN EXISTS (SELECT 1 FROM gc_queue WHERE review_after <= $1) OR EXISTS"
                                " (SELECT 1 FROM doomed_objects WHERE not_before <= $1) OR EXISTS"
                                " (SELECT 1 FROM repositories WHERE deleted_at IS NOT NULL AND reaped_at IS NULL"
                                " AND deleted_at <= $2) THEN 1 ELSE 0 END" },
    [PAGE]          = { .name = "review.page",      .in = "itttti", .out = "ttiit",
                        .sql  = REVIEW " AND (kind, id) > ($2, $3) AND kind >= $4 AND kind <= $5"
                                " ORDER BY kind, id LIMIT $6" },
    [FOLLOWS]       = { .name = "review.follows",   .in = "iii",  .out = "ttiit",
                        .sql  = REVIEW " AND review_after >= $2 ORDER BY review_after LIMIT $3" },
    [REMOVE]        = { .name = "review.remove",    .in = "tt",   .out = "",
                        .sql  = "DELETE FROM gc_queue WHERE kind = $1 AND id = $2" },
    [MOVE]          = { .name = "review.move",      .in = "ttii", .out = "",
                        .sql  = "UPDATE gc_queue SET review_after = $3, attempts = $4 WHERE kind = $1 AND id = $2" },
    [COUNTS]        = { .name = "review.counts",    .in = "i",    .out = "iiiiiiii",
                        .sql  = "SELECT count(*), coalesce(sum(CASE WHEN review_after <= $1 THEN 1 ELSE 0 END), 0),"
                                " coalesce(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), 0), coalesce(min(review_after), 0),"
                                " (SELECT count(*) FROM doomed_objects), (SELECT coalesce(sum(size), 0) FROM doomed_objects),"
                                " (SELECT coalesce(sum(size), 0) FROM doomed_objects WHERE not_before <= $1), (SELECT coalesce(max(not_before), 0) FROM doomed_objects) FROM gc_queue",
                        .pg   = "SELECT count(*), coalesce(sum(CASE WHEN review_after <= $1 THEN 1 ELSE 0 END), 0)::bigint,"
                                " coalesce(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), 0)::bigint, coalesce(min(review_after), 0),"
                                " (SELECT count(*) FROM doomed_objects), (SELECT coalesce(sum(size), 0) FROM doomed_objects)::bigint,"
                                " (SELECT coalesce(sum(size), 0) FROM doomed_objects WHERE not_before <= $1)::bigint,"
                                " (SELECT coalesce(max(not_before), 0) FROM doomed_objects) FROM gc_queue" },
    [LOCK_BLOB]     = { .name = "doom.lock",        .in = "t",    .out = "iti",
                        .sqlite = BLOB, .pg = BLOB " FOR UPDATE" SKIP_TAKEN },
    [HAS_BLOB]      = { .name = "doom.has",         .in = "t",    .out = "i",
                        .sql  = "SELECT size FROM blobs WHERE digest = $1" },
    [IS_USED]       = { .name = "doom.is_used",     .in = "t",    .out = "i",
                        .sql  = "SELECT repo_id FROM manifest_blobs WHERE digest = $1 LIMIT 1" },
    [PINNED]        = { .name = "doom.pinned",      .in = "t",    .out = "i",
                        .sql  = "SELECT coalesce(max(pinned_until), 0) FROM repo_blobs WHERE digest = $1" },
    [DROP_LINKS]    = { .name = "doom.links",       .in = "ti",   .out = "",
                        .sql  = "DELETE FROM repo_blobs WHERE digest = $1 AND pinned_until <= $2 AND NOT EXISTS"
                                " (SELECT 1 FROM manifest_blobs AS mb WHERE mb.digest = $1 AND mb.repo_id = repo_blobs.repo_id)" },
    [DROP_BLOB]     = { .name = "doom.blob",        .in = "t",    .out = "",
                        .sql  = "DELETE FROM blobs WHERE digest = $1" },
    [LOCK_FATE]     = { .name = "fate.lock",        .in = "it",   .out = "iiit",
                        .sqlite = FATE, .pg = FATE " FOR UPDATE" SKIP_TAKEN },
    [HAS_FATE]      = { .name = "fate.has",         .in = "it",   .out = "i",
                        .sql  = "SELECT depth FROM manifests WHERE repo_id = $1 AND digest = $2" },
    [TIES]          = { .name = "fate.ties",        .in = "itt",  .out = "iii",
                        .sql  = "SELECT " IS_THERE("SELECT 1 FROM tags WHERE repo_id = $1 AND digest = $2") ", "
                                IS_THERE("SELECT 1 FROM manifest_children WHERE repo_id = $1 AND child = $2") ", "
                                IS_THERE("SELECT 1 FROM manifests WHERE repo_id = $1 AND digest = $3") },
    [BLOBS]         = { .name = "fate.blobs",       .in = "it",   .out = "t",
                        .sql  = "SELECT digest FROM manifest_blobs WHERE repo_id = $1 AND manifest = $2 ORDER BY digest" },
    [CHILDREN]      = { .name = "fate.children",    .in = "it",   .out = "t",
                        .sql  = "SELECT child FROM manifest_children WHERE repo_id = $1 AND parent = $2 ORDER BY child" },
    [REFERRERS]     = { .name = "fate.referrers",   .in = "it",   .out = "t",
                        .sql  = "SELECT digest FROM manifests WHERE repo_id = $1 AND subject = $2 AND deleted_at IS NULL"
                                " ORDER BY digest" },
    [DROP_MANIFEST] = { .name = "fate.drop",        .in = "it",   .out = "",
                        .sql  = "DELETE FROM manifests WHERE repo_id = $1 AND digest = $2" },
    [REPOS]         = { .name = "reap.repos",       .in = "iii",  .out = "i",
                        .sql  = "SELECT id FROM repositories WHERE deleted_at IS NOT NULL AND reaped_at IS NULL"
                                " AND deleted_at <= $1 AND id > $2 ORDER BY id LIMIT $3" },
    [REAP_BEGIN]    = { .name = "reap.begin",       .in = "iii",  .out = "",
                        .sql  = "UPDATE repositories SET reaping_at = coalesce(reaping_at, $3) WHERE id = $1"
                                " AND deleted_at IS NOT NULL AND deleted_at <= $2" },
    [REAP_TAGS]     = { .name = "reap.tags",        .in = "ii",   .out = "",
                        .sql  = "DELETE FROM tags WHERE repo_id = $1 AND name IN"
                                " (SELECT name FROM tags WHERE repo_id = $1 ORDER BY name LIMIT $2)" },
    [ROOTS]         = { .name = "reap.roots",       .in = "iti",  .out = "t",
                        .sql  = "SELECT m.digest FROM manifests AS m WHERE m.repo_id = $1 AND m.digest > $2 AND NOT EXISTS"
                                " (SELECT 1 FROM manifest_children AS c WHERE c.repo_id = $1 AND c.child = m.digest)"
                                " ORDER BY m.digest LIMIT $3" },
    [LINKS]         = { .name = "reap.links",       .in = "ii",   .out = "t",
                        .sql  = "SELECT l.digest FROM repo_blobs AS l WHERE l.repo_id = $1 AND NOT EXISTS"
                                " (SELECT 1 FROM manifest_blobs AS mb WHERE mb.digest = l.digest AND mb.repo_id = $1)"
                                " ORDER BY l.digest LIMIT $2" },
    [DROP_LINK]     = { .name = "reap.link",        .in = "it",   .out = "",
                        .sql  = "DELETE FROM repo_blobs WHERE repo_id = $1 AND digest = $2" },
    [IS_EMPTY]      = { .name = "reap.is_empty",    .in = "i",    .out = "i",
                        .sql  = "SELECT id FROM repositories WHERE id = $1"
                                " AND NOT EXISTS (SELECT 1 FROM tags WHERE repo_id = $1)"
                                " AND NOT EXISTS (SELECT 1 FROM manifests WHERE repo_id = $1)"
                                " AND NOT EXISTS (SELECT 1 FROM repo_blobs WHERE repo_id = $1)" },
    [DROP_GRANTS]   = { .name = "reap.grants",      .in = "i",    .out = "",
                        .sql  = "DELETE FROM grants WHERE repo_id = $1" },
    [DROP_README]   = { .name = "reap.readme",      .in = "i",    .out = "",
                        .sql  = "DELETE FROM repository_readmes WHERE repo_id = $1" },
    [DROP_COUNTS]   = { .name = "reap.counts",      .in = "i",    .out = "",
                        .sql  = "DELETE FROM repository_counts WHERE repo_id = $1" },
    [MARK]          = { .name = "reap.mark",        .in = "ii",   .out = "",
                        .sql  = "UPDATE repositories SET reaped_at = $2 WHERE id = $1" },
    [TOTALS]        = { .name = "blob.totals",      .in = "",     .out = "ii",
                        .sql  = "SELECT count(*), coalesce(sum(size), 0) FROM blobs",
                        .pg   = "SELECT count(*), coalesce(sum(size), 0)::bigint FROM blobs" },
    [MISSING]       = { .name = "damage.missing",   .in = "",     .out = "i",
                        .sql  = "SELECT count(*) FROM damage WHERE healed_at IS NULL AND kind = 'missing'" },
    [OLD_NODES]     = { .name = "node.count_old",   .in = "ii",   .out = "i",
                        .sql  = "SELECT count(*) FROM nodes WHERE heartbeat_at >= $1 AND protocol < $2" },
    [TIMELINE]      = { .name   = "db.timeline",    .in = "",     .out = "i",
                        .sqlite = "SELECT 0",
                        .pg     = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint" },
};

static const struct db_column review_columns[] = {
    DB_COL_TEXT(struct meta_review, kind),
    DB_COL_TEXT(struct meta_review, id),
    DB_COL_INT (struct meta_review, review_after),
    DB_COL_INT (struct meta_review, attempts),
    DB_COL_TEXT(struct meta_review, event),
};

static const struct db_column count_columns[] = {
    DB_COL_INT(struct meta_review_counts, n_waiting),
    DB_COL_INT(struct meta_review_counts, n_due),
    DB_COL_INT(struct meta_review_counts, n_failing),
    DB_COL_INT(struct meta_review_counts, first_at),
    DB_COL_INT(struct meta_review_counts, n_doomed),
    DB_COL_INT(struct meta_review_counts, n_bytes),
    DB_COL_INT(struct meta_review_counts, n_due_bytes),
    DB_COL_INT(struct meta_review_counts, last_free_at),
};

static const struct db_column doom_columns[] = {
    DB_COL_INT (struct meta_doom, size),
    DB_COL_TEXT(struct meta_doom, object_key),
    DB_COL_INT (struct meta_doom, touched_at),
};

static const struct db_column fate_columns[] = {
    DB_COL_INT (struct meta_fate, deleted_at),
    DB_COL_INT (struct meta_fate, touched_at),
    DB_COL_INT (struct meta_fate, pinned_until),
    DB_COL_TEXT(struct meta_fate, subject),
};

static const struct db_column tie_columns[] = {
    DB_COL_INT(struct meta_fate, is_tagged),
    DB_COL_INT(struct meta_fate, has_parent),
    DB_COL_INT(struct meta_fate, has_subject),
};

struct id_row {
    int64_t id;
};

static const struct db_column id_columns[] = { DB_COL_INT(struct id_row, id) };

struct totals {
    int64_t n;
    int64_t bytes;
};

static const struct db_column total_columns[] = {
    DB_COL_INT(struct totals, n),
    DB_COL_INT(struct totals, bytes),
};
/* clang-format on */

META_STATEMENTS(collect);

/* -- the queue ---------------------------------------------------------------------------------------- */

int meta_review_due(struct db_tx *tx, struct arena *arena, enum meta_review_which which,
                    size_t n_max, struct meta_review **out, size_t *n_out, struct err *err)
{
    static const int statements[] = { [META_REVIEW_ALL]       = DUE,
                                      [META_REVIEW_MANIFESTS] = DUE_MANIFESTS,
                                      [META_REVIEW_BLOBS]     = DUE_BLOBS };
    void            *list         = NULL;
    int              done         = db_list(tx, arena, &sql[statements[which]],
                                            DB_ARGS(db_int(db_now(tx)), db_int((int64_t)n_max)), review_columns,
                                            sizeof(**out), n_max, &list, n_out, err);

    *out = list;
    return done;
}

int meta_review_is_due(struct db_tx *tx, int64_t deleted_until, struct err *err)
{
    int64_t is_due;

    if (db_find_int(tx, &sql[IS_DUE], DB_ARGS(db_int(db_now(tx)), db_int(deleted_until)), &is_due,
                    err) < 0)
        return -1;
    return is_due != 0;
}

int meta_review_page(struct db_tx *tx, struct arena *arena, enum meta_review_which which,
                     const struct meta_review *after, bool with_later, size_t n_max,
                     struct meta_review **out, size_t *n_out, struct err *err)
{
    struct str first = which == META_REVIEW_MANIFESTS ? STR("manifest") : STR("");
    struct str last  = which == META_REVIEW_BLOBS ? STR("link") : STR("manifest");
    void      *list  = NULL;
    int        done =
        db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_int(with_later ? INT64_MAX : db_now(tx)), db_text(after->kind),
                        db_text(after->id), db_text(first), db_text(last), db_int((int64_t)n_max)),
                review_columns, sizeof(**out), n_max, &list, n_out, err);

    *out = list;
    return done;
}

int meta_review_follows(struct db_tx *tx, struct arena *arena, int64_t since, size_t n_max,
                        struct meta_review **out, size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[FOLLOWS],
                         DB_ARGS(db_int(db_now(tx)), db_int(since), db_int((int64_t)n_max)),
                         review_columns, sizeof(**out), n_max, &list, n_out, err);

    *out = list;
    return done;
}

int meta_review_remove(struct db_tx *tx, const struct meta_review *review, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_text(review->kind), db_text(review->id)), NULL, err);
}

int meta_review_move(struct db_tx *tx, const struct meta_review *review, int64_t review_after,
                     int64_t attempts, struct err *err)
{
    return db_run(tx, &sql[MOVE],
                  DB_ARGS(db_text(review->kind), db_text(review->id), db_int(review_after),
                          db_int(attempts)),
                  NULL, err);
}

int meta_review_counts(struct db_tx *tx, struct meta_review_counts *out, struct err *err)
{
    int found =
        db_find(tx, NULL, &sql[COUNTS], DB_ARGS(db_int(db_now(tx))), count_columns, out, err);

    return found < 0 ? -1 : 0;
}

/* -- blobs -------------------------------------------------------------------------------------------- */

int meta_doom_lock(struct db_tx *tx, struct arena *arena, struct str digest, struct meta_doom *out,
                   struct err *err)
{
    int64_t size;
    int     found =
        db_find(tx, arena, &sql[LOCK_BLOB], DB_ARGS(db_text(digest)), doom_columns, out, err);

    if (found != 0)
        return found;
    found = db_find_int(tx, &sql[HAS_BLOB], DB_ARGS(db_text(digest)), &size, err);
    return found == 1 ? META_BUSY : found;
}

int meta_doom_is_used(struct db_tx *tx, struct str digest, struct err *err)
{
    int64_t repo_id;

    return db_find_int(tx, &sql[IS_USED], DB_ARGS(db_text(digest)), &repo_id, err);
}

int meta_doom_pinned_until(struct db_tx *tx, struct str digest, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[PINNED], DB_ARGS(db_text(digest)), out, err) < 0 ? -1 : 0;
}

int meta_doom_links(struct db_tx *tx, struct str digest, int64_t now, int64_t *out_n,
                    struct err *err)
{
    return db_run(tx, &sql[DROP_LINKS], DB_ARGS(db_text(digest), db_int(now)), out_n, err);
}

int meta_doom_blob(struct db_tx *tx, struct str digest, struct err *err)
{
    return db_run(tx, &sql[DROP_BLOB], DB_ARGS(db_text(digest)), NULL, err);
}

/* -- manifests ---------------------------------------------------------------------------------------- */

/* Two statements: the second has a snapshot of its own, taken after the lock was waited for. In one, PostgreSQL
 * would look for tags as they were before. */
int meta_fate_lock(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                   struct meta_fate *out, struct err *err)
{
    *out = (struct meta_fate){ 0 };
    int64_t depth;
    int     found = db_find(tx, arena, &sql[LOCK_FATE], DB_ARGS(db_int(repo_id), db_text(digest)),
                            fate_columns, out, err);

    if (found < 0)
        return found;
    if (found == 0) {
        found =
            db_find_int(tx, &sql[HAS_FATE], DB_ARGS(db_int(repo_id), db_text(digest)), &depth, err);
        return found == 1 ? META_BUSY : found;
    }
    struct str subject = out->subject.p == NULL ? STR("") : out->subject;
    return db_find(tx, arena, &sql[TIES],
                   DB_ARGS(db_int(repo_id), db_text(digest), db_text(subject)), tie_columns, out,
                   err);
}

int meta_fate_named(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                    enum meta_named which, struct str **out, size_t *n_out, struct err *err)
{
    static const int statements[] = { [META_NAMED_BLOBS]     = BLOBS,
                                      [META_NAMED_CHILDREN]  = CHILDREN,
                                      [META_NAMED_REFERRERS] = REFERRERS };

    return db_list_text(tx, arena, &sql[statements[which]],
                        DB_ARGS(db_int(repo_id), db_text(digest)), NAMED_MAX, out, n_out, err);
}

int meta_fate_drop(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    return db_run(tx, &sql[DROP_MANIFEST], DB_ARGS(db_int(repo_id), db_text(digest)), NULL, err);
}

/* -- deleted repositories ----------------------------------------------------------------------------- */

int meta_reap_repos(struct db_tx *tx, struct arena *arena, int64_t deleted_until, int64_t after,
                    size_t n_max, int64_t **out, size_t *n_out, struct err *err)
{
    void *list = NULL;
    int   done = db_list(tx, arena, &sql[REPOS],
                         DB_ARGS(db_int(deleted_until), db_int(after), db_int((int64_t)n_max)),
                         id_columns, sizeof(struct id_row), n_max, &list, n_out, err);

    *out = list; /* a struct of one number is that number */
    return done;
}

int meta_reap_begin(struct db_tx *tx, int64_t repo_id, int64_t deleted_until, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[REAP_BEGIN],
               DB_ARGS(db_int(repo_id), db_int(deleted_until), db_int(db_now(tx))), &n_changed,
               err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_reap_tags(struct db_tx *tx, int64_t repo_id, size_t n_max, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REAP_TAGS], DB_ARGS(db_int(repo_id), db_int((int64_t)n_max)), out_n,
                  err);
}

int meta_reap_roots(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                    size_t n_max, struct str **out, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[ROOTS],
                        DB_ARGS(db_int(repo_id), db_text(after.p == NULL ? STR("") : after),
                                db_int((int64_t)n_max)),
                        n_max, out, n_out, err);
}

int meta_reap_links(struct db_tx *tx, struct arena *arena, int64_t repo_id, size_t n_max,
                    struct str **out, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[LINKS], DB_ARGS(db_int(repo_id), db_int((int64_t)n_max)),
                        n_max, out, n_out, err);
}

int meta_reap_link(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    return db_run(tx, &sql[DROP_LINK], DB_ARGS(db_int(repo_id), db_text(digest)), NULL, err);
}

int meta_reap_end(struct db_tx *tx, int64_t repo_id, struct err *err)
{
    static const int hanging[] = { DROP_GRANTS, DROP_README, DROP_COUNTS };
    int64_t          same;
    int              found = db_find_int(tx, &sql[IS_EMPTY], DB_ARGS(db_int(repo_id)), &same, err);

    if (found < 1)
        return found;
    for (size_t i = 0; i < ARRAY_LEN(hanging); i++) {
        if (db_run(tx, &sql[hanging[i]], DB_ARGS(db_int(repo_id)), NULL, err) < 0)
            return -1;
    }
    if (meta_search_drop_repo(tx, repo_id, err) < 0)
        return -1;
    return db_run(tx, &sql[MARK], DB_ARGS(db_int(repo_id), db_int(db_now(tx))), NULL, err) < 0 ? -1
                                                                                               : 1;
}

/* -- brakes ------------------------------------------------------------------------------------------- */

int meta_blob_totals(struct db_tx *tx, int64_t *out_n, int64_t *out_bytes, struct err *err)
{
    struct totals totals = { 0 };

    if (db_find(tx, NULL, &sql[TOTALS], DB_NO_ARGS, total_columns, &totals, err) < 0)
        return -1;
    *out_n     = totals.n;
    *out_bytes = totals.bytes;
    return 0;
}

int meta_missing_count(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[MISSING], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_old_nodes(struct db_tx *tx, int64_t since, int64_t protocol, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[OLD_NODES], DB_ARGS(db_int(since), db_int(protocol)), out, err) < 0
               ? -1
               : 0;
}

int meta_timeline(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[TIMELINE], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}
