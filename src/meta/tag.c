/* meta/tag.c: tags. */
#include "meta/tag.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/image_private.h"
#include "meta/statements.h"

enum {
    FIND,
    LOCK,
    ADD,
    MOVE,
    REMOVE,
    LIST_OF,
    PAGE,
    PAGE_ROWS,
    ROWS_NAMED,
    ROWS_OF,
    COUNT,
    SET_KEPT,
    BEYOND,
    OLDEST
};

/* A manifest with more tags than this has the rest removed in further rounds. */
enum { TAGS_OF_MAX = 100000 };

#define FIND_BY_NAME \
    "SELECT name, digest, moved_at, moved_by FROM tags WHERE repo_id = $1 AND name = $2"

#define ROWS(lines)                                                                    \
    "SELECT t.name, CASE WHEN t.created_at = 0 THEN t.moved_at ELSE t.created_at END," \
    " t.moved_at, coalesce(a.name, ''), " META_IMAGE_COLUMNS(                          \
        lines) " FROM tags AS t"                                                       \
               " JOIN manifests AS m ON m.repo_id = t.repo_id AND m.digest = "         \
               "t.digest" META_IMAGE_JOINS                                             \
               " LEFT JOIN accounts AS a ON a.id = t.moved_by WHERE t.repo_id = $1"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]    = { .name = "tag.find",    .in = "it",    .out = "ttii",
                  .sql  = FIND_BY_NAME },
    [LOCK]    = { .name = "tag.lock",    .in = "it",    .out = "ttii",
                  .sql  = FIND_BY_NAME,
                  .pg   = FIND_BY_NAME " FOR UPDATE" },
    [ADD]     = { .name = "tag.add",     .in = "ittii", .out = "",
                  .sql  = "INSERT INTO tags (repo_id, name, digest, moved_at, moved_by, created_at) VALUES ($1, $2, $3, $4, $5, $4)"
                          " ON CONFLICT (repo_id, name) DO NOTHING" },
    [MOVE]    = { .name = "tag.move",    .in = "ittii", .out = "",
                  .sql  = "UPDATE tags SET digest = $3, moved_at = $4, moved_by = $5 WHERE repo_id = $1 AND name = $2" },
    [REMOVE]  = { .name = "tag.remove",  .in = "it",    .out = "",
                  .sql  = "DELETE FROM tags WHERE repo_id = $1 AND name = $2" },
    [LIST_OF] = { .name = "tag.list_of", .in = "it",    .out = "t",
                  .sql  = "SELECT name FROM tags WHERE repo_id = $1 AND digest = $2 ORDER BY name" },
    [PAGE]    = { .name = "tag.page",    .in = "iti",   .out = "t",
                  .sql  = "SELECT name FROM tags WHERE repo_id = $1 AND name > $2 ORDER BY name LIMIT $3" },
    [PAGE_ROWS]  = { .name = "tag.page_rows",  .in = "itii", .out = "tiit" META_IMAGE_OUT,
                     .sql  = ROWS("$3") " AND t.name > $2 ORDER BY t.name LIMIT $4" },
    [ROWS_NAMED] = { .name = "tag.rows_named", .in = "it",  .out = "tiit" META_IMAGE_OUT,
                     .sql  = ROWS("0") " AND t.name = $2" },
    [ROWS_OF]    = { .name = "tag.rows_of",    .in = "iti", .out = "tiit" META_IMAGE_OUT,
                     .sql  = ROWS("0") " AND t.digest = $2 ORDER BY t.name LIMIT $3" },
    [COUNT]      = { .name = "tag.count",      .in = "i",   .out = "i",
                     .sql  = "SELECT count(*) FROM tags WHERE repo_id = $1" },
    [SET_KEPT]   = { .name = "tag.set_kept",   .in = "iti", .out = "",
                     .sql  = "UPDATE tags SET is_kept = $3 WHERE repo_id = $1 AND name = $2 AND is_kept <> $3" },
    [BEYOND]     = { .name = "tag.beyond",     .in = "iii", .out = "i",
                     .sql  = "SELECT count(*) FROM (SELECT 1 FROM tags WHERE repo_id = $1 AND is_kept = 0"
                             " ORDER BY moved_at DESC, name DESC LIMIT $3 OFFSET $2) AS beyond" },
    [OLDEST]     = { .name = "tag.oldest",     .in = "ii",  .out = "t",
                     .sql  = "SELECT name FROM tags WHERE repo_id = $1 AND is_kept = 0 ORDER BY moved_at, name LIMIT $2" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_tag, name),
    DB_COL_TEXT(struct meta_tag, digest),
    DB_COL_INT (struct meta_tag, moved_at),
    DB_COL_INT (struct meta_tag, moved_by),
};
static const struct db_column row_columns[] = {
    DB_COL_TEXT(struct meta_tag_row, name),
    DB_COL_INT (struct meta_tag_row, created_at),
    DB_COL_INT (struct meta_tag_row, moved_at),
    DB_COL_TEXT(struct meta_tag_row, moved_by),
    META_IMAGE_FIELDS(struct meta_tag_row, image.),
};
/* clang-format on */

