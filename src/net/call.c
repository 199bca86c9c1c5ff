/* net/call.c: the rules of the command line's own requests. They hang on three places: look_at_url before a hop,
 * allow_socket when its address is known, and the loop of hops in net_call. What a hop tells libcurl is in hop.c. */
#include "net/call.h"

#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/head.h"
#include "net/hop_private.h"
#include "net/url.h"
#include "net/vet.h"

struct net {
    struct arena       *arena;
    struct net_settings settings;
    CURL               *easy;
    bool                goes_plain; /* the hop under way */
};

int net_open(const struct net_settings *settings, struct net **out, struct err *err)
{
    struct arena *arena = arena_new();
    struct net   *net   = mem_one(arena, struct net);

    net->arena             = arena;
    net->settings          = *settings;
    net->settings.agent    = str_copy(arena, settings->agent);
    net->settings.cacert   = str_copy(arena, settings->cacert);
    net->settings.proxy    = str_copy(arena, settings->proxy);
    net->settings.no_proxy = str_copy(arena, settings->no_proxy);
    net->easy              = net_hop_handle();
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

static bool is_near(const struct net_url *url)
{
    return net_is_loopback(url->host);
}

static int look_at_url(const struct net *net, struct arena *arena, struct str text,
                       struct net_url *out, struct err *err)
{
    struct net_url url;

    if (net_url_parse(arena, text, &url, err) < 0)
        return -1;
    if (url.is_plain && !is_near(&url) && !net->settings.may_plain)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, url.host,
                            "plain HTTP to " STR_FMT
                            " would show what is sent to everyone on the way",
                            STR_ARGS(url.host));
    *out = url;
    return 0;
}

static bool is_loopback_address(const struct sockaddr *socket)
{
    struct address address;
    const char    *kind;

    address_from_socket(socket, &address);
    kind = net_vet_kind(&address);
    return kind != NULL && strcmp(kind, "loopback") == 0;
}

/* A name that says "localhost" and resolves to somewhere else does not get the password. */
static bool allow_socket(void *context, const struct sockaddr *to)
{
    const struct net *net = context;

    return !net->goes_plain || net->settings.may_plain || is_loopback_address(to);
}

/* -- one hop ------------------------------------------------------------------------------------------ */

static int fail(const struct net_hop *hop, struct err *err)
{
    const char *origin = hop->url->origin.p;
    const char *reason = hop->reason[0] != '\0' ? hop->reason : curl_easy_strerror(hop->code);

    if (hop->is_refused)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, hop->url->origin,
                            "%s is not on this machine: plain HTTP would show what is sent",
                            origin);
    if (hop->body.is_full)
        return err_set(err, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", origin,
                       hop->body.max);
    if (hop->head.is_full)
        return err_set(err, ERR_TOO_LARGE, "the headers of %s are larger than %d bytes", origin,
                       NET_HEAD_MAX);
    if (hop->code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set_code(err, ERR_DENIED, NET_UNTRUSTED, hop->url->origin,
                            "the certificate of %s is not trusted: %s", origin, reason);
    if (hop->code == CURLE_SSL_CACERT_BADFILE)
        return err_set(err, ERR_INVALID, "the CA file: %s", reason);
    return err_set(err, ERR_UNAVAILABLE, "%s: %s", origin, reason);
}

static int run_hop(struct net *net, struct arena *arena, const struct net_request *request,
                   const struct net_url *url, bool with_credentials, struct net_answer *out,
                   struct err *err)
{
    const struct net_settings *settings = &net->settings;
    struct net_way             way      = {
                         .agent      = settings->agent,
                         .proxy      = is_near(url) ? STR_NULL : settings->proxy,
                         .no_proxy   = settings->no_proxy,
                         .ca_file    = settings->cacert,
                         .connect_us = settings->connect_us,
                         .stall_us   = settings->stall_us,
                         .total_us   = settings->total_us,
    };
    struct net_hop hop = { .arena            = arena,
                           .easy             = net->easy,
                           .way              = &way,
                           .url              = url,
                           .request          = request,
                           .with_credentials = with_credentials,
                           .answer_max       = settings->answer_max,
                           .allow            = way.proxy.p == NULL ? allow_socket : NULL,
                           .context          = net };

    net->goes_plain = url->is_plain;
    if (net_hop_run(&hop, err) < 0)
        return -1;
    if (hop.code != CURLE_OK)
        return fail(&hop, err);
    if (net_head_parse(arena, buf_view(&hop.head), out, err) < 0)
        return err_wrap(err, "%s", url->origin.p);
    out->body = buf_view(&hop.body);
    if (out->body.p == NULL)
        out->body = STR("");
    return 0;
}

/* Location may be relative. */
static int find_next(const struct net *net, struct arena *arena, const struct net_url *from,
                     struct str location, struct net_url *out, struct err *err)
{
    struct net_url url;

    if (net_url_join(arena, from, location, &url, err) < 0 ||
        look_at_url(net, arena, url.text, &url, err) < 0)
        return err_wrap(err, "%s leads on", from->origin.p);
    if (url.is_plain && !from->is_plain)
        return err_set_code(err, ERR_DENIED, NET_PLAIN, url.origin,
                            "%s leads from HTTPS to plain HTTP", from->origin.p);
    *out = url;
    return 0;
}

int net_call(struct net *net, struct arena *arena, const struct net_request *request,
             struct net_answer *out, struct err *err)
{
    struct net_answer answer;
    struct net_url    first, url;

    if (look_at_url(net, arena, request->url, &first, err) < 0)
        return -1;
    url = first;
    for (int n = 0;; n++) {
        bool is_home = str_eq(url.origin, first.origin);

        if (run_hop(net, arena, request, &url, is_home, &answer, err) < 0)
            return -1;
        if (!request->follows || !net_hop_is_redirect(request, &answer))
            break;
        if (n == NET_REDIRECTS_MAX)
            return err_set(err, ERR_UNAVAILABLE, "%s leads on and on", first.origin.p);
        if (find_next(net, arena, &url, net_header(&answer, "Location"), &url, err) < 0)
            return -1;
    }
    *out = answer;
    return 0;
}
