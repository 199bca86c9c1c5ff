/* work/settings.c: settings of the registry. */
#include "work/settings.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/registry.h"
#include "work/work_private.h"

static int put(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
               const struct work_setting *setting, struct err *err)
{
    struct str before = setting->standard;

    if (meta_setting_get(tx, arena, setting->key, &before, err) < 0)
        return -1;
    if (before.p != NULL && str_eq(before, setting->value))
        return 0;
    struct meta_event event = { .type        = "SETTING_CHANGED",
                                .object_kind = "setting",
                                .object_name = setting->key,
                                .target      = setting->value,
                                .before      = before,
                                .after       = setting->value };
    if (meta_setting_put(tx, setting->key, setting->value, err) < 0)
        return -1;
    return meta_event_add(tx, actor, &event, err);
}

int work_settings_put(struct work *work, const struct meta_actor *actor,
                      const struct work_setting *settings, size_t n, struct err *err)
{
    return work_settings_put_guarded(work, NULL, NULL, actor, settings, n, err);
}

int work_settings_put_guarded(struct work *work,
                              int (*guard)(void *context, struct db_tx *tx, struct err *err),
                              void *context, const struct meta_actor *actor,
                              const struct work_setting *settings, size_t n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (db_begin(work->db, DB_WRITE, "change settings", &tx, err) < 0 ||
        (guard != NULL && guard(context, tx, err) < 0) || meta_registry_lock(tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (put(tx, arena, actor, &settings[i], err) < 0)
            return err_wrap(err, "setting " STR_FMT, STR_ARGS(settings[i].key));
    }
    if (failpoint(FP_SETTING_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_SETTING_CHANGED, err);
}
