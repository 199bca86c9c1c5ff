/* meta/webhook.h: subscriptions: who is told of what, where, and in which shape. What waits to be told, and what was,
 * stands in meta/webhook_queue.h. All functions run inside the given transaction; results live in the arena.
 *
 *     active ('') ──hand, failures, full, rights──▶ stopped ──▶ active
 *
 * A stopped one is told of nothing; `missed_from` names the first event that it did not hear of. */
#ifndef META_WEBHOOK_H
#define META_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_webhook {
    int64_t    id;
    struct str uuid;
    int64_t    endpoint_id;
    struct str type;
    struct str key;
    int64_t    namespace_id; /* 0: everything */
    int64_t    repo_id;      /* 0: all of the namespace */
    struct str shape;
    int64_t    author_id;
    int64_t    created_at;
    int64_t    after_event;
    struct str stopped; /* "", "hand", "failures", "full", "rights" */
    int64_t    stopped_at;
    int64_t    missed_from;  /* event; 0: none */
    int64_t    succeeded_at; /* 0: never */
    int64_t    failed_at;
    struct str failure;
    struct str secret; /* sealed; null view: none */
    struct str old_secret;
    int64_t    old_secret_until;

    /* Of its endpoint. */
    struct str url;
    struct str tls_cert;
    int64_t    skip_tls;
    int64_t    next_at; /* 0: nothing waits */
    int64_t    failures;

    struct str author; /* uuid of the account; null view: it is gone */
};

/* Where calls go: found, or made. */
struct meta_endpoint {
    int64_t    namespace_id;
    struct str url;
    struct str tls_cert;
    int64_t    skip_tls;
};

int meta_endpoint_ensure(struct db_tx *tx, const struct meta_endpoint *endpoint, int64_t *out_id,
                         struct err *err);

/* Forgets one that no subscription names any more. */
int meta_endpoint_drop(struct db_tx *tx, int64_t id, struct err *err);

/* Takes uuid, endpoint_id, type, key, namespace_id, repo_id, shape, author_id, secret. */
int meta_webhook_add(struct db_tx *tx, const struct meta_webhook *webhook, int64_t *out_id,
                     struct err *err);

int meta_webhook_find(struct db_tx *tx, struct arena *arena, struct str uuid,
                      struct meta_webhook *out, struct err *err);
int meta_webhook_find_id(struct db_tx *tx, struct arena *arena, int64_t id,
                         struct meta_webhook *out, struct err *err);

/* Null views do not filter; by id after `after`. */
struct meta_webhook_filter {
    struct str key;
    struct str type;
};

int meta_webhook_page(struct db_tx *tx, struct arena *arena,
                      const struct meta_webhook_filter *filter, int64_t after, size_t n_max,
                      struct meta_webhook **out, size_t *n_out, struct err *err);

/* Those that were stopped and not by hand, by id after `after`. */
int meta_webhook_page_stopped(struct db_tx *tx, struct arena *arena, int64_t after, size_t n_max,
                              struct meta_webhook **out, size_t *n_out, struct err *err);

/* How many a key has. */
int meta_webhook_count(struct db_tx *tx, struct str key, int64_t *out, struct err *err);

/* To another endpoint, with what waits. */
int meta_webhook_move(struct db_tx *tx, int64_t id, int64_t endpoint_id, struct err *err);

/* why: not empty. What waits for it is forgotten; missed_from becomes the first event of that, else the next to come. */
int meta_webhook_stop(struct db_tx *tx, int64_t id, const char *why, struct err *err);
int meta_webhook_start(struct db_tx *tx, int64_t id, struct err *err);

/* secret: sealed. The present one signs too until old_until; 0: it is gone at once. */
int meta_webhook_set_secret(struct db_tx *tx, int64_t id, struct str secret, int64_t old_until,
                            struct err *err);

/* The same secrets under another seal. */
int meta_webhook_reseal(struct db_tx *tx, int64_t id, struct str secret, struct str old_secret,
                        struct err *err);

int meta_webhook_set_shape(struct db_tx *tx, int64_t id, struct str shape, struct err *err);

/* With what waits and its log. */
int meta_webhook_remove(struct db_tx *tx, int64_t id, struct err *err);
int meta_webhook_remove_of_repo(struct db_tx *tx, int64_t repo_id, struct err *err);
int meta_webhook_remove_of_namespace(struct db_tx *tx, int64_t namespace_id, struct err *err);

#endif
