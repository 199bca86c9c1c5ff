/* api/login.c: logging in for longer than one request, and out again.
 *
 *     POST /login          a form or JSON with username and password; a cookie, and for browsers a redirect to /
 *     POST /logout         ends the session of the cookie or bearer
 *     POST /auth/login     JSON; {"auth_token": …}, a session for scripts, sent as Bearer on the management APIs
 *     POST /auth/revoke    voids a refresh token; POST /api/v1/accounts/{account}/revoke all of an account
 *     GET  /api/v1/session the caller's session with its CSRF token
 *
 * A password, an access token or a service secret logs in, and the session has the rights of just that. */
#include <string.h>

#include "api/api_private.h"
#include "api/cookie.h"
#include "api/list.h"
#include "auth/lockout.h"
#include "base/mem.h"
#include "meta/session.h"
#include "work/revoke.h"
#include "work/session.h"

enum { LOGIN_MAX = 16 * 1024 };

struct login {
    struct str username;
    struct str password;
};

struct session_view {
    struct str username;
    bool       is_admin;
    struct str method;
    struct str csrf_token;
    struct str created_at;
    struct str expires_at;
    int64_t    n_failed;
    struct str failed_at;
};

struct session_item {
    struct str id;
    bool       is_current;
    struct str method;
    struct str address;
    struct str user_agent;
    struct str created_at;
    struct str used_at;
    struct str expires_at;
};

struct auth_token {
    struct str auth_token;
};

struct banner {
    struct str text;
};

/* clang-format off */
static const struct json_field login_fields[] = {
    { .name = "username", .kind = JSON_STRING, .offset = JSON_AT(struct login, username, struct str), .flags = JSON_REQUIRED },
    { .name = "password", .kind = JSON_STRING, .offset = JSON_AT(struct login, password, struct str), .flags = JSON_REQUIRED | JSON_SECRET },
};
static const struct json_table login_table = {
    .name = "Login", .size = sizeof(struct login), .fields = login_fields, .n_fields = ARRAY_LEN(login_fields),
};

static const struct json_field auth_token_fields[] = {
    { .name = "auth_token", .kind = JSON_STRING, .offset = JSON_AT(struct auth_token, auth_token, struct str) },
};
static const struct json_table auth_token_table = {
    .name = "AuthToken", .size = sizeof(struct auth_token), .fields = auth_token_fields, .n_fields = ARRAY_LEN(auth_token_fields),
};

static const struct json_field session_fields[] = {
    { .name = "username",    .kind = JSON_STRING, .offset = JSON_AT(struct session_view, username, struct str) },
    { .name = "isAdmin",     .kind = JSON_BOOL,   .offset = JSON_AT(struct session_view, is_admin, bool) },
    { .name = "authnMethod", .kind = JSON_STRING, .offset = JSON_AT(struct session_view, method, struct str) },
    { .name = "csrfToken",   .kind = JSON_STRING, .offset = JSON_AT(struct session_view, csrf_token, struct str), .flags = JSON_OMIT },
    { .name = "createdAt",   .kind = JSON_STRING, .offset = JSON_AT(struct session_view, created_at, struct str), .flags = JSON_OMIT },
    { .name = "expiresAt",   .kind = JSON_STRING, .offset = JSON_AT(struct session_view, expires_at, struct str), .flags = JSON_OMIT },
    { .name = "failedLogins", .kind = JSON_INTEGER, .offset = JSON_AT(struct session_view, n_failed, int64_t), .flags = JSON_OMIT },
    { .name = "lastFailedAt", .kind = JSON_STRING, .offset = JSON_AT(struct session_view, failed_at, struct str), .flags = JSON_OMIT },
};
static const struct json_table session_table = {
    .name = "Session", .size = sizeof(struct session_view), .fields = session_fields, .n_fields = ARRAY_LEN(session_fields),
};

