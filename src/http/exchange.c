/* http/exchange.c: moves requests.
 *
 * Two sides touch a request. The event thread is called by the library and moves the stage; a worker runs
 * the steps that are due, one after the other, and no two of them ever at once. What both need stands
 * behind the request's lock. The library is only ever called in its own thread, but for resuming, which it
 * allows from any; and a connection is resumed only by the one who cleared is_suspended under the lock, so
 * never twice and never after the library has ended it: while suspended it cannot end.
 *
 * A worker that runs dry says so under the lock (is_working); whoever then brings the next thing (a full
 * block, the end of the body, the loss of the connection) puts the job again. */
#include "http/exchange.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "http/answer.h"
#include "http/head.h"
#include "http/request_private.h"
#include "http/stream_private.h"
#include "io/clock.h"

static void run_steps(struct http_job *job);
static void take_granted(struct http_block_waiter *waiter, struct http_block *block);

static struct http_connection *connection_of(struct MHD_Connection *handle)
{
    return MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The library takes the query apart next, for nobody here: 64 bytes of the connection's memory a field, and
 * where that ends it loses the refusal that it has made and lets the client wait. The text is its own buffer
 * and not a constant; ended behind the question mark, nothing is left to take apart. */
static void hide_query(const char *target)
{
    char *mark = strchr(target, '?');

    if (mark != NULL)
        mark[1] = '\0';
}

void *http_exchange_begin(void *context, const char *target, struct MHD_Connection *handle)
{
    struct http_connection *connection = connection_of(handle);
    uint64_t                seen       = atomic_load(&connection->phase);

    (void)context;
    if ((seen & 0xff) == HTTP_PHASE_IDLE)
        http_connection_move_from(connection, seen, HTTP_PHASE_HEAD);

    struct http_request *req = http_request_new(connection, str_from(target));
    req->job.run             = run_steps;
    req->waiter.granted      = take_granted;
    hide_query(target);
    return req;
}

/* Suspending and waking */

/* Under the lock, in the event thread. False when the server stops: then the connection is to be closed. */
static bool suspend(struct http_request *req, enum http_phase phase)
{
    struct http_server *server = req->server;

    atomic_fetch_add(&server->n_suspended, 1);
    if (atomic_load(&server->is_stopping)) {
        atomic_fetch_sub(&server->n_suspended, 1);
        return false;
    }
    http_connection_move(req->connection, phase);
    req->is_suspended = true;
    MHD_suspend_connection(req->handle);
    return true;
}

/* Under the lock. */
static void wake(struct http_request *req)
{
    struct http_server *server = req->server;

    if (!req->is_suspended || req->is_in_line)
        return;
    req->is_suspended = false;
    if (req->stage == HTTP_STAGE_BODY || req->stage == HTTP_STAGE_DISCARDING)
        http_connection_move(req->connection,
                             req->stage == HTTP_STAGE_BODY ? HTTP_PHASE_BODY : HTTP_PHASE_DISCARD);
    MHD_resume_connection(req->handle);
    if (atomic_fetch_sub(&server->n_suspended, 1) == 1 && atomic_load(&server->is_stopping))
        http_server_tell_calm(server);
}

bool http_exchange_suspend(struct http_request *req)
{
    return suspend(req, HTTP_PHASE_WORK);
}

void http_exchange_wake(struct http_request *req)
{
    wake(req);
}

/* Under the lock. */
static void put_to_work(struct http_request *req)
{
    if (req->is_working)
        return;
    req->is_working   = true;
    req->is_submitted = true;
    http_workers_put(req->server->workers, &req->job);
}

/* Refusing */

static void refuse(struct http_request *req, int status, const char *code, const char *sentence)
{
    const struct http_app *app = &req->server->app;

    if (http_is_answered(req))
        return;
    app->refuse(app->context, req, status, code, sentence);
    if (!http_is_answered(req))
        http_reply(req, status);
    if (status == 503 && !http_reply_has_header(req, "Retry-After"))
        http_reply_header(req, "Retry-After", STR("1"));
}

static const struct http_refusal too_large = { 413, "SIZE_INVALID", "the body is too large", true };
static const struct http_refusal not_wanted = { 400, "INVALID", "this request takes no body",
                                                true };
static const struct http_refusal unanswered = { 500, "UNKNOWN", "no answer was made", true };

/* The worker's side */

static void run_start(struct http_request *req)
{
    const struct http_app *app = &req->server->app;

    app->start(app->context, req);
    if (http_is_answered(req) || !req->has_body)
        return;
    if (!req->wants_body)
        req->refusal = not_wanted;
    else if (req->facts.content_length > req->body_limit)
        req->refusal = too_large;
}

static void run_piece(struct http_request *req)
{
    const struct http_app *app = &req->server->app;

    pthread_mutex_lock(&req->lock);
    struct http_block *block = req->full[0];
    req->full[0]             = req->full[1];
    req->full[1]             = NULL;
    req->n_full--;
    pthread_mutex_unlock(&req->lock);

    app->piece(app->context, req, (struct str){ .p = block->bytes, .n = block->n });
    http_blocks_give(req->server->blocks, block);
}

static void run_finish(struct http_request *req)
{
    const struct http_app *app = &req->server->app;

    app->finish(app->context, req);
    if (!http_is_answered(req))
        req->refusal = unanswered;
}

static void run_refusal(struct http_request *req)
{
    refuse(req, req->refusal.status, req->refusal.code, req->refusal.sentence);
}

/* The last step. The request is gone after it. */
static void end(struct http_request *req)
{
    struct http_server    *server = req->server;
    const struct http_app *app    = &server->app;

    if (req->is_known)
        app->end(app->context, req, req->is_complete);
    if (req->is_streaming)
        atomic_fetch_sub_explicit(&server->n_streams, 1, memory_order_relaxed);

    bool was_counted = req->is_counted;
    http_request_free(&req);
    if (was_counted && atomic_fetch_sub(&server->n_running, 1) == 1 &&
        atomic_load(&server->is_draining))
        http_server_tell_calm(server);
}

typedef void step(struct http_request *req);

/* Under the lock: what is due; null when nothing is. */
static step *next_step(struct http_request *req)
{
    if (req->handle == NULL)
        return end;
    if (http_is_answered(req))
        return NULL;
    if (req->refusal.status != 0)
        return run_refusal;
    if (!req->is_started) {
        req->is_started = true;
        return run_start;
    }
    if (req->n_full > 0)
        return run_piece;
    return req->is_body_done ? run_finish : NULL;
}

/* Under the lock, after a piece: its block is with the pool again. */
static void take_back_block(struct http_request *req)
{
    req->n_lent--;
    if (req->stage == HTTP_STAGE_BODY)
        wake(req);
}

static void run_steps(struct http_job *job)
{
    struct http_request *req = (struct http_request *)(void *)job;
    step                *due;

    pthread_mutex_lock(&req->lock);
    while ((due = next_step(req)) != NULL) {
        pthread_mutex_unlock(&req->lock);
        due(req);
        if (due == end)
            return;

        pthread_mutex_lock(&req->lock);
        if (due != run_piece)
            continue;
        take_back_block(req);
        if (http_workers_are_wanted(req->server->workers)) {
            http_workers_put(req->server->workers, job);
            pthread_mutex_unlock(&req->lock);
            return;
        }
    }
    req->is_working = false;
    wake(req);
    pthread_mutex_unlock(&req->lock);
}

/* The event thread's side */

static enum MHD_Result reply(struct http_request *req)
{
    req->stage = HTTP_STAGE_REPLYING;
    http_connection_move(req->connection, HTTP_PHASE_WRITE);
    return http_answer_queue(req) ? MHD_YES : MHD_NO;
}

/* The library waits for a body that is not wanted. */
static enum MHD_Result discard_from_now(struct http_request *req)
{
    const struct http_limits *limits = &req->server->limits;

