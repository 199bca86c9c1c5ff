/* net/call.c: libcurl, told everything.
 *
 * The rules hang on three places: look_at_url before a hop, allow_socket when its address is known, and the loop of
 * hops in net_call. The easy handle is reset before each hop, so that no option of one request stays for the
 * next; its connections stay. */
#include "net/call.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum { HEADERS_MAX = 100, ORIGIN_MAX = 300 };

struct net {
    struct arena       *arena;
    struct net_settings settings;
    CURL               *easy;
};

/* Where a hop goes. */
struct target {
    struct str url;
    char       origin[ORIGIN_MAX]; /* scheme://host:port */
    bool       is_plain;
    bool       is_loopback;
};

/* One request and answer on the wire. */
struct hop {
    struct net               *net;
    struct arena             *arena;
    const struct net_request *request;
    struct target             target;
    struct buf                head;
    struct buf                body;
    bool                      is_refused; /* the address is not this machine's */
    char                      reason[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int net_open(const struct net_settings *settings, struct net **out, struct err *err)
{
    struct arena *arena = arena_new();
    struct net   *net   = mem_one(arena, struct net);

    pthread_once(&once, begin_curl);
    net->arena             = arena;
    net->settings          = *settings;
    net->settings.agent    = str_copy(arena, settings->agent);
    net->settings.cacert   = str_copy(arena, settings->cacert);
    net->settings.proxy    = str_copy(arena, settings->proxy);
    net->settings.no_proxy = str_copy(arena, settings->no_proxy);
    net->easy              = curl_easy_init();
    if (net->easy == NULL) {
        arena_free(&arena);
        return err_set(err, ERR_INTERNAL, "libcurl does not start");
    }
    *out = net;
    return 0;
}

void net_close(struct net **net)
{
    if (*net == NULL)
        return;
    struct arena *arena = (*net)->arena;
    curl_easy_cleanup((*net)->easy);
    arena_free(&arena);
    *net = NULL;
}

/* -- where it may go ---------------------------------------------------------------------------------- */

bool net_is_loopback(struct str host)
{
    struct str rest = host, part;
    int64_t    number;
    int        n_parts = 0;

    if (str_eq_nocase(host, STR("localhost")) || str_is(host, "::1") || str_is(host, "[::1]"))
        return true;
    if (!str_starts(host, STR("127.")))
        return false;
    while (str_next(&rest, '.', &part)) {
        if (!str_to_int(part, &number) || number > 255)
            return false;
        n_parts++;
    }
    return n_parts == 4;
}

/* A part of the URL, or "" when it has none; to be given back with curl_free. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

static void end_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void end_part(char **part)
{
    curl_free(*part);
}

/* The rules for one address, and what the rest needs to know about it. */
static int look_at_url(const struct net *net, struct arena *arena, struct str text,
                       struct target *out, struct err *err)
{
    AUTO(end_url) CURLU *url  = curl_url();
    const char          *copy = str_dup(arena, text);

    if (text.n > NET_URL_MAX || strlen(copy) != text.n ||
        curl_url_set(url, CURLUPART_URL, copy, 0) != CURLUE_OK)
        return err_set(err, ERR_INVALID, "`" STR_FMT "` is no URL",
                       STR_ARGS(str_sub(text, 0, 200)));

    AUTO(end_part) char *scheme = part_of(url, CURLUPART_SCHEME);
    AUTO(end_part) char *host   = part_of(url, CURLUPART_HOST);
    AUTO(end_part) char *port   = part_of(url, CURLUPART_PORT);
    AUTO(end_part) char *user   = part_of(url, CURLUPART_USER);

    if (host == NULL || port == NULL ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return err_set(err, ERR_INVALID, "`" STR_FMT "` is neither http:// nor https://",
                       STR_ARGS(str_sub(text, 0, 200)));
    if (user != NULL)
        return err_set(err, ERR_INVALID, "a URL is no place for a user name or password");

    struct target target = { .url         = str_from(copy),
                             .is_plain    = strcmp(scheme, "http") == 0,
                             .is_loopback = net_is_loopback(str_from(host)) };
    snprintf(target.origin, sizeof(target.origin), "%s://%s:%s", scheme, host, port);
    if (target.is_plain && !target.is_loopback && !net->settings.may_plain)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, str_from(host),
                            "plain HTTP to %s would show what is sent to everyone on the way",
                            host);
    *out = target;
    return 0;
}

static bool is_loopback_address(const struct sockaddr *address)
{
    static const unsigned char mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
           memcmp(&in6->sin6_addr, mapped, sizeof(mapped)) == 0;
}

/* A name that says "localhost" and resolves to somewhere else does not get the password. */
static curl_socket_t allow_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct hop *hop = context;

    (void)purpose;
    if (hop->target.is_plain && !hop->net->settings.may_plain && !is_loopback_address(&to->addr)) {
        hop->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* -- one hop ------------------------------------------------------------------------------------------ */

static size_t take_bytes(char *bytes, size_t one, size_t n, void *context)
{
    struct buf *buf = context;

    buf_add(buf, bytes, one * n);
    return buf->is_full ? 0 : one * n;
}

static void end_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static int has_line_end(struct str s)
{
    return s.n > 0 && (memchr(s.p, '\n', s.n) != NULL || memchr(s.p, '\r', s.n) != NULL ||
                       memchr(s.p, '\0', s.n) != NULL);
}

static bool is_credential(struct str header)
{
    return str_eq_nocase(header, STR("Authorization")) || str_eq_nocase(header, STR("Cookie"));
}

/* Methods that say Content-Length: 0 when there is no body (RFC 9110, 8.6). */
static bool wants_body(const struct net_request *request)
{
    return str_is(request->method, "POST") || str_is(request->method, "PUT") ||
           str_is(request->method, "PATCH");
}

static int list_headers(const struct hop *hop, bool with_credentials, struct curl_slist **out,
                        struct err *err)
{
    const struct net_request *request = hop->request;

    *out = curl_slist_append(NULL, "Expect:"); /* bodies are small: no question before them */
    if (request->body.p == NULL)
        *out = curl_slist_append(*out, "Content-Type:"); /* libcurl would name one */
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct net_header *header = &request->headers[i];

        if (header->name.n == 0 || has_line_end(header->name) || has_line_end(header->value))
            return err_set(err, ERR_INVALID, "a header may not hold a line end");
        if (!with_credentials && is_credential(header->name))
            continue;
        *out = curl_slist_append(*out, mem_printf(hop->arena, STR_FMT ": " STR_FMT,
                                                  STR_ARGS(header->name), STR_ARGS(header->value)));
    }
    return 0;
}

static long in_ms(int64_t us)
{
    return us <= 0 ? 0 : (long)(us / 1000 + 1);
}

static void set_transport(struct hop *hop)
{
    const struct net_settings *settings  = &hop->net->settings;
    CURL                      *easy      = hop->net->easy;
    bool                       is_direct = settings->proxy.p == NULL || hop->target.is_loopback;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, hop->target.is_plain ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, is_direct ? "" : settings->proxy.p);
    curl_easy_setopt(easy, CURLOPT_NOPROXY,
                     settings->no_proxy.p == NULL ? "" : settings->no_proxy.p);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (settings->cacert.p != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->cacert.p);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, in_ms(settings->connect_us));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, in_ms(settings->total_us));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, in_ms(settings->stall_us) / 1000);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->reason);
    if (is_direct) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, allow_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop);
    }
}