static const struct json_field item_fields[] = {
    { .name = "id",        .kind = JSON_STRING, .offset = JSON_AT(struct session_item, id, struct str) },
    { .name = "isCurrent", .kind = JSON_BOOL,   .offset = JSON_AT(struct session_item, is_current, bool) },
    { .name = "method",    .kind = JSON_STRING, .offset = JSON_AT(struct session_item, method, struct str) },
    { .name = "address",   .kind = JSON_STRING, .offset = JSON_AT(struct session_item, address, struct str) },
    { .name = "userAgent", .kind = JSON_STRING, .offset = JSON_AT(struct session_item, user_agent, struct str) },
    { .name = "createdAt", .kind = JSON_STRING, .offset = JSON_AT(struct session_item, created_at, struct str) },
    { .name = "lastUsed",  .kind = JSON_STRING, .offset = JSON_AT(struct session_item, used_at, struct str) },
    { .name = "expiresAt", .kind = JSON_STRING, .offset = JSON_AT(struct session_item, expires_at, struct str) },
};
static const struct json_table item_table = {
    .name = "SessionItem", .size = sizeof(struct session_item), .fields = item_fields, .n_fields = ARRAY_LEN(item_fields),
};

static const struct json_field banner_fields[] = {
    { .name = "text", .kind = JSON_STRING, .offset = JSON_AT(struct banner, text, struct str) },
};
static const struct json_table banner_table = {
    .name = "Banner", .size = sizeof(struct banner), .fields = banner_fields, .n_fields = ARRAY_LEN(banner_fields),
};
/* clang-format on */

/* -- what is sent ------------------------------------------------------------------------------------- */

static int read_form(struct api_call *call, struct login *out, struct err *err)
{
    struct text_fields fields;
    struct login       login = { 0 };

    if (text_fields_parse(call->arena, http_body(call->req), &fields, err) < 0 ||
        text_fields_one(&fields, "username", &login.username, err) < 0 ||
        text_fields_one(&fields, "password", &login.password, err) < 0)
        return -1;
    if (login.username.p == NULL || login.password.p == NULL)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS",
                            login.username.p == NULL ? STR("username") : STR("password"),
                            "the form needs username and password");
    *out = login;
    return 0;
}

/* By what it is, not by what it is called: `curl -d` calls JSON a form. */
static int read_login(struct api_call *call, struct login *out, struct err *err)
{
    struct str body = str_trim(http_body(call->req));

    if (!str_starts(body, STR("{")))
        return read_form(call, out, err);
    if (json_read_as(call->arena, body, &json_limits_default, &login_table, JSON_COLLECT_UNKNOWN,
                     out, &call->ignored, err) == 0)
        return 0;
    if (err->code == NULL && err->kind == ERR_INVALID)
        err->code = "INVALID_JSON";
    return -1;
}

/* -- log-in ------------------------------------------------------------------------------------------- */

/* The challenge is one that no browser answers by itself. */
static void refuse(struct api_call *call)
{
    api_reply_refusal(call, 401, "UNAUTHORIZED", "the credentials are not valid");
    http_reply_header(call->req, "WWW-Authenticate", STR("Session realm=\"assay\""));
}

/* 1 the caller is in and has a session; 0 it is answered; -1. */
static int log_in(struct api_call *call, const struct login *login, struct err *err)
{
    struct work_login begun = { .caller     = &call->caller,
                                .user_agent = http_header(call->req, "User-Agent") };
    struct str        old;
    char              id[AUTH_SECRET_MAX];
    char              old_hash[AUTH_SECRET_HASH_MAX];

    if (!api_origin_is_ours(call)) {
        api_reply_refusal(call, 403, "DENIED", "a page of another origin cannot log in here");
        return 0;
    }
    int found = api_log_in(call, login->username, login->password, true, &call->caller, err);
    if (found < 0)
        return -1;
    if (found == 0) {
        refuse(call);
        return 0;
    }
    api_name_actor(call);
    if (call->route->takes == NULL && api_cookie_read(call, &old) == 1) {
        auth_secret_hash(old, old_hash);
        begun.replaces = str_from(old_hash);
    }
    if (work_session_begin(call->work, &call->actor, &begun, id, &call->session, err) < 0)
        return -1;
    call->session_id = str_from(mem_strdup(call->arena, id));
    return 1;
}

static struct session_view view_of(struct api_call *call)
{
    bool has_session = call->session_id.p != NULL;

