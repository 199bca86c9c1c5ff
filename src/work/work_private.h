/* work/work_private.h: the body of struct work and the steps that several verbs share. */
#ifndef WORK_WORK_PRIVATE_H
#define WORK_WORK_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/auth.h"
#include "db/db.h"
#include "meta/event.h"
#include "oci/digest.h"
#include "work/work.h"

struct beside;
struct blob_reader;
struct cache;
struct meta_manifest;
struct pattern_cache;
struct quota_use;
struct quota_view;
struct pulls;
struct work_pace;
struct work_hooks;
struct work_upload;

/* Policies are few and old ones stay, so that readers need no lock. */
struct work_policy_kept {
    struct work_policy       policy;
    struct work_policy_kept *older;
};

enum { WORK_COLLECT_SUMS = 8 };

struct work {
    struct db                         *db;
    struct auth                       *auth;
    struct blob_store                 *store;
    unsigned char                      state_key[32];
    _Atomic(const char *)              storage_away; /* why, or null */
    _Atomic(struct work_policy_kept *) policy;
    struct pattern_cache              *patterns; /* of rules, compiled */

    pthread_mutex_t     uploads_lock; /* guards the list of uploads that a request has open */
    pthread_cond_t      uploads_changed;
    struct work_upload *uploads;
    struct beside      *beside;        /* hashes what is being written */
    _Atomic(int64_t)    collect_db_at; /* two clocks when collection looked last (work/brake.c) */
    _Atomic(int64_t)    collect_boot_at;
    _Atomic(int64_t)    collect_n_resets;                /* as this process saw them last */
    _Atomic(int64_t)    collect_sums[WORK_COLLECT_SUMS]; /* work/collected.c */
    struct cache       *refusals;                        /* how many by minute, network and name */
    _Atomic(struct work_hooks *)
         hooks; /* what webhooks need; null beside a server and while one starts */
    char node_id[WORK_NODE_ID_SIZE];

    pthread_mutex_t    quota_lock;  /* guards the list of quotas (work/quota_private.h) */
    struct quota_view *quotas;      /* the newest first; null: not read yet */
    int64_t            quotas_told; /* the version that the registry knows this node to go by */
    struct pulls      *pulls;
};

/* ERR_UNSUPPORTED while the registry is read-only, or when deletes are off. */
int work_may_write(struct work *work, struct err *err);
int work_may_delete(struct work *work, struct err *err);

/* And `size` bytes may be added: ERR_FULL when the disk would have less than its reserve left, which is for
 * what makes room again (deletes, collection, the database's log), ERR_UNAVAILABLE while the storage is away. */
int work_may_push(struct work *work, size_t size, struct err *err);

/* The repository's id inside this transaction: made now when the handle says that it did not exist, and
 * checked to be still living otherwise. */
int work_repo_ensure(struct db_tx *tx, struct arena *arena, const struct auth_repo *repo,
                     const struct meta_actor *actor, int64_t *out_id, struct err *err);

/* The account of the namespace in which the repository is about to be made stays while it is. ERR_NOT_FOUND,
 * NO_SUCH_ACCOUNT, when it is gone. */
int work_namespace_hold(struct db_tx *tx, const struct auth_repo *repo, struct err *err);

/* An event of this repository with its audit record. */
int work_event(struct db_tx *tx, const struct meta_actor *actor, const struct auth_repo *repo,
               int64_t repo_id, struct meta_event event, struct err *err);

int work_queue_manifest(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str digest,
                        int64_t review_after, const char *event, struct err *err);

/* Hashes the `size` bytes of an object or upload, block by block. pace may be null. */
int work_digest_of_object(struct arena *arena, struct blob_reader *reader, int64_t size,
                          enum hash_kind kind, const struct work_pace *pace, struct oci_digest *out,
                          struct err *err);

/* Do its bytes hash to its digest? */
bool work_manifest_is_whole(const struct meta_manifest *manifest);

/* Makes or renews the push pin of a blob that is visible in the repository, in this transaction. One that the
 * repository did not have counts in `use` with its size. */
int work_pin(struct work *work, struct db_tx *tx, int64_t repo_id, struct str digest, int64_t size,
             struct quota_use *use, struct err *err);

#endif
