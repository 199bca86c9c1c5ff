/* meta/pull.c: what was pulled, and where pulls count. */
#include "meta/pull.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

#define DAY_US (INT64_C(86400) * 1000000)

enum {
    TAG,
    MANIFEST,
    TAG_FIND,
    MANIFEST_FIND,
    DAY_ADD,
    DAY_PAGE,
    DAY_EXPIRE,
    RULES,
    RULE_FIND,
    RULE_COUNT,
    RULE_PUT,
    RULE_REMOVE
};

/* clang-format off */
static const struct db_statement sql[] = {
    [TAG]           = { .name = "pull.tag",           .in = "itii",    .out = "",
                        .sql  = "INSERT INTO tag_pulls (repo_id, name, pulled_at, n) SELECT t.repo_id, t.name, $3, $4 FROM tags AS t"
                                " WHERE t.repo_id = $1 AND t.name = $2 ON CONFLICT (repo_id, name) DO UPDATE"
                                " SET pulled_at = excluded.pulled_at, n = tag_pulls.n + excluded.n" },
    [MANIFEST]      = { .name = "pull.manifest",      .in = "itii",    .out = "",
                        .sql  = "INSERT INTO manifest_pulls (repo_id, digest, pulled_at, n)"
                                " SELECT m.repo_id, m.digest, $3, $4 FROM manifests AS m WHERE m.repo_id = $1 AND m.digest = $2"
                                " ON CONFLICT (repo_id, digest) DO UPDATE"
                                " SET pulled_at = excluded.pulled_at, n = manifest_pulls.n + excluded.n" },
    [TAG_FIND]      = { .name = "pull.tag_find",      .in = "it",      .out = "ii",
                        .sql  = "SELECT pulled_at, n FROM tag_pulls WHERE repo_id = $1 AND name = $2" },
    [MANIFEST_FIND] = { .name = "pull.manifest_find", .in = "it",      .out = "ii",
                        .sql  = "SELECT pulled_at, n FROM manifest_pulls WHERE repo_id = $1 AND digest = $2" },
    [DAY_ADD]       = { .name = "pull.day_add",       .in = "tiitiii", .out = "",
                        .sql  = "INSERT INTO pulls (digest, repo_id, account_id, network, day, n, last_at)"
                                " VALUES ($1, $2, $3, $4, $5, $6, $7)"
                                " ON CONFLICT (digest, repo_id, account_id, network, day) DO UPDATE"
                                " SET n = pulls.n + excluded.n, last_at = excluded.last_at" },
    [DAY_PAGE]      = { .name = "pull.day_page",      .in = "tiiiti",  .out = "tiittiii",
                        .sql  = "SELECT p.digest, p.repo_id, p.account_id, a.name, p.network, p.day, p.n, p.last_at"
                                " FROM pulls AS p LEFT JOIN accounts AS a ON a.id = p.account_id"
                                " WHERE p.digest = $1 AND p.repo_id = $2 AND (p.day < $3 OR (p.day = $3"
                                " AND (p.account_id > $4 OR (p.account_id = $4 AND p.network > $5))))"
                                " ORDER BY p.day DESC, p.account_id, p.network LIMIT $6" },
    [DAY_EXPIRE]    = { .name = "pull.day_expire",    .in = "ii",      .out = "",
                        .sqlite = "DELETE FROM pulls WHERE (digest, repo_id, account_id, network, day) IN"
                                  " (SELECT digest, repo_id, account_id, network, day FROM pulls WHERE day < $1 LIMIT $2)",
                        .pg     = "DELETE FROM pulls WHERE ctid IN (SELECT ctid FROM pulls WHERE day < $1 LIMIT $2)" },
    [RULES]         = { .name = "pull_rule.list",     .in = "i",       .out = "ti",
                        .sql  = "SELECT path, is_counted FROM pull_rules ORDER BY path LIMIT $1" },
    [RULE_FIND]     = { .name = "pull_rule.find",     .in = "t",       .out = "ti",
                        .sql  = "SELECT path, is_counted FROM pull_rules WHERE path = $1" },
    [RULE_COUNT]    = { .name = "pull_rule.count",    .in = "",        .out = "i",
                        .sql  = "SELECT count(*) FROM pull_rules" },
    [RULE_PUT]      = { .name = "pull_rule.put",      .in = "ti",      .out = "",
                        .sql  = "INSERT INTO pull_rules (path, is_counted) VALUES ($1, $2)"
                                " ON CONFLICT (path) DO UPDATE SET is_counted = excluded.is_counted" },
    [RULE_REMOVE]   = { .name = "pull_rule.remove",   .in = "t",       .out = "",
                        .sql  = "DELETE FROM pull_rules WHERE path = $1" },
};

