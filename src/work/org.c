/* work/org.c: the verbs about members of organisations. */
#include "work/org.h"

#include "base/err.h"
#include "base/mem.h"
#include "work/access_private.h"
#include "work/work_private.h"

static int no_member(struct str user, const struct auth_account *org, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_MEMBER", user,
                        STR_FMT " is no member of " STR_FMT, STR_ARGS(user), STR_ARGS(org->name));
}

/* before and after: is it an owner; negative: it is no member. */
static int tell(struct db_tx *tx, const struct meta_actor *actor, const struct auth_account *org,
                struct str user, int64_t before, int64_t after, struct err *err)
{
    struct meta_event event = {
        .type        = before < 0  ? "MEMBER_ADDED"
                       : after < 0 ? "MEMBER_REMOVED"
                                   : "MEMBER_CHANGED",
        .path        = org->name,
        .object_kind = "member",
        .object_name = user,
        .before      = work_print_membership(before),
        .after       = work_print_membership(after),
    };

    return meta_event_add(tx, actor, &event, err);
}

int work_org_add(struct db_tx *tx, const struct meta_actor *actor, const struct auth_account *org,
                 const struct meta_account *user, int64_t is_owner, struct err *err)
{
    int64_t before = -1;

    if (meta_org_member_lock(tx, org->id, user->id, &before, err) < 0 ||
        meta_org_member_put(tx, org->id, user->id, is_owner, err) < 0)
        return -1;
    return tell(tx, actor, org, user->name, before, is_owner, err);
}

int work_member_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                    const struct auth_account *org, struct str user,
                    const struct work_membership *membership, struct meta_member *out,
                    struct err *err)
{
    AUTO(db_abort) struct db_tx *tx       = NULL;
    int64_t                      is_owner = 0;
    struct meta_account          account;

    if (db_begin(work->db, DB_WRITE, "put member", &tx, err) < 0 ||
        work_hold_org(tx, org, err) < 0 || work_hold_user(tx, arena, user, &account, err) < 0)
        return -1;
    int found = meta_org_member_lock(tx, org->id, account.id, &is_owner, err);
    if (found < 0)
        return -1;
    if (found == 0 && membership->must_exist)
        return no_member(account.name, org, err);
    if (membership->has_admin)
        is_owner = membership->is_admin;
    if (work_org_add(tx, actor, org, &account, is_owner, err) < 0)
        return -1;
    work_fill_member(&account, is_owner, out);
    return work_commit_access(work, &tx, err);
}

int work_member_remove(struct work *work, const struct meta_actor *actor,
                       const struct auth_account *org, struct str user, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_account            account;
    int64_t                        was_owner, n;

    if (db_begin(work->db, DB_WRITE, "remove member", &tx, err) < 0 ||
        work_hold_org(tx, org, err) < 0 || work_hold_user(tx, arena, user, &account, err) < 0)
        return -1;
    int found = meta_org_member_lock(tx, org->id, account.id, &was_owner, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return no_member(account.name, org, err);
    if (meta_org_member_remove(tx, org->id, account.id, &n, err) < 0 ||
        tell(tx, actor, org, account.name, was_owner, -1, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_member_get(struct work *work, struct arena *arena, const struct auth_account *org,
                    struct str user, struct meta_member *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx       = NULL;
    int64_t                      is_owner = 0;
    struct meta_account          account;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "get member", &tx, err) < 0)
        return -1;
    int found = meta_account_find_any(tx, arena, user, &account, err);
    if (found == 1)
        found = meta_org_member_find(tx, org->id, account.id, &is_owner, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return no_member(user, org, err);
    work_fill_member(&account, is_owner, out);
    return 0;
}

int work_member_page(struct work *work, struct arena *arena, const struct auth_account *org,
                     enum meta_member_filter filter, struct str after, size_t n_max,
                     struct meta_member **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "list members", &tx, err) < 0)
        return -1;
    return meta_org_member_page(tx, arena, org->id, filter, after, n_max, out, n_out, err);
}

int work_member_count(struct work *work, const struct auth_account *org,
                      enum meta_member_filter filter, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_need_org(org, err) < 0 || db_begin(work->db, DB_READ, "count members", &tx, err) < 0)
        return -1;
    return meta_org_member_count(tx, org->id, filter, out, err);
}

int work_org_page_of(struct work *work, struct arena *arena, int64_t account_id, struct str after,
                     size_t n_max, struct meta_member **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list organisations", &tx, err) < 0)
        return -1;
    return meta_org_page_of(tx, arena, account_id, after, n_max, out, n_out, err);
}

int work_org_count_of(struct work *work, int64_t account_id, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count organisations", &tx, err) < 0)
        return -1;
    return meta_org_count_of(tx, account_id, out, err);
}
