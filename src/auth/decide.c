/* auth/decide.c: the decision. Everything that is known is gathered first (live rights, the token's bound,
 * the repository or its absence); then one function says yes or which no. */
#include "auth/auth_private.h"
#include "auth/rights_private.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/account.h"
#include "meta/org.h"
#include "meta/repo.h"

struct facts {
    bool     has_repo;
    int64_t  repo_id;
    int64_t  created_at;
    bool     is_public;
    bool     has_namespace;
    int64_t  namespace_id;
    bool     may_create;      /* a push may make what does not exist */
    bool     knows_deleted;   /* the next one was asked for */
    int64_t  last_deleted_at; /* a repository of this path, the last time; 0: never */
    unsigned verbs;           /* live rights */
    int64_t  read_at;         /* monotonic: the oldest of all this */
};

/* The account may have changed since its credentials were checked: a token lives for minutes. */
static int refresh_caller(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                          bool *is_admin, bool *is_void, struct err *err)
{
    struct auth_state state;
    int               is_good = 1;

    *is_admin = false;
    *is_void  = false;
    if (caller->kind != AUTH_ACCOUNT)
        return 0;

    int found = auth_account_state(auth, arena, caller->account_id, &state, err);
    if (found == 1 && caller->credential != 0)
        is_good = auth_credential_state(auth, arena, caller->credential,
                                        caller->credential_generation, err);
    if (found < 0 || is_good < 0)
        return -1;
    *is_void =
        found == 0 || is_good == 0 || !state.is_active || state.generation != caller->generation;
    *is_admin = !*is_void && state.is_admin && !caller->is_narrowed;
    return 0;
}

/* The first question of every decision: are the credentials good at all? AUTH_YES, AUTH_NO_CREDENTIALS, AUTH_VOID. */
static int meet(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                bool *is_admin, enum auth_verdict *verdict, struct err *err)
{
    bool is_void = false;

    *is_admin = false;
    *verdict  = AUTH_NO_CREDENTIALS;
    if (caller->kind == AUTH_NOBODY)
        return 0;
    if (refresh_caller(auth, arena, caller, is_admin, &is_void, err) < 0)
        return -1;
    is_void |= caller->kind == AUTH_ANONYMOUS && !atomic_load(&auth->may_anonymous);
    *verdict = is_void ? AUTH_VOID : AUTH_YES;
    return 0;
}

/* The same for the management APIs, which a token of the registry protocol was not bought for. */
static int meet_manager(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                        bool *is_admin, enum auth_verdict *verdict, struct err *err)
{
    if (meet(auth, arena, caller, is_admin, verdict, err) < 0)
        return -1;
    if (*verdict == AUTH_YES && caller->has_token && !caller->is_identity)
        *verdict = AUTH_VOID;
    return 0;
}

/* And for what needs an account. */
static int meet_account(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                        bool *is_admin, enum auth_verdict *verdict, struct err *err)
{
    if (meet_manager(auth, arena, caller, is_admin, verdict, err) < 0)
        return -1;
    if (*verdict == AUTH_YES && caller->kind != AUTH_ACCOUNT)
        *verdict = AUTH_NO_CREDENTIALS;
    return 0;
}

/* What is public is open to those without an account unless that is switched off. */
static int live_verbs(struct auth *auth, struct db_tx *tx, struct arena *arena,
                      const struct auth_caller *caller, struct str path, struct facts *facts,
                      struct err *err)
{
    struct auth_place place = {
        .path         = path,
        .repo_id      = facts->repo_id,
        .namespace_id = facts->namespace_id,
        .is_public    = facts->is_public,
    };
    struct auth_sum sum = { .read_at = facts->read_at };

    if (caller->kind != AUTH_ACCOUNT)
        sum.verbs = place.is_public && atomic_load(&auth->may_anonymous) ? AUTH_VIEW | AUTH_PULL
                                                                         : AUTH_NONE;
    else if (auth_rights_sum(auth, tx, arena, caller, &place, &sum, err) < 0)
        return -1;
    facts->verbs   = sum.verbs;
    facts->read_at = sum.read_at;
    return 0;
}

