/* client/login.c: a log-in does what `docker login` does against this registry: the password is shown once, to the
 * token service, and what is kept is the identity token that it gives, which ends with its life, with a change of
 * the password or by an administrator. With --token an access token is made and kept instead, for what lasts longer
 * or for programs that know no identity tokens. Logging out takes back what was made. Where a server gives no identity token,
 * the password itself is kept, and the command says so. */
#include "client/login.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "client/table.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "codec/text.h"
#include "io/terminal.h"

enum { FORM_MAX = 64 * 1024, LABEL_MAX = 256 };

/* -- the token service -------------------------------------------------------------------------------- */

static struct str print_form(struct client_run *run, struct str user, struct str password)
{
    struct buf form;

    buf_init(&form, run->arena, FORM_MAX);
    buf_text(&form, "grant_type=password&access_type=offline&client_id=assay&service=");
    text_url_encode(&form, run->session.server.host);
    buf_text(&form, "&username=");
    text_url_encode(&form, user);
    buf_text(&form, "&password=");
    text_url_encode(&form, password);
    return buf_view(&form);
}

static struct str answer_text(struct client_run *run, struct str body, const char *key)
{
    return json_view_text(run->arena, json_view_at(json_view_of(body), str_from(key)));
}

/* Shows the password; *out is what stands for it from now on. */
static int show_password(struct client_run *run, struct str user, struct str password,
                         struct client_credential *out, struct err *err)
{
    struct client_session *session = &run->session;
    struct client_request  request = { .method = "POST",
                                       .path   = STR("/auth/token"),
                                       .media  = "application/x-www-form-urlencoded",
                                       .body   = print_form(run, user, password) };
    struct net_answer      answer;

    session->is_anonymous   = true;
    session->has_credential = false;
    if (client_send(session, &request, &answer, err) < 0)
        return -1;
    if (answer.status == 401)
        return err_set(err, ERR_UNAUTHENTICATED,
                       STR_FMT " does not know that name with that password",
                       STR_ARGS(session->server.host));
    if (answer.status >= 300)
        return client_refusal(session, &answer, err);
    if (json_check(answer.body, &json_limits_default, err) < 0 ||
        answer_text(run, answer.body, "access_token").n == 0)
        return err_set(err, ERR_UNAVAILABLE,
                       STR_FMT " answers, but not as a registry with a token service does",
                       STR_ARGS(session->server.host));

    struct str identity     = answer_text(run, answer.body, "refresh_token");
    *out                    = (struct client_credential){ .user        = user,
                                                          .secret      = identity.n > 0 ? identity : password,
                                                          .is_identity = identity.n > 0 };
    session->credential     = *out;
    session->has_credential = true;
    session->bearer         = STR_NULL;
    return 0;
}

/* -- access tokens ------------------------------------------------------------------------------------ */

static const char *token_key(struct client_run *run)
{
    return mem_printf(run->arena, "token/" STR_FMT, STR_ARGS(run->session.server.host));
}

/* An access token in place of what there is; its name is remembered, for taking it back. */
static int make_token(struct client_run *run, struct client_credential *credential, struct err *err)
{
    struct client_request request = { .method = "POST", .path = STR("/api/v0/api_tokens") };
    const char           *label =
        mem_printf(run->arena, "assay login at " STR_FMT, STR_ARGS(run->env->machine));
    struct net_answer answer;

    request.body = str_from(
        mem_printf(run->arena, "{\"tokenLabel\":" STR_FMT "}",
                   STR_ARGS(json_view_quote(run->arena, str_sub(str_from(label), 0, LABEL_MAX)))));
    if (client_ask(&run->session, &request, &answer, err) < 0 ||
        json_check(answer.body, &json_limits_default, err) < 0)
        return err_wrap(err, "making an access token");

    struct str token = answer_text(run, answer.body, "token");
    if (token.n == 0)
        return err_set(err, ERR_UNAVAILABLE, STR_FMT " gave no access token",
                       STR_ARGS(run->session.server.host));
    *credential = (struct client_credential){ .user = credential->user, .secret = token };
    return client_store_set(&run->session.store, str_from(token_key(run)),
                            answer_text(run, answer.body, "hashedToken"), err);
}

