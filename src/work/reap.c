/* work/reap.c: what is left of deleted repositories after the window: tags, then manifests from the indexes down, then
 * links, in small transactions; holds are left alone, and with them what they need. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "meta/collect.h"
#include "meta/object.h"
#include "work/collect_private.h"

enum { REPOS = 100, TAGS = 200, ROOTS = 16, LINKS = 100 };

/* 1; 0 it has come back meanwhile; -1. */
static int begin(struct collect_run *run, struct arena *arena, int64_t repo_id, struct db_tx **tx,
                 struct err *err)
{
    if (collect_begin(run, arena, tx, err) < 0)
        return -1;
    return meta_reap_begin(*tx, repo_id, db_now(*tx) - work_policy(run->work)->undelete_window,
                           err);
}

/* *out_n: how many it took away. */
static int drop_tags(struct collect_run *run, int64_t repo_id, int64_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    int is_gone = begin(run, arena, repo_id, &tx, err);
    *out_n      = 0;
    if (is_gone < 1)
        return is_gone;
    if (meta_reap_tags(tx, repo_id, TAGS, out_n, err) < 0)
        return -1;
    if (*out_n > 0 && quota_are_any(&run->use) &&
        meta_quota_append_over(tx, repo_id, &(struct meta_quota_sum){ .tags = -*out_n }, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* after: where the next page of roots begins; those that a hold keeps are passed over. */
static int drop_roots(struct collect_run *run, int64_t repo_id, char after[OCI_DIGEST_MAX],
                      int64_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                    *roots;
    size_t                         n;
    int64_t                        held_until;

    int is_gone = begin(run, arena, repo_id, &tx, err);
    *out_n      = 0;
    if (is_gone < 1)
        return is_gone;
    if (meta_reap_roots(tx, arena, repo_id, str_from(after), ROOTS, &roots, &n, err) < 0)
        return -1;
    *out_n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        if (collect_held_until(run, repo_id, roots[i], &held_until, err) < 0)
            return -1;
        if (held_until > db_now(tx)) {
            memcpy(after, roots[i].p, roots[i].n + 1);
            continue;
        }
        if (collect_drop_manifest(run, repo_id, roots[i], err) < 0)
            return -1;
    }
    return db_commit(&tx, err);
}

static int drop_links(struct collect_run *run, int64_t repo_id, int64_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                    *links;
    size_t                         n;

    int is_gone = begin(run, arena, repo_id, &tx, err);
    *out_n      = 0;
    if (is_gone < 1)
        return is_gone;
    if (meta_reap_links(tx, arena, repo_id, LINKS, &links, &n, err) < 0)
        return -1;
    *out_n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        if ((quota_are_any(&run->use) && meta_quota_append_link(tx, repo_id, links[i], err) < 0) ||
            meta_reap_link(tx, repo_id, links[i], err) < 0 ||
            meta_gc_queue_put(tx, "blob", links[i], db_now(tx), "repository gone", err) < 0)
            return -1;
    }
    run->counts.n_links += (int64_t)n;
    return db_commit(&tx, err);
}

static int end_repo(struct collect_run *run, int64_t repo_id, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    int is_gone = begin(run, arena, repo_id, &tx, err);
    if (is_gone < 1)
        return is_gone;
    int is_empty = meta_reap_end(tx, repo_id, err);
    if (is_empty < 1)
        return is_empty;
    run->counts.n_repos++;
    return db_commit(&tx, err);
}

static int reap(struct collect_run *run, int64_t repo_id, struct err *err)
{
    char    after[OCI_DIGEST_MAX] = "";
    int64_t n                     = 1;

    while (n > 0 && !collect_is_over(run)) {
        if (drop_tags(run, repo_id, &n, err) < 0)
            return -1;
    }
    for (n = 1; n > 0 && !collect_is_over(run);) {
        if (drop_roots(run, repo_id, after, &n, err) < 0)
            return -1;
    }
    for (n = 1; n > 0 && !collect_is_over(run);) {
        if (drop_links(run, repo_id, &n, err) < 0)
            return -1;
    }
    return collect_is_over(run) ? 0 : end_repo(run, repo_id, err);
}

static int list_repos(struct collect_run *run, struct arena *arena, int64_t after, int64_t **out,
                      size_t *n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(run->work->db, DB_READ, "find deleted repositories", &tx, err) < 0)
        return -1;
    int64_t until = db_now(tx) - work_policy(run->work)->undelete_window;
    return meta_reap_repos(tx, arena, until, after, REPOS, out, n, err);
}

int collect_reap_repos(struct collect_run *run, struct err *err)
{
    int64_t after = 0;
    size_t  n     = 1;

    while (n > 0 && !collect_is_over(run)) {
        AUTO(arena_free) struct arena *arena = arena_new();
        int64_t                       *ids;

        if (list_repos(run, arena, after, &ids, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n && !collect_is_over(run); i++) {
            if (reap(run, ids[i], err) < 0)
                return run->counts.brake != NULL ? 0 : -1;
            after = ids[i];
        }
    }
    return 0;
}
