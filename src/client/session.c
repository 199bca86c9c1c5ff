/* client/session.c: from words on a command line to a request with credentials, and from a refusal to a sentence
 * that says what to do next. */
#include "client/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "codec/secret.h"
#include "codec/text.h"
#include "io/file.h"

#define SECOND_US INT64_C(1000000)

enum {
    ANSWER_MAX   = 256 * 1024 * 1024,
    CA_MAX       = 1024 * 1024,
    SENTENCE_MAX = 300,
    FORM_MAX     = 64 * 1024
};

/* -- which server, and how to trust it ---------------------------------------------------------------- */

/* What the last log-in left, for the server that it was about. */
struct remembered {
    struct client_server server;
    bool                 is_there;
    struct str           cacert;
    bool                 may_plain;
};

static int remember(struct client_session *session, struct remembered *out, struct err *err)
{
    struct str server, plain;

    *out = (struct remembered){ 0 };
    if (client_store_get(&session->store, STR("server"), &server, err) < 0 ||
        client_store_get(&session->store, STR("cacert"), &out->cacert, err) < 0 ||
        client_store_get(&session->store, STR("insecure-http"), &plain, err) < 0)
        return -1;
    if (server.p == NULL)
        return 0;
    if (client_server_parse(session->arena, server, &out->server, err) < 0)
        return err_wrap(err, "the server of the last log-in");
    out->is_there  = true;
    out->may_plain = str_is(plain, "true");
    return 0;
}

static int choose_server(struct client_session *session, struct str named,
                         const struct remembered *last, struct err *err)
{
    if (named.n == 0 && !last->is_there)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "no server is named: run `assay login HOST` once, or give --server HOST");
    if (named.n == 0) {
        session->server = last->server;
        return 0;
    }
    if (client_server_parse(session->arena, named, &session->server, err) < 0)
        return -1;
    if (session->server.is_guess && last->is_there &&
        str_eq(last->server.host, session->server.host))
        session->server = last->server;
    return 0;
}

/* Where Docker looks for the CA of one registry. */
static struct str find_docker_ca(const struct client_session *session)
{
    const struct client_env *env = session->env;
    struct str               ignored_text;
    struct err               ignored; /* most registries have none */

    if (env->certs.p == NULL)
        return STR_NULL;
    const char *path = mem_printf(session->arena, STR_FMT "/" STR_FMT "/ca.crt",
                                  STR_ARGS(env->certs), STR_ARGS(session->server.host));
    return file_read_path(path, CA_MAX, session->arena, &ignored_text, &ignored) == 0
               ? str_from(path)
               : STR_NULL;
}

/* A log-in remembers it, and the next command runs somewhere else. */
static struct str absolute(struct arena *arena, struct str path)
{
    char  room[PATH_MAX];
    char *real = realpath(str_dup(arena, path), room);

    return real == NULL ? path : str_from(mem_strdup(arena, real));
}

static int choose_ca(struct client_session *session, const struct client_way *way, bool is_last,
                     const struct remembered *last, struct err *err)
{
    struct str text;

    if (way->cacert.n > 0)
        session->cacert = absolute(session->arena, way->cacert);
    else if (session->env->cacert.n > 0)
        session->cacert = absolute(session->arena, session->env->cacert);
    else if (is_last && last->cacert.n > 0)
        session->cacert = last->cacert;
    else
        session->cacert = find_docker_ca(session);
    if (session->cacert.p == NULL)
        return 0;
    if (file_read_path(str_dup(session->arena, session->cacert), CA_MAX, session->arena, &text,
                       err) < 0)
        return err_wrap(err, "the CA file");
    return 0;
}

static int open_net(struct client_session *session, struct err *err)
{
    const struct client_env *env   = session->env;
    struct str               proxy = session->server.is_plain ? env->http_proxy : env->https_proxy;
    struct net_settings      settings = {
             .agent      = STR("assay/" ASSAY_VERSION),
             .cacert     = session->cacert,
             .proxy      = proxy.n > 0 ? proxy : STR_NULL,
             .no_proxy   = env->no_proxy,
             .may_plain  = session->may_plain,
             .connect_us = 15 * SECOND_US,
             .stall_us   = 60 * SECOND_US,
             .total_us   = 600 * SECOND_US,
             .answer_max = ANSWER_MAX,
    };

    return net_open(&settings, &session->net, err);
}

static int ping(struct client_session *session, const struct client_server *server, struct err *err)
{
    struct net_answer  answer;
    struct net_request request = {
        .method = STR("GET"),
        .url    = str_from(mem_printf(session->arena, STR_FMT "/_ping", STR_ARGS(server->url))),
    };

    return net_call(session->net, session->arena, &request, &answer, err);
}

