/* net/hop_private.h: one request and answer on the wire. The only place where libcurl is told what to do; call.c and
 * outbound.c decide what that is.
 *
 * Nothing is left to libcurl: no redirect, no proxy, CA bundle or credentials of its own finding, HTTP/1.1 alone,
 * no decompression, TLS 1.2 at least. The handle is reset before and after, so that no option of one request stays
 * for the next; its connections stay. */
#ifndef NET_HOP_PRIVATE_H
#define NET_HOP_PRIVATE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "net/call.h"
#include "net/outbound.h"

struct net_url;
struct sockaddr;

/* How it goes there. Null views: nothing of the kind. Times in µs, 0: no such limit. */
struct net_way {
    struct str         agent;
    struct str         proxy;
    struct str         no_proxy;  /* hosts that the proxy is not for, in libcurl's words */
    struct str         ca_file;   /* in place of the system's */
    struct str         ca_pem;    /* beside the system's … */
    bool               ca_is_all; /* … or in their place */
    bool               skips_verification;
    struct curl_slist *addresses;  /* CURLOPT_RESOLVE: where a name leads */
    int64_t            connect_us; /* until the connection stands, TLS included */
    int64_t            first_byte_us;
    int64_t            stall_us; /* with less than min_rate */
    int64_t            total_us;
    long               min_rate; /* bytes a second */
};

struct net_hop {
    struct arena             *arena;
    CURL                     *easy;
    const struct net_way     *way;
    const struct net_url     *url;
    const struct net_request *request;
    bool                      with_credentials;
    const struct net_source  *source; /* null: the request's body */
    const struct net_sink    *sink;   /* null: all of the answer's body is kept */
    size_t                    answer_max;
    bool                      cuts; /* what goes beyond is left unread */

    /* Asked with each socket when its address is known; null: any will do. */
    bool (*allow)(void *context, const struct sockaddr *to);
    /* Asked about once a second; null: never. */
    bool (*should_stop)(void *context);
    void *context;

    /* What came. */
    CURLcode         code;
    char             reason[CURL_ERROR_SIZE];
    struct buf       head;
    struct buf       body;
    bool             is_refused; /* by allow */
    bool             is_cut;
    bool             is_late;    /* no byte within first_byte_us */
    bool             is_stopped; /* by should_stop */
    bool             is_broken;  /* source or sink failed: *err says how */
    bool             has_begun;  /* the sink has seen the head */
    int64_t          sunk;       /* bytes that the sink took */
    struct err      *err;
    struct net_times times;
};

/* A handle of its own, or null. */
CURL *net_hop_handle(void);

/* ERR_INVALID: a header that may not go out. Else 0, and the members above say what came of it. */
int net_hop_run(struct net_hop *hop, struct err *err);

/* May it be followed: a redirect with a Location, for a question without effects? */
bool net_hop_is_redirect(const struct net_request *request, const struct net_answer *answer);

#endif
