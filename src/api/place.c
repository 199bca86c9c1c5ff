/* api/place.c: deciding about places that a handler learns of. */
#include "api/place.h"

#include "api/list.h"
#include "api/pages.h"
#include "oci/name.h"

static int answer(struct api_call *call, struct str path, enum auth_verdict verdict,
                  const char *needs)
{
    call->path = path;
    if (verdict != AUTH_YES)
        api_deny(call, verdict, needs);
    return verdict == AUTH_YES;
}

static int bad(struct err *err, const char *field)
{
    if (err->kind != ERR_INVALID)
        return -1;
    err->code = "INVALID_PARAMETERS";
    return err_wrap(err, "%s", field);
}

int api_place_open(struct api_call *call, struct str path, enum auth_verb verb, const char *needs,
                   struct auth_repo *out, struct err *err)
{
    enum auth_verdict verdict;

    if (auth_prefix_open(call->auth, call->arena, &call->caller, path, verb, out, &verdict, err) <
        0)
        return bad(err, "path");
    return answer(call, path, verdict, needs);
}

int api_place_open_repo(struct api_call *call, struct str path, enum auth_verb verb,
                        const char *needs, struct auth_repo *out, struct err *err)
{
    enum auth_verdict verdict;

    if (oci_name_check(path, err) < 0)
        return bad(err, "repository");
    if (auth_repo_manage(call->auth, call->arena, &call->caller, path, verb, out, &verdict, err) <
        0)
        return -1;
    return answer(call, path, verdict, needs);
}

/* clang-format off */
const struct api_param api_place_params[] = {
    { "prefix",    "string",  "what is at it and below; the whole registry when absent" },
    { "pageStart", "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",  "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { 0 },
};
/* clang-format on */

int api_place_list(struct api_call *call, const struct api_pages *pages, const char *wrapper,
                   enum auth_verb verb, const char *needs, struct err *err)
{
    struct api_paging paging;
    struct auth_repo  place;
    struct str        prefix, next;

    if (api_query(call, "prefix", "INVALID_PARAMETERS", &prefix, err) < 0 ||
        api_paging_read(call, "pageStart", "pageSize", &paging, err) < 0)
        return -1;
    if (prefix.p == NULL)
        prefix = STR("");
    int may = api_place_open(call, prefix, verb, needs, &place, err);
    if (may < 1)
        return may;

    struct api_list *list = api_list_begin(call, wrapper);
    if (api_pages_write(call, pages, &prefix, &paging, list, &next, err) < 0 ||
        api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    return 0;
}
