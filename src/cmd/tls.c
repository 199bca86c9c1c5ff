/* cmd/tls.c: files under DATA/tls: ca.pem, ca.key (sealed), server.pem, server.key, names (what the server
 * certificate was made for). */
#include "cmd/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"

enum { PEM_MAX = 64 * 1024, NAMES_MAX = 64, RENEW_BEFORE_S = 30 * 24 * 3600 };

static const char ca_purpose[] = "ca-key";

struct names {
    struct arena *arena;
    struct str    list[NAMES_MAX];
    size_t        n;
};

static void add_name(struct names *names, struct str name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->list[i], name))
            return;
    }
    if (name.n > 0 && names->n < NAMES_MAX)
        names->list[names->n++] = str_copy(names->arena, name);
}

static struct str without_port(struct str host)
{
    ptrdiff_t end = str_find(host, ']');

    if (host.n > 0 && host.p[0] == '[' && end > 0)
        return str_sub(host, 1, (size_t)end - 1);
    ptrdiff_t colon = str_find_last(host, ':');
    return colon < 0 ? host : str_sub(host, 0, (size_t)colon);
}

static void add_interfaces(struct names *names)
{
    struct ifaddrs *all = NULL;
    char            text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) != 0)
        return;
    for (struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        const void *address = NULL;

        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET)
            address = &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET6)
            address = &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
        if (address != NULL &&
            inet_ntop(at->ifa_addr->sa_family, address, text, sizeof(text)) != NULL)
            add_name(names, str_from(text));
    }
    freeifaddrs(all);
}

static void gather_names(struct node *node, struct names *names)
{
    const struct conf *conf = node_conf(node);
    char               host[256];

    add_name(names, STR("localhost"));
    add_name(names, STR("127.0.0.1"));
    add_name(names, STR("::1"));
    if (gethostname(host, sizeof(host) - 1) == 0) {
        host[sizeof(host) - 1] = '\0';
        add_name(names, str_from(host));
    }
    add_interfaces(names);
    for (size_t i = 0; i < conf_list_len(conf, CONF_HTTPS); i++) {
        struct str host_part = without_port(conf_list(conf, CONF_HTTPS, i));

        if (!str_is(host_part, "0.0.0.0") && !str_is(host_part, "::"))
            add_name(names, host_part);
    }
    for (size_t i = 0; i < conf_list_len(conf, CONF_EXTERNAL_URL); i++) {
        struct str url     = conf_list(conf, CONF_EXTERNAL_URL, i);
        ptrdiff_t  slashes = str_find(url, '/');

        add_name(names, without_port(slashes < 0 ? url : str_from_index(url, (size_t)slashes + 2)));
    }
}

static struct str print_names(const struct names *names)
{
    struct buf text;

    buf_init(&text, names->arena, PEM_MAX);
    for (size_t i = 0; i < names->n; i++)
        buf_printf(&text, STR_FMT "\n", STR_ARGS(names->list[i]));
    return buf_view(&text);
}

/* 1 read, 0 absent, -1. */
static int read_file(struct node *node, const char *name, struct str *out, struct err *err)
{
    if (file_read_all(node->data_fd, name, PEM_MAX, node->arena, out, err) == 0)
        return 1;
    return err->kind == ERR_NOT_FOUND ? 0 : -1;
}

/* The CA and its open key. The key is written first: a crash in between leaves a key without a CA, and
 * both are made anew. */
static int open_ca(struct node *node, struct str *ca, struct str *key, struct err *err)
{
    struct str sealed;
    int        found = read_file(node, "tls/ca.pem", ca, err);

    if (found == 1)
        found = read_file(node, "tls/ca.key", &sealed, err);
    if (found < 0)
        return -1;
    if (found == 1)
        return seal_open(node->arena, node->ring, str_from(ca_purpose), str_trim(sealed), key, err);

    if (http_ca_make(node->arena, ca, key, err) < 0)
        return -1;
    sealed = seal_close(node->arena, node->ring, str_from(ca_purpose), *key);
    if (file_replace_at(node->data_fd, "tls/ca.key", sealed, err) < 0 ||
        file_replace_at(node->data_fd, "tls/ca.pem", *ca, err) < 0)
        return -1;
    return 0;
}

static int issue(struct node *node, const struct names *names, struct str ca, struct str ca_key,
                 struct err *err)
{
    struct str chain, key;

    if (http_ca_issue(node->arena, ca, ca_key, names->list, names->n, &chain, &key, err) < 0 ||
        file_replace_at(node->data_fd, "tls/names", STR(""), err) < 0 ||
        file_replace_at(node->data_fd, "tls/server.key", key, err) < 0 ||
        file_replace_at(node->data_fd, "tls/server.pem", chain, err) < 0)
        return -1;
    return file_replace_at(node->data_fd, "tls/names", print_names(names), err);
}

static const char *path_in_data(struct node *node, const char *name)
{
    return mem_printf(node->arena, STR_FMT "/%s", STR_ARGS(conf_text(node_conf(node), CONF_DATA)),
                      name);
}

static int open_server_files(struct node *node, struct http_certificate **out, struct err *err)
{
    return http_certificate_open(path_in_data(node, "tls/server.pem"),
                                 path_in_data(node, "tls/server.key"), out, err);
}

static int open_own(struct node *node, struct http_certificate **out, struct str *out_ca,
                    struct err *err)
{
    AUTO(http_certificate_free) struct http_certificate *certificate = NULL;
    struct names                                         names       = { .arena = node->arena };
    struct str                                           ca, ca_key, made_for;

    gather_names(node, &names);
    if (file_make_dir_at(node->data_fd, "tls", err) < 0 || open_ca(node, &ca, &ca_key, err) < 0)
        return err_wrap(err, "own CA");

    int found = read_file(node, "tls/names", &made_for, err);
    if (found < 0)
        return -1;
    if (found == 1 && str_eq(made_for, print_names(&names)) &&
        open_server_files(node, &certificate, err) < 0)
        return err_wrap(err, "own certificate");
    if (certificate == NULL ||
        http_certificate_ends_at(certificate) < clock_utc_us() / 1000000 + RENEW_BEFORE_S) {
        http_certificate_free(&certificate);
        if (issue(node, &names, ca, ca_key, err) < 0 ||
            open_server_files(node, &certificate, err) < 0)
            return err_wrap(err, "own certificate");
    }
    *out    = TAKE(certificate);
    *out_ca = ca;
    return 0;
}

int tls_check(const struct conf *conf, struct err *err)
{
    if ((conf_text(conf, CONF_TLS_CERT).p == NULL) != (conf_text(conf, CONF_TLS_KEY).p == NULL))
        return err_set(err, ERR_INVALID, "--tls-cert and --tls-key go together");
    return 0;
}

int tls_open(struct node *node, struct http_certificate **out, struct str *out_ca, struct err *err)
{
    struct str cert = conf_text(node_conf(node), CONF_TLS_CERT);
    struct str key  = conf_text(node_conf(node), CONF_TLS_KEY);

    *out_ca = STR_NULL;
    if (cert.p == NULL)
        return open_own(node, out, out_ca, err);
    return http_certificate_open(str_dup(node->arena, cert), str_dup(node->arena, key), out, err);
}
