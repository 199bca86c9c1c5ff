/* work/objects.c: bytes whose wait is over leave the storage. No transaction is open meanwhile; a repeated or a late
 * removal hits nothing, for no key is used twice. */
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/collect.h"
#include "meta/object.h"
#include "work/collect_private.h"

#define AGAIN_US (300 * INT64_C(1000000))

enum { OBJECTS = 64 };

/* What a row still names is never removed, whatever the list says. */
static int is_in_use(struct collect_run *run, struct str key, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(run->work->db, DB_READ, "is an object in use", &tx, err) < 0)
        return -1;
    int is_used = meta_doomed_is_used(tx, key, err);
    if (is_used == 1)
        log_event(LOG_ERROR, NULL, "collect.object-in-use", LOG_FIELDS(LOG_S("key", key)),
                  "it is listed for removal, but a blob is stored in it; it stays");
    return is_used;
}

/* 1 it is gone, 0 it is to be tried again, -1 the database does not answer. */
static int remove_object(struct collect_run *run, const struct meta_doomed *object, struct err *err)
{
    struct err why;
    int        is_used = is_in_use(run, object->key, err);

    if (is_used != 0)
        return is_used < 0 ? -1 : 0;
    if (blob_remove(run->work->store, object->key, &why) < 0) {
        log_event(LOG_WARNING, NULL, "collect.object-stays", LOG_FIELDS(LOG_S("key", object->key)),
                  "%s", why.text);
        return 0;
    }
    return failpoint(FP_REAP_OBJECT_REMOVED, err) < 0 ? -1 : 1;
}

static int list_due(struct collect_run *run, struct arena *arena, struct meta_doomed **out,
                    size_t *n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    *n = 0;
    if (collect_begin(run, arena, &tx, err) < 0)
        return -1;
    return meta_doomed_due(tx, arena, db_now(tx), OBJECTS, out, n, err);
}

static int record(struct collect_run *run, const struct meta_doomed *objects, const bool *is_gone,
                  size_t n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (db_begin(run->work->db, DB_WRITE, "objects are gone", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int done = is_gone[i] ? meta_doomed_remove(tx, objects[i].key, err)
                              : meta_doomed_put_off(tx, objects[i].key, db_now(tx) + AGAIN_US, err);

        if (done < 0)
            return -1;
    }
    if (db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_REAP_OBJECT_DONE, err);
}

static void tell(struct collect_run *run, const struct meta_doomed *object, bool is_gone)
{
    const struct work_collect *collect = run->collect;
    struct work_review         said    = { .kind = STR("object"),
                                           .id   = object->key,
                                           .goes = is_gone,
                                           .reason =
                                    is_gone ? "its wait is over" : "the storage did not remove it",
                                           .bytes = is_gone ? object->size : 0 };

    if (is_gone) {
        run->counts.n_objects++;
        run->counts.object_bytes += object->size;
    } else {
        run->counts.n_stuck++;
    }
    if (collect->tell != NULL)
        collect->tell(collect->context, &said);
}

static int free_some(struct collect_run *run, size_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_doomed            *objects;
    bool                           is_gone[OBJECTS];
    size_t                         n_done = 0;

    if (list_due(run, arena, &objects, out_n, err) < 0)
        return -1;
    while (n_done < *out_n && !collect_is_over(run)) {
        int removed = remove_object(run, &objects[n_done], err);

        if (removed < 0)
            return -1;
        is_gone[n_done++] = removed == 1;
    }
    if (n_done == 0)
        return 0;
    if (record(run, objects, is_gone, n_done, err) < 0)
        return -1;
    for (size_t i = 0; i < n_done; i++)
        tell(run, &objects[i], is_gone[i]);
    return 0;
}

int collect_objects(struct collect_run *run, struct err *err)
{
    size_t n = 1;

    while (n > 0 && !collect_is_over(run)) {
        if (free_some(run, &n, err) < 0)
            return run->counts.brake != NULL ? 0 : -1;
    }
    return 0;
}