/* On this machine both are usual. One whose certificate is not trusted speaks TLS all the same. */
static void settle_scheme(struct client_session *session)
{
    struct client_server other = client_server_other(session->arena, &session->server);
    struct err           ignored; /* the command's own request says what is wrong */

    if (!session->server.is_guess || !session->server.is_loopback ||
        ping(session, &session->server, &ignored) == 0)
        return;
    if (ping(session, &other, &ignored) == 0 || strcmp(err_code(&ignored), NET_UNTRUSTED) == 0)
        session->server = other;
}

int client_session_open(struct arena *arena, const struct client_env *env,
                        const struct client_way *way, struct client_session *out, struct err *err)
{
    struct client_session session = {
        .arena = arena,
        .env   = env,
        .store = { .arena             = arena,
                   .directory         = env->docker_config,
                   .helper_timeout_us = env->helper_timeout_us },
    };
    struct remembered last;

    if (remember(&session, &last, err) < 0 ||
        choose_server(&session, way->server.n > 0 ? way->server : env->server, &last, err) < 0)
        return -1;
    bool is_last      = last.is_there && str_eq(last.server.host, session.server.host);
    session.may_plain = way->may_plain || (is_last && last.may_plain);
    if (choose_ca(&session, way, is_last, &last, err) < 0 || open_net(&session, err) < 0)
        return -1;
    settle_scheme(&session);
    *out = session;
    return 0;
}

void client_session_close(struct client_session *session)
{
    net_close(&session->net);
}

/* -- who asks ----------------------------------------------------------------------------------------- */

int client_session_identify(struct client_session *session, struct err *err)
{
    if (session->has_credential || session->is_anonymous)
        return 0;
    int found = client_store_find(&session->store, session->server.host, &session->credential, err);

    session->has_credential = found == 1;
    return found < 0 ? -1 : 0;
}

static int reach(struct client_session *session, const struct net_request *request,
                 struct net_answer *out, struct err *err)
{
    struct str host = session->server.host;

    if (net_call(session->net, session->arena, request, out, err) == 0)
        return 0;
    if (strcmp(err_code(err), NET_UNTRUSTED) == 0)
        return err_set(
            err, ERR_DENIED,
            "the certificate of " STR_FMT " is not trusted: give the CA that signed it with "
            "--cacert FILE (a registry without a bought certificate serves its own at " STR_FMT
            "/ca; compare it with the server's before you trust it)",
            STR_ARGS(host), STR_ARGS(session->server.url));
    if (strcmp(err_code(err), NET_PLAIN) == 0)
        return err_set(err, ERR_DENIED,
                       "plain HTTP to " STR_FMT " would show passwords to everyone on the way: use "
                       "https://, or --insecure-http if you accept that",
                       STR_ARGS(host));
    return -1;
}

/* An identity token is the refresh token of OAuth2 (RFC 6749, 6). */
static int buy_bearer(struct client_session *session, struct err *err)
{
    static const struct net_header headers[] = {
        { STR("Content-Type"), STR("application/x-www-form-urlencoded") },
    };
    struct net_answer answer;
    struct buf        form;

    buf_init(&form, session->arena, FORM_MAX);
    buf_text(&form, "grant_type=refresh_token&client_id=assay&service=");
    text_url_encode(&form, session->server.host);
    buf_text(&form, "&refresh_token=");
    text_url_encode(&form, session->credential.secret);

    struct net_request request = {
        .method = STR("POST"),
        .url    = str_from(
               mem_printf(session->arena, STR_FMT "/auth/token", STR_ARGS(session->server.url))),
        .headers   = headers,
        .n_headers = ARRAY_LEN(headers),
        .body      = buf_view(&form),
    };
    if (reach(session, &request, &answer, err) < 0)
        return -1;
    if (answer.status == 401)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the log-in to " STR_FMT " has ended: run `assay login " STR_FMT "`",
                       STR_ARGS(session->server.host), STR_ARGS(session->server.host));
    if (answer.status >= 400)
        return client_refusal(session, &answer, err);
    if (json_check(answer.body, &json_limits_default, err) < 0)
        return err_wrap(err, "the token of " STR_FMT, STR_ARGS(session->server.host));
    session->bearer = json_view_text(session->arena,
                                     json_view_at(json_view_of(answer.body), STR("access_token")));
    return session->bearer.n > 0 ? 0
                                 : err_set(err, ERR_UNAVAILABLE, STR_FMT " gave no token",
                                           STR_ARGS(session->server.host));
}

int client_send(struct client_session *session, const struct client_request *request,
                struct net_answer *out, struct err *err)
{
    const char        *media = request->media == NULL ? "application/json" : request->media;
    struct net_header *headers =
        mem_many(session->arena, request->n_headers + 2, struct net_header);
    size_t n = 0;

