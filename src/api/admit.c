/* api/admit.c: who is calling and whether they may: from the credentials of a request to its caller, from the
 * row's action to the handle through which its handler acts. */
#include "api/api_private.h"
#include "api/cookie.h"
#include "base/assert.h"
#include "base/mem.h"
#include "work/refusal.h"

/* -- who ---------------------------------------------------------------------------------------------- */

static bool takes_session(const struct api_route *row)
{
    return row->takes_session || api_is_managed(row);
}

static void audit_failed_login(struct api_call *call, struct str name)
{
    struct meta_actor actor = {
        .kind       = "anonymous",
        .name       = str_sub(name, 0, AUTH_ACCOUNT_NAME_MAX),
        .address    = http_client(call->req),
        .request_id = http_id(call->req),
    };

    api_metrics_add(call->api->metrics, API_LOGIN_FAILED);
    work_refusal(call->work, &actor, "LOGIN_FAILED", STR_NULL, "wrong name or password");
}

int api_log_in(struct api_call *call, struct str name, struct str password, bool may_block,
               struct auth_caller *out, struct err *err)
{
    int found = auth_login(call->auth, name, password, http_client(call->req), may_block, out, err);

    if (found == 0 && may_block)
        audit_failed_login(call, name);
    if (found == 1 && may_block)
        api_metrics_add(call->api->metrics, API_LOGIN_OK);
    return found;
}

static int accept_basic(struct api_call *call, struct str encoded, bool may_block, struct err *err)
{
    struct str name, password;

    if (auth_basic_parse(call->arena, encoded, &name, &password, err) < 0)
        return 0;
    return api_log_in(call, name, password, may_block, &call->caller, err);
}

/* What a bearer brings: a token of ours, an access token as it is, or a session's id. The last two open what Basic
 * credentials open; a session is for the management side. */
static int accept_bearer(struct api_call *call, struct str token, bool may_block, struct err *err)
{
    call->had_token = true;
    if (auth_secret_is_credential(token))
        return auth_secret_accept(call->auth, token, may_block, &call->caller, err);
    if (!auth_secret_is(token, AUTH_SECRET_SESSION))
        return auth_token_accept(call->auth, call->arena, token, &call->caller, err);
    if (!takes_session(call->route) || !may_block)
        return 0;

    call->session_id = token;
    return auth_session_accept(call->auth, call->arena, token, &call->caller, &call->session, err);
}

/* A stale cookie is as good as none: what is open to all stays open. */
static int accept_cookie(struct api_call *call, struct str id, struct err *err)
{
    int found =
        auth_session_accept(call->auth, call->arena, id, &call->caller, &call->session, err);

    if (found == 1) {
        call->session_id        = id;
        call->caller.is_session = true;
    }
    return found;
}

static bool take_scheme(struct str header, struct str scheme, struct str *rest)
{
    if (header.n <= scheme.n || !str_eq_nocase(str_sub(header, 0, scheme.n), scheme) ||
        header.p[scheme.n] != ' ')
        return false;
    *rest = str_trim(str_from_index(header, scheme.n + 1));
    return true;
}

/* `docker search` over TLS sends an empty name and password when it has none. */
static bool says_nobody(const struct api_call *call, struct str header)
{
    return header.p == NULL || (call->route->may == API_MAY_SEARCH && str_is(header, "Basic Og=="));
}

/* 1 done, 0 it takes a worker to know, -1. Bad credentials leave the caller nobody. */
int api_identify(struct api_call *call, bool may_block, struct err *err)
{
    struct str header = http_header(call->req, "Authorization");
    struct str rest;
    int        found = 0;

    if (call->is_identified)
        return 1;
    if (says_nobody(call, header)) {
        if (takes_session(call->route) && api_cookie_read(call, &rest) == 1) {
            if (!may_block)
                return 0;
            if (accept_cookie(call, rest, err) < 0)
                return -1;
        }
        call->is_identified = true;
        return 1;
    }

    if (take_scheme(header, STR("Bearer"), &rest)) {
        found = accept_bearer(call, rest, may_block, err);
        if (found == 0 && !may_block && str_starts(rest, STR("assay_")))
            return 0;
    } else if (take_scheme(header, STR("Basic"), &rest)) {
        found = accept_basic(call, rest, may_block, err);
        if (found == 0 && !may_block)
            return 0;
    }
    if (found < 0)
        return -1;

    call->is_identified       = true;
    call->has_bad_credentials = found == 0;
    if (found == 0)
        call->caller = (struct auth_caller){ .kind = AUTH_NOBODY };
    return 1;
}

const char *api_authn_method(const struct api_call *call)
{
    if (call->session_id.p != NULL)
        return "Session";
    if (call->caller.has_token)
        return "Token";
    return call->caller.credential != 0 ? "AccessToken" : "Password";
}

void api_name_actor(struct api_call *call)
{
    const struct auth_caller *caller = &call->caller;

    call->actor = (struct meta_actor){
        .kind       = caller->kind == AUTH_ACCOUNT ? "user" : "anonymous",
        .account_id = caller->account_id,
        .name       = str_from(caller->name),
        .credential_id =
            caller->credential_id[0] == '\0' ? STR_NULL : str_from(caller->credential_id),
        .address    = http_client(call->req),
        .request_id = http_id(call->req),
    };
}

/* -- whether ------------------------------------------------------------------------------------------ */

static int decide_about_repo(struct api_call *call, enum auth_verb verb, enum auth_verdict *verdict,
                             struct err *err)
{
    if (api_is_managed(call->route))
        return auth_repo_manage(call->auth, call->arena, &call->caller, call->path, verb,
                                &call->repo, verdict, err);
    return auth_repo_open(call->auth, call->arena, &call->caller, call->path, verb, &call->repo,
                          verdict, err);
}

