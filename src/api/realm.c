/* api/realm.c: which of our names a client may be sent to. */
#include "api/realm.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/mem.h"
#include "http/certificate.h"
#include "http/request.h"

enum { NAMES_MAX = 64 };

struct api_realms {
    struct arena            *arena;
    struct str              *urls;
    size_t                   n_urls;
    struct http_certificate *certificate;
    struct str               names[NAMES_MAX]; /* of this host, lower case as clients send them */
    size_t                   n_names;
};

static void add_name(struct api_realms *realms, const char *name)
{
    if (realms->n_names < NAMES_MAX)
        realms->names[realms->n_names++] = str_from(mem_strdup(realms->arena, name));
}

static void add_address(struct api_realms *realms, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN + 2] = "[";

    if (address == NULL)
        return;
    if (address->sa_family == AF_INET &&
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                  sizeof(text)) != NULL) {
        add_name(realms, text);
    } else if (address->sa_family == AF_INET6 &&
               inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                         text + 1, sizeof(text) - 2) != NULL) {
        size_t n    = strlen(text);
        text[n]     = ']';
        text[n + 1] = '\0';
        add_name(realms, text);
    }
}

struct api_realms *api_realms_new(const struct api_settings *settings)
{
    struct api_realms *realms = mem_new(struct api_realms);
    struct ifaddrs    *all    = NULL;
    char               host[256];

    realms->arena       = arena_new();
    realms->certificate = settings->certificate;
    realms->n_urls      = settings->n_external_urls;
    realms->urls        = mem_many(realms->arena, realms->n_urls + 1, struct str);
    for (size_t i = 0; i < realms->n_urls; i++)
        realms->urls[i] = str_copy(realms->arena, settings->external_urls[i]);

    add_name(realms, "localhost");
    add_name(realms, "127.0.0.1");
    add_name(realms, "[::1]");
    if (gethostname(host, sizeof(host)) == 0) {
        host[sizeof(host) - 1] = '\0';
        add_name(realms, host);
    }
    if (getifaddrs(&all) == 0) {
        for (struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
            add_address(realms, at->ifa_addr);
        freeifaddrs(all);
    }
    return realms;
}

void api_realms_free(struct api_realms **realms)
{
    if (*realms == NULL)
        return;

    arena_free(&(*realms)->arena);
    mem_free(*realms);
    *realms = NULL;
}

static struct str host_of_url(struct str url)
{
    ptrdiff_t  slashes = str_find(url, '/');
    struct str rest    = slashes < 0 ? url : str_from_index(url, (size_t)slashes + 2);
    ptrdiff_t  end     = str_find(rest, '/');

    return end < 0 ? rest : str_sub(rest, 0, (size_t)end);
}

static struct str without_port(struct str host)
{
    ptrdiff_t colon = str_find_last(host, ':');
    ptrdiff_t end   = str_find(host, ']');

    return colon < 0 || colon < end ? host : str_sub(host, 0, (size_t)colon);
}

static struct str port_of(struct str host)
{
    return str_from_index(host, without_port(host).n);
}

static bool is_ours(const struct api_realms *realms, const struct http_request *req,
                    struct str host)
{
    struct str name      = without_port(host);
    struct str port      = port_of(host);
    struct str real_port = port_of(http_listener(req));
    struct str usual     = http_is_tls(req) ? STR(":443") : STR(":80");

    if (port.n == 0)
        port = usual;
    if (!str_eq(port, real_port))
        return false;
    for (size_t i = 0; i < realms->n_names; i++) {
        if (str_eq_nocase(name, realms->names[i]))
            return true;
    }
    return realms->certificate != NULL && http_certificate_has_name(realms->certificate, name) == 1;
}

struct str api_realm_url(const struct api_realms *realms, struct arena *arena,
                         const struct http_request *req, struct str *out_service)
{
    struct str host = http_host(req);

    for (size_t i = 0; i < realms->n_urls; i++) {
        if (host.p != NULL && str_eq_nocase(host_of_url(realms->urls[i]), host)) {
            *out_service = host_of_url(realms->urls[i]);
            return realms->urls[i];
        }
    }
    if (realms->n_urls > 0) {
        *out_service = host_of_url(realms->urls[0]);
        return realms->urls[0];
    }

    if (host.p == NULL || !is_ours(realms, req, host))
        host = http_listener(req);
    *out_service = host;
    return str_from(
        mem_printf(arena, "%s://" STR_FMT, http_is_tls(req) ? "https" : "http", STR_ARGS(host)));
}
