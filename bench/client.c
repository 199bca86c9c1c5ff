/* client.c: the clients of the bench that must not be what limits it: raw sockets, no parser beyond status,
 * length and Location, digests made before the clock starts.
 *
 *     client small HOST:PORT AUTH REPO IMAGES CLIENTS SEED [SECONDS]
 *                                                 pushes images of a config and two layers of 20 KiB, all new;
 *                                                 with SECONDS, until that long has passed
 *     client large HOST:PORT AUTH REPO MIB CLIENTS SEED SECONDS
 *                                                 pushes one blob of MIB each, bytes made on the way; stops
 *                                                 after SECONDS, with the bytes that went out by then
 *     client pull HOST:PORT TLSPORT AUTH PATH N   N downloads at once, every second one under TLS
 *     client probe HOST:PORT AUTH METHOD FILE N CLIENTS PAUSE_US
 *                                                 asks for the paths that FILE names, in turn, and measures each
 *     client login HOST:PORT PATH FILE FROM CLIENTS SECONDS
 *                                                 log-ins for so long, each with the next line of FILE (from line FROM
 *                                                 on) as its Authorization; who is told to come again comes in a second
 *     client limit FILE MIB                       the loop that no push can beat: hash, write, fsync
 *
 * AUTH is the value of the Authorization header, or "-". Each prints one line of JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONFIG_SIZE = 1500, LAYER_SIZE = 20 * 1024, HEAD_MAX = 16 * 1024, BLOCK = 256 * 1024, HEX = 65 };

static const char *host_port;
static const char *authorization;

/* In place of it, for one thread. */
static _Thread_local const char *own_authorization;

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "client: %s: %s\n", what, detail);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* -- bytes and digests -------------------------------------------------------------------------------- */

/* Bytes that do not compress; the same for the same seed. */
static void fill(char *out, size_t size, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;

    for (size_t i = 0; i < size; i += sizeof(x)) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(out + i, &x, size - i < sizeof(x) ? size - i : sizeof(x));
    }
}

static void print_digest(EVP_MD_CTX *hash, char out[HEX])
{
    unsigned char bytes[32];

    EVP_DigestFinal_ex(hash, bytes, NULL);
    for (int i = 0; i < 32; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void digest_of(const void *bytes, size_t size, char out[HEX])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    EVP_DigestUpdate(hash, bytes, size);
    print_digest(hash, out);
    EVP_MD_CTX_free(hash);
}

/* -- one connection ----------------------------------------------------------------------------------- */

struct answer {
    int     status;
    int64_t length;
    char    location[4096];
};

static int dial(const char *address)
{
    char               host[64];
    int                port, fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in to = { .sin_family = AF_INET };

    if (sscanf(address, "%63[^:]:%d", host, &port) != 2)
        die("address", address);
    to.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &to.sin_addr);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t size, int flags)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, flags | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static size_t print_head(char *out, const char *method, const char *target, int64_t length, const char *type)
{
    int         n  = snprintf(out, HEAD_MAX, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host_port);
    const char *as = own_authorization != NULL ? own_authorization : authorization;

    if (strcmp(as, "-") != 0)
        n += snprintf(out + n, (size_t)(HEAD_MAX - n), "Authorization: %s\r\n", as);
    if (type != NULL)
        n += snprintf(out + n, (size_t)(HEAD_MAX - n), "Content-Type: %s\r\n", type);
    if (length >= 0)
        n += snprintf(out + n, (size_t)(HEAD_MAX - n), "Content-Length: %lld\r\n", (long long)length);
    n += snprintf(out + n, (size_t)(HEAD_MAX - n), "\r\n");
    return (size_t)n;
}

static const char *find_field(const char *head, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = strstr(head, "\r\n"); at != NULL; at = strstr(at + 2, "\r\n")) {
        if (strncasecmp(at + 2, name, size) == 0 && at[2 + size] == ':')
            return at + 2 + size + 1 + strspn(at + 2 + size + 1, " ");
    }
    return NULL;
}

static void parse_head(const char *head, struct answer *out)
{
    const char *length   = find_field(head, "Content-Length");
    const char *location = find_field(head, "Location");
    const char *path;

    out->status      = atoi(head + 9);
    out->length      = length == NULL ? 0 : atoll(length);
    out->location[0] = '\0';
    if (location == NULL)
        return;
    /* Absolute or not, its path and query are what counts. */
    path = strncmp(location, "http", 4) == 0 ? strchr(strstr(location, "//") + 2, '/') : location;
    snprintf(out->location, sizeof(out->location), "%.*s", (int)strcspn(path, "\r"), path);
}

