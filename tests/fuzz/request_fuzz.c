/* request_fuzz.c: requests from the head to the answer: gate, routes, credentials, query, names, ranges,
 * paging, media types, bodies. The input is text: "METHOD TARGET", headers, an empty line, a body; the next
 * request after a line "===". `@token` in a header is a token for admin/app and admin/other, `@location` as a
 * target where the answer before pointed to.
 *
 * Beyond what every answer promises (registry.h): a client without credentials gets nothing of a private
 * repository, a Host header that is not ours reaches no realm, a part of a blob is the part that was asked
 * for. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec/address.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 8, FIELDS_MAX = 100, RUNS_A_DATABASE = 2000 };

struct exchange {
    struct registry       registry;
    struct str            bearer;
    struct arena         *arena; /* of the input */
    struct str            location;
    struct str            method;
    struct str            target;
    struct registry_field fields[FIELDS_MAX];
    size_t                n_fields;
    struct str            body;
    bool                  has_changed;
};

static struct str field_of(const struct exchange *x, const char *name)
{
    for (size_t i = 0; i < x->n_fields; i++) {
        if (str_eq_nocase(x->fields[i].name, str_from(name)))
            return x->fields[i].value;
    }
    return STR_NULL;
}

static void read_field(struct exchange *x, struct str line)
{
    struct str name;

    if (x->n_fields == FIELDS_MAX)
        return;
    str_next(&line, ':', &name);
    if (line.p == NULL)
        return;
    line = str_trim(line);
    if (str_is(line, "@token"))
        line = x->bearer;
    x->fields[x->n_fields++] =
        (struct registry_field){ str_copy(x->arena, name), str_copy(x->arena, line) };
}

static bool read_request(struct exchange *x, struct str text)
{
    struct str line;

    x->n_fields = 0;
    if (!str_next(&text, '\n', &line) || !str_next(&line, ' ', &x->method) || line.p == NULL)
        return false;
    x->method = str_copy(x->arena, x->method);
    x->target = line;
    if (str_starts(line, STR("@location")) && x->location.p != NULL)
        x->target = str_from(mem_printf(x->arena, STR_FMT STR_FMT, STR_ARGS(x->location),
                                        STR_ARGS(str_from_index(line, 9))));
    while (str_next(&text, '\n', &line) && line.n > 0)
        read_field(x, line);
    x->body = text.p == NULL ? STR("") : text;
    return str_find(x->target, '\0') < 0 && str_find(x->method, '\0') < 0;
}

/* An address of this machine is one that can be bound. */
static bool is_address_of_ours(struct str name)
{
    struct address      address;
    struct sockaddr_in6 socket6 = { .sin6_family = AF_INET6 };
    int                 fd;

    if (!address_parse(name, &address))
        return false;
    memcpy(&socket6.sin6_addr, address.bytes, sizeof(address.bytes));
    fd            = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&socket6, sizeof(socket6)) == 0;
    close(fd);
    return is_bound;
}

static bool is_name_of_ours(struct str host)
{
    char       own[256] = "";
    struct str name;

    if (str_is(host, REGISTRY_LISTENER))
        return true;
    if (!str_ends(host, STR(":5000")))
        return false;
    name = str_sub(host, 0, host.n - 5);
    gethostname(own, sizeof(own) - 1);
    return str_eq_nocase(name, STR("localhost")) || str_eq_nocase(name, str_from(own)) ||
           is_address_of_ours(name);
}

static void check_realm(const struct registry_answer *answer)
{
    struct str challenge = registry_answer_field(answer, "WWW-Authenticate");
    struct str head      = STR("Bearer realm=\"http://");
    struct str host;

    if (!str_starts(challenge, STR("Bearer ")))
        return;
    ASSERT(str_starts(challenge, head));
    challenge = str_from_index(challenge, head.n);
    ASSERT(str_next(&challenge, '"', &host) && str_ends(host, STR("/auth/token")));
    ASSERT(is_name_of_ours(str_sub(host, 0, host.n - 11)));
}

static void check_stranger(const struct exchange *x, const struct registry_answer *answer)
{
    struct str path;
    struct str rest = x->target;

    str_next(&rest, '?', &path);
    if (field_of(x, "authorization").p == NULL && str_starts(path, STR("/v2")))
        ASSERT(answer->status >= 400 || str_is(x->method, "OPTIONS"));
}

/* "bytes FROM-TO/SIZE" of the bytes that follow. */
static void check_part(const struct registry_answer *answer)
{
    struct str rest = registry_answer_field(answer, "Content-Range");
    struct str first, last;
    int64_t    from, to, size;

    if (answer->status != 206)
        return;
    ASSERT(str_starts(rest, STR("bytes ")));
    rest = str_from_index(rest, 6);
    ASSERT(str_next(&rest, '-', &first) && str_next(&rest, '/', &last));
    ASSERT(str_to_int(first, &from) && str_to_int(last, &to) && str_to_int(rest, &size));
    ASSERT(from <= to && to < size && answer->size == to - from + 1);
}

static void ask(struct exchange *x)
{
    struct registry_answer answer;

    registry_ask(&x->registry, x->arena, str_dup(x->arena, x->method), x->target, x->fields,
                 x->n_fields, x->body, false, &answer);
    if (answer.is_refused_by_gate)
        return;
    check_realm(&answer);
    check_stranger(x, &answer);
    check_part(&answer);
    struct str location = registry_answer_field(&answer, "Location");
    if (location.p != NULL)
        x->location = location;
    x->has_changed |=
        answer.status < 300 && !str_is(x->method, "GET") && !str_is(x->method, "OPTIONS");
}

/* What one input changed must not be there for the next. */
static struct exchange *exchange_for(struct arena *arena)
{
    static struct exchange x;
    static int             n_runs;

    if (x.registry.arena == NULL || x.has_changed || ++n_runs % RUNS_A_DATABASE == 0) {
        if (x.registry.arena != NULL)
            registry_close(&x.registry);
        registry_open(&x.registry);
        x.bearer = registry_bearer(&x.registry);
    }
    x.arena       = arena;
    x.has_changed = false;
    x.location    = STR_NULL;
    return &x;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct exchange               *x     = exchange_for(arena);
    struct str                     rest  = { .p = (const char *)data, .n = size };

    for (int i = 0; i < REQUESTS_MAX && rest.n > 0; i++) {
        const char *end = memmem(rest.p, rest.n, "\n===\n", 5);
        size_t      n   = end == NULL ? rest.n : (size_t)(end - rest.p);

        if (read_request(x, str_sub(rest, 0, n)))
            ask(x);
        rest = end == NULL ? STR("") : str_from_index(rest, n + 5);
    }
    return 0;
}
