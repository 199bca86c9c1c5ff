/* net/head.c: reading is tolerant, as clients are: a line without a colon is no header and does no harm. */
#include "net/head.h"

#include <curl/curl.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/call.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (24 * 3600 * SECOND_US)

int net_head_parse(struct arena *arena, struct str text, struct net_answer *out, struct err *err)
{
    struct net_answer answer = { .headers = mem_many(arena, NET_HEADERS_MAX, struct net_header) };
    struct str        rest   = text, line, name;
    int64_t           status;

    if (!str_ends(text, STR("\n\r\n")) && !str_ends(text, STR("\n\n")))
        return err_set(err, ERR_UNAVAILABLE, "its answer breaks off");
    while (str_next(&rest, '\n', &line)) {
        if (str_starts(line, STR("HTTP/"))) {
            str_next(&line, ' ', &name);
            answer.n_headers = 0;
            if (line.p == NULL || !str_to_int(str_sub(line, 0, 3), &status) || status < 100)
                return err_set(err, ERR_UNAVAILABLE, "it does not speak HTTP");
            answer.status = (int)status;
            continue;
        }
        if (str_ends(line, STR("\r")))
            line.n--;
        str_next(&line, ':', &name);
        if (line.p == NULL || answer.n_headers == NET_HEADERS_MAX)
            continue;
        answer.headers[answer.n_headers++] =
            (struct net_header){ .name = name, .value = str_trim(line) };
    }
    if (answer.status == 0)
        return err_set(err, ERR_UNAVAILABLE, "it does not speak HTTP");
    *out = answer;
    return 0;
}

struct str net_header(const struct net_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (str_eq_nocase(answer->headers[i].name, str_from(name)))
            return answer->headers[i].value;
    }
    return STR_NULL;
}

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool net_head_is_header(struct str name, struct str value)
{
    for (size_t i = 0; i < name.n; i++) {
        if (!is_token_byte(name.p[i]))
            return false;
    }
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return name.n > 0;
}

bool net_head_is_credential(struct str name)
{
    return str_eq_nocase(name, STR("Authorization")) || str_eq_nocase(name, STR("Cookie"));
}

int64_t net_head_retry_after(const struct net_answer *answer, int64_t now)
{
    struct str text     = net_header(answer, "Retry-After");
    char       copy[64] = "";
    int64_t    wait     = 0;

    if (text.n > 0 && text.n <= 9 && str_to_int(text, &wait))
        wait *= SECOND_US;
    else if (text.n > 0 && text.n < sizeof(copy)) {
        memcpy(copy, text.p, text.n);
        time_t at = curl_getdate(copy, NULL);
        wait      = at < 0 ? 0 : (int64_t)at * SECOND_US - now;
    }
    if (wait < 0)
        return 0;
    return wait > DAY_US ? DAY_US : wait;
}
