/* net/call.h: one HTTP request to somebody else and its whole answer, in bounds.
 *
 * What libcurl would decide by itself is decided here: no proxy, CA bundle or credentials from its environment or
 * files, no other protocol than HTTP and HTTPS, certificates are always verified, and plain HTTP goes to the
 * loopback address only unless the settings say otherwise (looked at when the socket is made, whatever the name
 * resolves to). Redirects are followed one by one, for GET and HEAD: each goes through the same rules, none leads
 * from HTTPS to HTTP, and credentials (the headers Authorization and Cookie too) go to no other scheme, host or
 * port than the first.
 *
 * A struct net keeps its connections for the next call. It belongs to one thread at a time; results live in the
 * arena that is given. */
#ifndef NET_CALL_H
#define NET_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct net;

enum { NET_REDIRECTS_MAX = 5, NET_HEAD_MAX = 64 * 1024 };

/* A certificate that does not hold, as a code of the error: what helps is another CA. */
#define NET_UNTRUSTED "TLS_UNTRUSTED"
/* Plain HTTP where it may not go. */
#define NET_PLAIN "PLAIN_HTTP"

struct net_settings {
    struct str agent;      /* User-Agent */
    struct str cacert;     /* file of CA certificates; the null view: the system's */
    struct str proxy;      /* URL; the null view: none. Never for loopback */
    struct str no_proxy;   /* hosts that it is not for, with commas between */
    bool       may_plain;  /* plain HTTP anywhere */
    int64_t    connect_us; /* until the connection stands, TLS included */
    int64_t    stall_us;   /* without a byte */
    int64_t    total_us;
    size_t     answer_max; /* bytes of a body; more is ERR_TOO_LARGE */
};

struct net_header {
    struct str name;
    struct str value;
};

struct net_request {
    struct str               method; /* "GET" … */
    struct str               url;    /* as net/url.h takes it */
    struct str               user;   /* Basic credentials; the null view: none */
    struct str               password;
    const struct net_header *headers;
    size_t                   n_headers;
    struct str               body; /* the null view: none */
    bool                     follows;
};

struct net_answer {
    int                status;
    struct net_header *headers;
    size_t             n_headers;
    struct str         body;
};

/* The settings' texts are copied. net_close accepts null. */
int  net_open(const struct net_settings *settings, struct net **out, struct err *err);
void net_close(struct net **net);

/* Any status is an answer. ERR_INVALID: the URL or a header; ERR_DENIED with one of the codes above;
 * ERR_UNAVAILABLE: no connection, no answer in time; ERR_TOO_LARGE. */
int net_call(struct net *net, struct arena *arena, const struct net_request *request,
             struct net_answer *out, struct err *err);

/* The first header of that name, in any case, or the null view. */
struct str net_header(const struct net_answer *answer, const char *name);

/* Does the host stand for this machine: localhost, 127.0.0.0/8 or ::1, with or without brackets? */
bool net_is_loopback(struct str host);

#endif
