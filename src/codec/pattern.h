/* codec/pattern.h: patterns that people write for tags, paths and names, and whether a text fits one. A pattern
 * is about the whole text, case counts, and it takes 1 to PATTERN_MAX bytes of printable ASCII.
 *
 *     glob   *          any number of bytes without a slash
 *            **         any number of bytes, slashes too; as a whole component before a slash also none at all:
 *                       "**" "/web" fits "web" and "shop/eu/web"
 *            ?          one byte that is no slash
 *            [a-z0_]    one of them, [!a-z] or [^a-z] one that is not; never a slash
 *            {v*,rel-*} one of the alternatives, which may be empty and hold globs, up to 4 deep
 *            \x         x itself
 *     regex  the common part of RE2 and PCRE: literals, . [] () (?:) (?i) | * + ? {m,n} ^ $ \d \D \w \W \s \S \b \B and
 *            escaped signs. What would need backtracking (references to groups, looking around, atomic groups,
 *            possessive repeats) is refused.
 *
 * A match takes time linear in the text: PCRE2's DFA, which follows all alternatives at once, with room for so many
 * (PATTERN_ROOM). Where that does not suffice, or the text is longer than PATTERN_TEXT_MAX, the verdict is
 * PATTERN_LIMIT: neither yes nor no, for the caller to take as what is safe and to report.
 *
 * A pattern is constant once made; any thread. A cache keeps the compiled ones that were used; any thread. */
#ifndef CODEC_PATTERN_H
#define CODEC_PATTERN_H

#include "base/str.h"

struct err;
struct pattern;
struct pattern_cache;

enum { PATTERN_MAX = 256, PATTERN_TEXT_MAX = 1024, PATTERN_ROOM = 2048, PATTERN_DEPTH_MAX = 4 };

enum pattern_syntax { PATTERN_GLOB, PATTERN_REGEX };
enum pattern_verdict { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };

/* "glob", "regex"; parsing gives 1, or 0 for another word. */
const char *pattern_syntax_name(enum pattern_syntax syntax);
int         pattern_syntax_parse(struct str word, enum pattern_syntax *out);

/* ERR_INVALID with the reason. Ours: ended with pattern_free. */
int pattern_new(enum pattern_syntax syntax, struct str text, struct pattern **out, struct err *err);
void pattern_free(struct pattern **pattern);

enum pattern_verdict pattern_match(const struct pattern *pattern, struct str text);

struct pattern_cache *pattern_cache_new(void);
void                  pattern_cache_free(struct pattern_cache **cache);

/* The same with a pattern from the cache, made when it is not there. -1 for what is no pattern. */
int pattern_cache_match(struct pattern_cache *cache, enum pattern_syntax syntax, struct str pattern,
                        struct str text, enum pattern_verdict *out, struct err *err);

#endif
