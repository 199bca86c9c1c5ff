/* meta/damage.c: damage and the passes that look for it. */
#include "meta/damage.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

enum { PUT, FIND, HEAL, COUNT, PAGE, SCRUB_FIND, SCRUB_TAKE, SCRUB_SAVE };

#define COLUMNS "object_key, repo_id, digest, kind, found_by, found_at"
#define SCRUB "position, started_at, finished_at, n_objects, n_bytes, n_damaged, fence"

/* clang-format off */
static const struct db_statement sql[] = {
    [PUT]        = { .name = "damage.put",   .in = "tittti",   .out = "",
                     .sql  = "INSERT INTO damage (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"
                             " ON CONFLICT (object_key) DO UPDATE SET kind = excluded.kind, found_by = excluded.found_by,"
                             " found_at = excluded.found_at, healed_at = NULL WHERE damage.healed_at IS NOT NULL" },
    [FIND]       = { .name = "damage.find",  .in = "t",        .out = "tittti",
                     .sql  = "SELECT " COLUMNS " FROM damage WHERE object_key = $1 AND healed_at IS NULL" },
    [HEAL]       = { .name = "damage.heal",  .in = "ti",       .out = "",
                     .sql  = "UPDATE damage SET healed_at = $2 WHERE object_key = $1 AND healed_at IS NULL" },
    [COUNT]      = { .name = "damage.count", .in = "",         .out = "i",
                     .sql  = "SELECT count(*) FROM damage AS d WHERE d.healed_at IS NULL AND"
                             " (EXISTS (SELECT 1 FROM blobs AS b WHERE b.object_key = d.object_key) OR"
                             " EXISTS (SELECT 1 FROM manifests AS m WHERE m.repo_id = d.repo_id AND m.digest = d.digest))" },
    [PAGE]       = { .name = "damage.page",  .in = "ti",       .out = "tittti",
                     .sql  = "SELECT " COLUMNS " FROM damage WHERE object_key > $1 AND healed_at IS NULL"
                             " ORDER BY object_key LIMIT $2" },
    [SCRUB_FIND] = { .name = "scrub.find",   .in = "t",        .out = "tiiiiii",
                     .sql  = "SELECT " SCRUB " FROM scrubs WHERE kind = $1" },
    [SCRUB_TAKE] = { .name = "scrub.take",   .in = "ttii",     .out = "tiiiiii",
                     .sql  = "UPDATE scrubs SET owner = $2, lease_until = $3, fence = fence + 1"
                             " WHERE kind = $1 AND (owner = $2 OR lease_until <= $4) RETURNING " SCRUB },
    [SCRUB_SAVE] = { .name = "scrub.save",   .in = "titiiiiii", .out = "",
                     .sql  = "UPDATE scrubs SET position = $3, started_at = $4, finished_at = $5, n_objects = $6,"
                             " n_bytes = $7, n_damaged = $8, lease_until = $9 WHERE kind = $1 AND fence = $2" },
};

static const struct db_column columns[] = {
    DB_COL_TEXT(struct meta_damage, object_key),
    DB_COL_INT (struct meta_damage, repo_id),
    DB_COL_TEXT(struct meta_damage, digest),
    DB_COL_TEXT(struct meta_damage, kind),
    DB_COL_TEXT(struct meta_damage, found_by),
    DB_COL_INT (struct meta_damage, found_at),
};

static const struct db_column scrub_columns[] = {
    DB_COL_TEXT(struct meta_scrub, position),
    DB_COL_INT (struct meta_scrub, started_at),
    DB_COL_INT (struct meta_scrub, finished_at),
    DB_COL_INT (struct meta_scrub, n_objects),
    DB_COL_INT (struct meta_scrub, n_bytes),
    DB_COL_INT (struct meta_scrub, n_damaged),
    DB_COL_INT (struct meta_scrub, fence),
};
/* clang-format on */

META_STATEMENTS(damage);

struct str meta_damage_manifest_key(struct arena *arena, int64_t repo_id, struct str digest)
{
    return str_from(
        mem_printf(arena, "manifests/%lld/" STR_FMT, (long long)repo_id, STR_ARGS(digest)));
}

int meta_damage_put(struct db_tx *tx, const struct meta_damage *damage, int64_t *out_is_new,
                    struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[PUT],
               DB_ARGS(db_text(damage->object_key), db_int(damage->repo_id),
                       db_text(damage->digest), db_text(damage->kind), db_text(damage->found_by),
                       db_int(db_now(tx))),
               &n_changed, err) < 0)
        return -1;
    *out_is_new = n_changed > 0;
    return 0;
}

int meta_damage_find(struct db_tx *tx, struct arena *arena, struct str object_key,
                     struct meta_damage *out, struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(object_key)), columns, out, err);
}

int meta_damage_heal(struct db_tx *tx, struct str object_key, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[HEAL], DB_ARGS(db_text(object_key), db_int(db_now(tx))), &n_changed, err) <
        0)
        return -1;
    return n_changed > 0;
}

int meta_damage_count(struct db_tx *tx, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[COUNT], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_damage_page(struct db_tx *tx, struct arena *arena, struct str after, size_t n_max,
                     struct meta_damage **out, size_t *n_out, struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[PAGE], DB_ARGS(db_text(after), db_int((int64_t)n_max)), columns,
                sizeof(struct meta_damage), n_max, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

static int must_be_there(int found, struct str kind, struct err *err)
{
    if (found == 0)
        return err_set(err, ERR_INTERNAL, "the row of the scrub " STR_FMT " is gone",
                       STR_ARGS(kind));
    return found < 0 ? -1 : 0;
}

int meta_scrub_find(struct db_tx *tx, struct arena *arena, struct str kind, struct meta_scrub *out,
                    struct err *err)
{
    int found =
        db_find(tx, arena, &sql[SCRUB_FIND], DB_ARGS(db_text(kind)), scrub_columns, out, err);

    return must_be_there(found, kind, err);
}

int meta_scrub_take(struct db_tx *tx, struct arena *arena, struct str kind, struct str owner,
                    int64_t until, struct meta_scrub *out, struct err *err)
{
    return db_find(tx, arena, &sql[SCRUB_TAKE],
                   DB_ARGS(db_text(kind), db_text(owner), db_int(until), db_int(db_now(tx))),
                   scrub_columns, out, err);
}

int meta_scrub_save(struct db_tx *tx, struct str kind, const struct meta_scrub *scrub,
                    int64_t until, struct err *err)
{
    int64_t n_changed = 0;

    if (db_run(tx, &sql[SCRUB_SAVE],
               DB_ARGS(db_text(kind), db_int(scrub->fence), db_text(scrub->position),
                       db_int(scrub->started_at), db_int(scrub->finished_at),
                       db_int(scrub->n_objects), db_int(scrub->n_bytes), db_int(scrub->n_damaged),
                       db_int(until)),
               &n_changed, err) < 0)
        return -1;
    return n_changed > 0;
}
