/* work/fsck_quota.c: what quotas say is in use, against what the rows add up to, both as of one moment. */
#include "base/err.h"
#include "base/mem.h"
#include "meta/quota.h"
#include "work/fsck_private.h"
#include "work/quota.h"
#include "work/quota_tend.h"

enum { PAGE = 200 };

static int read_both(struct fsck_run *run, struct arena *arena, struct str path,
                     struct meta_quota *quota, struct meta_quota_sum *rows, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_quota_count      count;

    if (db_begin(run->work->db, DB_READ, "check a quota", &tx, err) < 0)
        return -1;
    int found = meta_quota_find(tx, arena, path, quota, err);
    if (found == 1 && meta_quota_count(tx, arena, quota->id, path, &count, err) < 0)
        return -1;
    if (found == 1)
        *rows = count.sum;
    return found;
}

static int record_repair(void *context, struct db_tx *tx, struct err *err)
{
    return fsck_record(tx, context, err);
}

static int check_one(struct fsck_run *run, struct arena *arena, struct str path, struct err *err)
{
    struct fsck_tale       tale   = { .kind = "quota-sum", .object = path };
    struct work_quota_tend repair = { .guard = record_repair, .context = &tale };
    struct meta_quota      quota;
    struct meta_quota_sum  rows  = { 0 };
    int                    found = read_both(run, arena, path, &quota, &rows, err);

    if (found < 1 || quota.is_counted == 0)
        return found < 0 ? -1 : 0;
    if (quota.used.bytes == rows.bytes && quota.used.tags == rows.tags)
        return 0;
    if (run->want->repairs) {
        int repaired = quota_recount(run->work, arena, path, &repair, err);

        if (repaired < 0)
            return -1;
        tale.is_repaired = repaired == 1;
    }
    return fsck_tell(run, &tale, err,
                     "the quota says that %lld bytes and %lld tags are in use, the rows add up to "
                     "%lld and %lld",
                     (long long)quota.used.bytes, (long long)quota.used.tags, (long long)rows.bytes,
                     (long long)rows.tags);
}

int fsck_quotas(struct fsck_run *run, struct err *err)
{
    AUTO(arena_free) struct arena *places = arena_new();
    struct str                     after  = STR_NULL;
    int64_t                        n_done = 0;
    size_t                         n;

    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_quota             *list;

        if (work_quota_page(run->work, arena, STR(""), after, PAGE, &list, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (fsck_progress(run, "quotas", ++n_done, err) < 0 ||
                check_one(run, arena, list[i].path, err) < 0)
                return -1;
        }
        if (n > 0)
            after = str_copy(places, list[n - 1].path);
    } while (n == PAGE);
    return 0;
}
