/* work/change.h: may this change, and which rule says so? Asked inside the transaction of whatever moves or takes away a
 * tag, a manifest, a blob or a repository: pushes, deletes, limits, pruning, collection, purges, undeleting over a tag
 * that is there.
 *
 *                              create  move  delete  collect  purge
 *     immutable repository       .      no     no       .       .     its switch immutableTags
 *     immutable tags             .      no     no       .       .     rules by pattern, of the path and above
 *     hold                       .      no     no       no      no    on the digest, the tag, or a prefix above
 *     keep days                  .      .      no       no      no    so long since the manifest was pushed
 *
 * A rule for tags counts at its path and below. One that makes tags mutable lifts those of shorter paths that allow
 * it (mayLoosen). A pattern that reaches its limit stands for what is safe: an immutable one fits, the others do not.
 *
 * No race: who decides shares a lock with all others who do, and who changes rules or holds has it alone
 * (meta/tag_rule.h). The answer to "there is a hold" comes after whatever was decided without it. */
#ifndef WORK_CHANGE_H
#define WORK_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;
struct meta_tag_rule;
struct work;

enum work_change_kind { WORK_CREATE, WORK_MOVE, WORK_DELETE, WORK_COLLECT, WORK_PURGE };

struct work_change {
    enum work_change_kind kind;
    int64_t               repo_id;        /* 0: a blob, wherever it is */
    struct str            path;           /* of the repository, which may be deleted */
    int64_t               immutable_tags; /* its switch */
    struct str            tag;            /* null view: none */
    struct str            digest;         /* what the tag names; the manifest or blob */
};

struct work_rule {
    const char *kind; /* as above */
    const char *
        level; /* where it stands: "instance", "namespace", "prefix", "repository", "tag", "digest" */
    struct str id;      /* null view: the switch */
    struct str path;    /* "" is the whole registry */
    struct str pattern; /* of tags; null view: none */
    struct str reason;  /* of a hold; null view: none */
    struct str owner;
    int64_t    until; /* µs; INT64_MAX: until it is lifted */
};

/* 1; 0 and the rule that says no; -1. Who acts on the answer has shared the lock of the rules before
 * (meta_rules_share), as late in the transaction as possible. */
int work_may_change(struct work *work, struct db_tx *tx, struct arena *arena,
                    const struct work_change *change, struct work_rule *out, struct err *err);

/* ERR_CONFLICT, code TAG_IMMUTABLE or HELD, in words that name the rule. Returns -1. */
int work_refuse_change(const struct work_change *change, const struct work_rule *rule,
                       struct err *err);

/* The two together for something in a living repository, whose settings are held as they are. No tag: the manifest or
 * blob itself. 0, -1. */
int work_check_change(struct work *work, struct db_tx *tx, struct arena *arena, int64_t repo_id,
                      enum work_change_kind kind, struct str tag, struct str digest,
                      struct err *err);

/* And for the deleting of a whole repository, which the caller has locked: 0, -1. */
int work_check_repo(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str path,
                    struct err *err);

/* -- for those who show rules ------------------------------------------------------------------------- */

/* "instance", "namespace", "repository" (of exactly that path), "prefix". */
const char *work_rule_level(struct str rule_path, struct str repo_path);

/* What a rule of tags says of one tag. */
struct work_rule_fit {
    bool       fits;
    struct str lifted_by; /* id of the rule that lifts it; null view: none */
};

/* Of all rules that count for a repository, those of shorter paths first, into `out`. */
int work_rules_fit(struct work *work, const struct meta_tag_rule *rules, size_t n, struct str tag,
                   struct work_rule_fit *out, struct err *err);

#endif
