/* api/v0_jobs.h: what bodies and answers about jobs and about crons have in common. */
#ifndef API_V0_JOBS_H
#define API_V0_JOBS_H

#include "codec/json.h"

struct arena;
struct err;

/* What may be said of a run, in DTR's words; spans are texts ("1h30m"), nothing for none. */
struct api_v0_terms {
    struct str          action;
    struct json_numbers capacity;
    struct str          deadline;
    struct json_map     parameters;
    int64_t             retries;
    struct str          schedule; /* of a cron */
    struct str          scheduled_at;
    struct str          stop_timeout;
};

/* ERR_INVALID, code INVALID_PARAMETERS, about the field. */
int api_v0_span_read(const char *field, struct str text, int64_t *out_us, struct err *err);

/* 0: "". */
struct str api_v0_span(struct arena *arena, int64_t us);

/* Of a row: JSON texts as the maps of an answer; what cannot be read, of a newer node, is shown as none. */
struct json_map     api_v0_parameters(struct arena *arena, struct str json);
struct json_numbers api_v0_numbers(struct arena *arena, struct str json);

#endif
