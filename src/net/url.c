/* net/url.c: the text is looked at before libcurl's parser sees it, because that one is kind: it understands http:/host,
 * 0x7f.1 and a backslash, and turns them into something else. What it then says of the host must be what stands there. */
#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { PORT_MAX = 65535, HOST_MAX = 253, LABEL_MAX = 63 };

/* What stands between the slashes and the path, and where it goes. */
struct authority {
    struct str host;
    struct str port; /* the null view: none */
};

static void end_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void end_part(char **part)
{
    curl_free(*part);
}

static char *part_of(CURLU *url, CURLUPart part)
{
    char        *text  = NULL;
    unsigned int flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;

    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

/* -- one spelling ------------------------------------------------------------------------------------- */

static bool is_plain_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '\\')
            return false;
    }
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static bool is_number(struct str label)
{
    struct str digits = label;

    if (str_starts(label, STR("0x")) || str_starts(label, STR("0X")))
        return true;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    }
    return true;
}

/* A name whose last label is a number is an address for some resolvers (inet_aton) and none for others. */
static bool is_name(struct str host)
{
    struct str rest  = host;
    struct str label = STR_NULL;

    if (host.n == 0 || host.n > HOST_MAX)
        return false;
    while (str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
        for (size_t i = 0; i < label.n; i++) {
            if (!is_name_byte(label.p[i]))
                return false;
        }
    }
    return !is_number(label);
}

static bool is_host(struct str host, struct net_url *out)
{
    if (str_starts(host, STR("["))) {
        out->is_literal = str_ends(host, STR("]")) && str_find(host, ':') > 0 &&
                          address_parse(host, &out->address);
        return out->is_literal;
    }
    if (str_find(host, ':') >= 0)
        return false;
    out->is_literal = address_parse(host, &out->address);
    return out->is_literal || is_name(host);
}

static bool is_port(struct str port)
{
    int64_t number;

    return port.n <= 5 && str_to_int(port, &number) && number > 0 && number <= PORT_MAX;
}

static struct authority authority_of(struct str text)
{
    struct str       rest = str_from_index(text, (size_t)str_find(text, ':') + 3);
    struct authority out  = { .port = STR_NULL };
    size_t           n    = 0;
    ptrdiff_t        colon;

    while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
        n++;
    out.host = str_sub(rest, 0, n);
    colon    = str_find_last(out.host, ':');
    if (colon >= 0 && !str_ends(out.host, STR("]"))) {
        out.port = str_from_index(out.host, (size_t)colon + 1);
        out.host = str_sub(out.host, 0, (size_t)colon);
    }
    return out;
}

static bool has_scheme(struct str text, struct str scheme)
{
    return text.n > scheme.n && str_eq_nocase(str_sub(text, 0, scheme.n), scheme);
}

static int check_text(struct str text, struct authority *out_authority, struct net_url *out,
                      struct err *err)
{
    if (text.n > NET_URL_MAX)
        return err_set(err, ERR_INVALID, "a URL has at most %d bytes", NET_URL_MAX);
    if (!is_plain_text(text))
        return err_set(err, ERR_INVALID,
                       "a URL holds no blanks, control bytes, backslashes or bytes beyond ASCII");
    out->is_plain = has_scheme(text, STR("http://"));
    if (!out->is_plain && !has_scheme(text, STR("https://")))
        return err_set(err, ERR_INVALID, "the URL begins neither with https:// nor with http://");

    *out_authority = authority_of(text);
    if (str_find(out_authority->host, '@') >= 0 ||
        (out_authority->port.p != NULL && str_find(out_authority->port, '@') >= 0))
        return err_set(err, ERR_INVALID, "a URL is no place for a user name or password");
    if (out_authority->port.p != NULL && !is_port(out_authority->port))
        return err_set(err, ERR_INVALID, "the URL's port is none");
    if (!is_host(out_authority->host, out))
        return err_set(err, ERR_INVALID,
                       "`" STR_FMT "` is neither a host name nor an address in its usual form",
                       STR_ARGS(str_sub(out_authority->host, 0, 200)));
    return 0;
}

