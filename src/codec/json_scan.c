/* codec/json_scan.c: the pre-scan. It reads the text once from left to right and keeps a stack of its
 * own, so that no input costs more than a few passes over its bytes and no depth of it costs our stack.
 *
 * Where it is in the text is one of the words of enum expect; each step takes one token and says what is
 * expected next:
 *
 *     value ──"{"──▶ key or end ──key──▶ value            comma or end ──","──▶ key, or value
 *           ──"["──▶ value or end                                      ──end──▶ what the outer level expects
 *           ──scalar──▶ what the level expects            (after the outermost value: nothing)
 *
 * Equal keys are found by one set for the whole text. It holds 128 bits of keyed SipHash of (number of the
 * object, folded key) and nothing else: who does not know the process's key cannot make two of them meet,
 * and by chance they never do. */
#include "codec/json.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_private.h"
#include "codec/text.h"

enum { NUMBER_MAX = 128, FIRST_SLOTS = 16 };

enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END,
    EXPECT_KEY,
    EXPECT_KEY_OR_END,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING
};

struct level {
    bool     is_object;
    uint64_t number; /* tells this container from all others of the text */
};

/* Zero is an empty slot; a hash that is zero is as good as lost, and never comes. */
struct fingerprint {
    uint64_t halves[2];
};

struct seen {
    struct fingerprint *slots;
    size_t              n_slots; /* a power of two, at most half full */
    size_t              n;
};

struct scan {
    struct str                text;
    size_t                    at;
    const struct json_limits *limits;
    struct arena             *scratch;
    enum expect               expect;
    size_t                    n_values;
    struct level             *levels;
    size_t                    depth;
    uint64_t                  n_containers;
    struct buf                key;
    struct seen               seen;
    struct err               *err;
};

static unsigned char  hash_key[crypto_shorthash_siphashx24_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

_Static_assert(sizeof(struct fingerprint) == crypto_shorthash_siphashx24_BYTES, "128 bits");

static void make_hash_key(void)
{
    ASSERT(sodium_init() >= 0);
    randombytes_buf(hash_key, sizeof(hash_key));
}

static int refuse(struct scan *s, const char *reason)
{
    return err_set(s->err, ERR_INVALID, "%s at byte %zu", reason, s->at);
}

/* The byte at hand, or -1 at the end. */
static int peek(const struct scan *s)
{
    return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : -1;
}

static struct str rest(const struct scan *s)
{
    return str_from_index(s->text, s->at);
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->text.n && (s->text.p[s->at] == ' ' || s->text.p[s->at] == '\t' ||
                                 s->text.p[s->at] == '\n' || s->text.p[s->at] == '\r'))
        s->at++;
}

size_t json_fold(char *key, size_t size)
{
    struct str rest = { .p = key, .n = size };
    size_t     n    = 0;

    while (rest.n > 0) {
        char   c    = rest.p[0];
        size_t used = 1;

        if (str_starts(rest, STR("\xc5\xbf"))) {
            c    = 's';
            used = 2;
        } else if (str_starts(rest, STR("\xe2\x84\xaa"))) {
            c    = 'k';
            used = 3;
        } else if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        rest     = str_from_index(rest, used);
        key[n++] = c;
    }
    return n;
}

/* The slot that holds the fingerprint, or the empty one where it belongs. */
static struct fingerprint *find_slot(const struct seen *seen, const struct fingerprint *wanted)
{
    size_t at = (size_t)wanted->halves[0] & (seen->n_slots - 1);

    for (;; at = (at + 1) & (seen->n_slots - 1)) {
        struct fingerprint *slot = &seen->slots[at];

        if (slot->halves[0] == wanted->halves[0] && slot->halves[1] == wanted->halves[1])
            return slot;
        if (slot->halves[0] == 0 && slot->halves[1] == 0)
            return slot;
    }
}

static void grow_seen(struct seen *seen, struct arena *scratch)
{
    struct seen larger = { .n       = seen->n,
                           .n_slots = seen->n_slots == 0 ? FIRST_SLOTS : seen->n_slots * 2 };

    larger.slots = mem_many(scratch, larger.n_slots, struct fingerprint);
    for (size_t i = 0; i < seen->n_slots; i++) {
        if (seen->slots[i].halves[0] != 0 || seen->slots[i].halves[1] != 0)
            *find_slot(&larger, &seen->slots[i]) = seen->slots[i];
    }
    *seen = larger;
}

