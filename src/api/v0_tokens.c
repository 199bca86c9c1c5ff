/* api/v0_tokens.c: access tokens, on DTR's routes: listed, made, looked at, renamed, switched off, deleted, and the
 * unused ones cleaned up. Beside DTR's members a token has two of our own: `expiresAt`, and `scopes`, to which it is
 * narrowed. */
#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "codec/secret.h"
#include "work/credential.h"

/* -- what is taken and given -------------------------------------------------------------------------- */

struct scope {
    struct str       path;
    struct json_list actions; /* struct str */
    struct json_list verbs;   /* struct str */
};

struct create_token {
    struct str       label;
    struct str       expires_at;
    struct json_list scopes; /* struct scope */
    bool             has_scopes;
};

struct token_view {
    struct str       created_at;
    struct str       creator_ua;
    struct str       generated_by;
    struct str       hash;
    bool             is_active;
    struct str       last_used;
    struct str       token;
    struct str       label;
    struct str       expires_at;
    struct json_list scopes; /* struct scope */
    bool             is_narrowed;
};

/* clang-format off */
static const struct json_field scope_fields[] = {
    { .name = "path",    .kind = JSON_STRING, .offset = JSON_AT(struct scope, path, struct str), .flags = JSON_REQUIRED },
    { .name = "actions", .kind = JSON_LIST,   .offset = JSON_AT(struct scope, actions, struct json_list), .max = 16 },
    { .name = "verbs",   .kind = JSON_LIST,   .offset = JSON_AT(struct scope, verbs, struct json_list), .max = 32 },
};
static const struct json_table scope_table = {
    .name = "TokenScope", .size = sizeof(struct scope), .fields = scope_fields, .n_fields = ARRAY_LEN(scope_fields),
};

static const struct json_field create_fields[] = {
    { .name = "tokenLabel", .kind = JSON_STRING, .offset = JSON_AT(struct create_token, label, struct str) },
    { .name = "expiresAt",  .kind = JSON_STRING, .offset = JSON_AT(struct create_token, expires_at, struct str), .max = 64 },
    { .name = "scopes",     .kind = JSON_LIST,   .offset = JSON_AT(struct create_token, scopes, struct json_list),
      .has_offset = JSON_AT(struct create_token, has_scopes, bool), .table = &scope_table, .max = META_SCOPES_MAX },
};
static const struct json_table create_table = {
    .name = "CreateAPIToken", .size = sizeof(struct create_token), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field update_fields[] = {
    { .name = "isActive",   .kind = JSON_BOOL,   .offset = JSON_AT(struct work_token_change, is_active, bool),
      .has_offset = JSON_AT(struct work_token_change, has_active, bool) },
    { .name = "tokenLabel", .kind = JSON_STRING, .offset = JSON_AT(struct work_token_change, label, struct str),
      .has_offset = JSON_AT(struct work_token_change, has_label, bool) },
};
static const struct json_table update_table = {
    .name = "UpdateAPIToken", .size = sizeof(struct work_token_change), .fields = update_fields, .n_fields = ARRAY_LEN(update_fields),
};

#define TOKEN_FIELDS                                                                                                    \
    { .name = "createdAt",   .kind = JSON_STRING, .offset = JSON_AT(struct token_view, created_at, struct str) },       \
    { .name = "creatorUa",   .kind = JSON_STRING, .offset = JSON_AT(struct token_view, creator_ua, struct str) },       \
    { .name = "generatedBy", .kind = JSON_STRING, .offset = JSON_AT(struct token_view, generated_by, struct str) },     \
    { .name = "hashedToken", .kind = JSON_STRING, .offset = JSON_AT(struct token_view, hash, struct str) },             \
    { .name = "isActive",    .kind = JSON_BOOL,   .offset = JSON_AT(struct token_view, is_active, bool) },              \
    { .name = "lastUsed",    .kind = JSON_STRING, .offset = JSON_AT(struct token_view, last_used, struct str) },        \
    { .name = "tokenLabel",  .kind = JSON_STRING, .offset = JSON_AT(struct token_view, label, struct str) },            \
    { .name = "expiresAt",   .kind = JSON_STRING, .offset = JSON_AT(struct token_view, expires_at, struct str) },       \
    { .name = "scopes",      .kind = JSON_LIST,   .offset = JSON_AT(struct token_view, scopes, struct json_list),       \
      .has_offset = JSON_AT(struct token_view, is_narrowed, bool), .table = &scope_table }

static const struct json_field token_fields[] = { TOKEN_FIELDS };
static const struct json_table token_table = {
    .name = "APIToken", .size = sizeof(struct token_view), .fields = token_fields, .n_fields = ARRAY_LEN(token_fields),
};

static const struct json_field new_token_fields[] = {
    TOKEN_FIELDS,
    { .name = "token",       .kind = JSON_STRING, .offset = JSON_AT(struct token_view, token, struct str) },
};
static const struct json_table new_token_table = {
    .name = "NewAPIToken", .size = sizeof(struct token_view), .fields = new_token_fields, .n_fields = ARRAY_LEN(new_token_fields),
};
/* clang-format on */

/* The actions of the token protocol that a set of verbs gives whole. */
static struct json_list print_actions(struct arena *arena, unsigned verbs)
{
    static const char *const words[] = { "pull", "push", "delete" };
    struct str              *list    = mem_many(arena, ARRAY_LEN(words), struct str);
    size_t                   n       = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        unsigned whole = auth_verbs_of_action(str_from(words[i]));

        if ((verbs & whole) == whole)
            list[n++] = str_from(words[i]);
    }
    return (struct json_list){ .items = list, .n = n };
}

