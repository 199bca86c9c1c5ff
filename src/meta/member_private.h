/* meta/member_private.h: pages of members, which organisations and teams have alike. */
#ifndef META_MEMBER_PRIVATE_H
#define META_MEMBER_PRIVATE_H

#include "db/db.h"
#include "meta/org.h"

/* Rows of an account's columns and what it is there. */
int meta_member_list(struct db_tx *tx, struct arena *arena, const struct db_statement *statement,
                     const struct db_value *args, size_t n_args, size_t n_max,
                     struct meta_member **out, size_t *n_out, struct err *err);

/* What is_owner or is_admin must be; -1: either. */
int64_t meta_member_wanted(enum meta_member_filter filter);

#endif
