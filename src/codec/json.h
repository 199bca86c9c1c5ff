/* codec/json.h: JSON from outside, through one door.
 *
 * A linear pre-scan without recursion sees the text before jansson does. It refuses with ERR_INVALID,
 * naming the reason and the byte: not UTF-8, a BOM, NUL, control bytes in strings, more than the limits'
 * values, nesting or key length, keys that are equal or equal after case folding in one object (escapes
 * resolved first, so "l\u0061yers" is "layers"), lone surrogates, a second document, numbers with a
 * fraction or exponent where is_integers_only, integers beyond 64 bits and other numbers beyond a double
 * or 128 bytes. Folding is that of ASCII and of the two letters that Unicode folds into it (U+017F to s,
 * U+212A to k), for that is how readers that match without case match the names that we know. What
 * passes is parsed by jansson and then bound to a struct by a table of fields. Results live in the
 * arena; any thread.
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
    size_t size;             /* bytes of text; larger is ERR_TOO_LARGE */
    size_t values;           /* default 20,000 */
    size_t depth;            /* default 64 */
    size_t key;              /* bytes of one key, escapes resolved, default 1,024 */
    bool   is_integers_only; /* default: no */
    bool
        tells_case; /* default: no. Keys that differ only in case are two, as labels that others chose may be; in
                        * another case than a table's member they are refused all the same */
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
    JSON_LIST,    /* struct json_list of structs, by the row's table; null: of struct str */
    JSON_MAP,     /* struct json_map: string to string */
    JSON_NUMBERS, /* struct json_numbers: string to integer */
    JSON_ANY,     /* only its presence: bool */
    JSON_RAW /* struct str that is one JSON value, printed as it is; of tables that are never read. A table says that it
              * is a list of its objects */
};

enum json_flags {
    JSON_REQUIRED = 1, /* missing or null is ERR_INVALID; otherwise null counts as missing */
    JSON_SECRET   = 2, /* never printed */
    JSON_OMIT     = 4  /* printing leaves empty, zero and false out */
};

struct json_table;

/* has_offset: of a bool that is set when the member is there; 0: none. max: of a string its bytes, of a
 * list or map its entries; 0: the door's limits. */
struct json_field {
    const char              *name;
    enum json_kind           kind;
    size_t                   offset;
    size_t                   has_offset;
    unsigned                 flags;
    size_t                   max;
    const struct json_table *table;
};

struct json_table {
    const char              *name;      /* for messages: "manifest" */
    size_t                   size;      /* of the struct */
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

struct json_number {
    struct str key;
    int64_t    value;
};

struct json_numbers {
    struct json_number *pairs;
    size_t              n;
};

/* Checks, at compile time, that the member has the type that the kind fills. */
#define JSON_IS_TYPE(type, member, wanted) \
    __builtin_types_compatible_p(__typeof__(((type *)0)->member), wanted)
#define JSON_AT(type, member, wanted) \
    (offsetof(type, member) + 0 * sizeof(char[JSON_IS_TYPE(type, member, wanted) ? 1 : -1]))

/* What becomes of members that a table does not know, at any depth. */
enum json_unknown {
    JSON_AS_THE_TABLE_SAYS,
    JSON_REFUSE_UNKNOWN,  /* ERR_INVALID, as if every table were closed */
    JSON_COLLECT_UNKNOWN, /* ignored, as if none were; their paths are kept */
};

enum { JSON_IGNORED_MAX = 16 };

/* Paths of members that were ignored ("layers[2].color"), in the arena. n counts on beyond the list. */
struct json_ignored {
    struct str paths[JSON_IGNORED_MAX];
    size_t     n;
};

/* Reads text into *out, a zeroed struct of table->size. ERR_INVALID names the member by its path
 * ("layers[2].size is not an integer") and holds that path in `about`; it is empty when the text as a
 * whole is refused. A member whose name differs from one of the table's only in case is refused, whether
 * the table is closed or not: what we do not see, another reader might. */
int json_read(struct arena *arena, struct str text, const struct json_limits *limits,
              const struct json_table *table, void *out, struct err *err);

/* The same, with a rule for unknown members that goes before the tables'. ignored: null, or filled when
 * they are collected. */
int json_read_as(struct arena *arena, struct str text, const struct json_limits *limits,
                 const struct json_table *table, enum json_unknown unknown, void *out,
                 struct json_ignored *ignored, struct err *err);

#endif
