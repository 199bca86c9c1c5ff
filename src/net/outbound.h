/* net/outbound.h: everything that a server sends to others: webhooks now; mirrors, directories and scanners by the same
 * door.
 *
 * Where it may go. A host is vetted three times: its spelling and port (net/url.h, net/vet.h), all addresses that its
 * name has at that moment, of which none may be forbidden, and the address of each socket before it connects, which is
 * one of those. So neither a name that changes its mind nor a redirect leads inside. Public addresses are open; others, this
 * registry's own names and addresses, and plain HTTP need a listed network, plain HTTP and an unverified certificate
 * the request's word too. A proxy is as trusted as the settings that name it; what is asked for behind it is vetted all the
 * same, and a name that does not resolve here is then refused, unless every address is listed.
 *
 * Redirects are followed where the request says so, for GET and HEAD, at most three, each vetted anew, none from HTTPS
 * to plain HTTP, and with no credentials (user, Authorization, Cookie) to another scheme, host or port. Nothing is
 * decompressed. Credentials never share a connection with others.
 *
 * Errors. Whether nobody listens, a packet is lost, a name does not resolve, an address is forbidden or something
 * else than HTTP answers: the text is one and the same, "no answer from ORIGIN", so that it tells nothing about a
 * network; with `pad_us` neither does the time. What really happened goes to `tell`, for the operator's log. No
 * text holds credentials, paths or queries.
 *
 * A struct net_outbound lives as long as the process and may be used by any thread; a call keeps its thread until it
 * is over. Connections are kept for the next request with the same origin, credentials and trust. */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "net/call.h"

struct arena;
struct err;
struct net_addresses;
struct net_outbound;

enum { NET_HOPS_MAX = 3 };

struct net_outbound_settings {
    struct str        agent;     /* User-Agent */
    struct str        allow;     /* networks with commas between: "10.0.0.0/8, fd00::/8" */
    const struct str *own_names; /* hosts of this registry */
    size_t            n_own_names;
    struct str        http_proxy; /* URL, may hold a password; the null view: none */
    struct str        https_proxy;
    struct str        no_proxy; /* "host, .domain, 10.0.0.0/8" or "*" */
    int64_t           n_all;    /* requests at once; 0: 64 */
    int64_t           n_origin; /* to one origin; 0: a quarter of them */

    /* What really went wrong. May be null; any thread. */
    void (*tell)(void *context, struct str origin, const char *cause);
    void *context;

    /* In place of the system's resolver (tests); as net_resolve. */
    int (*resolve)(struct arena *arena, struct str host, int64_t timeout_us,
                   struct net_addresses *out, struct err *err);
};

/* A body that is made while it goes. */
struct net_source {
    int64_t size; /* -1: not known */
    /* At most `size` bytes; 0 at the end; -1 with err. */
    ssize_t (*read)(void *context, void *to, size_t size, struct err *err);
    /* To the start again, because a kept connection turned out dead; may be null: then that fails. */
    int (*rewind)(void *context);
    void *context;
};

/* The body of a 2xx answer while it comes. */
struct net_sink {
    /* Before the first byte, or at the end of an empty answer; -1 with err gives up. May be null. */
    int (*begin)(void *context, const struct net_answer *head, struct err *err);
    int (*write)(void *context, struct str bytes, struct err *err);
    void *context;
};

struct net_outbound_request {
    struct net_request       request; /* request.follows: redirects, as above */
    const struct net_source *source;  /* in place of request.body; no redirect is followed */
    const struct net_sink   *sink;    /* in place of the answer's body */
    struct str ca; /* PEM: these authorities alone; the null view: the system's and ca-bundle */
    bool       skips_verification;
    size_t     answer_max;              /* bytes of a body; 0: 64 KiB, for a sink no limit */
    bool       cuts;                    /* what goes beyond is left unread, and is no error */
    int64_t    connect_us;              /* 0: 10 s */
    int64_t    first_byte_us;           /* 0: 30 s */
    int64_t    stall_us;                /* below 1 KiB/s for so long; 0: 30 s */
    int64_t    total_us;                /* 0: 60 s; with a source or a sink no limit */
    int64_t    wait_us;                 /* for a place, when too many are under way; 0: none */
    int64_t    pad_us;                  /* a failure takes at least so long */
    bool (*should_stop)(void *context); /* asked about once a second; may be null */
    void *context;
};

struct net_times {
    int64_t connect_us; /* 0 when a kept connection was used */
    int64_t first_byte_us;
    int64_t total_us;
    bool    is_reused;
};

struct net_outbound_answer {
    struct net_answer answer; /* of the last hop; any status is one */
    struct str        origin; /* that answered */
    bool              is_cut;
    int64_t           retry_after_us; /* what it asked for; 0: nothing, at most a day */
    struct net_times  times;          /* of the last hop */
};

/* The settings' texts are copied; net_outbound_free accepts null, when no call is under way. */
int  net_outbound_new(const struct net_outbound_settings *settings, struct net_outbound **out,
                      struct err *err);
void net_outbound_free(struct net_outbound **outbound);

/* PEM of authorities that are trusted beside the system's, from now on; the null view: none. ERR_INVALID: as below. */
int net_outbound_set_ca(struct net_outbound *outbound, struct str pem, struct err *err);

/* Is it one or more certificates in PEM (public_key_check_bundle)? ERR_INVALID says why not. */
int net_outbound_check_ca(struct str pem, struct err *err);

/* For whoever saves a URL: ERR_INVALID with what is wrong with it, what the name resolves to included. A name that does
 * not resolve now is accepted. may_plain: the request will skip verification, so http:// is fine on a listed network. */
int net_outbound_check(struct net_outbound *outbound, struct str url, bool may_plain,
                       struct err *err);

/* One request and its answer, at most once on the wire unless a kept connection was dead. Results live in the arena.
 * ERR_INVALID: the URL or a header; ERR_DENIED: NET_UNTRUSTED, or where a redirect leads; ERR_TOO_LARGE;
 * ERR_TOO_MANY: no place; ERR_UNAVAILABLE: no answer, or not all of it; what source and sink gave. */
int net_outbound_call(struct net_outbound *outbound, struct arena *arena,
                      const struct net_outbound_request *request, struct net_outbound_answer *out,
                      struct err *err);

#endif
