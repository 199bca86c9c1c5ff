/* auth/decide.c: the decision. Everything that is known is gathered first (live rights, the token's bound,
 * the repository or its absence); then one function says yes or which no. */
#include "auth/auth_private.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/account.h"
#include "meta/repo.h"

struct facts {
    bool             has_repo;
    struct meta_repo repo;
    bool             has_namespace;
    int64_t          namespace_id;
    bool             may_create; /* a push may make what does not exist */
    bool was_deleted_since;      /* a repository of this path went after the token was made */
};

/* The account may have changed since its credentials were checked: a token lives for minutes. */
static int refresh_caller(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                          bool *is_admin, bool *is_void, struct err *err)
{
    struct auth_state state;

    *is_admin = false;
    *is_void  = false;
    if (caller->kind != AUTH_ACCOUNT)
        return 0;

    int found = auth_account_state(auth, arena, caller->account_id, &state, err);
    if (found < 0)
        return -1;
    *is_void  = found == 0 || !state.is_active || state.generation != caller->generation;
    *is_admin = !*is_void && state.is_admin;
    return 0;
}

static int gather(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                  struct str path, struct facts *facts, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          owner;
    int64_t                      deleted_at;

    *facts = (struct facts){ .may_create = atomic_load(&auth->may_create_on_push) };
    if (db_begin(auth->settings.db, DB_READ, "decide", &tx, err) < 0)
        return -1;

    int found = meta_repo_find(tx, arena, path, &facts->repo, err);
    if (found < 0)
        return -1;
    facts->has_repo = found == 1;

    if (facts->has_repo) {
        facts->has_namespace = true;
        facts->namespace_id  = facts->repo.namespace_id;
    } else {
        found = meta_account_find_name(tx, arena, oci_name_namespace(path), &owner, err);
        if (found < 0)
            return -1;
        facts->has_namespace = found == 1;
        facts->namespace_id  = found == 1 ? owner.id : 0;
    }

    if (caller->has_token) {
        found = meta_repo_last_deleted(tx, path, &deleted_at, err);
        if (found < 0)
            return -1;
        facts->was_deleted_since = found == 1 && deleted_at >= caller->issued_at;
    }
    return 0;
}

/* Rights add up: system admin, owner of the namespace, the public. Grants to teams join here. */
static unsigned live_verbs(const struct auth_caller *caller, bool is_admin,
                           const struct facts *facts)
{
    unsigned verbs = AUTH_NONE;

    if (is_admin)
        verbs |= AUTH_ALL;
    if (caller->kind == AUTH_ACCOUNT && facts->has_namespace &&
        facts->namespace_id == caller->account_id)
        verbs |= AUTH_ALL;
    if (facts->has_repo && facts->repo.is_public != 0)
        verbs |= AUTH_PULL;
    return verbs;
}

static const struct auth_access *find_access(const struct auth_caller *caller, struct str path)
{
    for (size_t i = 0; i < caller->n_access; i++) {
        if (str_is(path, caller->access[i].path))
            return &caller->access[i];
    }
    return NULL;
}

/* A token names the repository that it was made for; one that came after it under the same name is
 * another, unless the token's own push (or its like) made it. */
static bool is_void_for(const struct auth_access *access, const struct auth_caller *caller,
                        const struct facts *facts)
{
    if (facts->was_deleted_since)
        return true;
    if (!facts->has_repo)
        return access->repo_id != 0;
    if (access->repo_id != 0)
        return access->repo_id != facts->repo.id;
    return facts->repo.created_at < caller->issued_at;
}

static enum auth_verdict decide(const struct auth_caller *caller, bool is_admin,
                                const struct facts *facts, struct str path, enum auth_verb verb,
                                unsigned *out_verbs)
{
    unsigned verbs = live_verbs(caller, is_admin, facts);

    if (caller->kind == AUTH_NOBODY)
        return AUTH_NO_CREDENTIALS;
    if (caller->is_identity)
        return AUTH_VOID;

    if (caller->has_token) {
        const struct auth_access *access = find_access(caller, path);

        if (access == NULL || (access->verbs & (unsigned)verb) == 0)
            return AUTH_TOO_FEW;
        if ((facts->has_repo || verb != AUTH_PULL) && is_void_for(access, caller, facts))
            return AUTH_VOID;
        verbs &= access->verbs;
    }

    if ((verbs & (unsigned)verb) == 0)
        return AUTH_TOO_FEW;
    *out_verbs = verbs;
    if (facts->has_repo)
        return AUTH_YES;
    if (!facts->has_namespace)
        return AUTH_NO_NAMESPACE;
    return verb == AUTH_PUSH && facts->may_create && (verbs & AUTH_CREATE) != 0 ? AUTH_YES
                                                                                : AUTH_NO_REPO;
}

int auth_repo_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct str path, enum auth_verb verb, struct auth_repo *out,
                   enum auth_verdict *verdict, struct err *err)
{
    struct facts facts;
    bool         is_admin, is_void;
    unsigned     verbs = AUTH_NONE;

    if (caller->kind == AUTH_NOBODY) {
        *verdict = AUTH_NO_CREDENTIALS;
        return 0;
    }
    if (refresh_caller(auth, arena, caller, &is_admin, &is_void, err) < 0)
        return -1;
    if (is_void) {
        *verdict = AUTH_VOID;
        return 0;
    }
    if (gather(auth, arena, caller, path, &facts, err) < 0)
        return err_wrap(err, "deciding about " STR_FMT, STR_ARGS(path));

    *verdict = decide(caller, is_admin, &facts, path, verb, &verbs);
    if (*verdict == AUTH_YES) {
        *out = (struct auth_repo){
            .id           = facts.has_repo ? facts.repo.id : 0,
            .path         = str_copy(arena, path),
            .namespace_id = facts.namespace_id,
            .is_public    = facts.has_repo && facts.repo.is_public != 0,
            .verbs        = verbs,
            .created_at   = facts.has_repo ? facts.repo.created_at : 0,
        };
    }
    return 0;
}

int auth_catalog_open(struct auth *auth, const struct auth_caller *caller, struct auth_view *out,
                      enum auth_verdict *verdict, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    bool                           is_admin, is_void;

    if (caller->kind == AUTH_NOBODY) {
        *verdict = AUTH_NO_CREDENTIALS;
        return 0;
    }
    if (refresh_caller(auth, arena, caller, &is_admin, &is_void, err) < 0)
        return -1;

    if (is_void || caller->is_identity)
        *verdict = AUTH_VOID;
    else if (caller->has_token && !caller->may_catalog)
        *verdict = AUTH_TOO_FEW;
    else
        *verdict = AUTH_YES;
    *out = (struct auth_view){ .is_all = is_admin, .namespace_id = caller->account_id };
    return 0;
}

int auth_instance_open(struct auth *auth, const struct auth_caller *caller,
                       enum auth_verdict *verdict, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    bool                           is_admin, is_void;

    if (caller->kind == AUTH_NOBODY) {
        *verdict = AUTH_NO_CREDENTIALS;
        return 0;
    }
    if (refresh_caller(auth, arena, caller, &is_admin, &is_void, err) < 0)
        return -1;

    if (is_void || (caller->has_token && !caller->is_identity))
        *verdict = AUTH_VOID;
    else
        *verdict = is_admin ? AUTH_YES : AUTH_TOO_FEW;
    return 0;
}

enum auth_verdict auth_ping_open(const struct auth_caller *caller)
{
    return caller->kind == AUTH_NOBODY ? AUTH_NO_CREDENTIALS : AUTH_YES;
}
