/* meta/tag_rule.c: rules about tags. */
#include "meta/tag_rule.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/paths_private.h"
#include "meta/statements.h"
#include "oci/name.h"

enum { SHARE, LOCK, ADD, FIND, REMOVE, COUNT, PAGE_ALL, PAGE_BELOW, OF };

#define COLUMNS "id, uuid, path, effect, syntax, pattern, but_not, may_loosen, created_at"
#define OUT "ittttttii"
#define RULES "SELECT " COLUMNS " FROM tag_rules"
#define ON_CHAIN(chain) RULES " WHERE path IN (" chain ") ORDER BY length(path), id"

/* clang-format off */
static const struct db_statement sql[] = {
    [SHARE]      = { .name   = "rules.share",         .in = "",         .out = "",
                     .sqlite = "DELETE FROM tag_rules WHERE id = 0",
                     .pg     = "SELECT FROM pg_advisory_xact_lock_shared(4991216385)" },
    [LOCK]       = { .name   = "rules.lock",          .in = "",         .out = "i",
                     .sqlite = "SELECT 1",
                     .pg     = "SELECT 1 FROM pg_advisory_xact_lock(4991216385)" },
    [ADD]        = { .name = "tag_rule.add",          .in = "ttttttiii", .out = "",
                     .sql  = "INSERT INTO tag_rules (uuid, path, effect, syntax, pattern, but_not, may_loosen, created_at,"
                             " created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)" },
    [FIND]       = { .name = "tag_rule.find",         .in = "t",        .out = OUT,
                     .sql  = RULES " WHERE uuid = $1" },
    [REMOVE]     = { .name = "tag_rule.remove",       .in = "i",        .out = "",
                     .sql  = "DELETE FROM tag_rules WHERE id = $1" },
    [COUNT]      = { .name = "tag_rule.count",        .in = "t",        .out = "i",
                     .sql  = "SELECT count(*) FROM tag_rules WHERE path = $1" },
    [PAGE_ALL]   = { .name = "tag_rule.page_all",     .in = "ii",       .out = OUT,
                     .sql  = RULES " WHERE id > $1 ORDER BY id LIMIT $2" },
    [PAGE_BELOW] = { .name = "tag_rule.page_below",   .in = "tii",      .out = OUT,
                     .sql  = RULES " WHERE (path = $1 OR (path >= $1 || '/' AND path < $1 || '0')) AND id > $2"
                             " ORDER BY id LIMIT $3" },
    [OF]         = { .name   = "tag_rule.of",         .in = "t",        .out = OUT,
                     .sqlite = ON_CHAIN(META_PATHS_SQLITE("$1")), .pg = ON_CHAIN(META_PATHS_PG("$1")) },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_tag_rule, id),
    DB_COL_TEXT(struct meta_tag_rule, uuid),
    DB_COL_TEXT(struct meta_tag_rule, path),
    DB_COL_TEXT(struct meta_tag_rule, effect),
    DB_COL_TEXT(struct meta_tag_rule, syntax),
    DB_COL_TEXT(struct meta_tag_rule, pattern),
    DB_COL_TEXT(struct meta_tag_rule, but_not),
    DB_COL_INT (struct meta_tag_rule, may_loosen),
    DB_COL_INT (struct meta_tag_rule, created_at),
};
/* clang-format on */

META_STATEMENTS(tag_rule);

/* Goes out with the statement that reads the rules, which the server begins when it has the lock. */
int meta_rules_share(struct db_tx *tx, struct err *err)
{
    return db_send(tx, &sql[SHARE], DB_NO_ARGS, err);
}

int meta_rules_lock(struct db_tx *tx, struct err *err)
{
    int64_t one;

    return db_find_int(tx, &sql[LOCK], DB_NO_ARGS, &one, err) < 0 ? -1 : 0;
}

int meta_tag_rule_add(struct db_tx *tx, struct arena *arena, const struct meta_tag_rule *rule,
                      int64_t created_by, struct str *out_uuid, struct err *err)
{
    char *uuid = mem_alloc(arena, RANDOM_UUID_MAX);

    random_uuid(uuid);
    if (db_run(tx, &sql[ADD],
               DB_ARGS(db_text(str_from(uuid)), db_text(rule->path), db_text(rule->effect),
                       db_text(rule->syntax), db_text(rule->pattern), db_text(rule->but_not),
                       db_int(rule->may_loosen), db_int(db_now(tx)), db_int(created_by)),
               NULL, err) < 0)
        return -1;
    *out_uuid = str_from(uuid);
    return 0;
}

int meta_tag_rule_find(struct db_tx *tx, struct arena *arena, struct str uuid,
                       struct meta_tag_rule *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(uuid)), columns, out, err);
}

int meta_tag_rule_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), out_n, err);
}

int meta_tag_rule_count(struct db_tx *tx, struct str path, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_text(path)), out, err) < 0 ? -1 : 0;
}

static int list(struct db_tx *tx, struct arena *arena, int statement, const struct db_value *args,
                size_t n_args, size_t n_max, struct meta_tag_rule **out, size_t *n_out,
                struct err *err)
{
    void *rows;

    if (db_list(tx, arena, &sql[statement], args, n_args, columns, sizeof(struct meta_tag_rule),
                n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

int meta_tag_rule_page(struct db_tx *tx, struct arena *arena, struct str prefix, int64_t after,
                       size_t n_max, struct meta_tag_rule **out, size_t *n_out, struct err *err)
{
    if (prefix.n == 0)
        return list(tx, arena, PAGE_ALL, DB_ARGS(db_int(after), db_int((int64_t)n_max)), n_max, out,
                    n_out, err);
    return list(tx, arena, PAGE_BELOW,
                DB_ARGS(db_text(prefix), db_int(after), db_int((int64_t)n_max)), n_max, out, n_out,
                err);
}

int meta_tag_rules_of(struct db_tx *tx, struct arena *arena, struct str path,
                      struct meta_tag_rule **out, size_t *n_out, struct err *err)
{
    struct str *chain;
    size_t      n = oci_name_chain(arena, path, &chain);

    return list(tx, arena, OF, DB_ARGS(db_text(meta_paths_print(arena, chain, n))),
                n * META_TAG_RULES_MAX, out, n_out, err);
}
