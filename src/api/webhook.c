/* api/webhook.c: what the webhook routes of DTR and our own share. */
#include "api/webhook.h"

#include "api/api_private.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/hook_type.h"

static const char needs[] = "policies at the key of the webhook";

int api_webhook_place(struct api_call *call, struct str key, struct auth_repo *out, struct err *err)
{
    enum auth_verdict verdict;

    if (work_hook_open(call->work, call->arena, &call->caller, key, out, &verdict, err) < 0)
        return -1;
    if (verdict == AUTH_YES)
        return 1;
    call->path = key.n > 0 ? key : STR_NULL;
    if (verdict == AUTH_HIDDEN && str_find(key, '/') < 0)
        verdict = key.n == 0 ? AUTH_TOO_FEW : AUTH_NO_NAMESPACE;
    api_deny(call, verdict, needs);
    return 0;
}

int api_webhook_open(struct api_call *call, struct str uuid, struct meta_webhook *out,
                     struct err *err)
{
    struct auth_repo  ignored_place; /* that there is one */
    enum auth_verdict verdict;

    if (work_hook_get(call->work, call->arena, uuid, out, err) < 0 ||
        work_hook_open(call->work, call->arena, &call->caller, out->key, &ignored_place, &verdict,
                       err) < 0)
        return -1;
    return verdict == AUTH_YES ? 0 : work_hook_absent(uuid, err);
}

/* -- lists ---------------------------------------------------------------------------------------------- */

static int may_see(struct api_call *call, struct arena *arena, const struct api_webhook_list *list,
                   struct str key, struct err *err)
{
    struct auth_repo  ignored_place; /* that there is one */
    enum auth_verdict verdict;

    if (list->is_open)
        return 1;
    if (work_hook_open(call->work, arena, &call->caller, key, &ignored_place, &verdict, err) < 0)
        return -1;
    return verdict == AUTH_YES;
}

/* Rows of one key follow each other seldom, but keys of one author often: each is asked about. */
int api_webhook_read(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    const struct api_webhook_list *list = what;
    struct meta_webhook           *kept = mem_many(arena, n_max + 1, struct meta_webhook);
    int64_t                        from = 0;
    size_t                         n    = 0, n_read;

    if (after.p != NULL && !str_to_int(after, &from))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("pageStart"),
                            "pageStart: is not the start of a page of this list");
    do {
        struct meta_webhook *rows;

        if (work_hook_page(call->work, arena, &list->filter, from, n_max, &rows, &n_read, err) < 0)
            return -1;
        for (size_t i = 0; i < n_read && n < n_max; i++) {
            int may = may_see(call, arena, list, rows[i].key, err);

            if (may < 0)
                return -1;
            from = rows[i].id;
            if (may == 1)
                kept[n++] = rows[i];
        }
    } while (n_read == n_max && n < n_max);
    *out   = kept;
    *n_out = n;
    return 0;
}

struct str api_webhook_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct meta_webhook *)row)->id));
}

int api_webhook_type(struct api_call *call, const char *field, struct str *out, struct err *err)
{
    struct str type;

    if (api_query(call, field, "INVALID_PARAMETERS", &type, err) < 0)
        return -1;
    *out = STR_NULL;
    if (type.n == 0 || str_is(type, "any"))
        return 0;
    if (hook_type_find(type) == NULL && !str_is(type, HOOK_ANY))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                            "%s: is none of the types of webhooks", field);
    *out = type;
    return 0;
}
