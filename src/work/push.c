/* work/push.c: a manifest becomes visible whole or not at all.
 *
 * Everything that can be judged without the database is judged first. Then one transaction: lock what the
 * manifest names, in digest order so that two pushes never wait for each other in a circle; see that it is
 * there and visible in this repository (a digest is no capability); write the manifest, its references and
 * tags, the events; commit; answer. */
#include "work/push.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "meta/blob.h"
#include "meta/manifest.h"
#include "meta/object.h"
#include "meta/tag.h"
#include "oci/manifest.h"
#include "work/change.h"
#include "work/image_private.h"
#include "work/quota_private.h"
#include "work/tag_limit.h"

struct pushing {
    struct work                  *work;
    struct arena                 *arena;
    const struct meta_actor      *actor;
    const struct auth_repo       *repo;
    const struct work_push       *push;
    struct oci_manifest           manifest;
    struct oci_digest             digest;
    const struct oci_descriptor **blobs; /* config and layers that must be here, in digest order */
    size_t                        n_blobs;
    struct meta_image_facts       facts; /* of an image, when it could be looked into */
    bool                          has_facts;
    int64_t                       depth;
    struct db_tx                 *tx;
    struct quota_use             *use;
    int64_t                       repo_id;
};

static int by_digest(const void *a, const void *b)
{
    const struct oci_descriptor *const *left  = a;
    const struct oci_descriptor *const *right = b;

    return strcmp((*left)->digest.text, (*right)->digest.text);
}

static int check_bytes(struct pushing *p, struct err *err)
{
    const struct work_push *push = p->push;
    enum hash_kind kind = push->reference.is_digest ? push->reference.digest.kind : HASH_SHA256;

    oci_digest_of(push->bytes, kind, &p->digest);
    if (push->reference.is_digest && !oci_digest_eq(&p->digest, &push->reference.digest))
        return err_set_code(err, ERR_INVALID, "DIGEST_INVALID",
                            oci_digest_str(&push->reference.digest),
                            "the manifest's bytes have the digest %s", p->digest.text);
    if (oci_manifest_parse(p->arena, push->bytes, push->media_type, &p->manifest, err) < 0)
        return -1;
    if (p->manifest.has_subject && oci_digest_eq(&p->manifest.subject.digest, &p->digest))
        return err_set_code(err, ERR_INVALID, "MANIFEST_INVALID", oci_digest_str(&p->digest),
                            "a manifest cannot be its own subject");
    return 0;
}

static void gather_blobs(struct pushing *p)
{
    const struct oci_manifest *manifest = &p->manifest;

    p->blobs = mem_array(p->arena, manifest->n_layers + 1, sizeof(*p->blobs));
    if (oci_manifest_is_index(manifest))
        return;

    p->blobs[p->n_blobs++] = &manifest->config;
    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (!manifest->layers[i].is_elsewhere)
            p->blobs[p->n_blobs++] = &manifest->layers[i];
    }
    qsort(p->blobs, p->n_blobs, sizeof(*p->blobs), by_digest);
}

static int unknown(const struct oci_descriptor *descriptor, const char *what, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "MANIFEST_BLOB_UNKNOWN",
                        oci_digest_str(&descriptor->digest),
                        "the manifest names a %s that is not in the repository", what);
}

static int check_size(const struct oci_descriptor *descriptor, int64_t size, struct err *err)
{
    if (descriptor->size == size)
        return 0;
    return err_set_code(err, ERR_INVALID, "SIZE_INVALID", oci_digest_str(&descriptor->digest),
                        "the descriptor says %lld bytes, there are %lld",
                        (long long)descriptor->size, (long long)size);
}

/* Of what is pulled by this descriptor, clients believe the type that it tells. */
static int check_type(const struct oci_descriptor *descriptor, struct str media_type,
                      struct err *err)
{
    if (str_eq(descriptor->media_type, media_type))
        return 0;
    return err_set_code(err, ERR_INVALID, "MANIFEST_INVALID", oci_digest_str(&descriptor->digest),
                        "the descriptor says " STR_FMT ", the manifest is " STR_FMT,
                        STR_ARGS(descriptor->media_type), STR_ARGS(media_type));
}

static int check_blobs(struct pushing *p, struct err *err)
{
    for (size_t i = 0; i < p->n_blobs; i++) {
        struct str       digest = oci_digest_str(&p->blobs[i]->digest);
        struct meta_blob row;
        int              found = meta_blob_lock(p->tx, p->arena, digest, &row, err);

        if (found == 1)
            found = meta_blob_find_visible(p->tx, p->arena, p->repo_id, digest, &row, err);
        if (found < 0)
            return -1;
        if (found == 0 || row.is_damaged)
            return unknown(p->blobs[i], "blob", err);
        if (check_size(p->blobs[i], row.size, err) < 0)
            return -1;
    }
    return 0;
}

