/* work/account.c: the verbs about accounts. */
#include "work/account.h"

#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "meta/org.h"
#include "meta/repo.h"
#include "meta/session.h"
#include "meta/team.h"
#include "meta/webhook.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/grant.h"
#include "work/work_private.h"

enum { STATE_MAX = 4096 };

/* -- what fields may hold ---------------------------------------------------------------------------- */

/* Words that stand where the name of an account can: in routes and in records. */
static const char *const reserved[] = { "language", "anonymous", "system", "everyone" };

int work_account_name_check(struct str name, struct err *err)
{
    if (name.n == 0)
        return work_bad_field("name", "is required", err);
    if (name.n > WORK_ACCOUNT_NAME_MAX)
        return work_bad_field("name", "has at most 100 characters", err);
    if (!oci_name_is_component(name))
        return work_bad_field("name",
                              "has a-z and 0-9, inside of which single dots, one or two "
                              "underscores or hyphens may stand",
                              err);
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (str_is(name, reserved[i]))
            return work_bad_field("name", "is a word of the registry's own", err);
    }
    if (work_is_uuid(name))
        return work_bad_field("name", "could be taken for the id of an account", err);
    return 0;
}

int work_full_name_check(struct str full_name, struct err *err)
{
    return work_text_check("fullName", full_name, WORK_FULL_NAME_MAX, err);
}

/* -- records ----------------------------------------------------------------------------------------- */

/* What can be changed of it. */
static struct str print_state(struct arena *arena, const struct meta_account *account)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, STATE_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "fullName", account->full_name.p == NULL ? STR("") : account->full_name);
    if (str_is(account->kind, "organization")) {
        json_write_bool_at(&w, "isOrg", true);
    } else {
        json_write_bool_at(&w, "isAdmin", account->is_admin != 0);
        json_write_bool_at(&w, "isActive", account->is_active != 0);
    }
    json_write_end(&w);
    return buf_view(&text);
}

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type, struct str name,
                struct str before, struct str after, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .path        = name,
        .object_kind = "account",
        .object_name = name,
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

/* With what lists show of it. */
static int read_row(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account_row *out,
                    struct err *err)
{
    struct meta_account_row row = { 0 };

    if (work_find_account(tx, arena, id, &row.account, err) < 0)
        return -1;
    row.account.password_hash = STR_NULL;
    if (str_is(row.account.kind, "organization") &&
        (meta_org_member_count(tx, id, META_MEMBERS_ALL, &row.n_members, err) < 0 ||
         meta_team_count(tx, id, &row.n_teams, err) < 0))
        return -1;
    *out = row;
    return 0;
}

/* Locked, so that of two changes the second sees what the first did. */
static int lock_account(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                        struct err *err)
{
    if (meta_account_lock(tx, id, err) < 0)
        return -1;
    return work_find_account(tx, arena, id, out, err);
}

/* -- create ------------------------------------------------------------------------------------------ */

static int check_new(struct work *work, const struct work_account_new *new, struct err *err)
{
    if (work_account_name_check(new->name, err) < 0 ||
        work_full_name_check(new->full_name, err) < 0)
        return -1;
    if (new->is_org)
        return new->is_admin ? work_bad_field("isAdmin", "an organisation is no admin", err) : 0;
    if (new->password.n == 0)
        return work_bad_field("password", "is required", err);
    return auth_password_allow(work->auth, "password", new->password, err);
}

static int check_free(struct db_tx *tx, struct arena *arena, struct str name, struct err *err)
{
    struct meta_account other;
    int                 found = meta_account_find_name(tx, arena, name, &other, err);

    if (found < 0)
        return -1;
    return found == 0 ? 0
                      : err_set_code(err, ERR_EXISTS, "ACCOUNT_EXISTS", STR("name"),
                                     "name: there is an account " STR_FMT, STR_ARGS(name));
}

int work_account_add(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                     const struct meta_account *account, int64_t *out_id, struct err *err)
{
    if (check_free(tx, arena, account->name, err) < 0 ||
        meta_account_add(tx, account, out_id, err) < 0)
        return -1;
    return tell(tx, actor, "ACCOUNT_CREATED", account->name, STR_NULL, print_state(arena, account),
                err);
}

