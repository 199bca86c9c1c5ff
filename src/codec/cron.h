/* codec/cron.h: schedules as text, in the six-field form of DTR's crons: second, minute, hour, day of the month,
 * month, day of the week, with blanks between. A field is a star, or a list with commas of numbers and ranges
 * ("8-18"), each with an optional step ("8-18/2", "0/15" is from 0 on); a question mark is a star; months and days of the
 * week have their English three-letter names too, Sunday is 0 or 7. When both days are restricted either
 * will do, as everywhere in cron. Also @yearly (@annually), @monthly, @weekly, @daily (@midnight), @hourly, and
 * "@every 90s" with a duration of at least a second. All times are UTC. Pure functions; any thread. */
#ifndef CODEC_CRON_H
#define CODEC_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;

struct cron {
    int64_t  every_us; /* of "@every"; else 0 and the sets below, bit n for the value n */
    uint64_t seconds;
    uint64_t minutes;
    uint64_t hours;
    uint64_t days; /* 1 to 31 */
    uint64_t months;
    uint64_t weekdays; /* 0 is Sunday */
    bool     any_day;
    bool     any_weekday;
};

enum { CRON_TEXT_MAX = 128 };

/* ERR_INVALID naming the field and the reason; also for a date that no year has ("30 February"). */
int cron_parse(struct str text, struct cron *out, struct err *err);

/* The first time after `after_us` (µs UTC), on the second; of "@every" that long after it. */
int64_t cron_next(const struct cron *cron, int64_t after_us);

#endif
