/* http/request.h: one request and its answer, as those above see them.
 *
 * A request lives in its own arena from the moment its headers are known until the answer is sent or the
 * connection is lost. It has been through the header gate: what is here is unambiguous HTTP/1.x. It
 * belongs to one thread at a time: the event thread or the worker that runs a step of it.
 * An answer is made once: status, headers, one body. It is sent when the step returns. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct http_request;

enum http_method {
    HTTP_GET     = 1 << 0,
    HTTP_HEAD    = 1 << 1,
    HTTP_POST    = 1 << 2,
    HTTP_PUT     = 1 << 3,
    HTTP_PATCH   = 1 << 4,
    HTTP_DELETE  = 1 << 5,
    HTTP_OPTIONS = 1 << 6,
    HTTP_OTHER   = 1 << 7
};

const char *http_method_name(enum http_method method);

/* What came. All views live as long as the request. */
struct arena    *http_arena(struct http_request *req);
enum http_method http_method(const struct http_request *req);
struct str http_path(const struct http_request *req);  /* raw, not decoded, without the query */
struct str http_query(const struct http_request *req); /* raw, after '?'; empty when none */
struct str http_header(const struct http_request *req, const char *name); /* null view: absent */
int64_t    http_content_length(const struct http_request *req);           /* -1: none or chunked */
bool       http_has_body(const struct http_request *req);
bool       http_is_tls(const struct http_request *req); /* to us, or to a trusted proxy */
struct str http_host(const struct http_request *req);   /* Host header; null view in HTTP/1.0 */
struct str http_peer(const struct http_request *req);   /* address of the socket's other end */
struct str http_client(const struct http_request *req); /* the same, or what a trusted proxy says */
struct str http_listener(const struct http_request *req); /* "127.0.0.1:5000", where it came in */
struct str http_id(const struct http_request *req);       /* request id: 16 hex digits of our own */
int64_t    http_started_us(const struct http_request *req); /* monotonic */

/* A place for those above: their state of this request. */
void  http_set_state(struct http_request *req, void *state);
void *http_state(const struct http_request *req);

/* The body of a request that asked for it whole (HTTP_BODY_WHOLE), in `finish`. */
struct str http_body(const struct http_request *req);

/* The answer. Names and values are copied. Values with control bytes are a mistake of the caller
 * (asserted): escape first. */
void http_reply(struct http_request *req, int status);
void http_reply_header(struct http_request *req, const char *name, struct str value);
void http_reply_headerf(struct http_request *req, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* At most one of these; none means an empty body. Bytes must live in the request's arena or be static.
 * A file's descriptor is taken over; `size` bytes from `from` are sent (sendfile when plain, 32 KiB blocks
 * under TLS). On HEAD only the length is told: size_only says it without any bytes at hand. */
void http_reply_bytes(struct http_request *req, struct str bytes);
void http_reply_file(struct http_request *req, int fd, int64_t from, int64_t size);
void http_reply_size_only(struct http_request *req, int64_t size);

/* A body that is made while it is sent: http/stream.h. */

bool    http_is_answered(const struct http_request *req);
int     http_reply_status(const struct http_request *req);
int64_t http_bytes_in(const struct http_request *req);
int64_t http_bytes_out(const struct http_request *req); /* of the body, as far as known */

#endif
