/* meta/hold.c: holds. */
#include "meta/hold.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/paths_private.h"
#include "meta/statements.h"
#include "oci/name.h"

enum { ADD, FIND, REMOVE, PAGE_ALL, PAGE_BELOW, KNOWS, ON, IN };

/* clang-format off */
#define COLUMNS "id, uuid, kind, coalesce(repo_id, 0), path, tag, digest, days, reason, owner, coalesce(until, 0), created_at"
#define OUT "ittitttittii"
#define HOLDS "SELECT " COLUMNS " FROM holds"

#define UNTIL "coalesce(until, 9223372036854775807)"
#define DAYS(since) since " + days * 86400000000"

/* A hold of a prefix ends at its own end, or when the days are over, whichever comes first. */
#define ENDS(since) \
    "CASE WHEN days = 0 OR " DAYS(since) " > " UNTIL " THEN " UNTIL " ELSE " DAYS(since) " END"

#define LONGEST(parts) "SELECT " COLUMNS ", ends FROM (" parts ") AS h WHERE ends > $6 ORDER BY ends DESC, id LIMIT 1"

/* Asked only where a prefix counts days. */
#define PUSHED "(SELECT m.touched_at FROM manifests AS m WHERE m.repo_id = $1 AND m.digest = $4)"

#define ON_THING(chain) LONGEST( \
    "SELECT holds.*, " UNTIL " AS ends FROM holds WHERE digest = $4 AND kind = 'digest' AND $3 = ''" \
    " AND (repo_id IS NULL OR repo_id = $1 OR $1 = 0)" \
    " UNION ALL SELECT holds.*, " UNTIL " FROM holds WHERE kind = 'tag' AND repo_id = $1 AND tag = $3" \
    " UNION ALL SELECT holds.*, " ENDS(PUSHED) " FROM holds WHERE kind = 'prefix' AND path IN (" chain ")" \
    " AND (days = 0 OR $5 = 1)")

#define LAST_PUSH "(SELECT coalesce(max(m.touched_at), 0) FROM manifests AS m WHERE m.repo_id = $1 AND m.deleted_at IS NULL)"

#define IN_REPO(chain) \
    "SELECT " COLUMNS ", ends FROM (" \
    "SELECT holds.*, " UNTIL " AS ends FROM holds WHERE kind <> 'prefix' AND repo_id = $1" \
    " UNION ALL SELECT holds.*, " UNTIL " FROM holds WHERE kind = 'digest' AND repo_id IS NULL AND (EXISTS" \
    " (SELECT 1 FROM manifests AS m WHERE m.repo_id = $1 AND m.digest = holds.digest) OR EXISTS" \
    " (SELECT 1 FROM repo_blobs AS b WHERE b.repo_id = $1 AND b.digest = holds.digest))" \
    " UNION ALL SELECT holds.*, " ENDS(LAST_PUSH) " FROM holds" \
    " WHERE kind = 'prefix' AND path IN (" chain ")) AS h WHERE ends > $3 ORDER BY ends DESC, id LIMIT 1"

static const struct db_statement sql[] = {
    [ADD]        = { .name = "hold.add",        .in = "ttitttittiii", .out = "",
                     .sql  = "INSERT INTO holds (uuid, kind, repo_id, path, tag, digest, days, reason, owner, until, created_at,"
                             " created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)" },
    [FIND]       = { .name = "hold.find",       .in = "t",      .out = OUT,
                     .sql  = HOLDS " WHERE uuid = $1 AND uuid <> ''" },
    [REMOVE]     = { .name = "hold.remove",     .in = "i",      .out = "",
                     .sql  = "DELETE FROM holds WHERE id = $1" },
    [PAGE_ALL]   = { .name = "hold.page_all",   .in = "ii",     .out = OUT,
                     .sql  = HOLDS " WHERE id > $1 ORDER BY id LIMIT $2" },
    [PAGE_BELOW] = { .name = "hold.page_below", .in = "tii",    .out = OUT,
                     .sql  = HOLDS " WHERE (path = $1 OR (path >= $1 || '/' AND path < $1 || '0')) AND id > $2"
                             " ORDER BY id LIMIT $3" },
    [KNOWS]      = { .name = "hold.knows",      .in = "it",     .out = "i",
                     .sql  = "SELECT 1 WHERE EXISTS (SELECT 1 FROM manifests WHERE digest = $2 AND ($1 = 0 OR repo_id = $1))"
                             " OR EXISTS (SELECT 1 FROM repo_blobs WHERE digest = $2 AND ($1 = 0 OR repo_id = $1))" },
    [ON]         = { .name   = "hold.on",       .in = "itttii", .out = OUT "i",
                     .sqlite = ON_THING(META_PATHS_SQLITE("$2")), .pg = ON_THING(META_PATHS_PG("$2")) },
    [IN]         = { .name   = "hold.in",       .in = "iti",    .out = OUT "i",
                     .sqlite = IN_REPO(META_PATHS_SQLITE("$2")), .pg = IN_REPO(META_PATHS_PG("$2")) },
};

