/* api/token.c: the token service (the protocol of Docker's registry tokens; design, section 4). Passwords
 * come as Basic credentials or in a form, and never in a query. */
#include "api/api_private.h"
#include "base/mem.h"
#include "codec/text.h"

#define SECOND_US INT64_C(1000000)

enum { FORM_MAX = 64 * 1024, EXPIRES_MIN_S = 60 };

/* Docker's form has both names for the token; OAuth2's says of what kind and for what it is. */
struct answer {
    struct str token;
    struct str access_token;
    struct str token_type;
    struct str scope;
    bool       has_scope; /* also when it is empty: nothing was granted */
    int64_t    expires_in;
    struct str issued_at;
    struct str refresh_token;
};

/* clang-format off */
static const struct json_field answer_fields[] = {
    { .name = "token",         .kind = JSON_STRING,  .offset = JSON_AT(struct answer, token, struct str), .flags = JSON_OMIT },
    { .name = "access_token",  .kind = JSON_STRING,  .offset = JSON_AT(struct answer, access_token, struct str) },
    { .name = "token_type",    .kind = JSON_STRING,  .offset = JSON_AT(struct answer, token_type, struct str), .flags = JSON_OMIT },
    { .name = "scope",         .kind = JSON_STRING,  .offset = JSON_AT(struct answer, scope, struct str),
      .has_offset = JSON_AT(struct answer, has_scope, bool) },
    { .name = "expires_in",    .kind = JSON_INTEGER, .offset = JSON_AT(struct answer, expires_in, int64_t) },
    { .name = "issued_at",     .kind = JSON_STRING,  .offset = JSON_AT(struct answer, issued_at, struct str) },
    { .name = "refresh_token", .kind = JSON_STRING,  .offset = JSON_AT(struct answer, refresh_token, struct str), .flags = JSON_OMIT },
};

static const struct json_table answer_table = {
    .name = "token", .size = sizeof(struct answer), .fields = answer_fields, .n_fields = ARRAY_LEN(answer_fields),
};
/* clang-format on */

static int reply_token(struct api_call *call, const struct auth_granted *granted, bool is_oauth,
                       struct err *err)
{
    char          issued_at[TEXT_TIME_MAX];
    int64_t       life_s = granted->life_us / SECOND_US;
    struct answer answer = {
        .token         = is_oauth ? STR_NULL : granted->token,
        .access_token  = granted->token,
        .token_type    = is_oauth ? STR("Bearer") : STR_NULL,
        .scope         = granted->scope,
        .has_scope     = is_oauth,
        .expires_in    = life_s < EXPIRES_MIN_S ? EXPIRES_MIN_S : life_s,
        .refresh_token = granted->refresh,
    };

    text_time_print(granted->issued_at, issued_at);
    answer.issued_at = str_from(issued_at);
    if (api_reply_value(call, &answer, err) < 0)
        return -1;
    api_metrics_add(call->api->metrics, API_TOKENS_ISSUED);
    return 0;
}

