/* http/request.c: what a request says of itself, and the making of its answer. No transport here. */
#include "http/request.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "http/request_private.h"
#include "http/stream_private.h"
#include "io/clock.h"
#include "io/random.h"

enum {
    ARENA_FIRST  = 4096, /* holds a usual request with its answer */
    FIELDS_FIRST = 12,
    FIELDS_MAX   = 64,
    ID_BYTES     = 8
};

/* clang-format off */
static const struct method { enum http_method method; struct str name; } methods[] = {
    { HTTP_GET,     { "GET", 3 } },     { HTTP_HEAD,   { "HEAD", 4 } },   { HTTP_POST,  { "POST", 4 } },
    { HTTP_PUT,     { "PUT", 3 } },     { HTTP_PATCH,  { "PATCH", 5 } },  { HTTP_DELETE, { "DELETE", 6 } },
    { HTTP_OPTIONS, { "OPTIONS", 7 } },
};
/* clang-format on */

const char *http_method_name(enum http_method method)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].method == method)
            return methods[i].name.p;
    }
    return "OTHER";
}

static enum http_method method_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq(methods[i].name, name))
            return methods[i].method;
    }
    return HTTP_OTHER;
}

/* A system call for 32 ids, not for each. */
static void make_id(char out[2 * ID_BYTES + 1])
{
    static const char            digits[] = "0123456789abcdef";
    static _Thread_local uint8_t pool[32 * ID_BYTES];
    static _Thread_local size_t  n_used = sizeof(pool);

    if (n_used == sizeof(pool)) {
        random_bytes(pool, sizeof(pool));
        n_used = 0;
    }
    for (size_t i = 0; i < ID_BYTES; i++) {
        out[2 * i]     = digits[pool[n_used + i] >> 4];
        out[2 * i + 1] = digits[pool[n_used + i] & 15];
    }
    out[2 * ID_BYTES] = '\0';
    n_used += ID_BYTES;
}

static void split_target(struct http_request *req)
{
    struct str target = req->head.target;
    ptrdiff_t  query  = str_find(target, '?');

    req->path  = query < 0 ? target : str_sub(target, 0, (size_t)query);
    req->query = query < 0 ? STR("") : str_from_index(target, (size_t)query + 1);
}

struct http_request *http_request_new(struct http_connection *connection, struct str target)
{
    struct arena        *arena = arena_new_pool(ARENA_FIRST);
    struct http_request *req   = mem_one(arena, struct http_request);

    req->arena       = arena;
    req->server      = connection->listener->server;
    req->connection  = connection;
    req->handle      = connection->handle;
    req->listener    = str_from(connection->listener->address);
    req->head.target = str_copy(arena, target);
    req->method      = HTTP_OTHER;
    req->is_tls      = connection->listener->certificate != NULL;
    split_target(req);
    req->reply.fd   = -1;
    req->started_us = clock_monotonic_us();
    memcpy(req->peer, connection->peer, sizeof(req->peer));
    req->client               = str_from(req->peer);
    req->facts.content_length = -1;
    pthread_mutex_init(&req->lock, NULL);
    make_id(req->id);
    return req;
}

void http_request_free(struct http_request **slot)
{
    struct http_request *req = *slot;

    if (req == NULL)
        return;

    if (req->fill != NULL)
        http_blocks_give(req->server->blocks, req->fill);
    for (size_t i = 0; i < req->n_full; i++)
        http_blocks_give(req->server->blocks, req->full[i]);
    if (req->reply.fd >= 0)
        close(req->reply.fd);
    http_stream_give(&req->reply.stream);
    pthread_mutex_destroy(&req->lock);
    *slot = NULL;

    struct arena *arena = req->arena;
    arena_free(&arena);
}

/* What a trusted proxy says of the client. */
static void believe_proxy(struct http_request *req)
{
    struct str for_whom = http_header(req, "x-forwarded-for");
    struct str proto    = http_header(req, "x-forwarded-proto");

    if (for_whom.p != NULL) {
        struct address client =
            networks_client(&req->server->trusted, &req->connection->address, for_whom);
        char *text = mem_alloc(req->arena, ADDRESS_TEXT_MAX);

        address_print(&client, text);
        req->client = str_from(text);
    }
    if (proto.p != NULL) {
        ptrdiff_t comma = str_find_last(proto, ',');

        proto       = str_trim(str_from_index(proto, comma < 0 ? 0 : (size_t)comma + 1));
        req->is_tls = str_eq_nocase(proto, STR("https"));
    }
}

void http_request_set_head(struct http_request *req, struct http_head head,
                           const struct http_gate_facts *facts)
{
    req->head     = head;
    req->facts    = *facts;
    req->method   = method_of(head.method);
    req->has_body = facts->is_chunked || facts->content_length > 0;
    if (req->connection->is_trusted)
        believe_proxy(req);
}

/* What came */

struct arena *http_arena(struct http_request *req)
{
    return req->arena;
}

enum http_method http_method(const struct http_request *req)
{
    return req->method;
}

struct str http_path(const struct http_request *req)
{
    return req->path;
}

struct str http_query(const struct http_request *req)
{
    return req->query;
}

static bool is_named(const struct http_field *field, struct str name)
{
    return field->name.n == name.n && str_eq_nocase(field->name, name);
}