struct found {
    struct meta_hold hold;
    int64_t          ends;
};

#define FIELDS(type, in) \
    DB_COL_INT (type, in id), \
    DB_COL_TEXT(type, in uuid), \
    DB_COL_TEXT(type, in kind), \
    DB_COL_INT (type, in repo_id), \
    DB_COL_TEXT(type, in path), \
    DB_COL_TEXT(type, in tag), \
    DB_COL_TEXT(type, in digest), \
    DB_COL_INT (type, in days), \
    DB_COL_TEXT(type, in reason), \
    DB_COL_TEXT(type, in owner), \
    DB_COL_INT (type, in until), \
    DB_COL_INT (type, in created_at)

static const struct db_column columns[] = { FIELDS(struct meta_hold, ) };
static const struct db_column found_columns[] = {
    FIELDS(struct found, hold.),
    DB_COL_INT(struct found, ends),
};
/* clang-format on */

META_STATEMENTS(hold);

static struct db_value or_null(int64_t number)
{
    return number == 0 ? db_null() : db_int(number);
}

int meta_hold_add(struct db_tx *tx, struct arena *arena, const struct meta_hold *hold,
                  int64_t created_by, struct str *out_uuid, struct err *err)
{
    char *uuid = mem_alloc(arena, RANDOM_UUID_MAX);

    random_uuid(uuid);
    if (db_run(tx, &sql[ADD],
               DB_ARGS(db_text(str_from(uuid)), db_text(hold->kind), or_null(hold->repo_id),
                       db_text(hold->path), db_text(hold->tag), db_text(hold->digest),
                       db_int(hold->days), db_text(hold->reason), db_text(hold->owner),
                       or_null(hold->until), db_int(db_now(tx)), db_int(created_by)),
               NULL, err) < 0)
        return -1;
    *out_uuid = str_from(uuid);
    return 0;
}

int meta_hold_find(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_hold *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(uuid)), columns, out, err);
}

int meta_hold_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), out_n, err);
}

static int list(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, size_t n_max, struct meta_hold **out, size_t *n_out, struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[statement], args, n_args, columns, sizeof(struct meta_hold), n_max,
                &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_hold_page(struct db_tx *tx, struct arena *arena, struct str prefix, int64_t after,
                   size_t n_max, struct meta_hold **out, size_t *n_out, struct err *err)
{
    if (prefix.n == 0)
        return list(tx, arena, PAGE_ALL, DB_ARGS(db_int(after), db_int((int64_t)n_max)), n_max, out,
                    n_out, err);
    return list(tx, arena, PAGE_BELOW,
                DB_ARGS(db_text(prefix), db_int(after), db_int((int64_t)n_max)), n_max, out, n_out,
                err);
}

int meta_hold_knows(struct db_tx *tx, int64_t repo_id, struct str digest, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[KNOWS], DB_ARGS(db_int(repo_id), db_text(digest)), &one, err);
}

static int find(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, struct meta_hold *out, int64_t *out_until, struct err *err)
{
    struct found row = { 0 };
    int found        = db_find(tx, arena, &sql[statement], args, n_args, found_columns, &row, err);

    if (found == 1) {
        *out       = row.hold;
        *out_until = row.ends;
    }
    return found;
}

/* As JSON; of no path the empty list, for what has none is below no prefix. */
static struct str chain_of(struct arena *arena, struct str path)
{
    struct str *chain;
    size_t      n = path.p == NULL ? 0 : oci_name_chain(arena, path, &chain);

    return meta_paths_print(arena, n == 0 ? NULL : chain, n);
}

int meta_hold_on(struct db_tx *tx, struct arena *arena, const struct meta_held *held,
                 struct meta_hold *out, int64_t *out_until, struct err *err)
{
    struct str tag = held->tag.p == NULL ? STR("") : held->tag;

    return find(tx, arena, ON,
                DB_ARGS(db_int(held->repo_id), db_text(chain_of(arena, held->path)), db_text(tag),
                        db_text(held->digest), db_int(held->with_days), db_int(db_now(tx))),
                out, out_until, err);
}

int meta_hold_in(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str path,
                 struct meta_hold *out, int64_t *out_until, struct err *err)
{
    return find(tx, arena, IN,
                DB_ARGS(db_int(repo_id), db_text(chain_of(arena, path)), db_int(db_now(tx))), out,
                out_until, err);
}
