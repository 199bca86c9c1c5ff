/* work/account_import.c: many accounts at once. */
#include "work/account_import.h"

#include "auth/auth.h"
#include "base/err.h"
#include "base/mem.h"
#include "work/access_private.h"
#include "work/account.h"
#include "work/work_private.h"

static int check(const struct work_import *import, struct err *err)
{
    if (work_account_name_check(import->name, err) < 0 ||
        work_full_name_check(import->full_name, err) < 0)
        return -1;
    if (import->is_org && import->is_admin)
        return work_bad_field("isAdmin", "an organisation is no admin", err);
    if (import->is_org || import->password_hash.n == 0)
        return 0;
    return auth_password_hash_check("passwordHash", import->password_hash, err);
}

static int add(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
               const struct work_import *import, struct err *err)
{
    bool                has_password = !import->is_org && import->password_hash.n > 0;
    int64_t             id;
    struct meta_account account = {
        .name          = import->name,
        .kind          = import->is_org ? STR("organization") : STR("user"),
        .full_name     = import->full_name,
        .password_hash = has_password ? import->password_hash : STR_NULL,
        .is_admin      = import->is_admin,
        .is_active     = import->is_org || import->is_active,
        .is_imported   = 1,
    };

    return work_account_add(tx, arena, actor, &account, &id, err);
}

int work_accounts_import(struct work *work, const struct meta_actor *actor,
                         const struct work_import *accounts, size_t n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (n > WORK_IMPORT_MAX)
        return work_bad_field("accounts", "has at most 1,000 at once: send the rest after it", err);
    for (size_t i = 0; i < n; i++) {
        if (check(&accounts[i], err) < 0)
            return err_wrap(err, "accounts[%zu]", i);
    }
    if (db_begin(work->db, DB_WRITE, "import accounts", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (add(tx, arena, actor, &accounts[i], err) < 0)
            return err_wrap(err, "accounts[%zu]", i);
    }
    return work_commit_access(work, &tx, err);
}
