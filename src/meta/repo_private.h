/* meta/repo_private.h: what files that read rows of repositories share: their columns, and whether one stands. */
#ifndef META_REPO_PRIVATE_H
#define META_REPO_PRIVATE_H

#include "db/db.h"
#include "meta/repo.h"

/* clang-format off */
#define META_REPO_COLUMNS(at) \
    at "id, " at "uuid, " at "path, " at "namespace_id, " at "is_public, " at "created_at, " at "created_by, " \
    at "short_description, " at "immutable_tags, " at "scan_on_push, " at "enable_manifest_lists, " at "tag_limit"

#define META_REPO_OUT "ittiiiitiiii"

#define META_REPO_FIELDS \
    DB_COL_INT (struct meta_repo, id), \
    DB_COL_TEXT(struct meta_repo, uuid), \
    DB_COL_TEXT(struct meta_repo, path), \
    DB_COL_INT (struct meta_repo, namespace_id), \
    DB_COL_INT (struct meta_repo, is_public), \
    DB_COL_INT (struct meta_repo, created_at), \
    DB_COL_INT (struct meta_repo, created_by), \
    DB_COL_TEXT(struct meta_repo, short_description), \
    DB_COL_INT (struct meta_repo, immutable_tags), \
    DB_COL_INT (struct meta_repo, scan_on_push), \
    DB_COL_INT (struct meta_repo, enable_manifest_lists), \
    DB_COL_INT (struct meta_repo, tag_limit)

/* The row `r` lives, and is as a struct meta_repo_seen says, of which `seen` is the parameter with its is_public. */
#define META_REPO_STANDS(r, seen) r ".deleted_at IS NULL AND (" seen " < 0 OR " r ".is_public = " seen ")"
/* clang-format on */

#endif
