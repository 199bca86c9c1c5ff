/* codec/pattern.c: globs become regular expressions, regular expressions are looked through for what only
 * backtracking could answer, and PCRE2 does the rest with its DFA. Compiling costs some twenty times what a match
 * does, and the same few rules are asked with every push: hence the cache. */
#include "codec/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

enum {
    REGEX_MAX  = 16 * PATTERN_MAX, /* of a glob's; a class may take 10 bytes for one of its own */
    CALLS_MAX  = 1000,             /* of the matcher by itself, which our grammar needs none of */
    CACHE_SETS = 64,
    CACHE_WAYS = 4
};

struct pattern {
    pcre2_code *code;
};

/* clang-format off */
static const char *const syntaxes[] = { [PATTERN_GLOB] = "glob", [PATTERN_REGEX] = "regex" };
/* clang-format on */

const char *pattern_syntax_name(enum pattern_syntax syntax)
{
    return syntaxes[syntax];
}

int pattern_syntax_parse(struct str word, enum pattern_syntax *out)
{
    for (size_t i = 0; i < ARRAY_LEN(syntaxes); i++) {
        if (str_is(word, syntaxes[i])) {
            *out = (enum pattern_syntax)i;
            return 1;
        }
    }
    return 0;
}

static int bad(struct str text, const char *why, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", text, "pattern: %s", why);
}

/* -- globs -------------------------------------------------------------------------------------------- */

struct glob {
    struct str  text;
    size_t      at;
    int         depth; /* of braces */
    struct buf *out;
};

/* The byte at hand, or a sign that there is none; `more` further on. */
static int peek(const struct glob *glob, size_t more)
{
    return glob->at + more < glob->text.n ? (unsigned char)glob->text.p[glob->at + more] : -1;
}

static void put_literal(struct buf *out, int byte)
{
    buf_printf(out, "\\x%02x", (unsigned)byte);
}

static void translate_stars(struct glob *glob)
{
    bool is_component = glob->at == 0 || glob->text.p[glob->at - 1] == '/';

    if (peek(glob, 1) != '*') {
        buf_text(glob->out, "[^/]*");
        glob->at++;
        return;
    }
    while (peek(glob, 0) == '*')
        glob->at++;
    if (is_component && peek(glob, 0) == '/') {
        buf_text(glob->out, "(?:.*/)?");
        glob->at++;
        return;
    }
    buf_text(glob->out, ".*");
}

/* One byte of a class, which a backslash may stand before. */
static int class_byte(struct glob *glob)
{
    int byte = peek(glob, 0);

    if (byte == '\\') {
        glob->at++;
        byte = peek(glob, 0);
    }
    glob->at++;
    return byte;
}

/* Reads what stands between the brackets into a set of bytes. */
static int read_class(struct glob *glob, bool set[256], struct err *err)
{
    bool is_first = true;

    for (; peek(glob, 0) != ']' || is_first; is_first = false) {
        int from = class_byte(glob), to = from;

        if (from >= 0 && peek(glob, 0) == '-' && peek(glob, 1) != ']' && peek(glob, 1) >= 0) {
            glob->at++;
            to = class_byte(glob);
        }
        if (from < 0 || to < 0)
            return bad(glob->text, "a [ is not closed", err);
        if (from > to)
            return bad(glob->text, "a range in [] is upside down", err);
        for (int byte = from; byte <= to; byte++)
            set[byte] = true;
    }
    glob->at++;
    return 0;
}

static int translate_class(struct glob *glob, struct err *err)
{
    bool set[256] = { false };
    bool is_any   = false;

    glob->at++;
    bool is_not = peek(glob, 0) == '!' || peek(glob, 0) == '^';
    glob->at += is_not;
    if (read_class(glob, set, err) < 0)
        return -1;

    buf_char(glob->out, '[');
    for (int from = 0; from < 256; from++) {
        int to = from;

        if (set[from] == is_not || from == '/')
            continue;
        while (to + 1 < 256 && set[to + 1] != is_not && to + 1 != '/')
            to++;
        put_literal(glob->out, from);
        if (to > from) {
            buf_char(glob->out, '-');
            put_literal(glob->out, to);
        }
        from   = to;
        is_any = true;
    }
    buf_char(glob->out, ']');
    return is_any ? 0 : bad(glob->text, "a [] fits nothing", err);
}

static int translate_brace(struct glob *glob, struct err *err)
{
    if (++glob->depth > PATTERN_DEPTH_MAX)
        return bad(glob->text, "braces are nested more than 4 deep", err);
    buf_text(glob->out, "(?:");
    glob->at++;
    return 0;
}

static int translate_escape(struct glob *glob, struct err *err)
{
    int byte = peek(glob, 1);

    if (byte < 0)
        return bad(glob->text, "it ends in a backslash", err);
    put_literal(glob->out, byte);
    glob->at += 2;
    return 0;
}

static void translate_sign(struct glob *glob)
{
    int byte = peek(glob, 0);

    glob->at++;
    if (byte == '?') {
        buf_text(glob->out, "[^/]");
    } else if (byte == ',' && glob->depth > 0) {
        buf_char(glob->out, '|');
    } else if (byte == '}' && glob->depth > 0) {
        glob->depth--;
        buf_char(glob->out, ')');
    } else {
        put_literal(glob->out, byte);
    }
}

