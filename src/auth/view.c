/* auth/view.c: what a listing of repositories may show: ranges of paths, from the same rights as the decision. */
#include <stdlib.h>

#include "auth/auth_private.h"
#include "auth/rights_private.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/account.h"
#include "meta/credential.h"
#include "meta/grant.h"
#include "meta/org.h"

enum { ORGS_MAX = 100000 };

struct ranges {
    struct meta_range *list;
    size_t             n;
    bool               is_all;
};

/* "a/b" itself, and what is below it. Every byte of a path is larger than '!' and smaller than '~'. */
static void add_prefix(struct arena *arena, struct ranges *ranges, struct str prefix, bool is_repo)
{
    if (prefix.n == 0) {
        ranges->is_all = true;
        return;
    }
    ranges->list[ranges->n++] =
        (struct meta_range){ .low  = prefix,
                             .high = str_from(mem_printf(arena, STR_FMT "!", STR_ARGS(prefix))) };
    if (is_repo)
        return;
    ranges->list[ranges->n++] = (struct meta_range){
        .low  = str_from(mem_printf(arena, STR_FMT "/", STR_ARGS(prefix))),
        .high = str_from(mem_printf(arena, STR_FMT "0", STR_ARGS(prefix))),
    };
}

static int by_low(const void *a, const void *b)
{
    return str_cmp(((const struct meta_range *)a)->low, ((const struct meta_range *)b)->low);
}

static void sort_and_join(struct ranges *ranges)
{
    size_t n = 0;

    qsort(ranges->list, ranges->n, sizeof(struct meta_range), by_low);
    for (size_t i = 0; i < ranges->n; i++) {
        if (n > 0 && str_cmp(ranges->list[i].low, ranges->list[n - 1].high) < 0) {
            if (str_cmp(ranges->list[i].high, ranges->list[n - 1].high) > 0)
                ranges->list[n - 1].high = ranges->list[i].high;
        } else {
            ranges->list[n++] = ranges->list[i];
        }
    }
    ranges->n = n;
}

/* What lies in both. */
static struct ranges intersect(struct arena *arena, const struct ranges *a, const struct ranges *b)
{
    struct ranges both = { .list = mem_many(arena, a->n + b->n + 1, struct meta_range) };
    size_t        i = 0, k = 0;

    if (a->is_all)
        return *b;
    if (b->is_all)
        return *a;
    while (i < a->n && k < b->n) {
        struct meta_range x = a->list[i], y = b->list[k];
        struct meta_range cut = { .low  = str_cmp(x.low, y.low) > 0 ? x.low : y.low,
                                  .high = str_cmp(x.high, y.high) < 0 ? x.high : y.high };

        if (str_cmp(cut.low, cut.high) < 0)
            both.list[both.n++] = cut;
        if (str_cmp(x.high, y.high) < 0)
            i++;
        else
            k++;
    }
    return both;
}

static int add_places(struct db_tx *tx, struct arena *arena, int64_t account_id,
                      enum auth_verb verb, struct ranges *ranges, size_t n_before, struct err *err)
{
    struct meta_grant_place *places;
    size_t                   n;
    unsigned                 verbs;

    if (meta_grant_places(tx, arena, account_id, &places, &n, err) < 0)
        return -1;
    ranges->list = mem_many(arena, 2 * (n + n_before), struct meta_range);
    for (size_t i = 0; i < n; i++) {
        if (auth_verbs_parse(places[i].verbs, &verbs, err) < 0)
            return err_set_corrupt(err, "a role: %s", err->text);
        if ((verbs & verb) != 0)
            add_prefix(arena, ranges, places[i].path, places[i].is_repo != 0);
    }
    return 0;
}

/* Owners have every verb. */
static int ranges_of(struct db_tx *tx, struct arena *arena, int64_t account_id, enum auth_verb verb,
                     struct ranges *out, struct err *err)
{
    struct meta_account account;
    struct meta_member *orgs;
    size_t              n_orgs;
    int                 found = meta_account_find(tx, arena, account_id, &account, err);

    if (found < 1) {
        *out = (struct ranges){ 0 };
        return found;
    }
    if (meta_org_page_of(tx, arena, account_id, STR_NULL, ORGS_MAX, &orgs, &n_orgs, err) < 0)
        return -1;
    struct ranges mine = { .is_all = account.is_admin != 0 };
    if (add_places(tx, arena, account_id, verb, &mine, n_orgs + 1, err) < 0)
        return -1;
    for (size_t i = 0; i < n_orgs; i++) {
        if (orgs[i].is_admin != 0)
            add_prefix(arena, &mine, orgs[i].account.name, false);
    }
    if (str_is(account.kind, "user"))
        add_prefix(arena, &mine, account.name, false);
    sort_and_join(&mine);

    if (str_is(account.kind, "service")) {
        struct ranges of_maker, below = { .list = mem_many(arena, 2, struct meta_range) };

        if (ranges_of(tx, arena, account.maker_id, verb, &of_maker, err) < 0)
            return -1;
        mine = intersect(arena, &mine, &of_maker);
        add_prefix(arena, &below, account.prefix.p == NULL ? STR("") : account.prefix, false);
        mine = intersect(arena, &mine, &below);
    }
    *out = mine;
    return 0;
}

/* Whatever a narrowed credential is for, it may see where that is. */
static int scopes_of(struct db_tx *tx, struct arena *arena, int64_t credential_id,
                     enum auth_verb verb, struct ranges *out, struct err *err)
{
    struct meta_scope *scopes;
    size_t             n;

    if (meta_scope_list(tx, arena, credential_id, &scopes, &n, err) < 0)
        return -1;
    struct ranges ranges = { .list = mem_many(arena, 2 * n + 1, struct meta_range) };
    for (size_t i = 0; i < n; i++) {
        unsigned verbs = AUTH_VIEW;

        if (verb != AUTH_VIEW && auth_verbs_parse(scopes[i].verbs, &verbs, err) < 0)
            return err_set_corrupt(err, "a scope: %s", err->text);
        if ((verbs & verb) != 0)
            add_prefix(arena, &ranges, scopes[i].path, false);
    }
    sort_and_join(&ranges);
    *out = ranges;
    return 0;
}

int auth_rights_view(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     bool is_admin, enum auth_verb verb, struct meta_repo_filter *out,
                     struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct ranges                mine = { .is_all = is_admin };
    struct ranges                scopes;

    if (caller->kind != AUTH_ACCOUNT) {
        *out = (struct meta_repo_filter){ .with_public = verb == AUTH_VIEW &&
                                                         atomic_load(&auth->may_anonymous) };
        return 0;
    }
    if ((!is_admin || caller->is_narrowed) &&
        db_begin(auth->settings.db, DB_READ, "see repositories", &tx, err) < 0)
        return -1;
    if (!is_admin && ranges_of(tx, arena, caller->account_id, verb, &mine, err) < 0)
        return -1;
    if (caller->is_narrowed) {
        if (scopes_of(tx, arena, caller->credential, verb, &scopes, err) < 0)
            return -1;
        mine = intersect(arena, &mine, &scopes);
    }
    *out = (struct meta_repo_filter){
        .is_all      = mine.is_all,
        .with_public = verb == AUTH_VIEW && !caller->is_narrowed,
        .ranges      = mine.list,
        .n_ranges    = mine.is_all ? 0 : mine.n,
    };
    return 0;
}
