/* client/raw.c: for what no command exists: the path goes out as it was typed, the answer comes out as it came in,
 * and the exit status says whether the server agreed. */
#include "client/raw.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "io/file.h"

enum { DATA_MAX = 64 * 1024 * 1024 };

/* "TEXT", "@FILE" or "-". */
static int read_data(struct client_run *run, struct str *out, struct err *err)
{
    struct str data = client_given(&run->input, "--data");

    if (data.p == NULL)
        data = client_given(&run->input, "-d");
    *out = data;
    if (str_is(data, "-") || str_is(data, "@-"))
        return file_read_path("/dev/stdin", DATA_MAX, run->arena, out, err);
    if (str_starts(data, STR("@")))
        return file_read_path(str_dup(run->arena, str_from_index(data, 1)), DATA_MAX, run->arena,
                              out, err);
    return 0;
}

static void print_head(struct client_run *run, const struct net_answer *answer)
{
    buf_printf(&run->out, "HTTP %d\n", answer->status);
    for (size_t i = 0; i < answer->n_headers; i++)
        buf_printf(&run->out, STR_FMT ": " STR_FMT "\n", STR_ARGS(answer->headers[i].name),
                   STR_ARGS(answer->headers[i].value));
    buf_char(&run->out, '\n');
}

static struct str given_either(const struct client_run *run, const char *one, const char *other)
{
    struct str given = client_given(&run->input, one);

    return given.p != NULL ? given : client_given(&run->input, other);
}

int client_raw(struct client_run *run, struct err *err)
{
    struct str            path    = client_hole(&run->input, "PATH");
    struct str            method  = given_either(run, "--method", "-X");
    struct str            media   = client_given(&run->input, "--content-type");
    struct client_request request = { .path = path };
    struct net_answer     answer;

    if (path.p[0] != '/')
        return err_set(err, ERR_INVALID,
                       "`" STR_FMT
                       "` is no path: it begins with a slash, and the server is named by --server",
                       STR_ARGS(path));
    if (read_data(run, &request.body, err) < 0)
        return -1;
    request.method            = method.n > 0             ? str_dup(run->arena, method)
                                : request.body.p != NULL ? "POST"
                                                         : "GET";
    request.media             = media.n > 0 ? str_dup(run->arena, media) : NULL;
    run->session.is_anonymous = client_has(&run->input, "--anonymous");
    if (client_send(&run->session, &request, &answer, err) < 0)
        return -1;

    if (client_has(&run->input, "--include") || client_has(&run->input, "-i"))
        print_head(run, &answer);
    buf_str(&run->out, answer.body);
    if (answer.body.n > 0 && !str_ends(answer.body, STR("\n")) && run->env->width > 0)
        buf_char(&run->out, '\n');
    return answer.status >= 400 ? client_refusal(&run->session, &answer, err) : 0;
}