    req->must_close  = true;
    req->stage       = HTTP_STAGE_DISCARDING;
    req->deadline_us = clock_monotonic_us() + limits->discard_us;
    http_connection_move(req->connection, HTTP_PHASE_DISCARD);
    return MHD_YES;
}

/* Answered before the first byte of the body. Who waits for `100 Continue` gets the answer in its place. */
static enum MHD_Result reply_early(struct http_request *req)
{
    req->must_close = true;
    if (req->facts.expects_continue && req->facts.is_1_1)
        return reply(req);
    return discard_from_now(req);
}

static enum MHD_Result reply_refusal(struct http_request *req, const struct http_refusal *refusal)
{
    refuse(req, refusal->status, refusal->code, refusal->sentence);
    req->must_close = true;
    return req->has_body && refusal->is_framed ? reply_early(req) : reply(req);
}

static enum MHD_Result reply_busy(struct http_request *req)
{
    atomic_fetch_add_explicit(&req->server->n_refused_busy, 1, memory_order_relaxed);
    refuse(req, 503, "UNAVAILABLE", "the server is busy");
    return req->has_body ? reply_early(req) : reply(req);
}

/* Suspends and lets the workers go on with it. */
static enum MHD_Result go_to_work(struct http_request *req, enum http_stage stage)
{
    pthread_mutex_lock(&req->lock);
    bool is_suspended = suspend(req, HTTP_PHASE_WORK);
    if (is_suspended) {
        req->stage = stage;
        put_to_work(req);
    }
    pthread_mutex_unlock(&req->lock);
    return is_suspended ? MHD_YES : MHD_NO;
}

/* Fast, or with a worker. */
static enum MHD_Result decide(struct http_request *req)
{
    const struct http_app *app = &req->server->app;

