/* http/stream.c: bodies made while they are sent. The thread that makes one fills a buffer; the event thread empties it
 * and, when there is nothing, suspends the connection until the thread has written. Locks: the stream's, then the
 * request's. The request is there as long as the stream is not lost. */
#include "http/stream.h"

#include <microhttpd.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/request_private.h"
#include "http/stream_private.h"
#include "io/clock.h"

#define ROOM_US INT64_C(1000000) /* between two looks whether the server drains */

struct http_stream {
    pthread_mutex_t      lock;
    pthread_cond_t       room;
    struct http_request *req; /* null: lost */
    int                  n_shares;
    bool                 is_ended;
    bool                 is_waiting; /* the connection is suspended for want of bytes */
    size_t               n;
    int64_t              sent;
    char                 bytes[HTTP_STREAM_WAITING];
};

static void give_share(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool is_last = --stream->n_shares == 0;
    pthread_mutex_unlock(&stream->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&stream->lock);
    pthread_cond_destroy(&stream->room);
    mem_free(stream);
}

struct http_stream *http_reply_stream(struct http_request *req)
{
    struct http_stream *stream = mem_new(struct http_stream);

    ASSERT(req->reply.body == HTTP_REPLY_EMPTY && req->method != HTTP_HEAD);
    pthread_mutex_init(&stream->lock, NULL);
    clock_cond_init(&stream->room);
    stream->req       = req;
    stream->n_shares  = 2; /* the request's and the caller's */
    req->reply.body   = HTTP_REPLY_STREAM;
    req->reply.stream = stream;
    return stream;
}

/* -- the thread that makes it ------------------------------------------------------------------------- */

/* Under the lock. */
static bool is_wanted(const struct http_stream *stream)
{
    return stream->req != NULL && !atomic_load(&stream->req->server->is_draining) &&
           !atomic_load(&stream->req->server->is_stopping);
}

bool http_stream_is_wanted(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool is = is_wanted(stream);
    pthread_mutex_unlock(&stream->lock);
    return is;
}

/* Under the lock. */
static void wake(struct http_stream *stream)
{
    if (!stream->is_waiting || stream->req == NULL)
        return;
    stream->is_waiting = false;
    pthread_mutex_lock(&stream->req->lock);
    http_exchange_wake(stream->req);
    pthread_mutex_unlock(&stream->req->lock);
}

bool http_stream_write(struct http_stream *stream, struct str bytes)
{
    bool is;

    pthread_mutex_lock(&stream->lock);
    while ((is = is_wanted(stream)) && bytes.n > 0) {
        size_t room = sizeof(stream->bytes) - stream->n;
        size_t n    = bytes.n < room ? bytes.n : room;

        if (n == 0) {
            clock_cond_wait(&stream->room, &stream->lock, ROOM_US);
            continue;
        }
        memcpy(stream->bytes + stream->n, bytes.p, n);
        stream->n += n;
        bytes = str_from_index(bytes, n);
        wake(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return is;
}

void http_stream_end(struct http_stream **stream)
{
    pthread_mutex_lock(&(*stream)->lock);
    (*stream)->is_ended = true;
    wake(*stream);
    pthread_mutex_unlock(&(*stream)->lock);
    give_share(*stream);
    *stream = NULL;
}

/* -- the event thread --------------------------------------------------------------------------------- */

/* Under the lock. False: the server stops. */
static bool rest(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->req->lock);
    bool done = http_exchange_suspend(stream->req);
    pthread_mutex_unlock(&stream->req->lock);
    stream->is_waiting = done;
    return done;
}

static ssize_t read_stream(void *context, uint64_t at, char *out, size_t room)
{
    struct http_stream *stream = context;
    ssize_t             result;

    (void)at;
    pthread_mutex_lock(&stream->lock);
    size_t n = stream->n < room ? stream->n : room;
    if (n > 0) {
        memcpy(out, stream->bytes, n);
        memmove(stream->bytes, stream->bytes + n, stream->n - n);
        stream->n -= n;
        stream->sent += (int64_t)n;
        http_connection_move(stream->req->connection, HTTP_PHASE_WRITE);
        pthread_cond_signal(&stream->room);
        result = (ssize_t)n;
    } else if (stream->is_ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        result = rest(stream) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    pthread_mutex_unlock(&stream->lock);
    return result;
}

static void end_reading(void *context)
{
    give_share(context);
}

struct MHD_Response *http_stream_response(struct http_stream *stream)
{
    enum { BLOCK = 32 * 1024 };

    pthread_mutex_lock(&stream->lock);
    stream->n_shares++;
    pthread_mutex_unlock(&stream->lock);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream,
                                          end_reading);
    if (response == NULL)
        give_share(stream);
    return response;
}

int64_t http_stream_lose(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    int64_t sent = stream->sent;
    stream->req  = NULL;
    pthread_cond_broadcast(&stream->room);
    pthread_mutex_unlock(&stream->lock);
    return sent;
}

void http_stream_give(struct http_stream **stream)
{
    if (*stream == NULL)
        return;
    (void)http_stream_lose(*stream);
    give_share(*stream);
    *stream = NULL;
}
