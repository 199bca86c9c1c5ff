/* conf/form.c: what a value must look like where its type does not say it. Whoever uses the value parses
 * it anew and knows more; here a slip of the pen is found at start, with its file and line. */
#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/public_key.h"
#include "codec/text.h"
#include "conf/conf_private.h"

enum { ADDRESS_MAX = 64, PORT_MAX = 65535, BANNER_MAX = 2048 };

static bool is_address(struct str text, int family)
{
    char            terminated[ADDRESS_MAX];
    struct in6_addr room;

    if (text.n >= sizeof(terminated))
        return false;
    memcpy(terminated, text.p, text.n);
    terminated[text.n] = '\0';
    return inet_pton(family, terminated, &room) == 1;
}

static bool is_number_to(struct str text, int64_t max)
{
    int64_t number;

    return text.n <= 5 && str_to_int(text, &number) && number <= max;
}

bool conf_form_listen(struct str value)
{
    ptrdiff_t colon = str_find_last(value, ':');

    if (colon < 0 || !is_number_to(str_from_index(value, (size_t)colon + 1), PORT_MAX))
        return false;

    struct str host = str_sub(value, 0, (size_t)colon);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        return is_address(str_sub(host, 1, host.n - 2), AF_INET6);
    return str_is(host, "localhost") || is_address(host, AF_INET);
}

bool conf_form_network(struct str value)
{
    struct str address;
    struct str bits = value;

    str_next(&bits, '/', &address);
    bool is_ipv4 = is_address(address, AF_INET);
    if (!is_ipv4 && !is_address(address, AF_INET6))
        return false;
    return bits.p == NULL || is_number_to(bits, is_ipv4 ? 32 : 128);
}

/* A name or an address literal; which of both decides whoever connects. */
static bool is_host(struct str host)
{
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        return is_address(str_sub(host, 1, host.n - 2), AF_INET6);
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '.')
            return false;
    }
    return host.n > 0 && host.p[0] != '.' && host.p[0] != '-';
}

static struct str after_scheme(struct str value)
{
    static const char *const heads[] = { "http://", "https://" };

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (str_starts(value, str_from(heads[i])))
            return str_from_index(value, strlen(heads[i]));
    }
    return STR_NULL;
}

static bool is_host_and_port(struct str host)
{
    ptrdiff_t colon = str_find_last(host, ':');

    if (colon < 0 || str_ends(host, STR("]")))
        return is_host(host);
    return is_host(str_sub(host, 0, (size_t)colon)) &&
           is_number_to(str_from_index(host, (size_t)colon + 1), PORT_MAX);
}

bool conf_form_url(struct str value)
{
    struct str host = after_scheme(value);

    return host.p != NULL && is_host_and_port(host);
}

/* A user and a password may stand in front. */
bool conf_form_proxy(struct str value)
{
    struct str rest = after_scheme(value);
    ptrdiff_t  at   = str_find_last(rest, '@');

    if (str_ends(rest, STR("/")))
        rest.n--;
    for (ptrdiff_t i = 0; i < at; i++) {
        if (rest.p[i] <= ' ' || rest.p[i] > '~' || strchr("/?#@", rest.p[i]) != NULL)
            return false;
    }
    return rest.p != NULL && is_host_and_port(str_from_index(rest, (size_t)(at + 1)));
}

bool conf_form_certificates(struct str value)
{
    struct err ignored; /* whoever saves it elsewhere says more */

    return str_is(value, "off") || public_key_check_bundle(value, &ignored) == 0;
}

static bool starts_with_one_of(struct str value, const char *const *heads, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(value, str_from(heads[i])) && value.n > strlen(heads[i]))
            return true;
    }
    return false;
}

bool conf_form_database(struct str value)
{
    static const char *const heads[] = { "sqlite:", "postgres://", "postgresql://" };

    return starts_with_one_of(value, heads, ARRAY_LEN(heads));
}

bool conf_form_storage(struct str value)
{
    static const char *const heads[] = { "file:" };

    return str_is(value, "mem:") || starts_with_one_of(value, heads, ARRAY_LEN(heads));
}

bool conf_form_banner(struct str value)
{
    return value.n <= BANNER_MAX && text_is_utf8(value);
}
