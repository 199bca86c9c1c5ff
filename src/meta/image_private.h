/* meta/image_private.h: the columns of a struct meta_image, for files that read it beside rows of their own. `m` is the
 * row of manifests, and $lines the parameter that says whether Dockerfiles are wanted. */
#ifndef META_IMAGE_PRIVATE_H
#define META_IMAGE_PRIVATE_H

#include "db/db.h"
#include "meta/image.h"

/* clang-format off */
#define META_IMAGE_COLUMNS(lines) \
    "m.digest, m.media_type, m.config_type, CASE WHEN m.depth = 0 THEN m.total_size ELSE m.total_size +" \
    " (SELECT CAST(coalesce(sum(c.total_size), 0) AS bigint) FROM manifest_children AS k JOIN manifests AS c ON c.repo_id = k.repo_id" \
    " AND c.digest = k.child WHERE k.repo_id = m.repo_id AND k.parent = m.digest) END," \
    " m.pushed_at, coalesce(p.name, ''), CASE WHEN f.repo_id IS NULL AND m.config_type <> '' THEN 0 ELSE 1 END," \
    " coalesce(f.config_digest, ''), coalesce(f.os, ''), coalesce(f.architecture, ''), coalesce(f.os_version, '')," \
    " CASE WHEN " lines " = 0 THEN NULL ELSE coalesce(f.dockerfile, '[]') END"

#define META_IMAGE_JOINS \
    " LEFT JOIN accounts AS p ON p.id = m.pushed_by" \
    " LEFT JOIN image_facts AS f ON f.repo_id = m.repo_id AND f.manifest = m.digest"

#define META_IMAGE_OUT "tttiitittttt"

/* in: empty, or the member with its dot. */
#define META_IMAGE_FIELDS(type, in) \
    DB_COL_TEXT(type, in digest), \
    DB_COL_TEXT(type, in media_type), \
    DB_COL_TEXT(type, in config_type), \
    DB_COL_INT (type, in total_size), \
    DB_COL_INT (type, in pushed_at), \
    DB_COL_TEXT(type, in pushed_by), \
    DB_COL_INT (type, in has_facts), \
    DB_COL_TEXT(type, in facts.config_digest), \
    DB_COL_TEXT(type, in facts.os), \
    DB_COL_TEXT(type, in facts.architecture), \
    DB_COL_TEXT(type, in facts.os_version), \
    DB_COL_TEXT(type, in facts.dockerfile)
/* clang-format on */

/* A deleted account's name goes on behind a sign that no name has; people are shown what comes before. */
struct str meta_image_person(struct str name);

#endif
