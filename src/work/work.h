/* work/work.h: the verbs of the registry and what they share.
 *
 * Each file of this folder is one verb (pull, push, upload, mount, delete, list, …): it knows no HTTP and
 * no SQL text, takes a repository only as the handle that the decision gave (auth/auth.h), and returns
 * when what it did is durable. One struct work a process; any thread. Errors carry the code and the thing
 * of the registry's error JSON. */
#ifndef WORK_WORK_H
#define WORK_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct auth;
struct auth_repo;
struct blob_store;
struct db;
struct db_tx;
struct err;
struct meta_actor;
struct work;

/* Numbers that an operator may change while the registry runs. Times are µs. */
struct work_policy {
    int64_t pin_ttl;
    int64_t gc_delay;
    int64_t doom_delay;
    int64_t undelete_window;
    int64_t upload_ttl;
    int64_t max_blob_size; /* 0: none */
    int64_t disk_reserve; /* bytes that pushes leave free; at most a sixteenth of the disk counts */
    bool    is_read_only;
    bool    may_delete;
    bool    keep_untagged; /* collection leaves what was pushed by digest and never had a tag */
    int64_t scrub_rate;    /* bytes a second that the scrub hashes; 0: none */
    int64_t scrub_interval;
    bool    verify_on_read; /* a blob is hashed before its first byte goes out */
    int64_t hook_retry; /* after the first failure of a webhook's endpoint; each time twice that */
    int64_t hook_retry_max;
    int64_t hook_failures; /* in a row, before its subscriptions are stopped */
    int64_t hook_timeout;
    bool    counts_pulls; /* where no rule says otherwise (work/pulls.h) */
};

struct work_settings {
    struct db         *db;
    struct auth       *auth; /* is told when access changes; outlives the work; null: nobody is */
    struct blob_store *store;
    unsigned char      state_key[32]; /* for the digests of unfinished uploads */
    struct work_policy policy;
    struct str         node_id; /* on the list of nodes; empty: none, for programs that only look */
};

struct work *work_new(const struct work_settings *settings);
void         work_free(struct work **work);

/* Replaces the policy; what runs finishes under the old one. */
void                      work_set_policy(struct work *work, const struct work_policy *policy);
const struct work_policy *work_policy(struct work *work);

/* Does a living repository have that path? 1, 0, -1. For telling apart the readings of a request's path, not
 * for telling anyone. */
int work_repo_exists(struct work *work, struct str path, struct err *err);

/* Whoever watches the storage tells when it does not answer (`why`) and, with null, when it does again. Until
 * then pushes are ERR_UNAVAILABLE: a volume that was unmounted would take them and be gone. */
void work_set_storage_away(struct work *work, const char *why);

struct db         *work_db(struct work *work);
struct blob_store *work_store(struct work *work);

enum {
    WORK_PROTOCOL       = 1, /* between nodes: an older one alive stops collection */
    WORK_NODE_ID_SIZE   = 16,
    WORK_PAGE_MAX       = 1000,
    WORK_TAGS_A_PUSH    = 100,
    WORK_UPLOADS_OPEN   = 1000, /* a principal */
    WORK_REFERRERS_SIZE = 4 * 1024 * 1024
};

#endif
