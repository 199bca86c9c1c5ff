/* work/access.c: what the verbs about accounts and rights share: how they end, and how they tell. */
#include "work/access_private.h"

#include "auth/rights.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/text.h"
#include "io/random.h"
#include "meta/account.h"
#include "meta/org.h"
#include "work/work_private.h"

int work_commit_access(struct work *work, struct db_tx **tx, struct err *err)
{
    if (failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    if (work->auth != NULL)
        auth_changed(work->auth);
    return failpoint(FP_ACCESS_CHANGED, err);
}

int work_bad_field(const char *field, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field), "%s: %s", field,
                        rule);
}

int work_text_check(const char *field, struct str text, size_t max, struct err *err)
{
    if (text.n > max)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                            "%s: has at most %zu bytes", field, max);
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7F)
            return work_bad_field(field, "has no control characters", err);
    }
    if (!text_is_utf8(text))
        return work_bad_field(field, "is UTF-8", err);
    return 0;
}

int work_find_account(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err)
{
    int found = meta_account_find(tx, arena, id, out, err);

    if (found < 0)
        return -1;
    return found == 1 ? 0
                      : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", STR_NULL,
                                     "no such account, it was deleted meanwhile");
}

int work_hold_user(struct db_tx *tx, struct arena *arena, struct str name_or_uuid,
                   struct meta_account *out, struct err *err)
{
    int found = meta_account_find_any(tx, arena, name_or_uuid, out, err);

    if (found == 1)
        found = str_is(out->kind, "user") ? meta_account_hold(tx, out->id, err) : 0;
    if (found < 0)
        return -1;
    return found == 1 ? 0
                      : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_USER", name_or_uuid,
                                     "no user " STR_FMT, STR_ARGS(name_or_uuid));
}

int work_need_org(const struct auth_account *account, struct err *err)
{
    if (str_is(account->kind, "organization"))
        return 0;
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", account->name,
                        STR_FMT " is no organisation", STR_ARGS(account->name));
}

int work_hold_org(struct db_tx *tx, const struct auth_account *org, struct err *err)
{
    if (work_need_org(org, err) < 0)
        return -1;

    int found = meta_account_hold(tx, org->id, err);
    if (found < 0)
        return -1;
    return found == 1 ? 0
                      : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", org->name,
                                     "no account " STR_FMT, STR_ARGS(org->name));
}

struct str work_print_membership(int64_t is_admin)
{
    if (is_admin < 0)
        return STR_NULL;
    return is_admin != 0 ? STR("{\"isAdmin\":true}") : STR("{\"isAdmin\":false}");
}

void work_fill_member(const struct meta_account *account, int64_t is_admin, struct meta_member *out)
{
    *out                       = (struct meta_member){ .account = *account, .is_admin = is_admin };
    out->account.password_hash = STR_NULL;
}

bool work_is_uuid(struct str name)
{
    if (name.n != RANDOM_UUID_MAX - 1)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c       = name.p[i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex  = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (is_dash ? c != '-' : !is_hex)
            return false;
    }
    return true;
}
