/* codec/text.c: small languages, each with its printer and its strict parser. Base64 is libsodium's and
 * the calendar is libc's; the rest is short enough to be read against its RFC. */
#include "codec/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"

/* How much of foreign input an error text quotes. */
enum { QUOTE_MAX = 64 };

#define QUOTE(s) STR_ARGS(str_sub((s), 0, QUOTE_MAX))

static const char hex_digits[] = "0123456789abcdef";

void text_hex_print(const void *bytes, size_t size, char *out)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < size; i++) {
        out[2 * i]     = hex_digits[p[i] >> 4];
        out[2 * i + 1] = hex_digits[p[i] & 15];
    }
    out[2 * size] = '\0';
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool text_hex_parse(struct str hex, void *out, size_t out_size)
{
    unsigned char *p = out;

    if (hex.n % 2 != 0 || hex.n / 2 != out_size)
        return false;
    for (size_t i = 0; i < hex.n; i++) {
        if (hex_value(hex.p[i]) < 0)
            return false;
    }

    for (size_t i = 0; i < out_size; i++)
        p[i] = (unsigned char)(hex_value(hex.p[2 * i]) << 4 | hex_value(hex.p[2 * i + 1]));
    return true;
}

static struct str base64_print(struct arena *arena, struct str bytes, int variant)
{
    size_t room = sodium_base64_encoded_len(bytes.n, variant);
    char  *text = mem_alloc(arena, room);

    sodium_bin2base64(text, room, (const unsigned char *)bytes.p, bytes.n, variant);
    return (struct str){ .p = text, .n = strlen(text) };
}

/* libsodium 1.0.18 takes a char as it comes, and some bytes above 0x7f for '-' and '_'. */
static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] > 0x7f)
            return false;
    }
    return true;
}

static int base64_parse(struct arena *arena, struct str text, int variant, struct str *out,
                        struct err *err)
{
    size_t         room  = text.n / 4 * 3 + 3;
    unsigned char *bytes = mem_alloc(arena, room + 1);
    size_t         size  = 0;

    if (!is_ascii(text))
        return err_set(err, ERR_INVALID, "the text is not base64");
    if (text.n > 0 &&
        sodium_base642bin(bytes, room, text.p, text.n, NULL, &size, NULL, variant) != 0)
        return err_set(err, ERR_INVALID, "the text is not base64");

    *out = (struct str){ .p = (const char *)bytes, .n = size };
    return 0;
}

struct str text_base64_print(struct arena *arena, struct str bytes)
{
    return base64_print(arena, bytes, sodium_base64_VARIANT_ORIGINAL);
}

int text_base64_parse(struct arena *arena, struct str text, struct str *out, struct err *err)
{
    int variant = text.n % 4 == 0 ? sodium_base64_VARIANT_ORIGINAL
                                  : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;

    return base64_parse(arena, text, variant, out, err);
}

struct str text_base64url_print(struct arena *arena, struct str bytes)
{
    return base64_print(arena, bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int text_base64url_parse(struct arena *arena, struct str text, struct str *out, struct err *err)
{
    return base64_parse(arena, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out, err);
}

/* Escapes come in both cases (RFC 3986, 2.1), digests do not. */
static int escape_value(char c)
{
    return hex_value(c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c);
}

static int url_decode(struct arena *arena, struct str text, bool plus_is_blank, struct str *out,
                      struct err *err)
{
    char  *to = mem_alloc(arena, text.n + 1);
    size_t n  = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '%') {
            int high = i + 2 < text.n ? escape_value(text.p[i + 1]) : -1;
            int low  = i + 2 < text.n ? escape_value(text.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return err_set(err, ERR_INVALID, "byte %zu begins no percent escape", i);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0')
            return err_set(err, ERR_INVALID, "there is a NUL before byte %zu", i + 1);
        to[n++] = c;
    }

    *out = (struct str){ .p = to, .n = n };
    return 0;
}

int text_url_decode(struct arena *arena, struct str text, struct str *out, struct err *err)
{
    return url_decode(arena, text, false, out, err);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void text_url_encode(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i]))
            buf_char(buf, text.p[i]);
        else
            buf_printf(buf, "%%%02X", (unsigned)(unsigned char)text.p[i]);
    }
}

static int parse_field(struct arena *arena, struct str part, struct text_field *out,
                       struct err *err)
{
    ptrdiff_t  equals = str_find(part, '=');
    struct str name   = equals < 0 ? part : str_sub(part, 0, (size_t)equals);
    struct str value  = equals < 0 ? STR("") : str_from_index(part, (size_t)equals + 1);

