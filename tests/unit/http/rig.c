/* rig.c: see rig.h. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec/hash.h"
#include "http/certificate.h"
#include "io/clock.h"

const char rig_file_text[] = "0123456789abcdef";

enum { FILE_SIZE = 256 * 1024, PATIENCE_S = 20 };

struct known {
    struct rig *rig;
    atomic_int  n_running;
    struct hash hash;
};

/* Steps */

static void step_in(struct rig *rig, struct http_request *req, enum rig_step step)
{
    struct known *known = http_state(req);

    if (known != NULL && atomic_fetch_add(&known->n_running, 1) != 0)
        atomic_fetch_add(&rig->n_overlaps, 1);

    pthread_mutex_lock(&rig->lock);
    atomic_fetch_add(&rig->n[step], 1);
    pthread_cond_broadcast(&rig->moved);
    while (rig->is_held[step])
        pthread_cond_wait(&rig->moved, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

static void step_out(struct http_request *req)
{
    struct known *known = http_state(req);

    if (known != NULL)
        atomic_fetch_sub(&known->n_running, 1);
}

static int64_t limit_of(struct http_request *req)
{
    int64_t limit;

    return str_to_int(http_query(req), &limit) ? limit : 1 << 30;
}

static void reply_text(struct http_request *req, int status, struct str text)
{
    http_reply(req, status);
    http_reply_header(req, "Content-Type", STR("text/plain"));
    http_reply_bytes(req, text);
}

static void reply_facts(struct http_request *req)
{
    const char *text =
        mem_printf(http_arena(req),
                   "method %s\npath " STR_FMT "\nquery " STR_FMT "\nhost " STR_FMT "\npeer " STR_FMT
                   "\nclient " STR_FMT "\nlistener " STR_FMT "\nid " STR_FMT
                   "\ntls %d\nlength %lld\nbody %d\n",
                   http_method_name(http_method(req)), STR_ARGS(http_path(req)),
                   STR_ARGS(http_query(req)), STR_ARGS(http_host(req)), STR_ARGS(http_peer(req)),
                   STR_ARGS(http_client(req)), STR_ARGS(http_listener(req)), STR_ARGS(http_id(req)),
                   http_is_tls(req), (long long)http_content_length(req), http_has_body(req));

    reply_text(req, 200, str_from(text));
}

static void reply_file(struct rig *rig, struct http_request *req)
{
    struct str rest = http_query(req);
    struct str part;
    int64_t    from = 0;
    int64_t    size = FILE_SIZE;

    if (str_next(&rest, '-', &part) && str_to_int(part, &from))
        str_to_int(rest, &size);
    http_reply(req, from == 0 && size == FILE_SIZE ? 200 : 206);
    http_reply_file(req, fcntl(rig->file, F_DUPFD_CLOEXEC, 0), from, size);
}

static bool fast(void *context, struct http_request *req)
{
    struct rig   *rig   = context;
    struct known *known = mem_one(http_arena(req), struct known);
    struct str    path  = http_path(req);

    known->rig = rig;
    http_set_state(req, known);
    atomic_fetch_add(&rig->n_known, 1);
    step_in(rig, req, RIG_FAST);
    if (str_is(path, "/fast"))
        reply_text(req, 200, STR("fast"));
    else if (str_is(path, "/facts"))
        reply_facts(req);
    else if (str_is(path, "/headers"))
        reply_text(req, 200, http_header(req, str_dup(http_arena(req), http_query(req))));
    else if (str_is(path, "/file"))
        reply_file(rig, req);
    else if (str_is(path, "/size")) {
        http_reply(req, 200);
        http_reply_size_only(req, 123456);
    }
    step_out(req);
    return http_is_answered(req);
}

static void start(void *context, struct http_request *req)
{
    struct known *known = http_state(req);
    struct str    path  = http_path(req);

    step_in(context, req, RIG_START);
    if (str_is(path, "/work"))
        reply_text(req, 200, STR("work"));
    else if (str_is(path, "/deny"))
        reply_text(req, 401, STR("denied"));
    else if (str_is(path, "/whole"))
        http_want_body(req, HTTP_BODY_WHOLE, limit_of(req));
    else if (str_is(path, "/stream") || str_is(path, "/early")) {
        hash_init(&known->hash, HASH_SHA256);
        http_want_body(req, HTTP_BODY_STREAM, limit_of(req));
    }
    step_out(req);
}

static void piece(void *context, struct http_request *req, struct str bytes)
{
    struct known *known = http_state(req);

    step_in(context, req, RIG_PIECE);
    hash_add(&known->hash, bytes.p, bytes.n);
    if (str_is(http_path(req), "/early"))
        reply_text(req, 409, STR("no more of this"));
    step_out(req);
}

static void reply_hash(struct http_request *req, struct known *known)
{
    char text[HASH_HEX_MAX];

    hash_finish_hex(&known->hash, text);
    reply_text(req, 201, str_from(mem_strdup(http_arena(req), text)));
}

static void finish(void *context, struct http_request *req)
{
    struct str path = http_path(req);

    step_in(context, req, RIG_FINISH);
    if (str_is(path, "/whole"))
        reply_text(req, 200, http_body(req));
    else if (str_is(path, "/stream"))
        reply_hash(req, http_state(req));
    else if (!str_is(path, "/mute"))
        reply_text(req, 200, STR("finish"));
    step_out(req);
}

static void refuse(void *context, struct http_request *req, int status, const char *code,
                   const char *sentence)
{
    step_in(context, req, RIG_REFUSE);
    reply_text(req, status, str_from(mem_printf(http_arena(req), "%s: %s", code, sentence)));
    step_out(req);
}

static void end(void *context, struct http_request *req, bool was_complete)
{
    struct rig *rig = context;

    step_in(rig, req, RIG_END);
    atomic_fetch_add(was_complete ? &rig->n_complete : &rig->n_lost, 1);
    step_out(req);
}

/* Life */

static void write_file(const char *folder, const char *name, struct str text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    fclose(file);
}

static void make_certificate(struct rig *rig)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    const struct str               names[] = { STR("localhost"), STR("127.0.0.1") };
    struct str                     ca, ca_key, chain, key;
    char                           chain_path[128];
    char                           key_path[128];
    struct err                     err;

    CHECK_OK(http_ca_make(arena, &ca, &ca_key, &err), &err);
    CHECK_OK(http_ca_issue(arena, ca, ca_key, names, 2, &chain, &key, &err), &err);
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/http-rig-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    write_file(rig->folder, "ca.pem", ca);
    write_file(rig->folder, "chain.pem", chain);
    write_file(rig->folder, "key.pem", key);
    snprintf(chain_path, sizeof(chain_path), "%s/chain.pem", rig->folder);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", rig->folder);
    CHECK_OK(http_certificate_open(chain_path, key_path, &rig->certificate, &err), &err);
}

static void make_file(struct rig *rig)
{
    rig->file = memfd_create("rig", MFD_CLOEXEC);
    for (size_t n = 0; n < FILE_SIZE; n += sizeof(rig_file_text) - 1)
        assert_int_equal(write(rig->file, rig_file_text, sizeof(rig_file_text) - 1),
                         sizeof(rig_file_text) - 1);
}

struct rig *rig_start(const struct http_limits *limits, const char *trusted, unsigned flags)
{
    struct rig *rig = mem_new(struct rig);
    struct err  err;

    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->moved, NULL);
    make_file(rig);
    if (flags & RIG_TLS)
        make_certificate(rig);
    rig->app = (struct http_app){ .context = rig,
                                  .fast    = fast,
                                  .start   = start,
                                  .piece   = piece,
                                  .finish  = finish,
                                  .refuse  = refuse,
                                  .end     = end };

    const struct http_listen          listen   = { .address     = STR("127.0.0.1:0"),
                                                   .certificate = rig->certificate };
    const struct http_server_settings settings = {
        .listens         = &listen,
        .n_listens       = 1,
        .event_threads   = 2,
        .trusted_proxies = str_from(trusted == NULL ? "" : trusted),
        .limits          = limits == NULL ? http_limits_default : *limits,
    };
    CHECK_OK(http_server_start(&settings, &rig->app, &rig->server, &err), &err);

    struct str address = http_server_address(rig->server, 0);
    int64_t    port;
    assert_true(str_starts(address, STR("127.0.0.1:")));
    assert_true(str_to_int(str_from_index(address, 10), &port));
    rig->port = (int)port;
    return rig;
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = { "ca.pem", "chain.pem", "key.pem" };
    char                     path[128];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

void rig_stop(struct rig **slot)
{
    struct rig *rig = *slot;

    for (int step = 0; step < RIG_N_STEPS; step++)
        rig_let_go(rig, (enum rig_step)step);
    http_server_free(&rig->server);
    http_certificate_free(&rig->certificate);
    assert_int_equal(atomic_load(&rig->n_overlaps), 0);
    assert_int_equal(atomic_load(&rig->n[RIG_END]), atomic_load(&rig->n_known));
    if (rig->folder[0] != '\0')
        remove_folder(rig->folder);
    close(rig->file);
    pthread_cond_destroy(&rig->moved);
    pthread_mutex_destroy(&rig->lock);
    mem_free(rig);
    *slot = NULL;
}

void rig_hold(struct rig *rig, enum rig_step step)
{
    pthread_mutex_lock(&rig->lock);
    rig->is_held[step] = true;
    pthread_mutex_unlock(&rig->lock);
}

void rig_let_go(struct rig *rig, enum rig_step step)
{
    pthread_mutex_lock(&rig->lock);
    rig->is_held[step] = false;
    pthread_cond_broadcast(&rig->moved);
    pthread_mutex_unlock(&rig->lock);
}

int64_t rig_now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

void rig_await(struct rig *rig, const atomic_int *count, int value)
{
    const struct timespec moment   = { .tv_nsec = 1000000 };
    int64_t               until_ms = rig_now_ms() + PATIENCE_S * 1000;

    (void)rig;
    while (atomic_load(count) != value) {
        if (rig_now_ms() > until_ms)
            fail_msg("a count stays at %d, not %d", atomic_load(count), value);
        nanosleep(&moment, NULL);
    }
}

/* Sockets */

int rig_connect(const struct rig *rig)
{
    const struct timeval     patience = { .tv_sec = PATIENCE_S };
    const struct sockaddr_in address  = { .sin_family = AF_INET,
                                          .sin_port   = htons((uint16_t)rig->port),
                                          .sin_addr   = { htonl(INADDR_LOOPBACK) } };
    int                      fd       = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)),
                     0);
    return fd;
}