    req->is_known = true;
    if (app->fast(app->context, req)) {
        ASSERT(http_is_answered(req));
        return req->has_body ? reply_early(req) : reply(req);
    }
    if (!http_workers_reserve(req->server->workers, &req->job))
        return reply_busy(req);
    req->is_body_done = !req->has_body;
    return go_to_work(req, HTTP_STAGE_STARTING);
}

static enum MHD_Result pass_gate(struct http_request *req, struct MHD_Connection *handle,
                                 const char *url, const char *method, const char *version)
{
    struct http_server    *server = req->server;
    struct http_head       head;
    struct http_gate_facts facts;
    struct http_refusal    refusal;

    req->is_counted = true;
    atomic_fetch_add(&server->n_running, 1);
    atomic_fetch_add_explicit(&server->n_requests, 1, memory_order_relaxed);
    http_head_read(req->arena, handle, method, url, version, req->head.target, &head);
    if (!http_gate_check(&head, &server->limits, &facts, &refusal)) {
        atomic_fetch_add_explicit(&server->n_refused_by_gate, 1, memory_order_relaxed);
        if (refusal.is_framed)
            http_request_set_head(req, head, &facts);
        return reply_refusal(req, &refusal);
    }

    http_request_set_head(req, head, &facts);
    if (req->has_body)
        return decide(req);

    /* An answer in this call would close the connection. */
    req->stage = HTTP_STAGE_READY;
    return MHD_YES;
}

/* Back from `start`. */
static enum MHD_Result go_on_after_start(struct http_request *req)
{
    if (http_is_answered(req))
        return req->has_body ? reply_early(req) : reply(req);

    ASSERT(req->has_body && req->wants_body);
    req->stage        = HTTP_STAGE_BODY;
    req->is_streaming = req->body_mode == HTTP_BODY_STREAM;
    if (req->is_streaming)
        atomic_fetch_add_explicit(&req->server->n_streams, 1, memory_order_relaxed);
    else
        buf_init(&req->whole, req->arena, (size_t)req->body_limit);
    http_connection_move(req->connection, HTTP_PHASE_BODY);
    return MHD_YES;
}

/* The body has ended. What is left of it, and `finish`, are the worker's. */
static enum MHD_Result end_body(struct http_request *req)
{
    pthread_mutex_lock(&req->lock);
    if (req->fill != NULL) {
        ASSERT(req->n_full < ARRAY_LEN(req->full));
        req->full[req->n_full++] = req->fill;
        req->fill                = NULL;
    }
    req->is_body_done = true;
    pthread_mutex_unlock(&req->lock);
    return go_to_work(req, HTTP_STAGE_FINISHING);
}

/* A refused body has ended. The answer may still be in the making. */
static enum MHD_Result end_discarding(struct http_request *req)
{
    pthread_mutex_lock(&req->lock);
    bool is_working = req->is_working;
    pthread_mutex_unlock(&req->lock);
    return is_working ? go_to_work(req, HTTP_STAGE_FINISHING) : reply(req);
}

/* The library's calls without bytes: the head (again, when we were suspended in it), or the end. */
static enum MHD_Result advance(struct http_request *req, struct MHD_Connection *handle,
                               const char *url, const char *method, const char *version)
{
    switch (req->stage) {
    case HTTP_STAGE_HEAD:
        return pass_gate(req, handle, url, method, version);
    case HTTP_STAGE_READY:
        return decide(req);
    case HTTP_STAGE_STARTING:
        return go_on_after_start(req);
    case HTTP_STAGE_BODY:
        return end_body(req);
    case HTTP_STAGE_DISCARDING:
        return end_discarding(req);
    case HTTP_STAGE_FINISHING:
        return reply(req);
    case HTTP_STAGE_LINGERING:
        return MHD_NO;
    case HTTP_STAGE_REPLYING:
        return MHD_YES;
    }
    ASSERT_NEVER("a stage");
}

/* Bodies */

static void count_bytes(struct http_request *req, size_t size)
{
    atomic_fetch_add_explicit(&req->bytes_in, (int64_t)size, memory_order_relaxed);
    atomic_fetch_add_explicit(&req->connection->received, (int64_t)size, memory_order_relaxed);
}

static enum MHD_Result discard(struct http_request *req, size_t *size)
{
    const struct http_limits *limits = &req->server->limits;
    int64_t                   now_us = clock_monotonic_us();

