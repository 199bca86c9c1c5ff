/* meta/image.c: manifests as they are shown. */
#include "meta/image.h"

#include "base/err.h"
#include "base/mem.h"
#include "meta/image_private.h"
#include "meta/statements.h"

enum { PUT, FIND, PAGE, COUNT };

#define ROWS(lines)                                                             \
    "SELECT " META_IMAGE_COLUMNS(lines) " FROM manifests AS m" META_IMAGE_JOINS \
                                        " WHERE m.repo_id = $1 AND m.deleted_at IS NULL"

/* clang-format off */
static const struct db_statement sql[] = {
    [PUT]   = { .name = "image.put",   .in = "itttttt", .out = "",
                .sql  = "INSERT INTO image_facts (repo_id, manifest, config_digest, os, architecture, os_version, dockerfile)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (repo_id, manifest) DO NOTHING" },
    [FIND]  = { .name = "image.find",  .in = "iti",     .out = META_IMAGE_OUT,
                .sql  = ROWS("$3") " AND m.digest = $2" },
    [PAGE]  = { .name = "image.page",  .in = "itii",    .out = META_IMAGE_OUT,
                .sql  = ROWS("$3") " AND m.digest > $2 ORDER BY m.digest LIMIT $4" },
    [COUNT] = { .name = "image.count", .in = "i",       .out = "i",
                .sql  = "SELECT count(*) FROM manifests WHERE repo_id = $1 AND deleted_at IS NULL" },
};

static const struct db_column columns[] = { META_IMAGE_FIELDS(struct meta_image, ) };
/* clang-format on */

META_STATEMENTS(image);

struct str meta_image_person(struct str name)
{
    ptrdiff_t end = str_find(name, '#');

    return end < 0 ? name : str_sub(name, 0, (size_t)end);
}

int meta_image_put(struct db_tx *tx, int64_t repo_id, struct str manifest,
                   const struct meta_image_facts *facts, struct err *err)
{
    return db_send(tx, &sql[PUT],
                   DB_ARGS(db_int(repo_id), db_text(manifest), db_text(facts->config_digest),
                           db_text(facts->os), db_text(facts->architecture),
                           db_text(facts->os_version), db_text(facts->dockerfile)),
                   err);
}

int meta_image_find(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                    int with_lines, struct meta_image *out, struct err *err)
{
    int found =
        db_find(tx, arena, &sql[FIND],
                DB_ARGS(db_int(repo_id), db_text(digest), db_int(with_lines)), columns, out, err);

    if (found == 1)
        out->pushed_by = meta_image_person(out->pushed_by);
    return found;
}

int meta_image_page(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str after,
                    size_t n_max, int with_lines, struct meta_image **out, size_t *n_out,
                    struct err *err)
{
    struct str from = after.p == NULL ? STR("") : after;
    void      *list;

    if (db_list(tx, arena, &sql[PAGE],
                DB_ARGS(db_int(repo_id), db_text(from), db_int(with_lines), db_int((int64_t)n_max)),
                columns, sizeof(struct meta_image), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    for (size_t i = 0; i < *n_out; i++)
        (*out)[i].pushed_by = meta_image_person((*out)[i].pushed_by);
    return 0;
}

int meta_image_count(struct db_tx *tx, int64_t repo_id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_ARGS(db_int(repo_id)), out, err) < 0 ? -1 : 0;
}
