/* api/row.c: the rows of the tables of routes as such: what their actions are called, and that each says what it
 * must. */
#include "api/api_private.h"
#include "base/err.h"
#include "base/mem.h"

/* The actions of rows: how they are called, and the verbs behind those that are about a repository. A tag and a
 * manifest are deleted by the same route: either right opens it, and the verb tells them apart. */
static const struct {
    const char    *name;
    enum auth_verb verb;
} may_table[] = {
    [API_MAY_UNSAID]         = { .name = "nothing" },
    [API_MAY_ANYONE]         = { .name = "anyone" },
    [API_MAY_PING]           = { .name = "any valid credentials" },
    [API_MAY_CATALOG]        = { .name = "catalog" },
    [API_MAY_INSTANCE]       = { .name = "system admin" },
    [API_MAY_USER]           = { .name = "any account" },
    [API_MAY_REPOS]          = { .name = "list repositories" },
    [API_MAY_SEARCH]         = { .name = "search" },
    [API_MAY_SEE_ACCOUNT]    = { .name = "see account" },
    [API_MAY_MANAGE_ACCOUNT] = { .name = "manage account" },
    [API_MAY_PULL]           = { .name = "pull", .verb = AUTH_PULL },
    [API_MAY_PUSH]           = { .name = "push", .verb = AUTH_PUSH },
    [API_MAY_DELETE]         = { .name = "delete", .verb = (enum auth_verb)AUTH_VERBS_DELETE },
    [API_MAY_VIEW]           = { .name = "view", .verb = AUTH_VIEW },
    [API_MAY_MANAGE]         = { .name = "manage", .verb = AUTH_MANAGE },
    [API_MAY_ACCESS]         = { .name = "access", .verb = AUTH_ACCESS },
    [API_MAY_REMOVE]         = { .name = "remove", .verb = AUTH_REMOVE },
    [API_MAY_AUDIT]          = { .name = "audit", .verb = AUTH_AUDIT },
    [API_MAY_POLICIES]       = { .name = "policies", .verb = AUTH_POLICIES },
};

const char *api_may_name(enum api_may may)
{
    return may_table[may].name;
}

enum auth_verb api_may_verb(enum api_may may)
{
    return may_table[may].verb;
}

bool api_is_managed(const struct api_route *row)
{
    return row->family == API_DTR || row->family == API_OURS;
}

int api_row_check(const struct api_route *row, struct err *err)
{
    bool is_stream = row->body == HTTP_BODY_STREAM;

    if (row->may == API_MAY_UNSAID)
        return err_set(err, ERR_INTERNAL, "route %s does not say what must be allowed", row->name);
    if (row->run == NULL ||
        (is_stream && (row->open == NULL || row->piece == NULL || row->drop == NULL)))
        return err_set(err, ERR_INTERNAL, "route %s lacks a handler", row->name);
    if ((row->run == api_gone) != (row->gone != NULL))
        return err_set(err, ERR_INTERNAL, "route %s is gone and does not say for what", row->name);
    if (row->body == HTTP_BODY_WHOLE && row->limit <= 0)
        return err_set(err, ERR_INTERNAL, "route %s takes a body without a limit", row->name);
    if ((row->body == HTTP_BODY_WHOLE && api_is_managed(row)) != (row->takes != NULL))
        return err_set(err, ERR_INTERNAL, "route %s and its body's table do not fit", row->name);
    if (row->body != HTTP_BODY_NONE && row->takes == NULL && row->accepts == NULL)
        return err_set(err, ERR_INTERNAL, "route %s does not say what it accepts", row->name);
    if (row->says == NULL)
        return err_set(err, ERR_INTERNAL, "route %s does not say what it is for", row->name);
    return 0;
}

struct str api_print_routes(struct arena *arena)
{
    struct buf out;

    buf_init(&out, arena, 64 * 1024);
    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++)
            buf_printf(&out, "%-7s %-40s %-22s %s\n", http_method_name(row->method), row->path,
                       api_may_name(row->may), row->name);
    }
    return buf_view(&out);
}
