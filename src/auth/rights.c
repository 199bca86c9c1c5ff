/* auth/rights.c: gathers rights, keeps their sum for at most 5 s, and explains them. */
#include "auth/rights.h"

#include <string.h>

#include "auth/auth_private.h"
#include "auth/rights_private.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/credential.h"
#include "meta/grant.h"
#include "meta/org.h"
#include "meta/repo.h"
#include "oci/name.h"

static const char *const source_names[] = {
    [AUTH_FROM_ADMIN]     = "system admin",
    [AUTH_FROM_NAMESPACE] = "own namespace",
    [AUTH_FROM_OWNER]     = "organization owner",
    [AUTH_FROM_GRANT]     = "grant",
    [AUTH_FROM_PUBLIC]    = "public",
};

const char *auth_source_name(enum auth_source source)
{
    return source_names[source];
}

void auth_changed(struct auth *auth)
{
    atomic_fetch_add(&auth->rights_version, 1);
}

bool auth_is_at_or_below(struct str path, struct str prefix)
{
    return prefix.n == 0 || str_eq(path, prefix) ||
           (path.n > prefix.n && path.p[prefix.n] == '/' && str_starts(path, prefix));
}

static void add_reason(struct auth_rights *rights, struct auth_reason reason)
{
    rights->reasons[rights->n++] = reason;
    rights->verbs |= reason.verbs;
}

static int add_grants(struct db_tx *tx, struct arena *arena, int64_t account_id,
                      const struct auth_place *place, struct auth_rights *rights, struct err *err)
{
    struct meta_grant *grants;
    struct str        *chain;
    size_t             n_grants, n = oci_name_chain(arena, place->path, &chain);

    if (meta_grant_reaching(tx, arena, account_id, chain, n, place->repo_id, &grants, &n_grants,
                            err) < 0)
        return -1;
    struct auth_reason *reasons = mem_many(arena, rights->n + n_grants + 1, struct auth_reason);
    memcpy(reasons, rights->reasons, rights->n * sizeof(*reasons));
    rights->reasons = reasons;

    for (size_t i = 0; i < n_grants; i++) {
        const struct meta_grant *g      = &grants[i];
        struct auth_reason       reason = {
                  .source    = AUTH_FROM_GRANT,
                  .grant     = g->uuid,
                  .role      = g->role,
                  .path      = g->path,
                  .is_prefix = g->repo_id == 0,
        };

        if (g->team_id != 0)
            reason.team = str_from(
                mem_printf(arena, STR_FMT "/" STR_FMT, STR_ARGS(g->org), STR_ARGS(g->team)));
        if (auth_verbs_parse(g->verbs, &reason.verbs, err) < 0)
            return err_set_corrupt(err, "role " STR_FMT ": %s", STR_ARGS(g->role), err->text);
        add_reason(rights, reason);
    }
    return 0;
}

/* A service account: its grants, bounded by its prefix and by its maker. */
static int bound_service(struct db_tx *tx, struct arena *arena, const struct meta_account *account,
                         const struct auth_place *place, struct auth_rights *rights,
                         struct err *err)
{
    struct auth_rights  of_maker;
    struct meta_account maker;

    if (account->prefix.p != NULL && !auth_is_at_or_below(place->path, account->prefix)) {
        rights->verbs = AUTH_NONE;
        return 0;
    }
    int found = meta_account_find(tx, arena, account->maker_id, &maker, err);
    if (found < 0)
        return -1;
    if (found == 0 || maker.is_active == 0 || str_is(maker.kind, "service")) {
        rights->verbs = AUTH_NONE;
        return 0;
    }
    if (auth_rights_gather(tx, arena, &maker, place, &of_maker, err) < 0)
        return -1;
    rights->verbs &= of_maker.verbs;
    return 0;
}

