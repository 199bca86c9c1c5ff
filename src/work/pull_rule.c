/* work/pull_rule.c: where pulls count, and what was counted. */
#include "auth/rights.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/pull.h"
#include "work/access_private.h"
#include "work/pulls.h"
#include "work/work_private.h"

#define DAY_US (INT64_C(86400) * 1000000)

enum { EXPIRE_BATCH = 500 };

static int tell(struct db_tx *tx, const struct meta_actor *actor, struct str prefix,
                struct str before, struct str after, struct err *err)
{
    struct meta_event event = { .type        = "PULL_RULE_CHANGED",
                                .path        = prefix.n > 0 ? prefix : STR_NULL,
                                .object_kind = "prefix",
                                .object_name = prefix,
                                .before      = before,
                                .after       = after };

    return meta_event_add(tx, actor, &event, err);
}

static struct str word_of(bool is_counted)
{
    return is_counted ? STR("counted") : STR("not counted");
}

static int commit(struct db_tx **tx, struct err *err)
{
    if (failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

int work_pull_rule_put(struct work *work, const struct meta_actor *actor, struct str prefix,
                       bool is_counted, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_pull_rule          old;
    int64_t                        n;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "put pull rule", &tx, err) < 0)
        return -1;
    int found = meta_pull_rule_find(tx, arena, prefix, &old, err);
    if (found < 0 || meta_pull_rule_count(tx, &n, err) < 0)
        return -1;
    if (found == 1 && (old.is_counted != 0) == is_counted)
        return 0;
    if (found == 0 && n >= META_PULL_RULES_MAX)
        return err_set(err, ERR_TOO_MANY, "there are %d such rules already", META_PULL_RULES_MAX);
    if (meta_pull_rule_put(tx, prefix, is_counted, err) < 0 ||
        tell(tx, actor, prefix, found == 1 ? word_of(old.is_counted != 0) : STR_NULL,
             word_of(is_counted), err) < 0)
        return -1;
    return commit(&tx, err);
}

int work_pull_rule_remove(struct work *work, const struct meta_actor *actor, struct str prefix,
                          struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_pull_rule          old;
    int64_t                        n;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "remove pull rule", &tx, err) < 0)
        return -1;
    int found = meta_pull_rule_find(tx, arena, prefix, &old, err);
    if (found < 0 || meta_pull_rule_remove(tx, prefix, &n, err) < 0)
        return -1;
    if (found == 0 || n == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_RULE", prefix,
                            "no rule about pulls at this prefix");
    if (tell(tx, actor, prefix, word_of(old.is_counted != 0), STR_NULL, err) < 0)
        return -1;
    return commit(&tx, err);
}

int work_pull_rule_list(struct work *work, struct arena *arena, struct str prefix,
                        struct meta_pull_rule **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_pull_rule       *rules;
    size_t                       n, kept = 0;

    if (db_begin(work->db, DB_LOOK, "list pull rules", &tx, err) < 0 ||
        meta_pull_rule_list(tx, arena, &rules, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (auth_is_at_or_below(rules[i].path, prefix) ||
            auth_is_at_or_below(prefix, rules[i].path))
            rules[kept++] = rules[i];
    }
    *out   = rules;
    *n_out = kept;
    return 0;
}

int work_pull_days(struct work *work, struct arena *arena, int64_t repo_id, struct str digest,
                   const struct meta_pull_day *after, size_t n_max, struct meta_pull_day **out,
                   size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "list pulls", &tx, err) < 0)
        return -1;
    return meta_pull_day_page(tx, arena, digest, repo_id, after, n_max, out, n_out, err);
}

int work_pull_days_expire(struct work *work,
                          int (*guard)(void *context, struct db_tx *tx, struct err *err),
                          void *context, int64_t *out_n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "forget old pulls", &tx, err) < 0 ||
        guard(context, tx, err) < 0 ||
        meta_pull_day_expire(tx, db_now(tx) / DAY_US - WORK_PULL_DAYS, EXPIRE_BATCH, out_n, err) <
            0)
        return -1;
    return db_commit(&tx, err);
}
