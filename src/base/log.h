/* base/log.h: what happened, told once: text for people, fields for machines, from one call.
 *
 * An event node carries fields and a parent, so that whoever works for a request hands its node on and
 * every line carries the request's id, route and user. Nodes live on the stack or in an arena of those
 * who use them and are read only here. The floors base to db do not log, they return errors.
 * One line an event on standard error: control bytes are escaped, each field is cut at 1 KiB and left out
 * where the line of 8 KiB is full, and a secret has no way in because nothing here takes one. Any thread
 * may log. How lines get out: base/log_out.h. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
    const char *key;
    struct str  text; /* the null view: the field is a number */
    int64_t     number;
};

struct log_node {
    const struct log_node  *parent;
    const struct log_field *fields;
    size_t                  n_fields;
};

/* clang-format off */
#define LOG_S(k, v) { .key = (k), .text = (v) }
#define LOG_T(k, v) { .key = (k), .text = str_from(v) }
#define LOG_I(k, v) { .key = (k), .number = (v) }

/* For the two arguments of log_event. */
#define LOG_FIELDS(...)                                           \
    (const struct log_field[]){ __VA_ARGS__ },                    \
    sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)
#define LOG_NO_FIELDS NULL, 0
/* clang-format on */

struct log_settings {
    enum log_level level;
    bool           json;
};

/* Once, before the second thread starts. */
void log_init(const struct log_settings *settings);

bool log_wants(enum log_level level);

/* event: a stable dotted word ("request.done", "tls.reloaded"). The format makes the sentence, which
 * names the thing and the reason. */
void log_event(enum log_level level, const struct log_node *node, const char *event,
               const struct log_field *fields, size_t n_fields, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