    if (url_decode(arena, name, true, &out->name, err) < 0)
        return err_wrap(err, "name of the field \"" STR_FMT "\"", QUOTE(name));
    if (url_decode(arena, value, true, &out->value, err) < 0)
        return err_wrap(err, "value of the field \"" STR_FMT "\"", QUOTE(name));
    return 0;
}

int text_fields_parse(struct arena *arena, struct str text, struct text_fields *out,
                      struct err *err)
{
    struct text_field *fields = mem_many(arena, TEXT_FIELDS_MAX, struct text_field);
    size_t             n      = 0;
    struct str         part;

    while (str_next(&text, '&', &part)) {
        if (part.n == 0)
            continue;
        if (n == TEXT_FIELDS_MAX)
            return err_set(err, ERR_INVALID, "there are more than %d fields", TEXT_FIELDS_MAX);
        if (parse_field(arena, part, &fields[n], err) < 0)
            return -1;
        n++;
    }

    *out = (struct text_fields){ .fields = fields, .n = n };
    return 0;
}

struct str text_fields_get(const struct text_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (str_is(fields->fields[i].name, name))
            return fields->fields[i].value;
    }
    return STR_NULL;
}

int text_fields_one(const struct text_fields *fields, const char *name, struct str *out,
                    struct err *err)
{
    struct str first = text_fields_get(fields, name);

    for (size_t i = 0; i < fields->n; i++) {
        const struct text_field *field = &fields->fields[i];

        if (str_is(field->name, name) && !str_eq(field->value, first))
            return err_set(err, ERR_INVALID, "%s is given twice with different values", name);
    }

    *out = first;
    return 0;
}

static const int64_t second_us = 1000000;

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z */
static const int64_t time_first_us = -62167219200 * 1000000;
static const int64_t time_last_us  = 253402300799 * 1000000 + 999999;

static int64_t time_clamp(int64_t time_us)
{
    if (time_us < time_first_us)
        return time_first_us;
    return time_us > time_last_us ? time_last_us : time_us;
}

/* The broken-down time, and the microseconds of its second: rounding goes down before 1970, too. */
static int time_split(int64_t time_us, struct tm *out)
{
    int64_t clamped  = time_clamp(time_us);
    int64_t fraction = (clamped % second_us + second_us) % second_us;
    time_t  seconds  = (clamped - fraction) / second_us;

    gmtime_r(&seconds, out);
    return (int)fraction;
}

void text_time_print(int64_t time_us, char out[TEXT_TIME_MAX])
{
    struct tm utc;
    int       fraction = time_split(time_us, &utc);
    int size = snprintf(out, TEXT_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
                        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);

    if (fraction == 0)
        snprintf(out + size, TEXT_TIME_MAX - (size_t)size, "Z");
    else
        snprintf(out + size, TEXT_TIME_MAX - (size_t)size, ".%06dZ", fraction);
}

void text_http_time_print(int64_t time_us, char out[TEXT_TIME_MAX])
{
    static const char days[][4]   = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm         utc;

    time_split(time_us, &utc);
    snprintf(out, TEXT_TIME_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
             utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
}

/* Takes exactly n digits off the front. */
static bool take_digits(struct str *rest, size_t n, int *out)
{
    int64_t value;

    if (rest->n < n || !str_to_int(str_sub(*rest, 0, n), &value))
        return false;
    *out  = (int)value;
    *rest = str_from_index(*rest, n);
    return true;
}

static bool take_one_of(struct str *rest, const char *either, char *out)
{
    if (rest->n == 0 || rest->p[0] == '\0' || strchr(either, rest->p[0]) == NULL)
        return false;
    *out  = rest->p[0];
    *rest = str_from_index(*rest, 1);
    return true;
}

static bool take_char(struct str *rest, char c)
{
    char either[2] = { c, '\0' };
    char taken;

    return take_one_of(rest, either, &taken);
}

/* full-date and the time to the second; a day that its month does not have comes back changed from
 * timegm and is refused. *out counts a 60th second as the next minute's first. */
static bool take_date_time(struct str *rest, bool *is_leap, int64_t *out)
{
    struct tm tm = { 0 };
    char      t;

    if (!take_digits(rest, 4, &tm.tm_year) || !take_char(rest, '-') ||
        !take_digits(rest, 2, &tm.tm_mon) || !take_char(rest, '-') ||
        !take_digits(rest, 2, &tm.tm_mday) || !take_one_of(rest, "Tt", &t) ||
        !take_digits(rest, 2, &tm.tm_hour) || !take_char(rest, ':') ||
        !take_digits(rest, 2, &tm.tm_min) || !take_char(rest, ':') ||
        !take_digits(rest, 2, &tm.tm_sec))
        return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60)
        return false;

    int day  = tm.tm_mday;
    int sec  = tm.tm_sec;
    *is_leap = sec == 60;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    tm.tm_sec = 0;
    *out      = timegm(&tm) + sec;
    return tm.tm_mday == day;
}

