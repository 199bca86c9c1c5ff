/* token_fuzz.c: what a token of ours may say. The input is signed with the key of the registry, so only its
 * claims decide: those that are believed say what a plain reader without tables sees in them, are meant for
 * this instance, and hold now. */
#include <stddef.h>
#include <stdint.h>

#include "auth/auth_private.h"
#include "base/assert.h"
#include "codec/json_private.h"
#include "io/clock.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEEWAY_S = 61 };

static const struct json_node *member(struct arena *arena, const struct json_node *node,
                                      const char *name)
{
    size_t              n       = 0;
    struct json_member *members = json_node_members(arena, node, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_is(members[i].name, name))
            return members[i].value;
    }
    ASSERT_NEVER("a claim that is missing");
}

static void check_access(struct arena *arena, const struct auth_caller *caller,
                         const struct json_node *list)
{
    size_t n_repositories = 0;

    for (size_t i = 0; i < json_node_n_items(list); i++) {
        const struct json_node *entry = json_node_item(list, i);
        struct str              name  = json_node_str(member(arena, entry, "name"));

        if (str_is(json_node_str(member(arena, entry, "type")), "registry"))
            continue;
        ASSERT(n_repositories < caller->n_access);
        ASSERT(str_is(name, caller->access[n_repositories].path) || str_find(name, '\0') >= 0);
        n_repositories++;
    }
    ASSERT(n_repositories == caller->n_access);
}

static void check_believed(struct arena *arena, const struct auth_caller *caller, struct str text)
{
    AUTO(json_tree_free) struct json_node *tree = NULL;
    int64_t                                now  = clock_utc_us() / 1000000;
    struct err                             err;

    ASSERT(json_tree_parse(text, &tree, &err) == 0);
    ASSERT(str_is(json_node_str(member(arena, tree, "aud")), "fuzz"));
    ASSERT(str_is(json_node_str(member(arena, tree, "iss")), "fuzz"));
    ASSERT(json_node_integer(member(arena, tree, "exp")) >= now);
    ASSERT(json_node_integer(member(arena, tree, "iat")) <= now + LEEWAY_S);
    ASSERT(json_node_integer(member(arena, tree, "nbf")) <= now + LEEWAY_S);
    ASSERT(json_node_integer(member(arena, tree, "account")) == caller->account_id);
    ASSERT(json_node_integer(member(arena, tree, "generation")) == caller->generation);
    ASSERT(str_eq(json_node_str(member(arena, tree, "sub")), str_from(caller->name)));
    ASSERT(caller->has_token && (caller->kind == AUTH_ACCOUNT) == (caller->account_id != 0));
    check_access(arena, caller, member(arena, tree, "access"));
}

static struct registry *registry_once(void)
{
    static struct registry registry;

    if (registry.arena == NULL)
        registry_open(&registry);
    return &registry;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct registry               *registry = registry_once();
    struct str                     claims   = { .p = (const char *)data, .n = size };
    struct auth_caller             caller;
    struct str                     token;
    struct err                     err;

    if (size > 4096 || jwt_sign(arena, auth_keys_signing(registry->auth), claims, &token, &err) < 0)
        return 0;
    int found = auth_token_accept(registry->auth, arena, token, &caller, &err);
    ASSERT(found >= 0);
    if (found == 1)
        check_believed(arena, &caller, claims);
    return 0;
}
