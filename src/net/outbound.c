/* net/outbound.c: the rules of what a server sends out.
 *
 * A call is a row of hops. Each hop is looked at (its port, plain HTTP, whose name it is), takes a place of its origin, a
 * handle of the pool, and addresses that were vetted; allow_socket sees the last word of libcurl on where it
 * connects. judge says what came of it, in words that tell nothing of the network. */
#include "net/outbound.h"

#include <ifaddrs.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/public_key.h"
#include "io/clock.h"
#include "net/head.h"
#include "net/hop_private.h"
#include "net/limit.h"
#include "net/pool.h"
#include "net/proxy.h"
#include "net/resolve.h"
#include "net/url.h"
#include "net/vet.h"

#define SECOND_US INT64_C(1000000)
#define NAME_AGE_US (30 * SECOND_US)

enum {
    AT_ONCE       = 64,
    A_QUARTER     = 4,
    IDLE_MAX      = 256,
    ANSWER_MAX    = 64 * 1024,
    MIN_RATE      = 1024,
    ADDRESSES_TRY = 16, /* of a name's addresses; all are vetted */
    CAUSE_MAX     = 400
};

struct net_outbound {
    struct arena                *arena;
    struct net_outbound_settings settings;
    struct net_vet               vet;
    struct net_limit            *limit;
    struct net_pool             *pool;
    pthread_rwlock_t             ca_lock;
    struct arena                *ca_arena;
    struct str                   ca; /* beside the system's; the null view: none */
};

/* One hop of a call. */
struct errand {
    struct net_outbound               *outbound;
    struct arena                      *arena;
    const struct net_outbound_request *request;
    const struct net_url              *url;
    struct str                         proxy; /* the null view: straight there */
    struct str                         ca;
    bool                               is_home; /* the origin that credentials are for */
    bool                               only_listed;
    bool                               has_answered;
    char                               cause[CAUSE_MAX]; /* for the operator */
};

/* -- the module --------------------------------------------------------------------------------------- */

