/* meta/role.c: roles. */
#include "meta/role.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/random.h"
#include "meta/statements.h"

enum { FIND, LOCK, LIST, N_GRANTS, ADD, UPDATE, REMOVE };

#define COLUMNS "id, uuid, name, verbs, description, is_built_in, created_at"

/* clang-format off */
static const struct db_statement sql[] = {
    [FIND]   = { .name = "role.find",   .in = "t",     .out = "ittttii",
                 .sql  = "SELECT " COLUMNS " FROM roles WHERE name = $1" },
    [LOCK]   = { .name = "role.lock",   .in = "t",     .out = "ittttii",
                 .sqlite = "SELECT " COLUMNS " FROM roles WHERE name = $1",
                 .pg   = "SELECT " COLUMNS " FROM roles WHERE name = $1 FOR UPDATE" },
    [N_GRANTS] = { .name = "role.n_grants", .in = "i", .out = "i",
                 .sql  = "SELECT count(*) FROM grants WHERE role_id = $1" },
    [LIST]   = { .name = "role.list",   .in = "",      .out = "ittttii",
                 .sql  = "SELECT " COLUMNS " FROM roles ORDER BY name" },
    [ADD]    = { .name = "role.add",    .in = "tttti", .out = "i",
                 .sql  = "INSERT INTO roles (uuid, name, verbs, description, created_at)"
                         " VALUES ($1, $2, $3, $4, $5) RETURNING id" },
    [UPDATE] = { .name = "role.update", .in = "itt",   .out = "",
                 .sql  = "UPDATE roles SET verbs = $2, description = $3 WHERE id = $1 AND is_built_in = 0" },
    [REMOVE] = { .name = "role.remove", .in = "i",     .out = "",
                 .sql  = "DELETE FROM roles WHERE id = $1 AND is_built_in = 0" },
};

static const struct db_column columns[] = {
    DB_COL_INT (struct meta_role, id),
    DB_COL_TEXT(struct meta_role, uuid),
    DB_COL_TEXT(struct meta_role, name),
    DB_COL_TEXT(struct meta_role, verbs),
    DB_COL_TEXT(struct meta_role, description),
    DB_COL_INT (struct meta_role, is_built_in),
    DB_COL_INT (struct meta_role, created_at),
};
/* clang-format on */

META_STATEMENTS(role);

int meta_role_find(struct db_tx *tx, struct arena *arena, struct str name, struct meta_role *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[FIND], DB_ARGS(db_text(name)), columns, out, err);
}

int meta_role_lock(struct db_tx *tx, struct arena *arena, struct str name, struct meta_role *out,
                   struct err *err)
{
    return db_find(tx, arena, &sql[LOCK], DB_ARGS(db_text(name)), columns, out, err);
}

int meta_role_n_grants(struct db_tx *tx, int64_t id, int64_t *out, struct err *err)
{
    return db_find_int(tx, &sql[N_GRANTS], DB_ARGS(db_int(id)), out, err) < 0 ? -1 : 0;
}

int meta_role_list(struct db_tx *tx, struct arena *arena, struct meta_role **out, size_t *n_out,
                   struct err *err)
{
    void *list;

    if (db_list(tx, arena, &sql[LIST], DB_NO_ARGS, columns, sizeof(struct meta_role),
                META_ROLES_MAX, &list, n_out, err) < 0)
        return -1;
    *out = list;
    return 0;
}

int meta_role_add(struct db_tx *tx, struct str name, struct str verbs, struct str description,
                  int64_t *out_id, struct err *err)
{
    char uuid[RANDOM_UUID_MAX];

    random_uuid(uuid);
    return db_find_int(tx, &sql[ADD],
                       DB_ARGS(db_text(str_from(uuid)), db_text(name), db_text(verbs),
                               db_text(description.p == NULL ? STR("") : description),
                               db_int(db_now(tx))),
                       out_id, err) < 0
               ? -1
               : 0;
}

int meta_role_update(struct db_tx *tx, int64_t id, struct str verbs, struct str description,
                     int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[UPDATE], DB_ARGS(db_int(id), db_text(verbs), db_text(description)),
                  out_n, err);
}

int meta_role_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err)
{
    return db_run(tx, &sql[REMOVE], DB_ARGS(db_int(id)), out_n, err);
}