    return (struct session_view){
        .username   = str_from(call->caller.name),
        .is_admin   = call->caller.is_admin,
        .method     = str_from(api_authn_method(call)),
        .csrf_token = has_session ? str_from(call->session.csrf) : STR_NULL,
        .created_at = has_session ? api_time(call->arena, call->session.created_at) : STR_NULL,
        .expires_at = has_session ? api_time(call->arena, call->session.expires_at) : STR_NULL,
    };
}

static bool is_page_wanted(const struct api_call *call)
{
    struct str accept = http_header(call->req, "Accept");
    struct str range;

    while (str_next(&accept, ',', &range)) {
        if (str_starts(str_trim(range), STR("text/html")))
            return true;
    }
    return false;
}

static int post_login(struct api_call *call, struct err *err)
{
    struct login login = { 0 };
    int64_t      n_failed, failed_at;

    /* Before the log-in, which forgets; for every name, so that it takes the same time. */
    if (read_login(call, &login, err) < 0 ||
        auth_lock_history(call->auth, login.username, &n_failed, &failed_at, err) < 0)
        return -1;
    int found = log_in(call, &login, err);
    if (found < 1)
        return found;

    if (is_page_wanted(call)) {
        api_reply_start(call, 303);
        http_reply_header(call->req, "Location", STR("/"));
    } else {
        struct session_view view = view_of(call);

        view.n_failed  = n_failed;
        view.failed_at = n_failed == 0 ? STR_NULL : api_time(call->arena, failed_at);
        if (api_reply_value(call, &view, err) < 0)
            return -1;
    }
    api_cookie_set(call, call->session_id);
    return 0;
}

static int post_auth_login(struct api_call *call, struct err *err)
{
    struct login login = { 0 };

    if (api_body(call, &login, err) < 0)
        return -1;
    int found = log_in(call, &login, err);
    if (found < 1)
        return found;

    struct auth_token token = { .auth_token = call->session_id };
    return api_reply_value(call, &token, err);
}

static int post_logout(struct api_call *call, struct err *err)
{
    if (!api_origin_is_ours(call)) {
        api_reply_refusal(call, 403, "DENIED", "a page of another origin cannot log out here");
        return 0;
    }
    if (call->session_id.p != NULL &&
        work_session_end(call->work, &call->actor, str_from(call->session.hash), err) < 0)
        return -1;

    call->session.is_renewed = false;
    if (is_page_wanted(call)) {
        api_reply_start(call, 303);
        http_reply_header(call->req, "Location", STR("/"));
    } else {
        api_reply_start(call, 204);
    }
    api_cookie_clear(call);
    return 0;
}

/* -- sessions ----------------------------------------------------------------------------------------- */

static int get_session(struct api_call *call, struct err *err)
{
    struct session_view view = view_of(call);

    return api_reply_value(call, &view, err);
}

