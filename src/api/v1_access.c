/* api/v1_access.c: questions about access: may this account do that there, and why; who can. The answers come from the
 * gathering of rights that the decision itself uses (auth/rights.h). Whoever asks about others must hold the `access`
 * verb there; about oneself anyone may ask, and learns no more about a hidden repository than about none. */
#include <string.h>

#include "api/call.h"
#include "api/list.h"
#include "api/verbs.h"
#include "auth/rights.h"
#include "base/mem.h"
#include "oci/name.h"

enum { WHO_CHUNK = 200 };

struct reason {
    struct str       source;
    struct str       grant;
    struct str       role;
    struct str       team;
    struct str       path;
    bool             is_prefix;
    struct json_list verbs;
};

struct explanation {
    struct str       user;
    struct str       repository;
    struct str       action;
    bool             allowed;
    bool             exists;
    struct json_list verbs;
    struct json_list lacks;
    struct json_list reasons;
    struct str       missing;
};

/* clang-format off */
static const struct json_field reason_fields[] = {
    { .name = "source",   .kind = JSON_STRING, .offset = JSON_AT(struct reason, source, struct str) },
    { .name = "grant",    .kind = JSON_STRING, .offset = JSON_AT(struct reason, grant, struct str), .flags = JSON_OMIT },
    { .name = "role",     .kind = JSON_STRING, .offset = JSON_AT(struct reason, role, struct str),  .flags = JSON_OMIT },
    { .name = "team",     .kind = JSON_STRING, .offset = JSON_AT(struct reason, team, struct str),  .flags = JSON_OMIT },
    { .name = "path",     .kind = JSON_STRING, .offset = JSON_AT(struct reason, path, struct str),  .flags = JSON_OMIT },
    { .name = "isPrefix", .kind = JSON_BOOL,   .offset = JSON_AT(struct reason, is_prefix, bool) },
    { .name = "verbs",    .kind = JSON_LIST,   .offset = JSON_AT(struct reason, verbs, struct json_list) },
};
static const struct json_table reason_table = {
    .name = "AccessReason", .size = sizeof(struct reason), .fields = reason_fields, .n_fields = ARRAY_LEN(reason_fields),
};

static const struct json_field explanation_fields[] = {
    { .name = "user",       .kind = JSON_STRING, .offset = JSON_AT(struct explanation, user, struct str) },
    { .name = "repository", .kind = JSON_STRING, .offset = JSON_AT(struct explanation, repository, struct str) },
    { .name = "action",     .kind = JSON_STRING, .offset = JSON_AT(struct explanation, action, struct str) },
    { .name = "allowed",    .kind = JSON_BOOL,   .offset = JSON_AT(struct explanation, allowed, bool) },
    { .name = "exists",     .kind = JSON_BOOL,   .offset = JSON_AT(struct explanation, exists, bool) },
    { .name = "verbs",      .kind = JSON_LIST,   .offset = JSON_AT(struct explanation, verbs, struct json_list) },
    { .name = "lacks",      .kind = JSON_LIST,   .offset = JSON_AT(struct explanation, lacks, struct json_list) },
    { .name = "reasons",    .kind = JSON_LIST,   .offset = JSON_AT(struct explanation, reasons, struct json_list),
      .table = &reason_table },
    { .name = "missing",    .kind = JSON_STRING, .offset = JSON_AT(struct explanation, missing, struct str), .flags = JSON_OMIT },
};
static const struct json_table explanation_table = {
    .name = "AccessExplanation", .size = sizeof(struct explanation), .fields = explanation_fields,
    .n_fields = ARRAY_LEN(explanation_fields),
};
/* clang-format on */

/* What is asked: the repository's path, and what is to be done there. */
struct question {
    struct str     repository;
    struct str     action;
    enum auth_verb core;
    unsigned       all;
};

static int read_question(struct api_call *call, struct question *out, struct err *err)
{
    if (api_query_needed(call, "repository", &out->repository, err) < 0 ||
        api_query_needed(call, "action", &out->action, err) < 0)
        return -1;
    if (oci_name_check(out->repository, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "repository");
    }
    if (!auth_wish_parse(out->action, &out->core, &out->all))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", out->action,
                            "action is neither pull, push, delete nor a verb of a role");
    return 0;
}

static struct explanation explain(struct arena *arena, const struct question *question,
                                  struct str user, const struct auth_explanation *why)
{
    struct reason *reasons = mem_many(arena, why->n + 1, struct reason);

    for (size_t i = 0; i < why->n; i++) {
        const struct auth_reason *from = &why->reasons[i];

        reasons[i] = (struct reason){
            .source    = str_from(auth_source_name(from->source)),
            .grant     = from->grant,
            .role      = from->role,
            .team      = from->team,
            .path      = from->path,
            .is_prefix = from->is_prefix,
            .verbs     = api_verbs_print(arena, from->verbs),
        };
    }
    return (struct explanation){
        .user       = user,
        .repository = question->repository,
        .action     = question->action,
        .allowed    = why->is_yes,
        .exists     = why->exists,
        .verbs      = api_verbs_print(arena, why->verbs),
        .lacks      = api_verbs_print(arena, question->all & ~why->verbs),
        .reasons    = { .items = reasons, .n = why->n },
        .missing    = why->missing,
    };
}