static int gather(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                  struct str path, struct facts *facts, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_place            place;

    *facts = (struct facts){ .may_create = atomic_load(&auth->may_create_on_push),
                             .read_at    = clock_monotonic_us() };
    if (db_begin(auth->settings.db, DB_READ, "decide", &tx, err) < 0)
        return -1;

    if (meta_repo_place(tx, arena, path, oci_name_namespace(path), &place, err) < 0)
        return -1;
    facts->has_repo      = place.repo_id != 0;
    facts->repo_id       = place.repo_id;
    facts->created_at    = place.created_at;
    facts->is_public     = place.is_public != 0;
    facts->has_namespace = place.namespace_id != 0;
    facts->namespace_id  = place.namespace_id;
    if (place.is_organization != 0)
        facts->may_create = facts->may_create && place.create_on_push != 0;
    if (live_verbs(auth, tx, arena, caller, path, facts, err) < 0)
        return -1;

    facts->knows_deleted = caller->has_token;
    if (caller->has_token && meta_repo_last_deleted(tx, path, &facts->last_deleted_at, err) < 0)
        return -1;
    return 0;
}

/* -- what pulls may rest on ---------------------------------------------------------------------------- */

size_t auth_seen_size(void)
{
    return sizeof(struct facts);
}

static struct str seen_key(const struct auth *auth, const struct auth_caller *caller,
                           struct str path, struct auth_key_of_path *room)
{
    const struct auth_place place = { .path = path };

    return auth_print_key(auth, caller, &place, room);
}

/* While the repository of that id lives, no other of its path can have come or gone. */
static void remember(struct auth *auth, const struct auth_caller *caller, struct str path,
                     const struct facts *facts)
{
    struct auth_key_of_path room;

    if (facts->has_repo && facts->knows_deleted)
        cache_put(auth->seen, seen_key(auth, caller, path, &room),
                  facts->read_at + AUTH_ACCOUNT_AGE_US, facts);
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
    if (facts->last_deleted_at >= caller->issued_at)
        return true;
    if (!facts->has_repo)
        return access->repo_id != 0;
    if (access->repo_id != 0)
        return access->repo_id != facts->repo_id;
    return facts->created_at < caller->issued_at;
}

static enum auth_verdict decide(const struct auth_caller *caller, const struct facts *facts,
                                struct str path, enum auth_verb verb, unsigned *out_verbs)
{
    unsigned verbs = facts->verbs;

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

/* Management: one who may not even view it learns nothing; one who may, what is missing. */
static enum auth_verdict decide_managed(const struct auth_caller *caller, const struct facts *facts,
                                        enum auth_verb verb, unsigned *out_verbs)
{
    if (caller->has_token && !caller->is_identity)
        return AUTH_VOID;
    *out_verbs = facts->verbs;
    if (!facts->has_repo && verb == AUTH_CREATE && (facts->verbs & AUTH_CREATE) != 0)
        return facts->has_namespace ? AUTH_YES : AUTH_NO_NAMESPACE;
    if (!facts->has_repo || (facts->verbs & AUTH_VIEW) == 0)
        return AUTH_HIDDEN;
    return (facts->verbs & (unsigned)verb) != 0 ? AUTH_YES : AUTH_TOO_FEW;
}

static struct auth_repo to_handle(struct arena *arena, struct str path, const struct facts *facts,
                                  unsigned verbs)
{
    return (struct auth_repo){
        .id           = facts->repo_id,
        .path         = str_copy(arena, path),
        .namespace_id = facts->namespace_id,
        .is_public    = facts->is_public,
        .verbs        = verbs,
        .created_at   = facts->created_at,
    };
}

static int open_repo(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct str path, enum auth_verb verb, bool is_managed, struct auth_repo *out,
                     enum auth_verdict *verdict, struct err *err)
{
    struct facts facts;
    bool         is_admin;
    unsigned     verbs = AUTH_NONE;