static const struct db_column pulled_columns[] = {
    DB_COL_INT(struct meta_pulled, at),
    DB_COL_INT(struct meta_pulled, n),
};
static const struct db_column day_columns[] = {
    DB_COL_TEXT(struct meta_pull_day, digest),
    DB_COL_INT (struct meta_pull_day, repo_id),
    DB_COL_INT (struct meta_pull_day, account_id),
    DB_COL_TEXT(struct meta_pull_day, account),
    DB_COL_TEXT(struct meta_pull_day, network),
    DB_COL_INT (struct meta_pull_day, day),
    DB_COL_INT (struct meta_pull_day, n),
    DB_COL_INT (struct meta_pull_day, last_at),
};
static const struct db_column rule_columns[] = {
    DB_COL_TEXT(struct meta_pull_rule, path),
    DB_COL_INT (struct meta_pull_rule, is_counted),
};
/* clang-format on */

META_STATEMENTS(pull);

/* -- tags and manifests ------------------------------------------------------------------------------- */

static int add(struct db_tx *tx, int statement, int64_t repo_id, struct str name, int64_t n,
               struct err *err)
{
    return db_send(tx, &sql[statement],
                   DB_ARGS(db_int(repo_id), db_text(name), db_int(db_now(tx)), db_int(n)), err);
}

int meta_pull_tag(struct db_tx *tx, int64_t repo_id, struct str name, int64_t n, struct err *err)
{
    return add(tx, TAG, repo_id, name, n, err);
}

int meta_pull_manifest(struct db_tx *tx, int64_t repo_id, struct str digest, int64_t n,
                       struct err *err)
{
    return add(tx, MANIFEST, repo_id, digest, n, err);
}

static int find(struct db_tx *tx, int statement, int64_t repo_id, struct str name,
                struct meta_pulled *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    *out = (struct meta_pulled){ 0 };
    return db_find(tx, arena, &sql[statement], DB_ARGS(db_int(repo_id), db_text(name)),
                   pulled_columns, out, err) < 0
               ? -1
               : 0;
}

int meta_pulled_tag(struct db_tx *tx, int64_t repo_id, struct str name, struct meta_pulled *out,
                    struct err *err)
{
    return find(tx, TAG_FIND, repo_id, name, out, err);
}

int meta_pulled_manifest(struct db_tx *tx, int64_t repo_id, struct str digest,
                         struct meta_pulled *out, struct err *err)
{
    return find(tx, MANIFEST_FIND, repo_id, digest, out, err);
}

/* -- days --------------------------------------------------------------------------------------------- */

int meta_pull_day_add(struct db_tx *tx, const struct meta_pull_day *row, struct err *err)
{
    int64_t now = db_now(tx);

    return db_send(tx, &sql[DAY_ADD],
                   DB_ARGS(db_text(row->digest), db_int(row->repo_id), db_int(row->account_id),
                           db_text(row->network), db_int(now / DAY_US), db_int(row->n),
                           db_int(now)),
                   err);
}

int meta_pull_day_page(struct db_tx *tx, struct arena *arena, struct str digest, int64_t repo_id,
                       const struct meta_pull_day *after, size_t n_max, struct meta_pull_day **out,
                       size_t *n_out, struct err *err)
{
    struct meta_pull_day first = { .day = INT64_MAX, .network = STR("") };
    void                *list;

    if (after == NULL)
        after = &first;
    if (db_list(tx, arena, &sql[DAY_PAGE],
                DB_ARGS(db_text(digest), db_int(repo_id), db_int(after->day),
                        db_int(after->account_id), db_text(after->network), db_int((int64_t)n_max)),
                day_columns, sizeof(struct meta_pull_day), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_pull_day_expire(struct db_tx *tx, int64_t day, int64_t n_max, int64_t *out_n,
                         struct err *err)
{
    return db_run(tx, &sql[DAY_EXPIRE], DB_ARGS(db_int(day), db_int(n_max)), out_n, err);
}

/* -- rules -------------------------------------------------------------------------------------------- */

int meta_pull_rule_list(struct db_tx *tx, struct arena *arena, struct meta_pull_rule **out,
                        size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[RULES], DB_ARGS(db_int(META_PULL_RULES_MAX)), rule_columns,
                sizeof(struct meta_pull_rule), META_PULL_RULES_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_pull_rule_find(struct db_tx *tx, struct arena *arena, struct str path,
                        struct meta_pull_rule *out, struct err *err)
{
    return db_find(tx, arena, &sql[RULE_FIND], DB_ARGS(db_text(path)), rule_columns, out, err);
}

int meta_pull_rule_count(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[RULE_COUNT], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_pull_rule_put(struct db_tx *tx, struct str path, bool is_counted, struct err *err)
{
    return db_run(tx, &sql[RULE_PUT], DB_ARGS(db_text(path), db_int(is_counted)), NULL, err);
}

int meta_pull_rule_remove(struct db_tx *tx, struct str path, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[RULE_REMOVE], DB_ARGS(db_text(path)), out_n, err);
}
