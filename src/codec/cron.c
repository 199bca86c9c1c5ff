/* codec/cron.c: schedules: read into sets of values, and the next time that is in all of them. */
#include "codec/cron.h"

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

#define SECOND_US INT64_C(1000000)

/* The calendar repeats after 400 years; a date that does not come in that time never comes. */
enum { YEARS_MAX = 400, N_FIELDS = 6, NAME_N = 3 };

/* clang-format off */
static const char *const month_names[]   = { "jan", "feb", "mar", "apr", "may", "jun",
                                             "jul", "aug", "sep", "oct", "nov", "dec" };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static const struct field {
    const char        *name;
    int                low, high;
    const char *const *names; /* of low, low + 1 … */
    size_t             n_names;
} fields[N_FIELDS] = {
    { .name = "second",           .low = 0, .high = 59 },
    { .name = "minute",           .low = 0, .high = 59 },
    { .name = "hour",             .low = 0, .high = 23 },
    { .name = "day of the month", .low = 1, .high = 31 },
    { .name = "month",            .low = 1, .high = 12, .names = month_names,   .n_names = ARRAY_LEN(month_names) },
    { .name = "day of the week",  .low = 0, .high = 7,  .names = weekday_names, .n_names = ARRAY_LEN(weekday_names) },
};

static const struct { const char *word, *means; } words[] = {
    { "@yearly",   "0 0 0 1 1 *" },
    { "@annually", "0 0 0 1 1 *" },
    { "@monthly",  "0 0 0 1 * *" },
    { "@weekly",   "0 0 0 * * 0" },
    { "@daily",    "0 0 0 * * *" },
    { "@midnight", "0 0 0 * * *" },
    { "@hourly",   "0 0 * * * *" },
};
/* clang-format on */

/* -- reading ------------------------------------------------------------------------------------------ */

/* What lies before the separator; the rest stays in *text, the null view when there was no separator. */
static struct str cut(struct str *text, char separator)
{
    ptrdiff_t  at   = str_find(*text, separator);
    struct str head = at < 0 ? *text : str_sub(*text, 0, (size_t)at);

    *text = at < 0 ? STR_NULL : str_from_index(*text, (size_t)at + 1);
    return head;
}

static int refuse(const struct field *field, struct str text, struct err *err)
{
    return err_set(err, ERR_INVALID, "schedule: \"" STR_FMT "\" is no %s (%d to %d)",
                   STR_ARGS(text), field->name, field->low, field->high);
}

static int read_value(const struct field *field, struct str text, int *out, struct err *err)
{
    int value = 0;

    for (size_t i = 0; i < field->n_names; i++) {
        if (text.n == NAME_N && str_eq_nocase(text, str_from(field->names[i]))) {
            *out = field->low + (int)i;
            return 0;
        }
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i == 2)
            return refuse(field, text, err);
        value = value * 10 + (text.p[i] - '0');
    }
    if (text.n == 0 || value < field->low || value > field->high)
        return refuse(field, text, err);
    *out = value;
    return 0;
}

static int read_step(const struct field *field, struct str text, int *out, struct err *err)
{
    struct field steps = { .name = field->name, .low = 1, .high = field->high };

    if (read_value(&steps, text, out, err) < 0)
        return err_wrap(err, "the step of the %s", field->name);
    return 0;
}

/* "5", "8-18", "*", each with "/step". */
static int read_range(const struct field *field, struct str text, uint64_t *set, struct err *err)
{
    struct str rest   = text;
    struct str range  = cut(&rest, '/');
    bool       is_all = str_is(range, "*") || str_is(range, "?");
    int        low = field->low, high = field->high, step = 1;

    if (rest.p != NULL && read_step(field, rest, &step, err) < 0)
        return -1;
    if (!is_all) {
        struct str last  = range;
        struct str first = cut(&last, '-');

        if (read_value(field, first, &low, err) < 0 ||
            (last.p != NULL && read_value(field, last, &high, err) < 0))
            return -1;
        if (last.p == NULL && rest.p == NULL)
            high = low;
        if (low > high)
            return err_set(err, ERR_INVALID,
                           "schedule: the range \"" STR_FMT "\" of the %s is upside down",
                           STR_ARGS(range), field->name);
    }
    for (int value = low; value <= high; value += step)
        *set |= UINT64_C(1) << value;
    return 0;
}

static int read_field(const struct field *field, struct str text, uint64_t *out, struct err *err)
{
    *out = 0;
    while (text.p != NULL) {
        if (read_range(field, cut(&text, ','), out, err) < 0)
            return -1;
    }
    return 0;
}