    if (client_session_identify(session, err) < 0)
        return -1;
    bool has_identity = session->has_credential && session->credential.is_identity;
    if (has_identity && session->bearer.p == NULL && buy_bearer(session, err) < 0)
        return -1;

    for (size_t i = 0; i < request->n_headers; i++)
        headers[n++] = request->headers[i];
    if (request->body.p != NULL)
        headers[n++] = (struct net_header){ STR("Content-Type"), str_from(media) };
    if (has_identity)
        headers[n++] = (struct net_header){
            STR("Authorization"),
            str_from(mem_printf(session->arena, "Bearer " STR_FMT, STR_ARGS(session->bearer))),
        };

    bool               is_basic = session->has_credential && !has_identity;
    struct net_request sent     = {
            .method = str_from(request->method),
            .url  = str_from(mem_printf(session->arena, STR_FMT STR_FMT, STR_ARGS(session->server.url),
                                        STR_ARGS(request->path))),
            .user = is_basic ? session->credential.user : STR_NULL,
            .password  = is_basic ? session->credential.secret : STR_NULL,
            .headers   = headers,
            .n_headers = n,
            .body      = request->body,
            .follows   = true,
    };
    return reach(session, &sent, out, err);
}

/* -- refusals ----------------------------------------------------------------------------------------- */

static enum err_kind kind_of_status(int status)
{
    for (enum err_kind kind = ERR_NOT_FOUND; kind < ERR_N_KINDS; kind++) {
        if (err_kind_info(kind)->status == status && kind != ERR_INVALID)
            return kind;
    }
    return status >= 500 ? ERR_UNAVAILABLE : ERR_PRECONDITION; /* never "wrong usage" */
}

/* errors[0].message of DTR's and the distribution API's form; the null view when there is none. */
static struct str sentence_of(const struct client_session *session, const struct net_answer *answer,
                              const char *key)
{
    struct err ignored; /* whatever is in the way may answer anything */

    if (json_check(answer->body, &json_limits_default, &ignored) < 0)
        return STR_NULL;
    struct json_view_each each =
        json_view_each(json_view_at(json_view_of(answer->body), STR("errors")));
    if (!json_view_next(&each))
        return STR_NULL;
    struct str text = json_view_text(session->arena, json_view_at(each.value, str_from(key)));
    return text.n == 0 ? STR_NULL : str_sub(text, 0, SENTENCE_MAX);
}

static int refuse_caller(const struct client_session *session, struct err *err)
{
    struct str host = session->server.host;

    if (!session->has_credential)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "not logged in to " STR_FMT ": run `assay login " STR_FMT "`",
                       STR_ARGS(host), STR_ARGS(host));
    return err_set(err, ERR_UNAUTHENTICATED,
                   STR_FMT " does not accept the credentials that are kept%s" STR_FMT
                           " any more: run `assay login " STR_FMT "`",
                   STR_ARGS(host), session->credential.user.n > 0 ? " for " : "",
                   STR_ARGS(session->credential.user), STR_ARGS(host));
}

int client_refusal(const struct client_session *session, const struct net_answer *answer,
                   struct err *err)
{
    enum err_kind kind     = kind_of_status(answer->status);
    struct str    sentence = sentence_of(session, answer, "message");
    struct str    code     = sentence_of(session, answer, "code");
    struct str    wait     = net_header(answer, "Retry-After");

    if (answer->status == 401)
        return refuse_caller(session, err);
    if (sentence.p == NULL)
        return err_set(err, kind,
                       STR_FMT
                       " answers with status %d and does not say why: is it an Assay registry?",
                       STR_ARGS(session->server.host), answer->status);
    if (wait.p != NULL && (answer->status == 429 || answer->status == 503))
        return err_set(err, kind, STR_FMT " (" STR_FMT "); try again in " STR_FMT " s",
                       STR_ARGS(sentence), STR_ARGS(code), STR_ARGS(wait));
    return err_set(err, kind, STR_FMT "%s" STR_FMT "%s", STR_ARGS(sentence), code.n > 0 ? " (" : "",
                   STR_ARGS(code), code.n > 0 ? ")" : "");
}

int client_ask(struct client_session *session, const struct client_request *request,
               struct net_answer *out, struct err *err)
{
    if (client_send(session, request, out, err) < 0)
        return -1;
    if (out->status >= 400)
        return client_refusal(session, out, err);
    if (out->status >= 300)
        return err_set(err, ERR_UNAVAILABLE,
                       STR_FMT " leads on to " STR_FMT ": name that server instead",
                       STR_ARGS(session->server.host), STR_ARGS(net_header(out, "Location")));
    return 0;
}