META_STATEMENTS(tag);

int meta_tag_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                  struct meta_tag *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_int(repo_id), db_text(name)), columns, out,
                   err);
}

int meta_tag_lock(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                  struct meta_tag *out, struct err *err)
{
    return db_find(tx, arena, &sql[LOCK], DB_ARGS(db_int(repo_id), db_text(name)), columns, out,
                   err);
}

static int put(struct db_tx *tx, const struct db_statement *statement, int64_t repo_id,
               const struct meta_tag *tag, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, statement,
               DB_ARGS(db_int(repo_id), db_text(tag->name), db_text(tag->digest),
                       db_int(db_now(tx)), db_int(tag->moved_by)),
               &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_tag_add(struct db_tx *tx, int64_t repo_id, const struct meta_tag *tag, struct err *err)
{
    return put(tx, &sql[ADD], repo_id, tag, err);
}

int meta_tag_move(struct db_tx *tx, int64_t repo_id, const struct meta_tag *tag, struct err *err)
{
    return put(tx, &sql[MOVE], repo_id, tag, err) < 0 ? -1 : 0;
}

int meta_tag_remove(struct db_tx *tx, int64_t repo_id, struct str name, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[REMOVE], DB_ARGS(db_int(repo_id), db_text(name)), &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}

int meta_tag_list_of(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                     struct str **out_names, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[LIST_OF], DB_ARGS(db_int(repo_id), db_text(digest)),
                        TAGS_OF_MAX, out_names, n_out, err);
}

int meta_tag_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                  size_t n_max, struct str **out_names, size_t *n_out, struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;

    return db_list_text(tx, arena, &sql[PAGE],
                        DB_ARGS(db_int(repo_id), db_text(from), db_int((int64_t)n_max)), n_max,
                        out_names, n_out, err);
}

static int list_rows(struct db_tx *tx, struct arena *arena, int statement,
                     const struct db_value *args, size_t n_args, size_t n_max,
                     struct meta_tag_row **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[statement], args, n_args, row_columns, sizeof(struct meta_tag_row),
                n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;

    for (size_t i = 0; i < *n_out; i++) {
        (*out)[i].moved_by        = meta_image_person((*out)[i].moved_by);
        (*out)[i].image.pushed_by = meta_image_person((*out)[i].image.pushed_by);
    }
    return 0;
}

int meta_tag_page_rows(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                       size_t n_max, int with_lines, struct meta_tag_row **out, size_t *n_out,
                       struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;

    return list_rows(tx, arena, PAGE_ROWS,
                     DB_ARGS(db_int(repo_id), db_text(from), db_int(with_lines),
                             db_int((int64_t)n_max)),
                     n_max, out, n_out, err);
}

int meta_tag_rows_of(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str name,
                     struct str digest, size_t n_max, struct meta_tag_row **out, size_t *n_out,
                     struct err *err)
{
    if (digest.p == NULL)
        return list_rows(tx, arena, ROWS_NAMED, DB_ARGS(db_int(repo_id), db_text(name)), n_max, out,
                         n_out, err);
    return list_rows(tx, arena, ROWS_OF,
                     DB_ARGS(db_int(repo_id), db_text(digest), db_int((int64_t)n_max)), n_max, out,
                     n_out, err);
}

int meta_tag_count(struct db_tx *tx, int64_t repo_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(repo_id)), out, err) < 0 ? -1 : 0;
}

int meta_tag_set_kept(struct db_tx *tx, int64_t repo_id, struct str name, int64_t is_kept,
                      struct err *err)
{
    return db_run(tx, &sql[SET_KEPT], DB_ARGS(db_int(repo_id), db_text(name), db_int(is_kept)),
                  NULL, err);
}

int meta_tag_count_beyond(struct db_tx *tx, int64_t repo_id, int64_t limit, int64_t n_max,
                          int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[BEYOND], DB_ARGS(db_int(repo_id), db_int(limit), db_int(n_max)),
                       out, err) < 0
               ? -1
               : 0;
}

int meta_tag_oldest(struct db_tx *tx, struct arena *arena, int64_t repo_id, size_t n_max,
                    struct str **out, size_t *n_out, struct err *err)
{
    return db_list_text(tx, arena, &sql[OLDEST], DB_ARGS(db_int(repo_id), db_int((int64_t)n_max)),
                        n_max, out, n_out, err);
}
