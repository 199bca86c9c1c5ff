/* work/delete.c: deletes are tombstones and entries in the collection's queue; nothing here removes a
 * byte. */
#include "work/delete.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/blob.h"
#include "meta/manifest.h"
#include "meta/object.h"
#include "meta/tag.h"
#include "work/change.h"
#include "work/quota_private.h"

struct deleting {
    struct work             *work;
    struct arena            *arena;
    const struct meta_actor *actor;
    const struct auth_repo  *repo;
    struct db_tx            *tx;
    struct quota_use        *use;
};

static int manifest_unknown(struct str name, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", name,
                        "no such manifest in the repository");
}

static int queue(struct deleting *d, struct str digest, const char *why, struct err *err)
{
    int64_t review_after = db_now(d->tx) + work_policy(d->work)->undelete_window;

    return work_queue_manifest(d->tx, d->arena, d->repo->id, digest, review_after, why, err);
}

static int tell(struct deleting *d, const char *type, const char *kind, struct str name,
                struct str digest, struct err *err)
{
    struct meta_event event = { .type        = type,
                                .object_kind = kind,
                                .object_name = name,
                                .digest      = digest,
                                .old_digest  = digest };

    return work_event(d->tx, d->actor, d->repo, d->repo->id, event, err);
}

static int remove_locked_tag(struct deleting *d, const struct meta_tag *tag, struct err *err)
{
    if ((d->repo->verbs & AUTH_TAG_DELETE) == 0)
        return err_set_code(err, ERR_DENIED, "DENIED", tag->name, "no right to delete this tag");
    if (work_check_change(d->work, d->tx, d->arena, d->repo->id, WORK_DELETE, tag->name,
                          tag->digest, err) < 0 ||
        meta_tag_remove(d->tx, d->repo->id, tag->name, err) < 0 ||
        queue(d, tag->digest, "tag deleted", err) < 0)
        return -1;
    d->use->change.tags--;
    return tell(d, "TAG_DELETE", "tag", tag->name, tag->digest, err);
}

static int delete_tag(struct deleting *d, struct str name, struct err *err)
{
    struct meta_tag tag;
    int             found = meta_tag_lock(d->tx, d->arena, d->repo->id, name, &tag, err);

    if (found < 0)
        return -1;
    return found == 0 ? manifest_unknown(name, err) : remove_locked_tag(d, &tag, err);
}

/* A tag that was removed or moved to something else since it was listed is not of this manifest any more. */
static int delete_tags_of(struct deleting *d, struct str digest, struct err *err)
{
    struct str *names;
    size_t      n;

    if (meta_tag_list_of(d->tx, d->arena, d->repo->id, digest, &names, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct meta_tag tag;
        int             found = meta_tag_lock(d->tx, d->arena, d->repo->id, names[i], &tag, err);

        if (found < 0 ||
            (found == 1 && str_eq(tag.digest, digest) && remove_locked_tag(d, &tag, err) < 0))
            return -1;
    }
    return 0;
}

static int delete_digest(struct deleting *d, struct str digest, struct err *err)
{
    struct str parent;
    int64_t    depth;

    int found = meta_manifest_lock(d->tx, d->repo->id, digest, &depth, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return manifest_unknown(digest, err);

    found = meta_manifest_find_parent(d->tx, d->arena, d->repo->id, digest, &parent, err);
    if (found < 0)
        return -1;
    if (found == 1)
        return err_set_code(err, ERR_CONFLICT, "DENIED", digest,
                            "the index " STR_FMT " names this manifest", STR_ARGS(parent));

    if (work_check_change(d->work, d->tx, d->arena, d->repo->id, WORK_DELETE, STR_NULL, digest,
                          err) < 0 ||
        delete_tags_of(d, digest, err) < 0 ||
        meta_manifest_delete(d->tx, d->repo->id, digest, err) < 0 ||
        queue(d, digest, "deleted", err) < 0)
        return -1;
    return tell(d, "MANIFEST_DELETE", "manifest", digest, digest, err);
}

int work_delete_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *repo, const struct oci_reference *reference,
                         struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };
    AUTO(db_abort) struct db_tx     *tx  = NULL;

    if (work_may_delete(work, err) < 0 || quota_begin(work, repo->path, &use, err) < 0 ||
        db_begin(work->db, DB_WRITE, "delete manifest", &tx, err) < 0)
        return -1;

    struct deleting d = {
        .work = work, .arena = arena, .actor = actor, .repo = repo, .tx = tx, .use = &use
    };
    int done = reference->is_digest ? delete_digest(&d, oci_digest_str(&reference->digest), err)
                                    : delete_tag(&d, reference->tag, err);
    if (done < 0 || quota_settle(&use, tx, err) < 0 ||
        failpoint(FP_DELETE_MANIFEST_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_DELETED_MANIFEST, err);
}

int work_delete_blob(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct oci_digest *digest, struct err *err)
{
    AUTO(quota_end) struct quota_use use  = { 0 };
    AUTO(db_abort) struct db_tx     *tx   = NULL;
    struct str                       name = oci_digest_str(digest);
    struct meta_blob                 row;

    if (work_may_delete(work, err) < 0 || quota_begin(work, repo->path, &use, err) < 0 ||
        db_begin(work->db, DB_WRITE, "delete blob", &tx, err) < 0)
        return -1;

    struct deleting d = {
        .work = work, .arena = arena, .actor = actor, .repo = repo, .tx = tx, .use = &use
    };
    int found = meta_blob_find_visible(tx, arena, repo->id, name, &row, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "BLOB_UNKNOWN", name,
                            "no such blob in the repository");

    int is_used = meta_blob_is_used(tx, repo->id, name, err);
    if (is_used < 0)
        return -1;
    if (is_used == 1)
        return err_set_code(err, ERR_CONFLICT, "DENIED", name,
                            "a manifest of the repository names this blob");

    if (work_check_change(work, tx, arena, repo->id, WORK_DELETE, STR_NULL, name, err) < 0 ||
        (use.n > 0 && meta_blob_lock_alone(tx, name, err) < 0))
        return -1;
    int was_linked = meta_blob_unlink(tx, repo->id, name, err);
    if (was_linked < 0)
        return -1;
    use.change.bytes -= was_linked == 1 ? row.size : 0;
    if (quota_settle(&use, tx, err) < 0 ||
        meta_gc_queue_put(tx, "blob", name, db_now(tx) + work_policy(work)->gc_delay, "deleted",
                          err) < 0 ||
        tell(&d, "BLOB_DELETE", "blob", name, name, err) < 0 ||
        failpoint(FP_DELETE_BLOB_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_DELETED_BLOB, err);
}