    if (meet(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (*verdict != AUTH_YES)
        return 0;
    if (gather(auth, arena, caller, path, &facts, err) < 0)
        return err_wrap(err, "deciding about " STR_FMT, STR_ARGS(path));

    if (verb == AUTH_PULL && !is_managed)
        remember(auth, caller, path, &facts);
    *verdict = is_managed ? decide_managed(caller, &facts, verb, &verbs)
                          : decide(caller, &facts, path, verb, &verbs);
    if (*verdict == AUTH_YES)
        *out = to_handle(arena, path, &facts, verbs);
    return 0;
}

bool auth_repo_recall(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct str path, struct auth_repo *out)
{
    struct auth_key_of_path room;
    struct facts            facts;
    enum auth_verdict       verdict;
    bool                    is_admin;
    unsigned                verbs = AUTH_NONE;
    struct err              ignored; /* what cannot be recalled is decided, and told then */

    if (!caller->has_token ||
        !cache_get(auth->seen, seen_key(auth, caller, path, &room), clock_monotonic_us(), &facts))
        return false;
    if (meet(auth, arena, caller, &is_admin, &verdict, &ignored) < 0 || verdict != AUTH_YES ||
        decide(caller, &facts, path, AUTH_PULL, &verbs) != AUTH_YES)
        return false;
    *out             = to_handle(arena, path, &facts, verbs);
    out->is_recalled = true;
    return true;
}

int auth_repo_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct str path, enum auth_verb verb, struct auth_repo *out,
                   enum auth_verdict *verdict, struct err *err)
{
    return open_repo(auth, arena, caller, path, verb, false, out, verdict, err);
}

int auth_repo_manage(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct str path, enum auth_verb verb, struct auth_repo *out,
                     enum auth_verdict *verdict, struct err *err)
{
    return open_repo(auth, arena, caller, path, verb, true, out, verdict, err);
}

static int gather_prefix(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                         struct str prefix, struct facts *facts, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          owner;

    *facts = (struct facts){ 0 };
    if (db_begin(auth->settings.db, DB_READ, "decide about prefix", &tx, err) < 0)
        return -1;
    int found = meta_account_find_name(tx, arena, oci_name_namespace(prefix), &owner, err);
    if (found < 0)
        return -1;
    facts->has_namespace = found == 1;
    facts->namespace_id  = found == 1 ? owner.id : 0;
    return live_verbs(auth, tx, arena, caller, prefix, facts, err);
}

int auth_prefix_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct str prefix, enum auth_verb verb, struct auth_repo *out,
                     enum auth_verdict *verdict, struct err *err)
{
    struct facts      facts;
    enum auth_verdict user;