int work_account_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct work_account_new *new, struct meta_account_row *out,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx      = NULL;
    struct meta_account          account = {
                 .name      = new->name,
                 .kind      = new->is_org ? STR("organization") : STR("user"),
                 .full_name = new->full_name,
                 .is_admin  = !new->is_org &&new->is_admin,
                 .is_active = new->is_org || new->is_active,
    };
    int64_t id;

    if (check_new(work, new, err) < 0 ||
        (!new->is_org &&auth_password_make(work->auth, arena, new->password, &account.password_hash,
                                           err) < 0))
        return -1;
    if (db_begin(work->db, DB_WRITE, "create account", &tx, err) < 0 ||
        work_account_add(tx, arena, actor, &account, &id, err) < 0 ||
        read_row(tx, arena, id, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- change ------------------------------------------------------------------------------------------ */

/* What the account would be; ERR_INVALID or ERR_DENIED when it may not. */
static int plan_change(const struct meta_account *now, const struct auth_account *handle,
                       const struct work_account_change *change, struct meta_account *out,
                       struct err *err)
{
    struct meta_account then = *now;

    if (change->has_full_name)
        then.full_name = change->full_name;
    if (change->has_admin)
        then.is_admin = change->is_admin;
    if (change->has_active)
        then.is_active = change->is_active;
    if (then.is_admin != now->is_admin && !str_is(now->kind, "user"))
        return work_bad_field("isAdmin", "only users are system admins", err);
    if (then.is_active != now->is_active && str_is(now->kind, "organization"))
        return work_bad_field("isActive", "an organisation cannot be switched off", err);
    if ((then.is_admin != now->is_admin || then.is_active != now->is_active) && !handle->by_admin)
        return err_set(err, ERR_DENIED, "only system admins may change isAdmin and isActive");
    *out = then;
    return 0;
}

static bool is_live_admin(const struct meta_account *account)
{
    return account->is_admin != 0 && account->is_active != 0;
}

static int guard_last_admin(struct str name, int64_t n_admins, struct err *err)
{
    if (n_admins > 1)
        return 0;
    return err_set_code(err, ERR_CONFLICT, "LAST_ADMIN", name,
                        STR_FMT " is the last active system admin: make another one first",
                        STR_ARGS(name));
}

static int write_change(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                        const struct meta_account *now, const struct meta_account *then,
                        struct err *err)
{
    bool is_switched = then->is_active != now->is_active;

    if (meta_account_update(tx, then, err) < 0 ||
        (is_switched && meta_account_set_active(tx, now->id, then->is_active, err) < 0) ||
        (is_switched && meta_session_remove_of(tx, now->id, STR_NULL, err) < 0))
        return -1;
    return tell(tx, actor, "ACCOUNT_CHANGED", now->name, print_state(arena, now),
                print_state(arena, then), err);
}

int work_account_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_account        *account,
                        const struct work_account_change *change, struct meta_account_row *out,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx       = NULL;
    int64_t                      n_admins = 2;
    struct meta_account          now, then;
    bool                         takes =
        (change->has_admin && !change->is_admin) || (change->has_active && !change->is_active);

    if ((change->has_full_name && work_full_name_check(change->full_name, err) < 0) ||
        db_begin(work->db, DB_WRITE, "change account", &tx, err) < 0 ||
        (takes && meta_account_count_admins(tx, &n_admins, err) < 0) ||
        lock_account(tx, arena, account->id, &now, err) < 0 ||
        plan_change(&now, account, change, &then, err) < 0)
        return -1;
    if (is_live_admin(&now) && !is_live_admin(&then) &&
        guard_last_admin(now.name, n_admins, err) < 0)
        return -1;
    if (write_change(tx, arena, actor, &now, &then, err) < 0 ||
        read_row(tx, arena, now.id, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- delete ------------------------------------------------------------------------------------------ */

static int guard_repositories(struct db_tx *tx, const struct meta_account *account, struct err *err)
{
    int64_t n;

    if (meta_repo_count_in(tx, account->id, &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    return err_set_code(err, ERR_CONFLICT, "ACCOUNT_HAS_REPOSITORIES", account->name,
                        STR_FMT " still has %lld repositor%s: delete %s first, one by one or with "
                                "DELETE /api/v0/accounts/" STR_FMT "/repositories",
                        STR_ARGS(account->name), (long long)n, n == 1 ? "y" : "ies",
                        n == 1 ? "it" : "them", STR_ARGS(account->name));
}

static int find_named(struct db_tx *tx, struct arena *arena, struct str name_or_uuid,
                      struct meta_account *out, struct err *err)
{
    int found = meta_account_find_any(tx, arena, name_or_uuid, out, err);

    if (found < 0)
        return -1;
    return found == 1 ? 0
                      : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", name_or_uuid,
                                     "no account " STR_FMT, STR_ARGS(name_or_uuid));
}

int work_account_delete(struct work *work, const struct meta_actor *actor, struct str name_or_uuid,
                        struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_account            account;
    int64_t                        n_admins;

    if (db_begin(work->db, DB_WRITE, "delete account", &tx, err) < 0 ||
        meta_account_count_admins(tx, &n_admins, err) < 0 ||
        find_named(tx, arena, name_or_uuid, &account, err) < 0 ||
        lock_account(tx, arena, account.id, &account, err) < 0)
        return -1;
    if (is_live_admin(&account) && guard_last_admin(account.name, n_admins, err) < 0)
        return -1;
    if (guard_repositories(tx, &account, err) < 0 ||
        work_grant_drop_below(tx, arena, actor, account.name, err) < 0 ||
        meta_webhook_remove_of_namespace(tx, account.id, err) < 0 ||
        meta_account_remove(tx, account.id, err) < 0 ||
        tell(tx, actor, "ACCOUNT_DELETED", account.name, print_state(arena, &account), STR_NULL,
             err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- password ---------------------------------------------------------------------------------------- */

static int prove_old(struct work *work, const struct meta_actor *actor,
                     const struct auth_account *account, struct str old_password, struct err *err)
{
    if (old_password.n == 0)
        return work_bad_field("oldPassword", "is required", err);

    int right = auth_password_prove(work->auth, account->name, old_password, actor->address, err);
    if (right < 0)
        return -1;
    return right == 1 ? 0
                      : err_set_code(err, ERR_DENIED, NULL, STR("oldPassword"),
                                     "oldPassword: is not the password of " STR_FMT,
                                     STR_ARGS(account->name));
}

int work_account_change_password(struct work *work, struct arena *arena,
                                 const struct meta_actor *actor, const struct auth_account *account,
                                 struct str old_password, struct str new_password,
                                 struct meta_account_row *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          now;
    struct str                   hash;

    if (!str_is(account->kind, "user"))
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_USER", account->name,
                            STR_FMT " is no user and has no password", STR_ARGS(account->name));
    if ((account->is_self && prove_old(work, actor, account, old_password, err) < 0) ||
        auth_password_allow(work->auth, "newPassword", new_password, err) < 0 ||
        auth_password_make(work->auth, arena, new_password, &hash, err) < 0)
        return -1;
    if (db_begin(work->db, DB_WRITE, "change password", &tx, err) < 0 ||
        lock_account(tx, arena, account->id, &now, err) < 0 ||
        meta_account_set_password(tx, now.id, hash, err) < 0 ||
        meta_session_remove_of(tx, now.id, STR_NULL, err) < 0 ||
        tell(tx, actor, "PASSWORD_CHANGED", now.name, STR_NULL, STR_NULL, err) < 0 ||
        read_row(tx, arena, now.id, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- reading ----------------------------------------------------------------------------------------- */

int work_account_get(struct work *work, struct arena *arena, int64_t id,
                     struct meta_account_row *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "get account", &tx, err) < 0)
        return -1;
    return read_row(tx, arena, id, out, err);
}

int work_account_page(struct work *work, struct arena *arena, int64_t seen_by,
                      enum meta_account_filter filter, struct str after, size_t n_max,
                      struct meta_account_row **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list accounts", &tx, err) < 0)
        return -1;
    if (seen_by != 0)
        return meta_account_page_seen(tx, arena, seen_by, filter, after, n_max, out, n_out, err);
    return meta_account_page(tx, arena, filter, after, n_max, out, n_out, err);
}

static int count_of(struct db_tx *tx, int64_t seen_by, enum meta_account_filter filter,
                    int64_t *out, struct err *err)
{
    if (seen_by != 0)
        return meta_account_count_seen(tx, seen_by, filter, out, err);
    return meta_account_count_of(tx, filter, out, err);
}

int work_account_count(struct work *work, int64_t seen_by, enum meta_account_filter filter,
                       struct work_account_counts *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct work_account_counts   counts;

    if (db_begin(work->db, DB_READ, "count accounts", &tx, err) < 0 ||
        count_of(tx, seen_by, META_ACCOUNTS_USERS, &counts.n_users, err) < 0 ||
        count_of(tx, seen_by, META_ACCOUNTS_ORGS, &counts.n_orgs, err) < 0 ||
        count_of(tx, seen_by, filter, &counts.n_listed, err) < 0)
        return -1;
    *out = counts;
    return 0;
}
