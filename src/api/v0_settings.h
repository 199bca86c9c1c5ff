/* api/v0_settings.h: what the routes share that change settings of the registry in DTR's words. */
#ifndef API_V0_SETTINGS_H
#define API_V0_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "work/settings.h"

struct api_call;
struct err;

/* ERR_INVALID, code INVALID_SETTINGS, about the field: what to do instead. */
int api_v0_refuse_setting(const char *field, const char *instead, struct err *err);

/* A setting that is a switch. */
struct work_setting api_v0_switch(enum conf_id id, bool is_on_now, bool is_wanted);

/* Changes them and puts them in force here. */
int api_v0_put_settings(struct api_call *call, const struct work_setting *changes, size_t n,
                        struct err *err);

#endif