/* May the caller ask about others there? A repository that is not there yet is asked about as a place. */
static int ask(struct api_call *call, struct str path, enum auth_verdict *verdict, struct err *err)
{
    struct auth_repo ignored_place; /* it is asked about, not touched */

    call->path = path;
    if (auth_repo_manage(call->auth, call->arena, &call->caller, path, AUTH_ACCESS, &ignored_place,
                         verdict, err) < 0)
        return -1;
    if (*verdict != AUTH_HIDDEN)
        return 0;
    return auth_prefix_open(call->auth, call->arena, &call->caller, path, AUTH_ACCESS,
                            &ignored_place, verdict, err);
}

static int get_explain(struct api_call *call, struct err *err)
{
    struct question         question;
    struct str              user, self = str_from(call->caller.name);
    struct auth_explanation why;
    enum auth_verdict       verdict;

    if (read_question(call, &question, err) < 0 ||
        api_query(call, "user", "INVALID_PARAMETERS", &user, err) < 0)
        return -1;
    if (ask(call, question.repository, &verdict, err) < 0)
        return -1;
    bool is_self = user.p == NULL || str_eq(user, self);
    if (!is_self && verdict != AUTH_YES) {
        api_deny(call, verdict, "access");
        return 0;
    }

    struct str whose = is_self ? self : user.n == 0 ? STR_NULL : user;
    if (auth_explain(call->auth, call->arena, whose, question.repository, question.core, &why,
                     err) < 0)
        return -1;
    why.exists                = why.exists && (!is_self || (why.verbs & AUTH_VIEW) != 0);
    struct explanation answer = explain(call->arena, &question, whose, &why);
    return api_reply_value(call, &answer, err);
}

/* Writes who can, up to the size of the page; *out_next is where the next one begins, or the null view. */
static int write_who(struct api_call *call, const struct question *question,
                     const struct api_paging *paging, struct api_list *list, bool *out_public,
                     struct str *out_next, struct err *err)
{
    char       last[AUTH_ACCOUNT_NAME_MAX];
    size_t     last_n    = 0;
    struct str after     = paging->start;
    size_t     n_written = 0;

    *out_next = STR_NULL;
    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct auth_who               *who;
        size_t                         n;

        if (auth_who(call->auth, arena, question->repository, question->core, after, WHO_CHUNK,
                     &who, &n, &after, out_public, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (n_written == paging->size) {
                *out_next = str_copy(call->arena, (struct str){ last, last_n });
                return 0;
            }
            struct json_write *w = api_list_item(list, err);
            if (w == NULL)
                return -1;
            struct explanation entry = explain(arena, question, who[i].account, &who[i].why);
            json_write_table(w, &explanation_table, &entry);
            last_n = str_sub(who[i].account, 0, sizeof(last)).n;
            memcpy(last, who[i].account.p, last_n);
            n_written++;
        }
        after = str_copy(call->arena, after);
    } while (after.p != NULL);
    return 0;
}

static int get_who(struct api_call *call, struct err *err)
{
    struct question   question;
    struct api_paging paging;
    enum auth_verdict verdict;
    struct str        next;
    bool              is_public;

    if (read_question(call, &question, err) < 0 ||
        api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    if (ask(call, question.repository, &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES) {
        api_deny(call, verdict, "access");
        return 0;
    }

    struct api_list *list = api_list_begin(call, "accounts");
    if (write_who(call, &question, &paging, list, &is_public, &next, err) < 0)
        return -1;
    json_write_bool_at(api_list_close(list), "public", is_public);
    if (api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}

/* clang-format off */
static const struct api_param explain_params[] = {
    { "user",       "string", "the account; absent for oneself, empty for anyone without credentials" },
    { "repository", "string", "the repository, there or to be", .is_required = true },
    { "action",     "string", "pull, push or delete, or a verb of a role", .is_required = true },
    { 0 },
};

static const struct api_param who_params[] = {
    { "repository", "string",  "the repository, there or to be", .is_required = true },
    { "action",     "string",  "pull, push or delete, or a verb of a role", .is_required = true },
    { "pageStart",  "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",   "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};

const struct api_route api_v1_access_routes[] = {
    { .name = "access.explain", .method = HTTP_GET, .path = "/api/v1/access/explain",
      .may = API_MAY_USER, .family = API_OURS, .says = "Why an account may or may not do something to a repository",
      .gives = &explanation_table, .query = explain_params,
      .run = get_explain },
    { .name = "access.who",     .method = HTTP_GET, .path = "/api/v1/access/who",
      .may = API_MAY_USER, .family = API_OURS, .says = "Who can do something to a repository, and why",
      .gives = &explanation_table, .list = "accounts", .query = who_params,
      .run = get_who },
    { 0 },
};
/* clang-format on */
