/* work/mount.c: a mount is a promise like any other: lock, see, pin, commit, answer. */
#include "work/mount.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/blob.h"
#include "meta/object.h"
#include "work/quota_private.h"

static int is_in_source(struct db_tx *tx, struct arena *arena, const struct auth_repo *from,
                        const struct auth_view *view, struct str digest, struct err *err)
{
    struct meta_blob row;
    int64_t          ignored_source; /* any will do */

    if (from != NULL)
        return meta_blob_find_visible(tx, arena, from->id, digest, &row, err);
    return meta_blob_find_source(tx, digest, view->is_all, view->namespace_id, &ignored_source,
                                 err);
}

struct mounting {
    struct work             *work;
    struct arena            *arena;
    const struct meta_actor *actor;
    const struct auth_repo  *to;
    const struct auth_repo  *from; /* null: from wherever the view finds it */
    const struct auth_view  *view;
    struct str               digest;
};

static int write(const struct mounting *m, struct quota_use *use, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_blob             row;
    int64_t                      repo_id;

    if (db_begin(m->work->db, DB_WRITE, "mount blob", &tx, err) < 0)
        return -1;
    int found = meta_blob_lock(tx, m->arena, m->digest, &row, err);
    if (found == 1 && row.is_damaged)
        return 0;
    if (found == 1)
        found = is_in_source(tx, m->arena, m->from, m->view, m->digest, err);
    if (found < 1)
        return found;

    struct meta_event event = {
        .type        = "BLOB_MOUNT",
        .object_kind = "blob",
        .object_name = m->digest,
        .digest      = m->digest,
        .target      = m->from == NULL ? STR_NULL : m->from->path,
    };
    if (work_repo_ensure(tx, m->arena, m->to, m->actor, &repo_id, err) < 0 ||
        work_pin(m->work, tx, repo_id, m->digest, row.size, use, err) < 0 ||
        work_event(tx, m->actor, m->to, repo_id, event, err) < 0 ||
        quota_settle(use, tx, err) < 0 || failpoint(FP_MOUNT_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_MOUNTED, err) < 0)
        return -1;
    return 1;
}

int work_mount(struct work *work, struct arena *arena, const struct meta_actor *actor,
               const struct auth_repo *to, const struct auth_repo *from,
               const struct auth_view *view, const struct oci_digest *digest, struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };
    struct mounting                  m   = {
                           .work   = work,
                           .arena  = arena,
                           .actor  = actor,
                           .to     = to,
                           .from   = from,
                           .view   = view,
                           .digest = oci_digest_str(digest),
    };

    if (work_may_push(work, 0, err) < 0 || quota_begin(work, to->path, &use, err) < 0)
        return -1;
    int mounted = write(&m, &use, err);
    quota_tell_refused(&use, actor);
    return mounted;
}