static int get_token(struct api_call *call, struct err *err)
{
    struct str          fields[AUTH_SCOPES_MAX];
    struct auth_scopes  scopes = { 0 };
    struct auth_granted granted;
    struct str          client_id, offline;
    size_t              n;

    /* A bearer token buys no other token: it would outlive its own bound. */
    if (call->has_bad_credentials || call->had_token ||
        (call->caller.kind == AUTH_NOBODY && !auth_may_anonymous(call->auth))) {
        api_reply_verdict(call, AUTH_NO_CREDENTIALS);
        return 0;
    }
    if (api_query_all(call, "scope", AUTH_SCOPES_MAX, fields, &n, err) < 0 ||
        api_query(call, "client_id", "INVALID", &client_id, err) < 0 ||
        api_query(call, "offline_token", "INVALID", &offline, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        auth_scopes_add(call->arena, fields[i], &scopes);
    struct auth_refresh_wish wish = { .client_id = client_id, .actor = &call->actor };
    if (auth_token_issue(call->auth, call->arena, &call->caller, &scopes,
                         str_is(offline, "true") ? &wish : NULL, &granted, err) < 0)
        return -1;
    return reply_token(call, &granted, false, err);
}

/* -- POST: OAuth2 (RFC 6749) -------------------------------------------------------------------------- */

struct form {
    struct str grant_type;
    struct str username;
    struct str password;
    struct str refresh_token;
    struct str client_id;
    struct str access_type;
    struct str scope;
};

static int read_form(struct api_call *call, struct form *form, struct err *err)
{
    struct text_fields fields;
    struct {
        const char *name;
        struct str *value;
    } wanted[] = {
        { "grant_type", &form->grant_type }, { "username", &form->username },
        { "password", &form->password },     { "refresh_token", &form->refresh_token },
        { "client_id", &form->client_id },   { "access_type", &form->access_type },
        { "scope", &form->scope },
    };
    struct str type = http_header(call->req, "Content-Type");
    ptrdiff_t  end  = str_find(type, ';');

    if (!str_eq_nocase(str_trim(end < 0 ? type : str_sub(type, 0, (size_t)end)),
                       STR("application/x-www-form-urlencoded")))
        return err_set(err, ERR_INVALID,
                       "the body must be a form (application/x-www-form-urlencoded)");
    if (text_fields_parse(call->arena, http_body(call->req), &fields, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (text_fields_one(&fields, wanted[i].name, wanted[i].value, err) < 0)
            return -1;
    }
    if (form->client_id.n == 0)
        return err_set(err, ERR_INVALID, "client_id is missing");
    return 0;
}

/* 1 and the caller, 0 wrong, -1. */
static int log_in(struct api_call *call, const struct form *form, struct auth_caller *out,
                  struct err *err)
{
    if (str_is(form->grant_type, "refresh_token"))
        return auth_refresh_accept(call->auth, call->arena, form->refresh_token, out, err);
    if (!str_is(form->grant_type, "password"))
        return err_set(err, ERR_INVALID, "grant_type must be password or refresh_token");

    return api_log_in(call, form->username, form->password, true, out, err);
}

static int post_token(struct api_call *call, struct err *err)
{
    struct form         form   = { 0 };
    struct auth_scopes  scopes = { 0 };
    struct auth_caller  caller;
    struct auth_granted granted;

    if (read_form(call, &form, err) < 0)
        return -1;
    int found = log_in(call, &form, &caller, err);
    if (found < 0)
        return -1;
    if (found == 0) {
        call->has_bad_credentials = true;
        api_reply_verdict(call, AUTH_NO_CREDENTIALS);
        return 0;
    }

    call->caller = caller;
    api_name_actor(call);
    auth_scopes_add(call->arena, form.scope, &scopes);
    struct auth_refresh_wish wish = { .client_id = form.client_id, .actor = &call->actor };
    bool wants_refresh = str_is(form.access_type, "offline") && form.refresh_token.p == NULL;
    if (auth_token_issue(call->auth, call->arena, &caller, &scopes, wants_refresh ? &wish : NULL,
                         &granted, err) < 0)
        return -1;
    if (str_is(form.grant_type, "refresh_token"))
        granted.refresh = form.refresh_token;
    return reply_token(call, &granted, true, err);
}

static int get_keys(struct api_call *call, struct err *err)
{
    (void)err;
    api_reply_json(call, 200, auth_keys_print(call->auth, call->arena));
    return 0;
}

static const int refused[] = { 401, 0 };

/* clang-format off */
static const struct api_param get_params[] = {
    { "service",       "string", "the registry that the token is for" },
    { "scope",         "string", "what it is for, as `repository:name:pull,push`; may be repeated" },
    { "account",       "string", "who asks; not looked at, the credentials say it" },
    { "client_id",     "string", "the program that asks" },
    { "offline_token", "string", "`true` for a refresh token as well" },
    { 0 },
};

const struct api_route api_token_routes[] = {
    { .name = "token.get",  .method = HTTP_GET,  .path = "/auth/token",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "A token for scopes, by Basic credentials or for anyone",
      .gives = &answer_table, .also = refused, .query = get_params,
      .run = get_token },
    { .name = "token.post", .method = HTTP_POST, .path = "/auth/token",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .body = HTTP_BODY_WHOLE, .limit = FORM_MAX,
      .says = "A token for scopes, by a form (OAuth2)", .accepts = "application/x-www-form-urlencoded",
      .gives = &answer_table, .also = refused,
      .run = post_token },
    { .name = "token.keys", .method = HTTP_GET,  .path = "/auth/keys",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "The public keys of tokens (JWKS)",
      .sends = "application/json",
      .run = get_keys },
    { 0 },
};
/* clang-format on */
