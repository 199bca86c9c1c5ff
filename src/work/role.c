/* work/role.c: roles made, changed and deleted. */
#include "work/role.h"

#include "auth/verb.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { TOLD_MAX = 8192 };

static bool is_name(struct str name)
{
    bool is_good =
        name.n > 0 && name.n <= WORK_ROLE_NAME_MAX && name.p[0] != '-' && name.p[name.n - 1] != '-';

    for (size_t i = 0; is_good && i < name.n; i++) {
        char c  = name.p[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    return is_good;
}

static int check_form(const struct work_role_form *form, struct err *err)
{
    if (form->has_verbs && form->verbs == AUTH_NONE)
        return work_bad_field("verbs", "a role has at least one", err);
    if (form->has_description)
        return work_text_check("description", form->description, WORK_ROLE_TEXT_MAX, err);
    return 0;
}

static struct str print(struct arena *arena, const struct meta_role *role)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "verbs", role->verbs);
    json_write_str_at(&w, "description", role->description);
    json_write_end(&w);
    return buf_view(&text);
}

/* before, after: null when there is none. */
static int tell(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                const char *type, const struct meta_role *before, const struct meta_role *after,
                struct err *err)
{
    struct meta_event event = { .type        = type,
                                .object_kind = "role",
                                .object_name = before != NULL ? before->name : after->name };

    if (before != NULL)
        event.before = print(arena, before);
    if (after != NULL)
        event.after = print(arena, after);
    return meta_event_add(tx, actor, &event, err);
}

static int unless_found(int found, struct str name, struct err *err)
{
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ROLE", name, "no role " STR_FMT,
                            STR_ARGS(name));
    return found < 0 ? -1 : 0;
}

int work_role_list(struct work *work, struct arena *arena, struct meta_role **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list roles", &tx, err) < 0)
        return -1;
    return meta_role_list(tx, arena, out, n_out, err);
}

int work_role_get(struct work *work, struct arena *arena, struct str name, struct meta_role *out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find role", &tx, err) < 0)
        return -1;
    return unless_found(meta_role_find(tx, arena, name, out, err), name, err);
}

int work_role_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct work_role_form *form, struct meta_role *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_role            *all;
    size_t                       n;
    int64_t                      id;

    if (!is_name(form->name))
        return work_bad_field("name", "a-z, 0-9 and inside hyphens, at most 64 bytes", err);
    if (!form->has_verbs)
        return work_bad_field("verbs", "a role has at least one", err);
    if (check_form(form, err) < 0 || db_begin(work->db, DB_WRITE, "add role", &tx, err) < 0 ||
        meta_role_list(tx, arena, &all, &n, err) < 0)
        return -1;
    if (n >= META_ROLES_MAX)
        return err_set_code(err, ERR_CONFLICT, "TOO_MANY_ROLES", STR_NULL,
                            "there are %d roles, no more are kept", META_ROLES_MAX);

    struct str verbs = auth_verbs_print(arena, form->verbs);
    if (meta_role_add(tx, form->name, verbs, form->description, &id, err) < 0) {
        if (err->kind == ERR_EXISTS)
            err_set_code(err, ERR_EXISTS, "ROLE_EXISTS", form->name, "there is a role " STR_FMT,
                         STR_ARGS(form->name));
        return -1;
    }
    if (unless_found(meta_role_find(tx, arena, form->name, out, err), form->name, err) < 0 ||
        tell(tx, arena, actor, "ROLE_CREATED", NULL, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* A role that may be changed. */
static int lock(struct db_tx *tx, struct arena *arena, struct str name, struct meta_role *out,
                struct err *err)
{
    if (unless_found(meta_role_lock(tx, arena, name, out, err), name, err) < 0)
        return -1;
    if (out->is_built_in)
        return err_set_code(err, ERR_CONFLICT, "ROLE_IS_BUILT_IN", name,
                            "the role " STR_FMT " is built in and stays as it is", STR_ARGS(name));
    return 0;
}

int work_role_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     struct str name, const struct work_role_form *form, struct meta_role *out,
                     struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_role             old;
    int64_t                      n;

    if (check_form(form, err) < 0 || db_begin(work->db, DB_WRITE, "change role", &tx, err) < 0 ||
        lock(tx, arena, name, &old, err) < 0)
        return -1;

    struct meta_role changed = old;
    if (form->has_verbs)
        changed.verbs = auth_verbs_print(arena, form->verbs);
    if (form->has_description)
        changed.description = form->description;
    if (meta_role_update(tx, old.id, changed.verbs, changed.description, &n, err) < 0 ||
        tell(tx, arena, actor, "ROLE_UPDATED", &old, &changed, err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = changed;
    return 0;
}

int work_role_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     struct str name, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_role             role;
    int64_t                      n_grants, n;

    if (db_begin(work->db, DB_WRITE, "delete role", &tx, err) < 0 ||
        lock(tx, arena, name, &role, err) < 0 ||
        meta_role_n_grants(tx, role.id, &n_grants, err) < 0)
        return -1;
    if (n_grants > 0)
        return err_set_code(err, ERR_CONFLICT, "ROLE_IN_USE", name,
                            "%lld grants name the role " STR_FMT "; take them away first",
                            (long long)n_grants, STR_ARGS(name));
    if (meta_role_remove(tx, role.id, &n, err) < 0 ||
        tell(tx, arena, actor, "ROLE_DELETED", &role, NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}