void rig_say_bytes(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the other end has had enough; what it answered is what counts */
        at += n;
        size -= (size_t)n;
    }
}

void rig_say(int fd, const char *text)
{
    rig_say_bytes(fd, text, strlen(text));
}

void rig_hang_up(int *fd)
{
    close(*fd);
    *fd = -1;
}

static bool read_head(int fd, struct rig_answer *out)
{
    size_t n = 0;

    while (n < 4 || memcmp(out->head + n - 4, "\r\n\r\n", 4) != 0) {
        assert_true(n < sizeof(out->head) - 1);
        if (recv(fd, out->head + n, 1, 0) != 1)
            return false;
        n++;
    }
    out->head[n] = '\0';
    return true;
}

void rig_hear(int fd, const char *method, struct rig_answer *out)
{
    memset(out, 0, sizeof(out->head));
    out->status     = 0;
    out->n          = 0;
    out->body[0]    = '\0';
    out->says_close = false;
    if (!read_head(fd, out))
        return;

    out->status        = (int)strtol(out->head + strlen("HTTP/1.1 "), NULL, 10);
    out->says_close    = strstr(out->head, "\r\nConnection: close\r\n") != NULL;
    const char *length = strstr(out->head, "\r\nContent-Length: ");
    size_t      size   = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
    if (strcmp(method, "HEAD") == 0 || out->status < 200)
        size = 0;
    assert_true(size < sizeof(out->body));
    while (out->n < size) {
        ssize_t n = recv(fd, out->body + out->n, size - out->n, 0);

        if (n <= 0)
            break;
        out->n += (size_t)n;
    }
    out->body[out->n] = '\0';
}

void rig_ask(const struct rig *rig, const char *text, struct rig_answer *out)
{
    int fd = rig_connect(rig);

    rig_say(fd, text);
    rig_hear(fd, strncmp(text, "HEAD ", 5) == 0 ? "HEAD" : "GET", out);
    rig_hang_up(&fd);
}

bool rig_is_closed(int fd)
{
    char    byte;
    ssize_t n;

    while ((n = recv(fd, &byte, 1, 0)) == 1)
        continue;
    return n == 0 || errno == ECONNRESET;
}