static int translate(struct str text, struct buf *out, struct err *err)
{
    struct glob glob = { .text = text, .out = out };

    while (glob.at < text.n) {
        int done = 0;

        if (peek(&glob, 0) == '*')
            translate_stars(&glob);
        else if (peek(&glob, 0) == '[')
            done = translate_class(&glob, err);
        else if (peek(&glob, 0) == '{')
            done = translate_brace(&glob, err);
        else if (peek(&glob, 0) == '\\')
            done = translate_escape(&glob, err);
        else
            translate_sign(&glob);
        if (done < 0)
            return -1;
    }
    return glob.depth == 0 ? 0 : bad(text, "a { is not closed", err);
}

/* -- regular expressions ------------------------------------------------------------------------------ */

/* The end of the class that begins at `at`, or the end of the text. */
static size_t class_end(struct str text, size_t at)
{
    at++;
    at += at < text.n && text.p[at] == '^';
    at += at < text.n && text.p[at] == ']';
    for (; at < text.n && text.p[at] != ']'; at++) {
        bool is_named = text.p[at] == '[' && at + 1 < text.n && text.p[at + 1] == ':';

        if (text.p[at] == '\\')
            at++;
        while (is_named && at + 1 < text.n && !(text.p[at] == ':' && text.p[at + 1] == ']'))
            at++;
        at += is_named;
    }
    return at;
}

/* Escapes that RE2 knows as well, and whatever is neither letter nor digit. */
static bool is_escape(char c)
{
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

    return !is_word || strchr("dDwWsSbBntr", c) != NULL;
}

static int check_group(struct str text, size_t at, struct err *err)
{
    static const char *const allowed[] = { "(?:", "(?i)", "(?i:", "(?s)", "(?s:" };
    struct str               rest      = str_from_index(text, at);

    if (rest.n < 2 || (rest.p[1] != '?' && rest.p[1] != '*'))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (str_starts(rest, str_from(allowed[i])))
            return 0;
    }
    return bad(text, "of groups that begin with (? only (?:, (?i) and (?s) are known", err);
}

/* "a*+" gives nothing back: with what follows a text may fit or not, which only backtracking tells. */
static bool is_repeat(char c)
{
    return c != '\0' && strchr("*+?}", c) != NULL;
}

/* The escapes of a class; *at goes to its end. */
static int check_class(struct str text, size_t *at, struct err *err)
{
    size_t end = class_end(text, *at);

    for (; *at < end && *at < text.n; ++*at) {
        if (text.p[*at] == '\\' && *at + 1 < text.n && !is_escape(text.p[++*at]))
            return bad(text, "an escape is not known", err);
    }
    return 0;
}

static int check_regex(struct str text, struct err *err)
{
    char before = '\0'; /* the sign before, when it means more than itself */

    for (size_t at = 0; at < text.n; at++) {
        char c = text.p[at];

        if (c == '+' && is_repeat(before))
            return bad(text, "possessive repeats are not known", err);
        before = c;
        if (c == '[' && check_class(text, &at, err) < 0)
            return -1;
        if (c == '(' && check_group(text, at, err) < 0)
            return -1;
        if (c != '\\')
            continue;
        before = '\0';
        if (++at == text.n || !is_escape(text.p[at]))
            return bad(text, "an escape is not known", err);
    }
    return 0;
}

/* -- both --------------------------------------------------------------------------------------------- */

static int check_bytes(struct str text, struct err *err)
{
    if (text.n == 0 || text.n > PATTERN_MAX)
        return bad(text, "has 1 to 256 bytes", err);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~')
            return bad(text, "has bytes other than printable ASCII", err);
    }
    return 0;
}

static int compile(struct str shown, struct str regex, pcre2_code **out, struct err *err)
{
    const uint32_t options = PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL |
                             PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_NO_AUTO_POSSESS;
    int         code;
    PCRE2_SIZE  at;
    PCRE2_UCHAR why[128];

    *out = pcre2_compile((PCRE2_SPTR)regex.p, regex.n, options, &code, &at, NULL);
    if (*out != NULL)
        return 0;
    pcre2_get_error_message(code, why, sizeof(why));
    return bad(shown, (const char *)why, err);
}

int pattern_new(enum pattern_syntax syntax, struct str text, struct pattern **out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     translated;
    struct str                     regex = text;
    pcre2_code                    *code;

    if (check_bytes(text, err) < 0)
        return -1;
    buf_init(&translated, arena, REGEX_MAX);
    if (syntax == PATTERN_GLOB) {
        if (translate(text, &translated, err) < 0 || buf_finish(&translated, &regex, err) < 0)
            return -1;
    } else if (check_regex(text, err) < 0) {
        return -1;
    }
    if (compile(text, regex, &code, err) < 0)
        return -1;
    *out         = mem_new(struct pattern);
    (*out)->code = code;
    return 0;
}