static bool read_answer(int fd, bool is_head, struct answer *out)
{
    static _Thread_local char bytes[256 * 1024];
    size_t                    n = 0;
    char                     *end;

    do {
        ssize_t got = recv(fd, bytes + n, sizeof(bytes) - 1 - n, 0);

        if (got <= 0)
            return false;
        n += (size_t)got;
        bytes[n] = '\0';
    } while ((end = strstr(bytes, "\r\n\r\n")) == NULL);
    parse_head(bytes, out);

    int64_t left = is_head ? 0 : out->length - (int64_t)(n - (size_t)(end + 4 - bytes));
    while (left > 0) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_TRUNC);

        if (got <= 0)
            return false;
        left -= got;
    }
    return true;
}

static void ask(int fd, const char *method, const char *target, const char *type, const char *body, size_t size,
                int wanted, struct answer *out)
{
    char   head[HEAD_MAX];
    bool   has_body = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    size_t n        = print_head(head, method, target, has_body ? (int64_t)size : -1, type);

    if (!send_all(fd, head, n, size > 0 ? MSG_MORE : 0) || (size > 0 && !send_all(fd, body, size, 0)) ||
        !read_answer(fd, strcmp(method, "HEAD") == 0, out))
        die(method, "the connection broke");
    if (out->status != wanted) {
        fprintf(stderr, "client: %s %s: %d instead of %d\n", method, target, out->status, wanted);
        exit(1);
    }
}

static void finish_target(char *out, size_t room, const char *location, const char *digest)
{
    snprintf(out, room, "%s%cdigest=sha256:%s", location, strchr(location, '?') == NULL ? '?' : '&', digest);
}

static void push_blob(int fd, const char *repo, const char *bytes, size_t size, const char *digest)
{
    char          target[5000];
    struct answer answer;

    snprintf(target, sizeof(target), "/v2/%s/blobs/uploads/", repo);
    ask(fd, "POST", target, NULL, NULL, 0, 202, &answer);
    finish_target(target, sizeof(target), answer.location, digest);
    ask(fd, "PUT", target, "application/octet-stream", bytes, size, 201, &answer);
}

/* -- small images ------------------------------------------------------------------------------------- */

struct image {
    char bytes[3][LAYER_SIZE];
    char digest[3][HEX];
    char manifest[1024];
};

static const size_t blob_sizes[3] = { CONFIG_SIZE, LAYER_SIZE, LAYER_SIZE };
static struct {
    const char  *repo;
    long         n_images;
    long         seed;
    double       until; /* 0: all images */
    _Atomic long next;
    _Atomic long n_done;
} small;