/* A field that came in several lines is one list (RFC 9110, 5.3). */
static struct str join_fields(const struct http_request *req, struct str name, size_t first)
{
    struct str separator = str_eq_nocase(name, STR("cookie")) ? STR("; ") : STR(", ");
    struct buf list;

    buf_init(&list, req->arena, SIZE_MAX / 2);
    for (size_t i = first; i < req->head.n; i++) {
        if (!is_named(&req->head.fields[i], name))
            continue;
        if (i > first)
            buf_str(&list, separator);
        buf_str(&list, req->head.fields[i].value);
    }
    return buf_view(&list);
}

struct str http_header(const struct http_request *req, const char *text)
{
    struct str name  = str_from(text);
    size_t     n     = 0;
    size_t     first = 0;

    for (size_t i = req->head.n; i-- > 0;) {
        if (!is_named(&req->head.fields[i], name))
            continue;
        first = i;
        n++;
    }
    if (n == 0)
        return STR_NULL;
    return n == 1 ? req->head.fields[first].value : join_fields(req, name, first);
}

int64_t http_content_length(const struct http_request *req)
{
    return req->facts.content_length;
}

bool http_has_body(const struct http_request *req)
{
    return req->has_body;
}

bool http_is_tls(const struct http_request *req)
{
    return req->is_tls;
}

struct str http_host(const struct http_request *req)
{
    return req->facts.host;
}

struct str http_peer(const struct http_request *req)
{
    return str_from(req->peer);
}

struct str http_client(const struct http_request *req)
{
    return req->client;
}

struct str http_listener(const struct http_request *req)
{
    return req->listener;
}

struct str http_id(const struct http_request *req)
{
    return (struct str){ .p = req->id, .n = sizeof(req->id) - 1 };
}

int64_t http_started_us(const struct http_request *req)
{
    return req->started_us;
}

void http_set_state(struct http_request *req, void *state)
{
    req->state = state;
}

void *http_state(const struct http_request *req)
{
    return req->state;
}

struct str http_body(const struct http_request *req)
{
    return buf_view(&req->whole);
}

void http_want_body(struct http_request *req, enum http_body_mode mode, int64_t limit)
{
    ASSERT(!req->wants_body && req->reply.status == 0 && limit >= 0);
    req->wants_body = mode != HTTP_BODY_NONE;
    req->body_mode  = mode;
    req->body_limit = limit;
}

/* The answer */

void http_reply(struct http_request *req, int status)
{
    ASSERT(req->reply.status == 0 && status >= 200 && status <= 599);
    req->reply.status = status;
}

static bool is_one_line(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void add_reply_field(struct http_reply *reply, struct arena *arena, const char *name,
                            const char *value)
{
    if (reply->n == reply->room) {
        reply->room   = reply->room == 0 ? FIELDS_FIRST : 2 * reply->room;
        reply->fields = mem_resize(arena, reply->fields, reply->room * sizeof(reply->fields[0]));
    }
    ASSERT(reply->n < FIELDS_MAX);
    reply->fields[reply->n++] = (struct http_reply_field){ .name = name, .value = value };
}

void http_reply_header(struct http_request *req, const char *name, struct str value)
{
    ASSERT(http_gate_is_token(str_from(name)) && is_one_line(value));
    add_reply_field(&req->reply, req->arena, mem_strdup(req->arena, name),
                    mem_strndup(req->arena, value.p, value.n));
}

void http_reply_headerf(struct http_request *req, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *value = mem_vprintf(req->arena, format, args);
    va_end(args);
    ASSERT(http_gate_is_token(str_from(name)) && is_one_line(str_from(value)));
    add_reply_field(&req->reply, req->arena, mem_strdup(req->arena, name), value);
}

bool http_reply_has_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->reply.n; i++) {
        if (str_eq_nocase(str_from(req->reply.fields[i].name), str_from(name)))
            return true;
    }
    return false;
}

void http_reply_bytes(struct http_request *req, struct str bytes)
{
    ASSERT(req->reply.body == HTTP_REPLY_EMPTY);
    req->reply.body  = HTTP_REPLY_BYTES;
    req->reply.bytes = bytes;
    req->reply.size  = (int64_t)bytes.n;
}

void http_reply_file(struct http_request *req, int fd, int64_t from, int64_t size)
{
    ASSERT(req->reply.body == HTTP_REPLY_EMPTY && fd >= 0 && from >= 0 && size >= 0);
    req->reply.body = HTTP_REPLY_FILE;
    req->reply.fd   = fd;
    req->reply.from = from;
    req->reply.size = size;
}

void http_reply_size_only(struct http_request *req, int64_t size)
{
    ASSERT(req->reply.body == HTTP_REPLY_EMPTY && size >= 0);
    req->reply.body = HTTP_REPLY_SIZE_ONLY;
    req->reply.size = size;
}

bool http_is_answered(const struct http_request *req)
{
    return req->reply.status != 0;
}

int http_reply_status(const struct http_request *req)
{
    return req->reply.status;
}

int64_t http_bytes_in(const struct http_request *req)
{
    return atomic_load_explicit(&req->bytes_in, memory_order_relaxed);
}

int64_t http_bytes_out(const struct http_request *req)
{
    return atomic_load_explicit(&req->bytes_out, memory_order_relaxed);
}
