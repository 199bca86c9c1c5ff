/* work/service.c: the verbs about service accounts. */
#include "work/service.h"

#include "base/err.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/credential.h"
#include "work/grant.h"
#include "work/work_private.h"

enum { BATCH = 100 };

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type,
                const struct meta_account *service, struct str before, struct str after,
                struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .path        = service->prefix,
        .object_kind = "service",
        .object_name = service->name,
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

/* What of it is access. */
static struct str print_state(struct arena *arena, const struct meta_account *service)
{
    return str_from(mem_printf(arena, "{\"isActive\":%s,\"maker\":%lld}",
                               service->is_active != 0 ? "true" : "false",
                               (long long)service->maker_id));
}

static struct str print_slot(struct arena *arena, int64_t slot)
{
    return str_from(mem_printf(arena, "{\"slot\":%lld}", (long long)slot));
}

/* Everything that is shown of it. */
static int complete(struct db_tx *tx, struct arena *arena, const struct auth_account *owner,
                    struct work_service *service, struct err *err)
{
    struct meta_credential *secrets;
    size_t                  n;

    service->owner = owner->name;
    service->label = str_from_index(service->account.name, owner->name.n + 1);
    service->maker = STR_NULL;
    if (meta_account_name(tx, arena, service->account.maker_id, &service->maker, err) < 0 ||
        meta_credential_page(tx, arena, service->account.id, 0, WORK_SERVICE_SECRETS, &secrets, &n,
                             err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        service->secrets[i] = secrets[i];
    service->n_secrets = n;
    return 0;
}

static bool is_of(const struct meta_account *account, const struct auth_account *owner)
{
    return str_is(account->kind, "service") && account->owner_id == owner->id &&
           account->name.n > owner->name.n + 1;
}

int work_service_absent(struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_SERVICE", STR_NULL, "no such service account");
}

static int find(struct db_tx *tx, struct arena *arena, const struct auth_account *owner,
                struct str name, struct work_service *out, struct err *err)
{
    struct work_service service = { 0 };
    int                 found   = 0;

    if (str_find(name, '+') < 0)
        name =
            str_from(mem_printf(arena, STR_FMT "+" STR_FMT, STR_ARGS(owner->name), STR_ARGS(name)));
    if (name.n < AUTH_ACCOUNT_NAME_MAX)
        found = meta_account_find_name(tx, arena, name, &service.account, err);
    if (found < 0 && err->kind != ERR_INVALID)
        return -1;
    if (found < 1 || !is_of(&service.account, owner))
        return work_service_absent(err);
    if (complete(tx, arena, owner, &service, err) < 0)
        return -1;
    *out = service;
    return 0;
}

int work_service_get(struct work *work, struct arena *arena, const struct auth_account *owner,
                     struct str name, struct work_service *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "get service account", &tx, err) < 0)
        return -1;
    return find(tx, arena, owner, name, out, err);
}

