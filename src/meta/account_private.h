/* meta/account_private.h: the columns of an account, for the records of this folder that show accounts too. */
#ifndef META_ACCOUNT_PRIVATE_H
#define META_ACCOUNT_PRIVATE_H

#include "db/db.h"
#include "meta/account.h"

/* clang-format off */
/* at: "" or a table's name with its dot. */
#define META_ACCOUNT_COLUMNS(at) \
    at "id, " at "uuid, " at "name, " at "kind, " at "full_name, " at "is_admin, " at "is_active, " at "password_hash, " \
    at "generation, " at "created_at, " at "is_imported, " at "create_on_push, " at "content_cache, " at "owner_id, " \
    at "maker_id, " at "prefix, " at "password_at"

#define META_ACCOUNT_OUT "ittttiitiiiitiiti"

/* in: empty, or the member with its dot. */
#define META_ACCOUNT_FIELDS(type, in)  \
    DB_COL_INT (type, in id),          \
    DB_COL_TEXT(type, in uuid),        \
    DB_COL_TEXT(type, in name),        \
    DB_COL_TEXT(type, in kind),        \
    DB_COL_TEXT(type, in full_name),   \
    DB_COL_INT (type, in is_admin),    \
    DB_COL_INT (type, in is_active),   \
    DB_COL_TEXT(type, in password_hash), \
    DB_COL_INT (type, in generation),  \
    DB_COL_INT (type, in created_at),  \
    DB_COL_INT (type, in is_imported), \
    DB_COL_INT (type, in create_on_push), \
    DB_COL_TEXT(type, in content_cache), \
    DB_COL_INT (type, in owner_id),    \
    DB_COL_INT (type, in maker_id),    \
    DB_COL_TEXT(type, in prefix),      \
    DB_COL_INT (type, in password_at)
/* clang-format on */

#endif
