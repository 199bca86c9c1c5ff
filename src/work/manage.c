/* work/manage.c: the instance's own verbs. Each is one transaction with its event and audit record. */
#include "work/manage.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "io/random.h"
#include "meta/account.h"
#include "meta/registry.h"
#include "work/work_private.h"

int work_first_admin(struct work *work, struct auth *auth, struct str password, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                     hash;
    char                           uuid[RANDOM_UUID_MAX];
    int64_t                        n, id;

    if (auth_password_make(auth, arena, password, &hash, err) < 0)
        return err_wrap(err, "making the first admin");
    random_uuid(uuid);

    if (db_begin(work->db, DB_WRITE, "make first admin", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0 || meta_account_count(tx, &n, err) < 0)
        return -1;
    if (n > 0)
        return 0;

    struct meta_account admin = {
        .uuid          = str_from(uuid),
        .name          = STR("admin"),
        .kind          = STR("user"),
        .full_name     = STR(""),
        .is_admin      = 1,
        .is_active     = 1,
        .password_hash = hash,
    };
    struct meta_actor actor = { .kind = "system", .name = STR("first start") };
    struct meta_event event = { .type        = "ACCOUNT_CREATED",
                                .object_kind = "account",
                                .object_name = admin.name };
    if (meta_account_add(tx, &admin, &id, err) < 0 || meta_event_add(tx, &actor, &event, err) < 0 ||
        failpoint(FP_ADMIN_WRITTEN, err) < 0 || db_commit(&tx, err) < 0 ||
        failpoint(FP_ADMIN_MADE, err) < 0)
        return -1;
    return 1;
}

int work_set_password(struct work *work, struct auth *auth, const struct meta_actor *actor,
                      struct str name, struct str password, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_account            account;
    struct str                     hash;

    if (auth_password_allow(auth, "password", password, err) < 0 ||
        auth_password_make(auth, arena, password, &hash, err) < 0)
        return -1;
    if (db_begin(work->db, DB_WRITE, "set password", &tx, err) < 0)
        return -1;

    int found = meta_account_find_name(tx, arena, name, &account, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", name, "no account " STR_FMT,
                            STR_ARGS(name));

    struct meta_event event = { .type        = "PASSWORD_CHANGED",
                                .object_kind = "account",
                                .object_name = name };
    if (meta_account_set_password(tx, account.id, hash, err) < 0 ||
        meta_event_add(tx, actor, &event, err) < 0 || failpoint(FP_PASSWORD_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_PASSWORD_CHANGED, err);
}