static bool is_within(struct str path, struct str prefix)
{
    return prefix.n == 0 ||
           (str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/'));
}

int work_service_page(struct work *work, struct arena *arena, const struct auth_account *owner,
                      struct str prefix, struct str after, size_t n_max, struct work_service **out,
                      size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_service         *list = mem_many(arena, n_max, struct work_service);
    struct meta_account         *rows;
    size_t                       n = 0, n_rows = BATCH;

    if (db_begin(work->db, DB_READ, "list service accounts", &tx, err) < 0)
        return -1;
    while (n < n_max && n_rows == BATCH) {
        if (meta_account_page_services(tx, arena, owner->id, after, BATCH, &rows, &n_rows, err) < 0)
            return -1;
        for (size_t i = 0; i < n_rows && n < n_max; i++) {
            after = rows[i].name;
            if (!is_of(&rows[i], owner) || !is_within(rows[i].prefix, prefix))
                continue;
            list[n].account = rows[i];
            if (complete(tx, arena, owner, &list[n++], err) < 0)
                return -1;
        }
    }
    *out   = list;
    *n_out = n;
    return 0;
}

/* -- making ------------------------------------------------------------------------------------------- */

/* Whose rights bound the new account: a person's, all of them. */
static int check_maker(struct db_tx *tx, struct arena *arena, const struct auth_caller *maker,
                       struct err *err)
{
    struct meta_account account;

    if (work_find_account(tx, arena, maker->account_id, &account, err) < 0)
        return -1;
    if (maker->is_narrowed || !str_is(account.kind, "user"))
        return err_set_code(err, ERR_DENIED, "DENIED", STR_NULL,
                            "service accounts are made by users, and not with a narrowed token");
    return 0;
}

static int check_new(const struct auth_account *owner, const struct auth_repo *place,
                     const struct work_service_new *new, struct err           *err)
{
    if (!oci_name_is_component(new->label) || new->label.n > WORK_SERVICE_LABEL_MAX)
        return work_bad_field("label",
                              "has 1 to 50 of a-z and 0-9, inside of which single dots, one or two "
                              "underscores or hyphens may stand",
                              err);
    if (!is_within(place->path, owner->name))
        return work_bad_field("prefix", "is outside of the account's namespace", err);
    return work_text_check("description", new->description, WORK_DESCRIPTION_MAX, err);
}

static int add_secret(struct work *work, struct db_tx *tx, struct arena *arena,
                      const struct meta_actor *actor, const struct auth_caller *maker,
                      struct meta_credential *row, char out_secret[AUTH_SECRET_MAX],
                      struct err *err)
{
    row->kind         = STR("service");
    row->generated_by = STR("manual");
    row->created_by   = actor->account_id;
    if (work_credential_end(work, tx, arena, maker, false, row->expires_at, &row->expires_at, err) <
        0)
        return -1;
    return work_credential_add(tx, arena, AUTH_SECRET_SERVICE, row, out_secret, err);
}

static int add_role(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                    const struct auth_repo *place, struct str role,
                    const struct meta_account *service, struct err *err)
{
    struct meta_grant grant = { .account_id = service->id,
                                .account    = service->name,
                                .path       = place->path };

    if (role.p == NULL)
        return 0;
    if (work_grant_role(tx, arena, role, place, &grant, err) < 0)
        return -1;
    return work_grant_put(tx, arena, actor, &grant, err);
}

static int add_account(struct db_tx *tx, struct arena *arena, const struct auth_account *owner,
                       struct meta_account *account, struct err *err)
{
    int64_t id;

    if (meta_account_add(tx, account, &id, err) < 0) {
        if (err->kind == ERR_EXISTS)
            err->code = "SERVICE_EXISTS";
        return err_wrap(err, "service account of " STR_FMT, STR_ARGS(owner->name));
    }
    return work_find_account(tx, arena, id, account, err);
}

int work_service_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *maker, const struct auth_account *owner,
                        const struct auth_repo *place, const struct work_service_new *new,
                        char out_secret[AUTH_SECRET_MAX], struct work_service *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx      = NULL;
    struct work_service          service = { .account = {
                                                 .kind      = STR("service"),
                                                 .full_name = new->description,
                                                 .is_active = 1,
                                                 .owner_id  = owner->id,
                                                 .maker_id  = maker->account_id,
                                                 .prefix    = place->path,
                                    } };
    struct meta_credential       secret  = { .slot       = 1,
                                             .expires_at = new->expires_at,
                                             .creator_ua = work_client_name(new->user_agent) };

    if (check_new(owner, place, new, err) < 0 ||
        db_begin(work->db, DB_WRITE, "make service account", &tx, err) < 0 ||
        check_maker(tx, arena, maker, err) < 0)
        return -1;
    service.account.name = str_from(
        mem_printf(arena, STR_FMT "+" STR_FMT, STR_ARGS(owner->name), STR_ARGS(new->label)));
    if (add_account(tx, arena, owner, &service.account, err) < 0)
        return -1;
    secret.account_id = service.account.id;
    if (add_secret(work, tx, arena, actor, maker, &secret, out_secret, err) < 0 ||
        tell(tx, actor, "SERVICE_CREATED", &service.account, STR_NULL,
             print_state(arena, &service.account), err) < 0 ||
        add_role(tx, arena, actor, place, new->role, &service.account, err) < 0 ||
        complete(tx, arena, owner, &service, err) < 0 || work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = service;
    return 0;
}

/* -- changing ----------------------------------------------------------------------------------------- */

static int apply(struct db_tx *tx, struct arena *arena, const struct auth_caller *caller,
                 const struct work_service_change *change, struct meta_account *account,
                 struct err *err)
{
    if (change->has_description) {
        account->full_name = change->description;
        if (meta_account_update(tx, account, err) < 0)
            return -1;
    }
    if (change->is_adopted) {
        if (check_maker(tx, arena, caller, err) < 0 ||
            meta_account_set_maker(tx, account->id, caller->account_id, err) < 0)
            return -1;
    }
    if (change->has_active && change->is_active != (account->is_active != 0) &&
        meta_account_set_active(tx, account->id, change->is_active, err) < 0)
        return -1;
    return work_find_account(tx, arena, account->id, account, err);
}

int work_service_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *caller, const struct work_service *service,
                        const struct work_service_change *change, struct work_service *out,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx  = NULL;
    struct work_service          now = *service;
    struct auth_account owner        = { .id = service->account.owner_id, .name = service->owner };

    if (work_text_check("description", change->description, WORK_DESCRIPTION_MAX, err) < 0 ||
        db_begin(work->db, DB_WRITE, "change service account", &tx, err) < 0 ||
        meta_account_lock(tx, service->account.id, err) < 0 ||
        work_find_account(tx, arena, service->account.id, &now.account, err) < 0)
        return -1;

    struct str before = print_state(arena, &now.account);
    if (apply(tx, arena, caller, change, &now.account, err) < 0 ||
        tell(tx, actor, "SERVICE_CHANGED", &now.account, before, print_state(arena, &now.account),
             err) < 0 ||
        complete(tx, arena, &owner, &now, err) < 0 || work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = now;
    return 0;
}

int work_service_delete(struct work *work, const struct meta_actor *actor,
                        const struct work_service *service, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "delete service account", &tx, err) < 0 ||
        meta_account_remove(tx, service->account.id, err) < 0 ||
        tell(tx, actor, "SERVICE_DELETED", &service->account, STR_NULL, STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- secrets ------------------------------------------------------------------------------------------ */

static const struct meta_credential *in_slot(const struct work_service *service, int64_t slot)
{
    for (size_t i = 0; i < service->n_secrets; i++) {
        if (service->secrets[i].slot == slot)
            return &service->secrets[i];
    }
    return NULL;
}

/* The free one, else that of the older secret. */
static int64_t choose_slot(const struct work_service *service)
{
    for (int64_t slot = 1; slot <= WORK_SERVICE_SECRETS; slot++) {
        if (in_slot(service, slot) == NULL)
            return slot;
    }
    return in_slot(service, 1)->id < in_slot(service, 2)->id ? 1 : 2;
}

/* Its secrets as they are now, no longer changing. */
static int lock_secrets(struct db_tx *tx, struct arena *arena, const struct work_service *service,
                        struct work_service *out, struct err *err)
{
    struct auth_account owner = { .id = service->account.owner_id, .name = service->owner };

    *out = *service;
    if (meta_account_lock(tx, service->account.id, err) < 0 ||
        work_find_account(tx, arena, service->account.id, &out->account, err) < 0)
        return -1;
    return complete(tx, arena, &owner, out, err);
}

int work_service_rotate(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *caller, const struct work_service *service,
                        const struct work_secret_new *new, char out_secret[AUTH_SECRET_MAX],
                        struct meta_credential *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct meta_credential       secret = { .account_id = service->account.id,
                                            .expires_at = new->expires_at,
                                            .creator_ua = work_client_name(new->user_agent) };
    struct work_service          now;

    if (new->slot < 0 || new->slot > WORK_SERVICE_SECRETS)
        return work_bad_field("slot", "is 1 or 2", err);
    if (db_begin(work->db, DB_WRITE, "rotate secret", &tx, err) < 0 ||
        check_maker(tx, arena, caller, err) < 0 || lock_secrets(tx, arena, service, &now, err) < 0)
        return -1;

    secret.slot                       = new->slot != 0 ? new->slot : choose_slot(&now);
    const struct meta_credential *old = in_slot(&now, secret.slot);
    if (old != NULL && meta_credential_remove(tx, old->id, NULL, err) < 0)
        return -1;
    if (add_secret(work, tx, arena, actor, caller, &secret, out_secret, err) < 0 ||
        tell(tx, actor, "SERVICE_SECRET_ADDED", &now.account,
             old == NULL ? STR_NULL : print_slot(arena, secret.slot),
             print_slot(arena, secret.slot), err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = secret;
    return 0;
}

int work_service_drop_secret(struct work *work, const struct meta_actor *actor,
                             const struct work_service *service, int64_t slot, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work_service            now;

    if (db_begin(work->db, DB_WRITE, "delete secret", &tx, err) < 0 ||
        lock_secrets(tx, arena, service, &now, err) < 0)
        return -1;
    const struct meta_credential *old = in_slot(&now, slot);
    if (old == NULL)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_SECRET", STR_NULL,
                            "the service account has no secret in that slot");
    if (meta_credential_remove(tx, old->id, NULL, err) < 0 ||
        tell(tx, actor, "SERVICE_SECRET_DELETED", &now.account, print_slot(arena, slot), STR_NULL,
             err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}
