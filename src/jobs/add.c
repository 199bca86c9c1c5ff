/* jobs/add.c: what a job must be like to be taken into the queue. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/cron.h"
#include "codec/json_write.h"
#include "db/db.h"
#include "jobs/jobs_private.h"

enum {
    PARAMETERS_MAX = 64 * 1024,          /* as JSON */
    PRINTED_MAX    = 8 * PARAMETERS_MAX, /* what fits a body fits this, however it is escaped */
    RETRIES_MAX    = 100,
    NAME_MAX       = 64,
    CAPACITY_MAX   = 1000,
};

static int bad(const char *field, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field), "%s: %s", field,
                        rule);
}

static void write_pair(struct json_write *w, const struct json_pair *pair)
{
    json_write_key_str(w, pair->key);
    json_write_str(w, pair->value);
}

/* The object as a whole is the map: it is read as the one member of a wrapper, so that the one reader reads it. */
struct wrapper {
    struct json_map     map;
    struct json_numbers numbers;
};

/* clang-format off */
static const struct json_field wrapper_fields[] = {
    { .name = "parameters",  .kind = JSON_MAP,     .offset = JSON_AT(struct wrapper, map, struct json_map), .max = JOBS_PARAMETERS },
    { .name = "capacityMap", .kind = JSON_NUMBERS, .offset = JSON_AT(struct wrapper, numbers, struct json_numbers), .max = JOBS_PARAMETERS },
};
static const struct json_table wrapper_table = {
    .name = "parameters", .size = sizeof(struct wrapper), .fields = wrapper_fields, .n_fields = ARRAY_LEN(wrapper_fields),
};
/* clang-format on */

static int read_wrapped(struct arena *arena, const char *member, struct str json,
                        struct wrapper *out, struct err *err)
{
    struct str text = str_from(mem_printf(arena, "{\"%s\":" STR_FMT "}", member, STR_ARGS(json)));

    return json_read(arena, text, &json_limits_default, &wrapper_table, out, err);
}

int jobs_parameters_read(struct arena *arena, struct str json, struct json_map *out,
                         struct err *err)
{
    struct wrapper wrapper = { 0 };

    if (read_wrapped(arena, "parameters", json, &wrapper, err) < 0)
        return -1;
    *out = wrapper.map;
    return 0;
}

int jobs_numbers_read(struct arena *arena, struct str json, struct json_numbers *out,
                      struct err *err)
{
    struct wrapper wrapper = { 0 };

    if (read_wrapped(arena, "capacityMap", json, &wrapper, err) < 0)
        return -1;
    *out = wrapper.numbers;
    return 0;
}

struct str jobs_parameters_print(struct arena *arena, const struct json_map *map)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, PRINTED_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    for (size_t i = 0; i < map->n; i++)
        write_pair(&w, &map->pairs[i]);
    json_write_end(&w);
    return buf_view(&text);
}

struct str jobs_numbers_print(struct arena *arena, const struct json_numbers *numbers)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, PRINTED_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    for (size_t i = 0; i < numbers->n; i++) {
        json_write_key_str(&w, numbers->pairs[i].key);
        json_write_int(&w, numbers->pairs[i].value);
    }
    json_write_end(&w);
    return buf_view(&text);
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
    for (size_t i = 0; i < own->n; i++)
        write_pair(&w, &own->pairs[i]);
    for (size_t i = 0; i < defaults->n; i++) {
        if (find(own, defaults->pairs[i].key) == NULL)
            write_pair(&w, &defaults->pairs[i]);
    }
    json_write_end(&w);
    if (buf_finish(&text, out, err) < 0)
        return bad("parameters", "64 KiB at most", err);
    return 0;
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

/* Of jobs and crons alike. */
struct terms {
    int64_t    deadline_us;
    int64_t    stop_timeout_us;
    int64_t    retries;
    struct str capacity;
};