/* Was this key, folded unless case tells, in this object before? */
static bool is_repeated(struct scan *s, uint64_t object, struct buf *key)
{
    struct fingerprint fingerprint;

    if (!s->limits->tells_case)
        key->n = json_fold(key->p, key->n);
    buf_add(key, &object, sizeof(object));
    crypto_shorthash_siphashx24((unsigned char *)&fingerprint, (const unsigned char *)key->p,
                                key->n, hash_key);

    if (2 * s->seen.n >= s->seen.n_slots)
        grow_seen(&s->seen, s->scratch);
    struct fingerprint *slot = find_slot(&s->seen, &fingerprint);
    if (slot->halves[0] != 0 || slot->halves[1] != 0)
        return true;
    *slot = fingerprint;
    s->seen.n++;
    return false;
}

/* Four hex digits of either case, or -1. */
static int take_unit(struct scan *s)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int               unit     = 0;

    for (int i = 0; i < 4; i++, s->at++) {
        int         c     = peek(s);
        const char *digit = c <= 0 ? NULL : strchr(digits, c);

        if (digit == NULL)
            return -1;
        unit = unit << 4 | (int)((digit - digits) % 16);
    }
    return unit;
}

static void put_character(struct buf *to, int c)
{
    static const int heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t           size    = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    char             bytes[4];

    for (size_t i = size; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(heads[size] | c);
    buf_add(to, bytes, size);
}

/* After "\u": one character, of one unit or of a pair of surrogates. */
static int scan_unicode_escape(struct scan *s, struct buf *to)
{
    int c = take_unit(s);

    if (c < 0)
        return refuse(s, "a bad escape");
    if (c == 0)
        return refuse(s, "an escaped NUL");
    if (c >= 0xd800 && c <= 0xdfff) {
        if (c >= 0xdc00 || !str_starts(rest(s), STR("\\u")))
            return refuse(s, "a lone surrogate");
        s->at += 2;
        int low = take_unit(s);
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(s, "a lone surrogate");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (to != NULL)
        put_character(to, c);
    return 0;
}

/* After the backslash. */
static int scan_escape(struct scan *s, struct buf *to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[]   = "\"\\/\b\f\n\r\t";
    int               c         = peek(s);

    if (c == 'u') {
        s->at++;
        return scan_unicode_escape(s, to);
    }

    const char *letter = c <= 0 ? NULL : strchr(letters, c);
    if (letter == NULL)
        return refuse(s, "a bad escape");
    if (to != NULL)
        buf_char(to, meant[letter - letters]);
    s->at++;
    return 0;
}

/* From the opening quote to behind the closing one; what it means goes to `to`, if any. */
static int scan_string(struct scan *s, struct buf *to)
{
    for (s->at++;;) {
        int c = peek(s);

        if (c == '"') {
            s->at++;
            return 0;
        }
        if (c < 0)
            return refuse(s, "the text ends in a string");
        if (c < 0x20)
            return refuse(s, "a control byte in a string");
        if (c == '\\') {
            s->at++;
            if (scan_escape(s, to) < 0)
                return -1;
            continue;
        }

        size_t size = c < 0x80 ? 1 : text_utf8_size(rest(s));
        if (size == 0)
            return refuse(s, "bytes that are not UTF-8");
        if (to != NULL)
            buf_add(to, s->text.p + s->at, size);
        s->at += size;
    }
}

static size_t skip_digits(struct scan *s)
{
    size_t from = s->at;

    while (s->at < s->text.n && s->text.p[s->at] >= '0' && s->text.p[s->at] <= '9')
        s->at++;
    return s->at - from;
}

/* Neither libc's integers nor its doubles may overflow; jansson would refuse these later. */
static int check_number(struct scan *s, struct str number, bool is_integer)
{
    char copy[NUMBER_MAX + 1];

    if (number.n > NUMBER_MAX)
        return refuse(s, "the end of too long a number");
    memcpy(copy, number.p, number.n);
    copy[number.n] = '\0';

    errno = 0;
    if (is_integer) {
        strtoll(copy, NULL, 10);
        return errno == ERANGE ? refuse(s, "the end of an integer beyond 64 bits") : 0;
    }
    if (s->limits->is_integers_only)
        return refuse(s, "the end of a number that is not an integer");
    return isinf(strtod(copy, NULL)) ? refuse(s, "the end of too large a number") : 0;
}

static int scan_number(struct scan *s)
{
    size_t from       = s->at;
    bool   is_integer = true;

    if (peek(s) == '-')
        s->at++;
    bool   is_zero = peek(s) == '0';
    size_t n       = skip_digits(s);
    if (n == 0 || (is_zero && n > 1))
        return refuse(s, "a bad number");

    if (peek(s) == '.') {
        is_integer = false;
        s->at++;
        if (skip_digits(s) == 0)
            return refuse(s, "a bad number");
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        is_integer = false;
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (skip_digits(s) == 0)
            return refuse(s, "a bad number");
    }
    return check_number(s, str_sub(s->text, from, s->at - from), is_integer);
}

static int scan_word(struct scan *s)
{
    static const struct str words[] = { STR("true"), STR("false"), STR("null") };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_starts(rest(s), words[i])) {
            s->at += words[i].n;
            return 0;
        }
    }
    return refuse(s, peek(s) < 0 ? "the text ends" : "something that is no value");
}

