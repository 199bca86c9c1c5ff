/* work/work.c: what the verbs share: the stores, the policy in force, and the few steps that occur in
 * more than one of them. Its making and its end stand in work/life.c. */
#include "work/work.h"

#include "base/err.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/account.h"
#include "meta/blob.h"
#include "meta/manifest.h"
#include "meta/object.h"
#include "meta/repo.h"
#include "work/damage.h"
#include "work/quota_private.h"

enum { READ_BLOCK = 256 * 1024, RESERVE_MAX_PART = 16 };

void work_set_policy(struct work *work, const struct work_policy *policy)
{
    struct work_policy_kept *kept = mem_new(struct work_policy_kept);

    kept->policy = *policy;
    kept->older  = atomic_load(&work->policy);
    while (!atomic_compare_exchange_weak(&work->policy, &kept->older, kept))
        ;
}

const struct work_policy *work_policy(struct work *work)
{
    return &atomic_load(&work->policy)->policy;
}

struct db *work_db(struct work *work)
{
    return work->db;
}

struct blob_store *work_store(struct work *work)
{
    return work->store;
}

int work_repo_exists(struct work *work, struct str path, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_repo               row;

    if (db_begin(work->db, DB_LOOK, "find repository", &tx, err) < 0)
        return -1;
    return meta_repo_find(tx, arena, path, &row, err);
}

int work_may_write(struct work *work, struct err *err)
{
    if (work_policy(work)->is_read_only)
        return err_set(err, ERR_UNSUPPORTED, "the registry is read-only at present");
    return 0;
}

void work_set_storage_away(struct work *work, const char *why)
{
    atomic_store(&work->storage_away, why);
}

/* A store that has no such notion as space has room. */
static int check_room(struct work *work, size_t size, struct err *err)
{
    struct err ignored; /* what is wrong with the disk is told by whoever writes to it */
    int64_t    n_free, n_total;
    int64_t    reserve = work_policy(work)->disk_reserve;

    if (reserve == 0 || blob_space(work->store, &n_free, &n_total, &ignored) < 0)
        return 0;
    if (reserve > n_total / RESERVE_MAX_PART)
        reserve = n_total / RESERVE_MAX_PART;
    if (n_free - (int64_t)size >= reserve)
        return 0;
    return err_set(
        err, ERR_FULL,
        "the disk has %lld bytes free, of which %lld are kept for deletes and collection",
        (long long)n_free, (long long)reserve);
}

int work_may_push(struct work *work, size_t size, struct err *err)
{
    const char *away = atomic_load(&work->storage_away);

    if (work_may_write(work, err) < 0)
        return -1;
    if (away != NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s", away);
    if (blob_is_here(work->store, err) < 0)
        return -1;
    return check_room(work, size, err);
}

int work_may_delete(struct work *work, struct err *err)
{
    if (!work_policy(work)->may_delete)
        return err_set(err, ERR_UNSUPPORTED, "deleting is switched off in this registry");
    return work_may_write(work, err);
}

int work_namespace_hold(struct db_tx *tx, const struct auth_repo *repo, struct err *err)
{
    struct str name  = oci_name_namespace(repo->path);
    int        found = meta_account_hold(tx, repo->namespace_id, err);

    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", name, "no account " STR_FMT,
                            STR_ARGS(name));
    return found < 0 ? -1 : 0;
}

static int make_repo(struct db_tx *tx, const struct auth_repo *repo, const struct meta_actor *actor,
                     int64_t *out_id, struct err *err)
{
    struct meta_event event = { .type        = "REPO_CREATED",
                                .object_kind = "repository",
                                .object_name = repo->path };

    if (work_namespace_hold(tx, repo, err) < 0) {
        err->code = "NAME_UNKNOWN"; /* to those who push */
        return -1;
    }
    if (meta_repo_add(tx, repo->path, repo->namespace_id, 0, actor->account_id, out_id, err) < 0) {
        if (err->kind == ERR_EXISTS) {
            err->kind = ERR_UNAVAILABLE; /* another push has just made it: the next try finds it */
            err->may_repeat = true;
        }
        return -1;
    }
    return work_event(tx, actor, repo, *out_id, event, err);
}

int work_repo_ensure(struct db_tx *tx, struct arena *arena, const struct auth_repo *repo,
                     const struct meta_actor *actor, int64_t *out_id, struct err *err)
{
    struct meta_repo row;
    int              found = repo->id != 0 ? meta_repo_find_id(tx, arena, repo->id, &row, err)
                                           : meta_repo_find(tx, arena, repo->path, &row, err);

    if (found < 0)
        return -1;
    if (found == 1) {
        *out_id = row.id;
        return 0;
    }
    if (repo->id != 0)
        return err_set_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", repo->path,
                            "the repository was deleted meanwhile");
    return make_repo(tx, repo, actor, out_id, err);
}

int work_event(struct db_tx *tx, const struct meta_actor *actor, const struct auth_repo *repo,
               int64_t repo_id, struct meta_event event, struct err *err)
{
    event.repo_id = repo_id;
    event.path    = repo->path;
    return meta_event_add(tx, actor, &event, err);
}

int work_queue_manifest(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                        int64_t review_after, const char *event, struct err *err)
{
    char *id = mem_printf(arena, "%lld:" STR_FMT, (long long)repo_id, STR_ARGS(digest));

    return meta_gc_queue_put(tx, "manifest", str_from(id), review_after, event, err);
}

int work_pin(struct work *work, struct db_tx *tx, int64_t repo_id, struct str digest, int64_t size,
             struct quota_use *use, struct err *err)
{
    int64_t ttl = work_policy(work)->pin_ttl;
    int64_t now = db_now(tx);
    int64_t ignored_written; /* a pin that lasts is as good as a new one */

    if (use->n > 0) {
        int is_new = meta_blob_link(tx, repo_id, digest, now + ttl, err);

        if (is_new != 0) {
            use->change.bytes += is_new > 0 ? size : 0;
            return is_new < 0 ? -1 : 0;
        }
    }
    return meta_blob_pin(tx, repo_id, digest, now + ttl, now + ttl / 2, &ignored_written, err);
}

bool work_manifest_is_whole(const struct meta_manifest *manifest)
{
    struct oci_digest wanted, found;
    struct err        ignored; /* a digest that is none is damage like any other */

    if (oci_digest_parse(manifest->digest, &wanted, &ignored) < 0)
        return false;
    oci_digest_of(manifest->bytes, wanted.kind, &found);
    return oci_digest_eq(&found, &wanted);
}

int work_digest_of_object(struct arena *arena, struct blob_reader *reader, int64_t size,
                          enum hash_kind kind, const struct work_pace *pace, struct oci_digest *out,
                          struct err *err)
{
    char       *block  = mem_alloc(arena, READ_BLOCK);
    int64_t     offset = 0;
    struct hash hash;

    hash_init(&hash, kind);
    while (offset < size) {
        size_t n;

        if (blob_read(reader, offset, block, READ_BLOCK, &n, err) < 0)
            return -1;
        if (n == 0)
            return err_set_corrupt(err, "an object ends at %lld of %lld bytes", (long long)offset,
                                   (long long)size);
        if (pace != NULL && pace->wait(pace->context, n, err) < 0)
            return -1;
        hash_add(&hash, block, n);
        offset += (int64_t)n;
    }
    oci_digest_from_hash(&hash, out);
    return 0;
}
