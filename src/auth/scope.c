/* auth/scope.c: reads scopes as a compiler reads a list it did not write: what fits is taken. */
#include "auth/scope.h"

#include "auth/verb.h"
#include "base/err.h"
#include "base/mem.h"
#include "oci/name.h"

static struct str without_host(struct str name)
{
    ptrdiff_t slash = str_find(name, '/');

    if (slash > 0 && str_find(str_sub(name, 0, (size_t)slash), ':') >= 0)
        return str_from_index(name, (size_t)slash + 1);
    return name;
}

static struct str without_class(struct str type)
{
    ptrdiff_t open = str_find(type, '(');

    return open > 0 && str_ends(type, STR(")")) ? str_sub(type, 0, (size_t)open) : type;
}

static unsigned verbs_of(struct str actions)
{
    struct str rest = actions;
    struct str action;
    unsigned   verbs = AUTH_NONE;

    while (str_next(&rest, ',', &action))
        verbs |= auth_verbs_of_action(action);
    return verbs;
}

static bool parse(struct str text, struct auth_scope *out)
{
    ptrdiff_t  first = str_find(text, ':');
    ptrdiff_t  last  = str_find_last(text, ':');
    struct err ignored; /* what does not parse is dropped, see the header */

    if (first <= 0 || last == first)
        return false;

    struct str type = without_class(str_sub(text, 0, (size_t)first));
    struct str name = str_sub(text, (size_t)first + 1, (size_t)(last - first - 1));

    *out = (struct auth_scope){
        .name    = name,
        .path    = without_host(name),
        .actions = str_from_index(text, (size_t)last + 1),
    };
    if (str_is(type, "registry")) {
        out->is_catalog = true;
        return str_is(name, "catalog") &&
               (str_is(out->actions, "*") || str_is(out->actions, "search")); /* as Docker asks */
    }
    out->verbs = verbs_of(out->actions);
    return str_is(type, "repository") && oci_name_check(out->path, &ignored) == 0 &&
           out->verbs != AUTH_NONE;
}

void auth_scopes_add(struct arena *arena, struct str text, struct auth_scopes *scopes)
{
    struct str rest = text;
    struct str part;

    if (scopes->list == NULL)
        scopes->list = mem_many(arena, AUTH_SCOPES_MAX, struct auth_scope);

    while (scopes->n < AUTH_SCOPES_MAX && str_next(&rest, ' ', &part)) {
        if (parse(part, &scopes->list[scopes->n]))
            scopes->n++;
        else
            scopes->has_unknown |= part.n > 0;
    }
}
