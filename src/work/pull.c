/* work/pull.c: the registry's main job, and most of its load. */
#include "work/pull.h"

#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/blob.h"
#include "meta/repo.h"
#include "work/damage.h"
#include "work/quota_private.h"

/* The repository as the handle's decision saw it. */
static struct meta_repo_seen seen_of(const struct auth_repo *repo)
{
    return (struct meta_repo_seen){ .id        = repo->id,
                                    .is_public = repo->is_recalled ? repo->is_public : -1 };
}

int work_pull_manifest(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       const struct oci_reference *reference, bool may_write,
                       struct meta_manifest *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str name = reference->is_digest ? oci_digest_str(&reference->digest) : reference->tag;
    struct meta_repo_seen seen = seen_of(repo);

    if (db_begin(work->db, DB_LOOK, "pull manifest", &tx, err) < 0)
        return -1;

    int found = reference->is_digest ? meta_manifest_pull(tx, arena, &seen, name, out, err)
                                     : meta_manifest_pull_tag(tx, arena, &seen, name, out, err);
    if (found < 0)
        return err_wrap(err, "pulling " STR_FMT, STR_ARGS(name));
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", name,
                            "no such manifest in the repository");
    db_abort(&tx);

    if (!work_verifies(work) || work_manifest_is_whole(out))
        return 0;
    if (may_write && work_damage_record_manifest(work, repo->id, out->digest, "read", err) < 0)
        return -1;
    return err_set_corrupt(err,
                           "the manifest " STR_FMT " of " STR_FMT " does not hash to its digest",
                           STR_ARGS(out->digest), STR_ARGS(repo->path));
}

static int blob_unknown(const struct oci_digest *digest, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "BLOB_UNKNOWN", oci_digest_str(digest),
                        "no such blob in the repository");
}

static bool may_push(const struct auth_repo *repo)
{
    return (repo->verbs & AUTH_PUSH) != 0;
}

/* Under the row's lock: whoever condemns the blob comes before, and then it is unknown, or after, and then
 * sees the pin. */
static int promise(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   const struct oci_digest *digest, struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };
    AUTO(db_abort) struct db_tx     *tx  = NULL;
    struct meta_blob                 row;
    struct str                       name = oci_digest_str(digest);

    if (quota_begin(work, repo->path, &use, err) < 0 ||
        db_begin(work->db, DB_WRITE, "promise blob", &tx, err) < 0)
        return -1;

    int found = meta_blob_lock(tx, arena, name, &row, err);
    if (found == 1)
        found = meta_blob_find_visible(tx, arena, repo->id, name, &row, err);
    if (found < 0)
        return -1;
    if (found == 0 || row.is_damaged)
        return blob_unknown(digest, err);
    if (work_pin(work, tx, repo->id, name, row.size, &use, err) < 0 ||
        quota_settle(&use, tx, err) < 0 || failpoint(FP_PROMISE_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_PROMISED, err);
}

int work_find_blob(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   const struct oci_digest *digest, bool may_write, struct work_blob *out,
                   bool *out_must_write, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct str                   name = oci_digest_str(digest);
    struct meta_blob             row;
    int64_t                      pinned_until = 0;
    bool                         is_promised  = true;
    struct meta_repo_seen        seen         = seen_of(repo);

    if (db_begin(work->db, may_push(repo) ? DB_READ : DB_LOOK, "find blob", &tx, err) < 0)
        return -1;
    int found = meta_blob_pull(tx, arena, &seen, name, &row, err);
    if (found < 0)
        return -1;
    if (found == 0 || (may_push(repo) && row.is_damaged))
        return blob_unknown(digest, err);

    if (may_push(repo)) {
        if (meta_blob_find_pin(tx, repo->id, name, &pinned_until, err) < 0)
            return -1;
        is_promised = pinned_until > db_now(tx) + work_policy(work)->pin_ttl / 2;
    }
    db_abort(&tx);

    *out            = (struct work_blob){ .size = row.size, .object_key = row.object_key };
    *out_must_write = !is_promised && !may_write;
    if (!is_promised && may_write && !work_policy(work)->is_read_only)
        return promise(work, arena, repo, digest, err);
    return 0;
}

bool work_verifies(struct work *work)
{
    return work_policy(work)->verify_on_read;
}

static int damaged(const struct work_object *object, const struct work_flaw *flaw, struct err *err)
{
    return err_set_corrupt(err, "the object " STR_FMT " %s", STR_ARGS(object->object_key),
                           flaw->text);
}

/* The key that is in force now, for an object that was replaced while we looked at it. */
static int find_again(struct work *work, struct arena *arena, struct work_object *object,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_blob             row;

    if (db_begin(work->db, DB_LOOK, "find blob again", &tx, err) < 0)
        return -1;
    int found = meta_blob_find(tx, arena, object->digest, &row, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "BLOB_UNKNOWN", object->digest,
                            "the blob was removed meanwhile");
    object->object_key = row.object_key;
    object->size       = row.size;
    return 0;
}

/* Tells the book. 1: the object is damaged, and err says what the caller gets; 0: another one is in force,
 * which `object` names now; -1. */
static int told(struct work *work, struct arena *arena, const struct auth_repo *repo,
                const struct oci_digest *digest, struct work_object *object,
                const struct work_flaw *flaw, struct err *err)
{
    /* What a medium cannot bring back now, it may bring back in a moment. Scrub and fsck look for what stays;
     * until then nobody is told that a blob is unknown which may well be whole. */
    if (strcmp(flaw->kind, "unreadable") == 0)
        return err_set(err, ERR_UNAVAILABLE, "the object " STR_FMT " %s",
                       STR_ARGS(object->object_key), flaw->text);

    int is_recorded = work_damage_record(work, object, flaw, "read", err);

    if (is_recorded == 0)
        return find_again(work, arena, object, err);
    if (is_recorded < 0)
        return -1;
    if (may_push(repo))
        blob_unknown(digest, err);
    else
        damaged(object, flaw, err);
    return 1;
}

int work_open_blob(struct work *work, const struct auth_repo *repo, const struct oci_digest *digest,
                   const struct work_blob *blob, bool may_write, int *out_fd, struct err *err)
{
    AUTO(arena_free) struct arena              *arena  = NULL;
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;
    struct work_object object = { oci_digest_str(digest), blob->object_key, blob->size };
    struct work_look   look   = { .with_hash = work_verifies(work) };
    struct work_flaw   flaw;

    if (work_object_look(work, &object, &look, &reader, &flaw, err) < 0)
        return -1;
    if (flaw.kind != NULL && may_write) {
        arena = arena_new();
        if (told(work, arena, repo, digest, &object, &flaw, err) != 0 ||
            work_object_look(work, &object, &look, &reader, &flaw, err) < 0)
            return -1;
    }
    if (flaw.kind != NULL)
        return damaged(&object, &flaw, err);

    int fd = blob_take_fd(&reader);
    if (fd < 0)
        return err_set(err, ERR_UNSUPPORTED, "this store has no files to send from");
    *out_fd = fd;
    return 0;
}