/* The optional time-secfrac, cut to microseconds. */
static bool take_fraction(struct str *rest, int64_t *out_us)
{
    int64_t unit = second_us;
    size_t  n    = 0;

    *out_us = 0;
    if (!take_char(rest, '.'))
        return true;

    for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++) {
        unit /= 10;
        *out_us += (rest->p[n] - '0') * unit;
    }
    *rest = str_from_index(*rest, n);
    return n > 0;
}

static bool take_offset(struct str *rest, int64_t *out_seconds)
{
    char sign;
    int  hours;
    int  minutes;

    *out_seconds = 0;
    if (!take_one_of(rest, "Zz+-", &sign))
        return false;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (!take_digits(rest, 2, &hours) || !take_char(rest, ':') || !take_digits(rest, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;

    *out_seconds = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* Leap seconds are put in at the end of a month, UTC. */
static bool begins_month(int64_t seconds)
{
    time_t    time = seconds;
    struct tm utc;

    gmtime_r(&time, &utc);
    return utc.tm_mday == 1 && utc.tm_hour == 0 && utc.tm_min == 0 && utc.tm_sec == 0;
}

int text_time_parse(struct str text, int64_t *out_us, struct err *err)
{
    struct str rest = text;
    bool       is_leap;
    int64_t    seconds;
    int64_t    fraction_us;
    int64_t    offset;

    if (!take_date_time(&rest, &is_leap, &seconds) || !take_fraction(&rest, &fraction_us) ||
        !take_offset(&rest, &offset) || rest.n != 0 || (is_leap && !begins_month(seconds - offset)))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a time as in RFC 3339",
                       QUOTE(text));

    int64_t time_us = (seconds - offset) * second_us + fraction_us;
    if (time_us != time_clamp(time_us))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" lies outside the years 0 to 9999",
                       QUOTE(text));
    *out_us = time_us;
    return 0;
}

struct unit {
    const char *name;
    int64_t     factor;
};

/* Largest first and the smallest is 1, for the printer. */
static const struct unit duration_units[] = {
    { .name = "d", .factor = 86400 * INT64_C(1000000) },
    { .name = "h", .factor = 3600 * INT64_C(1000000) },
    { .name = "m", .factor = 60 * INT64_C(1000000) },
    { .name = "s", .factor = INT64_C(1000000) },
    { .name = "ms", .factor = 1000 },
    { .name = "us", .factor = 1 },
};

static const struct unit size_units[] = {
    { .name = "TiB", .factor = INT64_C(1) << 40 },
    { .name = "GiB", .factor = INT64_C(1) << 30 },
    { .name = "MiB", .factor = INT64_C(1) << 20 },
    { .name = "KiB", .factor = INT64_C(1) << 10 },
    { .name = "", .factor = 1 },
};

static bool amount_parse(struct str text, const struct unit *units, size_t n_units, int64_t *out)
{
    size_t  n = 0;
    int64_t number;

    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    if (!str_to_int(str_sub(text, 0, n), &number) || (n > 1 && text.p[0] == '0'))
        return false;

    struct str unit = str_from_index(text, n);
    for (size_t i = 0; i < n_units; i++) {
        if (str_is(unit, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, out);
    }
    *out = 0;
    return unit.n == 0 && number == 0;
}

static void amount_print(int64_t amount, const struct unit *units, char out[TEXT_TIME_MAX])
{
    ASSERT(amount >= 0);
    if (amount == 0) {
        snprintf(out, TEXT_TIME_MAX, "0");
        return;
    }

    while (amount % units->factor != 0)
        units++;
    snprintf(out, TEXT_TIME_MAX, "%lld%s", (long long)(amount / units->factor), units->name);
}

int text_duration_parse(struct str text, int64_t *out_us, struct err *err)
{
    int64_t time_us;

    if (!amount_parse(text, duration_units, ARRAY_LEN(duration_units), &time_us))
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is not a duration such as 10s, 5m, 72h or 30d",
                       QUOTE(text));

    *out_us = time_us;
    return 0;
}

void text_duration_print(int64_t time_us, char out[TEXT_TIME_MAX])
{
    amount_print(time_us, duration_units, out);
}

/* Of a span: the digits, of which those behind the point may be cut, and the unit. */
static bool take_span(struct str *rest, int64_t *sum)
{
    static const struct unit nano = { .name = "ns", .factor = 0 };
    const struct unit       *unit = &nano;
    int64_t                  whole, fraction = 0, us;
    size_t                   n = 0, n_name = 0;

    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (!str_to_int(str_sub(*rest, 0, n), &whole))
        return false;
    *rest = str_from_index(*rest, n);
    if (!take_fraction(rest, &fraction))
        return false;
    while (n_name < rest->n && (rest->p[n_name] < '0' || rest->p[n_name] > '9'))
        n_name++;
    struct str name = str_sub(*rest, 0, n_name);
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (str_is(name, duration_units[i].name) ||
            (str_is(name, "\xc2\xb5s") && duration_units[i].factor == 1))
            unit = &duration_units[i];
    }
    if (unit == &nano && !str_is(name, nano.name))
        return false;
    *rest = str_from_index(*rest, n_name);

    /* The fraction is in millionths: of a day that stays far below 2^63. */
    return !__builtin_mul_overflow(whole, unit->factor, &us) &&
           !__builtin_add_overflow(us, fraction * unit->factor / second_us, &us) &&
           !__builtin_add_overflow(*sum, us, sum);
}