static int check_children(struct pushing *p, struct err *err)
{
    for (size_t i = 0; i < p->manifest.n_children; i++) {
        const struct oci_descriptor *child  = &p->manifest.children[i];
        struct str                   digest = oci_digest_str(&child->digest);
        struct meta_manifest         row;
        int64_t                      depth;

        int found = meta_manifest_lock(p->tx, p->repo_id, digest, &depth, err);
        if (found == 1)
            found = meta_manifest_find(p->tx, p->arena, p->repo_id, digest, &row, err);
        if (found < 0)
            return -1;
        if (found == 0)
            return unknown(child, "manifest", err);
        if (check_size(child, (int64_t)row.bytes.n, err) < 0 ||
            check_type(child, row.media_type, err) < 0)
            return -1;
        if (depth + 1 > p->depth)
            p->depth = depth + 1;
    }
    if (p->depth > OCI_DEPTH_MAX)
        return err_set_code(err, ERR_INVALID, "MANIFEST_INVALID", oci_digest_str(&p->digest),
                            "indexes are nested more than %d deep", OCI_DEPTH_MAX);
    return 0;
}

static int write_manifest(struct pushing *p, struct err *err)
{
    const struct oci_manifest *manifest = &p->manifest;
    struct str                 digest   = oci_digest_str(&p->digest);
    int64_t                    now      = db_now(p->tx);
    struct meta_manifest_put   put;
    struct meta_manifest_new   row = {
          .repo_id       = p->repo_id,
          .digest        = digest,
          .media_type    = manifest->media_type,
          .artifact_type = manifest->artifact_type,
          .config_type   = oci_manifest_is_index(manifest) ? STR("") : manifest->config.media_type,
          .bytes         = p->push->bytes,
          .total_size    = manifest->total_size + (int64_t)p->push->bytes.n,
          .depth         = p->depth,
          .pushed_by     = p->actor->account_id,
          .pinned_until  = now + work_policy(p->work)->pin_ttl,
          .is_measured   = p->use->n > 0,
    };

    if (manifest->has_subject) {
        row.subject  = oci_digest_str(&manifest->subject.digest);
        row.referrer = oci_manifest_referrer(p->arena, manifest, &p->digest, p->push->bytes.n);
    }
    if (meta_manifest_put(p->tx, &row, &put, err) < 0)
        return -1;
    p->use->change.bytes += put.n_bytes;

    for (size_t i = 0; i < p->n_blobs; i++) {
        if (meta_manifest_add_blob(p->tx, p->repo_id, digest, oci_digest_str(&p->blobs[i]->digest),
                                   err) < 0)
            return -1;
    }
    for (size_t i = 0; i < manifest->n_children; i++) {
        struct str child = oci_digest_str(&manifest->children[i].digest);

        if (meta_manifest_add_child(p->tx, p->repo_id, digest, child, err) < 0)
            return -1;
    }
    if (p->has_facts && meta_image_put(p->tx, p->repo_id, digest, &p->facts, err) < 0)
        return -1;
    return work_queue_manifest(p->tx, p->arena, p->repo_id, digest,
                               now + work_policy(p->work)->gc_delay, "push", err);
}

static int may_tag(const struct pushing *p, enum auth_verb verb, struct str name, struct err *err)
{
    if ((p->repo->verbs & (unsigned)verb) != 0)
        return 0;
    return err_set_code(err, ERR_DENIED, "DENIED", name, "no right to %s this tag",
                        verb == AUTH_TAG_CREATE ? "create" : "move");
}

/* Of several that make a tag at once one does, and the others move it. 1: it was there, and *old is what it
 * named; 0 it is made; -1. */
static int lock_or_add_tag(struct pushing *p, const struct meta_tag *tag, struct meta_tag *old,
                           struct err *err)
{
    int found, added = 0;

    do {
        found = meta_tag_lock(p->tx, p->arena, p->repo_id, tag->name, old, err);
        if (found != 0)
            return found;
        if (may_tag(p, AUTH_TAG_CREATE, tag->name, err) < 0)
            return -1;
        added = meta_tag_add(p->tx, p->repo_id, tag, err);
    } while (added == 0);
    p->use->change.tags += added > 0;
    return added < 0 ? -1 : 0;
}

static int move_tag(struct pushing *p, const struct meta_tag *tag, struct str old, struct err *err)
{
    int64_t review_after = db_now(p->tx) + work_policy(p->work)->undelete_window;

    if (str_eq(old, tag->digest))
        return meta_tag_move(p->tx, p->repo_id, tag, err);
    if (may_tag(p, AUTH_TAG_MOVE, tag->name, err) < 0 ||
        work_check_change(p->work, p->tx, p->arena, p->repo_id, WORK_MOVE, tag->name, old, err) <
            0 ||
        meta_tag_move(p->tx, p->repo_id, tag, err) < 0)
        return -1;
    return work_queue_manifest(p->tx, p->arena, p->repo_id, old, review_after, "untagged", err);
}

