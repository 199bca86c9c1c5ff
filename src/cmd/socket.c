/* cmd/socket.c: the admin socket, both ends. One request at a time: administrators are few. */
#include "cmd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/node.h"
#include "cmd/verb.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "io/file.h"

enum { LINE_MAX_SIZE = 64 * 1024, PATIENCE_MS = 10000, ANSWER_PATIENCE_MS = 60000 };

struct request {
    struct str       verb;
    struct json_list args;
};

/* With a part: more follows. */
struct answer {
    int64_t    exit;
    struct str text;
    struct str part;
};

/* clang-format off */
static const struct json_field request_fields[] = {
    { "verb", JSON_STRING, JSON_AT(struct request, verb, struct str),       .flags = JSON_REQUIRED },
    { "args", JSON_LIST,   JSON_AT(struct request, args, struct json_list), .flags = JSON_REQUIRED, .max = VERB_ARGS_MAX },
};
static const struct json_table request_table = {
    .name = "request", .size = sizeof(struct request), .is_closed = true,
    .fields = request_fields, .n_fields = ARRAY_LEN(request_fields),
};
static const struct json_field answer_fields[] = {
    { "exit", JSON_INTEGER, JSON_AT(struct answer, exit, int64_t),    .flags = JSON_REQUIRED },
    { "text", JSON_STRING,  JSON_AT(struct answer, text, struct str), .flags = JSON_REQUIRED },
    { "part", JSON_STRING,  JSON_AT(struct answer, part, struct str) },
};
static const struct json_table answer_table = {
    .name = "answer", .size = sizeof(struct answer), .is_closed = true,
    .fields = answer_fields, .n_fields = ARRAY_LEN(answer_fields),
};
/* clang-format on */

/* A verb that takes long, at its work. Its thread owns the connection. */
struct long_call {
    struct verb_out       out; /* first: the way back from it */
    struct socket_server *server;
    int                   fd;
    struct arena         *arena; /* of the request */
    struct request        request;
};

struct socket_server {
    struct node *node;
    int          fd;
    int          wake[2];
    pthread_t    thread;
    pthread_t    long_thread;
    bool         has_long; /* long_thread wants a join; only the server's thread and free look */
    atomic_bool  is_long_running;
    atomic_bool  is_ending;
};

/* The name of a part on the wire, in the order of enum verb_part. */
static const char *const part_names[] = { "text", "progress" };

/* -- lines -------------------------------------------------------------------------------------------- */

