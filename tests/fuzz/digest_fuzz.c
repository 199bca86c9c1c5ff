/* digest_fuzz.c: digests against their regular expression, media types against that of RFC 6838. */
#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RESTRICTED "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"

static regex_t digest_form;
static regex_t media_form;

static void compile_once(void)
{
    static bool is_done;

    if (is_done)
        return;
    ASSERT(regcomp(&digest_form, "^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$",
                   REG_EXTENDED | REG_NOSUB) == 0);
    ASSERT(regcomp(&media_form, "^" RESTRICTED "/" RESTRICTED "$", REG_EXTENDED | REG_NOSUB) == 0);
    is_done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct str                     text    = { .p = (const char *)data, .n = size };
    const char                    *copy    = mem_strndup(arena, text.p, size);
    bool                           is_text = strlen(copy) == size && size <= 400;
    struct oci_digest              digest;
    struct err                     err;

    compile_once();
    bool is_digest = is_text && regexec(&digest_form, copy, 0, NULL, 0) == 0;
    ASSERT((oci_digest_parse(text, &digest, &err) == 0) == is_digest);
    if (is_digest)
        ASSERT(str_eq(oci_digest_str(&digest), text));

    bool is_media = is_text && size <= 255 && regexec(&media_form, copy, 0, NULL, 0) == 0;
    ASSERT(oci_media_is_valid(text) == is_media);
    if (oci_media_class(text) != OCI_MEDIA_OTHER)
        ASSERT(oci_media_is_valid(oci_media_bare(text)));
    return 0;
}