/* What an earlier `login --token` made. That it cannot be taken back is told, and stops nothing. */
static int drop_token(struct client_run *run, struct err *err)
{
    struct client_store *store = &run->session.store;
    struct str           key   = str_from(token_key(run));
    struct str           name;
    struct net_answer    answer;
    struct err           failure;

    if (client_store_get(store, key, &name, err) < 0)
        return -1;
    if (name.n == 0)
        return 0;
    struct client_request request = {
        .method = "DELETE",
        .path   = str_from(mem_printf(run->arena, "/api/v0/api_tokens/" STR_FMT, STR_ARGS(name)))
    };
    if (client_ask(&run->session, &request, &answer, &failure) < 0 &&
        failure.kind != ERR_NOT_FOUND && failure.kind != ERR_UNAUTHENTICATED)
        buf_printf(&run->notes, "the access token %.12s… of the log-in stays valid: %s\n", name.p,
                   failure.text);
    return client_store_set(store, key, STR_NULL, err);
}

/* Voids the identity token of a log-in (RFC 7009). That it cannot be is told, and stops nothing. */
static void drop_identity(struct client_run *run)
{
    struct client_session bare    = run->session;
    struct client_request request = { .method = "POST",
                                      .path   = STR("/auth/revoke"),
                                      .media  = "application/x-www-form-urlencoded" };
    struct buf            form;
    struct net_answer     answer;
    struct err            failure;

    if (!bare.has_credential || !bare.credential.is_identity)
        return;
    buf_init(&form, run->arena, FORM_MAX);
    buf_text(&form, "token=");
    text_url_encode(&form, bare.credential.secret);
    request.body        = buf_view(&form);
    bare.is_anonymous   = true;
    bare.has_credential = false;
    if (client_ask(&bare, &request, &answer, &failure) < 0)
        buf_printf(&run->notes, "the identity token of the log-in stays valid: %s\n", failure.text);
}

/* -- login -------------------------------------------------------------------------------------------- */

static int read_user(struct client_run *run, struct str *out, struct err *err)
{
    *out = client_given(&run->input, "--username");
    if (out->p == NULL)
        *out = client_given(&run->input, "-u");
    if (out->p == NULL && terminal_ask(run->arena, "User name: ", false, out, err) < 0)
        return err_wrap(err, "who logs in? Say it with --username");
    if (out->n == 0 || str_find(*out, ':') >= 0)
        return err_set(err, ERR_INVALID, "`" STR_FMT "` is no user name", STR_ARGS(*out));
    return 0;
}

/* The server of the log-in is the one that later commands mean. */
static int remember_server(struct client_run *run, struct err *err)
{
    const struct client_session *session = &run->session;
    struct client_store         *store   = &run->session.store;

    if (client_store_set(store, STR("server"), session->server.url, err) < 0 ||
        client_store_set(store, STR("cacert"), session->cacert, err) < 0)
        return -1;
    return client_store_set(store, STR("insecure-http"),
                            session->may_plain ? STR("true") : STR_NULL, err);
}

static void say_where(struct client_run *run, const struct client_credential *credential,
                      bool is_token, struct str place, bool is_plain)
{
    buf_printf(&run->out, "logged in to " STR_FMT " as " STR_FMT "\n",
               STR_ARGS(run->session.server.host), STR_ARGS(credential->user));
    if (!is_plain)
        return;
    if (credential->is_identity || is_token)
        buf_printf(&run->notes, "%s is kept in " STR_FMT ", for Docker too; not your password\n",
                   is_token ? "an access token" : "an identity token", STR_ARGS(place));
    else
        buf_printf(&run->notes,
                   "the password is kept in " STR_FMT
                   ", not encrypted: use --token, or a credential helper\n",
                   STR_ARGS(place));
}

static int keep(struct client_run *run, struct client_credential *credential, bool is_token,
                struct err *err)
{
    struct str place;
    bool       is_plain;

    if (is_token && make_token(run, credential, err) < 0)
        return -1;
    if (client_store_put(&run->session.store, run->session.server.host, credential, &place,
                         &is_plain, err) < 0 ||
        remember_server(run, err) < 0)
        return -1;
    say_where(run, credential, is_token, place, is_plain);
    return 0;
}

