/* http/head.c: libmicrohttpd 0.9.75 parses in place. The lines of a head stay where they were received,
 * each line end overwritten by as many NULs as it had bytes. So a head that came as it should is a chain
 * without gaps: method, blank, target, blank, version, CR LF, name, colon, blanks, value, CR LF, ... CR LF.
 * A bare line feed, a folded line, a NUL (the library stops reading a line there) or a doubled blank breaks
 * the chain, and nothing else in the library's interface tells of them. Another version of the library may
 * keep lines elsewhere; there the check is left out, for later versions refuse these things by themselves. */
#include "http/head.h"

#include <microhttpd.h>
#include <string.h>

#include "base/mem.h"

struct reading {
    struct http_head *head;
    size_t            room;
    const char       *end; /* of the chain so far: where the next line must begin */
};

static bool is_chain_known(void)
{
    static _Atomic int known = -1;

    if (known < 0)
        known = strcmp(MHD_get_version(), "0.9.75") == 0;
    return known == 1;
}

static enum MHD_Result read_field(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    struct reading *reading = context;

    (void)kind;
    if (reading->head->n == reading->room)
        return MHD_NO;
    if (name != reading->end)
        reading->head->is_as_sent = false;
    if (value == NULL)
        value = "";
    reading->head->fields[reading->head->n++] = (struct http_field){
        .name  = { .p = name, .n = name_size },
        .value = { .p = value, .n = value_size },
    };
    reading->end = value + value_size + 2;
    return MHD_YES;
}

static struct str copy_to(char **at, struct str s)
{
    char *to = *at;

    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    *at += s.n + 1;
    return (struct str){ .p = to, .n = s.n };
}

/* Method, version and fields move into one block; the target is ours already. */
static void copy_texts(struct arena *arena, struct http_head *head)
{
    size_t size = head->method.n + 1 + head->version.n + 1;

    for (size_t i = 0; i < head->n; i++)
        size += head->fields[i].name.n + 1 + head->fields[i].value.n + 1;

    char *at      = mem_alloc(arena, size);
    head->method  = copy_to(&at, head->method);
    head->version = copy_to(&at, head->version);
    for (size_t i = 0; i < head->n; i++) {
        head->fields[i].name  = copy_to(&at, head->fields[i].name);
        head->fields[i].value = copy_to(&at, head->fields[i].value);
    }
}

void http_head_read(struct arena *arena, struct MHD_Connection *connection, const char *method,
                    const char *url, const char *version, struct str target, struct http_head *out)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    int n = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, NULL, NULL);

    struct http_head head = {
        .method     = str_from(method),
        .target     = target,
        .version    = str_from(version),
        .fields     = mem_many(arena, (size_t)n, struct http_field),
        .size       = size == NULL ? 0 : size->header_size,
        .is_as_sent = true,
    };
    struct reading reading = {
        .head = &head,
        .room = (size_t)n,
        .end  = version + head.version.n + 2,
    };

    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_field, &reading);
    if (url != method + head.method.n + 1 || version != url + target.n + 1 ||
        reading.end + 2 != method + head.size)
        head.is_as_sent = false;
    if (!is_chain_known())
        head.is_as_sent = true;
    copy_texts(arena, &head);
    *out = head;
}
