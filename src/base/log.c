/* base/log.c: one line an event, handed on whole so that lines of threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log_out.h"

/* The compiler would clear these 12 KiB for each line; only what was put there is read. */
#define LEFT_AS_IS __attribute__((uninitialized))

enum { LINE_MAX_SIZE = 8192, FIELD_MAX = 1024, DEPTH_MAX = 8 };

static struct log_settings in_force = { .level = LOG_INFO };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

struct line {
    size_t n;
    bool   is_full; /* something did not fit, and nothing was taken since */
    char   text[LINE_MAX_SIZE];
};

/* The sentence, escaped, and what stands before it always fit. */
_Static_assert(6 * FIELD_MAX + 512 < LINE_MAX_SIZE, "room for fields behind the sentence");

void log_init(const struct log_settings *settings)
{
    in_force = *settings;
}

bool log_wants(enum log_level level)
{
    return level >= in_force.level;
}

/* Whole or not at all; the brace and the line feed at the end always have their room. */
static void put(struct line *line, const char *bytes, size_t size)
{
    line->is_full |= size > sizeof(line->text) - 2 - line->n;
    if (line->is_full)
        return;
    memcpy(line->text + line->n, bytes, size);
    line->n += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* JSON string syntax serves both forms: a line stays one line, and a terminal gets no escape bytes. */
static void put_escaped(struct line *line, struct str s)
{
    size_t n = s.n < FIELD_MAX ? s.n : FIELD_MAX;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char          escape[8];

        if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            put(line, escape, 2);
        } else if (c < 0x20 || c >= 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            put_text(line, escape);
        } else {
            put(line, (const char *)&c, 1);
        }
    }
}

static void put_json_field(struct line *line, const struct log_field *field)
{
    put_text(line, ",\"");
    put_text(line, field->key);
    put_text(line, "\":");
    if (field->text.p == NULL) {
        char number[24];
        snprintf(number, sizeof(number), "%lld", (long long)field->number);
        put_text(line, number);
        return;
    }
    put_text(line, "\"");
    put_escaped(line, field->text);
    put_text(line, "\"");
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == 0x7f)
            return false;
    }
    return s.n > 0;
}

static void put_text_field(struct line *line, const struct log_field *field)
{
    put_text(line, " ");
    put_text(line, field->key);
    put_text(line, "=");
    if (field->text.p == NULL) {
        char number[24];
        snprintf(number, sizeof(number), "%lld", (long long)field->number);
        put_text(line, number);
        return;
    }
    bool plain = is_plain(field->text);
    if (!plain)
        put_text(line, "\"");
    put_escaped(line, field->text);
    if (!plain)
        put_text(line, "\"");
}

/* A field that does not fit any more is left out: half of one would spoil the line for its reader. */
static void put_fields(struct line *line, const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = line->n;

        if (in_force.json)
            put_json_field(line, &fields[i]);
        else
            put_text_field(line, &fields[i]);
        if (line->is_full)
            line->n = before;
        line->is_full = false;
    }
}

static void put_node(struct line *line, const struct log_node *node, int depth)
{
    if (node == NULL || depth == DEPTH_MAX)
        return;
    put_node(line, node->parent, depth + 1);
    put_fields(line, node->fields, node->n_fields);
}

/* Up to the seconds the text is made once a second and thread. */
static void put_time(struct line *line)
{
    static _Thread_local char   second[32];
    static _Thread_local time_t made_for = -1;
    struct timespec             now;
    struct tm                   utc;
    char                        part[8];

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != made_for) {
        gmtime_r(&now.tv_sec, &utc);
        strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &utc);
        made_for = now.tv_sec;
    }
    snprintf(part, sizeof(part), ".%03ldZ", now.tv_nsec / 1000000 % 1000);
    put_text(line, second);
    put_text(line, part);
}

void log_event(enum log_level level, const struct log_node *node, const char *event,
               const struct log_field *fields, size_t n_fields, const char *format, ...)
{
    char             sentence[ERR_TEXT_MAX + FIELD_MAX] LEFT_AS_IS;
    struct line line LEFT_AS_IS;
    va_list          args;

    if (!log_wants(level))
        return;

    line.n       = 0;
    line.is_full = false;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);

    if (in_force.json) {
        put_text(&line, "{\"time\":\"");
        put_time(&line);
        put_text(&line, "\",\"level\":\"");
        put_text(&line, level_names[level]);
        put_text(&line, "\",\"event\":\"");
        put_text(&line, event);
        put_text(&line, "\",\"message\":\"");
        put_escaped(&line, str_from(sentence));
        put_text(&line, "\"");
    } else {
        put_time(&line);
        put_text(&line, " ");
        put_text(&line, level_names[level]);
        put_text(&line, " ");
        put_text(&line, event);
        put_text(&line, ": ");
        put_escaped(&line, str_from(sentence));
    }
    put_node(&line, node, 0);
    put_fields(&line, fields, n_fields);
    if (in_force.json)
        line.text[line.n++] = '}';
    line.text[line.n++] = '\n';

    log_out_line(line.text, line.n, level < LOG_WARNING);
}
