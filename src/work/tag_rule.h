/* work/tag_rule.h: the verbs about rules for tags: which of them stay as they are, at a path and below it. What a rule
 * says is in work/change.h. A place comes as the handle that the decision gave (auth_prefix_open). */
#ifndef WORK_TAG_RULE_H
#define WORK_TAG_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/tag_rule.h"
#include "work/change.h"

struct arena;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

enum { WORK_TAG_RULES_A_PATH = 100 };

/* An empty effect is "immutable", an empty syntax "glob". ERR_INVALID, code INVALID_PARAMETERS, about the field;
 * ERR_EXISTS, RULE_EXISTS; ERR_CONFLICT: TOO_MANY_RULES at WORK_TAG_RULES_A_PATH, LOOSENING_REFUSED for a rule that
 * makes tags mutable below others of which none allows it. */
int work_tag_rule_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *place, const struct meta_tag_rule *form,
                      struct meta_tag_rule *out, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_RULE. */
int work_tag_rule_get(struct work *work, struct arena *arena, struct str uuid,
                      struct meta_tag_rule *out, struct err *err);
int work_tag_rule_absent(struct str uuid, struct err *err);
int work_tag_rule_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *place, struct str uuid, struct err *err);

/* At the prefix and below it, after that id. */
int work_tag_rule_page(struct work *work, struct arena *arena, struct str prefix, int64_t after,
                       size_t n_max, struct meta_tag_rule **out, size_t *n_out, struct err *err);

/* What all of them come to for one repository, and for one tag of it. */
struct work_tag_part {
    struct meta_tag_rule rule;
    const char          *level;
    struct work_rule_fit fit; /* the tag, when one was asked about */
};

struct work_tag_policy {
    bool                  immutable_tags; /* the repository's switch */
    int64_t               tag_limit;
    struct str            tag_limit_keep;
    struct work_tag_part *parts; /* of shorter paths first */
    size_t                n_parts;

    bool             may_move; /* of the tag */
    bool             may_delete;
    struct work_rule why_not; /* delete, else move; when one of the two may not be */
};

/* tag: the null view asks about none; it need not be there. ERR_NOT_FOUND, NAME_UNKNOWN. */
int work_tag_policy_get(struct work *work, struct arena *arena, const struct auth_repo *repo,
                        struct str tag, struct work_tag_policy *out, struct err *err);

#endif
