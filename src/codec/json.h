/* codec/json.h: JSON from outside, through one door.
 *
 * A linear pre-scan without recursion sees the text before jansson does. It refuses with ERR_INVALID,
 * naming the reason and the byte: not UTF-8, a BOM, NUL, control bytes in strings, more than the limits'
 * values, nesting or key length, keys that are equal or equal after ASCII case folding in one object
 * (escapes resolved first, so "l\u0061yers" is "layers"), lone surrogates, a second document, numbers
 * with a fraction or exponent where is_integers_only, and integers beyond 64 bits. What passes is parsed
 * by jansson and then bound to a struct by a table of fields. Results live in the arena; any thread.
 * At most JSON_BIG_PARSES texts of more than 256 KiB are parsed at once; others wait. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

struct json_limits {
    size_t size;   /* bytes of text; larger is ERR_TOO_LARGE */
    size_t values; /* default 20,000 */
    size_t depth;  /* default 64 */
    size_t key;    /* bytes of one key, default 1,024 */
};

extern const struct json_limits json_limits_default; /* 4 MiB, 20,000, 64, 1,024 */

enum { JSON_BIG_PARSES = 8 };

/* Once, before the second thread starts: seeds jansson's tables. */
void json_init(void);

/* The pre-scan alone. */
int json_check(struct str text, const struct json_limits *limits, struct err *err);

enum json_kind {
    JSON_STRING,  /* struct str, may hold any text but NUL */
    JSON_INTEGER, /* int64_t; a number with a fraction or exponent is refused */
    JSON_BOOL,    /* bool */
    JSON_OBJECT,  /* a nested struct, by the row's table */
    JSON_LIST,    /* struct json_list of structs, by the row's table, or of struct str with a null table */
    JSON_MAP,     /* struct json_map: string to string */
    JSON_ANY      /* only its presence: bool */
};

enum json_flags {
    JSON_REQUIRED = 1, /* missing or null is ERR_INVALID; otherwise null counts as missing */
    JSON_SECRET   = 2, /* never printed */
    JSON_OMIT     = 4  /* printing leaves empty, zero and false out */
};

struct json_table;

struct json_field {
    const char              *name;
    enum json_kind           kind;
    size_t                   offset;
    size_t                   has_offset; /* a bool that is set when the member is there; 0: none */
    unsigned                 flags;
    size_t                   max;        /* strings: bytes, lists and maps: entries; 0: the door's limits */
    const struct json_table *table;
};

struct json_table {
    const char              *name; /* for messages: "manifest" */
    size_t                   size; /* of the struct */
    bool                     is_closed; /* unknown members are ERR_INVALID; otherwise ignored */
    const struct json_field *fields;
    size_t                   n_fields;
};

struct json_list {
    void  *items; /* array of the table's structs, or of struct str */
    size_t n;
};

struct json_pair {
    struct str key;
    struct str value;
};

struct json_map {
    struct json_pair *pairs;
    size_t            n;
};

/* Checks, at compile time, that the member has the type that the kind fills. */
#define JSON_TYPE_CHECK(type, member, wanted) \
    (0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), wanted) ? 1 : -1]))
#define JSON_AT(type, member, wanted) (offsetof(type, member) + JSON_TYPE_CHECK(type, member, wanted))

/* Reads text into *out, a zeroed struct of table->size. ERR_INVALID names the member by its path
 * ("layers[2].size is not an integer"). */
int json_read(struct arena *arena, struct str text, const struct json_limits *limits,
              const struct json_table *table, void *out, struct err *err);

#endif
