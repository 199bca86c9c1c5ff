/* meta/repo_private.h: what files that read rows of repositories share: their columns, and whether one stands. */
#ifndef META_REPO_PRIVATE_H
#define META_REPO_PRIVATE_H

#include "db/db.h"
#include "meta/repo.h"

/* clang-format off */
#define META_REPO_COLUMNS(at) \
    at "id, " at "uuid, " at "path, " at "namespace_id, " at "is_public, " at "created_at, " at "created_by, " \
    at "short_description, " at "immutable_tags, " at "scan_on_push, " at "enable_manifest_lists, " at "tag_limit, " \
    at "tag_limit_keep"

#define META_REPO_OUT "ittiiiitiiiit"

/* in: empty, or the member with its dot. */
#define META_REPO_FIELDS_IN(type, in) \
    DB_COL_INT (type, in id), \
    DB_COL_TEXT(type, in uuid), \
    DB_COL_TEXT(type, in path), \
    DB_COL_INT (type, in namespace_id), \
    DB_COL_INT (type, in is_public), \
    DB_COL_INT (type, in created_at), \
    DB_COL_INT (type, in created_by), \
    DB_COL_TEXT(type, in short_description), \
    DB_COL_INT (type, in immutable_tags), \
    DB_COL_INT (type, in scan_on_push), \
    DB_COL_INT (type, in enable_manifest_lists), \
    DB_COL_INT (type, in tag_limit), \
    DB_COL_TEXT(type, in tag_limit_keep)

#define META_REPO_FIELDS META_REPO_FIELDS_IN(struct meta_repo, )

/* The row `r` lives, and is as a struct meta_repo_seen says, of which `seen` is the parameter with its is_public. */
#define META_REPO_STANDS(r, seen) r ".deleted_at IS NULL AND (" seen " < 0 OR " r ".is_public = " seen ")"
/* clang-format on */

#endif