static int read_every(struct str text, struct cron *out, struct err *err)
{
    if (text_duration_parse(str_trim(text), &out->every_us, err) < 0)
        return err_wrap(err, "schedule: @every");
    if (out->every_us < SECOND_US)
        return err_set(err, ERR_INVALID, "schedule: @every wants a second at least");
    return 0;
}

static int split(struct str text, struct str parts[N_FIELDS], struct err *err)
{
    int n = 0;

    while (text.p != NULL) {
        struct str part = cut(&text, ' ');

        if (part.n == 0)
            continue;
        if (n == N_FIELDS)
            return err_set(err, ERR_INVALID, "schedule: more than six fields");
        parts[n++] = part;
    }
    if (n < N_FIELDS)
        return err_set(err, ERR_INVALID,
                       "schedule: %d of six fields (second, minute, hour, day, month, weekday)", n);
    return 0;
}

int cron_parse(struct str text, struct cron *out, struct err *err)
{
    struct str parts[N_FIELDS];

    *out = (struct cron){ 0 };
    text = str_trim(text);
    if (text.n > CRON_TEXT_MAX)
        return err_set(err, ERR_INVALID, "schedule: longer than %d characters", CRON_TEXT_MAX);
    if (str_starts(text, STR("@every ")))
        return read_every(str_from_index(text, strlen("@every ")), out, err);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(text, words[i].word))
            text = str_from(words[i].means);
    }
    if (str_starts(text, STR("@")))
        return err_set(err, ERR_INVALID, "schedule: \"" STR_FMT "\" is no word for one",
                       STR_ARGS(text));

    if (split(text, parts, err) < 0)
        return -1;
    uint64_t *sets[N_FIELDS] = { &out->seconds, &out->minutes, &out->hours,
                                 &out->days,    &out->months,  &out->weekdays };
    for (int i = 0; i < N_FIELDS; i++) {
        if (read_field(&fields[i], parts[i], sets[i], err) < 0)
            return -1;
    }
    if ((out->weekdays & UINT64_C(1) << 7) != 0)
        out->weekdays |= 1;
    out->any_day     = parts[3].p[0] == '*' || parts[3].p[0] == '?';
    out->any_weekday = parts[5].p[0] == '*' || parts[5].p[0] == '?';
    if (cron_next(out, 0) == INT64_MAX)
        return err_set(err, ERR_INVALID, "schedule: no year has such a day");
    return 0;
}

/* -- the next time ------------------------------------------------------------------------------------ */

static bool has(uint64_t set, int value)
{
    return (set >> value & 1) != 0;
}

static bool is_day(const struct cron *cron, const struct tm *at)
{
    bool fits_day     = has(cron->days, at->tm_mday);
    bool fits_weekday = has(cron->weekdays, at->tm_wday);

    return cron->any_day || cron->any_weekday ? fits_day && fits_weekday : fits_day || fits_weekday;
}

/* timegm(3) carries what overflows (the 32nd) and finds the day of the week. */
static void settle(struct tm *at)
{
    time_t seconds = timegm(at);

    gmtime_r(&seconds, at);
}

/* The largest part that does not fit moves on by one, and what is below it begins anew. False: all fit. */
static bool move_on(const struct cron *cron, struct tm *at)
{
    if (!has(cron->months, at->tm_mon + 1)) {
        at->tm_mon++;
        at->tm_mday = 1;
        at->tm_hour = at->tm_min = at->tm_sec = 0;
    } else if (!is_day(cron, at)) {
        at->tm_mday++;
        at->tm_hour = at->tm_min = at->tm_sec = 0;
    } else if (!has(cron->hours, at->tm_hour)) {
        at->tm_hour++;
        at->tm_min = at->tm_sec = 0;
    } else if (!has(cron->minutes, at->tm_min)) {
        at->tm_min++;
        at->tm_sec = 0;
    } else if (!has(cron->seconds, at->tm_sec)) {
        at->tm_sec++;
    } else {
        return false;
    }
    settle(at);
    return true;
}

int64_t cron_next(const struct cron *cron, int64_t after_us)
{
    time_t    second = (time_t)(after_us / SECOND_US) + 1;
    struct tm at;

    if (cron->every_us != 0)
        return after_us + cron->every_us;
    gmtime_r(&second, &at);
    int last_year = at.tm_year + YEARS_MAX;
    while (move_on(cron, &at)) {
        if (at.tm_year > last_year)
            return INT64_MAX;
    }
    return (int64_t)timegm(&at) * SECOND_US;
}