static int list_sessions(struct api_call *call, struct err *err)
{
    struct api_list     *list = api_list_begin(call, NULL);
    struct meta_session *rows;
    size_t               n;

    if (work_session_list(call->work, call->arena, call->caller.account_id, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct json_write  *w    = api_list_item(list, err);
        struct session_item item = {
            .id         = str_sub(rows[i].hash, 0, WORK_SESSION_NAME),
            .is_current = str_is(rows[i].hash, call->session.hash),
            .method     = rows[i].method,
            .address    = rows[i].address,
            .user_agent = rows[i].user_agent,
            .created_at = api_time(call->arena, rows[i].created_at),
            .used_at    = api_time(call->arena, rows[i].used_at),
            .expires_at = api_time(call->arena, rows[i].expires_at),
        };

        if (w == NULL)
            return -1;
        json_write_table(w, &item_table, &item);
    }
    return api_list_reply(list, err);
}

static int delete_sessions(struct api_call *call, struct err *err)
{
    struct str keep = call->session_id.p == NULL ? STR_NULL : str_from(call->session.hash);

    if (work_session_revoke(call->work, &call->actor, call->caller.account_id, STR_NULL, keep,
                            err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int delete_session(struct api_call *call, struct err *err)
{
    if (work_session_revoke(call->work, &call->actor, call->caller.account_id,
                            api_hole(call, "session"), STR_NULL, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- revocation --------------------------------------------------------------------------------------- */

/* RFC 7009. Access tokens live for minutes and hold no row: what is no refresh token is no error. */
static int post_revoke(struct api_call *call, struct err *err)
{
    struct text_fields fields;
    struct str         token = STR_NULL;

    if (text_fields_parse(call->arena, http_body(call->req), &fields, err) < 0 ||
        text_fields_one(&fields, "token", &token, err) < 0)
        return -1;
    if (token.n == 0)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("token"),
                            "the form needs token");
    if (work_revoke_refresh(call->work, &call->actor, token, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int revoke_account(struct api_call *call, struct err *err)
{
    if (work_revoke_account(call->work, &call->actor, &call->account, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

static int get_banner(struct api_call *call, struct err *err)
{
    struct banner banner = { .text = auth_banner(call->auth) };

    return api_reply_value(call, &banner, err);
}

static const int login_also[]   = { 303, 401, 403, 0 };
static const int logout_also[]  = { 303, 403, 0 };
static const int token_also[]   = { 401, 403, 0 };
static const int session_also[] = { 403, 404, 0 };

/* clang-format off */
const struct api_route api_login_routes[] = {
    { .name = "login.form",     .method = HTTP_POST, .path = "/login",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .body = HTTP_BODY_WHOLE, .limit = LOGIN_MAX, .is_form = true,
      .says = "Logs in, by a form or JSON with username and password: a cookie; a browser is sent on to /",
      .accepts = "application/x-www-form-urlencoded", .gives = &session_table, .also = login_also,
      .run = post_login },
    { .name = "login.out",      .method = HTTP_POST, .path = "/logout",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .body = HTTP_BODY_WHOLE, .limit = LOGIN_MAX, .takes_session = true,
      .is_form = true, .says = "Ends the session of the cookie or bearer", .accepts = "application/x-www-form-urlencoded",
      .also = logout_also,
      .run = post_logout },
    { .name = "login.token",    .method = HTTP_POST, .path = "/auth/login",
      .may = API_MAY_ANYONE, .family = API_DTR, .body = HTTP_BODY_WHOLE, .limit = LOGIN_MAX, .is_form = true,
      .says = "Logs in: a token to send as Bearer to the management APIs, for as long as a session lives",
      .takes = &login_table, .gives = &auth_token_table, .also = token_also,
      .run = post_auth_login },
    { .name = "token.revoke",   .method = HTTP_POST, .path = "/auth/revoke",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .body = HTTP_BODY_WHOLE, .limit = LOGIN_MAX, .status = 200,
      .says = "Voids a refresh token (RFC 7009), by a form with token", .accepts = "application/x-www-form-urlencoded",
      .run = post_revoke },
    { .name = "session.revoke", .method = HTTP_POST, .path = "/api/v1/accounts/{account}/revoke", .changes = true,
      .may = API_MAY_MANAGE_ACCOUNT, .family = API_OURS,
      .says = "Ends the account's sessions and voids its tokens and refresh tokens; passwords and access tokens stay",
      .run = revoke_account },
    { .name = "login.banner",   .method = HTTP_GET,  .path = "/api/v1/banner",
      .may = API_MAY_ANYONE, .family = API_OURS, .says = "The text to show before people log in; empty for none", .gives = &banner_table,
      .run = get_banner },
    { .name = "session.get",    .method = HTTP_GET,  .path = "/api/v1/session",
      .may = API_MAY_USER, .family = API_OURS, .says = "Who is calling, and of a session its CSRF token and its end", .gives = &session_table,
      .run = get_session },
    { .name = "session.list",   .method = HTTP_GET,  .path = "/api/v1/sessions",
      .may = API_MAY_USER, .family = API_OURS, .says = "The caller's sessions, the last used first", .gives = &item_table, .list = "",
      .run = list_sessions },
    { .name = "session.end_all", .method = HTTP_DELETE, .path = "/api/v1/sessions", .changes = true,
      .may = API_MAY_USER, .family = API_OURS, .says = "Ends all the caller's sessions but the one that asks",
      .run = delete_sessions },
    { .name = "session.end",    .method = HTTP_DELETE, .path = "/api/v1/sessions/{session}", .changes = true,
      .may = API_MAY_USER, .family = API_OURS, .says = "Ends one of the caller's sessions", .also = session_also,
      .run = delete_session },
    { 0 },
};
/* clang-format on */
