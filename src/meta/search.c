/* meta/search.c: the ends of names. */
#include "meta/search.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/account_private.h"
#include "meta/repo_private.h"
#include "meta/statements.h"

enum { ADD, DROP_REPO, DROP_ACCOUNT, REPOS, ACCOUNTS };

#define ENDS_OF(name)                                                                      \
    "WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < " \
    "length(" name "))"
#define DROP(kind, name, table)                                                                  \
    "DELETE FROM name_ends WHERE kind = '" kind "' AND id = $1 AND name_end IN"                  \
    " (WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < 255)" \
    " SELECT substr(x." name ", p.n, 64) FROM " table                                            \
    " AS x JOIN places AS p ON p.n <= length(x." name ") WHERE x.id = $1)"

/* Both engines take a comparison of rows for one range of the index. */
#define HITS \
    " AND (e.name_end, e.id) > ($1, $2) AND e.name_end < $3 ORDER BY e.name_end, e.id LIMIT $4"

/* clang-format off */
static const struct db_statement sql[] = {
    [ADD]      = { .name = "search.add",      .in = "tit",  .out = "",
                   .sql  = "INSERT INTO name_ends (kind, name_end, id) " ENDS_OF("CAST($3 AS text)")
                           " SELECT DISTINCT CAST($1 AS text), substr(CAST($3 AS text), n, 64), CAST($2 AS bigint) FROM places" },
    [DROP_REPO]    = { .name = "search.drop_repo",    .in = "i", .out = "", .sql = DROP("repository", "path", "repositories") },
    [DROP_ACCOUNT] = { .name = "search.drop_account", .in = "i", .out = "", .sql = DROP("account", "name", "accounts") },
    [REPOS]    = { .name = "search.repos",    .in = "titi", .out = "t" META_REPO_OUT,
                   .sql  = "SELECT e.name_end, " META_REPO_COLUMNS("r.") " FROM name_ends AS e JOIN repositories AS r ON r.id = e.id"
                           " WHERE e.kind = 'repository' AND r.deleted_at IS NULL" HITS },
    [ACCOUNTS] = { .name = "search.accounts", .in = "titi", .out = "t" META_ACCOUNT_OUT,
                   .sql  = "SELECT e.name_end, " META_ACCOUNT_COLUMNS("a.") " FROM name_ends AS e JOIN accounts AS a ON a.id = e.id"
                           " WHERE e.kind = 'account' AND a.deleted_at IS NULL" HITS },
};

static const struct db_column repo_columns[] = {
    DB_COL_TEXT(struct meta_repo_hit, end),
    META_REPO_FIELDS_IN(struct meta_repo_hit, repo.),
};
static const struct db_column account_columns[] = {
    DB_COL_TEXT(struct meta_account_hit, end),
    META_ACCOUNT_FIELDS(struct meta_account_hit, account.),
};
/* clang-format on */

META_STATEMENTS(search);

int meta_search_add(struct db_tx *tx, const char *kind, int64_t id, struct str name,
                    struct err *err)
{
    return db_send(tx, &sql[ADD], DB_ARGS(db_text(str_from(kind)), db_int(id), db_text(name)), err);
}

int meta_search_drop_repo(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_send(tx, &sql[DROP_REPO], DB_ARGS(db_int(id)), err);
}

int meta_search_drop_account(struct db_tx *tx, int64_t id, struct err *err)
{
    return db_send(tx, &sql[DROP_ACCOUNT], DB_ARGS(db_int(id)), err);
}

/* Above every end that begins with the text: no byte of a name is larger than 'z'. */
static struct str end_of(struct arena *arena, struct str text)
{
    return str_from(mem_printf(arena, STR_FMT "~", STR_ARGS(text)));
}

int meta_search_repos(struct db_tx *tx, struct arena *arena, struct str text,
                      const struct meta_search_at *at, size_t n_max, struct meta_repo_hit **out,
                      size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[REPOS],
                DB_ARGS(db_text(at->end), db_int(at->id), db_text(end_of(arena, text)),
                        db_int((int64_t)n_max)),
                repo_columns, sizeof(struct meta_repo_hit), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_search_accounts(struct db_tx *tx, struct arena *arena, struct str text,
                         const struct meta_search_at *at, size_t n_max,
                         struct meta_account_hit **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[ACCOUNTS],
                DB_ARGS(db_text(at->end), db_int(at->id), db_text(end_of(arena, text)),
                        db_int((int64_t)n_max)),
                account_columns, sizeof(struct meta_account_hit), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    for (size_t i = 0; i < *n_out; i++)
        (*out)[i].account.password_hash = STR_NULL;
    return 0;
}