static struct json_list split_words(struct arena *arena, struct str words)
{
    struct str *list = mem_many(arena, auth_n_verbs, struct str);
    struct str  word;
    size_t      n = 0;

    while (n < auth_n_verbs && str_next(&words, ' ', &word))
        list[n++] = word;
    return (struct json_list){ .items = list, .n = n };
}

static struct token_view view_of(struct arena *arena, const struct work_token *token)
{
    const struct meta_credential *row    = &token->row;
    struct scope                 *scopes = mem_many(arena, token->n_scopes, struct scope);
    struct err                    ignored; /* words of a newer release: shown, not understood */

    for (size_t i = 0; i < token->n_scopes; i++) {
        unsigned verbs = AUTH_NONE;

        (void)auth_verbs_parse(token->scopes[i].verbs, &verbs, &ignored);
        scopes[i] = (struct scope){
            .path    = token->scopes[i].path,
            .actions = print_actions(arena, verbs),
            .verbs   = split_words(arena, token->scopes[i].verbs),
        };
    }
    return (struct token_view){
        .created_at   = api_time(arena, row->created_at),
        .creator_ua   = row->creator_ua,
        .generated_by = row->generated_by,
        .hash         = row->hash,
        .is_active    = row->is_active != 0,
        .last_used    = api_time(arena, row->used_at),
        .label        = row->label.p == NULL ? STR("") : row->label,
        .expires_at   = api_time(arena, row->expires_at),
        .scopes       = { .items = scopes, .n = token->n_scopes },
        .is_narrowed  = row->is_narrowed != 0,
    };
}

/* -- whose -------------------------------------------------------------------------------------------- */

