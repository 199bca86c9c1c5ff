/* jobs/add.c: what a job must be like to be taken into the queue. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/json_write.h"
#include "jobs/jobs_private.h"

enum { PARAMETERS_MAX = 64 * 1024, RETRIES_MAX = 100 };

/* The object as a whole is the map: it is read as the one member of a wrapper, so that the one reader reads it. */
struct wrapper {
    struct json_map map;
};

/* clang-format off */
static const struct json_field wrapper_fields[] = {
    { .name = "parameters", .kind = JSON_MAP, .offset = JSON_AT(struct wrapper, map, struct json_map), .max = JOBS_PARAMETERS },
};
static const struct json_table wrapper_table = {
    .name = "parameters", .size = sizeof(struct wrapper), .fields = wrapper_fields, .n_fields = ARRAY_LEN(wrapper_fields),
};
/* clang-format on */

int jobs_parameters_read(struct arena *arena, struct str json, struct json_map *out,
                         struct err *err)
{
    struct wrapper wrapper = { 0 };
    struct str text = str_from(mem_printf(arena, "{\"parameters\":" STR_FMT "}", STR_ARGS(json)));

    if (json_read(arena, text, &json_limits_default, &wrapper_table, &wrapper, err) < 0)
        return -1;
    *out = wrapper.map;
    return 0;
}

const struct job_kind *jobs_kind(const struct job_kind *kinds, struct str action)
{
    for (; kinds->name != NULL; kinds++) {
        if (str_is(action, kinds->name))
            return kinds;
    }
    return NULL;
}

static bool takes(const struct job_kind *kind, struct str name)
{
    for (size_t i = 0; kind->parameters != NULL && kind->parameters[i] != NULL; i++) {
        if (str_is(name, kind->parameters[i]))
            return true;
    }
    return false;
}

static const struct json_pair *find(const struct json_map *map, struct str key)
{
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->pairs[i].key, key))
            return &map->pairs[i];
    }
    return NULL;
}

static int check_parameters(const struct job_kind *kind, const struct json_map *map,
                            struct err *err)
{
    for (size_t i = 0; i < map->n; i++) {
        if (!takes(kind, map->pairs[i].key))
            return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("parameters"),
                                "parameters: %s takes no \"" STR_FMT "\"", kind->name,
                                STR_ARGS(map->pairs[i].key));
    }
    return 0;
}

/* The job's own, and of the defaults those that it does not have. */
static int merge(struct arena *arena, const struct json_map *own, const struct json_map *defaults,
                 struct str *out, struct err *err)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, PARAMETERS_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    for (size_t i = 0; i < own->n; i++) {
        json_write_key_str(&w, own->pairs[i].key);
        json_write_str(&w, own->pairs[i].value);
    }
    for (size_t i = 0; i < defaults->n; i++) {
        if (find(own, defaults->pairs[i].key) != NULL)
            continue;
        json_write_key_str(&w, defaults->pairs[i].key);
        json_write_str(&w, defaults->pairs[i].value);
    }
    json_write_end(&w);
    return buf_finish(&text, out, err);
}

static int read_defaults(struct db_tx *tx, struct arena *arena, struct str action,
                         struct json_map *out, struct err *err)
{
    struct meta_action_config config;
    int                       found = meta_action_config_find(tx, arena, action, &config, err);

    *out = (struct json_map){ 0 };
    if (found < 1)
        return found;
    return jobs_parameters_read(arena, config.parameters, out, err);
}

static int check_times(const struct meta_job *job, struct err *err)
{
    if (job->deadline_us < 0 || job->stop_timeout_us < 0)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("deadline"),
                            "deadline and stopTimeout are not negative");
    if (job->retries_total < 0 || job->retries_total > RETRIES_MAX)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("retries"),
                            "retries: 0 to %d", RETRIES_MAX);
    return 0;
}

int jobs_add(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
             const struct meta_job *job, struct str *out_uuid, struct err *err)
{
    const struct job_kind *kind = jobs_kind(kinds, job->action);
    struct meta_job        row  = *job;
    struct json_map        own  = { 0 }, defaults;

    if (kind == NULL)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("action"),
                            "action: there is no \"" STR_FMT "\"", STR_ARGS(job->action));
    if (check_times(job, err) < 0 ||
        (row.parameters.p != NULL && jobs_parameters_read(arena, row.parameters, &own, err) < 0) ||
        check_parameters(kind, &own, err) < 0 ||
        read_defaults(tx, arena, row.action, &defaults, err) < 0 ||
        merge(arena, &own, &defaults, &row.parameters, err) < 0)
        return -1;
    if (row.deadline_us == 0)
        row.deadline_us = kind->deadline_us;
    return meta_job_add(tx, arena, &row, out_uuid, err);
}
