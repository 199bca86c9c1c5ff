/* http/gate.h: which request heads may pass. Pure: a head in, the facts that decide about its body out,
 * or a refusal. libmicrohttpd 0.9.75 accepts more than a registry may; every rule that keeps two readers
 * of the same bytes from seeing two different requests stands here, in one table and one function. */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct http_limits;

struct http_field {
    struct str name;
    struct str value;
};

struct http_head {
    struct str         method;
    struct str         target; /* as sent */
    struct str         version;
    struct http_field *fields;
    size_t             n;
    size_t             size; /* bytes, with the empty line */
    bool is_as_sent; /* no bare line feed, folding, NUL or doubled blank was smoothed over */
};

struct http_gate_facts {
    struct str host;           /* null view: absent, which only HTTP/1.0 may */
    int64_t    content_length; /* -1: absent */
    bool       is_chunked;
    bool       expects_continue;
    bool       is_1_1;
};

struct http_refusal {
    int         status;
    const char *code;
    const char *sentence;
    bool is_framed; /* the end of the request is known all the same: its body may be discarded */
};

/* True: it may pass. Blanks at the ends of values are cut off on the way. */
bool http_gate_check(struct http_head *head, const struct http_limits *limits,
                     struct http_gate_facts *facts, struct http_refusal *refusal);

/* RFC 9110 token. */
bool http_gate_is_token(struct str s);

#endif
