/* work/many.c: many repositories at once. */
#include "work/many.h"

#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/repo.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/grant.h"
#include "work/repository.h"
#include "work/work_private.h"

/* So few that a transaction with all of them ends in time. */
enum { BATCH = 100 };

struct batch {
    struct work             *work;
    struct arena            *arena;
    const struct meta_actor *actor;
    struct meta_repo        *rows;
    size_t                   n;
};

static int read_batch(struct batch *b, const struct meta_repo_filter *filter, struct str after,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(b->work->db, DB_READ, "read batch", &tx, err) < 0)
        return -1;
    return meta_repo_page(tx, b->arena, filter, after, BATCH, &b->rows, &b->n, err);
}

/* -- deleting ----------------------------------------------------------------------------------------- */

static int delete_batch(struct batch *b, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(b->work->db, DB_WRITE, "delete repositories", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        if (work_repo_drop(tx, b->arena, b->actor, b->rows[i].id, err) < 0)
            return -1;
    }
    if (failpoint(FP_DELETE_REPO_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_DELETED_REPO, err);
}

int work_many_delete(struct work *work, const struct meta_actor       *actor,
                     const struct auth_account *namespace, struct err *err)
{
    bool is_done = false;

    if (work_may_delete(work, err) < 0)
        return -1;
    while (!is_done) {
        AUTO(arena_free) struct arena *arena  = arena_new();
        struct meta_repo_filter        filter = { .is_all = true };
        struct batch                   b      = { .work = work, .arena = arena, .actor = actor };

        filter.within = work_repo_range(arena, namespace->name);
        if (read_batch(&b, &filter, STR_NULL, err) < 0 || (b.n > 0 && delete_batch(&b, err) < 0))
            return -1;
        is_done = b.n < BATCH;
    }
    return 0;
}

int work_many_clear(struct work *work, const struct meta_actor       *actor,
                    const struct auth_account *namespace, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (work_many_delete(work, actor, namespace, err) < 0 ||
        db_begin(work->db, DB_WRITE, "clear namespace", &tx, err) < 0 ||
        work_grant_drop_below(tx, arena, actor, namespace->name, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

/* -- scanning on push --------------------------------------------------------------------------------- */

/* Leaves in the batch what is to change and is the caller's to manage. */
static int keep_managed(struct batch *b, const struct auth_caller *caller, bool is_on,
                        struct err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->n; i++) {
        struct auth_repo  ignored_repo; /* the row is what is changed */
        enum auth_verdict verdict;

        if ((b->rows[i].scan_on_push != 0) == is_on)
            continue;
        if (auth_repo_manage(b->work->auth, b->arena, caller, b->rows[i].path, AUTH_MANAGE,
                             &ignored_repo, &verdict, err) < 0)
            return -1;
        if (verdict == AUTH_YES)
            b->rows[kept++] = b->rows[i];
    }
    b->n = kept;
    return 0;
}

static int switch_batch(struct batch *b, bool is_on, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_repo_form        form = { .has_scan_on_push = true, .scan_on_push = is_on };

    if (db_begin(b->work->db, DB_WRITE, "switch scan on push", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        if (work_repo_apply(tx, b->arena, b->actor, b->rows[i].id, &form, err) < 0)
            return -1;
    }
    if (failpoint(FP_VISIBILITY_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_VISIBILITY_SET, err);
}

int work_many_scan_on_push(struct work *work, const struct meta_actor *actor,
                           const struct auth_caller *caller, const struct auth_view *view,
                           bool is_on, struct err *err)
{
    struct meta_repo_filter mine = view->repos;
    char                    last[OCI_NAME_MAX];
    struct str              after   = STR_NULL; /* in last */
    bool                    is_done = false;

    mine.with_public = false; /* what only its being public shows is not theirs to manage */
    if (work_may_write(work, err) < 0)
        return -1;
    while (!is_done) {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct batch                   b     = { .work = work, .arena = arena, .actor = actor };

        if (read_batch(&b, &mine, after, err) < 0)
            return -1;
        is_done = b.n < BATCH;
        if (b.n > 0) {
            after = (struct str){ .p = last, .n = b.rows[b.n - 1].path.n };
            memcpy(last, b.rows[b.n - 1].path.p, after.n);
        }
        if (keep_managed(&b, caller, is_on, err) < 0 ||
            (b.n > 0 && switch_batch(&b, is_on, err) < 0))
            return -1;
    }
    return 0;
}