    count_bytes(req, *size);
    req->discarded += (int64_t)*size;
    *size = 0;
    if (req->discarded <= limits->discard_bytes && now_us < req->deadline_us)
        return MHD_YES;
    if (req->stage == HTTP_STAGE_LINGERING)
        return MHD_NO;

    pthread_mutex_lock(&req->lock);
    bool is_working = req->is_working;
    bool is_kept    = !is_working || suspend(req, HTTP_PHASE_WORK);
    pthread_mutex_unlock(&req->lock);
    if (is_working)
        return is_kept ? MHD_YES : MHD_NO; /* the worker that makes the answer wakes it */

    /* The client reads it, perhaps, when it has time; for a while its bytes are taken from the wire so
     * that no reset overtakes the answer. */
    req->is_complete = http_answer_write(req);
    req->stage       = HTTP_STAGE_LINGERING;
    req->discarded   = 0;
    req->deadline_us = now_us + limits->discard_us;
    http_connection_move(req->connection, HTTP_PHASE_LINGER);
    return MHD_YES;
}

static enum MHD_Result take_whole(struct http_request *req, const char *bytes, size_t *size)
{
    if ((int64_t)*size > req->body_limit - http_bytes_in(req)) {
        refuse(req, too_large.status, too_large.code, too_large.sentence);
        discard_from_now(req);
        return discard(req, size);
    }
    count_bytes(req, *size);
    buf_add(&req->whole, bytes, *size);
    *size = 0;
    return MHD_YES;
}

/* In the thread of whoever gave a block back; null when the server stops. */
static void take_granted(struct http_block_waiter *waiter, struct http_block *block)
{
    struct http_request *req =
        (struct http_request *)(void *)((char *)waiter - offsetof(struct http_request, waiter));

    pthread_mutex_lock(&req->lock);
    req->fill = block;
    req->n_lent += block != NULL;
    req->is_in_line = false;
    wake(req);
    pthread_mutex_unlock(&req->lock);
}

/* What became of the search for a block to fill. */
enum found { FOUND, MUST_WAIT, MUST_CLOSE, IS_OVER };

/* Under the lock. With a block under way its return wakes us. */
static enum found find_block(struct http_request *req)
{
    if (!req->is_working && http_is_answered(req))
        return IS_OVER;
    if (req->n_lent < ARRAY_LEN(req->full))
        req->fill = http_blocks_take(req->server->blocks);
    if (req->fill != NULL) {
        req->n_lent++;
        return FOUND;
    }
    req->is_in_line = req->n_lent == 0;
    return suspend(req, HTTP_PHASE_WORK) ? MUST_WAIT : MUST_CLOSE;
}

static enum found get_block(struct http_request *req)
{
    if (req->fill != NULL)
        return FOUND;

    pthread_mutex_lock(&req->lock);
    enum found found      = find_block(req);
    bool       is_in_line = found == MUST_WAIT && req->is_in_line;
    pthread_mutex_unlock(&req->lock);