/* What the level wants after a value in it. */
static void value_is_done(struct scan *s)
{
    s->expect = s->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static int open_level(struct scan *s, bool is_object)
{
    if (s->depth == s->limits->depth)
        return err_set(s->err, ERR_INVALID, "nesting is deeper than %zu at byte %zu",
                       s->limits->depth, s->at);

    s->levels[s->depth++] = (struct level){ .is_object = is_object, .number = s->n_containers++ };
    s->expect             = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    s->at++;
    return 0;
}

static int close_level(struct scan *s)
{
    s->depth--;
    s->at++;
    value_is_done(s);
    return 0;
}

static int scan_value(struct scan *s)
{
    int c = peek(s);

    if (s->n_values++ == s->limits->values)
        return err_set(s->err, ERR_INVALID, "there are more than %zu values at byte %zu",
                       s->limits->values, s->at);
    if (c == '{' || c == '[')
        return open_level(s, c == '{');

    int done = c == '"'                             ? scan_string(s, NULL)
               : c == '-' || (c >= '0' && c <= '9') ? scan_number(s)
                                                    : scan_word(s);
    value_is_done(s);
    return done;
}

static int scan_key(struct scan *s)
{
    size_t from = s->at;

    if (peek(s) != '"')
        return refuse(s, "no key");
    buf_reset(&s->key);
    if (scan_string(s, &s->key) < 0)
        return -1;
    if (s->key.n > s->limits->key || s->key.is_full)
        return err_set(s->err, ERR_INVALID, "a key is longer than %zu bytes at byte %zu",
                       s->limits->key, from);
    if (is_repeated(s, s->levels[s->depth - 1].number, &s->key)) {
        s->at = from;
        return refuse(s, "a key that its object has already, apart from case,");
    }

    skip_blanks(s);
    if (peek(s) != ':')
        return refuse(s, "no colon");
    s->at++;
    s->expect = EXPECT_VALUE;
    return 0;
}

static int scan_comma_or_end(struct scan *s)
{
    bool is_object = s->levels[s->depth - 1].is_object;

    if (peek(s) == (is_object ? '}' : ']'))
        return close_level(s);
    if (peek(s) != ',')
        return refuse(s, "neither comma nor end");
    s->at++;
    s->expect = is_object ? EXPECT_KEY : EXPECT_VALUE;
    return 0;
}

static int scan_step(struct scan *s)
{
    skip_blanks(s);
    switch (s->expect) {
    case EXPECT_VALUE:
        return scan_value(s);
    case EXPECT_VALUE_OR_END:
        return peek(s) == ']' ? close_level(s) : scan_value(s);
    case EXPECT_KEY:
        return scan_key(s);
    case EXPECT_KEY_OR_END:
        return peek(s) == '}' ? close_level(s) : scan_key(s);
    case EXPECT_COMMA_OR_END:
        return scan_comma_or_end(s);
    case EXPECT_NOTHING:
        break;
    }
    return 0;
}

static int scan_document(struct scan *s)
{
    if (str_starts(s->text, STR("\xef\xbb\xbf")))
        return refuse(s, "a byte order mark");
    while (s->expect != EXPECT_NOTHING) {
        if (scan_step(s) < 0)
            return -1;
    }

    skip_blanks(s);
    return s->at < s->text.n ? refuse(s, "more than one document") : 0;
}

int json_check(struct str text, const struct json_limits *limits, struct err *err)
{
    if (text.n > limits->size)
        return err_set(err, ERR_TOO_LARGE, "JSON of %zu bytes is larger than %zu", text.n,
                       limits->size);

    AUTO(arena_free) struct arena *scratch = arena_new();
    struct scan scan = { .text = text, .limits = limits, .scratch = scratch, .err = err };

    pthread_once(&hash_key_once, make_hash_key);
    scan.levels = mem_many(scratch, limits->depth, struct level);
    buf_init(&scan.key, scratch, limits->key + sizeof(uint64_t));
    return scan_document(&scan);
}
