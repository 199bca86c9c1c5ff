/* work/search.c: names that hold a text. */
#include "work/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "meta/search.h"
#include "work/work_private.h"

enum { FIRST_BATCH = 128, BATCH = 2048 };

struct search {
    struct db_tx           *tx;
    struct arena           *arena;
    struct str              text;
    struct meta_repo_filter filter;
    struct meta_repo       *found;
    size_t                  n_found;
    size_t                  n_max;
};

/* -- the text ----------------------------------------------------------------------------------------- */

static int read_text(struct arena *arena, struct str given, struct str *out, struct err *err)
{
    char *text = str_dup(arena, given.p == NULL ? STR("") : given);

    if (given.n > WORK_SEARCH_TEXT_MAX)
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR_NULL,
                            "a text to search for has at most %d bytes", WORK_SEARCH_TEXT_MAX);
    for (size_t i = 0; i < given.n; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    *out = (struct str){ .p = text, .n = given.n };
    return 0;
}

static bool may_be_in_names(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/", text.p[i]) == NULL ||
            text.p[i] == '\0')
            return false;
    }
    return true;
}

static bool holds(struct str name, struct str text)
{
    return text.n == 0 || memmem(name.p, name.n, text.p, text.n) != NULL;
}

/* -- what may be seen --------------------------------------------------------------------------------- */

static bool is_in(const struct meta_range *range, struct str path)
{
    return range->low.p == NULL ||
           (str_cmp(path, range->low) >= 0 && str_cmp(path, range->high) < 0);
}

static int by_range(const void *key, const void *member)
{
    const struct str        *path  = key;
    const struct meta_range *range = member;

    return str_cmp(*path, range->low) < 0 ? -1 : str_cmp(*path, range->high) >= 0;
}

static bool is_seen(const struct search *s, const struct meta_repo *repo)
{
    const struct meta_repo_filter *filter = &s->filter;

    if (!is_in(&filter->within, repo->path))
        return false;
    return filter->is_all || (filter->with_public && repo->is_public != 0) ||
           (filter->n_ranges > 0 && bsearch(&repo->path, filter->ranges, filter->n_ranges,
                                            sizeof(struct meta_range), by_range) != NULL);
}

static void keep(struct search *s, const struct meta_repo *repo)
{
    if (!holds(repo->path, s->text) || !is_seen(s, repo))
        return;
    for (size_t i = 0; i < s->n_found; i++) {
        if (s->found[i].id == repo->id)
            return;
    }
    s->found[s->n_found++] = *repo;
}

/* -- looking ------------------------------------------------------------------------------------------ */

/* 1: all that there is was looked at, or enough was found; 0: there is more; -1. */
static int look_by_ends(struct search *s, struct err *err)
{
    struct str            text  = str_sub(s->text, 0, META_END_MAX);
    struct meta_search_at at    = { .end = text };
    size_t                batch = FIRST_BATCH, n_looks = 0;

    while (n_looks < WORK_SEARCH_LOOKS) {
        struct meta_repo_hit *hits;
        size_t                n;

        if (meta_search_repos(s->tx, s->arena, text, &at, batch, &hits, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n && s->n_found < s->n_max; i++)
            keep(s, &hits[i].repo);
        if (n < batch || s->n_found == s->n_max)
            return 1;
        at = (struct meta_search_at){ .end = hits[n - 1].end, .id = hits[n - 1].repo.id };
        n_looks += n;
        batch = BATCH;
    }
    return 0;
}

static int look_at_what_is_seen(struct search *s, struct err *err)
{
    struct str after = STR_NULL;
    size_t     n     = BATCH;

    for (size_t n_looks = 0; n_looks < WORK_SEARCH_LOOKS && n == BATCH && s->n_found < s->n_max;
         n_looks += n) {
        struct meta_repo *rows;

        if (meta_repo_page(s->tx, s->arena, &s->filter, after, BATCH, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n && s->n_found < s->n_max; i++)
            keep(s, &rows[i]);
        if (n > 0)
            after = rows[n - 1].path;
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct meta_repo *)a)->path, ((const struct meta_repo *)b)->path);
}

