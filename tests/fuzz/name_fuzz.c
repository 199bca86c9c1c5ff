/* name_fuzz.c: repository names and tags against the regular expressions of the distribution spec. */
#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "oci/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"

static regex_t name_form;
static regex_t tag_form;
static regex_t reserved_end;

static void compile_once(void)
{
    static bool is_done;

    if (is_done)
        return;
    ASSERT(regcomp(&name_form, "^" COMPONENT "(/" COMPONENT ")+$", REG_EXTENDED | REG_NOSUB) == 0);
    ASSERT(regcomp(&tag_form, "^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$", REG_EXTENDED | REG_NOSUB) ==
           0);
    ASSERT(regcomp(&reserved_end, "/(blobs|manifests|tags|referrers|uploads)$",
                   REG_EXTENDED | REG_NOSUB) == 0);
    is_done = true;
}

static bool matches(const regex_t *form, const char *text)
{
    return regexec(form, text, 0, NULL, 0) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct str                     text    = { .p = (const char *)data, .n = size };
    const char                    *copy    = mem_strndup(arena, text.p, size);
    bool                           is_text = strlen(copy) == size;
    struct oci_reference           reference;
    struct err                     err;

    compile_once();
    if (size > 400)
        return 0;
    bool is_name =
        is_text && size <= 255 && matches(&name_form, copy) && !matches(&reserved_end, copy);
    ASSERT((oci_name_check(text, &err) == 0) == is_name);

    bool is_tag = is_text && matches(&tag_form, copy);
    ASSERT((oci_tag_check(text, &err) == 0) == is_tag);
    if (oci_reference_parse(text, &reference, &err) == 0)
        ASSERT(reference.is_digest ? str_eq(oci_digest_str(&reference.digest), text)
                                   : is_tag && str_eq(reference.tag, text));
    else
        ASSERT(!is_tag);
    return 0;
}