void pattern_free(struct pattern **pattern)
{
    if (*pattern == NULL)
        return;
    pcre2_code_free((*pattern)->code);
    mem_free(*pattern);
    *pattern = NULL;
}

/* The DFA finds all that begins at the start, the longest first: when that ends before the text does, nothing fits the
 * whole of it. (PCRE2_ENDANCHORED would say so too, but takes an alternative that is empty for a match.) */
enum pattern_verdict pattern_match(const struct pattern *pattern, struct str text)
{
    int                  room[PATTERN_ROOM];
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data    *data    = pcre2_match_data_create(1, NULL);
    enum pattern_verdict verdict = PATTERN_LIMIT;

    if (context != NULL && data != NULL && text.n <= PATTERN_TEXT_MAX) {
        pcre2_set_match_limit(context, CALLS_MAX);
        pcre2_set_depth_limit(context, CALLS_MAX);
        int done = pcre2_dfa_match(pattern->code, (PCRE2_SPTR)text.p, text.n, 0, 0, data, context,
                                   room, PATTERN_ROOM);

        if (done >= 0)
            verdict = pcre2_get_ovector_pointer(data)[1] == text.n ? PATTERN_YES : PATTERN_NO;
        else if (done == PCRE2_ERROR_NOMATCH)
            verdict = PATTERN_NO;
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return verdict;
}

/* -- the cache ---------------------------------------------------------------------------------------- */

/* Used under its lock only for as long as a reference is taken or given back: a pattern that falls out of the cache
 * lives until the last match with it is over. */
struct kept {
    struct pattern     *pattern;
    enum pattern_syntax syntax;
    char                text[PATTERN_MAX];
    size_t              n_text;
    int                 n_users; /* the cache is one */
    uint64_t            used;
};

struct pattern_cache {
    pthread_mutex_t lock;
    uint64_t        clock;
    struct kept    *kept[CACHE_SETS][CACHE_WAYS];
};

struct pattern_cache *pattern_cache_new(void)
{
    struct pattern_cache *cache = mem_new(struct pattern_cache);

    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void unref(struct kept *kept)
{
    if (kept == NULL || --kept->n_users > 0)
        return;
    pattern_free(&kept->pattern);
    mem_free(kept);
}

void pattern_cache_free(struct pattern_cache **cache)
{
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_SETS; i++) {
        for (size_t j = 0; j < CACHE_WAYS; j++)
            unref((*cache)->kept[i][j]);
    }
    pthread_mutex_destroy(&(*cache)->lock);
    mem_free(*cache);
    *cache = NULL;
}

/* FNV-1a. Who chooses colliding rules makes his own rules slower: nothing hangs on it. */
static size_t set_of(enum pattern_syntax syntax, struct str text)
{
    uint64_t hash = 14695981039346656037u + (uint64_t)syntax;

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 1099511628211u;
    return (size_t)(hash >> 32) % CACHE_SETS;
}

static struct str text_of(const struct kept *kept)
{
    return (struct str){ .p = kept->text, .n = kept->n_text };
}

static struct kept *find(struct pattern_cache *cache, enum pattern_syntax syntax, struct str text)
{
    struct kept **set   = cache->kept[set_of(syntax, text)];
    struct kept  *found = NULL;

    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < CACHE_WAYS && found == NULL; i++) {
        if (set[i] != NULL && set[i]->syntax == syntax && str_eq(text_of(set[i]), text))
            found = set[i];
    }
    if (found != NULL) {
        found->n_users++;
        found->used = ++cache->clock;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

static void put(struct pattern_cache *cache, struct kept *kept)
{
    struct kept **set    = cache->kept[set_of(kept->syntax, text_of(kept))];
    size_t        victim = 0;

    pthread_mutex_lock(&cache->lock);
    for (size_t i = 1; i < CACHE_WAYS && set[victim] != NULL; i++) {
        if (set[i] == NULL || set[i]->used < set[victim]->used)
            victim = i;
    }
    unref(set[victim]);
    kept->n_users++;
    kept->used  = ++cache->clock;
    set[victim] = kept;
    pthread_mutex_unlock(&cache->lock);
}

static int make(struct pattern_cache *cache, enum pattern_syntax syntax, struct str text,
                struct kept **out, struct err *err)
{
    struct pattern *pattern;

    if (pattern_new(syntax, text, &pattern, err) < 0)
        return -1;
    struct kept *kept = mem_new(struct kept);
    *kept = (struct kept){ .pattern = pattern, .syntax = syntax, .n_text = text.n, .n_users = 1 };
    memcpy(kept->text, text.p, text.n);
    put(cache, kept);
    *out = kept;
    return 0;
}

int pattern_cache_match(struct pattern_cache *cache, enum pattern_syntax syntax, struct str pattern,
                        struct str text, enum pattern_verdict *out, struct err *err)
{
    struct kept *kept = find(cache, syntax, pattern);

    if (kept == NULL && make(cache, syntax, pattern, &kept, err) < 0)
        return -1;
    *out = pattern_match(kept->pattern, text);
    pthread_mutex_lock(&cache->lock);
    unref(kept);
    pthread_mutex_unlock(&cache->lock);
    return 0;
}
