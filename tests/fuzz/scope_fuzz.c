/* scope_fuzz.c: scopes against the grammar of their header, written once more as a regular expression. What
 * fits is taken, in order, and nothing else is. */
#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "auth/scope.h"
#include "auth/verb.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "oci/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
#define CLASS "(\\([^:]*\\))?"
#define HOST "([^/]*:[^/]*/)?"
#define ACTIONS "([^:]*,)*(pull|push|delete|\\*)(,[^:]*)*"

enum { PART_MAX = 600 };

static regex_t repository_form;
static regex_t catalog_form;

static void compile_once(void)
{
    static bool is_done;

    if (is_done)
        return;
    ASSERT(regcomp(&repository_form,
                   "^repository" CLASS ":" HOST "(" COMPONENT "(/" COMPONENT ")+):" ACTIONS "$",
                   REG_EXTENDED) == 0);
    ASSERT(regcomp(&catalog_form, "^registry" CLASS ":catalog:\\*$", REG_EXTENDED | REG_NOSUB) ==
           0);
    is_done = true;
}

/* The longest name and the words that no name may end in are not in the expression. */
static bool is_wanted(struct arena *arena, struct str part, struct str *out_path)
{
    const char *text = str_dup(arena, part);
    regmatch_t  match[4];
    struct err  ignored; /* only yes or no counts here */

    *out_path = STR_NULL;
    if (regexec(&catalog_form, text, 0, NULL, 0) == 0)
        return true;
    if (regexec(&repository_form, text, 4, match, 0) != 0)
        return false;
    *out_path =
        str_sub(part, (size_t)match[3].rm_so, (size_t)match[3].rm_eo - (size_t)match[3].rm_so);
    return oci_name_check(*out_path, &ignored) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct auth_scopes             scopes = { 0 };
    struct str                     text   = { .p = (const char *)data, .n = size };
    struct str                     part;
    size_t                         n           = 0;
    bool                           has_unknown = false;

    if (size == 0 || size > PART_MAX || str_find(text, '\0') >= 0)
        return 0;
    compile_once();
    auth_scopes_add(arena, text, &scopes);
    while (n < AUTH_SCOPES_MAX && str_next(&text, ' ', &part)) {
        struct str path;

        if (!is_wanted(arena, part, &path)) {
            has_unknown |= part.n > 0;
            continue;
        }
        ASSERT(n < scopes.n && scopes.list[n].is_catalog == (path.p == NULL));
        if (path.p != NULL)
            ASSERT(str_eq(scopes.list[n].path, path) && scopes.list[n].verbs != AUTH_NONE);
        n++;
    }
    ASSERT(n == scopes.n && scopes.has_unknown == has_unknown);
    return 0;
}
