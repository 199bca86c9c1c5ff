/* meta/upload.h: uploads in progress.
 *
 * A session carries the path's text and not a repository id: the repository is made by the first blob that
 * is finished. Its bytes lie at upload_key; `offset` of them are known to be durable, and hash_state is the
 * digest up to there. Every change names the version that it read (compare and set), so that of two
 * writers one loses with ERR_CONFLICT. */
#ifndef META_UPLOAD_H
#define META_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_upload {
    struct str id; /* 32 hex digits */
    struct str path;
    int64_t    account_id;
    struct str upload_key;
    int64_t    offset;
    struct str hash_state;   /* codec/hash, SHA-256 */
    struct str hash_state_2; /* the announced other algorithm's; null view: none */
    int64_t    version;
    int64_t    created_at;
    int64_t    used_at;
};

int meta_upload_find(struct db_tx *tx, struct arena *arena, struct str id, struct meta_upload *out,
                     struct err *err);
/* id, path, account_id, upload_key and the states of `upload`; version begins at 1. */
int meta_upload_add(struct db_tx *tx, const struct meta_upload *upload, struct err *err);
int meta_upload_advance(struct db_tx *tx, struct str id, int64_t version, int64_t offset,
                        struct str hash_state, struct str hash_state_2, struct err *err);
/* 1 removed, 0 gone or another version, -1. version 0: whatever it is. */
int meta_upload_remove(struct db_tx *tx, struct str id, int64_t version, struct err *err);

int meta_upload_count(struct db_tx *tx, int64_t account_id, int64_t *out, struct err *err);
/* The least recently used of that account (of any: 0) not used since `before`. 1, 0, -1. */
int meta_upload_find_idle(struct db_tx *tx, struct arena *arena, int64_t account_id, int64_t before,
                          struct meta_upload *out, struct err *err);

#endif
