/* client/server.c: one spelling a server. The host is kept as it was written, port and all, for that is how Docker
 * finds it again; only its case is lost. */
#include "client/server.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/call.h"

static int refuse(struct str text, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "`" STR_FMT "` is no server: write HOST, HOST:PORT or https://HOST:PORT",
                   STR_ARGS(str_sub(text, 0, CLIENT_HOST_MAX)));
}

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* "[::1]" or a name; *port: what stands behind the colon, or the null view. */
static bool split_port(struct str host, struct str *name, struct str *port)
{
    *name = host;
    *port = STR_NULL;
    if (str_starts(host, STR("["))) {
        ptrdiff_t end = str_find(host, ']');

        if (end < 0)
            return false;
        *name = str_sub(host, 0, (size_t)end + 1);
        host  = str_from_index(host, (size_t)end + 1);
        if (host.n > 0 && host.p[0] != ':')
            return false;
        *port = host.n > 0 ? str_from_index(host, 1) : STR_NULL;
        return true;
    }
    str_next(&host, ':', name);
    *port = host;
    return true;
}

static bool is_good(struct str name, struct str port)
{
    bool    is_literal = str_starts(name, STR("["));
    int64_t number;

    if (name.n == 0 || name.n > CLIENT_HOST_MAX)
        return false;
    for (size_t i = is_literal ? 1 : 0; i < name.n - (is_literal ? 1 : 0); i++) {
        if (!is_host_byte(name.p[i]) && !(is_literal && name.p[i] == ':'))
            return false;
    }
    return port.p == NULL || (str_to_int(port, &number) && number > 0 && number <= 65535);
}

static struct str lower(struct arena *arena, struct str s)
{
    char *copy = str_dup(arena, s);

    for (size_t i = 0; i < s.n; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return (struct str){ .p = copy, .n = s.n };
}

static void set_url(struct arena *arena, struct client_server *server)
{
    server->url = str_from(mem_printf(arena, "%s://" STR_FMT, server->is_plain ? "http" : "https",
                                      STR_ARGS(server->host)));
}

int client_server_parse(struct arena *arena, struct str text, struct client_server *out,
                        struct err *err)
{
    struct str           host   = lower(arena, str_trim(text));
    struct client_server server = { .is_guess = true };
    struct str           name, port;

    if (str_starts(host, STR("http://")) || str_starts(host, STR("https://"))) {
        server.is_plain = str_starts(host, STR("http://"));
        server.is_guess = false;
        host            = str_from_index(host, server.is_plain ? 7 : 8);
    }
    if (host.n > 1 && str_ends(host, STR("/")))
        host.n--;
    if (!split_port(host, &name, &port) || !is_good(name, port))
        return refuse(text, err);

    server.host        = host;
    server.is_loopback = net_is_loopback(name);
    if (server.is_guess)
        server.is_plain = server.is_loopback;
    set_url(arena, &server);
    *out = server;
    return 0;
}

struct client_server client_server_other(struct arena *arena, const struct client_server *server)
{
    struct client_server other = *server;

    other.is_plain = !server->is_plain;
    set_url(arena, &other);
    return other;
}