static void set_request(struct hop *hop, bool with_credentials)
{
    const struct net_request *request = hop->request;
    CURL                     *easy    = hop->net->easy;

    curl_easy_setopt(easy, CURLOPT_URL, hop->target.url.p);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, hop->net->settings.agent.p);
    if (str_is(request->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->body.p != NULL || wants_body(request)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.p == NULL ? "" : request->body.p);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, str_dup(hop->arena, request->method));
    if (request->user.p != NULL && with_credentials) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, str_dup(hop->arena, request->user));
        curl_easy_setopt(easy, CURLOPT_PASSWORD, str_dup(hop->arena, request->password));
    }
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &hop->head);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &hop->body);
}

static int fail(const struct hop *hop, CURLcode code, struct err *err)
{
    const char *origin = hop->target.origin;
    const char *reason = hop->reason[0] != '\0' ? hop->reason : curl_easy_strerror(code);

    if (hop->is_refused)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, str_from(origin),
                            "%s is not on this machine: plain HTTP would show what is sent",
                            origin);
    if (hop->body.is_full)
        return err_set(err, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", origin,
                       hop->body.max);
    if (hop->head.is_full)
        return err_set(err, ERR_TOO_LARGE, "the headers of %s are larger than %d bytes", origin,
                       NET_HEAD_MAX);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set_code(err, ERR_DENIED, NET_UNTRUSTED, str_from(origin),
                            "the certificate of %s is not trusted: %s", origin, reason);
    if (code == CURLE_SSL_CACERT_BADFILE)
        return err_set(err, ERR_INVALID, "the CA file: %s", reason);
    return err_set(err, ERR_UNAVAILABLE, "%s: %s", origin, reason);
}

