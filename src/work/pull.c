/* work/pull.c: the registry's main job, and most of its load. */
#include "work/pull.h"

#include "base/err.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/blob.h"
#include "work/work_private.h"

int work_pull_manifest(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       const struct oci_reference *reference, struct meta_manifest *out,
                       struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str name = reference->is_digest ? oci_digest_str(&reference->digest) : reference->tag;

    if (db_begin(work->db, DB_READ, "pull manifest", &tx, err) < 0)
        return -1;

    int found = reference->is_digest ? meta_manifest_find(tx, arena, repo->id, name, out, err)
                                     : meta_manifest_find_tag(tx, arena, repo->id, name, out, err);
    if (found < 0)
        return err_wrap(err, "pulling " STR_FMT, STR_ARGS(name));
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", name,
                            "no such manifest in the repository");
    return 0;
}

static int blob_unknown(const struct oci_digest *digest, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "BLOB_UNKNOWN", oci_digest_str(digest),
                        "no such blob in the repository");
}

/* Under the row's lock: whoever condemns the blob comes before, and then it is unknown, or after, and then
 * sees the pin. */
static int promise(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   const struct oci_digest *digest, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_blob             row;
    struct str                   name = oci_digest_str(digest);

    if (db_begin(work->db, DB_WRITE, "promise blob", &tx, err) < 0)
        return -1;

    int found = meta_blob_lock(tx, arena, name, &row, err);
    if (found == 1)
        found = meta_blob_find_visible(tx, arena, repo->id, name, &row, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return blob_unknown(digest, err);
    if (work_pin(work, tx, repo->id, name, err) < 0)
        return -1;
    return db_commit(&tx, err);
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

    if (db_begin(work->db, DB_READ, "find blob", &tx, err) < 0)
        return -1;
    int found = meta_blob_find_visible(tx, arena, repo->id, name, &row, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return blob_unknown(digest, err);

    if ((repo->verbs & AUTH_PUSH) != 0) {
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

static int verify(struct blob_reader *reader, const struct oci_digest *digest,
                  const struct work_blob *blob, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_digest              found;

    if (work_digest_of_object(arena, reader, blob->size, digest->kind, &found, err) < 0)
        return -1;
    if (!oci_digest_eq(&found, digest))
        return err_set_corrupt(err, "the object " STR_FMT " hashes to %s",
                               STR_ARGS(blob->object_key), found.text);
    return 0;
}

int work_open_blob(struct work *work, const struct oci_digest *digest, const struct work_blob *blob,
                   int *out_fd, struct err *err)
{
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;

    if (blob_open(work->store, blob->object_key, &reader, err) < 0)
        return err->kind == ERR_NOT_FOUND
                   ? err_set_corrupt(err, "the object " STR_FMT " is missing",
                                     STR_ARGS(blob->object_key))
                   : -1;
    if (blob_size(reader) != blob->size)
        return err_set_corrupt(err, "the object " STR_FMT " has %lld bytes instead of %lld",
                               STR_ARGS(blob->object_key), (long long)blob_size(reader),
                               (long long)blob->size);
    if (work_verifies(work) && verify(reader, digest, blob, err) < 0)
        return -1;

    int fd = blob_take_fd(&reader);
    if (fd < 0)
        return err_set(err, ERR_UNSUPPORTED, "this store has no files to send from");
    *out_fd = fd;
    return 0;
}
