/* cron_test.c: which texts are schedules, and when they are due. The expected times were worked out by hand from
 * the calendar. */
#include "codec/cron.h"

#include <string.h>

#include "check.h"
#include "codec/text.h"

static void check_next(const char *schedule, const char *after, const char *wanted)
{
    struct cron cron;
    struct err  err;
    int64_t     from;
    char        text[TEXT_TIME_MAX];

    CHECK_OK(cron_parse(str_from(schedule), &cron, &err), &err);
    CHECK_OK(text_time_parse(str_from(after), &from, &err), &err);
    text_time_print(cron_next(&cron, from), text);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s after %s: %s, not %s", schedule, after, text, wanted);
}

void test_cron_next_is_after_and_fits_every_field(void **state)
{
    /* clang-format off */
    static const struct { const char *schedule, *after, *wanted; } cases[] = {
        { "57 54 3 * * *",        "2026-11-25T03:54:56Z", "2026-11-25T03:54:57Z" },
        { "57 54 3 * * *",        "2026-11-25T03:54:57Z", "2026-11-26T03:54:57Z" },
        { "0 */15 * * * *",       "2026-11-25T10:07:00Z", "2026-11-25T10:15:00Z" },
        { "0 5/20 * * * ?",       "2026-11-25T10:46:00Z", "2026-11-25T11:05:00Z" },
        { "0 0 1 * * 6",          "2026-11-25T00:00:00Z", "2026-11-28T01:00:00Z" },
        { "0 0 1 * * SUN",        "2026-11-25T00:00:00Z", "2026-11-29T01:00:00Z" },
        { "0 0 1 * * 7",          "2026-11-25T00:00:00Z", "2026-11-29T01:00:00Z" },
        { "0 0 0 31 * *",         "2026-11-25T00:00:00Z", "2026-12-31T00:00:00Z" },
        { "0 0 0 29 2 *",         "2026-11-25T00:00:00Z", "2028-02-29T00:00:00Z" },
        { "0 0 0 13 * fri",       "2026-11-25T00:00:00Z", "2026-11-27T00:00:00Z" },
        { "0 0 12 1,15 jan-mar *", "2026-11-25T00:00:00Z", "2027-01-01T12:00:00Z" },
        { "59 59 23 31 12 *",     "2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z" },
        { "@hourly",              "2026-11-25T23:30:00Z", "2026-11-26T00:00:00Z" },
        { "@weekly",              "2026-11-25T00:00:00Z", "2026-11-29T00:00:00Z" },
        { "@yearly",              "2026-11-25T00:00:00Z", "2027-01-01T00:00:00Z" },
        { "@every 90s",           "2026-11-25T00:00:00Z", "2026-11-25T00:01:30Z" },
        { "  0   0 0 * * *  ",    "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_next(cases[i].schedule, cases[i].after, cases[i].wanted);
}

void test_cron_what_is_no_schedule_names_the_field(void **state)
{
    static const struct {
        const char *text, *about;
    } cases[] = {
        { "", "0 of six" },
        { "* * * * *", "5 of six" },
        { "* * * * * * *", "more than six" },
        { "60 * * * * *", "second" },
        { "* * 24 * * *", "hour" },
        { "* * * 0 * *", "day of the month" },
        { "* * * * 13 *", "month" },
        { "* * * * * 8", "day of the week" },
        { "* * * * * moon", "day of the week" },
        { "*/0 * * * * *", "step" },
        { "1, * * * * *", "second" },
        { "-1 * * * * *", "second" },
        { "5-1 * * * * *", "upside down" },
        { "1-2-3 * * * * *", "second" },
        { "001 * * * * *", "second" },
        { "0 0 0 30 2 *", "no year" },
        { "@often", "no word" },
        { "@every 10ms", "a second at least" },
        { "@every x", "@every" },
    };
    struct cron cron;
    struct err  err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_FAILS(cron_parse(str_from(cases[i].text), &cron, &err), &err, ERR_INVALID);
        if (strstr(err.text, cases[i].about) == NULL)
            fail_msg("\"%s\": %s", cases[i].text, err.text);
    }
}
