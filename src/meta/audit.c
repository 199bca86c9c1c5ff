/* meta/audit.c: pages of the audit log. The statements differ in the index that leads. */
#include "meta/audit.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { BY_REQUEST, BY_ACCOUNT, BY_NAMESPACE, BY_ID, AT };

#define COLUMNS                                                                                  \
    "id, at, action, outcome, reason, actor_kind, actor_id, actor_name, credential_id, "         \
    "address, repo_id, path, object_kind, object_name, digest, old_digest, target, request_id, " \
    "value_before, value_after"

#define PAGE(lead)                                                                             \
    "SELECT " COLUMNS " FROM audit WHERE " lead "id > $1 AND id < $2 AND at >= $3 AND at < $4" \
    " AND ($5 IS NULL OR actor_name = $5) AND ($6 = 0 OR actor_id = $6)"                       \
    " AND ($7 IS NULL OR action = $7) AND ($8 IS NULL OR outcome = $8)"                        \
    " AND ($9 IS NULL OR namespace = $9) AND ($10 IS NULL OR request_id = $10)"                \
    " AND ($11 IS NULL OR address = $11)"                                                      \
    " AND ($12 IS NULL OR path = $12 OR (path >= $13 AND path < $14)) ORDER BY id DESC LIMIT $15"

#define PAGE_IN "iiiititttttttti"
#define PAGE_OUT \
    "iittttittt" \
    "itttttttt"  \
    "t"

/* clang-format off */
static const struct db_statement sql[] = {
    [BY_REQUEST]   = { .name = "audit.by_request",   .in = PAGE_IN, .out = PAGE_OUT, .sql = PAGE("request_id = $10 AND ") },
    [BY_ACCOUNT]   = { .name = "audit.by_account",   .in = PAGE_IN, .out = PAGE_OUT, .sql = PAGE("actor_name = $5 AND ") },
    [BY_NAMESPACE] = { .name = "audit.by_namespace", .in = PAGE_IN, .out = PAGE_OUT, .sql = PAGE("namespace = $9 AND ") },
    [BY_ID]        = { .name = "audit.by_id",        .in = PAGE_IN, .out = PAGE_OUT, .sql = PAGE("") },
    [AT]           = { .name = "audit.at",           .in = "i",     .out = "ii",
                       .sql  = "SELECT id, at FROM audit WHERE id <= $1 ORDER BY id DESC LIMIT 1" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_audit_row, id),
    DB_COL_INT (struct meta_audit_row, at),
    DB_COL_TEXT(struct meta_audit_row, action),
    DB_COL_TEXT(struct meta_audit_row, outcome),
    DB_COL_TEXT(struct meta_audit_row, reason),
    DB_COL_TEXT(struct meta_audit_row, actor_kind),
    DB_COL_INT (struct meta_audit_row, actor_id),
    DB_COL_TEXT(struct meta_audit_row, actor_name),
    DB_COL_TEXT(struct meta_audit_row, credential_id),
    DB_COL_TEXT(struct meta_audit_row, address),
    DB_COL_INT (struct meta_audit_row, repo_id),
    DB_COL_TEXT(struct meta_audit_row, path),
    DB_COL_TEXT(struct meta_audit_row, object_kind),
    DB_COL_TEXT(struct meta_audit_row, object_name),
    DB_COL_TEXT(struct meta_audit_row, digest),
    DB_COL_TEXT(struct meta_audit_row, old_digest),
    DB_COL_TEXT(struct meta_audit_row, target),
    DB_COL_TEXT(struct meta_audit_row, request_id),
    DB_COL_TEXT(struct meta_audit_row, before),
    DB_COL_TEXT(struct meta_audit_row, after),
};

struct moment {
    int64_t id;
    int64_t at;
};

static const struct db_column moment_columns[] = {
    DB_COL_INT(struct moment, id),
    DB_COL_INT(struct moment, at),
};
/* clang-format on */

META_STATEMENTS(audit);

static int lead_of(const struct meta_audit_filter *filter)
{
    if (filter->request.p != NULL)
        return BY_REQUEST;
    if (filter->account.p != NULL)
        return BY_ACCOUNT;
    return filter->namespace.p != NULL ? BY_NAMESPACE : BY_ID;
}

/* What begins with the path and a slash; '0' follows the slash. */
static struct str below(struct arena *arena, struct str path, char end)
{
    return path.p == NULL ? STR_NULL
                          : str_from(mem_printf(arena, STR_FMT "%c", STR_ARGS(path), end));
}

int meta_audit_page(struct db_tx *tx, struct arena *arena, const struct meta_audit_filter *filter,
                    int64_t above, int64_t under, size_t n_max, struct meta_audit_row **out,
                    size_t *n_out, struct err *err)
{
    struct str from = filter->is_exact ? STR_NULL : below(arena, filter->path, '/');
    struct str to   = filter->is_exact ? STR_NULL : below(arena, filter->path, '0');
    void      *list;

    if (db_list(tx, arena, &sql[lead_of(filter)],
                DB_ARGS(db_int(above), db_int(under), db_int(filter->from), db_int(filter->to),
                        db_text(filter->account), db_int(filter->actor_id), db_text(filter->action),
                        db_text(filter->outcome), db_text(filter->namespace),
                        db_text(filter->request), db_text(filter->address), db_text(filter->path),
                        db_text(from), db_text(to), db_int((int64_t)n_max)),
                columns, sizeof(struct meta_audit_row), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_audit_at(struct db_tx *tx, int64_t id, int64_t *out_id, int64_t *out_at, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct moment                  found;
    int n = db_find(tx, arena, &sql[AT], DB_ARGS(db_int(id)), moment_columns, &found, err);

    if (n == 1) {
        *out_id = found.id;
        *out_at = found.at;
    }
    return n;
}