int auth_rights_gather(struct db_tx *tx, struct arena *arena, const struct meta_account *account,
                       const struct auth_place *place, struct auth_rights *out, struct err *err)
{
    struct auth_rights rights   = { .reasons = mem_many(arena, 4, struct auth_reason) };
    int64_t            is_owner = 0;

    if (account != NULL && account->is_admin != 0)
        add_reason(&rights, (struct auth_reason){ .source = AUTH_FROM_ADMIN, .verbs = AUTH_ALL });
    if (account != NULL && place->namespace_id != 0 && place->namespace_id == account->id)
        add_reason(&rights,
                   (struct auth_reason){ .source = AUTH_FROM_NAMESPACE, .verbs = AUTH_ALL });
    if (account != NULL && place->namespace_id != 0 && place->namespace_id != account->id &&
        meta_org_member_find(tx, place->namespace_id, account->id, &is_owner, err) < 0)
        return -1;
    if (is_owner != 0)
        add_reason(&rights, (struct auth_reason){ .source = AUTH_FROM_OWNER, .verbs = AUTH_ALL });
    if (account != NULL && add_grants(tx, arena, account->id, place, &rights, err) < 0)
        return -1;
    if (account != NULL && str_is(account->kind, "service") &&
        bound_service(tx, arena, account, place, &rights, err) < 0)
        return -1;
    if (place->is_public)
        add_reason(&rights, (struct auth_reason){ .source = AUTH_FROM_PUBLIC,
                                                  .verbs  = AUTH_VIEW | AUTH_PULL });
    *out = rights;
    return 0;
}

/* -- for the decision: the sum, remembered ---------------------------------------------------------- */

/* What the scopes of a narrowed credential leave at a path. */
static int narrow(struct db_tx *tx, struct arena *arena, int64_t credential_id, struct str path,
                  unsigned *verbs, struct err *err)
{
    struct meta_scope *scopes;
    unsigned           left = AUTH_NONE, of_scope;
    size_t             n;

    if (meta_scope_list(tx, arena, credential_id, &scopes, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!auth_is_at_or_below(path, scopes[i].path))
            continue;
        if (auth_verbs_parse(scopes[i].verbs, &of_scope, err) < 0)
            return err_set_corrupt(err, "scope of credential %lld: %s", (long long)credential_id,
                                   err->text);
        left |= of_scope;
    }
    *verbs &= left;
    return 0;
}

struct str auth_print_key(const struct auth *auth, const struct auth_caller *caller,
                          const struct auth_place *place, struct auth_key_of_path *room)
{
    room->version    = atomic_load(&auth->rights_version);
    room->account_id = caller->account_id;
    room->credential = caller->is_narrowed ? caller->credential : 0;
    room->repo_id    = place->repo_id;
    room->is_public  = place->is_public;
    memcpy(room->path, place->path.p, place->path.n);
    return (struct str){ (const char *)room,
                         offsetof(struct auth_key_of_path, path) + place->path.n };
}

int auth_rights_sum(struct auth *auth, struct db_tx *tx, struct arena *arena,
                    const struct auth_caller *caller, const struct auth_place *place,
                    struct auth_sum *out, struct err *err)
{
    struct auth_key_of_path room;
    struct str              key = auth_print_key(auth, caller, place, &room);
    struct auth_rights      rights;
    struct meta_account     account;
    struct auth_sum         sum = { .read_at = clock_monotonic_us() };

    if (cache_get(auth->rights, key, sum.read_at, out))
        return 0;

    int found = meta_account_find(tx, arena, caller->account_id, &account, err);
    if (found < 0 ||
        auth_rights_gather(tx, arena, found == 1 ? &account : NULL, place, &rights, err) < 0)
        return -1;
    if (caller->is_narrowed &&
        narrow(tx, arena, caller->credential, place->path, &rights.verbs, err) < 0)
        return -1;
    sum.verbs = rights.verbs;
    cache_put(auth->rights, key, sum.read_at + AUTH_ACCOUNT_AGE_US, &sum);
    *out = sum;
    return 0;
}

/* -- explanations ----------------------------------------------------------------------------------- */

static int find_place(struct db_tx *tx, struct arena *arena, struct str path,
                      struct auth_place *out, struct err *err)
{
    struct meta_repo    repo;
    struct meta_account owner;
    int                 found = meta_repo_find(tx, arena, path, &repo, err);

    if (found < 0)
        return -1;
    *out = (struct auth_place){ .path = path };
    if (found == 1) {
        out->repo_id      = repo.id;
        out->namespace_id = repo.namespace_id;
        out->is_public    = repo.is_public != 0;
        return 0;
    }
    found = meta_account_find_name(tx, arena, oci_name_namespace(path), &owner, err);
    if (found == 1)
        out->namespace_id = owner.id;
    return found < 0 ? -1 : 0;
}