int client_login(struct client_run *run, struct err *err)
{
    struct client_credential credential;
    struct str               user, password;
    struct err               ignored; /* whatever was kept before is about to be replaced */

    if (read_user(run, &user, err) < 0 ||
        client_secret_read(run, "Password", false, &password, err) < 0)
        return -1;
    bool had_before =
        client_session_identify(&run->session, &ignored) == 0 && run->session.has_credential;
    struct client_session before = run->session;
    if (show_password(run, user, password, &credential, err) < 0)
        return -1;

    struct client_session now = run->session;
    run->session              = before;
    if (had_before && drop_token(run, err) < 0)
        return -1;
    run->session = now;
    return keep(run, &credential, client_has(&run->input, "--token"), err);
}

/* -- the others --------------------------------------------------------------------------------------- */

static int forget_server(struct client_run *run, struct err *err)
{
    static const char *const keys[] = { "server", "cacert", "insecure-http" };
    struct client_server     last;
    struct str               server;

    if (client_store_get(&run->session.store, STR("server"), &server, err) < 0)
        return -1;
    if (server.p == NULL || client_server_parse(run->arena, server, &last, err) < 0 ||
        !str_eq(last.host, run->session.server.host))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (client_store_set(&run->session.store, str_from(keys[i]), STR_NULL, err) < 0)
            return -1;
    }
    return 0;
}

int client_logout(struct client_run *run, struct err *err)
{
    struct str host = run->session.server.host;

    if (client_session_identify(&run->session, err) < 0 || drop_token(run, err) < 0)
        return -1;
    drop_identity(run);
    int removed = client_store_remove(&run->session.store, host, err);
    if (removed < 0 || forget_server(run, err) < 0)
        return -1;
    buf_printf(&run->out,
               removed == 1 ? "logged out of " STR_FMT "\n" : "not logged in to " STR_FMT "\n",
               STR_ARGS(host));
    return 0;
}

static int ask_who(struct client_run *run, struct net_answer *out, struct str *out_user,
                   struct err *err)
{
    struct client_request request = { .method = "GET", .path = STR("/basic_info") };
    struct str            host    = run->session.server.host;

    if (client_ask(&run->session, &request, out, err) < 0)
        return -1;
    if (json_check(out->body, &json_limits_default, err) < 0)
        return err_set(err, ERR_UNAVAILABLE, STR_FMT " is no Assay registry", STR_ARGS(host));
    *out_user = answer_text(run, out->body, "User");
    if (out_user->n == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "not logged in to " STR_FMT ": run `assay login " STR_FMT "`",
                       STR_ARGS(host), STR_ARGS(host));
    return 0;
}

int client_whoami(struct client_run *run, struct err *err)
{
    struct net_answer answer;
    struct str        user;

    if (ask_who(run, &answer, &user, err) < 0)
        return -1;
    if (!run->input.is_json)
        buf_printf(&run->out, "SERVER   " STR_FMT "\n", STR_ARGS(run->session.server.url));
    return client_show(run, &answer, err);
}

/* For oneself the old password is asked for, and the log-in, which a new password ends, is renewed. */
int client_password(struct client_run *run, struct err *err)
{
    struct client_credential credential;
    struct client_request    request = { .method = "POST" };
    struct net_answer        answer;
    struct str               self, old = STR_NULL, new;
    struct str               name = client_hole(&run->input, "NAME");

    if (ask_who(run, &answer, &self, err) < 0)
        return -1;
    bool is_self = name.p == NULL || str_eq(name, self);
    if (is_self && client_secret_read(run, "Current password", false, &old, err) < 0)
        return -1;
    if (client_secret_read(run, "New password", true, &new, err) < 0)
        return -1;

    buf_init(&run->members, run->arena, FORM_MAX);
    client_body_add_text(run, "oldPassword", old);
    client_body_add_text(run, "newPassword", new);
    request.body =
        str_from(mem_printf(run->arena, "{" STR_FMT "}", STR_ARGS(buf_view(&run->members))));
    request.path =
        client_print_path(run->arena,
                          &(struct client_input){
                              .holes = { { STR("NAME"), is_self ? self : name } }, .n_holes = 1 },
                          "/enzi/v0/accounts/{NAME}/changePassword");
    if (client_ask(&run->session, &request, &answer, err) < 0)
        return -1;
    buf_printf(&run->out, "the password of " STR_FMT " is changed\n",
               STR_ARGS(is_self ? self : name));
    if (!is_self || !run->session.credential.is_identity)
        return 0;
    if (show_password(run, self, new, &credential, err) < 0)
        return err_wrap(err, "the password is changed, but logging in with it");
    return keep(run, &credential, false, err);
}