/* The user in the query, the caller when it names none. 1; 0 it is answered; -1. */
static int open_user(struct api_call *call, struct auth_account *out, struct err *err)
{
    enum auth_verdict verdict;
    struct str        name;

    if (api_query(call, "username", "INVALID_PARAMETERS", &name, err) < 0)
        return -1;
    if (name.n == 0)
        name = str_from(call->caller.name);
    if (auth_account_open(call->auth, call->arena, &call->caller, name, AUTH_ACCOUNT_MANAGE, out,
                          &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_HIDDEN || (verdict == AUTH_YES && !str_is(out->kind, "user")))
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_USER", name, "no such user");
    if (verdict == AUTH_YES)
        return 1;
    api_deny(call, verdict, "manage the user's access tokens");
    return 0;
}

/* Whose tokens the caller may touch: 0 of everybody. A narrowed token touches none. 1; 0 it is answered; -1. */
static int open_tokens(struct api_call *call, int64_t *out_seen_by, struct err *err)
{
    enum auth_verdict verdict;

    if (call->caller.is_narrowed) {
        api_deny(call, AUTH_TOO_FEW, "manage access tokens");
        return 0;
    }
    if (auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
        return -1;
    *out_seen_by = verdict == AUTH_YES ? 0 : call->caller.account_id;
    return 1;
}

/* -- lists -------------------------------------------------------------------------------------------- */

static int read_start(const struct api_paging *paging, int64_t *out, struct err *err)
{
    *out = 0;
    if (paging->start.n == 0 || str_to_int(paging->start, out))
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("pageStart"),
                        "pageStart is not the start of a page of this list");
}

static int write_tokens(struct api_call *call, const struct work_token *tokens, size_t n,
                        struct err *err)
{
    struct api_list *list = api_list_begin(call, NULL);

    for (size_t i = 0; i < n; i++) {
        struct token_view  view = view_of(call->arena, &tokens[i]);
        struct json_write *w    = api_list_item(list, err);

        if (w == NULL)
            return -1;
        json_write_table(w, &token_table, &view);
    }
    return api_list_reply(list, err);
}

/* An account has a thousand at most, so that a page is read at once; one more tells whether anything follows. */
static int list_tokens(struct api_call *call, struct err *err)
{
    struct auth_account user;
    struct api_paging   paging;
    struct work_token  *tokens;
    int64_t             after, n_all = 0;
    size_t              n;
    int                 found = open_user(call, &user, err);

    if (found < 1)
        return found;
    if (api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0 ||
        read_start(&paging, &after, err) < 0)
        return -1;
    size_t size = paging.size < WORK_TOKENS_MAX ? paging.size : WORK_TOKENS_MAX;
    if ((paging.wants_count && work_token_count(call->work, user.id, &n_all, err) < 0) ||
        work_token_page(call->work, call->arena, user.id, after, size + 1, &tokens, &n, err) < 0 ||
        write_tokens(call, tokens, n < size ? n : size, err) < 0)
        return -1;
    if (paging.wants_count)
        api_reply_count(call, n_all);
    if (n > size)
        api_reply_next_start(call, str_from(mem_printf(call->arena, "%lld",
                                                       (long long)tokens[size - 1].row.id)));
    return 0;
}

/* -- making ------------------------------------------------------------------------------------------- */

static int read_verbs(const struct scope *scope, unsigned *out, struct err *err)
{
    const struct str *actions = scope->actions.items;
    const struct str *words   = scope->verbs.items;
    unsigned          sum     = AUTH_NONE;

    for (size_t i = 0; i < scope->actions.n; i++) {
        unsigned verbs = auth_verbs_of_action(actions[i]);

        if (verbs == AUTH_NONE)
            return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", actions[i],
                                "scopes: actions are pull, push, delete and *");
        sum |= verbs;
    }
    for (size_t i = 0; i < scope->verbs.n; i++) {
        unsigned verbs;

        if (auth_verbs_parse(words[i], &verbs, err) < 0)
            return err_wrap(err, "scopes");
        sum |= verbs;
    }
    if (sum == AUTH_NONE)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("scopes"),
                            "scopes: each names actions or verbs");
    *out = sum | ((sum & AUTH_PULL) != 0 ? (unsigned)AUTH_VIEW : 0);
    return 0;
}

static int read_new(struct api_call *call, struct work_token_new *out, struct err *err)
{
    struct create_token body = { 0 };

    if (api_body(call, &body, err) < 0)
        return -1;
    const struct scope *given  = body.scopes.items;
    struct work_scope  *scopes = mem_many(call->arena, body.scopes.n, struct work_scope);
    for (size_t i = 0; i < body.scopes.n; i++) {
        scopes[i].path = given[i].path;
        if (read_verbs(&given[i], &scopes[i].verbs, err) < 0)
            return -1;
    }
    *out = (struct work_token_new){
        .label       = body.label.p == NULL ? STR("") : body.label,
        .user_agent  = http_header(call->req, "User-Agent"),
        .is_narrowed = body.has_scopes,
        .scopes      = scopes,
        .n_scopes    = body.scopes.n,
    };
    return api_time_read("expiresAt", body.expires_at, &out->expires_at, err);
}

