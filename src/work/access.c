/* work/access.c: what the verbs about accounts and rights share: how they end, and how they tell. */
#include "work/access_private.h"

#include "auth/rights.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/text.h"
#include "meta/account.h"
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