int text_span_parse(struct str text, int64_t *out_us, struct err *err)
{
    struct str rest    = text;
    int64_t    sum     = 0;
    bool       is_good = true;

    if (str_is(text, "0"))
        rest = STR("");
    while (is_good && rest.n > 0)
        is_good = take_span(&rest, &sum);
    if (!is_good)
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is not a span of time such as 90s, 1h30m or 720h",
                       QUOTE(text));
    *out_us = sum;
    return 0;
}

void text_span_print(int64_t time_us, char out[TEXT_TIME_MAX])
{
    size_t n = 0;

    ASSERT(time_us >= 0);
    out[0] = '\0';
    for (size_t i = 1; i < ARRAY_LEN(duration_units); i++) {
        int64_t amount = time_us / duration_units[i].factor;

        if (amount > 0)
            n += (size_t)snprintf(out + n, TEXT_TIME_MAX - n, "%lld%s", (long long)amount,
                                  duration_units[i].name);
        time_us -= amount * duration_units[i].factor;
    }
}

int text_size_parse(struct str text, int64_t *out_bytes, struct err *err)
{
    int64_t bytes;

    if (!amount_parse(text, size_units, ARRAY_LEN(size_units), &bytes))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a size such as 500, 64KiB or 4GiB",
                       QUOTE(text));

    *out_bytes = bytes;
    return 0;
}

void text_size_print(int64_t bytes, char out[TEXT_TIME_MAX])
{
    amount_print(bytes, size_units, out);
}

void text_html_escape(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            buf_text(buf, "&amp;");
            break;
        case '<':
            buf_text(buf, "&lt;");
            break;
        case '>':
            buf_text(buf, "&gt;");
            break;
        case '"':
            buf_text(buf, "&quot;");
            break;
        case '\'':
            buf_text(buf, "&#39;");
            break;
        case '\0':
            buf_text(buf, "\xef\xbf\xbd");
            break;
        default:
            buf_char(buf, text.p[i]);
        }
    }
}

void text_quoted_escape(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '"' || c == '\\')
            buf_char(buf, '\\');
        buf_char(buf, (c < 0x20 && c != '\t') || c == 0x7f ? ' ' : (char)c);
    }
}

/* Table 3-7 of the Unicode standard: what the first byte says of the size and of the second byte; all
 * others are 80..BF. This leaves out overlong forms, surrogates and what lies beyond U+10FFFF. */
static const struct utf8_row {
    unsigned char first;
    unsigned char last;
    unsigned char second_first;
    unsigned char second_last;
    size_t        size;
} utf8_rows[] = {
    /* clang-format off */
    { 0xc2, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    /* clang-format on */
};

static const struct utf8_row *utf8_row_of(unsigned char first)
{
    for (size_t i = 0; i < ARRAY_LEN(utf8_rows); i++) {
        if (first >= utf8_rows[i].first && first <= utf8_rows[i].last)
            return &utf8_rows[i];
    }
    return NULL;
}

size_t text_utf8_size(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;

    if (text.n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;

    const struct utf8_row *row = utf8_row_of(p[0]);
    if (row == NULL || text.n < row->size || p[1] < row->second_first || p[1] > row->second_last)
        return 0;
    for (size_t i = 2; i < row->size; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    }
    return row->size;
}

/* How many bytes at the beginning are ASCII for sure: most texts are nothing else. */
static size_t ascii_size(struct str text)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t         n    = 0;

    while (text.n - n >= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, text.p + n, sizeof(word));
        if ((word & high) != 0)
            break;
        n += sizeof(word);
    }
    return n;
}

bool text_is_utf8(struct str text)
{
    if (text.n > 0)
        text = str_from_index(text, ascii_size(text));
    while (text.n > 0) {
        size_t size = text_utf8_size(text);

        if (size == 0)
            return false;
        text = str_from_index(text, size);
    }
    return true;
}