static int send_line(int fd, struct buf *line, struct err *err)
{
    struct str text;
    size_t     sent = 0;

    buf_char(line, '\n');
    if (buf_finish(line, &text, err) < 0)
        return -1;
    while (sent < text.n) {
        ssize_t n = send(fd, text.p + sent, text.n - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set_os(err, ERR_UNAVAILABLE, "writing to the admin socket");
        sent += (size_t)n;
    }
    return 0;
}

/* Bytes of a connection as lines. */
struct lines {
    int    fd;
    char  *bytes; /* LINE_MAX_SIZE */
    size_t n;
    size_t taken; /* of the line that was handed out last */
};

static void init_lines(struct lines *lines, int fd, struct arena *arena)
{
    *lines = (struct lines){ .fd = fd, .bytes = mem_alloc(arena, LINE_MAX_SIZE) };
}

static int receive_more(struct lines *lines, int patience_ms, struct err *err)
{
    struct pollfd wait = { .fd = lines->fd, .events = POLLIN };

    if (lines->n == LINE_MAX_SIZE)
        return err_set(err, ERR_TOO_LARGE, "a line of more than %d bytes on the admin socket",
                       LINE_MAX_SIZE);
    if (poll(&wait, 1, patience_ms) <= 0)
        return err_set(err, ERR_UNAVAILABLE, "no answer on the admin socket");
    ssize_t got = recv(lines->fd, lines->bytes + lines->n, LINE_MAX_SIZE - lines->n, 0);
    if (got <= 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "the admin socket was closed in the middle of an answer");
    lines->n += (size_t)got;
    return 0;
}

/* The view is good until the next call. patience_ms -1: for ever. */
static int receive_line(struct lines *lines, int patience_ms, struct str *out, struct err *err)
{
    memmove(lines->bytes, lines->bytes + lines->taken, lines->n - lines->taken);
    lines->n -= lines->taken;
    lines->taken = 0;
    for (;;) {
        struct str all = { .p = lines->bytes, .n = lines->n };
        ptrdiff_t  end = str_find(all, '\n');

        if (end >= 0) {
            lines->taken = (size_t)end + 1;
            *out         = str_sub(all, 0, (size_t)end);
            return 0;
        }
        if (receive_more(lines, patience_ms, err) < 0)
            return -1;
    }
}

/* -- the server's end --------------------------------------------------------------------------------- */

static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t    size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static int send_answer(int fd, int exit, struct str text, const char *part, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w;
    struct buf                     line;

    buf_init(&line, arena, 2 * LINE_MAX_SIZE);
    json_write_init(&w, &line);
    json_write_object(&w);
    json_write_int_at(&w, "exit", exit);
    json_write_str_at(&w, "text", text);
    if (part != NULL)
        json_write_text_at(&w, "part", part);
    json_write_end(&w);
    return send_line(fd, &line, err);
}

static void answer(int fd, int exit, struct str text)
{
    struct err ignored; /* whoever asked is gone */

    (void)send_answer(fd, exit, text, NULL, &ignored);
}

static void answer_error(int fd, const struct err *err)
{
    answer(fd, err->kind == ERR_INVALID ? CMD_USAGE : CMD_FAILED, str_from(err->text));
}

/* -- verbs that take long ----------------------------------------------------------------------------- */

static bool is_long_stopping(struct verb_out *out)
{
    return atomic_load(&((struct long_call *)out)->server->is_ending);
}

static int write_part(struct verb_out *out, enum verb_part part, struct str text, struct err *err)
{
    struct long_call *call = (struct long_call *)out;

    if (is_long_stopping(out))
        return err_set(err, ERR_UNAVAILABLE, "the server is ending");
    return send_answer(call->fd, 0, text, part_names[part], err);
}

static void *run_long(void *context)
{
    struct long_call       *call   = context;
    struct socket_server   *server = call->server;
    const struct verb_long *verb   = verb_long_find(call->request.verb);
    struct verb_call        asked  = { .node      = server->node,
                                       .args      = call->request.args.items,
                                       .n_args    = call->request.args.n,
                                       .is_beside = true,
                                       .out       = &call->out };
    int                     exit;
    struct err              err;

    if (verb->run(&asked, &exit, &err) < 0)
        answer_error(call->fd, &err);
    else
        answer(call->fd, exit, STR(""));
    file_close(&call->fd);
    arena_free(&call->arena);
    mem_free(call);
    atomic_store(&server->is_long_running, false);
    return NULL;
}

/* The connection and the arena are the thread's when this succeeds. */
static int start_long(struct socket_server *server, int *fd, struct arena **arena,
                      const struct request *request, struct err *err)
{
    struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

    if (atomic_load(&server->is_long_running))
        return err_set(err, ERR_CONFLICT, "the server is at such work already; wait for its end");
    if (server->has_long)
        pthread_join(server->long_thread, NULL);

    struct long_call *call = mem_new(struct long_call);
    *call                  = (struct long_call){ .out     = { write_part, is_long_stopping },
                                                 .server  = server,
                                                 .fd      = *fd,
                                                 .arena   = TAKE(*arena),
                                                 .request = *request };
    *fd                    = -1;

    /* Who asks and does not read does not hold it up for ever. */
    setsockopt(call->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    atomic_store(&server->is_long_running, true);
    int started = pthread_create(&server->long_thread, NULL, run_long, call);
    ASSERT(started == 0);
    server->has_long = true;
    return 0;
}

/* -- one request -------------------------------------------------------------------------------------- */

static int run_request(struct socket_server *server, struct arena **arena, int *fd, struct buf *out,
                       struct err *err)
{
    struct request request = { 0 };
    struct lines   lines;
    struct str     line;

    init_lines(&lines, *fd, *arena);
    if (receive_line(&lines, PATIENCE_MS, &line, err) < 0 ||
        json_read(*arena, line, &json_limits_default, &request_table, &request, err) < 0)
        return -1;
    if (verb_long_find(request.verb) != NULL)
        return start_long(server, fd, arena, &request, err);
    int done = verb_run(server->node, request.verb, request.args.items, request.args.n, out, err);
    mem_wipe(lines.bytes, lines.n);
    return done;
}

static void serve_one(struct socket_server *server, int *fd)
{
    AUTO(arena_free) struct arena *arena        = arena_new();
    AUTO(arena_free) struct arena *answer_arena = arena_new();
    struct buf                     out;
    struct err                     err;

    if (!is_trusted(*fd))
        return;
    buf_init(&out, answer_arena, LINE_MAX_SIZE / 2);
    if (run_request(server, &arena, fd, &out, &err) < 0)
        answer_error(*fd, &err);
    else if (*fd >= 0)
        answer(*fd, CMD_DONE, buf_view(&out));
}

static void *run_server(void *context)
{
    struct socket_server *server = context;

    for (;;) {
        struct pollfd waits[] = {
            { .fd = server->fd, .events = POLLIN },
            { .fd = server->wake[0], .events = POLLIN },
        };

        if (poll(waits, ARRAY_LEN(waits), -1) < 0)
            continue;
        if (waits[1].revents != 0)
            return NULL;

        AUTO(file_close) int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_one(server, &fd);
    }
}

/* A path in the data directory may be longer than a socket's name can be; through the directory's
 * descriptor it never is. */
static void address_of(int data_fd, struct sockaddr_un *out)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    const char                    *path = mem_printf(arena, "/proc/self/fd/%d/admin.sock", data_fd);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(out->sun_path, path, strlen(path) + 1);
}

int socket_server_start(struct node *node, struct socket_server **out, struct err *err)
{
    AUTO(socket_server_free) struct socket_server *server = mem_new(struct socket_server);
    struct sockaddr_un                             address;

    server->node    = node;
    server->wake[0] = server->wake[1] = -1;
    server->fd                        = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->fd < 0 || pipe2(server->wake, O_CLOEXEC) != 0)
        return err_set_os(err, ERR_UNAVAILABLE, "admin socket");

    /* The lock is ours, so a socket that is there is a dead one. */
    if (file_remove_at(node->data_fd, "admin.sock", err) < 0)
        return -1;
    address_of(node->data_fd, &address);
    mode_t old_mask = umask(0177);
    int    bound    = bind(server->fd, (const struct sockaddr *)&address, sizeof(address));
    umask(old_mask);
    if (bound != 0 || listen(server->fd, 8) != 0)
        return err_set_os(err, ERR_UNAVAILABLE, "admin socket");

    int started = pthread_create(&server->thread, NULL, run_server, server);
    ASSERT(started == 0);
    *out = TAKE(server);
    return 0;
}

