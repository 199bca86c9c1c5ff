/* meta/tag_rule.h: rules about which tags stay as they are, at a path and all below it; "" is the whole registry. What they
 * come to is decided in work/change.h; here are the rows. */
#ifndef META_TAG_RULE_H
#define META_TAG_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_tag_rule {
    int64_t    id;
    struct str uuid;
    struct str path;
    struct str effect;     /* "immutable", "mutable" */
    struct str syntax;     /* "glob", "regex": of both patterns */
    struct str pattern;    /* of tags */
    struct str but_not;    /* of those that it is not about; empty: of none */
    int64_t    may_loosen; /* rules below may lift it */
    int64_t    created_at;
};

enum { META_TAG_RULES_MAX = 1000 }; /* at one path; what counts for a repository is read whole */

/* Rules and holds are decided by (shared) or changed (exclusive), and whoever does the other waits until the
 * transaction ends: when a rule is told to be there, nothing that was decided without it is still under way. Who
 * changes takes the lock before any other, who decides as late as possible. Of SQLite's one writer it is no news. */
int meta_rules_share(struct db_tx *tx, struct err *err);
int meta_rules_lock(struct db_tx *tx, struct err *err);

/* ERR_EXISTS when the same is there. */
int meta_tag_rule_add(struct db_tx *tx, struct arena *arena, const struct meta_tag_rule *rule,
                      int64_t created_by, struct str *out_uuid, struct err *err);
int meta_tag_rule_find(struct db_tx *tx, struct arena *arena, struct str uuid,
                       struct meta_tag_rule *out, struct err *err);
int meta_tag_rule_remove(struct db_tx *tx, int64_t id, int64_t *out_n, struct err *err);
int meta_tag_rule_count(struct db_tx *tx, struct str path, int64_t *out, struct err *err);

/* At the prefix and below it ("": all there are), in the order of their making after that id. */
int meta_tag_rule_page(struct db_tx *tx, struct arena *arena, struct str prefix, int64_t after,
                       size_t n_max, struct meta_tag_rule **out, size_t *n_out, struct err *err);

/* All that count for the repository of that path, those of shorter paths first. */
int meta_tag_rules_of(struct db_tx *tx, struct arena *arena, struct str path,
                      struct meta_tag_rule **out, size_t *n_out, struct err *err);

#endif