static int create_token(struct api_call *call, struct err *err)
{
    struct work_token_new new;
    struct auth_account user;
    struct work_token   token;
    char               *secret = secret_alloc(call->arena, AUTH_SECRET_MAX);
    int                 found  = open_user(call, &user, err);

    if (found < 1)
        return found;
    if (read_new(call, &new, err) < 0 ||
        work_token_create(call->work, call->arena, &call->actor, &call->caller, &user, &new, secret,
                          &token, err) < 0)
        return -1;

    struct token_view view = view_of(call->arena, &token);
    view.token             = str_from(secret);
    return api_reply_value(call, &view, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int get_token(struct api_call *call, struct err *err)
{
    struct work_token token;
    int64_t           seen_by;
    int               found = open_tokens(call, &seen_by, err);

    if (found < 1)
        return found;
    if (work_token_get(call->work, call->arena, seen_by, api_hole(call, "hashedtoken"), &token,
                       err) < 0)
        return -1;
    struct token_view view = view_of(call->arena, &token);
    return api_reply_value(call, &view, err);
}

static int change_token(struct api_call *call, struct err *err)
{
    struct work_token_change change = { 0 };
    struct work_token        token;
    int64_t                  seen_by;
    int                      found = open_tokens(call, &seen_by, err);

    if (found < 1)
        return found;
    if (api_body(call, &change, err) < 0 ||
        work_token_change(call->work, call->arena, &call->actor, seen_by,
                          api_hole(call, "hashedtoken"), &change, &token, err) < 0)
        return -1;
    struct token_view view = view_of(call->arena, &token);
    return api_reply_value(call, &view, err);
}

static int delete_token(struct api_call *call, struct err *err)
{
    int64_t seen_by;
    int     found = open_tokens(call, &seen_by, err);

    if (found < 1)
        return found;
    if (work_token_delete(call->work, &call->actor, seen_by, api_hole(call, "hashedtoken"), err) <
        0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- the unused --------------------------------------------------------------------------------------- */

static int read_generator(struct api_call *call, struct str *out, struct err *err)
{
    struct str word;

    if (api_query(call, "generatedby", "INVALID_PARAMETERS", &word, err) < 0)
        return -1;
    if (word.n != 0 && !str_is(word, "auto") && !str_is(word, "manual") && !str_is(word, "all"))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", word,
                            "generatedby: is auto, manual or all");
    *out = word.n == 0 ? STR("auto") : str_is(word, "all") ? STR_NULL : word;
    return 0;
}

static int clean_up(struct api_call *call, struct err *err)
{
    struct auth_account user;
    struct str          generated_by, text;
    int64_t             used_before = 0;
    int                 found       = open_user(call, &user, err);

    if (found < 1)
        return found;
    if (read_generator(call, &generated_by, err) < 0 ||
        api_query(call, "usedbefore", "INVALID_PARAMETERS", &text, err) < 0 ||
        api_time_read("usedbefore", text, &used_before, err) < 0 ||
        work_token_cleanup(call->work, &call->actor, &user, text.n == 0 ? INT64_MAX : used_before,
                           generated_by, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param list_params[] = {
    { "username",  "string",  "whose; the caller's own when absent" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",     "boolean", "X-Resource-Count tells how many rows there are in all" },
    { 0 },
};
static const struct api_param user_params[] = {
    { "username",  "string",  "whose; the caller's own when absent" },
    { 0 },
};
static const struct api_param clean_params[] = {
    { "username",    "string", "whose; the caller's own when absent" },
    { "usedbefore",  "string", "a time (RFC 3339) or day: those not used since; all when absent" },
    { "generatedby", "string", "auto (when absent), manual or all" },
    { 0 },
};

static const int seen_by_few[] = { 403, 404, 0 };

const struct api_route api_v0_token_routes[] = {
    { .name = "api_tokens.list",    .method = HTTP_GET,    .path = "/api/v0/api_tokens",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = list_tokens,
      .says = "A user's access tokens",                    .gives = &token_table, .list = "", .query = list_params,
      .also = seen_by_few },
    { .name = "api_tokens.create",  .method = HTTP_POST,   .path = "/api/v0/api_tokens",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = create_token, .changes = true,
      .says = "Make an access token: its value is in this answer and never again. `scopes` narrows it",
      .body = HTTP_BODY_WHOLE,      .limit = API_BODY_MAX, .takes = &create_table, .gives = &new_token_table, .query = user_params,
      .also = seen_by_few },
    { .name = "api_tokens.clean_up", .method = HTTP_DELETE, .path = "/api/v0/api_tokens",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = clean_up, .changes = true, .status = 200,
      .says = "Delete a user's unused access tokens",      .query = clean_params, .also = seen_by_few },
    { .name = "api_tokens.get",     .method = HTTP_GET,    .path = "/api/v0/api_tokens/{hashedtoken}",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = get_token,
      .says = "An access token, by its hash",              .gives = &token_table, .also = seen_by_few },
    { .name = "api_tokens.change",  .method = HTTP_PATCH,  .path = "/api/v0/api_tokens/{hashedtoken}",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = change_token, .changes = true,
      .says = "Rename an access token, or switch it off and on",
      .body = HTTP_BODY_WHOLE,      .limit = API_BODY_MAX, .takes = &update_table, .gives = &token_table, .also = seen_by_few },
    { .name = "api_tokens.delete",  .method = HTTP_DELETE, .path = "/api/v0/api_tokens/{hashedtoken}",
      .may  = API_MAY_USER,         .family = API_DTR,     .run = delete_token, .changes = true, .status = 200,
      .says = "Delete an access token; what was bought with it is void", .also = seen_by_few },
    { 0 },
};
/* clang-format on */