void socket_server_free(struct socket_server **server)
{
    struct err ignored; /* a dead socket is removed by the next start */

    if (*server == NULL)
        return;
    atomic_store(&(*server)->is_ending, true);
    if ((*server)->thread != 0) {
        ssize_t woken = write((*server)->wake[1], "x", 1);

        (void)woken;
        pthread_join((*server)->thread, NULL);
        if ((*server)->has_long)
            pthread_join((*server)->long_thread, NULL);
        (void)file_remove_at((*server)->node->data_fd, "admin.sock", &ignored);
    }
    file_close(&(*server)->fd);
    file_close(&(*server)->wake[0]);
    file_close(&(*server)->wake[1]);
    mem_free(*server);
    *server = NULL;
}

/* -- the command's end -------------------------------------------------------------------------------- */

static enum verb_part part_of(struct str name)
{
    return str_is(name, part_names[VERB_PROGRESS]) ? VERB_PROGRESS : VERB_TEXT;
}

/* Hands parts on until the answer comes. out null: there are none. */
static int hear(int fd, struct arena *arena, struct verb_out *out, struct answer *reply,
                struct err *err)
{
    struct lines lines;
    struct str   text;

    init_lines(&lines, fd, arena);
    for (;;) {
        AUTO(arena_free) struct arena *part_arena = arena_new();
        struct answer                  part       = { 0 };

        if (receive_line(&lines, out == NULL ? ANSWER_PATIENCE_MS : -1, &text, err) < 0 ||
            json_read(part_arena, text, &json_limits_default, &answer_table, &part, err) < 0)
            return -1;
        if (part.part.p == NULL || out == NULL) {
            *reply = (struct answer){ .exit = part.exit, .text = str_copy(arena, part.text) };
            return 0;
        }
        if (out->write(out, part_of(part.part), part.text, err) < 0)
            return -1;
    }
}

static int ask(int fd, struct arena *arena, struct str verb, const struct str *args, size_t n_args,
               struct err *err)
{
    struct json_write w;
    struct buf        line;

    buf_init(&line, arena, LINE_MAX_SIZE - 1);
    json_write_init(&w, &line);
    json_write_object(&w);
    json_write_str_at(&w, "verb", verb);
    json_write_key(&w, "args");
    json_write_list(&w);
    for (size_t i = 0; i < n_args; i++)
        json_write_str(&w, args[i]);
    json_write_end(&w);
    json_write_end(&w);
    return send_line(fd, &line, err);
}

int socket_ask_long(struct arena *arena, struct str data, struct str verb, const struct str *args,
                    size_t n_args, struct verb_out *out, int *out_exit, struct str *out_text,
                    struct err *err)
{
    AUTO(file_close) int dir   = -1;
    AUTO(file_close) int fd    = -1;
    struct answer        reply = { 0 };
    struct sockaddr_un   address;

    if (file_open_dir(str_dup(arena, data), false, &dir, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "admin socket");
    address_of(dir, &address);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return 0;
        return err_set_os(err, ERR_UNAVAILABLE, "admin socket");
    }
    if (ask(fd, arena, verb, args, n_args, err) < 0 || hear(fd, arena, out, &reply, err) < 0)
        return -1;
    *out_exit = (int)reply.exit;
    *out_text = reply.text;
    return 1;
}

int socket_ask(struct arena *arena, struct str data, struct str verb, const struct str *args,
               size_t n_args, int *out_exit, struct str *out_text, struct err *err)
{
    return socket_ask_long(arena, data, verb, args, n_args, NULL, out_exit, out_text, err);
}
