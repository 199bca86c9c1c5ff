/* codec/text.h: bytes as text and back: hex, base64, base64url, percent escapes, query and form fields,
 * RFC 3339 and HTTP times. Pure functions; any thread. Parsers are strict: one spelling a value. */
#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct arena;
struct err;

/* Lower-case hex; out takes 2 * size + 1 bytes and is terminated. Parsing accepts lower case only and
 * exactly out_size bytes. */
void text_hex_print(const void *bytes, size_t size, char *out);
bool text_hex_parse(struct str hex, void *out, size_t out_size);

/* RFC 4648. Standard base64 with padding (Basic credentials; unpadded is accepted as clients send it)
 * and base64url without. Results live in the arena. Parsing refuses foreign bytes and non-zero spare
 * bits with ERR_INVALID. */
struct str text_base64_print(struct arena *arena, struct str bytes);
int text_base64_parse(struct arena *arena, struct str text, struct str *out, struct err *err);
struct str text_base64url_print(struct arena *arena, struct str bytes);
int text_base64url_parse(struct arena *arena, struct str text, struct str *out, struct err *err);

/* Percent escapes, decoded once. ERR_INVALID for a bad escape and for NUL, escaped or not. A plus is a
 * plus here. */
int  text_url_decode(struct arena *arena, struct str text, struct str *out, struct err *err);
void text_url_encode(struct buf *buf, struct str text); /* all but unreserved, RFC 3986 2.3 */

/* A query or an application/x-www-form-urlencoded body, bounded: at most TEXT_FIELDS_MAX fields. In
 * names and values plus is a blank. Order is kept; a field may repeat; nothing between two ampersands is
 * no field. One field more is ERR_INVALID. */
enum { TEXT_FIELDS_MAX = 128 };

struct text_field {
    struct str name;
    struct str value;
};

struct text_fields {
    struct text_field *fields;
    size_t             n;
};

int text_fields_parse(struct arena *arena, struct str text, struct text_fields *out,
                      struct err *err);

/* The first value of that name, or the null view. _one: ERR_INVALID when the field is given twice with
 * different values. */
struct str text_fields_get(const struct text_fields *fields, const char *name);
int        text_fields_one(const struct text_fields *fields, const char *name, struct str *out,
                           struct err *err);

/* Times are microseconds since 1970, UTC, in the years 0 to 9999; others are printed as the nearest end
 * and not parsed. Prints RFC 3339 with `Z` and microseconds cut when zero ("2026-08-21T10:00:00Z");
 * parses what RFC 3339 allows: finer fractions are cut, a leap second is the second after it. The HTTP
 * form is IMF-fixdate. */
enum { TEXT_TIME_MAX = 40 };
void text_time_print(int64_t time_us, char out[TEXT_TIME_MAX]);
int  text_time_parse(struct str text, int64_t *out_us, struct err *err);
void text_http_time_print(int64_t time_us, char out[TEXT_TIME_MAX]);

/* "10s", "5m", "72h", "30d", "250ms", "7us", "0"; one unit. "1KiB", "4MiB", "1GiB", "2TiB", "500", for
 * sizes. No sign and no leading zeros; printing takes the largest unit that loses nothing and wants a
 * value that is not negative. */
int  text_duration_parse(struct str text, int64_t *out_us, struct err *err);
void text_duration_print(int64_t time_us, char out[TEXT_TIME_MAX]);
int  text_size_parse(struct str text, int64_t *out_bytes, struct err *err);
void text_size_print(int64_t bytes, char out[TEXT_TIME_MAX]);

/* Spans of time as DTR has them, in the form of Go: numbers with units one after the other, "1h30m0s", "1.5h",
 * "720h", "250ms"; days ("30d") as well. Nothing and "0" are 0. No sign. Printing is in hours and below, and of 0
 * nothing. Finer than a µs is cut. */
int  text_span_parse(struct str text, int64_t *out_us, struct err *err);
void text_span_print(int64_t time_us, char out[TEXT_TIME_MAX]);

/* HTML text and attribute, HTTP quoted-string content; their use is the only way into the language.
 * What the language cannot carry is replaced: NUL by U+FFFD in HTML, a control byte by a blank in a
 * quoted string. */
void text_html_escape(struct buf *buf, struct str text);
void text_quoted_escape(struct buf *buf, struct str text);

/* Is it valid UTF-8 (no surrogates, no overlong forms)? */
bool text_is_utf8(struct str text);

/* The size of its first character, 1 to 4 bytes; 0 when it does not begin with a valid one. */
size_t text_utf8_size(struct str text);

#endif
