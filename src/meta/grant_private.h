/* meta/grant_private.h: the columns of a grant with what its role and grantee are called, for the files that read
 * them. */
#ifndef META_GRANT_PRIVATE_H
#define META_GRANT_PRIVATE_H

#include "db/db.h"
#include "meta/grant.h"

/* clang-format off */
#define META_GRANT_COLUMNS \
    "g.id, g.uuid, g.role_id, r.name, r.verbs, g.team_id, t.name, t.uuid, o.name, g.account_id, a.name, g.path, g.repo_id, " \
    "g.created_at"

#define META_GRANT_FROM \
    " FROM grants AS g JOIN roles AS r ON r.id = g.role_id LEFT JOIN teams AS t ON t.id = g.team_id" \
    " LEFT JOIN accounts AS o ON o.id = t.org_id LEFT JOIN accounts AS a ON a.id = g.account_id"

#define META_GRANT_OUT "itittitttittii"

#define META_GRANT_FIELDS \
    DB_COL_INT (struct meta_grant, id), \
    DB_COL_TEXT(struct meta_grant, uuid), \
    DB_COL_INT (struct meta_grant, role_id), \
    DB_COL_TEXT(struct meta_grant, role), \
    DB_COL_TEXT(struct meta_grant, verbs), \
    DB_COL_INT (struct meta_grant, team_id), \
    DB_COL_TEXT(struct meta_grant, team), \
    DB_COL_TEXT(struct meta_grant, team_uuid), \
    DB_COL_TEXT(struct meta_grant, org), \
    DB_COL_INT (struct meta_grant, account_id), \
    DB_COL_TEXT(struct meta_grant, account), \
    DB_COL_TEXT(struct meta_grant, path), \
    DB_COL_INT (struct meta_grant, repo_id), \
    DB_COL_INT (struct meta_grant, created_at)
/* clang-format on */

#endif