static void make_image(struct image *image, long number)
{
    for (int i = 0; i < 3; i++) {
        fill(image->bytes[i], blob_sizes[i], (uint64_t)(small.seed * 1000003 + number * 3 + i));
        digest_of(image->bytes[i], blob_sizes[i], image->digest[i]);
    }
    snprintf(image->manifest, sizeof(image->manifest),
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{"
             "\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:%s\",\"size\":%zu},"
             "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\","
             "\"size\":%zu},{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\","
             "\"size\":%zu}]}",
             image->digest[0], blob_sizes[0], image->digest[1], blob_sizes[1], image->digest[2], blob_sizes[2]);
}

static void push_image(int fd, const struct image *image, long number)
{
    char          target[1024];
    struct answer answer;

    for (int i = 0; i < 3; i++)
        push_blob(fd, small.repo, image->bytes[i], blob_sizes[i], image->digest[i]);
    snprintf(target, sizeof(target), "/v2/%s/manifests/t%ld-%ld", small.repo, small.seed, number);
    ask(fd, "PUT", target, "application/vnd.oci.image.manifest.v1+json", image->manifest, strlen(image->manifest), 201,
        &answer);
}

/* Digests of one image cost 25 µs, a hundredth of its push: they may be made on the way. */
static void *push_images(void *context)
{
    struct image *image = malloc(sizeof(*image));
    int           fd    = dial(host_port);
    long          number;

    while ((number = atomic_fetch_add(&small.next, 1)) < small.n_images && (small.until == 0 || now() < small.until)) {
        make_image(image, number);
        push_image(fd, image, number);
        atomic_fetch_add(&small.n_done, 1);
    }
    close(fd);
    free(image);
    return context;
}

static void run_threads(int n, void *(*work)(void *))
{
    pthread_t threads[1024];

    for (int i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i) != 0)
            die("thread", "cannot be started");
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static void push_small(char **args, int n)
{
    small.repo     = args[0];
    small.n_images = atol(args[1]);
    small.seed     = atol(args[3]);
    double begun   = now();
    if (n > 4)
        small.until = begun + atof(args[4]);
    run_threads(atoi(args[2]), push_images);
    double took = now() - begun;
    printf("{\"images\": %ld, \"seconds\": %.6f, \"rate\": %.3f}\n", small.n_done, took, (double)small.n_done / took);
}

/* -- large blobs -------------------------------------------------------------------------------------- */

static struct {
    const char      *repo;
    int64_t          size;
    double           until;
    char             block[BLOCK];
    char             digest[HEX];
    _Atomic int64_t  n_sent;
    _Atomic int      n_done;
} large;

/* Each block begins with its number, so that no two are alike. */
static const char *block_at(char *copy, int64_t offset)
{
    memcpy(copy, &offset, sizeof(offset));
    return copy;
}

static void digest_large(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    char       *copy = malloc(BLOCK);

    memcpy(copy, large.block, BLOCK);
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (int64_t at = 0; at < large.size; at += BLOCK)
        EVP_DigestUpdate(hash, block_at(copy, at), BLOCK);
    print_digest(hash, large.digest);
    EVP_MD_CTX_free(hash);
    free(copy);
}

static void *push_one_large(void *context)
{
    char          head[HEAD_MAX], target[5000], *copy = malloc(BLOCK);
    int           fd = dial(host_port);
    struct answer answer;

    memcpy(copy, large.block, BLOCK);
    snprintf(target, sizeof(target), "/v2/%s/blobs/uploads/", large.repo);
    ask(fd, "POST", target, NULL, NULL, 0, 202, &answer);
    finish_target(target, sizeof(target), answer.location, large.digest);
    send_all(fd, head, print_head(head, "PUT", target, large.size, "application/octet-stream"), 0);

    int64_t at = 0;
    while (at < large.size && now() < large.until) {
        if (!send_all(fd, block_at(copy, at), BLOCK, 0))
            die("PUT", "the connection broke");
        at += BLOCK;
        atomic_fetch_add(&large.n_sent, BLOCK);
    }
    if (at == large.size) {
        if (!read_answer(fd, false, &answer) || answer.status != 201)
            die("PUT", "no 201 came");
        atomic_fetch_add(&large.n_done, 1);
    }
    close(fd);
    free(copy);
    return context;
}

static void push_large(char **args)
{
    large.repo = args[0];
    large.size = atoll(args[1]) << 20;
    fill(large.block, BLOCK, (uint64_t)atol(args[3]));
    digest_large();
    double begun = now();
    large.until  = begun + atof(args[4]);
    run_threads(atoi(args[2]), push_one_large);
    double took = now() - begun;
    printf("{\"digest\": \"sha256:%s\", \"done\": %d, \"seconds\": %.6f, \"rate\": %.3f}\n", large.digest,
           large.n_done, took, (double)large.n_sent / 1e6 / took);
}

/* -- many downloads ----------------------------------------------------------------------------------- */

struct download {
    int     fd;
    SSL    *tls;
    bool    is_open;
    int64_t left; /* -1: in the head */
    char    head[8192];
    size_t  n;
};

static void begin_download(struct download *d, SSL_CTX *context, const char *address, const char *path)
{
    char   head[HEAD_MAX];
    size_t size = print_head(head, "GET", path, -1, NULL);

    d->fd      = dial(address);
    d->is_open = true;
    d->left    = -1;
    if (context == NULL) {
        if (!send_all(d->fd, head, size, 0))
            die("GET", "the connection broke");
    } else {
        d->tls = SSL_new(context);
        SSL_set_fd(d->tls, d->fd);
        if (SSL_connect(d->tls) != 1 || SSL_write(d->tls, head, (int)size) <= 0)
            die("TLS", "no handshake");
    }
    fcntl(d->fd, F_SETFL, O_NONBLOCK);
}

/* Bytes read, 0: none at present, -1: the end. */
static int64_t read_some(struct download *d, char *out, size_t room, int flags)
{
    int64_t n = d->tls != NULL ? SSL_read(d->tls, out, (int)room) : recv(d->fd, out, room, flags);

    if (n > 0)
        return n;
    if (d->tls != NULL)
        return SSL_get_error(d->tls, (int)n) == SSL_ERROR_WANT_READ ? 0 : -1;
    return n < 0 && errno == EAGAIN ? 0 : -1;
}

static void read_download_head(struct download *d)
{
    int64_t       n = read_some(d, d->head + d->n, sizeof(d->head) - 1 - d->n, 0);
    struct answer answer;
    char         *end;

    if (n < 0)
        die("GET", "the connection broke");
    d->n += (size_t)n;
    d->head[d->n] = '\0';
    if ((end = strstr(d->head, "\r\n\r\n")) == NULL)
        return;
    parse_head(d->head, &answer);
    if (answer.status != 200)
        die("GET", d->head);
    d->left = answer.length - (int64_t)(d->n - (size_t)(end + 4 - d->head));
}

static void go_on(struct download *d)
{
    static char sink[1 << 20];
    int64_t     n = 1;

    if (d->left < 0)
        read_download_head(d);
    /* One TLS record may hold several reads' worth; of plain bytes the kernel throws away what we do not want. */
    for (int turn = 0; turn < 16 && d->left > 0 && n > 0; turn++) {
        n = read_some(d, sink, sizeof(sink), MSG_TRUNC);
        if (n < 0)
            die("GET", "cut short");
        d->left -= n;
    }
    if (d->left == 0) {
        d->is_open = false;
        if (d->tls != NULL)
            SSL_free(d->tls);
        close(d->fd);
    }
}

static void pull(const char *tls_port, const char *path, int n)
{
    struct download *all  = calloc((size_t)n, sizeof(*all));
    struct pollfd   *want = calloc((size_t)n, sizeof(*want));
    SSL_CTX         *context = SSL_CTX_new(TLS_client_method());
    char             tls_address[64];
    int              n_open = n;

    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    snprintf(tls_address, sizeof(tls_address), "127.0.0.1:%s", tls_port);
    double begun = now();
    for (int i = 0; i < n; i++)
        begin_download(&all[i], i % 2 == 1 ? context : NULL, i % 2 == 1 ? tls_address : host_port, path);
    while (n_open > 0) {
        for (int i = 0; i < n; i++)
            want[i] = (struct pollfd){ .fd = all[i].is_open ? all[i].fd : -1, .events = POLLIN };
        poll(want, (nfds_t)n, -1);
        n_open = 0;
        for (int i = 0; i < n; i++) {
            if (all[i].is_open && want[i].revents != 0)
                go_on(&all[i]);
            n_open += all[i].is_open;
        }
    }
    printf("{\"downloads\": %d, \"seconds\": %.6f}\n", n, now() - begun);
}

/* -- latencies ---------------------------------------------------------------------------------------- */

static struct {
    const char  *method;
    char       **paths;
    long         n_paths;
    long         n_requests;
    long         pause_us;
    double      *times;
    _Atomic long next;
} probing;

static void *probe_on(void *context)
{
    int           fd = dial(host_port);
    struct answer answer;
    long          number;

    while ((number = atomic_fetch_add(&probing.next, 1)) < probing.n_requests) {
        double begun = now();

        ask(fd, probing.method, probing.paths[number % probing.n_paths], NULL, NULL, 0, 200, &answer);
        probing.times[number] = now() - begun;
        if (probing.pause_us > 0)
            usleep((unsigned)probing.pause_us);
    }
    close(fd);
    return context;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static void read_paths(const char *name)
{
    FILE *file = fopen(name, "r");
    char  line[8192];

    if (file == NULL)
        die(name, strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        probing.paths             = realloc(probing.paths, (size_t)(probing.n_paths + 1) * sizeof(char *));
        probing.paths[probing.n_paths++] = strdup(line);
    }
    fclose(file);
}

static void probe(char **args)
{
    probing.method     = args[0];
    read_paths(args[1]);
    probing.n_requests = atol(args[2]);
    probing.pause_us   = atol(args[4]);
    probing.times      = calloc((size_t)probing.n_requests, sizeof(double));
    double begun       = now();
    run_threads(atoi(args[3]), probe_on);
    double took = now() - begun;
    qsort(probing.times, (size_t)probing.n_requests, sizeof(double), compare);
    printf("{\"p50\": %.6f, \"p99\": %.6f, \"max\": %.6f, \"rate\": %.3f}\n",
           probing.times[probing.n_requests / 2] * 1e3, probing.times[probing.n_requests * 99 / 100] * 1e3,
           probing.times[probing.n_requests - 1] * 1e3, (double)probing.n_requests / took);
}

/* -- log-ins ------------------------------------------------------------------------------------------ */

static struct {
    const char  *path;
    char       **who;
    long         n_who;
    double       until;
    _Atomic long next;
    _Atomic long n_done;
    _Atomic long n_busy;
} login;

/* The status, or 0 when the connection is gone. */
static int log_in(int fd)
{
    char          head[HEAD_MAX];
    struct answer answer;
    size_t        n = print_head(head, "GET", login.path, -1, NULL);

    return send_all(fd, head, n, 0) && read_answer(fd, false, &answer) ? answer.status : 0;
}

static void *log_in_on(void *context)
{
    int fd = dial(host_port);

    while (now() < login.until) {
        if (own_authorization == NULL) {
            long number = atomic_fetch_add(&login.next, 1);

            if (number >= login.n_who)
                die("login", "there are too few accounts");
            own_authorization = login.who[number];
        }
        int status = log_in(fd);
        if (status == 200) {
            own_authorization = NULL;
            atomic_fetch_add(&login.n_done, 1);
        } else if (status == 503 || status == 0) {
            atomic_fetch_add(&login.n_busy, 1);
            close(fd);
            usleep(1000000);
            fd = dial(host_port);
        } else {
            die("login", "refused");
        }
    }
    close(fd);
    return context;
}

static void log_ins(char **args)
{
    login.path = args[0];
    read_paths(args[1]);
    login.who    = probing.paths;
    login.n_who  = probing.n_paths;
    login.next   = atol(args[2]);
    double begun = now();
    long   first = login.next;
    login.until  = begun + atof(args[4]);
    run_threads(atoi(args[3]), log_in_on);
    double took = now() - begun;
    printf("{\"logins\": %ld, \"busy\": %ld, \"used\": %ld, \"rate\": %.3f}\n", login.n_done, login.n_busy,
           login.next - first, (double)login.n_done / took);
}

/* -- the limit of pushes ------------------------------------------------------------------------------ */

static void limit(const char *name, int64_t size)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    char       *copy = malloc(BLOCK), hex[HEX];

    fill(copy, BLOCK, 1);
    double begun = now();
    int    fd    = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (int64_t at = 0; at < size; at += BLOCK) {
        EVP_DigestUpdate(hash, block_at(copy, at), BLOCK);
        if (write(fd, copy, BLOCK) != BLOCK)
            die("write", strerror(errno));
    }
    print_digest(hash, hex);
    if (fsync(fd) < 0)
        die("fsync", strerror(errno));
    double took = now() - begun;
    close(fd);
    unlink(name);
    printf("{\"seconds\": %.6f, \"rate\": %.3f}\n", took, (double)size / 1e6 / took);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 3 ? argv[1] : "";

    host_port     = argc > 2 ? argv[2] : "";
    authorization = argc > 3 ? argv[3] : "";
    if (strcmp(mode, "small") == 0 && argc >= 8)
        push_small(argv + 4, argc - 4);
    else if (strcmp(mode, "large") == 0 && argc == 9)
        push_large(argv + 4);
    else if (strcmp(mode, "pull") == 0 && argc == 7) {
        authorization = argv[4];
        pull(argv[3], argv[5], atoi(argv[6]));
    } else if (strcmp(mode, "probe") == 0 && argc == 9)
        probe(argv + 4);
    else if (strcmp(mode, "login") == 0 && argc == 8)
        log_ins(argv + 3);
    else if (strcmp(mode, "limit") == 0)
        limit(argv[2], atoll(argv[3]) << 20);
    else
        die("usage", "see the head of bench/client.c");
    return 0;
}
