/* head_fuzz.c: heads of answers from other servers, several in a row as libcurl hands them over. What is taken has a
 * status and at most so many headers, all of them views into the text, without line ends; and a wait that a server asks for
 * is bounded. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/call.h"
#include "net/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct str text, struct str view)
{
    ASSERT(view.p >= text.p && view.p + view.n <= text.p + text.n);
    ASSERT(view.n == 0 || memchr(view.p, '\n', view.n) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     text  = { .p = (const char *)data, .n = size };
    struct net_answer              answer;
    struct err                     err;

    if (size == 0 || net_head_parse(arena, text, &answer, &err) < 0)
        return 0;
    ASSERT(answer.status >= 100 && answer.status <= 999 && answer.n_headers <= NET_HEADERS_MAX);
    for (size_t i = 0; i < answer.n_headers; i++) {
        check_view(text, answer.headers[i].name);
        check_view(text, answer.headers[i].value);
        (void)net_head_is_header(answer.headers[i].name, answer.headers[i].value);
    }
    int64_t wait = net_head_retry_after(&answer, INT64_C(1790000000000000));
    ASSERT(wait >= 0 && wait <= INT64_C(86400000000));
    return 0;
}
