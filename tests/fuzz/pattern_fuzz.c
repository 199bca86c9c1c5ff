/* pattern_fuzz.c: any pattern over any text. The first byte chooses the syntax, a line ends the pattern. What is
 * accepted can be asked, gives the same answer from the cache, and a glob without signs is the text itself. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_signs(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("*?[{\\", text.p[i]) != NULL)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pattern_cache       *cache;
    AUTO(pattern_free) struct pattern *pattern = NULL;
    struct str                         rest    = { .p = (const char *)data, .n = size };
    struct str                         text;
    enum pattern_verdict               again;
    struct err                         err;

    if (cache == NULL)
        cache = pattern_cache_new();
    if (size == 0)
        return 0;
    enum pattern_syntax syntax = data[0] % 2 == 0 ? PATTERN_GLOB : PATTERN_REGEX;
    rest                       = str_from_index(rest, 1);
    str_next(&rest, '\n', &text);
    struct str subject = rest.p == NULL ? STR("") : rest;

    int made = pattern_new(syntax, text, &pattern, &err);
    ASSERT((pattern_cache_match(cache, syntax, text, subject, &again, &err) == 0) == (made == 0));
    if (made < 0)
        return 0;
    enum pattern_verdict verdict = pattern_match(pattern, subject);
    ASSERT(verdict == again);
    if (syntax == PATTERN_GLOB && !has_signs(text) && subject.n <= PATTERN_TEXT_MAX)
        ASSERT((verdict == PATTERN_YES) == str_eq(text, subject));
    return 0;
}