    /* Suspended first: the block may be granted before this call returns. */
    if (is_in_line)
        http_blocks_wait(req->server->blocks, &req->waiter);
    return found;
}

static void fill_block(struct http_request *req, const char **bytes, size_t *size)
{
    struct http_block *block = req->fill;
    size_t             room  = HTTP_BLOCK_SIZE - block->n;
    size_t             part  = *size < room ? *size : room;

    memcpy(block->bytes + block->n, *bytes, part);
    block->n += part;
    *bytes += part;
    *size -= part;
    count_bytes(req, part);
}

/* A full block goes to the worker; a slow upload does not keep others waiting for the one that it fills. */
static void pass_on(struct http_request *req)
{
    if (req->fill->n < HTTP_BLOCK_SIZE && !http_blocks_are_wanted(req->server->blocks))
        return;

    pthread_mutex_lock(&req->lock);
    ASSERT(req->n_full < ARRAY_LEN(req->full));
    req->full[req->n_full++] = req->fill;
    req->fill                = NULL;
    put_to_work(req);
    pthread_mutex_unlock(&req->lock);
}

static enum MHD_Result take_piece(struct http_request *req, const char *bytes, size_t *size)
{
    enum found found = FOUND;

    while (*size > 0 && (found = get_block(req)) == FOUND) {
        fill_block(req, &bytes, size);
        pass_on(req);
    }
    if (found == IS_OVER) {
        discard_from_now(req);
        return discard(req, size);
    }
    return found == MUST_CLOSE ? MHD_NO : MHD_YES;
}

/* May more come? A worker may have answered meanwhile, and the limit may be reached. */
static enum MHD_Result take_stream(struct http_request *req, const char *bytes, size_t *size)
{
    bool is_too_large = (int64_t)*size > req->body_limit - http_bytes_in(req);

    pthread_mutex_lock(&req->lock);
    bool is_over = !req->is_working && http_is_answered(req);
    if (is_too_large && !is_over) {
        req->refusal = too_large;
        put_to_work(req);
    }
    pthread_mutex_unlock(&req->lock);

    if (!is_over && !is_too_large)
        return take_piece(req, bytes, size);
    discard_from_now(req);
    return discard(req, size);
}

static enum MHD_Result take_bytes(struct http_request *req, const char *bytes, size_t *size)
{
    if (req->stage != HTTP_STAGE_BODY)
        return discard(req, size);
    return req->body_mode == HTTP_BODY_WHOLE ? take_whole(req, bytes, size)
                                             : take_stream(req, bytes, size);
}

enum MHD_Result http_exchange_advance(void *context, struct MHD_Connection *handle, const char *url,
                                      const char *method, const char *version, const char *bytes,
                                      size_t *size, void **slot)
{
    struct http_request *req = *slot;

    (void)context;
    if (*size > 0)
        return take_bytes(req, bytes, size);
    return advance(req, handle, url, method, version);
}

/* The end */

/* The refused body did not come in time, and the sweeper has ended the reading. */
static void write_late_answer(struct http_request *req)
{
    pthread_mutex_lock(&req->lock);
    bool is_ready = !req->is_working && http_is_answered(req);
    pthread_mutex_unlock(&req->lock);

    if (is_ready && atomic_load(&req->connection->is_late))
        req->is_complete = http_answer_write(req);
}

void http_exchange_end(void *context, struct MHD_Connection *handle, void **slot,
                       enum MHD_RequestTerminationCode code)
{
    struct http_request *req = *slot;

    (void)context;
    (void)handle;
    if (req == NULL)
        return;
    *slot = NULL;

    if (req->stage == HTTP_STAGE_DISCARDING)
        write_late_answer(req);
    if (req->stage == HTTP_STAGE_REPLYING && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        req->is_complete = true;
    if (req->reply.stream != NULL)
        req->reply.size = http_stream_lose(req->reply.stream);
    if (req->is_complete && req->method != HTTP_HEAD)
        atomic_store_explicit(&req->bytes_out, req->reply.size, memory_order_relaxed);
    http_connection_move(req->connection, HTTP_PHASE_IDLE);

    /* Not before the worker that woke us has let go of the lock. */
    pthread_mutex_lock(&req->lock);
    bool is_inline = !req->is_submitted || req->is_complete;
    if (!is_inline) {
        req->handle     = NULL;
        req->connection = NULL;
        put_to_work(req);
    }
    pthread_mutex_unlock(&req->lock);
    if (is_inline)
        end(req);
}