/* -- what it is --------------------------------------------------------------------------------------- */

static struct str in_small(struct arena *arena, struct str text)
{
    char *copy = str_dup(arena, text);

    for (size_t i = 0; i < text.n; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return (struct str){ .p = copy, .n = text.n };
}

/* One that carries an address of IPv4 stays one of IPv6 here: it stood in brackets. */
static struct str print_v6(struct arena *arena, const struct address *address)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, address->bytes, text, sizeof(text));
    return str_from(mem_strdup(arena, text));
}

/* Whoever connects reads the host as we do. */
static bool is_same_host(const char *its, struct str host, const struct net_url *url)
{
    struct address address;

    if (its == NULL)
        return false;
    if (!url->is_literal)
        return str_eq_nocase(str_from(its), host);
    return address_parse(str_from(its), &address) &&
           memcmp(address.bytes, url->address.bytes, sizeof(address.bytes)) == 0;
}

static int read_parts(struct arena *arena, CURLU *handle, const struct authority *authority,
                      struct net_url *url, struct err *err)
{
    AUTO(end_part) char *text = part_of(handle, CURLUPART_URL);
    AUTO(end_part) char *host = part_of(handle, CURLUPART_HOST);
    AUTO(end_part) char *port = part_of(handle, CURLUPART_PORT);
    int64_t              number;

    if (text == NULL || port == NULL || !str_to_int(str_from(port), &number) ||
        !is_same_host(host, authority->host, url))
        return err_set(err, ERR_INVALID, "the URL can be read in two ways");
    bool is_bracketed = str_starts(authority->host, STR("["));
    url->text         = str_copy(arena, str_from(text));
    url->port         = (uint16_t)number;
    url->host   = is_bracketed ? print_v6(arena, &url->address) : in_small(arena, authority->host);
    url->origin = str_from(mem_printf(arena, "%s://%s" STR_FMT "%s:%u",
                                      url->is_plain ? "http" : "https", is_bracketed ? "[" : "",
                                      STR_ARGS(url->host), is_bracketed ? "]" : "", url->port));
    return 0;
}

int net_url_parse(struct arena *arena, struct str text, struct net_url *out, struct err *err)
{
    AUTO(end_url) CURLU *handle = curl_url();
    struct net_url       url    = { .is_plain = false };
    struct authority     authority;

    if (check_text(text, &authority, &url, err) < 0)
        return -1;
    if (curl_url_set(handle, CURLUPART_URL, str_dup(arena, text), 0) != CURLUE_OK)
        return err_set(err, ERR_INVALID, "the URL is none");
    curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
    if (read_parts(arena, handle, &authority, &url, err) < 0)
        return -1;
    *out = url;
    return 0;
}

/* "scheme:" in front. */
static bool is_absolute(struct str location)
{
    ptrdiff_t colon = str_find(location, ':');

    for (ptrdiff_t i = 0; i < colon; i++) {
        if (strchr("/?", location.p[i]) != NULL)
            return false;
    }
    return colon > 0;
}

int net_url_join(struct arena *arena, const struct net_url *from, struct str location,
                 struct net_url *out, struct err *err)
{
    AUTO(end_url) CURLU *handle = curl_url();
    AUTO(end_part) char *text   = NULL;
    ptrdiff_t            hash   = str_find(location, '#');

    if (hash >= 0)
        location = str_sub(location, 0, (size_t)hash);
    if (is_absolute(location))
        return net_url_parse(arena, location, out, err);
    if (location.n > NET_URL_MAX || !is_plain_text(location) ||
        curl_url_set(handle, CURLUPART_URL, from->text.p, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_URL, str_dup(arena, location), 0) != CURLUE_OK ||
        (text = part_of(handle, CURLUPART_URL)) == NULL)
        return err_set(err, ERR_INVALID, "the redirect leads to what is no URL");
    return net_url_parse(arena, str_from(text), out, err);
}