int work_search_repos(struct work *work, struct arena *arena, const struct work_repo_list *list,
                      struct str text, size_t n_max, struct work_repo **out, size_t *n_out,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct search                s  = { .arena  = arena,
                                        .filter = list->view->repos,
                                        .found  = mem_many(arena, n_max, struct meta_repo),
                                        .n_max  = n_max };

    if (list->within.p != NULL)
        s.filter.within = work_repo_range(arena, list->within);
    if (read_text(arena, text, &s.text, err) < 0 ||
        db_begin(work->db, DB_READ, "search repositories", &tx, err) < 0)
        return -1;
    s.tx     = tx;
    int done = !may_be_in_names(s.text) ? 1 : s.text.n == 0 ? 0 : look_by_ends(&s, err);
    if (done < 0 || (done == 0 && look_at_what_is_seen(&s, err) < 0))
        return -1;
    qsort(s.found, s.n_found, sizeof(struct meta_repo), by_path);
    *n_out = s.n_found;
    return work_repos_tell(tx, arena, s.found, s.n_found, out, err);
}

/* -- accounts ----------------------------------------------------------------------------------------- */

struct people {
    struct meta_account *found;
    size_t               n_found;
    size_t               n_max;
};

static void keep_account(struct people *people, const struct meta_account *account, struct str text)
{
    if (people->n_found == people->n_max || !holds(account->name, text))
        return;
    for (size_t i = 0; i < people->n_found; i++) {
        if (people->found[i].id == account->id)
            return;
    }
    people->found[people->n_found++] = *account;
}

static int look_at_all(struct db_tx *tx, struct arena *arena, struct str text,
                       struct people *people, struct err *err)
{
    struct str            begin = str_sub(text, 0, META_END_MAX);
    struct meta_search_at at    = { .end = begin };
    size_t                n     = BATCH;

    for (size_t n_looks = 0; n_looks < WORK_SEARCH_LOOKS && n == BATCH; n_looks += n) {
        struct meta_account_hit *hits;

        if (meta_search_accounts(tx, arena, begin, &at, BATCH, &hits, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            keep_account(people, &hits[i].account, text);
        if (people->n_found == people->n_max)
            return 0;
        if (n > 0)
            at = (struct meta_search_at){ .end = hits[n - 1].end, .id = hits[n - 1].account.id };
    }
    return 0;
}

static int look_at_seen(struct db_tx *tx, struct arena *arena, int64_t seen_by, struct str text,
                        struct people *people, struct err *err)
{
    struct str after = STR_NULL;
    size_t     n     = BATCH;

    for (size_t n_looks = 0;
         n_looks < WORK_SEARCH_LOOKS && n == BATCH && people->n_found < people->n_max;
         n_looks += n) {
        struct meta_account_row *rows;

        if (meta_account_page_seen(tx, arena, seen_by, META_ACCOUNTS_ALL, after, BATCH, &rows, &n,
                                   err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            keep_account(people, &rows[i].account, text);
        if (n > 0)
            after = rows[n - 1].account.name;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct meta_account *)a)->name, ((const struct meta_account *)b)->name);
}

int work_search_accounts(struct work *work, struct arena *arena, int64_t seen_by, struct str text,
                         size_t n_max, struct meta_account **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct people people = { .found = mem_many(arena, n_max, struct meta_account), .n_max = n_max };
    struct str    low;

    if (read_text(arena, text, &low, err) < 0 ||
        db_begin(work->db, DB_READ, "search accounts", &tx, err) < 0)
        return -1;
    int done = !may_be_in_names(low) ? 0
               : seen_by != 0        ? look_at_seen(tx, arena, seen_by, low, &people, err)
                                     : look_at_all(tx, arena, low, &people, err);
    if (done < 0)
        return -1;
    qsort(people.found, people.n_found, sizeof(struct meta_account), by_name);
    *out   = people.found;
    *n_out = people.n_found;
    return 0;
}