    if (oci_prefix_check(prefix, err) < 0 || auth_user_open(auth, arena, caller, &user, err) < 0)
        return -1;
    if (user != AUTH_YES) {
        *verdict = user;
        return 0;
    }
    if (gather_prefix(auth, arena, caller, prefix, &facts, err) < 0)
        return err_wrap(err, "deciding about " STR_FMT, STR_ARGS(prefix));
    if ((facts.verbs & (unsigned)verb) == 0)
        *verdict = facts.verbs == AUTH_NONE ? AUTH_HIDDEN : AUTH_TOO_FEW;
    else
        *verdict = facts.has_namespace || prefix.n == 0 ? AUTH_YES : AUTH_NO_NAMESPACE;
    if (*verdict == AUTH_YES) {
        *out = (struct auth_repo){ .path         = str_copy(arena, prefix),
                                   .namespace_id = facts.namespace_id,
                                   .verbs        = facts.verbs };
    }
    return 0;
}

int auth_view_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   struct auth_view *out, enum auth_verdict *verdict, struct err *err)
{
    bool is_admin;

    if (meet_manager(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (*verdict != AUTH_YES)
        return 0;
    *out = (struct auth_view){ .is_all = is_admin, .namespace_id = caller->account_id };
    return auth_rights_view(auth, arena, caller, is_admin, AUTH_VIEW, &out->repos, err);
}

int auth_view_audited(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      const struct auth_view *view, struct meta_repo_filter *out, struct err *err)
{
    return auth_rights_view(auth, arena, caller, view->is_all, AUTH_AUDIT, out, err);
}

/* What the caller is to the account. */
static int relate(struct db_tx *tx, const struct auth_caller *caller, bool is_admin,
                  struct auth_account *out, struct err *err)
{
    int64_t is_owner = 0;
    int     found    = meta_org_member_find(tx, out->id, caller->account_id, &is_owner, err);

    if (found < 0)
        return -1;
    out->by_admin  = is_admin;
    out->is_self   = out->id == caller->account_id;
    out->is_member = found == 1;
    out->is_owner  = is_admin || is_owner != 0;
    return 0;
}

static int judge(struct db_tx *tx, const struct auth_caller *caller,
                 const struct meta_account *account, const struct auth_account *about,
                 enum auth_account_right right, enum auth_verdict *out, struct err *err)
{
    bool is_manager = about->is_self || about->is_owner ||
                      (account->owner_id != 0 && account->owner_id == caller->account_id);
    int sees = is_manager || about->is_member;

    if (!sees)
        sees = meta_org_shared(tx, caller->account_id, account->id, err);
    if (sees < 0)
        return -1;
    if (sees == 0)
        *out = AUTH_HIDDEN;
    else if (right == AUTH_ACCOUNT_MANAGE && (!is_manager || caller->is_narrowed))
        *out = AUTH_TOO_FEW;
    else
        *out = AUTH_YES;
    return 0;
}

int auth_account_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct str name_or_uuid, enum auth_account_right right,
                      struct auth_account *out, enum auth_verdict *verdict, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          account;
    bool                         is_admin;

    if (meet_account(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (*verdict != AUTH_YES)
        return 0;

    *verdict = AUTH_HIDDEN;
    if (db_begin(auth->settings.db, DB_READ, "open account", &tx, err) < 0)
        return -1;
    int found = meta_account_find_any(tx, arena, name_or_uuid, &account, err);
    if (found < 1)
        return found;
    struct auth_account about = {
        .id = account.id, .uuid = account.uuid, .name = account.name, .kind = account.kind
    };
    if (relate(tx, caller, is_admin, &about, err) < 0 ||
        judge(tx, caller, &account, &about, right, verdict, err) < 0)
        return -1;
    *out = about;
    return 0;
}

int auth_catalog_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                      struct auth_view *out, enum auth_verdict *verdict, struct err *err)
{
    bool is_admin;

    if (meet(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (*verdict != AUTH_YES)
        return 0;
    if (caller->is_identity)
        *verdict = AUTH_VOID;
    else if (caller->has_token && !caller->may_catalog)
        *verdict = AUTH_TOO_FEW;
    *out = (struct auth_view){ .is_all = is_admin, .namespace_id = caller->account_id };
    return auth_rights_view(auth, arena, caller, is_admin, AUTH_VIEW, &out->repos, err);
}

int auth_search_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     struct auth_view *out, enum auth_verdict *verdict, struct err *err)
{
    bool is_admin = false;

    if (meet(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (caller->kind == AUTH_NOBODY && atomic_load(&auth->may_anonymous))
        *verdict = AUTH_YES;
    else if (*verdict == AUTH_YES && caller->has_token && !caller->is_identity &&
             !caller->may_catalog)
        *verdict = AUTH_TOO_FEW;
    if (*verdict != AUTH_YES)
        return 0;
    *out = (struct auth_view){ .is_all = is_admin, .namespace_id = caller->account_id };
    return auth_rights_view(auth, arena, caller, is_admin, AUTH_VIEW, &out->repos, err);
}

int auth_instance_open(struct auth *auth, const struct auth_caller *caller,
                       enum auth_verdict *verdict, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    bool                           is_admin;

    if (meet_manager(auth, arena, caller, &is_admin, verdict, err) < 0)
        return -1;
    if (*verdict == AUTH_YES && !is_admin)
        *verdict = AUTH_TOO_FEW;
    return 0;
}

int auth_user_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   enum auth_verdict *verdict, struct err *err)
{
    bool is_admin;

    return meet_account(auth, arena, caller, &is_admin, verdict, err);
}

int auth_ping_open(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                   enum auth_verdict *verdict, struct err *err)
{
    bool is_admin;

    return meet(auth, arena, caller, &is_admin, verdict, err);
}
