/* work/settings.h: the settings of the registry changed. */
#ifndef WORK_SETTINGS_H
#define WORK_SETTINGS_H

#include <stddef.h>

#include "base/str.h"

struct db_tx;
struct err;
struct meta_actor;
struct work;

/* Key and value as the table of settings (conf/conf.h) has checked and printed them. */
struct work_setting {
    struct str key;
    struct str value;
    struct str standard; /* what is in force as long as nobody has set it */
};

/* All of them or none, in one transaction; each that is not so already has its event and its record, with the value
 * before and after. In force on a node when it has looked (within 5 s). */
int work_settings_put(struct work *work, const struct meta_actor *actor,
                      const struct work_setting *settings, size_t n, struct err *err);

/* The same for a job: `guard` comes first in the transaction (job_guard); when it fails nothing is changed. */
int work_settings_put_guarded(struct work *work,
                              int (*guard)(void *context, struct db_tx *tx, struct err *err),
                              void *context, const struct meta_actor *actor,
                              const struct work_setting *settings, size_t n, struct err *err);

#endif