static bool is_name(struct str name)
{
    bool is_good = name.n > 0 && name.n <= NAME_MAX;

    for (size_t i = 0; is_good && i < name.n; i++) {
        char c  = name.p[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
    }
    return is_good;
}

int jobs_check_numbers(const struct json_numbers *numbers, struct err *err)
{
    if (numbers->n > JOBS_PARAMETERS)
        return bad("capacityMap", "32 names at most", err);
    for (size_t i = 0; i < numbers->n; i++) {
        if (!is_name(numbers->pairs[i].key))
            return bad("capacityMap", "names have 1 to 64 letters, digits, _, - or .", err);
        if (numbers->pairs[i].value < 0 || numbers->pairs[i].value > CAPACITY_MAX)
            return bad("capacityMap", "numbers are 0 to 1000", err);
    }
    return 0;
}

static int check_terms(struct arena *arena, const struct terms *terms, struct err *err)
{
    struct json_numbers numbers = { 0 };

    if (terms->deadline_us < 0)
        return bad("deadline", "is not negative", err);
    if (terms->stop_timeout_us < 0)
        return bad("stopTimeout", "is not negative", err);
    if (terms->retries < 0 || terms->retries > RETRIES_MAX)
        return bad("retries", "0 to 100", err);
    if (terms->capacity.p != NULL && jobs_numbers_read(arena, terms->capacity, &numbers, err) < 0)
        return -1;
    return jobs_check_numbers(&numbers, err);
}

int jobs_check_parameters(struct arena *arena, const struct job_kind *kinds, struct str action,
                          struct str parameters, struct err *err)
{
    const struct job_kind *kind = jobs_kind(kinds, action);
    struct json_map        map  = { 0 };

    if (kind == NULL)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("action"),
                            "action: there is no \"" STR_FMT "\"",
                            STR_ARGS(str_sub(action, 0, NAME_MAX)));
    if (parameters.n > PARAMETERS_MAX)
        return bad("parameters", "64 KiB at most", err);
    if (parameters.p != NULL && jobs_parameters_read(arena, parameters, &map, err) < 0)
        return -1;
    return check_parameters(kind, &map, err);
}

int jobs_check_cron(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
                    struct meta_cron *cron, struct err *err)
{
    struct terms terms = { .deadline_us     = cron->deadline_us,
                           .stop_timeout_us = cron->stop_timeout_us,
                           .retries         = cron->retries,
                           .capacity        = cron->capacity };
    struct cron  times;

    if (jobs_check_parameters(arena, kinds, cron->action, cron->parameters, err) < 0 ||
        check_terms(arena, &terms, err) < 0)
        return -1;
    if (cron->schedule.n == 0)
        return bad("schedule", "is missing: six fields, such as 0 30 3 * * *, or @daily", err);
    if (cron_parse(cron->schedule, &times, err) < 0) {
        struct err why = *err;

        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("schedule"), "%s",
                            why.text);
    }
    cron->next_run = cron_next(&times, db_now(tx));
    return 0;
}

int jobs_add(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
             const struct meta_job *job, struct str *out_uuid, struct err *err)
{
    struct meta_job row   = *job;
    struct json_map own   = { 0 }, defaults;
    struct terms    terms = { .deadline_us     = row.deadline_us,
                              .stop_timeout_us = row.stop_timeout_us,
                              .retries         = row.retries_total,
                              .capacity        = row.capacity };

    if (jobs_check_parameters(arena, kinds, row.action, row.parameters, err) < 0 ||
        check_terms(arena, &terms, err) < 0 ||
        (row.parameters.p != NULL && jobs_parameters_read(arena, row.parameters, &own, err) < 0) ||
        read_defaults(tx, arena, row.action, &defaults, err) < 0 ||
        merge(arena, &own, &defaults, &row.parameters, err) < 0)
        return -1;
    if (row.deadline_us == 0)
        row.deadline_us = jobs_kind(kinds, row.action)->deadline_us;
    return meta_job_add(tx, arena, &row, out_uuid, err);
}

/* -- capacity ----------------------------------------------------------------------------------------- */

static void set_number(struct json_numbers *numbers, struct str key, int64_t value)
{
    size_t at = 0;

    while (at < numbers->n && !str_eq(numbers->pairs[at].key, key))
        at++;
    numbers->pairs[at] = (struct json_number){ .key = key, .value = value };
    numbers->n += at == numbers->n;
}

int jobs_capacity(struct db_tx *tx, struct arena *arena, const struct job_kind *kinds,
                  struct str worker_id, struct json_numbers *out, struct err *err)
{
    struct json_numbers   numbers = { 0 };
    struct meta_capacity *own;
    size_t                n_own, n_kinds = 0;

    if (meta_capacity_list(tx, arena, worker_id, &own, &n_own, err) < 0)
        return -1;
    while (kinds != NULL && kinds[n_kinds].name != NULL)
        n_kinds++;
    numbers.pairs = mem_many(arena, n_kinds + n_own, struct json_number);
    for (size_t i = 0; i < n_kinds; i++)
        set_number(&numbers, str_from(kinds[i].name), kinds[i].capacity);
    for (size_t i = 0; i < n_own; i++)
        set_number(&numbers, own[i].action, own[i].capacity);
    *out = numbers;
    return 0;
}

int job_needs(struct arena *arena, const struct meta_job *row, struct json_numbers *out,
              struct err *err)
{
    struct json_numbers own, needs = { 0 };

    if (jobs_numbers_read(arena, row->capacity, &own, err) < 0)
        return -1;
    needs.pairs = mem_many(arena, own.n + 1, struct json_number);
    set_number(&needs, row->action, 1);
    for (size_t i = 0; i < own.n; i++)
        set_number(&needs, own.pairs[i].key, own.pairs[i].value);
    *out = needs;
    return 0;
}
