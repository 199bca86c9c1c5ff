/* cmd/socket.c: the admin socket, both ends. One request at a time: administrators are few. */
#include "cmd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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

struct answer {
    int64_t    exit;
    struct str text;
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
};
static const struct json_table answer_table = {
    .name = "answer", .size = sizeof(struct answer), .is_closed = true,
    .fields = answer_fields, .n_fields = ARRAY_LEN(answer_fields),
};
/* clang-format on */

struct socket_server {
    struct node *node;
    int          fd;
    int          wake[2];
    pthread_t    thread;
};

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

static int receive_line(int fd, struct arena *arena, int patience_ms, struct str *out,
                        struct err *err)
{
    char  *line = mem_alloc(arena, LINE_MAX_SIZE);
    size_t n    = 0;

    while (n < LINE_MAX_SIZE) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };

        if (poll(&wait, 1, patience_ms) <= 0)
            return err_set(err, ERR_UNAVAILABLE, "no answer on the admin socket");
        ssize_t got = recv(fd, line + n, LINE_MAX_SIZE - n, 0);
        if (got <= 0)
            return err_set(err, ERR_UNAVAILABLE,
                           "the admin socket was closed in the middle of a line");
        n += (size_t)got;
        if (line[n - 1] == '\n') {
            *out = (struct str){ .p = line, .n = n - 1 };
            return 0;
        }
    }
    return err_set(err, ERR_TOO_LARGE, "a line of more than %d bytes on the admin socket",
                   LINE_MAX_SIZE);
}

/* -- the server's end --------------------------------------------------------------------------------- */

static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t    size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void answer(int fd, struct arena *arena, int exit, struct str text)
{
    struct json_write w;
    struct buf        line;
    struct err        ignored; /* whoever asked is gone */

    buf_init(&line, arena, 2 * LINE_MAX_SIZE);
    json_write_init(&w, &line);
    json_write_object(&w);
    json_write_int_at(&w, "exit", exit);
    json_write_str_at(&w, "text", text);
    json_write_end(&w);
    (void)send_line(fd, &line, &ignored);
}

static int run_request(struct node *node, struct arena *arena, int fd, struct buf *out,
                       struct err *err)
{
    struct request request = { 0 };
    struct str     line;

    if (receive_line(fd, arena, PATIENCE_MS, &line, err) < 0 ||
        json_read(arena, line, &json_limits_default, &request_table, &request, err) < 0)
        return -1;
    int done = verb_run(node, request.verb, request.args.items, request.args.n, out, err);
    mem_wipe((char *)(uintptr_t)line.p, line.n);
    return done;
}

static void serve_one(struct node *node, int fd)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     out;
    struct err                     err;

    if (!is_trusted(fd))
        return;
    buf_init(&out, arena, LINE_MAX_SIZE / 2);
    if (run_request(node, arena, fd, &out, &err) < 0)
        answer(fd, arena, err.kind == ERR_INVALID ? CMD_USAGE : CMD_FAILED, str_from(err.text));
    else
        answer(fd, arena, CMD_DONE, buf_view(&out));
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
            serve_one(server->node, fd);
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
    if ((*server)->thread != 0) {
        ssize_t woken = write((*server)->wake[1], "x", 1);

        (void)woken;
        pthread_join((*server)->thread, NULL);
        (void)file_remove_at((*server)->node->data_fd, "admin.sock", &ignored);
    }
    file_close(&(*server)->fd);
    file_close(&(*server)->wake[0]);
    file_close(&(*server)->wake[1]);
    mem_free(*server);
    *server = NULL;
}

/* -- the command's end -------------------------------------------------------------------------------- */

static int ask(int fd, struct arena *arena, struct str verb, const struct str *args, size_t n_args,
               struct answer *out, struct err *err)
{
    struct json_write w;
    struct buf        line;
    struct str        text;

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
    if (send_line(fd, &line, err) < 0 ||
        receive_line(fd, arena, ANSWER_PATIENCE_MS, &text, err) < 0)
        return -1;
    return json_read(arena, text, &json_limits_default, &answer_table, out, err);
}

int socket_ask(struct arena *arena, struct str data, struct str verb, const struct str *args,
               size_t n_args, int *out_exit, struct str *out_text, struct err *err)
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
    if (ask(fd, arena, verb, args, n_args, &reply, err) < 0)
        return -1;
    *out_exit = (int)reply.exit;
    *out_text = reply.text;
    return 1;
}
