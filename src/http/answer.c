/* http/answer.c: libmicrohttpd takes an answer in its first call for a request (and then closes) or after
 * the whole body. In between it takes none: so an endless body that was refused long ago can only be
 * answered on the socket itself, which is what http_answer_write does. */
#include "http/answer.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/text.h"
#include "http/request_private.h"
#include "http/stream_private.h"
#include "io/clock.h"

enum {
    TLS_BLOCK =
        32 * 1024, /* more gains nothing and costs memory; the library's own reader takes 4 KiB */
    WRITTEN_MAX =
        64 * 1024 - 1, /* of an answer past the library; a socket's empty buffer takes it */
};

/* Under TLS: a file read block by block. */
struct file_body {
    int     fd;
    int64_t from;
};

static ssize_t read_file_body(void *context, uint64_t at, char *out, size_t room)
{
    const struct file_body *body = context;
    ssize_t                 n    = pread(body->fd, out, room, (off_t)at + (off_t)body->from);

    return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_file_body(void *context)
{
    struct file_body *body = context;

    close(body->fd);
    mem_free(body);
}

static ssize_t read_nothing(void *context, uint64_t at, char *out, size_t room)
{
    (void)context;
    (void)at;
    (void)out;
    (void)room;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_empty(void)
{
    return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *make_size_only(int64_t size)
{
    return MHD_create_response_from_callback((uint64_t)size, 1, read_nothing, NULL, NULL);
}

static struct MHD_Response *make_file_response(struct http_request *req)
{
    struct http_reply *reply = &req->reply;
    int                fd    = reply->fd;

    reply->fd = -1;
    if (req->connection->listener->certificate == NULL)
        return MHD_create_response_from_fd_at_offset64((uint64_t)reply->size, fd,
                                                       (uint64_t)reply->from);

    struct file_body *body = mem_new(struct file_body);
    *body                  = (struct file_body){ .fd = fd, .from = reply->from };
    return MHD_create_response_from_callback((uint64_t)reply->size, TLS_BLOCK, read_file_body, body,
                                             free_file_body);
}

static struct MHD_Response *make_response(struct http_request *req)
{
    struct http_reply *reply = &req->reply;

    if (reply->body == HTTP_REPLY_STREAM)
        return http_stream_response(reply->stream);
    if (reply->body == HTTP_REPLY_EMPTY || reply->size == 0)
        return make_empty();
    if (req->method == HTTP_HEAD)
        return make_size_only(reply->size);
    if (reply->body == HTTP_REPLY_FILE)
        return make_file_response(req);

    ASSERT(reply->body == HTTP_REPLY_BYTES); /* a size without bytes is for HEAD */
    return MHD_create_response_from_buffer(reply->bytes.n, (void *)(uintptr_t)reply->bytes.p,
                                           MHD_RESPMEM_PERSISTENT);
}

bool http_answer_queue(struct http_request *req)
{
    struct http_reply   *reply    = &req->reply;
    struct MHD_Response *response = make_response(req);

    if (response == NULL)
        return false;
    if (req->must_close || atomic_load_explicit(&req->server->is_draining, memory_order_relaxed))
        MHD_add_response_header(response, "Connection", "close");
    for (size_t i = 0; i < reply->n; i++)
        MHD_add_response_header(response, reply->fields[i].name, reply->fields[i].value);

    enum MHD_Result result = MHD_queue_response(req->handle, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result == MHD_YES;
}

static void print_head(const struct http_request *req, struct buf *out)
{
    const struct http_reply *reply = &req->reply;
    char                     date[TEXT_TIME_MAX];

    text_http_time_print(clock_utc_us(), date);
    buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nContent-Length: %lld\r\n",
               reply->status, MHD_get_reason_phrase_for((unsigned)reply->status), date,
               (long long)reply->size);
    for (size_t i = 0; i < reply->n; i++)
        buf_printf(out, "%s: %s\r\n", reply->fields[i].name, reply->fields[i].value);
    buf_text(out, "\r\n");
    if (req->method != HTTP_HEAD && reply->body == HTTP_REPLY_BYTES)
        buf_str(out, reply->bytes);
}

static ssize_t write_plain(int fd, struct str bytes)
{
    ssize_t n = send(fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);

    shutdown(fd, SHUT_WR);
    return n;
}

bool http_answer_write(struct http_request *req)
{
    struct buf text;

    if (req->reply.body == HTTP_REPLY_FILE || req->reply.body == HTTP_REPLY_STREAM)
        return false;
    buf_init(&text, req->arena, WRITTEN_MAX);
    print_head(req, &text);
    if (text.is_full)
        return false;

    const union MHD_ConnectionInfo *tls =
        req->connection->listener->certificate == NULL
            ? NULL
            : MHD_get_connection_info(req->connection->handle, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct str bytes = buf_view(&text);
    ssize_t    n     = tls == NULL
                           ? write_plain(req->connection->fd, bytes)
                           : gnutls_record_send((gnutls_session_t)tls->tls_session, bytes.p, bytes.n);
    return n == (ssize_t)bytes.n;
}