/* Creating and moving are different rights, told apart here, inside the transaction. */
static int write_tag(struct pushing *p, struct str name, struct err *err)
{
    struct str      digest = oci_digest_str(&p->digest);
    struct meta_tag tag    = { .name = name, .digest = digest, .moved_by = p->actor->account_id };
    struct meta_tag old    = { 0 };
    int             found  = lock_or_add_tag(p, &tag, &old, err);

    if (found < 0 || (found == 1 && move_tag(p, &tag, old.digest, err) < 0))
        return -1;

    struct meta_event event = {
        .type        = "TAG_PUSH",
        .object_kind = "tag",
        .object_name = name,
        .digest      = digest,
        .old_digest  = found == 1 ? old.digest : STR_NULL,
    };
    return work_event(p->tx, p->actor, p->repo, p->repo_id, event, err);
}

/* What people call a push has a tag. Last of all: pushes to one repository wait for each other here until they
 * are committed; so each finds what the limit on tags left. */
static int count_push(struct pushing *p, struct err *err)
{
    const struct work_push *push    = p->push;
    bool                    has_tag = !push->reference.is_digest;
    struct str             *names   = mem_many(p->arena, push->n_tags + 1, struct str);
    int64_t                 limit, n_dropped;

    if (!has_tag && push->n_tags == 0)
        return 0;
    if (meta_repo_count_push(p->tx, p->repo_id, &limit, err) < 0)
        return -1;
    if (limit == 0)
        return 0;
    if (has_tag)
        names[0] = push->reference.tag;
    for (size_t i = 0; i < push->n_tags; i++)
        names[i + has_tag] = push->tags[i];

    struct tag_limiting limiting = { .work    = p->work,
                                     .tx      = p->tx,
                                     .arena   = p->arena,
                                     .actor   = p->actor,
                                     .repo    = p->repo,
                                     .repo_id = p->repo_id,
                                     .names   = names,
                                     .n_names = push->n_tags + has_tag };
    if (work_tag_limit_hold(&limiting, &n_dropped, err) < 0)
        return -1;
    p->use->change.tags -= n_dropped;
    return 0;
}

static int write_all(struct pushing *p, struct err *err)
{
    const struct work_push *push = p->push;

    if (work_repo_ensure(p->tx, p->arena, p->repo, p->actor, &p->repo_id, err) < 0 ||
        check_blobs(p, err) < 0 || check_children(p, err) < 0 || write_manifest(p, err) < 0)
        return -1;

    struct meta_event event = {
        .type        = "MANIFEST_PUSH",
        .object_kind = "manifest",
        .object_name = oci_digest_str(&p->digest),
        .digest      = oci_digest_str(&p->digest),
    };
    if (work_event(p->tx, p->actor, p->repo, p->repo_id, event, err) < 0)
        return -1;

    if (!push->reference.is_digest && write_tag(p, push->reference.tag, err) < 0)
        return -1;
    for (size_t i = 0; i < push->n_tags; i++) {
        if (write_tag(p, push->tags[i], err) < 0)
            return -1;
    }
    return quota_settle(p->use, p->tx, err) < 0 ? -1 : count_push(p, err);
}

/* The transaction, from begin to commit. */
static int write(struct pushing *p, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (failpoint(FP_PUSH, err) < 0 ||
        db_begin(p->work->db, DB_WRITE, "push manifest", &tx, err) < 0)
        return -1;
    p->tx = tx;
    if (write_all(p, err) < 0 || failpoint(FP_PUSH_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_PUSHED, err);
}

int work_push_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, const struct work_push *push,
                       struct work_pushed *out, struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };
    struct pushing                   p   = {
                            .work = work, .arena = arena, .actor = actor, .repo = repo, .push = push, .use = &use
    };

    if (work_may_push(work, push->bytes.n, err) < 0 || check_bytes(&p, err) < 0)
        return -1;
    gather_blobs(&p);
    if (repo->id != 0 && !oci_manifest_is_index(&p.manifest))
        p.has_facts = work_image_look(work, arena, repo->id, &p.manifest, &p.facts) == 1;

    if (quota_begin(work, repo->path, &use, err) < 0)
        return -1;
    if (write(&p, err) < 0) {
        quota_tell_refused(&use, actor);
        return -1;
    }

    *out = (struct work_pushed){ .digest = p.digest, .subject = STR_NULL };
    if (p.manifest.has_subject)
        out->subject = str_copy(arena, oci_digest_str(&p.manifest.subject.digest));
    return 0;
}