static int run_hop(struct hop *hop, bool with_credentials, struct err *err)
{
    AUTO(end_list) struct curl_slist *headers = NULL;

    buf_init(&hop->head, hop->arena, NET_HEAD_MAX);
    buf_init(&hop->body, hop->arena, hop->net->settings.answer_max);
    hop->reason[0] = '\0';
    if (list_headers(hop, with_credentials, &headers, err) < 0)
        return -1;

    curl_easy_reset(hop->net->easy);
    set_transport(hop);
    set_request(hop, with_credentials);
    curl_easy_setopt(hop->net->easy, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(hop->net->easy);
    if (code != CURLE_OK)
        fail(hop, code, err);
    curl_easy_reset(hop->net->easy); /* it points into this hop */
    return code == CURLE_OK ? 0 : -1;
}

/* -- the answer --------------------------------------------------------------------------------------- */

/* Lines of the last head: what stands before it was 100 Continue or the proxy's. */
static int read_head(struct hop *hop, struct net_answer *answer, struct err *err)
{
    struct str rest = buf_view(&hop->head), line, name;
    int64_t    status;

    if (!str_ends(rest, STR("\n\r\n")) && !str_ends(rest, STR("\n\n")))
        return err_set(err, ERR_UNAVAILABLE, "%s broke off its answer", hop->target.origin);
    answer->headers = mem_many(hop->arena, HEADERS_MAX, struct net_header);
    while (str_next(&rest, '\n', &line)) {
        if (str_starts(line, STR("HTTP/"))) {
            str_next(&line, ' ', &name);
            answer->n_headers = 0;
            if (!str_to_int(str_sub(line, 0, 3), &status))
                return err_set(err, ERR_UNAVAILABLE, "%s does not speak HTTP", hop->target.origin);
            answer->status = (int)status;
            continue;
        }
        if (str_ends(line, STR("\r")))
            line.n--;
        str_next(&line, ':', &name);
        if (line.p == NULL || answer->n_headers == HEADERS_MAX)
            continue;
        answer->headers[answer->n_headers++] =
            (struct net_header){ .name = name, .value = str_trim(line) };
    }
    answer->body = buf_view(&hop->body);
    if (answer->body.p == NULL)
        answer->body = STR("");
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

static bool is_redirect(const struct net_request *request, const struct net_answer *answer)
{
    bool is_safe = str_is(request->method, "GET") || str_is(request->method, "HEAD");
    int  status  = answer->status;

    return request->follows && is_safe && net_header(answer, "Location").p != NULL &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Location may be relative. */
static int find_next(const struct hop *hop, struct str location, struct target *out,
                     struct err *err)
{
    AUTO(end_url) CURLU *url  = curl_url();
    AUTO(end_part) char *text = NULL;

    if (curl_url_set(url, CURLUPART_URL, hop->target.url.p, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, str_dup(hop->arena, location), 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return err_set(err, ERR_UNAVAILABLE, "%s leads nowhere", hop->target.origin);
    if (look_at_url(hop->net, hop->arena, str_from(text), out, err) < 0)
        return err_wrap(err, "%s leads on", hop->target.origin);
    if (out->is_plain && !hop->target.is_plain)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, str_from(out->origin),
                            "%s leads from HTTPS to plain HTTP", hop->target.origin);
    return 0;
}

int net_call(struct net *net, struct arena *arena, const struct net_request *request,
             struct net_answer *out, struct err *err)
{
    struct hop        hop    = { .net = net, .arena = arena, .request = request };
    struct net_answer answer = { 0 };
    struct target     first, next;

    if (look_at_url(net, arena, request->url, &first, err) < 0)
        return -1;
    hop.target = first;
    for (int n = 0;; n++) {
        if (run_hop(&hop, strcmp(hop.target.origin, first.origin) == 0, err) < 0 ||
            read_head(&hop, &answer, err) < 0)
            return -1;
        if (!is_redirect(request, &answer))
            break;
        if (n == NET_REDIRECTS_MAX)
            return err_set(err, ERR_UNAVAILABLE, "%s leads on and on", first.origin);
        if (find_next(&hop, net_header(&answer, "Location"), &next, err) < 0)
            return -1;
        hop.target = next;
    }
    *out = answer;
    return 0;
}