/* Addresses of this machine count as if they were not public. */
static void list_own(struct arena *arena, struct networks *out)
{
    struct ifaddrs *list = NULL;
    size_t          n    = 0;

    if (getifaddrs(&list) < 0)
        return;
    for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
        n++;
    out->networks = mem_many(arena, n + 1, struct network);
    for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        if (at->ifa_addr == NULL ||
            (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
            continue;
        struct network *network = &out->networks[out->n++];
        address_from_socket(at->ifa_addr, &network->address);
        network->n_bits = 128;
    }
    freeifaddrs(list);
}

static void copy_settings(struct net_outbound                *outbound,
                          const struct net_outbound_settings *settings)
{
    struct arena                 *arena = outbound->arena;
    struct net_outbound_settings *own   = &outbound->settings;
    struct str                   *names = mem_many(arena, settings->n_own_names + 1, struct str);

    *own             = *settings;
    own->agent       = str_copy(arena, settings->agent);
    own->http_proxy  = str_copy(arena, settings->http_proxy);
    own->https_proxy = str_copy(arena, settings->https_proxy);
    own->no_proxy    = str_copy(arena, settings->no_proxy);
    for (size_t i = 0; i < settings->n_own_names; i++)
        names[i] = str_copy(arena, settings->own_names[i]);
    own->own_names = names;
    if (own->n_all == 0)
        own->n_all = AT_ONCE;
    if (own->n_origin == 0)
        own->n_origin = own->n_all < A_QUARTER ? 1 : own->n_all / A_QUARTER;
    if (own->resolve == NULL)
        own->resolve = net_resolve;
}

int net_outbound_new(const struct net_outbound_settings *settings, struct net_outbound **out,
                     struct err *err)
{
    AUTO(net_outbound_free) struct net_outbound *outbound = mem_new(struct net_outbound);

    outbound->arena = arena_new();
    pthread_rwlock_init(&outbound->ca_lock, NULL);
    copy_settings(outbound, settings);
    if (networks_parse(outbound->arena, settings->allow, &outbound->vet.allow, err) < 0)
        return -1;
    list_own(outbound->arena, &outbound->vet.own);
    outbound->limit = net_limit_new(outbound->settings.n_all, outbound->settings.n_origin);
    outbound->pool  = net_pool_new(IDLE_MAX);
    *out            = TAKE(outbound);
    return 0;
}

void net_outbound_free(struct net_outbound **outbound)
{
    if (*outbound == NULL)
        return;
    net_pool_free(&(*outbound)->pool);
    net_limit_free(&(*outbound)->limit);
    pthread_rwlock_destroy(&(*outbound)->ca_lock);
    arena_free(&(*outbound)->ca_arena);
    arena_free(&(*outbound)->arena);
    mem_free(*outbound);
    *outbound = NULL;
}

/* -- authorities -------------------------------------------------------------------------------------- */

int net_outbound_check_ca(struct str pem, struct err *err)
{
    return public_key_check_bundle(pem, err);
}

int net_outbound_set_ca(struct net_outbound *outbound, struct str pem, struct err *err)
{
    struct arena *arena = NULL, *old;

    if (pem.n > 0 && net_outbound_check_ca(pem, err) < 0)
        return -1;
    if (pem.n > 0)
        arena = arena_new();
    pthread_rwlock_wrlock(&outbound->ca_lock);
    old                = outbound->ca_arena;
    outbound->ca_arena = arena;
    outbound->ca       = arena == NULL ? STR_NULL : str_copy(arena, pem);
    pthread_rwlock_unlock(&outbound->ca_lock);
    arena_free(&old);
    return 0;
}

static struct str copy_ca(struct net_outbound *outbound, struct arena *arena)
{
    pthread_rwlock_rdlock(&outbound->ca_lock);
    struct str ca = str_copy(arena, outbound->ca);
    pthread_rwlock_unlock(&outbound->ca_lock);
    return ca;
}

/* -- where it may go ---------------------------------------------------------------------------------- */

static bool is_own_name(const struct net_outbound *outbound, struct str host)
{
    for (size_t i = 0; i < outbound->settings.n_own_names; i++) {
        if (str_eq_nocase(outbound->settings.own_names[i], host))
            return true;
    }
    return false;
}

static bool needs_listing(const struct net_outbound *outbound, const struct net_url *url)
{
    return url->is_plain || is_own_name(outbound, url->host);
}

static int check_url(const struct net_url *url, bool may_plain, struct err *err)
{
    if (url->is_plain && !may_plain)
        return err_set(err, ERR_INVALID,
                       "plain HTTP shows what is sent to everyone on the way: use https://, or say "
                       "skipTLSVerification for a host in a network of egress-allow");
    if (!net_vet_port(url->port))
        return err_set(err, ERR_INVALID, "port %u is not one of HTTP", url->port);
    return 0;
}

/* The first address that is forbidden, or null. */
static const struct address *find_forbidden(const struct net_vet       *vet,
                                            const struct net_addresses *addresses, bool only_listed)
{
    for (size_t i = 0; i < addresses->n; i++) {
        if (!net_vet_address(vet, &addresses->list[i], only_listed))
            return &addresses->list[i];
    }
    return NULL;
}

/* A literal is its own only address. */
static int resolve(const struct net_outbound *outbound, struct arena *arena,
                   const struct net_url *url, int64_t timeout_us, struct net_addresses *out,
                   struct err *err)
{
    if (!url->is_literal)
        return outbound->settings.resolve(arena, url->host, timeout_us, out, err);
    out->list    = mem_one(arena, struct address);
    out->list[0] = url->address;
    out->n       = 1;
    return 0;
}

int net_outbound_check(struct net_outbound *outbound, struct str text, bool may_plain,
                       struct err *err)
{
    AUTO(arena_free) struct arena *arena     = arena_new();
    struct net_addresses           addresses = { .n = 0 };
    struct net_url                 url;
    struct err                     ignored; /* a name that does not resolve now may do so later */

    if (net_url_parse(arena, text, &url, err) < 0 || check_url(&url, may_plain, err) < 0)
        return -1;
    bool is_known =
        resolve(outbound, arena, &url, 2 * SECOND_US, &addresses, &ignored) == 0 && addresses.n > 0;
    if (!is_known && !is_own_name(outbound, url.host))
        return 0;
    if (!is_known ||
        find_forbidden(&outbound->vet, &addresses, needs_listing(outbound, &url)) != NULL)
        return err_set(err, ERR_INVALID,
                       STR_FMT " may not be reached from here: it is %s and in no network of "
                               "egress-allow",
                       STR_ARGS(str_sub(url.host, 0, 200)),
                       url.is_plain ? "asked for by plain HTTP" : "no public host");
    return 0;
}

static bool allow_socket(void *context, const struct sockaddr *to)
{
    struct errand *errand = context;
    struct address address;
    char           text[ADDRESS_TEXT_MAX];

    address_from_socket(to, &address);
    if (net_vet_address(&errand->outbound->vet, &address, errand->only_listed))
        return true;
    address_print(&address, text);
    snprintf(errand->cause, sizeof(errand->cause), "its address %s is not allowed", text);
    return false;
}

static bool should_stop(void *context)
{
    const struct net_outbound_request *request = ((struct errand *)context)->request;

    return request->should_stop != NULL && request->should_stop(request->context);
}

/* -- what it takes along ------------------------------------------------------------------------------ */

static int64_t or_else(int64_t value, int64_t standard)
{
    return value > 0 ? value : standard;
}

static int no_answer(const struct errand *errand, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no answer from " STR_FMT, STR_ARGS(errand->url->origin));
}

static void add_text(struct hash *hash, struct str text)
{
    uint64_t n = text.p == NULL ? UINT64_MAX : text.n;

    hash_add(hash, &n, sizeof(n));
    hash_add(hash, text.p, text.n);
}

/* Who shares a connection: same origin, way, trust and credentials. */
static void key_of(const struct errand *errand, unsigned char key[HASH_MAX])
{
    const struct net_request *request = &errand->request->request;
    struct hash               hash;

    hash_init(&hash, HASH_SHA256);
    add_text(&hash, errand->url->origin);
    add_text(&hash, errand->proxy);
    add_text(&hash, errand->request->ca);
    add_text(&hash, errand->ca);
    add_text(&hash, errand->request->skips_verification ? STR("any") : STR(""));
    add_text(&hash, errand->is_home ? request->user : STR_NULL);
    add_text(&hash, errand->is_home ? request->password : STR_NULL);
    for (size_t i = 0; i < request->n_headers && errand->is_home; i++) {
        if (net_head_is_credential(request->headers[i].name))
            add_text(&hash, request->headers[i].value);
    }
    hash_finish(&hash, key);
}

static struct str proxy_for(const struct net_outbound *outbound, const struct net_url *url)
{
    const struct net_outbound_settings *settings = &outbound->settings;
    struct str proxy = url->is_plain ? settings->http_proxy : settings->https_proxy;

    return proxy.n == 0 || net_proxy_is_bypassed(settings->no_proxy, url) ? STR_NULL : proxy;
}

/* "host:port:a,b,c", which is all that libcurl then knows of the name. */
static struct curl_slist *pin(const struct errand *errand, const struct net_addresses *addresses)
{
    struct buf text;
    char       one[ADDRESS_TEXT_MAX];

    buf_init(&text, errand->arena, 4096);
    buf_printf(&text, STR_FMT ":%u:", STR_ARGS(errand->url->host), errand->url->port);
    for (size_t i = 0; i < addresses->n && i < ADDRESSES_TRY; i++) {
        address_print(&addresses->list[i], one);
        buf_printf(&text, strchr(one, ':') == NULL ? "%s%s" : "%s[%s]", i > 0 ? "," : "", one);
    }
    return curl_slist_append(NULL, buf_view(&text).p);
}

/* Vets what the host leads to, and holds libcurl to it. What was so half a minute ago is not asked again: a
 * connection that is kept goes where it went. */
static int fix_addresses(struct errand *errand, struct net_handle *handle, int64_t timeout_us,
                         struct err *err)
{
    struct net_outbound  *outbound  = errand->outbound;
    struct net_addresses  addresses = { .n = 0 };
    int64_t               now       = clock_monotonic_us();
    const struct address *bad;

    if (handle->addresses != NULL && now - handle->resolved_at < NAME_AGE_US)
        return 0;
    bool is_unknown =
        resolve(outbound, errand->arena, errand->url, timeout_us, &addresses, err) < 0 ||
        addresses.n == 0;
    if (is_unknown && errand->proxy.p != NULL && net_vet_is_open(&outbound->vet))
        return 0;
    if (is_unknown) {
        snprintf(errand->cause, sizeof(errand->cause), "its name does not resolve");
        return no_answer(errand, err);
    }
    bad = find_forbidden(&outbound->vet, &addresses, errand->only_listed);
    if (bad != NULL) {
        char text[ADDRESS_TEXT_MAX];

        address_print(bad, text);
        snprintf(errand->cause, sizeof(errand->cause), "its address %s is not allowed", text);
        return no_answer(errand, err);
    }
    curl_slist_free_all(handle->addresses);
    handle->addresses   = pin(errand, &addresses);
    handle->resolved_at = now;
    return 0;
}

/* -- one hop ------------------------------------------------------------------------------------------ */

static struct net_way way_of(const struct errand *errand, const struct net_handle *handle)
{
    const struct net_outbound_request *request   = errand->request;
    bool                               is_stream = request->source || request->sink;

    return (struct net_way){
        .agent              = errand->outbound->settings.agent,
        .proxy              = errand->proxy,
        .ca_pem             = request->ca.p != NULL ? request->ca : errand->ca,
        .ca_is_all          = request->ca.p != NULL,
        .skips_verification = request->skips_verification,
        .addresses          = errand->url->is_literal ? NULL : handle->addresses,
        .connect_us         = or_else(request->connect_us, 10 * SECOND_US),
        .first_byte_us      = or_else(request->first_byte_us, 30 * SECOND_US),
        .stall_us           = or_else(request->stall_us, 30 * SECOND_US),
        .total_us           = or_else(request->total_us, is_stream ? 0 : 60 * SECOND_US),
        .min_rate           = MIN_RATE,
    };
}

static int judge_failure(struct errand *errand, const struct net_hop *hop, struct err *err)
{
    const char *origin = errand->url->origin.p;

    if (hop->is_broken)
        return -1;
    if (hop->is_stopped)
        return err_set(err, ERR_UNAVAILABLE, "stopped while waiting for %s", origin);
    if (hop->body.is_full || hop->head.is_full)
        return err_set(err, ERR_TOO_LARGE, "the answer of %s is larger than it may be", origin);
    if (hop->code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set_code(err, ERR_DENIED, NET_UNTRUSTED, errand->url->origin,
                            "the certificate of %s is not trusted: %s", origin, hop->reason);
    if (errand->cause[0] == '\0')
        snprintf(errand->cause, sizeof(errand->cause), "%s",
                 hop->reason[0] != '\0' ? hop->reason : curl_easy_strerror(hop->code));
    if (errand->has_answered)
        return err_set(err, ERR_UNAVAILABLE, "the answer of %s broke off or was too slow", origin);
    return no_answer(errand, err);
}

static int judge(struct errand *errand, const struct net_hop *hop, struct net_outbound_answer *out,
                 struct err *err)
{
    struct net_answer answer;
    struct err        ignored; /* judge_failure says it better */

    int parsed           = net_head_parse(errand->arena, buf_view(&hop->head), &answer, &ignored);
    errand->has_answered = parsed == 0;
    if (hop->code != CURLE_OK || parsed < 0)
        return judge_failure(errand, hop, err);
    answer.body = hop->body.n > 0 ? buf_view(&hop->body) : STR("");
    *out        = (struct net_outbound_answer){
               .answer         = answer,
               .origin         = errand->url->origin,
               .is_cut         = hop->is_cut,
               .retry_after_us = net_head_retry_after(&answer, clock_utc_us()),
               .times          = hop->times,
    };
    return 0;
}

static int run(struct errand *errand, struct net_handle *handle, struct net_outbound_answer *out,
               struct err *err)
{
    const struct net_outbound_request *request  = errand->request;
    struct net_way                     way      = way_of(errand, handle);
    struct net_hop                    *hop      = mem_one(errand->arena, struct net_hop);
    size_t                             standard = request->sink == NULL ? ANSWER_MAX : 0;

    *hop = (struct net_hop){
        .arena            = errand->arena,
        .easy             = handle->easy,
        .way              = &way,
        .url              = errand->url,
        .request          = &request->request,
        .with_credentials = errand->is_home,
        .source           = request->source,
        .sink             = request->sink,
        .answer_max       = request->answer_max > 0 ? request->answer_max : standard,
        .cuts             = request->cuts,
        .allow            = errand->proxy.p == NULL ? allow_socket : NULL,
        .should_stop      = should_stop,
        .context          = errand,
    };
    if (net_hop_run(hop, err) < 0)
        return -1;
    return judge(errand, hop, out, err);
}

/* A handle whose request failed may hold a connection in any state. */
static int use_handle(struct errand *errand, struct net_outbound_answer *out, struct err *err)
{
    AUTO(net_handle_free) struct net_handle *handle = NULL;
    unsigned char                            key[HASH_MAX];

    key_of(errand, key);
    handle = net_pool_take(errand->outbound->pool, key);
    if (handle == NULL)
        return err_set(err, ERR_INTERNAL, "libcurl does not start");
    if (fix_addresses(errand, handle, or_else(errand->request->connect_us, 10 * SECOND_US), err) <
            0 ||
        run(errand, handle, out, err) < 0)
        return -1;
    net_pool_give(errand->outbound->pool, &handle);
    return 0;
}

static void tell(const struct errand *errand)
{
    const struct net_outbound_settings *settings = &errand->outbound->settings;

    if (settings->tell != NULL && errand->cause[0] != '\0')
        settings->tell(settings->context, errand->url->origin, errand->cause);
}

static int run_hop(struct errand *errand, struct net_outbound_answer *out, struct err *err)
{
    struct net_outbound *outbound = errand->outbound;
    struct str           origin   = errand->url->origin;

    if (check_url(errand->url, errand->request->skips_verification, err) < 0)
        return -1;
    errand->proxy       = proxy_for(outbound, errand->url);
    errand->only_listed = needs_listing(outbound, errand->url);
    if (net_limit_enter(outbound->limit, origin, errand->request->wait_us, err) < 0)
        return -1;
    int  done      = use_handle(errand, out, err);
    bool is_silent = errand->cause[0] != '\0' && !errand->has_answered;
    net_limit_leave(outbound->limit, origin,
                    errand->has_answered ? NET_LIMIT_ANSWERED
                    : is_silent          ? NET_LIMIT_FAILED
                                         : NET_LIMIT_UNKNOWN);
    if (done < 0)
        tell(errand);
    return done;
}

/* -- a call ------------------------------------------------------------------------------------------- */

static int find_next(struct arena *arena, const struct net_url *from, struct str location,
                     struct net_url *out, struct err *err)
{
    struct net_url url;

    if (net_url_join(arena, from, location, &url, err) < 0)
        return err_wrap(err, STR_FMT " leads on", STR_ARGS(from->origin));
    if (url.is_plain && !from->is_plain)
        return err_set(err, ERR_DENIED, STR_FMT " leads from HTTPS to plain HTTP",
                       STR_ARGS(from->origin));
    *out = url;
    return 0;
}

static int follow(struct net_outbound *outbound, struct arena *arena,
                  const struct net_outbound_request *request, struct net_outbound_answer *out,
                  struct err *err)
{
    bool           may_follow = request->request.follows && request->source == NULL;
    struct net_url first, url;

    if (net_url_parse(arena, request->request.url, &first, err) < 0)
        return -1;
    url = first;
    for (int n = 0;; n++) {
        struct errand errand = { .outbound = outbound,
                                 .arena    = arena,
                                 .request  = request,
                                 .url      = &url,
                                 .ca       = copy_ca(outbound, arena),
                                 .is_home  = str_eq(url.origin, first.origin) };

        if (run_hop(&errand, out, err) < 0)
            return -1;
        if (!may_follow || !net_hop_is_redirect(&request->request, &out->answer))
            return 0;
        if (n == NET_HOPS_MAX)
            return err_set(err, ERR_DENIED, STR_FMT " leads on and on", STR_ARGS(first.origin));
        if (find_next(arena, &url, net_header(&out->answer, "Location"), &url, err) < 0)
            return -1;
    }
}

/* So that a closed port takes as long as one that swallows packets. */
static void wait_until(int64_t end)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  never;

    clock_cond_init(&never);
    pthread_mutex_lock(&lock);
    for (int64_t now = clock_monotonic_us(); now < end; now = clock_monotonic_us())
        clock_cond_wait(&never, &lock, end - now);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
    pthread_mutex_destroy(&lock);
}

int net_outbound_call(struct net_outbound *outbound, struct arena *arena,
                      const struct net_outbound_request *request, struct net_outbound_answer *out,
                      struct err *err)
{
    int64_t                    start  = clock_monotonic_us();
    struct net_outbound_answer answer = { .is_cut = false };

    if (follow(outbound, arena, request, &answer, err) < 0) {
        if (request->pad_us > 0 && err->kind != ERR_INVALID)
            wait_until(start + request->pad_us);
        return -1;
    }
    *out = answer;
    return 0;
}
