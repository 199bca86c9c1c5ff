/* work/quota.c: quotas made, changed, taken away and asked about. */
#include "work/quota.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "io/clock.h"
#include "meta/registry.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/quota_private.h"
#include "work/quota_tend.h"

enum { TOLD_MAX = 1024, TRIES = 5 };

#define SECOND_US INT64_C(1000000)
#define WAIT_US (5 * SECOND_US)
#define LOOK_AGAIN_US (100 * 1000)

static struct str print(struct arena *arena, const struct meta_quota *quota)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    if (quota->limit.bytes != META_QUOTA_NONE)
        json_write_int_at(&w, "bytes", quota->limit.bytes);
    if (quota->limit.tags != META_QUOTA_NONE)
        json_write_int_at(&w, "tags", quota->limit.tags);
    json_write_int_at(&w, "warnPercent", quota->warn_percent);
    json_write_end(&w);
    return buf_view(&text);
}

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type, struct str path,
                struct str before, struct str after, struct err *err)
{
    struct meta_event event = { .type        = type,
                                .path        = path.n > 0 ? path : STR_NULL,
                                .object_kind = "quota",
                                .object_name = path,
                                .before      = before,
                                .after       = after };

    return meta_event_add(tx, actor, &event, err);
}

static int unknown(struct str path, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_QUOTA", path, "no quota stands there");
}

static int check(const struct meta_quota *wanted, struct err *err)
{
    if (wanted->limit.bytes < META_QUOTA_NONE)
        return work_bad_field("bytes", "is not negative", err);
    if (wanted->limit.tags < META_QUOTA_NONE)
        return work_bad_field("tags", "is not negative", err);
    if (wanted->limit.bytes == META_QUOTA_NONE && wanted->limit.tags == META_QUOTA_NONE)
        return work_bad_field("bytes", "or tags must say a limit", err);
    if (wanted->warn_percent < 1 || wanted->warn_percent > 100)
        return work_bad_field("warnPercent", "is 1 to 100", err);
    return 0;
}

/* -- put ---------------------------------------------------------------------------------------------- */

static int change(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                  const struct meta_quota *wanted, struct meta_quota *row, struct err *err)
{
    struct str before = print(arena, row);

    row->limit        = wanted->limit;
    row->warn_percent = wanted->warn_percent;
    if (meta_quota_alone(tx, row->id, err) < 0 || meta_quota_update(tx, row, err) < 0 ||
        tell(tx, actor, "QUOTA_CHANGED", row->path, before, print(arena, row), err) < 0)
        return -1;
    return quota_rebase(tx, arena, row->path, err);
}

static int make(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                const struct meta_quota *wanted, struct err *err)
{
    int64_t id, version, n;

    if (meta_quota_number(tx, &n, err) < 0)
        return -1;
    if (n >= META_QUOTAS_MAX)
        return err_set(err, ERR_TOO_MANY, "there are %d quotas already", META_QUOTAS_MAX);
    if (meta_quota_add(tx, wanted, actor->account_id, &id, &version, err) < 0)
        return -1;
    return tell(tx, actor, "QUOTA_CREATED", wanted->path, STR_NULL, print(arena, wanted), err);
}

/* Managers of quotas come one after the other. */
static int write(struct work *work, struct arena *arena, const struct meta_actor *actor,
                 const struct meta_quota *wanted, bool *out_is_new, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_quota            row;

    if (db_begin(work->db, DB_WRITE, "put quota", &tx, err) < 0 || meta_registry_lock(tx, err) < 0)
        return -1;
    int found = meta_quota_find(tx, arena, wanted->path, &row, err);
    if (found < 0 || (found == 0 ? make(tx, arena, actor, wanted, err)
                                 : change(tx, arena, actor, wanted, &row, err)) < 0)
        return -1;
    *out_is_new = found == 0;
    if (failpoint(FP_QUOTA_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_QUOTA_CHANGED, err);
}

static void pause_for(int64_t us)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  never;

    clock_cond_init(&never);
    pthread_mutex_lock(&lock);
    clock_cond_wait(&never, &lock, us);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
    pthread_mutex_destroy(&lock);
}

/* What takes longer than the wait is done by the job. */
static int count_soon(struct work *work, struct arena *arena, struct str path, struct err *err)
{
    int64_t deadline = clock_monotonic_us() + WAIT_US;

    for (;;) {
        int counted =
            work_quota_refresh(work, err) < 0 ? -1 : quota_count(work, arena, path, NULL, err);

        if (counted != 0 || clock_monotonic_us() > deadline)
            return counted < 0 ? -1 : 0;
        pause_for(LOOK_AGAIN_US);
    }
}

int work_quota_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   const struct meta_quota *wanted, struct meta_quota *out, bool *out_is_new,
                   struct err *err)
{
    if (work_may_write(work, err) < 0 || check(wanted, err) < 0 ||
        write(work, arena, actor, wanted, out_is_new, err) < 0)
        return -1;
    if (*out_is_new && count_soon(work, arena, wanted->path, err) < 0)
        return err_wrap(err, "the quota is there, and not counted yet");
    return work_quota_get(work, arena, wanted->path, out, err);
}

int work_quota_remove(struct work *work, const struct meta_actor *actor, struct str path,
                      struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_quota              row;
    int64_t                        version;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "remove quota", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0)
        return -1;
    int found = meta_quota_find(tx, arena, path, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(path, err);
    if (meta_quota_remove(tx, row.id, &version, err) < 0 ||
        tell(tx, actor, "QUOTA_DELETED", path, print(arena, &row), STR_NULL, err) < 0 ||
        failpoint(FP_QUOTA_WRITTEN, err) < 0 || db_commit(&tx, err) < 0 ||
        failpoint(FP_QUOTA_CHANGED, err) < 0)
        return -1;
    return work_quota_refresh(work, err);
}

/* -- questions ---------------------------------------------------------------------------------------- */

int work_quota_get(struct work *work, struct arena *arena, struct str path, struct meta_quota *out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "find quota", &tx, err) < 0)
        return -1;
    int found = meta_quota_find(tx, arena, path, out, err);
    return found == 0 ? unknown(path, err) : found < 0 ? -1 : 0;
}

int work_quota_over(struct work *work, struct arena *arena, struct str path,
                    struct meta_quota **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx     *tx  = NULL;
    AUTO(quota_end) struct quota_use use = { 0 };
    int64_t                          ids[QUOTA_LEVELS_MAX];

    if (work_quota_refresh(work, err) < 0 || quota_begin(work, path, &use, err) < 0 ||
        db_begin(work->db, DB_READ, "quotas of a path", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < use.n; i++)
        ids[i] = use.over[i]->id;
    return meta_quota_look(tx, arena, ids, use.n, out, n_out, err);
}

int work_quota_usage(struct work *work, struct str prefix, struct meta_quota_sum *out,
                     struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_quota_count        count;

    if (db_begin(work->db, DB_READ, "usage of a prefix", &tx, err) < 0 ||
        meta_quota_count(tx, arena, 0, prefix, &count, err) < 0)
        return -1;
    *out = count.sum;
    return 0;
}

int work_quota_alarms(struct work *work, struct arena *arena, struct meta_quota_alarms *out,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "alarms of quotas", &tx, err) < 0)
        return -1;
    return meta_quota_alarms(tx, arena, out, err);
}

int work_quota_recount(struct work *work, struct str path, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    int                            counted = 0;

    for (int i = 0; i < TRIES && counted == 0; i++)
        counted = quota_recount(work, arena, path, NULL, err);
    return counted;
}