static int decide_about_account(struct api_call *call, enum auth_account_right right,
                                enum auth_verdict *verdict, struct err *err)
{
    return auth_account_open(call->auth, call->arena, &call->caller, api_hole(call, "account"),
                             right, &call->account, verdict, err);
}

static int decide(struct api_call *call, enum auth_verdict *verdict, struct err *err)
{
    enum api_may may = call->route->may;

    switch (may) {
    case API_MAY_UNSAID:
        ASSERT_NEVER("a row without an action got past the start");
    case API_MAY_ANYONE:
        *verdict = AUTH_YES;
        return 0;
    case API_MAY_PING:
        return auth_ping_open(call->auth, call->arena, &call->caller, verdict, err);
    case API_MAY_CATALOG:
        return auth_catalog_open(call->auth, call->arena, &call->caller, &call->view, verdict, err);
    case API_MAY_INSTANCE:
        return auth_instance_open(call->auth, &call->caller, verdict, err);
    case API_MAY_USER:
        return auth_user_open(call->auth, call->arena, &call->caller, verdict, err);
    case API_MAY_REPOS:
        return auth_view_open(call->auth, call->arena, &call->caller, &call->view, verdict, err);
    case API_MAY_SEARCH:
        *verdict = AUTH_NO_CREDENTIALS;
        return call->has_bad_credentials ? 0
                                         : auth_search_open(call->auth, call->arena, &call->caller,
                                                            &call->view, verdict, err);
    case API_MAY_SEE_ACCOUNT:
        return decide_about_account(call, AUTH_ACCOUNT_SEE, verdict, err);
    case API_MAY_MANAGE_ACCOUNT:
        return decide_about_account(call, AUTH_ACCOUNT_MANAGE, verdict, err);
    default:
        return decide_about_repo(call, api_may_verb(may), verdict, err);
    }
}

/* The repository, or the account that the caller was allowed to see. */
static struct str about(const struct api_call *call)
{
    return call->path.p != NULL ? call->path : call->account.name;
}

static void audit_refusal(struct api_call *call, enum auth_verdict verdict)
{
    if (!call->route->changes || call->caller.kind != AUTH_ACCOUNT ||
        verdict == AUTH_NO_CREDENTIALS)
        return;
    if (verdict == AUTH_HIDDEN)
        call->account.name = STR_NULL;
    work_refusal(call->work, &call->actor, call->route->name, about(call),
                 "too few rights or a void token");
}

void api_audit_denied(struct api_call *call, const struct err *err)
{
    if (err->kind == ERR_DENIED && call->route->changes && call->caller.kind == AUTH_ACCOUNT)
        work_refusal(call->work, &call->actor, call->route->name, about(call), err->text);
}

void api_deny(struct api_call *call, enum auth_verdict verdict, const char *needs)
{
    call->needs = needs;
    audit_refusal(call, verdict);
    api_reply_verdict(call, verdict);
}

static bool recall(struct api_call *call)
{
    return call->route->recalls && !call->is_anew &&
           auth_repo_recall(call->auth, call->arena, &call->caller, call->path, &call->repo);
}

/* By HTTP's own rules (RFC 9110, 9.2.1); no row of ours breaks them. */
static bool is_safe(const struct api_call *call)
{
    return (http_method(call->req) & (HTTP_GET | HTTP_HEAD | HTTP_OPTIONS)) != 0;
}

/* -- how often ---------------------------------------------------------------------------------------- */

/* Probes of health are asked by machines that must not be told to wait. */
static bool is_unlimited(const struct api_call *call)
{
    return call->route->fast != NULL && call->route->may == API_MAY_ANYONE;
}

static bool refuse_excess(struct api_call *call)
{
    api_metrics_add(call->api->metrics, API_RATE_LIMITED);
    api_reply_refusal(call, 429, "TOOMANYREQUESTS",
                      mem_printf(call->arena, "too many requests of this %s: %lld a minute",
                                 call->rate.what, (long long)call->rate.limit));
    return true;
}

bool api_limit_network(struct api_call *call)
{
    if (call->is_rated || is_unlimited(call))
        return false;
    call->is_rated = true;
    return !auth_rate_network(call->auth, http_client(call->req), &call->rate) &&
           refuse_excess(call);
}

bool api_limit_caller(struct api_call *call)
{
    if (call->is_charged || is_unlimited(call))
        return false;
    call->is_charged = true;
    return !auth_rate_caller(call->auth, &call->caller, &call->rate) && refuse_excess(call);
}

/* -- may it ------------------------------------------------------------------------------------------- */

static void refuse_forged(struct api_call *call)
{
    work_refusal(call->work, &call->actor, call->route->name, call->path, "no right CSRF token");
    api_reply_refusal(
        call, 403, "CSRF_TOKEN_INVALID",
        "a change by a browser's session needs its token in X-Csrf-Token, from this origin");
}

/* 1 it may; 0 it is answered; -1 with err. */
int api_admit(struct api_call *call, struct err *err)
{
    enum auth_verdict verdict;

    api_name_actor(call);
    if (call->caller.is_session && !is_safe(call) && !api_csrf_is_right(call)) {
        refuse_forged(call);
        return 0;
    }
    if (recall(call))
        return 1;
    if (decide(call, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_YES)
        return 1;
    if (verdict == AUTH_NO_REPO && call->route->knows_absence) {
        call->repo = (struct auth_repo){ .path = call->path, .verbs = AUTH_PULL };
        return 1;
    }
    audit_refusal(call, verdict);
    api_reply_verdict(call, verdict);
    return 0;
}

int api_admit_anew(struct api_call *call, struct err *err)
{
    call->is_anew = true;
    call->repo    = (struct auth_repo){ .id = 0 };
    return api_admit(call, err);
}
