/* api/page.c: pages of the management APIs. A page begins at a sort key that travels as base64url of a version
 * letter and the key: unsigned, for it is a filter value and nothing more; rights are decided anew each time. */
#include "api/call.h"

#include "base/mem.h"

/* clang-format off */
const struct api_param api_paging_params[] = {
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",     "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};

const struct api_param api_limit_params[] = {
    { "start", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "limit", "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count", "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};
/* clang-format on */

enum { VERSION = 'a', KEY_MAX = 1024, WORD_MAX = 255 };

static int refuse(struct str about, const char *what, const char *reason, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", about, "%s %s", what, reason);
}

static int read_start(struct api_call *call, const char *field, struct str *out, struct err *err)
{
    struct str text, bytes;

    *out = STR_NULL;
    if (api_query(call, field, "INVALID_PARAMETERS", &text, err) < 0)
        return -1;
    if (text.n == 0)
        return 0;
    if (text_base64url_parse(call->arena, text, &bytes, err) < 0 || bytes.n < 2 ||
        bytes.n > KEY_MAX || bytes.p[0] != VERSION || !text_is_utf8(bytes) ||
        str_find(bytes, '\0') >= 0)
        return refuse(text, field, "is not the start of a page that this registry gave", err);
    *out = str_from_index(bytes, 1);
    return 0;
}

static int read_size(struct api_call *call, const char *field, size_t *out, struct err *err)
{
    struct str text;
    int64_t    n;

    if (api_query(call, field, "INVALID_PARAMETERS", &text, err) < 0)
        return -1;
    if (text.p == NULL) {
        *out = API_PAGE;
        return 0;
    }

    bool is_number = text.n > 0 && text.n <= 19;
    for (size_t i = 0; i < text.n; i++)
        is_number &= text.p[i] >= '0' && text.p[i] <= '9';
    if (!is_number)
        return refuse(text, field, "is not a number of 1 to 19 digits", err);

    /* Nineteen nines do not fit 63 bits, and are simply a lot. */
    bool is_all = !str_to_int(text, &n) || n == 0 || n > API_PAGE_MAX;
    *out        = is_all ? API_PAGE_MAX : (size_t)n;
    return 0;
}

int api_paging_read(struct api_call *call, const char *start_field, const char *size_field,
                    struct api_paging *out, struct err *err)
{
    struct api_paging paging;

    if (read_start(call, start_field, &paging.start, err) < 0 ||
        read_size(call, size_field, &paging.size, err) < 0 ||
        api_query_flag(call, "count", false, &paging.wants_count, err) < 0)
        return -1;
    *out = paging;
    return 0;
}

struct str api_page_start(struct arena *arena, struct str sort_key)
{
    struct buf bytes;

    buf_init(&bytes, arena, KEY_MAX);
    buf_char(&bytes, VERSION);
    buf_str(&bytes, sort_key);
    return text_base64url_print(arena, buf_view(&bytes));
}

void api_reply_next_start(struct api_call *call, struct str sort_key)
{
    http_reply_header(call->req, "X-Next-Page-Start", api_page_start(call->arena, sort_key));
}

void api_reply_count(struct api_call *call, int64_t n)
{
    http_reply_headerf(call->req, "X-Resource-Count", "%lld", (long long)n);
}

int api_query_word(struct api_call *call, const char *name, struct str *out, struct err *err)
{
    struct str value;

    if (api_query(call, name, "INVALID_PARAMETERS", &value, err) < 0)
        return -1;
    if (value.n > WORD_MAX ||
        (value.p != NULL && (!text_is_utf8(value) || str_find(value, '\0') >= 0)))
        return refuse(STR_NULL, name, "is no text of at most 255 bytes", err);
    *out = value.n == 0 ? STR_NULL : value;
    return 0;
}

int api_query_flag(struct api_call *call, const char *name, bool otherwise, bool *out,
                   struct err *err)
{
    static const struct {
        const char *text;
        bool        means;
    } words[] = {
        { "true", true }, { "1", true }, { "", true }, { "false", false }, { "0", false }
    };
    struct str text;

    if (api_query(call, name, "INVALID_PARAMETERS", &text, err) < 0)
        return -1;
    if (text.p == NULL) {
        *out = otherwise;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(text, words[i].text)) {
            *out = words[i].means;
            return 0;
        }
    }
    return refuse(text, name, "is neither true nor false", err);
}
