/* range_fuzz.c: ranges against a reading by regular expression with 128-bit numbers. The first eight bytes
 * are the size of the object, the rest is the header. */
#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "oci/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static regex_t range_form;
static regex_t content_form;

static void compile_once(void)
{
    static bool is_done;

    if (is_done)
        return;
    ASSERT(regcomp(&range_form, "^[ \t]*bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*$",
                   REG_EXTENDED | REG_ICASE) == 0);
    ASSERT(regcomp(&content_form, "^[ \t]*(bytes [ \t]*)?([0-9]+)-([0-9]+)(/([*]|[0-9]+))?[ \t]*$",
                   REG_EXTENDED | REG_ICASE) == 0);
    is_done = true;
}

/* Saturated far above every 64-bit number. */
static __int128 number_of(const char *text, regmatch_t match)
{
    __int128 number = 0;

    for (regoff_t i = match.rm_so; i < match.rm_eo; i++) {
        if (number < (__int128)1 << 100)
            number = number * 10 + (text[i] - '0');
    }
    return number;
}

static void check_range(struct str header, const char *text, int64_t size)
{
    struct oci_range range;
    regmatch_t       match[3];
    struct err       err;
    int              found   = oci_range_parse(header, size, &range, &err);
    bool             is_form = text != NULL && regexec(&range_form, text, 3, match, 0) == 0;

    if (found == 1)
        ASSERT(range.from >= 0 && range.size > 0 && range.from <= size - range.size);
    if (!is_form || (match[1].rm_so == match[1].rm_eo && match[2].rm_so == match[2].rm_eo)) {
        ASSERT(found == 0);
        return;
    }

    __int128 first = number_of(text, match[1]);
    __int128 last  = number_of(text, match[2]);
    if (match[1].rm_so == match[1].rm_eo) {
        ASSERT(found == (last == 0 ? -1 : size == 0 ? 0 : 1));
        if (found == 1)
            ASSERT(range.size == (last < size ? last : size) && range.from == size - range.size);
        return;
    }
    bool is_open = match[2].rm_so == match[2].rm_eo;
    ASSERT(found == (!is_open && last < first && !(first > INT64_MAX && last > INT64_MAX) ? 0
                     : first >= size                                                      ? -1
                                                                                          : 1));
    if (found == 1)
        ASSERT(range.from == first &&
               range.size == (is_open || last >= size ? size : last + 1) - first);
}

static void check_content_range(struct str header, const char *text)
{
    struct oci_range range;
    regmatch_t       match[6];
    struct err       err;
    bool             is_good = text != NULL && regexec(&content_form, text, 6, match, 0) == 0;

    if (is_good) {
        __int128 first     = number_of(text, match[2]);
        __int128 last      = number_of(text, match[3]);
        bool     has_total = match[5].rm_so >= 0 && text[match[5].rm_so] != '*';

        is_good =
            first <= last && last < INT64_MAX && (!has_total || number_of(text, match[5]) > last);
        ASSERT((oci_content_range_parse(header, &range, &err) == 0) == is_good);
        if (is_good)
            ASSERT(range.from == first && range.size == last - first + 1);
        return;
    }
    ASSERT(oci_content_range_parse(header, &range, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    uint64_t                       object;

    compile_once();
    if (size < sizeof(object) || size > 300)
        return 0;
    memcpy(&object, data, sizeof(object));

    struct str  header = { .p = (const char *)data + sizeof(object), .n = size - sizeof(object) };
    const char *copy   = mem_strndup(arena, header.p, header.n);
    const char *text   = strlen(copy) == header.n ? copy : NULL;
    check_range(header, text, (int64_t)(object >> 1));
    check_range(header, text, (int64_t)(object & 0xff));
    check_content_range(header, text);
    return 0;
}