/* Verbs that a reason gives and the sum lacks were taken away by what bounds a service account. */
static struct str say_missing(struct arena *arena, const struct meta_account *account,
                              struct str path, enum auth_verb verb,
                              const struct auth_explanation *why)
{
    struct str verbs = auth_verbs_print(arena, (unsigned)verb);
    unsigned   given = AUTH_NONE;

    for (size_t i = 0; i < why->n; i++)
        given |= why->reasons[i].verbs;
    if (account != NULL && account->is_active == 0)
        return str_from(mem_printf(arena, "the account is disabled"));
    if ((given & (unsigned)verb) != 0)
        return str_from(mem_printf(arena,
                                   "%s is granted on " STR_FMT
                                   ", but a service account may do no more than its maker, and "
                                   "only at its prefix and below",
                                   verbs.p, STR_ARGS(path)));
    return str_from(mem_printf(arena, "no grant, ownership or visibility gives %s on " STR_FMT,
                               verbs.p, STR_ARGS(path)));
}

static int explain(struct auth *auth, struct db_tx *tx, struct arena *arena,
                   const struct meta_account *account, const struct auth_place *place,
                   enum auth_verb verb, struct auth_explanation *out, struct err *err)
{
    struct auth_place  seen = *place;
    struct auth_rights rights;

    if (account == NULL && !atomic_load(&auth->may_anonymous))
        seen.is_public = false;
    if (auth_rights_gather(tx, arena, account, &seen, &rights, err) < 0)
        return -1;
    if (account != NULL && account->is_active == 0)
        rights.verbs = AUTH_NONE;

    *out = (struct auth_explanation){
        .is_yes  = (rights.verbs & (unsigned)verb) != 0,
        .exists  = place->repo_id != 0,
        .verbs   = rights.verbs,
        .reasons = rights.reasons,
        .n       = rights.n,
    };
    if (!out->is_yes)
        out->missing = say_missing(arena, account, place->path, verb, out);
    return 0;
}

static int find_account(struct db_tx *tx, struct arena *arena, struct str name,
                        struct meta_account *out, struct err *err)
{
    int found = meta_account_find_name(tx, arena, name, out, err);

    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", name, "no account " STR_FMT,
                            STR_ARGS(name));
    return found < 0 ? -1 : 0;
}

int auth_explain(struct auth *auth, struct arena *arena, struct str account, struct str path,
                 enum auth_verb verb, struct auth_explanation *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          row;
    struct auth_place            place;

    if (oci_name_check(path, err) < 0 ||
        db_begin(auth->settings.db, DB_READ, "explain access", &tx, err) < 0 ||
        (account.p != NULL && find_account(tx, arena, account, &row, err) < 0) ||
        find_place(tx, arena, path, &place, err) < 0)
        return -1;
    return explain(auth, tx, arena, account.p == NULL ? NULL : &row, &place, verb, out, err);
}

int auth_who(struct auth *auth, struct arena *arena, struct str path, enum auth_verb verb,
             struct str after, size_t n_max, struct auth_who **out, size_t *n_out,
             struct str *out_next, bool *out_public, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct auth_place            place;
    struct str                  *names, *chain;
    size_t                       n_names, n = 0;

    if (oci_name_check(path, err) < 0 ||
        db_begin(auth->settings.db, DB_READ, "list who can", &tx, err) < 0 ||
        find_place(tx, arena, path, &place, err) < 0)
        return -1;
    *out_public = place.is_public && ((unsigned)verb & (AUTH_VIEW | AUTH_PULL)) != 0;

    /* Who has rights of their own, so that a public repository does not list everyone. */
    place.is_public = false;
    size_t n_chain  = oci_name_chain(arena, path, &chain);
    if (meta_grant_candidates(tx, arena, place.namespace_id, chain, n_chain, place.repo_id, after,
                              n_max, &names, &n_names, err) < 0)
        return -1;
    struct auth_who *list = mem_many(arena, n_names + 1, struct auth_who);
    for (size_t i = 0; i < n_names; i++) {
        struct meta_account account;

        list[n].account = names[i];
        if (find_account(tx, arena, names[i], &account, err) < 0 ||
            explain(auth, tx, arena, &account, &place, verb, &list[n].why, err) < 0)
            return -1;
        n += list[n].why.is_yes;
    }
    *out      = list;
    *n_out    = n;
    *out_next = n_names == n_max && n_max > 0 ? names[n_names - 1] : STR_NULL;
    return 0;
}
